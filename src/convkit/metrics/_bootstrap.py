"""How much would a metric change with another draw of samples?"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import MetricError
from convkit.metrics._class_scores import UndefinedClassWarning
from convkit.metrics._inputs import as_array, refuse_empty, refuse_other_length
from convkit.metrics._interval import Interval, normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convkit.metrics._inputs import Array, Floats, Integers, Numbers

_FEWEST, _MOST = 100, 1_000_000


def bootstrap_interval(
    metric: Callable[..., Any],
    *samples: Numbers,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of any metric by drawing the samples again, with replacement (percentile bootstrap).

    For an accuracy `accuracy_interval` is better and immediate.

    Args:
        metric: Called as `metric(*samples)` with arrays of drawn samples; returns a number.
        samples: Scores, predictions, labels ..., equally long; the same samples are drawn of all.
        resamples: How many draws.
        confidence: Between 0 and 1, exclusive.
        seed: Of the draws; the same seed gives the same interval. No other random state is
            touched.

    Returns:
        The bounds; `method` tells the draws, and how many left the metric undefined (NaN).

    Raises:
        MetricError: When lengths differ, there is no sample, or every draw is undefined.

    Examples:
        >>> from convkit.metrics import average_precision
        >>> scores, truth = [0.9, 0.8, 0.7, 0.6, 0.3, 0.1], [1, 1, 0, 1, 0, 0]
        >>> interval = bootstrap_interval(
        ...     lambda s, t: average_precision(s, t).mean, scores, truth, resamples=200
        ... )
        >>> interval.low <= average_precision(scores, truth).mean <= interval.high
        True
    """
    arrays = read_samples(*samples)
    draws = draw_samples(len(arrays[0]), resamples, seed)
    values = np.array([quietly(metric, *(a[drawn] for a in arrays)) for drawn in draws])
    return percentile_interval(values, confidence)


def read_samples(*samples: Numbers) -> tuple[Array, ...]:
    """The samples as arrays, equally long."""
    if not samples:
        raise MetricError("a bootstrap needs samples: bootstrap_interval(metric, scores, truth)")
    arrays = tuple(as_array(s, f"samples[{i}]") for i, s in enumerate(samples))
    for i, array in enumerate(arrays):
        refuse_empty(array.shape or (0,), f"samples[{i}]")
        refuse_other_length(len(arrays[0]), len(array), ("samples[0]", f"samples[{i}]"))
    return arrays


def draw_samples(length: int, resamples: int, seed: int) -> Iterator[Integers]:
    """Indices drawn with replacement, as many as there are samples, again and again."""
    if not _FEWEST <= resamples <= _MOST:
        raise MetricError(f"resamples must be {_FEWEST} to {_MOST:,}, got {resamples}")
    generator = np.random.default_rng(seed)
    return (generator.integers(0, length, size=length) for _ in range(resamples))


def quietly(metric: Callable[..., Any], *samples: Array) -> float:
    """The metric of one draw, without telling of each draw that lacks a class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedClassWarning)
        return float(metric(*samples))


def percentile_interval(values: Floats, confidence: float) -> Interval:
    """The middle share of the values."""
    normal_quantile(confidence)  # refuses what is no confidence
    defined = values[~np.isnan(values)]
    if not defined.size:
        raise MetricError(f"the metric is undefined (NaN) in all {values.size:,} draws")
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    lost = values.size - defined.size
    left_out = f", {lost:,} undefined ones left out" if lost else ""
    method = f"percentile bootstrap of {values.size:,} draws{left_out}"
    return Interval(float(low), float(high), confidence=confidence, method=method)
