"""Several runs in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from convkit.errors import PlotError
from convkit.plots._history import HistoryLike, column, fact, positions
from convkit.plots._names import in_legend
from convkit.plots._style import (
    PALE,
    SERIES,
    drawn,
    heading,
    log_axis,
    new_figure,
    style_axes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = ("", "o", "s", "^")  # beyond eight runs the colours come again, with a mark


@drawn
def compare_curves(
    histories: Mapping[str, HistoryLike],
    *,
    by: str = "auto",
    training: bool = True,
    accuracy: bool = True,
    log: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw the curves of several runs over each other: one colour for each run.

    Validation is drawn as a full line (smoothed where it was smoothed), training dashed; a dot
    stands at each run's best epoch.

    Args:
        histories: Name of each run and its `convkit.History`.
        by: Horizontal axis, as in `curves`; by step only when every run can be.
        training: Draw the training curves too.
        accuracy: Draw the accuracies, in percent, when there are any.
        log: Draw the losses on a logarithmic axis.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is nothing to draw.

    Examples:
        >>> a, b = ({"epoch": [1, 2], "validation_loss": [2.3, low]} for low in (1.1, 0.9))
        >>> figure = compare_curves({"relu": a, "tanh": b})
        >>> [text.get_text() for text in figure.legends[0].get_texts()][:2]
        ['relu', 'tanh']
    """
    if not histories:
        raise PlotError("there is no history to compare: pass {name: history}")
    if by == "auto":
        kinds = {positions(history, by)[1] for history in histories.values()}
        by = kinds.pop() if len(kinds) == 1 else "epoch"
    measured = any(
        column(history, f"{kind}_accuracy") is not None
        for history in histories.values()
        for kind in ("training", "validation")
    )
    panels = 2 if accuracy and measured else 1
    legend = 0.22 * (len(histories) + 3) + 0.4  # inches: a line for each run, three for the kinds
    figure = new_figure(7.6, max(2.2 + 2.2 * panels, legend))
    axes = list(figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0])
    heading(figure, title)
    for number, history in enumerate(histories.values()):
        _draw_run(axes, history, number, by, training=training)
    for panel, label in zip(axes, ("loss", "accuracy [%]"), strict=False):
        panel.set_ylabel(label)
        style_axes(panel)
    if log:
        log_axis(axes[0])
    axes[-1].set_xlabel("training step" if by == "step" else "epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, min_n_ticks=1))
    _draw_legend(figure, list(histories), training=training)
    return figure


def _look(number: int) -> dict[str, Any]:
    """Colour and mark of a run."""
    return {
        "color": SERIES[number % len(SERIES)],
        "marker": _MARKERS[number // len(SERIES) % len(_MARKERS)],
    }


def _draw_run(
    axes: list[Axes], history: HistoryLike, number: int, by: str, *, training: bool
) -> None:
    """One run's lines in each panel."""
    places, _ = positions(history, by)
    raw = column(history, "validation_loss")
    smoothed = column(history, "smoothed_validation_loss")
    strong = raw if smoothed is None else smoothed
    look: dict[str, Any] = {
        **_look(number),
        "markersize": 3.5,
        "markevery": max(len(places) // 12, 1),
    }
    best = fact(history, "best_epoch")
    epochs = column(history, "epoch")
    lines = (
        (axes[0], column(history, "training_loss"), strong, 1.0),
        (
            axes[-1] if len(axes) == 2 else None,
            column(history, "training_accuracy"),
            column(history, "validation_accuracy"),
            100.0,
        ),
    )
    for height, (panel, train, validation, scale) in enumerate(lines):
        if panel is None:
            continue
        # Names by which a page that shows the drawing can switch a run on and off.
        name = f"run-{number}-{height}-"
        if training and train is not None:
            dashed = {"linestyle": "--", "linewidth": 1.2, "alpha": 0.75, **look}
            panel.plot(places, scale * train, gid=f"{name}training", **dashed)
        if validation is None:
            continue
        panel.plot(places, scale * validation, linewidth=2.0, gid=f"{name}validation", **look)
        if best is not None and epochs is not None and (epochs == best).any():
            row = int((epochs == best).argmax())
            dot = {"marker": "o", "markersize": 7, "color": look["color"], "gid": f"{name}best"}
            panel.plot(places[row], scale * validation[row], **dot)


def _draw_legend(figure: Figure, names: list[str], *, training: bool) -> None:
    """One entry for each run, then what the kinds of line mean."""
    entries = [
        Line2D([], [], linewidth=2, label=in_legend(name, 34), markersize=4, **_look(number))
        for number, name in enumerate(names)
    ]
    entries.append(Line2D([], [], color=PALE, linewidth=2, label="validation"))
    if training:
        entries.append(Line2D([], [], color=PALE, linewidth=1.2, ls="--", label="training"))
    entries.append(Line2D([], [], color=PALE, marker="o", ls="", markersize=7, label="best epoch"))
    figure.legend(handles=entries, loc="outside right upper")
