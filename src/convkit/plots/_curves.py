"""How training went: losses and accuracies, smoothed, with the best and the stop epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from convkit.errors import PlotError
from convkit.plots._arrays import to_array
from convkit.plots._history import HistoryLike, column, fact, positions
from convkit.plots._names import drawable
from convkit.plots._style import (
    INK,
    PALE,
    TRAINING,
    VALIDATION,
    drawn,
    heading,
    log_axis,
    new_figure,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from convkit.plots._arrays import Array

_MARKED_UP_TO = 30  # more points than these are a line already


@drawn
def curves(
    history: HistoryLike,
    *,
    by: str = "auto",
    accuracy: bool = True,
    steps: bool = False,
    log: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw a training history: loss above, accuracy below where it was measured.

    The validation loss is drawn pale as measured and strong as smoothed; the best epoch (least
    smoothed value) and the last one are marked, the reason of the stop is written below.

    Args:
        history: A `convkit.History`, or a dictionary of its columns.
        by: Horizontal axis `"epoch"` or `"step"`; `"auto"` takes steps when the validations
            fell within epochs.
        accuracy: Draw the accuracies, in percent, when there are any.
        steps: Draw the training loss from `history.step_losses`: means over ten steps with a
            band of one standard deviation.
        log: Draw the losses on a logarithmic axis.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is nothing to draw.

    Examples:
        >>> figure = curves({"epoch": [1, 2], "training_loss": [2.3, 1.1]})
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['loss']
    """
    places, by = positions(history, by)
    lines = [column(history, name) for name in ("training_accuracy", "validation_accuracy")]
    panels = 2 if accuracy and any(line is not None for line in lines) else 1
    figure = new_figure(7.2, 2.2 + 2.2 * panels)
    axes = list(figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0])
    heading(figure, title)
    _draw_losses(axes[0], history, places, by, steps=steps, log=log)
    if panels == 2:
        _draw_accuracies(axes[1], places, lines)
    _mark_epochs(axes, history, places, by)
    for panel in axes:
        style_axes(panel)
        _legend_beside(panel)
    axes[-1].set_xlabel("training step" if by == "step" else "epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, min_n_ticks=1))
    reason = fact(history, "stop_reason")
    if reason:
        figure.supxlabel(drawable(reason, 120), x=0.01, ha="left", fontsize=8.5, color=PALE)
    return figure


def _draw_losses(
    axes: Axes, history: HistoryLike, places: Array, by: str, *, steps: bool, log: bool
) -> None:
    """The losses of training and validation."""
    training, validation = column(history, "training_loss"), column(history, "validation_loss")
    smoothed = column(history, "smoothed_validation_loss")
    if training is None and validation is None and not steps:
        raise PlotError("the history has neither training_loss nor validation_loss to draw")
    if steps:
        draw_step_losses(axes, history, places, by)
    elif training is not None:
        draw_line(axes, places, training, TRAINING, "training")
    if validation is not None:
        differs = smoothed is not None and not np.array_equal(smoothed, validation, equal_nan=True)
        draw_line(axes, places, validation, VALIDATION, "validation", pale=differs)
        if differs and smoothed is not None:
            draw_line(axes, places, smoothed, VALIDATION, "validation, smoothed", marked=False)
    axes.set_ylabel("loss")
    if log:
        # The band of the steps may reach zero, which no logarithmic axis can show.
        low = min((np.nanmin(to_array(line.get_ydata())) for line in axes.lines), default=0.0)
        log_axis(axes)
        if low > 0:
            axes.set_ylim(bottom=0.7 * low)


def draw_line(
    axes: Axes,
    places: Array,
    values: Array,
    colour: str,
    label: str,
    *,
    pale: bool = False,
    marked: bool = True,
) -> None:
    """One curve; pale is how measured values stand behind their smoothed ones."""
    finite = np.where(np.isfinite(values), values, np.nan)
    axes.plot(
        places,
        finite,
        color=colour,
        label=label,
        linewidth=1.0 if pale else 2.0,
        alpha=0.45 if pale else 1.0,
        marker="o" if marked and len(places) <= _MARKED_UP_TO else None,
        markersize=3 if pale else 4,
    )


def draw_step_losses(
    axes: Axes, history: HistoryLike, places: Array, by: str, window: int = 10
) -> None:
    """The loss of every training step, averaged, with a band of one standard deviation."""
    losses = np.asarray(fact(history, "step_losses") or [], dtype=np.float64)
    if losses.size == 0:
        raise PlotError("the history has no step_losses: draw it with steps=False")
    whole = max(len(losses) // window, 1) * window
    groups = losses[:whole].reshape(-1, min(window, len(losses)))
    mean, deviation = groups.mean(axis=1), groups.std(axis=1)
    ends = (np.arange(len(groups)) + 1.0) * groups.shape[1]
    if by == "epoch":  # steps are spread evenly up to the last row's epoch
        ends = ends * places[-1] / len(losses)
    axes.fill_between(ends, mean - deviation, mean + deviation, color=TRAINING, alpha=0.2, lw=0)
    label = f"training, mean of {groups.shape[1]} steps ± deviation"
    draw_line(axes, ends, mean, TRAINING, label, marked=len(groups) == 1)


def _draw_accuracies(axes: Axes, places: Array, lines: list[Array | None]) -> None:
    """The accuracies in percent."""
    for values, colour, label in zip(
        lines, (TRAINING, VALIDATION), ("training", "validation"), strict=True
    ):
        if values is not None:
            draw_line(axes, places, 100 * values, colour, label)
    axes.set_ylabel("accuracy [%]")


def _mark_epochs(axes: list[Axes], history: HistoryLike, places: Array, by: str) -> None:
    """Vertical lines at the best epoch and at the last row."""
    best = fact(history, "best_epoch")
    marks = []
    epochs = column(history, "epoch")
    if best is not None and np.isfinite(best):
        row = None if epochs is None else np.flatnonzero(epochs == best)
        if by == "epoch" or (row is not None and row.size):
            where = float(best) if by == "epoch" or row is None else float(places[row[0]])
            marks.append((where, f"best: epoch {round(float(best), 2):g}", "--", INK))
    if fact(history, "stop_reason"):
        last = len(places) if epochs is None else epochs[-1]
        marks.append((float(places[-1]), f"end: epoch {round(float(last), 2):g}", ":", PALE))
    for place, label, style, colour in marks:
        for panel in axes:
            panel.axvline(
                place,
                linestyle=style,
                color=colour,
                linewidth=1.2,
                label=label if panel is axes[0] else None,
                zorder=1.5,
            )


def _legend_beside(axes: Axes) -> None:
    """A legend right of the panel, where it hides no curve."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
