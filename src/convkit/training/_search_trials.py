"""What did each trial of a search give? One file each, so that no finished trial is lost."""

from __future__ import annotations

import hashlib
import json
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit._files import replace_file
from convkit.errors import RunError, TrainingError
from convkit.training._given import is_whole
from convkit.training._interrupt import raising_again

if TYPE_CHECKING:
    from os import PathLike

Train = Callable[[dict[str, Any]], float | Mapping[str, Any]]
_NOT_FINITE = {"nan", "inf", "-inf"}


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of everything, trained once for each seed.

    Args:
        settings: Name and value of every setting.
        scores: One for each seed.
        figures: What else the training gave: means over the seeds, or the value of the first seed
            where it is no number.
        seconds: That the trainings took together.

    Examples:
        >>> trial = Trial({"lr": 0.1}, (0.5, 0.7), figures={}, seconds=12.0)
        >>> round(trial.score, 2), round(trial.spread, 2)
        (0.6, 0.14)
    """

    settings: dict[str, Any]
    scores: tuple[float, ...]
    _: KW_ONLY
    figures: dict[str, Any]
    seconds: float

    @property
    def score(self) -> float:
        """The mean over the seeds; NaN when one of them is no finite number."""
        if not all(map(math.isfinite, self.scores)):
            return math.nan
        return statistics.fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """The standard deviation over the seeds; None for one seed or when it diverged."""
        if len(self.scores) < 2 or not math.isfinite(self.score):
            return None
        return statistics.stdev(self.scores)


class TrialStore:
    """Trains what was not trained yet, and keeps what was.

    Args:
        train: The user's function.
        directory: Where the files of finished trials are; None keeps them in memory alone.
        score: The key of the score, where `train` returns a mapping.
        repeats: Seeds of a trial.
    """

    def __init__(
        self, train: Train, directory: str | PathLike[str] | None, score: str, repeats: int
    ) -> None:
        if not is_whole(repeats, 1):
            raise TrainingError(f"repeats is a whole number from 1 on, not {repeats!r}")
        self._train, self._score, self.repeats = train, score, repeats
        self._directory = None if directory is None else Path(directory)
        self._results: dict[str, dict[str, Any]] = {}
        if self._directory is not None:
            # Made now: a place that cannot be written is better known before hours of training.
            self._directory.mkdir(parents=True, exist_ok=True)

    def trial(self, settings: dict[str, Any]) -> Trial:
        """Train a setting with every seed that is not finished, and put the seeds together."""
        runs = [self._run(seeded) for seeded in self._seeded(settings)]
        return Trial(
            dict(settings),
            tuple(run["score"] for run in runs),
            figures=_together([run["figures"] for run in runs]),
            seconds=sum(run["seconds"] for run in runs),
        )

    def is_finished(self, settings: dict[str, Any]) -> bool:
        """Whether every seed of a setting was trained."""
        return all(self._known(canonical(seeded)) for seeded in self._seeded(settings))

    def finished(self) -> list[dict[str, Any]]:
        """The settings of the files in the directory, without their seeds, each once."""
        if self._directory is None:
            return []
        found = [_read(path)["settings"] for path in sorted(self._directory.glob("trial-*.json"))]
        if self.repeats > 1:
            found = [{k: v for k, v in settings.items() if k != "seed"} for settings in found]
        return list({canonical(settings): settings for settings in found}.values())

    def _seeded(self, settings: dict[str, Any]) -> list[dict[str, Any]]:
        if self.repeats == 1:
            return [settings]
        return [{**settings, "seed": seed} for seed in range(self.repeats)]

    def _run(self, settings: dict[str, Any]) -> dict[str, Any]:
        key = canonical(settings)
        known = self._known(key)
        if known is not None:
            return known
        begin = time.perf_counter()
        with raising_again():
            returned = self._train(dict(settings))
        seconds = time.perf_counter() - begin
        score, figures = self._split(returned)
        result = {"settings": settings, "score": score, "figures": figures, "seconds": seconds}
        self._results[key] = result
        if self._directory is not None:
            replace_file(self._path(key), json.dumps(_plain(result), indent=1, allow_nan=False))
        return result

    def _split(self, returned: Any) -> tuple[float, dict[str, Any]]:
        """The score and the other figures of what a training returned."""
        figures = dict(returned) if isinstance(returned, Mapping) else {self._score: returned}
        if self._score not in figures:
            raise TrainingError(
                f"train returned {', '.join(map(repr, figures)) or 'nothing'}, not "
                f"{self._score!r}: return it, or name the score with score="
            )
        score = figures.pop(self._score)
        try:
            number = float(score)
        except (TypeError, ValueError):
            raise TrainingError(
                f"train returned a {type(score).__name__} as its score: return one number, such as "
                "the lowest validation loss, or a mapping that holds it"
            ) from None
        return number, {str(name): _figure(value) for name, value in figures.items()}

    def _known(self, key: str) -> dict[str, Any] | None:
        if key not in self._results and self._directory is not None:
            path = self._path(key)
            if path.exists():
                self._results[key] = _read(path)
        return self._results.get(key)

    def _path(self, key: str) -> Path:
        """A file name that says nothing that a file system could refuse."""
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        return (self._directory or Path()) / f"trial-{name}.json"


def canonical(settings: Mapping[str, Any]) -> str:
    """The text by which a setting is known again: 1, 1.0 and True are three values.

    Raises:
        TrainingError: For a value that a file cannot hold.
    """
    try:
        return json.dumps(settings, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        for name, value in settings.items():
            if not _is_plain(value):
                raise TrainingError(
                    f"setting {name!r} has the value {value!r}: give numbers, texts, True, False, "
                    "None or tuples of them, and make the object inside train"
                ) from None
        raise


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _figure(value: Any) -> Any:
    """A figure as a plain value; tensors and arrays of one number become it."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return float(value) if hasattr(value, "__float__") else str(value)


def _together(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of several seeds: means of numbers, else those of the first."""
    merged: dict[str, Any] = {}
    for name, first in figures[0].items():
        values = [run.get(name) for run in figures]
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        several = len(values) > 1 and len(numbers) == len(values)
        merged[name] = sum(numbers) / len(numbers) if several else first
    return merged


def _plain(result: dict[str, Any]) -> dict[str, Any]:
    """The result in strict JSON: a number that is not finite becomes its name."""
    figures = {name: _named(value) for name, value in result["figures"].items()}
    return {**result, "score": _named(result["score"]), "figures": figures}


def _named(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read(path: Path) -> dict[str, Any]:
    """A trial from its file.

    Raises:
        RunError: When the file is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        figures = {
            name: float(value) if value in _NOT_FINITE else value
            for name, value in values["figures"].items()
        }
        return {
            "settings": dict(values["settings"]),
            "score": float(values["score"]),
            "figures": figures,
            "seconds": float(values["seconds"]),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path} could not be read as a trial ({type(error).__name__}: {error}): delete it to "
            "train that trial again"
        ) from error
