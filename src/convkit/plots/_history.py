"""The columns of a training history, whatever holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from convkit.errors import PlotError

if TYPE_CHECKING:
    from convkit.plots._arrays import Array


class HistoryLike(Protocol):
    """What the curves need of a history: `convkit.History`, or a dictionary of lists.

    Columns that are drawn when they are there: `step`, `epoch`, `training_loss`,
    `training_accuracy`, `validation_loss`, `validation_accuracy`, `smoothed_validation_loss`.
    `best_epoch`, `stop_reason` and `step_losses` are attributes, or keys of the dictionary.
    """

    def __getitem__(self, name: str, /) -> Any:
        """The values of one column."""
        ...


def column(history: HistoryLike, name: str) -> Array | None:
    """One column as floats, None (a value not measured) as NaN; None when it is not there."""
    try:
        values = history[name]
    except (KeyError, AttributeError):
        return None
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return numbers if np.isfinite(numbers).any() else None


def fact(history: HistoryLike, name: str) -> Any:
    """What a history says beside its columns, None when it does not."""
    if hasattr(history, name):
        return getattr(history, name)
    try:
        return history[name]
    except (KeyError, AttributeError):
        return None


def positions(history: HistoryLike, by: str) -> tuple[Array, str]:
    """The horizontal places of the rows, and what they are called.

    Args:
        history: The history.
        by: `"epoch"`, `"step"`, or `"auto"`: by step when it was validated within the epoch.

    Raises:
        PlotError: When it has no row, or no column of that name.
    """
    epochs = column(history, "epoch")
    steps = column(history, "step")
    if by == "auto":
        within = epochs is not None and bool(np.any(epochs != np.round(epochs)))
        by = "step" if within and steps is not None else "epoch"
    if by not in {"epoch", "step"}:
        raise PlotError(f'by is "auto", "epoch" or "step", received {by!r}')
    found = steps if by == "step" else epochs
    if found is None and by == "epoch":
        found = np.arange(1.0, _rows(history) + 1)
    if found is None or len(found) == 0:
        raise PlotError(f"the history has no {by} to draw: it has no row, or no column {by!r}")
    return found, by


def _rows(history: HistoryLike) -> int:
    """How many rows a history without epochs has."""
    for name in ("training_loss", "validation_loss", "training_accuracy", "validation_accuracy"):
        values = column(history, name)
        if values is not None:
            return len(values)
    return 0
