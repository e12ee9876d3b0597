"""What several stop rules do on one curve of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import to_array
from convkit.plots._curves import draw_line
from convkit.plots._names import drawable
from convkit.plots._style import INK, SERIES, VALIDATION, drawn, heading, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = [colour for colour in SERIES if colour != VALIDATION]


@drawn
def replay(outcome: Any, *, title: str | None = None) -> Figure:
    """Draw a finished curve, what each stop rule saw of it, where it stops, what it keeps.

    Args:
        outcome: `EarlyStopping.replay(...)`: anything with `.values` and `.rows`, each row with
            `.name`, `.stop_epoch`, `.best_epoch` (or None) and, when it is there, `.smoothed`.
        title: A line above the picture.

    Returns:
        The figure: above the curves, below a line for each rule, from its best epoch (filled) to
        its stop (bar).

    Raises:
        PlotError: When there is no value or no rule.

    Examples:
        >>> from types import SimpleNamespace
        >>> rule = SimpleNamespace(name="patience 2", stop_epoch=4, best_epoch=2)
        >>> figure = replay(SimpleNamespace(values=[3, 1, 2, 2, 2], rows=[rule]))
        >>> [label.get_text() for label in figure.axes[1].get_yticklabels()]
        ['patience 2']
    """
    values = to_array(outcome.values).astype(np.float64)
    rules = list(outcome.rows)
    if not len(values) or not rules:
        raise PlotError("a replay needs at least one value and one rule")
    figure = new_figure(7.4, 3.0 + 0.32 * len(rules))
    above, below = figure.subplots(
        2, 1, sharex=True, height_ratios=(2.6, max(0.32 * len(rules), 0.5))
    )
    heading(figure, title)
    epochs = np.arange(1.0, len(values) + 1)
    draw_line(above, epochs, values, VALIDATION, "validation", pale=True)
    for number, rule in enumerate(rules):
        colour = _COLOURS[number % len(_COLOURS)]
        smoothed = np.asarray(getattr(rule, "smoothed", ()), dtype=np.float64)
        if smoothed.size:
            above.plot(epochs[: len(smoothed)], smoothed, color=colour, linewidth=1.4)
        start = rule.best_epoch if rule.best_epoch is not None else rule.stop_epoch
        below.plot([start, rule.stop_epoch], [number, number], color=colour, linewidth=3)
        below.plot(rule.stop_epoch, number, "|", color=colour, markersize=14, markeredgewidth=3)
        if rule.best_epoch is not None:
            below.plot(rule.best_epoch, number, "o", color=colour, markersize=8)
    below.set_yticks(range(len(rules)), [drawable(rule.name, 34) for rule in rules])
    below.set_ylim(len(rules) - 0.4, -0.6)
    below.set_xlabel("epoch (dot: best, bar: stop)")
    above.set_ylabel("validation loss")
    style_axes(above)
    style_axes(below, grid="x")
    below.tick_params(axis="y", length=0, labelcolor=INK)
    return figure
