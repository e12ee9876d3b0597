"""In which order classes stand at a confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convkit.plots._arrays import Array


def by_recall(counts: Array) -> Array:
    """The hardest class first; equal recalls in the order given, classes without a sample last."""
    support = counts.sum(axis=1)
    recall = np.diagonal(counts) / np.where(support == 0, np.nan, support)
    return np.argsort(recall, kind="stable")


def clustered(counts: Array) -> Array:
    """Classes that are taken for each other side by side.

    The pair with the greatest share of confusion, in both directions together, is joined first,
    then the next pair whose classes still have a free side; the chains that result stand in the
    order in which their first classes were given.
    """
    shares = np.abs(counts) / np.maximum(np.abs(counts).sum(axis=1, keepdims=True), 1)
    weights = np.triu(shares + shares.T, k=1)
    chain_of = {index: [index] for index in range(len(counts))}
    for flat in np.argsort(-weights, axis=None, kind="stable"):
        one, other = divmod(int(flat), len(counts))
        if weights[one, other] == 0:
            break
        left, right = chain_of[one], chain_of[other]
        if left is right or one not in {left[0], left[-1]} or other not in {right[0], right[-1]}:
            continue
        joined = (left if left[-1] == one else left[::-1]) + (
            right if right[0] == other else right[::-1]
        )
        chain_of.update(dict.fromkeys(joined, joined))
    chains = {id(chain): chain for chain in chain_of.values()}.values()
    ordered = [chain if chain[0] < chain[-1] else chain[::-1] for chain in chains]
    return np.array([index for chain in sorted(ordered, key=min) for index in chain])
