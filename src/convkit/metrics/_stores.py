"""Scores that arrive batch by batch: kept exactly, or counted in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from convkit.errors import MetricError
from convkit.metrics._class_scores import ClassScores, warn_of_undefined
from convkit.metrics._inputs import (
    as_array,
    read_classes,
    read_labels,
    refuse_empty,
    refuse_other_length,
    refuse_outside,
)
from convkit.metrics._losses import ROUNDING
from convkit.metrics._processes import join_over_processes, sum_over_processes
from convkit.metrics._shares import share
from convkit.metrics._tally import count_into
from convkit.metrics._top_k import read_scores_and_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convkit.metrics._inputs import Array, Integers, Numbers

_MOST_CELLS = 1 << 27


class ScoreStore:
    """Every score and label of the batches, exactly as they came: 4 N C bytes for float32.

    What is read from it does not depend on how the samples were cut into batches. Batches on an
    accelerator stay there, and are checked, when `scores` is read.

    Args:
        classes: The class names, or the number of classes.

    Example:
        >>> store = ScoreStore(2)
        >>> store.update([[0.9, 0.1], [0.2, 0.8]], truth=[0, 1])
        >>> store.update([[0.6, 0.4]], truth=[1])
        >>> store.truth
        array([0, 1, 1])
        >>> store.scores.shape
        (3, 2)
    """

    def __init__(self, classes: Iterable[str] | int) -> None:
        self.class_names = read_classes(classes)
        self._batches: list[tuple[Numbers, Numbers]] = []

    def update(self, scores: Numbers, truth: Numbers) -> None:
        """Keep one batch.

        Args:
            scores: (N, C).
            truth: Class indices (N,).

        Raises:
            MetricError: When the shapes do not fit, or, for a batch on the CPU, when scores are
                not finite or labels lie outside the classes; nothing of the batch is kept then.
        """
        kept = (_copy(scores, "scores"), _copy(truth, "truth"))
        shape = tuple(kept[0].shape)
        refuse_empty(shape, "scores")
        if len(shape) != 2 or shape[1] != len(self.class_names):
            raise MetricError(f"scores must be (N, {len(self.class_names)}), got {shape}")
        if not isinstance(kept[0], torch.Tensor) and not isinstance(kept[1], torch.Tensor):
            kept = read_scores_and_labels(*kept)
        refuse_other_length(shape[0], kept[1].shape[0] if kept[1].ndim else 1, ("scores", "truth"))
        self._batches.append(kept)

    def merge(self, other: ScoreStore) -> ScoreStore:
        """Take in another store's batches, and return this store.

        Raises:
            MetricError: When the classes differ.
        """
        _refuse_other_classes(self.class_names, other.class_names)
        self._batches += other._batches
        return self

    def gather(self) -> ScoreStore:
        """The samples of all processes of a distributed run, those of rank 0 first.

        Every process must call it, and no sample may have been given to two of them.
        """
        none = np.empty((0, len(self.class_names)), dtype=np.float32)
        gathered = ScoreStore(self.class_names)
        gathered.update(
            join_over_processes(self.scores if self._batches else none),
            join_over_processes(self.truth if self._batches else none[:, 0].astype(np.int64)),
        )
        return gathered

    @property
    def scores(self) -> Array:
        """All scores (N, C) on the host."""
        self._refuse_none()
        return np.concatenate([as_array(scores, "scores") for scores, _ in self._batches])

    @property
    def truth(self) -> Integers:
        """All class indices, int64 (N,)."""
        self._refuse_none()
        labels = np.concatenate([read_labels(truth, "truth") for _, truth in self._batches])
        refuse_outside(labels, len(self.class_names), "truth")
        return labels

    def _refuse_none(self) -> None:
        if not self._batches:
            raise MetricError("the store is empty: update it with at least one sample")


class ScoreHistogram:
    """Positives and samples counted in bins of the score, in 16 C B bytes however many samples.

    Scores are probabilities, 0 to 1; bin b of B holds those with floor(score * B) = b, computed in
    float64, the last bin also 1. All scores of a bin are one threshold, so its metrics are exactly
    those of the scores rounded down to bins.

    Args:
        classes: The class names, or the number of classes.
        bins: B, the same for every class.

    Example:
        >>> histogram = ScoreHistogram(2, bins=100)
        >>> histogram.update([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], truth=[0, 1, 1])
        >>> histogram.average_precision().mean
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

        Raises:
            MetricError: When classes or bins differ.
        """
        _refuse_other_classes(self.class_names, other.class_names)
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
        raised = self._positive.reshape(-1, self.bins)[:, ::-1]
        alarms = self._all.reshape(-1, self.bins)[:, ::-1].cumsum(axis=1)
        hits = raised.cumsum(axis=1)
        precision = np.nan_to_num(share(hits, alarms))
        positives = raised.sum(axis=1)
        return warn_of_undefined(
            ClassScores(
                "average precision",
                definition="Not interpolated: AP = sum over thresholds of (R_n - R_n-1) P_n, one"
                f" threshold for each of {self.bins:,} bins of the score.",
                per_class=share((raised * precision).sum(axis=1), positives),
                positives=positives,
                class_names=self.class_names,
            ),
            "no positives",
        )


def _copy(values: Numbers, what: str) -> torch.Tensor | Array:
    """A copy that later changes of the caller's memory do not reach, on the same device."""
    if isinstance(values, torch.Tensor) and values.device.type != "cpu":
        return values.detach().clone()
    return as_array(values, what).copy()


def _refuse_other_classes(ours: tuple[str, ...], others: tuple[str, ...]) -> None:
    if ours != others:
        raise MetricError(f"the classes differ: {len(ours)} and {len(others)} of them, or names")
