"""What happened during training? Columns of numbers, one row for each validation."""

from __future__ import annotations

import json
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit._files import replace_file
from convkit._tables import Shown, Table
from convkit.errors import RunError, TrainingError
from convkit.training._stop import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike


COLUMNS = (
    "epoch",
    "step",
    "training_loss",
    "training_accuracy",
    "validation_loss",
    "validation_accuracy",
    "smoothed_validation_loss",
    "learning_rate",
    "seconds",
)
_SPECIAL = {"NaN": nan, "Infinity": float("inf"), "-Infinity": -float("inf")}


class History(Shown):
    """The course of a training, one row for each validation.

    `history["validation_loss"]` is a list of floats; the columns are `epoch` (from 1; a fraction
    when validated within an epoch), `step` (optimizer steps so far), `training_loss` and
    `training_accuracy` (means over the samples since the row before, measured in training mode
    while training), `validation_loss`, `validation_accuracy`, `smoothed_validation_loss`,
    `learning_rate` (of the first parameter group, at that moment) and `seconds` (of training so
    far, interruptions not counted). A number that does not exist is NaN.

    Attributes:
        step_losses: The training loss of every optimizer step.
        stop: How training ended, as a `Stop`; None while it goes on.

    Examples:
        >>> history = History()
        >>> history.append(epoch=1, step=10, training_loss=2.0, validation_loss=1.5)
        >>> history.append(epoch=2, step=20, training_loss=1.0, validation_loss=1.7)
        >>> history["validation_loss"], history.best_epoch, len(history)
        ([1.5, 1.7], 1, 2)

        >>> history.columns[:3], history.best_row
        (('epoch', 'step', 'training_loss'), 0)
        >>> History.from_json(history.to_json()).row(-1)["training_loss"]
        1.0
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
        self.step_losses: list[float] = []
        self.stop: Stop | None = None
        self._best_row: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def __getitem__(self, column: str) -> list[float]:
        try:
            return self._columns[column]
        except KeyError:
            known = ", ".join(self._columns)
            raise KeyError(f"history has no column {column!r}; its columns are {known}") from None

    def __contains__(self, column: object) -> bool:
        return column in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._columns["epoch"])

    def append(self, *, best: bool | None = None, **values: float) -> None:
        """Add a row; a column that is not given is NaN.

        Args:
            best: Whether this is the best row so far; None compares the smoothed validation
                loss, or the raw one where nothing is smoothed.
            **values: Numbers by the names of their columns.

        Raises:
            TrainingError: For names that are not those of the columns.
        """
        unknown = sorted(set(values) - set(self._columns))
        if unknown:
            raise TrainingError(f"history has no column {', '.join(unknown)}")
        for name, column in self._columns.items():
            column.append(float(values.get(name, nan)))
        if not isfinite(self["smoothed_validation_loss"][-1]):
            self["smoothed_validation_loss"][-1] = self["validation_loss"][-1]
        if self._is_best() if best is None else best:
            self._best_row = len(self) - 1

    def note(self, **values: float) -> None:
        """Write further numbers into the last row; a new column is NaN in the rows above.

        Args:
            **values: Numbers by the names of columns of your own.

        Raises:
            TrainingError: Before the first row, and for a column that training itself writes.

        Examples:
            >>> history = History()
            >>> history.append(epoch=1, step=10, validation_loss=1.5)
            >>> history.note(test_loss=1.6)
            >>> history["test_loss"]
            [1.6]
        """
        if not len(self):
            raise TrainingError("history has no row yet: note after the first validation")
        if taken := sorted(set(values) & set(COLUMNS)):
            raise TrainingError(
                f"training itself writes {', '.join(taken)}: choose another column name"
            )
        for name, value in values.items():
            self._columns.setdefault(name, [nan] * len(self))[-1] = float(value)

    def _is_best(self) -> bool:
        losses = self["smoothed_validation_loss"]
        if not isfinite(losses[-1]):
            return False
        return self._best_row is None or losses[-1] < losses[self._best_row]

    def forget_best(self) -> None:
        """Let no row so far be the best: what comes is not compared with it.

        Examples:
            >>> history = History()
            >>> history.append(epoch=1, step=10, validation_loss=1.5)
            >>> history.forget_best()
            >>> history.append(epoch=2, step=20, validation_loss=1.7)
            >>> history.best_epoch
            2
        """
        self._best_row = None

    @property
    def best_row(self) -> int | None:
        """The row of the best epoch, from 0; None before there is one."""
        return self._best_row

    @property
    def best_epoch(self) -> float:
        """The epoch whose weights are kept; a whole number as an int; NaN before the first row.

        Without a validation set, or a finite value on it, that is the last one.
        """
        if not len(self):
            return nan
        epoch = self["epoch"][-1 if self._best_row is None else self._best_row]
        return int(epoch) if epoch.is_integer() else epoch

    @property
    def stop_reason(self) -> str:
        """Why training ended, as a sentence; empty while it goes on."""
        return self.stop.sentence if self.stop else ""

    def row(self, index: int) -> dict[str, float]:
        """One row, by the names of its columns.

        Args:
            index: From 0; -1 is the last.
        """
        return {name: column[index] for name, column in self._columns.items()}

    def plot(self, **options: Any) -> Any:
        """Draw losses and accuracies, raw and smoothed, with the best and the stop epoch.

        Args:
            **options: Of `convkit.plots.curves`, such as `by="step"`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import curves

        return curves(self, **options)

    def table(self) -> Table:
        """The rows as a table, rounded for reading."""
        shown = [name for name in self._columns if any(isfinite(v) for v in self[name])]
        rows = zip(*(self[name] for name in shown), strict=True)
        return Table(
            tuple(name.replace("_", " ") for name in shown),
            tuple(tuple(f"{value:.6g}" for value in row) for row in rows),
            notes=(self.stop_reason,) if self.stop else (),
        )

    def __str__(self) -> str:
        return str(self.table())

    def to_csv(self, path: str | PathLike[str]) -> Path:
        """Write every row with all digits; an empty cell is a number that does not exist.

        Args:
            path: The file, replaced whole.

        Returns:
            The path written.
        """
        rows = zip(*self._columns.values(), strict=True)
        cells = tuple(tuple(None if v != v else repr(v) for v in row) for row in rows)
        return replace_file(path, Table(self.columns, cells).to_csv())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN is None, infinity a text."""
        return {
            "columns": {
                name: [_plain(v) for v in column] for name, column in self._columns.items()
            },
            "best_row": self._best_row,
            "best_epoch": _plain(float(self.best_epoch)),
            "stop": None
            if self.stop is None
            else {"reason": self.stop.reason.value, "sentence": self.stop.sentence},
            "step_losses": [_plain(v) for v in self.step_losses],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> History:
        """The inverse of `to_dict`.

        Args:
            values: What `to_dict` gave.
        """
        history = cls()
        history._columns = {
            str(name): [_number(v) for v in column] for name, column in values["columns"].items()
        }
        history._best_row = values["best_row"]
        history.step_losses = [_number(v) for v in values["step_losses"]]
        if values["stop"] is not None:
            stop = values["stop"]
            history.stop = Stop(StopReason(stop["reason"]), stop["sentence"])
        return history

    def to_json(self) -> str:
        """Write strict JSON, which `from_json` reads back bit for bit."""
        return json.dumps(self.to_dict(), allow_nan=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> History:
        """Read what `to_json` wrote.

        Args:
            text: What `to_json` gave.

        Returns:
            The history.
        """
        return cls.from_dict(json.loads(text))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> History:
        """Read a `history.json`.

        Args:
            path: Of a file that holds what `to_json` gave.

        Returns:
            The history.

        Raises:
            RunError: When the file is not a history.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{path} is not a history: {error}") from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # a history grows, so it has no lasting hash


def _plain(value: float) -> float | str | None:
    if isfinite(value):
        return value
    if value != value:
        return None
    return "Infinity" if value > 0 else "-Infinity"


def _number(value: float | str | None) -> float:
    if value is None:
        return nan
    return _SPECIAL[value] if isinstance(value, str) else float(value)
