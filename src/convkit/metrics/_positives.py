"""How many samples, and how many positives, score at least as much as each positive?

That is all that average precision, its interpolations and the area under the ROC curve ask of
the scores. So each class's scores are sorted as plain numbers, which needs no permutation and no
gather of labels, and the few positives are looked up in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convkit.errors import MetricError
from convkit.metrics._inputs import (
    Array,
    Integers,
    Numbers,
    as_array,
    read_labels,
    read_scores,
    refuse_not_finite,
    refuse_other_length,
    refuse_outside,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Scores sorted at a time: 4 Mi of them are 16 MiB as float32.
_SORTED_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class RankedClass:
    """One class against the rest.

    Args:
        negatives: Number of samples not of the class.
        scores: The class's scores of all samples, ascending.
        positives: Its scores of the samples that are of the class, ascending.
    """

    negatives: int
    scores: Array
    positives: Array

    def hits(self) -> Integers:
        """For each positive, the positives that score at least as much."""
        return self.positives.size - np.searchsorted(self.positives, self.positives, "left")

    def alarms(self) -> Integers:
        """For each positive, all samples that score at least as much."""
        return self.scores.size - np.searchsorted(self.scores, self.positives, "left")


def ranked_classes(scores: Numbers, truth: Numbers) -> Iterator[RankedClass]:
    """The classes one after the other, each with its sorted scores.

    Args:
        scores: (N, C), or (N,) for one class.
        truth: Class indices (N,); with scores (N,) the positives (N,) as bool or 0 and 1; or
            (N, C) as bool or 0 and 1, where a sample may be of several classes.
    """
    given = as_array(scores, "scores")
    columns = read_scores(given)
    of_class, sample = _positives(columns, truth, one_class=given.ndim == 1)
    ends = np.cumsum(np.bincount(of_class, minlength=columns.shape[1]))
    order = np.argsort(of_class.astype(np.min_scalar_type(columns.shape[1])), kind="stable")
    positive_scores = np.split(columns[sample[order], of_class[order]], ends[:-1])
    for k, ascending in enumerate(_sorted_columns(columns)):
        positives = np.sort(positive_scores[k])
        yield RankedClass(ascending.size - positives.size, ascending, positives)


def _positives(scores: Array, truth: Numbers, *, one_class: bool) -> tuple[Integers, Integers]:
    """Class and sample of every positive."""
    array = as_array(truth, "truth")
    refuse_other_length(len(scores), array.shape[0] if array.ndim else 1, ("scores", "truth"))
    if array.ndim == 1 and not one_class:
        labels = read_labels(array, "truth")
        refuse_outside(labels, scores.shape[1], "truth")
        return labels, np.arange(labels.size)
    marks = array[:, None] if array.ndim == 1 else array
    if marks.shape != scores.shape:
        raise MetricError(
            f"truth must be class indices (N,) or marks {scores.shape}, got {array.shape}"
        )
    if not ((marks == 0) | (marks == 1)).all():
        raise MetricError("truth marks each positive with 1 and everything else with 0")
    sample, of_class = np.nonzero(marks)
    return of_class, sample


def _sorted_columns(scores: Array) -> Iterator[Array]:
    """Each column ascending, a few columns in memory at a time."""
    samples, classes = scores.shape
    step = max(1, _SORTED_AT_ONCE // samples)
    for start in range(0, classes, step):
        block = np.array(scores[:, start : start + step].T, order="C")
        block.sort(axis=1)
        # NaN and infinity sort to the ends, so two columns tell of all.
        if block.dtype.kind == "f" and not np.isfinite(block[:, [0, -1]]).all():
            refuse_not_finite(scores, "scores")
        yield from block
