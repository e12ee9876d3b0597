"""Which learning rate does a sweep suggest, and why?"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from convkit._tables import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

REACH = 0.4  # of the smoothing, in powers of ten of the rate
BEFORE_MINIMUM = 3.0  # the suggestion is at least this many times below the rate of the minimum
CEILING = 1.25  # times the first loss: larger losses count as this in the smoothed curve


@dataclass(frozen=True, slots=True)
class RateCurve(Shown):
    """The loss at each learning rate of a sweep; made by `find_learning_rate`.

    Args:
        rates: The learning rates, rising exponentially; of the group with the largest rate when
            the optimizer has several.
        losses: The loss of the batch at each, before the step with that rate.
        smoothed: The same, smoothed.
        suggestion: The learning rate to use; None when the loss never fell beyond its noise.
        reason: Why, in a sentence.
        end: Why the sweep ended, in a sentence.

    Examples:
        >>> curve = RateCurve(
        ...     (1e-4, 1e-3, 1e-2),
        ...     (2.3, 2.1, 1.2),
        ...     smoothed=(2.3, 2.1, 1.2),
        ...     suggestion=1e-3,
        ...     reason="the steepest fall",
        ...     end="the loss grew",
        ... )
        >>> curve.suggestion, type(curve.plot()).__name__
        (0.001, 'Picture')
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    _: KW_ONLY
    smoothed: tuple[float, ...]
    suggestion: float | None
    reason: str
    end: str

    def plot(self, **options: Any) -> Any:
        """Draw the loss by learning rate, as measured and smoothed, with the suggestion.

        Args:
            **options: Of `convkit.plots.lines`, such as `title="model 1"`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import lines

        curves = {"loss": self.losses, "smoothed": self.smoothed}
        given = {"places": self.rates, "across": "learning rate", "label": "loss", **options}
        figure: Any = lines(curves, **given)
        axes = figure.axes[0]
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
        axes.xaxis.set_minor_formatter("")
        low, first = min(self.losses), self.losses[0]
        high = min(max(self.losses), first + abs(first))
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        if self.suggestion is not None:
            axes.axvline(self.suggestion, color="#767676", linestyle="--")
            axes.set_title(f"suggested: {self.suggestion:.2g}")
        return figure

    def __str__(self) -> str:
        found = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        return f"Suggested learning rate: {found}. {self.reason} {self.end}"


def smoothed(rates: Sequence[float], losses: Sequence[float]) -> list[float]:
    """The mean of each loss with those on both sides, weighted by exp(-distance / 0.4).

    The distance is in powers of ten of the rate. Both sides, because a mean of the past alone lags
    behind and would suggest too large a rate. One loss that diverged would outweigh all others, so
    none counts as more than 1.25 times the first.

    Args:
        rates: Rising by a constant factor.
        losses: As measured.
    """
    ceiling = losses[0] + (CEILING - 1) * abs(losses[0])
    values = [min(loss, ceiling) for loss in losses]
    weight = neighbour_weight(rates)
    sums, weights = spread(values, weight), spread([1.0] * len(values), weight)
    return [total / norm for total, norm in zip(sums, weights, strict=True)]


def neighbour_weight(rates: Sequence[float]) -> float:
    """What the next loss counts beside one."""
    return math.exp(-math.log10(rates[1] / rates[0]) / REACH)


def spread(values: Sequence[float], weight: float) -> list[float]:
    """The sum over k of weight**|i - k| * values[k], for each i."""
    forward = accumulate(values, lambda before, value: value + weight * before)
    backward = accumulate(reversed(values), lambda after, value: value + weight * after)
    both = zip(forward, reversed(list(backward)), values, strict=True)
    return [before + after - value for before, after, value in both]


def suggest(
    rates: Sequence[float], losses: Sequence[float], curve: Sequence[float]
) -> tuple[float | None, str]:
    """The rate of the steepest descent of the smoothed curve, and why.

    Args:
        rates: Of the sweep.
        losses: As measured.
        curve: The losses, smoothed.
    """
    lowest = min(range(len(curve)), key=curve.__getitem__)
    fall = curve[0] - curve[lowest]
    noise = _noise(rates, losses[: lowest + 1], curve)
    slopes = {
        i: (curve[i + 1] - curve[i - 1]) / math.log10(rates[i + 1] / rates[i - 1])
        for i in range(1, lowest)
        if rates[i] * BEFORE_MINIMUM <= rates[lowest]
    }
    if not slopes or fall <= 2 * noise:
        return None, (
            f"The smoothed loss never fell beyond its noise (by {fall:.3g}, noise {noise:.3g}): "
            "more steps or a narrower range show more; or the model is trained already, frozen, or "
            "unable to learn, which overfit_batch tells."
        )
    steepest = min(slopes, key=slopes.__getitem__)
    return rates[steepest], (
        f"There the smoothed loss falls fastest, by {-slopes[steepest]:.3g} for a tenfold rate; it "
        f"is lowest, {curve[lowest]:.3g}, at {rates[lowest]:.2g}."
    )


def _noise(rates: Sequence[float], losses: Sequence[float], curve: Sequence[float]) -> float:
    """The standard error of the smoothed loss: of one loss, by the losses that it averages."""
    residuals = [loss - level for loss, level in zip(losses, curve, strict=False)]
    weight = neighbour_weight(rates)
    averaged = (1 + weight) / (1 - weight)
    return math.sqrt(sum(r * r for r in residuals) / len(residuals) / averaged)
