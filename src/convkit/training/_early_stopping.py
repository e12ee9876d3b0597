"""When has training gone on long enough? A rule fed one number at a time."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Literal

from convkit.errors import TrainingError
from convkit.training._flatness import Flatness, judge_flatness
from convkit.training._given import is_number, is_whole
from convkit.training._smoothing import Smoothing
from convkit.training._stop import Decision, Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convkit.training._replay import Replay

Monitor = Literal["validation_loss", "validation_accuracy"]
_OPTIONAL = {"patience", "rising"}


@dataclass
class EarlyStopping:
    """Ends training when the smoothed validation loss no longer falls.

    With `s` the smoothed value, the **best epoch** is the minimum of `s`, a tie goes to the
    earlier one. A value counts as an **improvement** for the patience when

        s < reference - min_delta                   (or - min_delta * |reference|, when relative)

    where the reference is the last value that was an improvement. Training ends when `patience`
    values in a row were none. A value that is not finite is never an improvement. Everything is
    counted in validations, which are epochs unless they happen more often.

    Args:
        patience: Values without improvement until the end; None never ends for this reason.
        smoothing: How the curve is smoothed first; a number is the weight of an exponential mean,
            None or 0 takes the values as they are.
        min_delta: By how much a value must lie below the reference.
        relative: Whether `min_delta` is a share of the reference, by its absolute value, so that
            it means the same for losses below zero.
        first: The first value that counts, from 1; earlier ones are smoothed over only.
        minimum: The number of values before which training does not end.
        flatness: A second rule: stop when the smoothed curve is flat.
        rising: A third: stop when the last smoothed value lies above the `rising`-th last.
        not_finite: Whether NaN or infinity ends training, or is passed over.
        monitor: What is watched; of the accuracy the greatest is the best.

    Raises:
        TrainingError: When an argument cannot be.

    Examples:
        >>> rule = EarlyStopping(patience=2, smoothing=None)
        >>> [rule.update(loss).should_stop for loss in [1.0, 0.8, 0.9, 0.8]]
        [False, False, False, True]
        >>> rule.best_index, str(rule.stop), rule.reset()
        (2, 'no improvement in 2 validations: the best is 0.8 at validation 2', None)
    """

    patience: int | None = 5
    _: KW_ONLY
    smoothing: Smoothing | float | None = 0.6
    min_delta: float = 0.0
    relative: bool = False
    first: int = 1
    minimum: int = 0
    flatness: Flatness | None = None
    rising: int | None = None
    not_finite: Literal["stop", "ignore"] = "stop"
    monitor: Monitor = "validation_loss"
    values: list[float] = field(init=False, repr=False, compare=False)
    smoothed: list[float] = field(init=False, repr=False, compare=False)
    stop: Stop | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, least in (("patience", 1), ("first", 1), ("minimum", 0), ("rising", 2)):
            value, or_none = getattr(self, name), " or None" if name in _OPTIONAL else ""
            if not is_whole(value, least) and not (or_none and value is None):
                raise TrainingError(
                    f"{name} is a whole number from {least} on{or_none}, not {value!r}"
                )
        if not is_number(self.min_delta) or not 0 <= self.min_delta < inf:
            raise TrainingError(f"min_delta is 0 or above, not {self.min_delta!r}")
        if self.not_finite not in {"stop", "ignore"}:
            raise TrainingError(f"not_finite is 'stop' or 'ignore', not {self.not_finite!r}")
        if self.monitor not in {"validation_loss", "validation_accuracy"}:
            raise TrainingError(
                f"monitor is 'validation_loss' or 'validation_accuracy', not {self.monitor!r}"
            )
        self.smoother = _as_smoothing(self.smoothing)
        self.reset()

    @classmethod
    def count(cls, count: int = 4) -> EarlyStopping:
        """Stop when the oldest of the last `count` raw losses is the smallest of them.

        The first time that this happens, the oldest is also the smallest of all, so the rule is
        patience `count - 1` without smoothing.

        Args:
            count: How many losses are looked at; at least 2.

        Raises:
            TrainingError: For fewer than 2 losses.
        """
        if count < 2:
            raise TrainingError(f"the count rule compares at least 2 losses, not {count}")
        return cls(patience=count - 1, smoothing=None)

    @classmethod
    def savitzky_golay(
        cls, window: int = 55, order: int = 2, *, minimum: int = 100, rising: int = 5
    ) -> EarlyStopping:
        """From the `minimum`-th epoch on, stop when the smoothed curve rises at its end.

        At every epoch the whole curve so far is smoothed by a Savitzky-Golay filter; training ends
        when its last point lies above its `rising`-th last.

        Args:
            window: Values that each smoothed value is fitted to.
            order: Of the polynomial.
            minimum: Epochs before it may stop.
            rising: How far back the smoothed curve is compared with its end.
        """
        smoothing = Smoothing.savitzky_golay(window, order)
        return cls(patience=None, smoothing=smoothing, minimum=minimum, rising=rising)

    @staticmethod
    def replay(
        values: Sequence[float], rules: Sequence[EarlyStopping] | Mapping[str, EarlyStopping]
    ) -> Replay:
        """What these rules would have done on a finished curve.

        Args:
            values: The watched value of every validation, as `history["validation_loss"]`.
            rules: The rules, with names of their own in a mapping.

        Returns:
            For each rule its stop epoch, best epoch, epochs wasted and the loss missed.

        Examples:
            >>> curve = [1.0, 0.8, 0.9, 0.9, 0.5]
            >>> row, = EarlyStopping.replay(curve, [EarlyStopping(2, smoothing=None)]).rows
            >>> row.stop_epoch, row.best_epoch, row.epochs_wasted, round(row.loss_missed, 3)
            (4, 2, 2, 0.3)
        """
        from convkit.training._replay import replay  # it stands on this file

        return replay(values, rules)

    def reset(self) -> None:
        """Forget every value: a new training begins."""
        self.values, self.smoothed, self.stop = [], [], None
        self._counted: list[float] = []  # the finite ones, larger is worse
        self._best, self._best_index = inf, 0
        self._reference, self._waited = inf, 0

    @property
    def best_index(self) -> int | None:
        """Which value was the best, from 1; None before there is one."""
        return self._best_index or None

    @property
    def best(self) -> float:
        """The best smoothed value; NaN before there is one."""
        return self._signed(self._best) if self._best_index else float("nan")

    def update(self, value: float) -> Decision:
        """Take the value of the next validation and decide.

        Args:
            value: The watched value; NaN and infinity are allowed and never an improvement.

        Returns:
            The decision; after an end every further value is decided anew.
        """
        self.values.append(float(value))
        improved = self._take(float(value))
        self.stop = self._judge()
        return Decision(self.stop is not None, improved, self.smoothed[-1], self._waited, self.stop)

    def state_dict(self) -> dict[str, Any]:
        """All that the rule has seen, as plain values."""
        return {"values": list(self.values)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`: the rule follows from its values, so it sees them again.

        Args:
            state: What `state_dict` gave.
        """
        self.reset()
        for value in state["values"]:
            self.update(value)

    def _signed(self, value: float) -> float:
        return -value if self.monitor == "validation_accuracy" else value

    def _take(self, value: float) -> bool:
        """Smooth the value and compare it with the best; whether it is the new best."""
        smoothed = float("nan")
        if isfinite(value):
            self._counted.append(self._signed(value))
            smoothed = self.smoother.last(self._counted)
        self.smoothed.append(self._signed(smoothed))
        if len(self.values) < self.first:
            return False
        improved = smoothed < self._best
        if improved:
            self._best, self._best_index = smoothed, len(self.values)
        delta = self.min_delta
        if self.relative and isfinite(self._reference):
            delta *= abs(self._reference)
        if smoothed < self._reference - delta:
            self._reference, self._waited = smoothed, 0
        else:
            self._waited += 1
        return improved

    def _judge(self) -> Stop | None:
        count = len(self.values)
        if self.not_finite == "stop" and not isfinite(self.values[-1]):
            return Stop(
                StopReason.NOT_FINITE,
                f"the {_spoken(self.monitor)} of validation {count} is {self.values[-1]}",
            )
        if count < max(self.first, self.minimum):
            return None
        return self._judge_patience() or self._judge_rising() or self._judge_flatness()

    def _judge_patience(self) -> Stop | None:
        if self.patience is None or self._waited < self.patience:
            return None
        best = f"the best is {self.best:.6g} at validation {self._best_index}"
        last = len(self.values) - self._waited
        enough = ""
        if self._best_index > last:  # better by less than min_delta: kept, but waited on
            reference = self._signed(self._reference)
            enough = f" by more than min_delta, since {reference:.6g} at validation {last}"
        return Stop(
            StopReason.PATIENCE,
            f"no improvement in {_counted(self._waited)}{enough}: "
            + (best if self._best_index else "none of them is finite"),
        )

    def _judge_rising(self) -> Stop | None:
        if self.rising is None or len(self._counted) < self.rising:
            return None
        curve = self.smoother.curve(self._counted)
        last, earlier = curve[-1], curve[-self.rising]
        if not last > earlier:
            return None
        return Stop(
            StopReason.RISING,
            f"the smoothed {_spoken(self.monitor)} {self._signed(last):.6g} is worse than "
            f"{self._signed(earlier):.6g}, {_counted(self.rising - 1)} before",
        )

    def _judge_flatness(self) -> Stop | None:
        rule = self.flatness
        if rule is None or len(self._counted) < rule.window + self.first - 1:
            return None
        curve = self.smoother.curve(self._counted)
        return judge_flatness(rule, curve, self._best, _spoken(self.monitor))


def _as_smoothing(smoothing: Smoothing | float | None) -> Smoothing:
    if isinstance(smoothing, Smoothing):
        return smoothing
    if smoothing is not None and not is_number(smoothing):
        raise TrainingError(f"smoothing is a number, a Smoothing or None, not {smoothing!r}")
    return Smoothing.exponential(smoothing) if smoothing else Smoothing.none()


def _spoken(monitor: str) -> str:
    return monitor.replace("_", " ")


def _counted(number: int) -> str:
    return f"{number} validation" + ("s" if number != 1 else "")
