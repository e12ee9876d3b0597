"""Does training end, and why? A value to compare with, and a sentence to read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from convkit._tables import Shown


class StopReason(StrEnum):
    """Why training ended; each equals its own text, `StopReason.PATIENCE == "patience"`.

    Examples:
        >>> StopReason.PATIENCE == "patience", StopReason("not finite").name
        (True, 'NOT_FINITE')
    """

    PATIENCE = "patience"
    """No improvement for as long as was allowed."""
    FLAT = "flat"
    """The smoothed curve fell no faster than a tolerance."""
    RISING = "rising"
    """The end of the smoothed curve lay above an earlier point of it."""
    NOT_FINITE = "not finite"
    """The watched value was NaN or infinite."""
    LAST_EPOCH = "last epoch"
    """Every epoch that was asked for is done."""
    INTERRUPTED = "interrupted"
    """Ctrl-C."""
    CALLBACK = "callback"
    """A callback asked for it."""
    ERROR = "error"
    """An exception."""


@dataclass(frozen=True, slots=True)
class Stop(Shown):
    """The end of training.

    Args:
        reason: The kind of end.
        sentence: The same for people, with the numbers that led to it.

    Examples:
        >>> print(Stop(StopReason.LAST_EPOCH, "all 3 epochs are done"))
        all 3 epochs are done
    """

    reason: StopReason
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rule says to one value.

    Args:
        should_stop: Whether training ends here.
        improved: Whether this is the best epoch so far: keep its weights.
        smoothed: The value after smoothing; NaN when there was none.
        waited: How many values in a row were no sufficient improvement.
        stop: The reason as a value and as a sentence; None while training goes on.

    Examples:
        >>> from convkit import EarlyStopping
        >>> decision = EarlyStopping(patience=1).update(0.5)
        >>> decision.improved, decision.should_stop, decision.reason
        (True, False, None)
    """

    should_stop: bool
    improved: bool
    smoothed: float
    waited: int
    stop: Stop | None = None

    @property
    def reason(self) -> StopReason | None:
        """Why training ends; None while it goes on."""
        return self.stop.reason if self.stop else None
