"""Precision against recall, and true against false positives, class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, to_array
from convkit.plots._names import in_legend
from convkit.plots._style import PALE, SERIES, drawn, heading, new_figure, style_axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED_UP_TO = 16  # more curves than these are drawn as one cloud


@drawn
def precision_recall(
    curves: Mapping[str, Any] | Sequence[Any],
    *,
    class_names: Sequence[str] | None = None,
    average_precision: Any = None,
    title: str | None = None,
) -> Figure:
    """Draw precision against recall, one curve for each class, as the steps that AP sums.

    Args:
        curves: A curve of each class (`metrics.precision_recall_curve`), or name and curve: a
            curve has `.precision` and `.recall` of equal length.
        class_names: Their names, when they are not in `curves`.
        average_precision: AP of each class (`metrics.average_precision` or a sequence), written
            beside the names; None takes the curves' own `.average_precision`.
        title: A line above the picture.

    Returns:
        The figure. Beyond 16 classes the three of least and of greatest AP are named (or the
        first ones, when no AP is given), the others pale.

    Raises:
        PlotError: When there is no curve, or the names are not as many.

    Examples:
        >>> from types import SimpleNamespace
        >>> curve = SimpleNamespace(precision=[0.5, 1.0, 1.0], recall=[1.0, 0.5, 0.0])
        >>> figure = precision_recall({"cat": curve}, average_precision=[0.75])
        >>> figure.legends[0].get_texts()[0].get_text()
        'cat  0.750'
    """
    named = _named(curves, class_names)
    values = _per_class(average_precision, named, "average_precision")
    figure = new_figure(7.4, 4.9)
    axes = figure.subplots()
    heading(figure, title)
    for name, curve, look in _looks(named, values):
        recall, precision = to_array(curve.recall), to_array(curve.precision)
        falls = recall[0] > recall[-1]
        # Between two thresholds precision is that of the higher recall: the steps that AP sums.
        order = slice(None, None, -1 if falls else 1)
        axes.step(recall[order], precision[order], where="pre", label=name, **look)
    mean = getattr(average_precision, "mean", None)
    if mean is not None and not callable(mean):
        axes.set_title(f"mean AP {float(mean):.4f}", fontweight="normal")
    _finish(figure, axes, "recall", "precision", "class, AP" if values is not None else "class")
    return figure


@drawn
def roc(
    curves: Mapping[str, Any] | Sequence[Any],
    *,
    class_names: Sequence[str] | None = None,
    areas: Any = None,
    title: str | None = None,
) -> Figure:
    """Draw the share of positives found against the share of negatives taken for them.

    Args:
        curves: A curve of each class, or name and curve: a curve has `.true_positive_rate` and
            `.false_positive_rate` of equal length.
        class_names: Their names, when they are not in `curves`.
        areas: The area under each, written beside the names; None takes the curves' own `.area`.
        title: A line above the picture.

    Returns:
        The figure, with the diagonal of a guess.

    Raises:
        PlotError: When there is no curve, or the names are not as many.

    Examples:
        >>> from types import SimpleNamespace
        >>> curve = SimpleNamespace(true_positive_rate=[0, 1, 1], false_positive_rate=[0, 0, 1])
        >>> roc({"cat": curve}).axes[0].get_ylabel()
        'true positive rate'
    """
    named = _named(curves, class_names)
    values = _per_class(areas, named, "area")
    figure = new_figure(7.4, 4.9)
    axes = figure.subplots()
    heading(figure, title)
    axes.plot([0, 1], [0, 1], color=PALE, linestyle=":", linewidth=1.2)
    for name, curve, look in _looks(named, values):
        axes.plot(
            to_array(curve.false_positive_rate),
            to_array(curve.true_positive_rate),
            label=name,
            **look,
        )
    _finish(
        figure,
        axes,
        "false positive rate",
        "true positive rate",
        "class, area" if values is not None else "class",
    )
    return figure


def _named(curves: Any, class_names: Sequence[str] | None) -> list[tuple[str, Any]]:
    """Names and curves."""
    if hasattr(curves, "items"):
        found = [(str(name), curve) for name, curve in curves.items()]
    else:
        names = [getattr(curve, "class_name", place) for place, curve in enumerate(curves)]
        if class_names is not None:
            names = list(class_names)
        if len(names) != len(curves):
            raise PlotError(f"{len(curves)} curves need as many class names, received {len(names)}")
        found = [(str(name), curve) for name, curve in zip(names, curves, strict=True)]
    if not found:
        raise PlotError("there is no curve to draw")
    return found


def _per_class(values: Any, named: list[tuple[str, Any]], own: str) -> Array | None:
    """One number for each curve: as given, else the curves' own, else None."""
    classes = len(named)
    if values is None:
        values = [getattr(curve, own, None) for _, curve in named]
        if None in values:
            return None
    numbers = to_array(getattr(values, "per_class", values)).astype(np.float64)
    if numbers.shape != (classes,):
        raise PlotError(f"{classes} curves need as many values, received shape {numbers.shape}")
    return numbers


def _looks(
    named: list[tuple[str, Any]], values: Array | None
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each curve with its label and look: all named, or a few before a pale cloud."""
    strong = range(len(named))
    if len(named) > _NAMED_UP_TO:
        order = np.argsort(np.arange(len(named)) if values is None else values, kind="stable")
        strong = [*order[:3], *order[-3:]] if values is not None else list(order[:6])  # type: ignore[assignment]  # both are indices to loop over
        for number in set(range(len(named))) - {int(index) for index in strong}:
            yield "_", named[number][1], {"color": PALE, "alpha": 0.2, "linewidth": 0.8}
    for place, number in enumerate(strong):
        name, curve = named[int(number)]
        label = in_legend(name, 24)
        if values is not None:
            label += f"  {values[number]:.3f}"
        colour = SERIES[place % len(SERIES)]
        style = ("-", "--")[place // len(SERIES) % 2]
        yield label, curve, {"color": colour, "linewidth": 1.8, "linestyle": style}


def _finish(figure: Figure, axes: Axes, across: str, up: str, legend: str) -> None:
    """Axes from 0 to 1, names, legend beside."""
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.set_aspect("equal")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    style_axes(axes, grid="both")
    figure.legend(loc="outside right upper", title=legend, title_fontsize=9)
