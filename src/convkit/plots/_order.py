"""In which order classes stand at a confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convkit.plots._arrays import Array


def by_recall(counts: Array) -> Array:
    """The hardest class first; equal recalls in the order given."""
    recall = np.diagonal(counts) / np.maximum(counts.sum(axis=1), 1)
    return np.argsort(recall, kind="stable")


def clustered(counts: Array) -> Array:
    """Classes that are taken for each other side by side.

    Spectral seriation: the order of the second eigenvector of the graph Laplacian, whose edges
    are the shares of confusion in both directions (Atkins, Boman, Hendrickson 1998).
    """
    if len(counts) < 3:
        return np.arange(len(counts))
    shares = np.abs(counts) / np.maximum(np.abs(counts).sum(axis=1, keepdims=True), 1)
    edges = shares + shares.T
    np.fill_diagonal(edges, 0)
    # A faint edge between all joins classes that are never confused; else there is no one order.
    edges += 1e-6 * max(float(edges.max()), 1.0)
    laplacian = np.diag(edges.sum(axis=1)) - edges
    second = np.linalg.eigh(laplacian)[1][:, 1]
    # An eigenvector may point either way: the first class decides.
    return np.argsort(second if second[0] <= 0 else -second, kind="stable")
