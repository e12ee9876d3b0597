"""What does a training write into its directory, and who may write there?"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

import torch

from convkit.errors import RunError
from convkit.training._checkpoint import keep_previous, read_newest, write_tensors, written
from convkit.training._state import portable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from convkit.training._history import History

try:
    import fcntl
except ImportError:  # Windows has no such locks; there two runs are told by their files alone
    fcntl = None  # type: ignore[assignment]  # the module is missing, not replaced

CONFIGURATION = "configuration.json"
HISTORY = "history.json"
BEST = "best.pt"
LAST = "last.pt"
PREVIOUS = "previous.pt"
SAMPLES = "samples.pt"
_LOCK = ".lock"


class RunDirectory:
    """The directory of one training.

    Args:
        path: The directory; made when training begins.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None
        self._made: list[Path] = []

    def open(self, *, resume: bool) -> None:
        """Take the directory for this training.

        Raises:
            RunError: When another training is running in it, when it holds a finished or
                interrupted one and `resume` is false, or when it cannot be written.
        """
        if not resume and self.has_checkpoint():
            raise RunError(
                f"{self.path} already holds a training: go on with it by fit(..., resume=True), "
                "or choose another directory"
            )
        lock = self.path / _LOCK
        self._made = [each for each in (lock, self.path) if not each.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = lock.open("a")
        except OSError as error:
            raise RunError(f"{self.path} cannot be written: {error.strerror}") from error
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self.close()
                raise RunError(
                    f"another training is running in {self.path}: wait for its end, "
                    "or choose another directory"
                ) from error

    def close(self) -> None:
        """Let others take the directory; of a training that was refused nothing is left."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            with suppress(OSError):  # somebody else may have taken it away, or come in between
                if [each.name for each in self.path.iterdir()] == [_LOCK]:
                    for each in self._made:
                        each.rmdir() if each == self.path else each.unlink()

    def has_checkpoint(self) -> bool:
        """Whether a training has left a checkpoint here."""
        return (self.path / LAST).exists() or (self.path / PREVIOUS).exists()

    def read_checkpoint(self, notice: Callable[[str], None]) -> dict[str, Any] | None:
        """The newest whole checkpoint; None when there is none."""
        return read_newest(self.path / LAST, self.path / PREVIOUS, notice)

    def save(self, history: History, state: dict[str, Any]) -> None:
        """Write the history, then the checkpoint; the one before stays beside it."""
        written(self.path / HISTORY, history.to_json())
        content = portable(state)
        keep_previous(self.path / LAST, self.path / PREVIOUS)
        write_tensors(self.path / LAST, content)

    def write_best(self, weights: dict[str, Any]) -> None:
        """Write the best weights, a plain state dictionary."""
        write_tensors(self.path / BEST, portable(weights))

    def remove_best(self) -> None:
        """Take the best weights away: the last ones count."""
        (self.path / BEST).unlink(missing_ok=True)

    def write_history(self, history: History) -> None:
        """Write the history."""
        written(self.path / HISTORY, history.to_json())

    def write_configuration(self, configuration: dict[str, Any]) -> None:
        """Write what was trained, and how."""
        written(self.path / CONFIGURATION, to_json(configuration))

    def write_tensors(self, name: str, values: Any) -> None:
        """Write another file of tensors."""
        write_tensors(self.path / name, portable(values))

    def write_evaluation(
        self, name: str, values: dict[str, Any], mistakes: dict[str, Any] | None
    ) -> None:
        """Write what was measured on a set, and its worst mistakes."""
        written(self.path / f"evaluation-{name}.json", to_json(values))
        if mistakes is not None:
            self.write_tensors(f"mistakes-{name}.pt", mistakes)


def to_json(values: Any) -> str:
    """Strict JSON: a number that is not finite is null."""
    return json.dumps(_strict(values), allow_nan=False, indent=1, default=_unknown)


def _strict(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value


def _unknown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return _strict(value.tolist())
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
