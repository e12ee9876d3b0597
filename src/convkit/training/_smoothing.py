"""What is the level of a noisy curve? Smoothing of a list of numbers, without any package.

Every kind answers two questions about the values known so far:

- `curve(values)`: the smoothed curve as it is seen from its last value;
- `causal(values)`: for each epoch the smoothed value as it stood at that epoch, when the later
  values were not yet known. This is what a stop rule may look at.

For all kinds but Savitzky-Golay both are the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from convkit.errors import TrainingError
from convkit.training._savitzky_golay import fitted, sliding_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["none", "exponential", "moving_average", "median", "savitzky_golay"]


class Smoothing(ABC):
    """How a noisy curve is smoothed: one of five kinds, made by the methods below.

    Examples:
        >>> Smoothing.moving_average(2).causal([4.0, 2.0, 3.0])
        [4.0, 3.0, 2.5]
        >>> Smoothing.exponential(0.5).causal([4.0, 1.0])
        [4.0, 2.0]

        >>> Smoothing.none().curve([1.0, 3.0]), Smoothing.median(3).last([1.0, 9.0, 2.0])
        ([1.0, 3.0], 2.0)
    """

    __slots__ = ()

    @staticmethod
    def none() -> Smoothing:
        """The values as they are."""
        return _None()

    @staticmethod
    def exponential(weight: float = 0.6) -> Smoothing:
        """Exponential mean without the bias of its start.

        `m = weight * m + (1 - weight) * x` from `m = 0`, divided by `1 - weight**t`, as Adam does
        with its moments (Kingma and Ba, 2015) and TensorBoard with its curves.

        Args:
            weight: From 0 (no smoothing) to below 1; the share of the past.
        """
        return _Exponential(weight)

    @staticmethod
    def moving_average(window: int = 5) -> Smoothing:
        """Mean of the last `window` values, of fewer while there are fewer.

        Args:
            window: Values; at least 1.
        """
        return _MovingAverage(window)

    @staticmethod
    def median(window: int = 5) -> Smoothing:
        """Median of the last `window` values; of an even number the mean of the middle two.

        Args:
            window: Values; at least 1.
        """
        return _Median(window)

    @staticmethod
    def savitzky_golay(window: int = 55, order: int = 2) -> Smoothing:
        """Least-squares polynomial over a sliding window (Savitzky and Golay, 1964).

        `curve` equals `scipy.signal.savgol_filter(values, window, order, mode="interp")`: inside
        the curve the polynomial of each window at its centre, at either end the one polynomial of
        the outermost window. While there are fewer values than the window, one polynomial is
        fitted through all of them. `causal` is the last point of each such curve.

        Args:
            window: An odd number of values.
            order: Degree of the polynomial, below the window.
        """
        return _SavitzkyGolay(window, order)

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Which of the five it is."""

    @abstractmethod
    def curve(self, values: Sequence[float]) -> list[float]:
        """The smoothed curve as it is seen from its last value; as long as `values`.

        Args:
            values: The raw values, the oldest first.
        """

    @abstractmethod
    def last(self, values: Sequence[float]) -> float:
        """The last point of `curve(values)`.

        Args:
            values: The raw values, the oldest first.
        """

    def causal(self, values: Sequence[float]) -> list[float]:
        """For each epoch the smoothed value as it stood then; as long as `values`.

        Args:
            values: The raw values, the oldest first.
        """
        return self.curve(values)


@dataclass(frozen=True, slots=True)
class _None(Smoothing):
    @property
    def kind(self) -> Kind:
        return "none"

    def curve(self, values: Sequence[float]) -> list[float]:
        return [float(value) for value in values]

    def last(self, values: Sequence[float]) -> float:
        return float(values[-1])

    def __str__(self) -> str:
        return "no smoothing"


@dataclass(frozen=True, slots=True)
class _Exponential(Smoothing):
    weight: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight < 1:
            raise TrainingError(
                f"the weight of exponential smoothing lies from 0 to below 1, not {self.weight}"
            )

    @property
    def kind(self) -> Kind:
        return "exponential"

    def curve(self, values: Sequence[float]) -> list[float]:
        mean, unseen, smoothed = 0.0, 1.0, []
        for value in values:
            mean = self.weight * mean + (1 - self.weight) * value
            unseen *= self.weight
            smoothed.append(mean / (1 - unseen))
        return smoothed

    def last(self, values: Sequence[float]) -> float:
        return self.curve(values)[-1]

    def __str__(self) -> str:
        return f"exponential mean, weight {self.weight:g}"


class _Windowed(Smoothing):
    """A statistic of the last `window` values."""

    __slots__ = ()
    window: int

    @abstractmethod
    def _of(self, values: Sequence[float]) -> float: ...

    def curve(self, values: Sequence[float]) -> list[float]:
        return [self.last(values[: end + 1]) for end in range(len(values))]

    def last(self, values: Sequence[float]) -> float:
        return self._of(values[-self.window :])

    def __post_init__(self) -> None:
        if self.window < 1:
            raise TrainingError(f"a window holds at least one value, not {self.window}")


@dataclass(frozen=True, slots=True)
class _MovingAverage(_Windowed):
    window: int

    @property
    def kind(self) -> Kind:
        return "moving_average"

    def _of(self, values: Sequence[float]) -> float:
        return sum(values) / len(values)

    def __str__(self) -> str:
        return f"mean of the last {self.window}"


@dataclass(frozen=True, slots=True)
class _Median(_Windowed):
    window: int

    @property
    def kind(self) -> Kind:
        return "median"

    def _of(self, values: Sequence[float]) -> float:
        ordered = sorted(values)
        middle = len(ordered) // 2
        if len(ordered) % 2:
            return float(ordered[middle])
        return (ordered[middle - 1] + ordered[middle]) / 2

    def __str__(self) -> str:
        return f"median of the last {self.window}"


@dataclass(frozen=True, slots=True)
class _SavitzkyGolay(Smoothing):
    window: int
    order: int

    def __post_init__(self) -> None:
        if self.window < 1 or self.window % 2 == 0:
            raise TrainingError(
                f"the window of Savitzky-Golay is an odd number, not {self.window}: "
                f"use {max(1, self.window + 1)}"
            )
        if not 0 <= self.order < self.window:
            raise TrainingError(
                f"the order of Savitzky-Golay lies from 0 to below its window {self.window}, "
                f"not {self.order}"
            )

    @property
    def kind(self) -> Kind:
        return "savitzky_golay"

    def curve(self, values: Sequence[float]) -> list[float]:
        return sliding_fit(values, self.window, self.order)

    def last(self, values: Sequence[float]) -> float:
        window = values[-self.window :]
        return fitted(window, self.order, len(window) - 1)

    def causal(self, values: Sequence[float]) -> list[float]:
        return [self.last(values[: end + 1]) for end in range(len(values))]

    def __str__(self) -> str:
        return f"Savitzky-Golay, window {self.window}, order {self.order}"
