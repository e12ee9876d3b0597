"""How well does the score of a class put its samples before all others?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from convkit.errors import MetricError
from convkit.metrics._class_scores import ClassScores, warn_of_undefined
from convkit.metrics._inputs import Floats, Integers, Numbers, read_names
from convkit.metrics._positives import ranked_classes

if TYPE_CHECKING:
    from collections.abc import Iterable

Interpolation: TypeAlias = Literal["none", "all-point", "11-point"]

_DEFINITIONS = {
    "none": "Not interpolated: AP = sum over thresholds of (R_n - R_n-1) P_n, equal scores are one"
    " threshold.",
    "all-point": "All-point interpolated: AP = sum over thresholds of (R_n - R_n-1) times the"
    " greatest precision at a recall of at least R_n (PASCAL VOC from 2010).",
    "11-point": "11-point interpolated: the mean over recalls 0, 0.1, ..., 1 of the greatest"
    " precision at a recall of at least that much (PASCAL VOC 2007).",
}


def average_precision(
    scores: Numbers,
    truth: Numbers,
    *,
    interpolation: Interpolation = "none",
    class_names: Iterable[str] | None = None,
) -> ClassScores:
    r"""Average precision of each class against the rest, and its mean over classes (mAP).

    Over the distinct scores as thresholds \(n\), from the greatest down, with precision \(P_n\)
    and recall \(R_n\): \(AP = \sum_n (R_n - R_{n-1}) P_n\). Not interpolated, equal scores are one
    threshold, so the order of the samples does not matter. It needs the whole set: the recall of a
    batch is not an AP, and the mean of AP over batches is not the AP of the set.
    A class without positives is undefined: NaN, listed in `undefined`, left out of the mean, with
    one `convkit.metrics.UndefinedClassWarning`.

    Args:
        scores: Real or whole numbers (N, C), any scale; only their order in each class counts,
            and it is kept exactly. (N,) for one class.
        truth: Class indices (N,). With scores (N,), or for several classes per sample with
            scores (N, C): marks of that shape, bool or 0 and 1.
        interpolation: `"none"`, or by name the `"all-point"` or `"11-point"` variant.
        class_names: Names for the printed result.

    Returns:
        `.per_class` (C,), `.mean`, `.weighted`, `.undefined`, `.positives`.

    Raises:
        MetricError: For scores that are NaN or infinite, labels outside the classes, lengths that
            differ, or no samples.

    Examples:
        >>> ap = average_precision([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])
        >>> ap.mean                                       # (1 + 2/3) / 2
        0.8333333333333333
    """
    if interpolation not in _VARIANTS:
        raise MetricError(f"interpolation must be one of {list(_VARIANTS)}, got {interpolation!r}")
    area = _VARIANTS[interpolation]
    ranked = (
        (one.positives.size, one.hits(), one.alarms()) for one in ranked_classes(scores, truth)
    )
    found = [(area(hits, alarms) if size else np.nan, size) for size, hits, alarms in ranked]
    return warn_of_undefined(
        ClassScores(
            "average precision",
            definition=_DEFINITIONS[interpolation],
            per_class=np.array([value for value, _ in found]),
            positives=np.array([size for _, size in found], dtype=np.int64),
            class_names=read_names(class_names, len(found)),
        ),
        "no positives",
    )


def _not_interpolated(hits: Integers, alarms: Integers) -> float:
    """Every positive raises the recall by 1 / positives at the precision of its threshold."""
    return float((hits / alarms).mean())


def _all_point(hits: Integers, alarms: Integers) -> float:
    """As above, at the greatest precision from its recall on."""
    return float(_greatest_from_here_on(hits, alarms).mean())


def _eleven_point(hits: Integers, alarms: Integers) -> float:
    """At each tenth of recall, the greatest precision from there on."""
    greatest = _greatest_from_here_on(hits, alarms)
    # Whole numbers: recall >= tenth / 10 as 10 * hits >= tenth * positives. The positives stand
    # by ascending score, so by falling hits: the last that reaches the recall has it least.
    enough = [np.flatnonzero(10 * hits >= tenth * hits.size)[-1] for tenth in range(11)]
    return float(greatest[enough].mean())


def _greatest_from_here_on(hits: Integers, alarms: Integers) -> Floats:
    """The greatest precision at this or a lower score, that is, at this or a greater recall."""
    return np.maximum.accumulate(hits / alarms)


_VARIANTS = {"none": _not_interpolated, "all-point": _all_point, "11-point": _eleven_point}
