"""Precision against recall, and true against false positives, at every threshold."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np

from convkit.metrics._class_scores import ClassScores, warn_of_undefined
from convkit.metrics._inputs import read_names
from convkit.metrics._positives import RankedClass, ranked_classes
from convkit.metrics._shares import share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convkit.metrics._inputs import Array, Floats, Integers, Numbers


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecallCurve:
    """Precision and recall of one class at each of its T distinct scores.

    Args:
        precision: (T + 1,); `precision[i]` at `score >= thresholds[i]`, the last value is 1.
        recall: (T + 1,), falling; the last value is 0. NaN for a class without positives.
        thresholds: (T,), ascending.
        class_name: Name of the class.
        positives: Number of its samples.

    Examples:
        >>> curve = precision_recall_curve([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])[0]
        >>> curve.recall
        array([1. , 1. , 0.5, 0.5, 0. ])
    """

    precision: Floats
    recall: Floats
    thresholds: Array
    _: KW_ONLY
    class_name: str
    positives: int

    @property
    def average_precision(self) -> float:
        """The area in steps, not interpolated: the AP; NaN for a class without positives."""
        return float(-(np.diff(self.recall) * self.precision[:-1]).sum())


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """True against false positive rate of one class at each of its T distinct scores.

    Args:
        false_positive_rate: (T + 1,), ascending from 0 to 1; NaN when every sample is of the class.
        true_positive_rate: (T + 1,), ascending from 0 to 1; NaN for a class without positives.
        thresholds: (T + 1,), descending; the first is infinite: nothing is called positive.
        class_name: Name of the class.
        positives: Number of its samples.

    Examples:
        >>> roc_curve([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])[0].area
        0.75
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats
    _: KW_ONLY
    class_name: str
    positives: int

    @property
    def area(self) -> float:
        """Area under the curve by trapezoids: the share of (positive, negative) pairs in order."""
        heights = (self.true_positive_rate[1:] + self.true_positive_rate[:-1]) / 2
        return float((heights * np.diff(self.false_positive_rate)).sum())


def precision_recall_curve(
    scores: Numbers, truth: Numbers, *, class_names: Iterable[str] | None = None
) -> tuple[PrecisionRecallCurve, ...]:
    """Precision and recall of each class against the rest, at each of its distinct scores.

    Args:
        scores: Real or whole numbers (N, C), or (N,) for one class; see `average_precision`.
        truth: Class indices (N,), or marks of the shape of the scores.
        class_names: Names of the classes; None numbers them.

    Returns:
        One curve for each class, `curves[k]` of class k.

    Raises:
        MetricError: As `average_precision`.

    Examples:
        >>> curves = precision_recall_curve([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]], truth=[0, 1, 1])
        >>> curves[1].precision
        array([0.66666667, 1.        , 1.        , 1.        ])
    """
    curves = []
    for ranked in ranked_classes(scores, truth):
        thresholds, hits, alarms = _at_thresholds(ranked)
        precision = np.append(share(hits, alarms), 1.0)
        recall = np.append(share(hits, ranked.positives.size), 0.0)
        curves.append((precision, recall, thresholds, ranked.positives.size))
    names = read_names(class_names, len(curves))
    return tuple(
        PrecisionRecallCurve(p, r, t, class_name=name, positives=n)
        for name, (p, r, t, n) in zip(names, curves, strict=True)
    )


def roc_curve(
    scores: Numbers, truth: Numbers, *, class_names: Iterable[str] | None = None
) -> tuple[RocCurve, ...]:
    """True against false positive rate of each class, at each of its distinct scores.

    Args:
        scores: Real or whole numbers (N, C), or (N,) for one class; see `average_precision`.
        truth: Class indices (N,), or marks of the shape of the scores.
        class_names: Names of the classes; None numbers them.

    Returns:
        One curve for each class, `curves[k]` of class k.

    Raises:
        MetricError: As `average_precision`.

    Examples:
        >>> curve = roc_curve([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])[0]
        >>> curve.true_positive_rate
        array([0. , 0.5, 0.5, 1. , 1. ])
    """
    curves = []
    for ranked in ranked_classes(scores, truth):
        thresholds, hits, alarms = _at_thresholds(ranked)
        true_rate = share(np.append(hits, 0), ranked.positives.size)[::-1]
        false_rate = share(np.append(alarms - hits, 0), ranked.negatives)[::-1]
        falling = np.append(thresholds.astype(np.float64), np.inf)[::-1]
        curves.append((false_rate, true_rate, falling, ranked.positives.size))
    names = read_names(class_names, len(curves))
    return tuple(
        RocCurve(f, t, thresholds, class_name=name, positives=n)
        for name, (f, t, thresholds, n) in zip(names, curves, strict=True)
    )


def roc_area(
    scores: Numbers, truth: Numbers, *, class_names: Iterable[str] | None = None
) -> ClassScores:
    """Area under the ROC curve of each class against the rest, without making the curves.

    It is the share of pairs (positive, negative) in which the positive scores more; equal scores
    count half. Undefined (NaN, left out of the mean, one warning) for a class without positives
    or without negatives.

    Args:
        scores: Real or whole numbers (N, C), or (N,) for one class; see `average_precision`.
        truth: Class indices (N,), or marks of the shape of the scores.
        class_names: Names for the printed result.

    Returns:
        `.per_class` (C,), `.mean`, `.weighted`, `.undefined`, `.positives`.

    Raises:
        MetricError: As `average_precision`.

    Examples:
        >>> roc_area([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]).mean
        0.75
    """
    found = [(_pairs_in_order(one), one.positives.size) for one in ranked_classes(scores, truth)]
    return warn_of_undefined(
        ClassScores(
            "ROC area",
            definition="Share of pairs (positive, negative) in which the positive scores more,"
            " equal scores count half.",
            per_class=np.array([value for value, _ in found]),
            positives=np.array([size for _, size in found], dtype=np.int64),
            class_names=read_names(class_names, len(found)),
        ),
        "no positives or no negatives",
    )


def _pairs_in_order(ranked: RankedClass) -> float:
    """The share of (positive, negative) pairs in which the positive scores more."""
    below, not_above = (
        np.searchsorted(ranked.scores, ranked.positives, side)
        - np.searchsorted(ranked.positives, ranked.positives, side)
        for side in ("left", "right")
    )
    # Whole numbers up to the one division: twice the pairs, so that a half is whole too.
    twice = int(below.sum()) + int(not_above.sum())
    return float(share(twice, 2 * ranked.positives.size * ranked.negatives))


def _at_thresholds(ranked: RankedClass) -> tuple[Array, Integers, Integers]:
    """The distinct scores, ascending, with the positives and all samples at or above each."""
    starts = np.flatnonzero(np.append(True, ranked.scores[1:] != ranked.scores[:-1]))
    thresholds = ranked.scores[starts]
    hits = ranked.positives.size - np.searchsorted(ranked.positives, thresholds, "left")
    return thresholds, hits, ranked.scores.size - starts
