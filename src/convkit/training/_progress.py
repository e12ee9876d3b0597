"""What does whoever waits for a training see? A bar on a terminal, else one line per validation."""

from __future__ import annotations

import sys
import time
from math import isfinite, isnan, nan
from typing import TYPE_CHECKING, Any

from convkit.training._stop import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Mapping


class Progress:
    """What the training loop tells; this one says nothing, the others build on it."""

    def __init__(self) -> None:
        self._epochs, self._began_at, self._began = 0, 0.0, 0.0

    def begin(self, epoch: float, epochs: int, steps: int | None) -> None:
        """Training begins after `epoch` of `epochs` epochs of `steps` steps each."""
        self._epochs, self._began, self._began_at = epochs, epoch, time.perf_counter()
        self._show(None if steps is None else round(steps * (epochs - epoch)))

    def steps(self, done: int) -> None:
        """So many more steps are done."""

    def row(self, row: Mapping[str, float]) -> None:
        """A validation is done."""

    def notice(self, text: str) -> None:
        """Something that the user should know."""

    def end(self, stop: Stop | None) -> None:
        """Training ended; an error speaks for itself."""
        if stop is not None and stop.reason != StopReason.ERROR:
            self.notice(stop.sentence)

    def _show(self, steps: int | None) -> None:
        """So many steps are to come."""

    def _remaining(self, epoch: float) -> float:
        """Seconds left when every epoch is trained at the pace so far."""
        done = epoch - self._began
        spent = time.perf_counter() - self._began_at
        return spent / done * (self._epochs - epoch) if done > 0 else nan

    def _described(self, row: Mapping[str, float]) -> str:
        """A row of the history in one line."""
        parts = [f"epoch {row['epoch']:.4g}/{self._epochs}"]
        for name in ("training", "validation"):
            loss, accuracy = row[f"{name}_loss"], row[f"{name}_accuracy"]
            if not isnan(loss):
                share = "" if isnan(accuracy) else f" ({accuracy:.1%})"
                parts.append(f"{name} loss {loss:.4f}{share}")
        smoothed = row["smoothed_validation_loss"]
        if not isnan(smoothed) and smoothed != row["validation_loss"]:
            parts.append(f"smoothed {smoothed:.4f}")
        return ", ".join([*parts, spoken(row["seconds"])])


class LineProgress(Progress):
    """One line on stderr for each validation."""

    def row(self, row: Mapping[str, float]) -> None:
        """One line."""
        self.notice(f"{self._described(row)}, {spoken(self._remaining(row['epoch']))} left")

    def notice(self, text: str) -> None:
        """One line."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress was asked for


class BarProgress(Progress):
    """A bar for the steps, below one line for each validation."""

    def __init__(self) -> None:
        # Loaded here: only a terminal needs it.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        super().__init__()
        self._bar = Bar(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(file=sys.stderr, highlight=False),
            refresh_per_second=4,
            transient=True,
        )
        self._task: Any = None

    def _show(self, steps: int | None) -> None:
        self._task = self._bar.add_task("training", total=steps)
        self._bar.start()

    def steps(self, done: int) -> None:
        """Move the bar on."""
        self._bar.update(self._task, advance=done)

    def row(self, row: Mapping[str, float]) -> None:
        """A line above the bar."""
        self.notice(self._described(row))

    def notice(self, text: str) -> None:
        """A line above the bar."""
        self._bar.console.print(text, markup=False)

    def end(self, stop: Stop | None) -> None:
        """Take the bar away and say why training ended."""
        self._bar.stop()
        super().end(stop)


def make_progress(*, wanted: bool) -> Progress:
    """The kind that fits where stderr goes."""
    if not wanted:
        return Progress()
    return BarProgress() if sys.stderr.isatty() else LineProgress()


def spoken(seconds: float) -> str:
    """A time as people say it."""
    if not isfinite(seconds):
        return "unknown time"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
