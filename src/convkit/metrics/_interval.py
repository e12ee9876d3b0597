"""Between which bounds does the true value lie?"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from statistics import NormalDist

from convkit._tables import Shown
from convkit.errors import MetricError


@dataclass(frozen=True, slots=True)
class Interval(Shown):
    """A confidence interval.

    Args:
        low: Lower bound.
        high: Upper bound.
        confidence: Share of such intervals that hold the true value, such as 0.95.
        method: How it was computed.

    Examples:
        >>> print(Interval(0.25, 0.5, method="Wilson"))
        0.2500 to 0.5000 (95 %, Wilson)
    """

    low: float
    high: float
    _: KW_ONLY
    confidence: float = 0.95
    method: str = ""

    def __str__(self) -> str:
        """The bounds to four digits, with confidence and method."""
        method = f", {self.method}" if self.method else ""
        return f"{self.low:.4f} to {self.high:.4f} ({100 * self.confidence:g} %{method})"

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def accuracy_interval(correct: int, total: int, confidence: float = 0.95) -> Interval:
    r"""How sure is an accuracy of `correct` out of `total`: the Wilson score interval.

    With \(p\) = correct / total, \(n\) = total and the normal quantile \(z\), the bounds are
    \((p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}) / (1 + z^2/n)\). It holds for any share of
    independent samples: accuracy, the recall of a class, a top-k accuracy. Source: Wilson (1927),
    "Probable inference, the law of succession, and statistical inference".

    Args:
        correct: Number of right predictions.
        total: Number of samples, at least 1.
        confidence: Between 0 and 1, exclusive.

    Returns:
        The bounds, between 0 and 1.

    Raises:
        MetricError: When correct is not between 0 and total, or total is 0.

    Examples:
        >>> interval = accuracy_interval(7058, 10_000)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.6968, 0.7147)
    """
    if int(correct) != correct or int(total) != total or not 0 <= correct <= total or total < 1:
        raise MetricError(
            "accuracy_interval needs whole numbers 0 <= correct <= total with total >= 1,"
            f" got correct={correct}, total={total}"
        )
    z = normal_quantile(confidence)
    n, share = int(total), int(correct) / int(total)
    centre = share + z * z / (2 * n)
    margin = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # With nothing or everything right the bound is 0 or 1, which rounding would just miss.
    low = 0.0 if correct == 0 else (centre - margin) / scale
    high = 1.0 if correct == total else (centre + margin) / scale
    return Interval(low, high, confidence=confidence, method="Wilson")


def normal_quantile(confidence: float) -> float:
    """How many standard deviations to each side hold this share of a normal distribution."""
    if not 0 < confidence < 1:
        raise MetricError(f"confidence must lie between 0 and 1, exclusive, got {confidence}")
    return NormalDist().inv_cdf(0.5 + confidence / 2)
