"""Does a curve hardly fall any more? The rule, and the line laid through the curve's end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit.errors import TrainingError
from convkit.training._stop import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Flatness:
    """Stop when the smoothed curve hardly falls any more.

    The least-squares line through the last `window` smoothed values must fall by `tolerance` or
    more per value; a rising line falls by less than nothing, so it ends training too.

    Args:
        window: Smoothed values that the line is laid through; at least 2.
        tolerance: The least fall per value, in the units of the watched value.
        relative: Whether the tolerance is a share of the best value instead.

    Examples:
        >>> from convkit import EarlyStopping
        >>> rule = EarlyStopping(patience=None, smoothing=None, flatness=Flatness(window=3))
        >>> [rule.update(loss).should_stop for loss in (1.0, 0.5, 0.499, 0.499)]
        [False, False, False, True]
    """

    window: int = 10
    tolerance: float = 1e-3
    relative: bool = False

    def __post_init__(self) -> None:
        if self.window < 2:
            raise TrainingError(f"a line needs a window of at least 2 values, not {self.window}")
        if not self.tolerance >= 0:
            raise TrainingError(f"the tolerance is 0 or above, not {self.tolerance}")


def judge_flatness(
    rule: Flatness, curve: Sequence[float], best: float, watched: str
) -> Stop | None:
    """Why training ends, when the end of a smoothed curve is flat.

    Args:
        rule: How flat.
        curve: The smoothed values, at least as many as the rule's window.
        best: The best of them, of which a relative tolerance is a share.
        watched: What the values are, in words.
    """
    fall = -_slope(curve[-rule.window :])
    tolerance = rule.tolerance * (abs(best) if rule.relative else 1.0)
    if fall >= tolerance:
        return None
    return Stop(
        StopReason.FLAT,
        f"the smoothed {watched} improved by {fall:.3g} per validation over the "
        f"last {rule.window}, less than {tolerance:.3g}",
    )


def _slope(values: Sequence[float]) -> float:
    """Of the least-squares line through values at 0, 1, 2, ..."""
    centre = (len(values) - 1) / 2
    return sum((x - centre) * value for x, value in enumerate(values)) / sum(
        (x - centre) ** 2 for x in range(len(values))
    )
