"""How training went."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import convkit.plots
from convkit._tables import Table
from convkit.errors import PlotError
from convkit.report._page import Section, folded, paragraph, picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.report._material import Material

_ROWS_SHOWN = 200
_COLUMNS = (
    "epoch",
    "step",
    "training_loss",
    "training_accuracy",
    "validation_loss",
    "smoothed_validation_loss",
    "validation_accuracy",
    "learning_rate",
    "seconds",
)


def training_section(material: Material) -> Section:
    """Curves with their smoothing, the best and the last epoch, and every row as a table."""
    history = material.run.history
    if not len(history):
        return Section("training", "Training", paragraph("No epoch was completed."))
    body = []
    try:
        figure = convkit.plots.curves(history)
    except PlotError as error:
        body.append(paragraph(f"The curves could not be drawn: {error}."))
    else:
        caption = "Pale: as measured; strong: smoothed. The dashed line marks the weights kept."
        body.append(picture(figure, _told(history), caption))
    if history.step_losses:
        steps = convkit.plots.curves(history, by="step", steps=True, accuracy=False)
        body.append(picture(steps, "Training loss of every step, averaged over ten steps"))
    shown, note = _thinned(len(history))
    rows = tuple(tuple(_cell(history, name, row) for name in _present(history)) for row in shown)
    header = tuple(name.replace("_", " ") for name in _present(history))
    content = Table(header, rows, notes=(note,) if note else ())
    body.append(folded("Every epoch as a table", content, "Every epoch"))
    return Section("training", "Training", "\n".join(body))


def _told(history: Any) -> str:
    """What the curves show, in a sentence."""
    best = history.best_epoch
    kept = f"; the best is epoch {best:g}" if best == best else ""
    return f"Loss and accuracy over {len(history)} validations{kept}. {history.stop_reason}"


def _present(history: Any) -> list[str]:
    """The columns that hold a number."""
    return [
        name
        for name in _COLUMNS
        if name in history.columns and any(math.isfinite(value) for value in history[name])
    ]


def _thinned(rows: int) -> tuple[Sequence[int], str]:
    """The rows that are shown, evenly spread when there are too many to read."""
    if rows <= _ROWS_SHOWN:
        return range(rows), ""
    step = math.ceil(rows / _ROWS_SHOWN)
    shown = sorted({*range(0, rows, step), rows - 1})
    return shown, f"Every {step}th of {rows:,} rows; history.json holds all of them."


def _cell(history: Any, column: str, row: int) -> str:
    """A value with the digits that it deserves."""
    value = history[column][row]
    if not math.isfinite(value):
        return ""
    if column.endswith("accuracy"):
        return f"{100 * value:.2f} %"
    if column == "seconds":
        return f"{value:.1f}"
    return f"{value:.4f}" if column.endswith("loss") else f"{value:g}"
