"""One number for each layer, class or setting, as bars; one for each epoch, as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._names import drawable, in_legend
from convkit.plots._style import INK, PALE, SERIES, drawn, heading, new_figure, style_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

# So many fit side by side below a panel of a search.
_TICK_CHARACTERS = 20


@drawn
def bars(
    values: Mapping[str, float] | Mapping[str, Mapping[str, float]],
    *,
    label: str = "",
    errors: Mapping[str, Any] | None = None,
    share: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw one horizontal bar for each name, or one for each of several series.

    Such as the shares of non-positive values by layer, before and after the activation:
    `bars({"before": {"conv1": 0.5, "conv2": 0.7}, "after": {...}}, share=True)`.

    Args:
        values: Name and number; or name of each series and its names and numbers.
        label: What the numbers are.
        errors: For each name the low and the high end of its interval, as a pair or as `.low` and
            `.high`, such as `convkit.metrics.accuracy_interval` gives (one series only).
        share: The numbers are shares: drawn in percent, from 0 to 100.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is nothing to draw, or intervals are given for several series or
            not for every name.

    Examples:
        >>> figure = bars({"conv1": 0.5, "conv2": 0.7}, share=True)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['50.0 %', '70.0 %']
    """
    nested = any(hasattr(value, "items") for value in values.values())
    series: dict[str, Any] = dict(values) if nested else {"": dict(values)}
    names = list(dict.fromkeys(name for numbers in series.values() for name in numbers))
    if not names:
        raise PlotError("there is no number to draw")
    if errors is not None and nested:
        raise PlotError("intervals are drawn for one series, received several")
    rows = len(names) * len(series)
    figure = new_figure(7.0, min(1.0 + 0.27 * rows + 0.1 * len(names), 40.0))
    axes = figure.subplots()
    heading(figure, title)
    thickness = 0.8 / len(series)
    factor = 100.0 if share else 1.0
    for number, (kind, numbers) in enumerate(series.items()):
        places = np.arange(len(names)) + (number - (len(series) - 1) / 2) * thickness
        lengths = np.array([factor * numbers.get(name, np.nan) for name in names], dtype=np.float64)
        drawn_bars = axes.barh(
            places,
            lengths,
            height=0.9 * thickness,
            color=SERIES[number % len(SERIES)],
            label=in_legend(kind) if nested else None,
        )
        if errors is None:
            texts = [_written(value, share=share) for value in lengths]
            axes.bar_label(drawn_bars, texts, fontsize=8, padding=2)
        else:
            ends = factor * np.array([_ends(errors, name) for name in names], dtype=np.float64).T
            axes.errorbar(
                lengths, places, xerr=np.abs(ends - lengths), fmt="none", color=INK, capsize=3
            )
    style_axes(axes, grid="x")
    axes.set_yticks(range(len(names)), [drawable(name, 32) for name in names])
    axes.invert_yaxis()
    if share:
        axes.set_xlim(0, 108)
    axes.set_xlabel(drawable(label, 80) + (" [%]" if share and label else ""))
    if nested:
        figure.legend(loc="outside right upper")
    return figure


def _ends(errors: Mapping[str, Any], name: str) -> tuple[float, float]:
    """The low and the high end of one interval."""
    if name not in errors:
        raise PlotError(f"errors has no interval of {name!r}: give one for each number")
    given = errors[name]
    low, high = (given.low, given.high) if hasattr(given, "low") else given
    return low, high


def _written(value: float, *, share: bool) -> str:
    """A number beside its bar."""
    if not np.isfinite(value):
        return "not measured"
    return f"{value:.1f} %" if share else f"{value:.4g}"


@drawn
def lines(
    values: Mapping[str, Sequence[float]],
    *,
    places: Sequence[float] | None = None,
    across: str = "epoch",
    label: str = "",
    best: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw one line for each name, such as the test loss of each epoch's weights.

    Args:
        values: Name of each line and its numbers.
        places: Their horizontal places; 1, 2, 3 ... when it is None.
        across: What the places are.
        label: What the numbers are.
        best: `"min"` or `"max"`: mark that point of each line and write its number.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is nothing to draw, or lengths differ.

    Examples:
        >>> figure = lines({"test loss": [0.9, 0.6, 0.7]}, best="min")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0.6']
    """
    if not values or any(len(numbers) == 0 for numbers in values.values()):
        raise PlotError("there is no number to draw")
    figure = new_figure(7.2, 3.6)
    axes = figure.subplots()
    heading(figure, title)
    for number, (name, numbers) in enumerate(values.items()):
        heights = np.asarray(numbers, dtype=np.float64)
        where = np.arange(1.0, len(heights) + 1) if places is None else np.asarray(places)
        if len(where) != len(heights):
            raise PlotError(f"{len(where)} places need as many numbers, received {len(heights)}")
        colour = SERIES[number % len(SERIES)]
        mark = "o" if len(heights) <= 30 else None
        axes.plot(where, heights, color=colour, lw=2, marker=mark, ms=4, label=in_legend(name, 30))
        if best is not None and np.isfinite(heights).any():
            row = int(np.nanargmin(heights) if best == "min" else np.nanargmax(heights))
            axes.plot(where[row], heights[row], "o", color=colour, markersize=8)
            axes.annotate(
                f"{heights[row]:.4g}",
                (where[row], heights[row]),
                xytext=(0, 7 if best == "max" else -14),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    style_axes(axes)
    axes.set_xlabel(drawable(across))
    axes.set_ylabel(drawable(label))
    axes.margins(y=0.12)
    figure.legend(loc="outside right upper")
    return figure


@drawn
def search(
    trials: Sequence[Mapping[str, Any]] | Any,
    *,
    label: str = "result",
    title: str | None = None,
) -> Figure:
    """Draw a search one setting at a time: a panel for each setting, a point for each value.

    Args:
        trials: In the order tried, each with `setting`, `value` and `result` (keys or
            attributes), and `kept`, whether this value went on; or anything with `.trials`.
        label: What the results are.
        title: A line above the picture.

    Returns:
        The figure: panels share their vertical axis; the value kept is filled.

    Raises:
        PlotError: When there is no trial.

    Examples:
        >>> trials = [{"setting": "lr", "value": lr, "result": 1 / lr, "kept": lr == 0.1}
        ...           for lr in (0.01, 0.1)]
        >>> search(trials).axes[0].get_title()
        'lr'
    """
    rows = [_trial(trial) for trial in getattr(trials, "trials", trials)]
    settings = list(dict.fromkeys(row[0] for row in rows))
    if not settings:
        raise PlotError("there is no trial to draw")
    figure = new_figure(max(1.9 * len(settings), 3.2) + 0.6, 3.2)
    panels = figure.subplots(1, len(settings), sharey=True, squeeze=False)[0]
    heading(figure, title)
    for axes, setting in zip(panels, settings, strict=True):
        chosen = [row for row in rows if row[0] == setting]
        axes.plot([row[2] for row in chosen], color=PALE, linewidth=1.2, zorder=1)
        for place, (_, _, result, kept) in enumerate(chosen):
            axes.plot(
                place,
                result,
                "o",
                markersize=8,
                color=SERIES[0],
                markerfacecolor=SERIES[0] if kept else "white",
            )
        style_axes(axes)
        axes.set_title(drawable(setting, 18), fontweight="normal", fontsize=10)
        ticks = [drawable(row[1], 10) for row in chosen]
        upright = len(ticks) * (max(map(len, ticks)) + 1) > _TICK_CHARACTERS
        axes.set_xticks(range(len(chosen)), ticks, rotation=90 if upright else 0)
        axes.margins(x=0.2, y=0.1)
    panels[0].set_ylabel(drawable(label))
    panels[0].set_xlabel("filled: kept", fontsize=8, loc="left")
    return figure


def _trial(trial: Any) -> tuple[str, str, float, bool]:
    """Setting, value, result and whether it was kept, from a mapping or an object."""
    read = trial.get if hasattr(trial, "get") else lambda name: getattr(trial, name, None)
    result = read("result")
    return (
        str(read("setting")),
        str(read("value")),
        float("nan") if result is None else float(result),
        bool(read("kept")),
    )
