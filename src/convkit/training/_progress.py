"""What does whoever waits for a training see? A bar on a terminal, else one line per validation."""

from __future__ import annotations

import sys
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convkit.training._stop import Stop


class Progress(Protocol):
    """What the training loop tells."""

    def begin(self, epoch: int, epochs: int, steps: int | None) -> None:
        """Training begins after `epoch` of `epochs` epochs of so many steps."""

    def steps(self, done: int) -> None:
        """So many steps of the present epoch are done."""

    def row(self, row: Mapping[str, float], remaining: float) -> None:
        """A validation is done; so many seconds remain when every epoch is trained."""

    def notice(self, text: str) -> None:
        """Something that the user should know."""

    def end(self, stop: Stop | None) -> None:
        """Training ended."""


def make_progress(progress: bool) -> Progress:
    """The fitting kind for where stderr goes."""
    if not progress:
        return SilentProgress()
    return BarProgress() if sys.stderr.isatty() else LineProgress()


class SilentProgress:
    """Tells nothing."""

    def begin(self, epoch: int, epochs: int, steps: int | None) -> None: ...
    def steps(self, done: int) -> None: ...
    def row(self, row: Mapping[str, float], remaining: float) -> None: ...
    def notice(self, text: str) -> None: ...
    def end(self, stop: Stop | None) -> None: ...


class LineProgress:
    """One line on stderr for each validation."""

    def __init__(self) -> None:
        self._epochs = 0

    def begin(self, epoch: int, epochs: int, steps: int | None) -> None:
        """Remember how many epochs there are."""
        self._epochs = epochs

    def steps(self, done: int) -> None:
        """Steps are too many for lines."""

    def row(self, row: Mapping[str, float], remaining: float) -> None:
        """One line."""
        self._print(f"{described(row, self._epochs)}, {spoken(remaining)} left")

    def notice(self, text: str) -> None:
        """One line."""
        self._print(text)

    def end(self, stop: Stop | None) -> None:
        """The reason, in one line."""
        if stop is not None:
            self._print(stop.sentence)

    def _print(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress is asked for


class BarProgress:
    """A bar for the steps of the epoch, below one line for each validation."""

    def __init__(self) -> None:
        # Loaded here: only a terminal needs it.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
            refresh_per_second=4,
            transient=True,
        )
        self._task: Any = None
        self._epochs = 0
        self._done = 0

    def begin(self, epoch: int, epochs: int, steps: int | None) -> None:
        """Show the bar."""
        self._epochs = epochs
        total = None if steps is None else steps * (epochs - epoch)
        self._task = self._bar.add_task(f"{epochs} epochs", total=total)
        self._bar.start()

    def steps(self, done: int) -> None:
        """Move the bar on."""
        self._bar.update(self._task, advance=done)

    def row(self, row: Mapping[str, float], remaining: float) -> None:
        """A line above the bar."""
        self._bar.console.print(described(row, self._epochs), markup=False)
        if isfinite(remaining):
            self._bar.update(self._task, description=f"{spoken(remaining)} left")

    def notice(self, text: str) -> None:
        """A line above the bar."""
        self._bar.console.print(text, markup=False)

    def end(self, stop: Stop | None) -> None:
        """Take the bar away and say why training ended."""
        self._bar.stop()
        if stop is not None:
            self._bar.console.print(stop.sentence, markup=False)


def described(row: Mapping[str, float], epochs: int) -> str:
    """A row of the history in one line."""
    parts = [f"epoch {row['epoch']:.4g}/{epochs}"]
    for name in ("training", "validation"):
        loss, accuracy = row[f"{name}_loss"], row[f"{name}_accuracy"]
        if not isnan(loss):
            parts.append(
                f"{name} loss {loss:.4f}" + ("" if isnan(accuracy) else f" ({accuracy:.1%})")
            )
    smoothed = row["smoothed_validation_loss"]
    if not isnan(smoothed) and smoothed != row["validation_loss"]:
        parts.append(f"smoothed {smoothed:.4f}")
    return f"{', '.join(parts)}, {spoken(row['seconds'])}"


def spoken(seconds: float) -> str:
    """A time as people say it."""
    if not isfinite(seconds):
        return "unknown time"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
