"""Which values may a setting take, and how does Optuna choose among them?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from convkit.errors import TrainingError
from convkit.training._search_trials import canonical

if TYPE_CHECKING:
    from convkit.training._search_trials import Trial


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers between two ends, for `search.optuna`; whole ones when both ends are.

    Args:
        low: The smallest.
        high: The largest.
        log: Whether every power of ten is as likely as any other, as learning rates want it.

    Raises:
        TrainingError: When it does not rise, or holds 0 although it is logarithmic.

    Examples:
        >>> Range(1e-4, 1e-1, log=True).holds(0.01), Range(1, 8).holds(9)
        (True, False)

        >>> Range(1, 8).whole, Range(1e-4, 1e-1, log=True).whole
        (True, False)
        >>> Range(1, 8).edge_warning("layers", 5)
    """

    low: float
    high: float
    _: KW_ONLY
    log: bool = False

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf or (self.log and self.low <= 0):
            raise TrainingError(
                f"a range rises from low to high (above 0 with log), not from {self.low} to "
                f"{self.high}"
            )

    @property
    def whole(self) -> bool:
        """Whether it holds only whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def holds(self, value: Any) -> bool:
        """Whether a value lies inside.

        Args:
            value: Of the setting.
        """
        return isinstance(value, int | float) and self.low <= value <= self.high

    def edge_warning(self, setting: str, value: float) -> str | None:
        """A sentence when a value lies within a fiftieth of the range from its end.

        Args:
            setting: Its name.
            value: The best one.
        """
        low, high, place = map(math.log if self.log else float, (self.low, self.high, value))
        if 0.02 < (place - low) / (high - low) < 0.98:
            return None
        return f"{setting}={value:.4g} lies at the edge of its range: the best may lie beyond."


Space = Mapping[str, Sequence[Any] | Range]


def checked_grid(grid: Mapping[str, Sequence[Any]], repeats: int) -> dict[str, list[Any]]:
    """The values of each setting, numbers of numpy as Python's own, or what is wrong with them.

    Raises:
        TrainingError: Naming the setting.
    """
    if not grid:
        raise TrainingError(
            'there is nothing to search: give settings, such as {"lr": [0.1, 0.01]}'
        )
    if repeats > 1 and "seed" in grid:
        raise TrainingError("with repeats= the seed is set for each training: leave it out")
    checked = {}
    for name, values in grid.items():
        if not isinstance(name, str) or isinstance(values, str) or not isinstance(values, Sequence):
            raise TrainingError(
                f"setting {name!r} has {values!r}: give a name and a list of its values"
            )
        own = checked[name] = [_own(value) for value in values]
        keys = [canonical({name: value}) for value in own]
        if not keys:
            raise TrainingError(f"setting {name!r} has no value to try")
        twice = next((v for v, key in zip(own, keys, strict=True) if keys.count(key) > 1), None)
        if len(set(keys)) < len(keys):
            raise TrainingError(f"setting {name!r} lists the value {twice!r} twice")
    return checked


def _own(value: Any) -> Any:
    """A value of Python's own: a scalar of numpy as its number, also within a tuple."""
    if isinstance(value, tuple):
        return tuple(map(_own, value))
    return value.item() if getattr(value, "shape", None) == () else value


def inside(settings: Mapping[str, Any], space: Space) -> dict[str, Any] | None:
    """Settings of a file as a point of a space, with the space's own values; None when outside."""
    if set(settings) != set(space):
        return None
    point = {}
    for name, values in space.items():
        value = settings[name]
        if isinstance(values, Range):
            if not values.holds(value):
                return None
            point[name] = value
        else:
            place = _place_of(value, values)
            if place is None:
                return None
            point[name] = values[place]  # a file makes a list of a tuple
    return point


def _place_of(value: Any, values: Sequence[Any]) -> int | None:
    wanted = canonical({"": value})
    return next((i for i, each in enumerate(values) if canonical({"": each}) == wanted), None)


class Sampling:
    """A study of Optuna that only chooses; training and keeping are not its business.

    Args:
        library: The module `optuna`.
        space: What to choose from.
        sampler: Of `optuna.samplers`.
        minimize: Whether a smaller score is better.
    """

    def __init__(self, library: Any, space: Space, sampler: Any, *, minimize: bool) -> None:
        self._library, self._space = library, space
        with _quiet(library):
            direction = "minimize" if minimize else "maximize"
            self._study = library.create_study(direction=direction, sampler=sampler)
        self._distributions = {name: self._distribution(v) for name, v in space.items()}

    def _distribution(self, values: Sequence[Any] | Range) -> Any:
        kinds = self._library.distributions
        if not isinstance(values, Range):
            # By their places: tuples and equal numbers of two types are no choices of Optuna.
            return kinds.CategoricalDistribution(range(len(values)))
        kind = kinds.IntDistribution if values.whole else kinds.FloatDistribution
        return kind(values.low, values.high, log=values.log)

    def ask(self) -> tuple[int, dict[str, Any]]:
        """The number of a new trial, and its settings."""
        trial = self._study.ask(self._distributions)
        settings = {
            name: trial.params[name] if isinstance(values, Range) else values[trial.params[name]]
            for name, values in self._space.items()
        }
        return trial.number, settings

    def tell(self, number: int, score: float) -> None:
        """What came of it; a score that is no finite number counts as failed."""
        failed = self._library.trial.TrialState.FAIL
        with _quiet(self._library):
            if math.isfinite(score):
                self._study.tell(number, score)
            else:
                self._study.tell(number, state=failed)

    def add(self, trial: Trial) -> None:
        """Teach it a finished trial."""
        if not math.isfinite(trial.score):
            return
        places = {
            name: trial.settings[name]
            if isinstance(values, Range)
            else _place_of(trial.settings[name], values)
            for name, values in self._space.items()
        }
        create = self._library.trial.create_trial
        self._study.add_trial(
            create(params=places, distributions=self._distributions, value=trial.score)
        )


@contextmanager
def _quiet(library: Any) -> Iterator[None]:
    """Nothing prints unasked; the user's level of messages comes back."""
    before = library.logging.get_verbosity()
    library.logging.set_verbosity(library.logging.WARNING)
    try:
        yield
    finally:
        library.logging.set_verbosity(before)
