"""The figures of one run that a comparison sets beside those of others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convkit.metrics import accuracy_interval
from convkit.report._settings import data_card, settings_of
from convkit.report._words import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convkit.training import Run


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a run.

    Args:
        label: What stands above it.
        read: Takes it from a run; None when the run does not have it.
        write: The figure as people read it.
    """

    label: str
    read: Callable[[Run], float | None]
    write: Callable[[float], str]


def _of(name: str, choose: Callable[[Sequence[float]], float]) -> Callable[[Run], float | None]:
    """A figure of a column's finite values: the least, the greatest."""

    def read(run: Run) -> float | None:
        values = [value for value in run.history[name] if math.isfinite(value)]
        return choose(values) if values else None

    return read


def _at_best(name: str) -> Callable[[Run], float | None]:
    """The value of a column in the row whose weights were kept."""

    def read(run: Run) -> float | None:
        row = run.history.best_row
        return None if row is None else _finite(run.history[name][row])

    return read


def _last(name: str) -> Callable[[Run], float | None]:
    """The last value of a column."""

    def read(run: Run) -> float | None:
        return _finite(run.history[name][-1]) if len(run.history) else None

    return read


def _configured(name: str) -> Callable[[Run], float | None]:
    """A number of the configuration."""
    return lambda run: _finite(run.configuration.get(name))


def _minutes(run: Run) -> float | None:
    """Minutes of training."""
    seconds = _last("seconds")(run)
    return None if seconds is None else seconds / 60


def _best_epoch(run: Run) -> float | None:
    """The epoch whose weights were kept."""
    return _finite(run.history.best_epoch)


def _finite(value: Any) -> float | None:
    """A number, or None for what is none."""
    if isinstance(value, int | float) and math.isfinite(value):
        return value
    return None


def _count(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{value:,.0f}"


def _loss(value: float) -> str:
    """A loss."""
    return f"{value:.4f}"


COLUMNS = {
    "parameters": Column("parameters", _configured("parameters"), _count),
    "macs": Column("MACs", _configured("macs"), _count),
    "epochs": Column("epochs", _last("epoch"), lambda value: f"{value:g}"),
    "best_epoch": Column("best epoch", _best_epoch, lambda value: f"{value:g}"),
    "training_loss_low": Column("training loss low", _of("training_loss", min), _loss),
    "validation_loss_low": Column("validation loss low", _of("validation_loss", min), _loss),
    "smoothed_loss_low": Column("smoothed loss low", _of("smoothed_validation_loss", min), _loss),
    "validation_loss_best": Column("validation loss at best", _at_best("validation_loss"), _loss),
    "validation_loss_last": Column("validation loss last", _last("validation_loss"), _loss),
    "training_accuracy_high": Column(
        "training accuracy high", _of("training_accuracy", max), percent
    ),
    "validation_accuracy_high": Column(
        "validation accuracy high", _of("validation_accuracy", max), percent
    ),
    "validation_accuracy_best": Column(
        "validation accuracy at best", _at_best("validation_accuracy"), percent
    ),
    "validation_accuracy_last": Column(
        "validation accuracy last", _last("validation_accuracy"), percent
    ),
    "minutes": Column("minutes", _minutes, lambda value: f"{value:.2f}"),
}
"""Every figure that does not come from an evaluation, by its name."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run in a comparison.

    Args:
        name: Its name, different from those of the others.
        run: The run, as read.
        settings: Its settings by name.
    """

    name: str
    run: Run
    settings: dict[str, str]

    @classmethod
    def of(cls, name: str, run: Run) -> RunFigures:
        """The figures of a run."""
        return cls(name, run, settings_of(run.configuration))

    def on_test(self) -> tuple[int, int] | None:
        """Right answers and samples of the test set; None when it was not evaluated."""
        test = self.run.evaluations.get("test") or {}
        share, samples = _finite(test.get("accuracy")), test.get("n")
        return (round(share * samples), int(samples)) if share is not None and samples else None

    def on_validation(self) -> tuple[int, int] | None:
        """Right answers and samples of the validation set at the best epoch."""
        share = COLUMNS["validation_accuracy_best"].read(self.run)
        samples = data_card(self.run.configuration).get("validation", {}).get("samples")
        return (round(share * samples), int(samples)) if share is not None and samples else None


def evaluation_columns(runs: Sequence[RunFigures]) -> dict[str, Column]:
    """Loss, accuracy and mean average precision of each set that any run was measured on."""
    splits = dict.fromkeys(split for figures in runs for split in sorted(figures.run.evaluations))
    found = {}
    for split in splits:
        for key, label, write in (
            ("loss", "loss", _loss),
            ("accuracy", "accuracy", percent),
            ("mean_average_precision", "mAP", _loss),
        ):
            found[f"{split}_{key}"] = Column(f"{label} on {split}", _measured(split, key), write)
    return found


def _measured(split: str, key: str) -> Callable[[Run], float | None]:
    """A figure of an evaluation."""
    return lambda run: _finite((run.evaluations.get(split) or {}).get(key))


def against_the_best(runs: Sequence[RunFigures]) -> tuple[str, list[str]] | None:
    """Which accuracies cannot be told from the best one, on the test set when all have one.

    Returns:
        The set that was compared, and for each run `"best"`, `"inside the noise"` when its 95 %
        Wilson interval overlaps that of the best, or nothing; None when there is no set that two
        runs were measured on.
    """
    measured = [figures.on_test() for figures in runs]
    split = "test"
    if None in measured:
        measured, split = [figures.on_validation() for figures in runs], "validation"
    known = [one for one in measured if one is not None]
    if len(known) < 2:
        return None
    correct, total = max(known, key=lambda one: one[0] / one[1])
    low = accuracy_interval(correct, total).low
    words = []
    best_named = False
    for one in measured:
        if one is None:
            words.append("")
        elif not best_named and one[0] * total == correct * one[1]:
            words.append("best")
            best_named = True
        else:
            inside = accuracy_interval(*one).high >= low
            words.append("inside the noise" if inside else "")
    return split, words
