"""Is B really better than A, on the same samples?"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit._escaping import plain
from convkit._tables import Shown
from convkit.errors import MetricError
from convkit.metrics._binomial import fair_tail
from convkit.metrics._bootstrap import draw_samples, percentile_interval, quietly, read_samples
from convkit.metrics._inputs import (
    classes_of,
    read_labels,
    read_predicted,
    refuse_other_length,
    refuse_outside,
)
from convkit.metrics._interval import Interval, normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convkit.metrics._inputs import Numbers


@dataclass(frozen=True, slots=True)
class Comparison(Shown):
    """Two trained networks measured on the same samples.

    Args:
        value_a: The metric of A.
        value_b: The metric of B.
        interval: Of the difference B - A.
        p_value: How likely a difference at least as great would be, were both equally good.
        samples: Number of samples.
        metric: Its name.
        test: Name of the test.
        only_a_right: Samples that A has right and B wrong; None where nothing is right or wrong.
        only_b_right: Samples that B has right and A wrong.

    Examples:
        >>> print(compare([0, 0, 0, 1], [0, 1, 1, 1], truth=[0, 1, 1, 1]))
        No difference can be concluded: accuracy 0.5000 (A) and 1.0000 (B) on 4 samples, \
difference +0.5000 (95 % interval -0.2631 to +0.9297), p = 0.5 by the exact McNemar test.
    """

    value_a: float
    value_b: float
    _: KW_ONLY
    interval: Interval
    p_value: float
    samples: int
    metric: str
    test: str
    only_a_right: int | None = None
    only_b_right: int | None = None

    @property
    def difference(self) -> float:
        """B - A."""
        return self.value_b - self.value_a

    @property
    def significant(self) -> bool:
        """Whether the p-value is at most 1 - confidence."""
        return self.p_value <= 1 - self.interval.confidence + 1e-12

    @property
    def sentence(self) -> str:
        """What may be concluded of these two networks, and nothing more."""
        verdict = "No difference can be concluded"
        if self.significant and self.difference:
            verdict = "B is better than A" if self.difference > 0 else "A is better than B"
            verdict = verdict if self.metric == "accuracy" else f"{verdict} if more is better"
        p_value = f"p = {self.p_value:.2g}" if self.p_value >= 1e-300 else "p < 1e-300"
        return (
            f"{verdict}: {self.metric} {self.value_a:.4f} (A) and {self.value_b:.4f} (B) on"
            f" {self.samples:,} samples, difference {self.difference:+.4f}"
            f" ({100 * self.interval.confidence:g} % interval {self.interval.low:+.4f} to"
            f" {self.interval.high:+.4f}), {p_value} by the {self.test}."
        )

    def __str__(self) -> str:
        return self.sentence


def compare(
    predicted_a: Numbers,
    predicted_b: Numbers,
    truth: Numbers,
    *,
    confidence: float = 0.95,
    samples_a: Sequence[str] | None = None,
    samples_b: Sequence[str] | None = None,
) -> Comparison:
    r"""Compare the accuracy of two networks on the same samples: the exact McNemar test.

    Of the samples that only one of them has right, each would be right in either with
    probability 1/2, were both equally good: with \(a\) and \(b\) of them,
    \(p = \min(1, 2 P(X \le \min(a, b)))\), X binomial with \(a + b\) throws. The interval of the
    difference is that of Bonett and Price (2012), "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data". It tells of these two trained
    networks on samples like these; how training again with another seed would come out it does
    not tell: for that see `over_seeds`.

    Args:
        predicted_a: Of A: predicted class indices (N,), or scores (N, C).
        predicted_b: Of B, for the same samples in the same order.
        truth: Class indices (N,).
        confidence: Of the interval, and 1 - the greatest p-value taken for a difference.
        samples_a: Names of the samples that A saw, such as file names; compared with B's.
        samples_b: Names of the samples that B saw.

    Returns:
        The difference with its interval, the exact p-value and a sentence.

    Raises:
        MetricError: When lengths, samples or the numbers of classes differ, a label lies outside
            the classes (without scores: below 0), or there is no sample.

    Examples:
        >>> result = compare([0] * 10, [1] * 9 + [0], truth=[1] * 10)
        >>> result.difference, result.p_value
        (0.9, 0.00390625)
    """
    labels = read_labels(truth, "truth")
    a, b = read_predicted(predicted_a, "predicted_a"), read_predicted(predicted_b, "predicted_b")
    refuse_other_length(a.size, labels.size, ("predicted_a", "truth"))
    refuse_other_length(b.size, labels.size, ("predicted_b", "truth"))
    _refuse_other_samples(samples_a, samples_b, labels.size)
    classes = classes_of(predicted_a=predicted_a, predicted_b=predicted_b)
    for what, indices in (("truth", labels), ("predicted_a", a), ("predicted_b", b)):
        refuse_outside(indices, classes, what)
    right_a, right_b = a == labels, b == labels
    only_a = int(np.count_nonzero(right_a & ~right_b))
    only_b = int(np.count_nonzero(right_b & ~right_a))
    return Comparison(
        float(right_a.mean()),
        float(right_b.mean()),
        interval=_paired_interval(only_a, only_b, labels.size, confidence),
        p_value=_mcnemar(only_a, only_b),
        samples=labels.size,
        metric="accuracy",
        test="exact McNemar test",
        only_a_right=only_a,
        only_b_right=only_b,
    )


def compare_metric(
    metric: Callable[..., Any],
    outputs_a: Numbers,
    outputs_b: Numbers,
    truth: Numbers,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    name: str = "metric",
) -> Comparison:
    """Compare any metric of two networks on the same samples: the paired bootstrap.

    Samples are drawn again with replacement, each time the same for both, and the difference B - A
    is measured. The p-value is twice the smaller share of draws on one side of zero, each side
    counted with one draw more.

    Args:
        metric: Called as `metric(outputs, truth)`; returns a number.
        outputs_a: Of A: scores or predictions, one row for each sample.
        outputs_b: Of B, for the same samples in the same order.
        truth: What the metric takes as truth.
        resamples: How many draws.
        confidence: Of the percentile interval.
        seed: Of the draws.
        name: What to call the metric in the sentence.

    Returns:
        The difference with its interval and a sentence.

    Raises:
        MetricError: When lengths differ, there is no sample, or the metric is always undefined.

    Examples:
        >>> from convkit.metrics import average_precision
        >>> truth = [1, 0] * 20
        >>> better = compare_metric(lambda s, t: average_precision(s, t).mean,
        ...                         [0.5] * 40, truth, truth, resamples=200, name="AP")
        >>> better.difference, better.significant
        (0.5, True)
    """
    a, b, labels = read_samples(outputs_a, outputs_b, truth)
    draws = draw_samples(len(labels), resamples, seed)
    differences = np.array(
        [quietly(metric, b[i], labels[i]) - quietly(metric, a[i], labels[i]) for i in draws]
    )
    interval = percentile_interval(differences, confidence)
    sides = ((differences <= 0).sum() + 1, (differences >= 0).sum() + 1)
    defined = int((~np.isnan(differences)).sum())
    return Comparison(
        quietly(metric, a, labels),
        quietly(metric, b, labels),
        interval=interval,
        p_value=min(1.0, 2 * float(min(sides)) / (defined + 1)),
        samples=len(labels),
        metric=name,
        test=f"paired {interval.method.removeprefix('percentile ')}",
    )


def _mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value."""
    if only_a == only_b:
        return 1.0
    return min(1.0, 2 * fair_tail(min(only_a, only_b), only_a + only_b))


def _paired_interval(only_a: int, only_b: int, total: int, confidence: float) -> Interval:
    """Bonett and Price: one sample is added to each kind of disagreement."""
    share_a, share_b = (only_a + 1) / (total + 2), (only_b + 1) / (total + 2)
    centre = share_b - share_a
    margin = normal_quantile(confidence) * math.sqrt(
        (share_a + share_b - centre * centre) / (total + 2)
    )
    low, high = max(-1.0, centre - margin), min(1.0, centre + margin)
    return Interval(low, high, confidence=confidence, method="Bonett and Price")


def _refuse_other_samples(
    samples_a: Sequence[str] | None, samples_b: Sequence[str] | None, total: int
) -> None:
    """Raise unless both networks saw the same samples in the same order, as far as is told."""
    if samples_a is None and samples_b is None:
        return
    if samples_a is None or samples_b is None:
        raise MetricError("samples_a and samples_b are compared: give both or neither")
    refuse_other_length(len(samples_a), total, ("samples_a", "truth"))
    refuse_other_length(len(samples_b), total, ("samples_b", "truth"))
    differing = [i for i in range(total) if samples_a[i] != samples_b[i]]
    if differing:
        i = differing[0]
        raise MetricError(
            f"A and B were measured on other samples: {len(differing):,} of {total:,} differ, the"
            f" first at {i}: {plain(samples_a[i])} and {plain(samples_b[i])}"
        )
