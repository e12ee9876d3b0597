"""How often is the true class among the k greatest scores?"""

from __future__ import annotations

import numpy as np

from convkit.errors import MetricError
from convkit.metrics._inputs import (
    Array,
    Integers,
    Numbers,
    read_labels,
    read_scores,
    refuse_not_finite,
    refuse_other_length,
    refuse_outside,
)

# Scores compared at a time, so that the marks of a large set are never all in memory.
_COMPARED_AT_ONCE = 1 << 20


def top_k_accuracy(scores: Numbers, truth: Numbers, k: int = 5) -> float:
    """Share of samples whose true class is among the k greatest scores.

    Equal scores are broken by the class index, the smaller first, on every device: with all scores
    equal, the classes 0 to k - 1 are the top k.

    Args:
        scores: Real or whole numbers (N, C).
        truth: Class indices (N,).
        k: From 1 (the accuracy) to C - 1; with k = C every prediction would be right.

    Returns:
        The share, between 0 and 1.

    Raises:
        MetricError: For scores that are not finite, labels outside, lengths that differ, k outside
            1 to C - 1, or no samples.

    Examples:
        >>> top_k_accuracy([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], truth=[1, 2], k=2)
        0.5
    """
    columns, labels = read_scores_and_labels(scores, truth)
    if not 1 <= k < columns.shape[1]:
        raise MetricError(
            f"k must be at least 1 and below the number of classes, {columns.shape[1]}, got {k}"
        )
    step = max(1, _COMPARED_AT_ONCE // columns.shape[1])
    right = sum(
        int((_places(columns[i : i + step], labels[i : i + step]) < k).sum())
        for i in range(0, labels.size, step)
    )
    return right / labels.size


def read_scores_and_labels(
    scores: Numbers, truth: Numbers, what: str = "scores"
) -> tuple[Array, Integers]:
    """Finite scores (N, C) with their labels (N,), checked against each other."""
    columns, labels = read_scores(scores, what), read_labels(truth, "truth")
    refuse_other_length(len(columns), labels.size, (what, "truth"))
    refuse_outside(labels, columns.shape[1], "truth")
    refuse_not_finite(columns, what)
    return columns, labels


def _places(scores: Array, labels: Integers) -> Integers:
    """How many classes come before the true one."""
    of_truth = np.take_along_axis(scores, labels[:, None], axis=1)
    before = np.arange(scores.shape[1]) < labels[:, None]
    ahead = (scores > of_truth) | ((scores == of_truth) & before)
    return np.asarray(ahead.sum(axis=1), dtype=np.int64)
