"""Several runs side by side: what differs, what came of it, and what may be concluded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit._tables import Cell, Table
from convkit.errors import RunError
from convkit.report._figures import (
    COLUMNS,
    Column,
    RunFigures,
    against_the_best,
    evaluation_columns,
)
from convkit.report._seeds import sets_of_other_size, spread_over_seeds
from convkit.report._settings import CALLS
from convkit.report._words import short, spoken
from convkit.training import read_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convkit.plots import Figure

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side; `print` it, or write it for a report.

    Args:
        runs: The figures of each run.
        columns: Names of settings and figures to show; None shows the settings that differ and
            every figure that a run has.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer, report
        >>> data = torch.randn(8, 1, 4, 4), torch.arange(8) % 2
        >>> for name, lr in (("a", 0.1), ("b", 0.01)):
        ...     model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
        ...     trainer = Trainer(model, optimizer="sgd", lr=lr, directory=f"runs/{name}")
        ...     _ = trainer.fit(data, data, epochs=1, progress=False)
        >>> comparison = report.compare(["runs/a", "runs/b"])
        >>> comparison.differing, len(comparison.table().rows)
        (('lr',), 2)
    """

    runs: tuple[RunFigures, ...]
    columns: tuple[str, ...] | None = None

    @property
    def differing(self) -> tuple[str, ...]:
        """The settings that are not the same in all runs."""
        names = dict.fromkeys(name for figures in self.runs for name in figures.settings)
        return tuple(
            name
            for name in names
            if len({f.settings.get(name) for f in self.runs}) > 1 and not self._said_elsewhere(name)
        )

    def _said_elsewhere(self, name: str) -> bool:
        """Whether a rule is told by its arguments, or an argument by the rule it belongs to.

        Its arguments say it best where every run has the rule, the whole rule where one has none.
        """
        rule, _, argument = name.partition(".")
        if rule not in CALLS:
            return False
        in_every_run = all(
            any(setting.startswith(f"{rule}.") for setting in f.settings) for f in self.runs
        )
        return in_every_run != bool(argument)

    def table(self) -> Table:
        """One row for each run.

        Lows and highs are each the extremum of their own column over the epochs, not the values
        of one epoch. The last column marks accuracies that cannot be told from the best one.
        """
        known = {**COLUMNS, **evaluation_columns(self.runs)}
        shown = self._shown(known)
        header = ["run", *(_label(name, known) for name in shown)]
        rows: list[list[Cell]] = [
            [figures.name, *(_cell(figures, name, known) for name in shown)]
            for figures in self.runs
        ]
        notes = list(self._notes())
        noise = against_the_best(self.runs)
        if noise is not None and self.columns is None:
            split, words = noise
            header.append(f"against the best on {split}")
            for row, word in zip(rows, words, strict=True):
                row.append(word)
            notes.append(
                "Inside the noise: the 95 % Wilson interval of the accuracy overlaps that of the "
                "best run."
            )
        return Table(tuple(header), tuple(map(tuple, rows)), notes=tuple(notes))

    def _shown(self, known: dict[str, Column]) -> list[str]:
        """The names of the columns, those that were asked for or all that say something."""
        if self.columns is None:
            figures = [
                n for n, c in known.items() if any(c.read(f.run) is not None for f in self.runs)
            ]
            return [*self.differing, *figures]
        settings = {name for figures in self.runs for name in figures.settings}
        there = {*known, *settings}
        for name in self.columns:
            if name not in there:
                raise RunError(
                    f"no run has a column {name!r}; there are {', '.join(sorted(there))}"
                )
        return list(self.columns)

    def _notes(self) -> list[str]:
        """What must be known beside the figures."""
        notes = []
        if any(_counts_epochs(name) for name in self.columns or ("training_loss_low",)):
            notes.append("Lows and highs are each over all epochs, not the values of one epoch.")
        notes += [
            f"The {split} sets differ in size: their figures do not compare."
            for split in sets_of_other_size(self.runs)
        ]
        spread = self.seeds()
        if spread is not None:
            for row in spread.rows:
                told = (f"{h} {c}" for h, c in zip(spread.header[2:], row[2:], strict=True) if c)
                notes.append(f"{row[1]} seeds ({row[0]}): {'; '.join(told)}.")
        return notes

    def seeds(self) -> Table | None:
        """Mean and sample standard deviation of runs that differ in nothing but the seed.

        Settings, size of the network, classes and samples of each class are the same, and no two
        runs of a group have one seed. A figure of sets of different size is left empty.

        Returns:
            One row for each group of two runs or more; None when there is none.
        """
        return spread_over_seeds(self.runs)

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return self.table().to_markdown()

    def to_latex(self) -> str:
        """The table as a LaTeX `tabular`."""
        return self.table().to_latex()

    def to_csv(self) -> str:
        """The table as comma-separated values."""
        return self.table().to_csv()

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Settings and figures of each run by name, as plain values; what is missing is None."""
        known = {**COLUMNS, **evaluation_columns(self.runs)}
        return {
            figures.name: {
                "settings": dict(figures.settings),
                "figures": {name: column.read(figures.run) for name, column in known.items()},
            }
            for figures in self.runs
        }

    def plot(self, **options: Any) -> Figure:
        """Draw the curves of all runs over each other.

        Args:
            options: Of `convkit.plots.compare_curves`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import compare_curves

        histories = {f.name: f.run.history for f in self.runs if len(f.run.history)}
        return compare_curves(histories, **options)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table().to_html()


def compare(
    directories: Iterable[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    columns: Iterable[str] | str | None = None,
) -> Comparison:
    """Set runs side by side: only the settings that differ, and what came of them.

    Args:
        directories: Run directories, or a single one.
        columns: Names of settings and figures to show, in order, such as `("batch_size",
            "epochs", "training_loss_low", "validation_loss_low", "validation_accuracy_high",
            "minutes")`; None shows the settings that differ and every figure.

    Returns:
        The comparison: `print` it; `.to_markdown()`, `.to_latex()`, `.to_csv()`, `.table()`,
        `.plot()`, `.seeds()`.

    Raises:
        RunError: When there is no directory, one holds no training, or a column is unknown.

    Examples:
        >>> import torch
        >>> from convkit import Trainer, report
        >>> images, labels = torch.randn(64, 1, 8, 8), torch.arange(64) % 2
        >>> for lr in (0.1, 0.01):
        ...     network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
        ...     trainer = Trainer(network, optimizer="sgd", lr=lr, directory=f"runs/lr{lr}")
        ...     _ = trainer.fit((images, labels), (images, labels), epochs=2, progress=False)
        >>> report.compare(["runs/lr0.1", "runs/lr0.01"]).differing
        ('lr',)
    """
    if isinstance(directories, (str, os.PathLike)):
        directories = [directories]
    paths = [Path(directory) for directory in directories]
    if not paths:
        raise RunError("there is no run to compare: give at least one run directory")
    runs = [read_run(path) for path in paths]
    figures = tuple(RunFigures.of(name, run) for name, run in zip(_names(paths), runs, strict=True))
    shown = (columns,) if isinstance(columns, str) else columns
    found = Comparison(figures, None if shown is None else tuple(shown))
    found.table()  # an unknown column is told here, where it was asked for
    return found


def _names(paths: list[Path]) -> list[str]:
    """The directories' names; their whole paths where two have the same name."""
    names = [path.resolve().name for path in paths]
    if len(set(names)) == len(names):
        return names
    whole = [str(path) for path in paths]
    if len(set(whole)) == len(whole):
        return whole
    twice = next(path for path in whole if whole.count(path) > 1)
    raise RunError(f"{twice} is given twice: a run is compared with others, not with itself")


def _label(name: str, known: dict[str, Column]) -> str:
    """What stands above a column."""
    return known[name].label if name in known else spoken(name)


def _cell(figures: RunFigures, name: str, known: dict[str, Column]) -> Cell:
    """A figure or a setting of one run."""
    if name not in known:
        return short(figures.settings.get(name, "none"), _LONGEST)
    value = known[name].read(figures.run)
    if value is None or isinstance(value, int):
        return value  # a table writes whole numbers for people, and plain digits for programs
    return known[name].write(value)


def _counts_epochs(name: str) -> bool:
    """Whether a column is an extremum over the epochs."""
    return name.endswith(("_low", "_high"))
