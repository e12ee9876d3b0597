"""Scores that arrive batch by batch, counted in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convkit.errors import MetricError
from convkit.metrics._class_scores import ClassScores, warn_of_undefined
from convkit.metrics._inputs import read_classes, refuse_other_classes
from convkit.metrics._losses import ROUNDING
from convkit.metrics._processes import sum_over_processes
from convkit.metrics._shares import share
from convkit.metrics._tally import count_into
from convkit.metrics._top_k import read_scores_and_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convkit.metrics._inputs import Floats, Integers, Numbers

_MOST_CELLS = 1 << 27


class ScoreHistogram:
    """Positives and samples counted in bins of the score, in 16 C B bytes however many samples.

    Scores are probabilities, 0 to 1; bin b of B holds those with floor(score * B) = b, computed in
    float64, the last bin also 1. All scores of a bin are one threshold, so its metrics are exactly
    those of the scores rounded down to bins.

    Args:
        classes: The class names, or the number of classes.
        bins: B, the same for every class.

    Examples:
        >>> histogram = ScoreHistogram(2, bins=100)
        >>> histogram.update([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], truth=[0, 1, 1])
        >>> histogram.average_precision().mean
        1.0
        >>> histogram.roc_area().mean
        1.0
    """

    def __init__(self, classes: Iterable[str] | int, bins: int = 1000) -> None:
        self.class_names = read_classes(classes)
        if bins < 2 or bins * len(self.class_names) > _MOST_CELLS:
            raise MetricError(
                f"bins must be 2 to {_MOST_CELLS // len(self.class_names):,} for"
                f" {len(self.class_names):,} classes, got {bins:,}"
            )
        self.bins = bins
        self._all = np.zeros(len(self.class_names) * bins, dtype=np.int64)
        self._positive = np.zeros_like(self._all)

    def update(self, scores: Numbers, truth: Numbers) -> None:
        """Count one batch.

        Args:
            scores: Probabilities (N, C).
            truth: Class indices (N,).

        Raises:
            MetricError: For scores outside 0 to 1, labels outside, or lengths that differ; nothing
                is counted then.
        """
        columns, labels = read_scores_and_labels(scores, truth)
        if columns.shape[1] != len(self.class_names):
            raise MetricError(f"scores must be (N, {len(self.class_names)}), got {columns.shape}")
        outside = np.argwhere((columns < 0) | (columns > 1 + ROUNDING))
        if len(outside):
            i, k = outside[0].tolist()
            raise MetricError(
                f"scores: {len(outside):,} of {columns.size:,} lie outside 0 to 1, the first at"
                f" sample {i}, class {k}: {columns[i, k]}"
            )
        bin_of = np.minimum(
            (columns.astype(np.float64) * self.bins).astype(np.int64), self.bins - 1
        )
        cells = bin_of + np.arange(columns.shape[1]) * self.bins
        count_into(self._all, cells.ravel())
        count_into(self._positive, cells[np.arange(labels.size), labels])

    def merge(self, other: ScoreHistogram) -> ScoreHistogram:
        """Add another histogram's counts to this one's, in place, and return this one.

        Args:
            other: Of the same classes and bins.

        Returns:
            This one.

        Raises:
            MetricError: When classes or bins differ.
        """
        refuse_other_classes(self.class_names, other.class_names)
        if self.bins != other.bins:
            raise MetricError(f"the histograms have {self.bins:,} and {other.bins:,} bins")
        self._all += other._all
        self._positive += other._positive
        return self

    def gather(self) -> ScoreHistogram:
        """The counts of all processes of a distributed run; every process must call it."""
        gathered = ScoreHistogram(self.class_names, self.bins)
        gathered._all += sum_over_processes(self._all)
        gathered._positive += sum_over_processes(self._positive)
        return gathered

    def average_precision(self) -> ClassScores:
        """Average precision of each class, not interpolated, one threshold for each bin."""
        positive, every = self._by_class()
        hits, alarms = (counts[:, ::-1].cumsum(axis=1)[:, ::-1] for counts in (positive, every))
        precision = np.nan_to_num(share(hits, alarms))
        return self._result(
            "average precision",
            "Not interpolated: AP = sum over thresholds of (R_n - R_n-1) P_n, one threshold for"
            f" each of {self.bins:,} bins of the score.",
            share((positive * precision).sum(axis=1), positive.sum(axis=1)),
            "no positives",
        )

    def roc_area(self) -> ClassScores:
        """Area under the ROC curve of each class; scores of one bin are equal."""
        positive, every = self._by_class()
        negative = every - positive
        up_to = negative.cumsum(axis=1)
        twice = (positive * (2 * up_to - negative)).sum(axis=1)
        return self._result(
            "ROC area",
            "Share of pairs (positive, negative) in which the positive scores more, those in one"
            f" of {self.bins:,} bins of the score count half.",
            share(twice, 2 * positive.sum(axis=1) * negative.sum(axis=1)),
            "no positives or no negatives",
        )

    def _by_class(self) -> tuple[Integers, Integers]:
        """Counts of positives and of all samples, (C, B), by ascending score."""
        return self._positive.reshape(-1, self.bins), self._all.reshape(-1, self.bins)

    def _result(self, metric: str, definition: str, values: Floats, reason: str) -> ClassScores:
        result = ClassScores(
            metric,
            definition=definition,
            per_class=values,
            positives=self._by_class()[0].sum(axis=1),
            class_names=self.class_names,
        )
        return warn_of_undefined(result, reason, stacklevel=4)
