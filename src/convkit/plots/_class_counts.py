"""How many images each class has in each split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, to_array
from convkit.plots._names import drawable
from convkit.plots._style import PALE, SPLIT_COLOURS, drawn, heading, new_figure, style_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SPLITS = ("train", "validation", "test")


@drawn
def class_counts(
    sets: Any,
    *,
    class_names: Sequence[str] | None = None,
    total: bool = False,
    title: str | None = None,
) -> Figure:
    r"""Draw the number of images of each class, one panel for each split.

    Args:
        sets: `convkit.data.Sets` (anything with `.class_names` and `.train`, `.validation`,
            `.test`, each None or with `.labels`), or name of each split and its counts by class.
        class_names: The names, when `sets` does not have them.
        total: Add a panel with the sum over all splits.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is no split, or the splits' classes are not as many.

    Examples:
        >>> figure = class_counts({"train": [90, 90], "test": [10, 12]}, class_names=("a", "b"))
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['train\n180', 'test\n22']
    """
    counts, names = _read(sets, class_names)
    if total:
        counts = {"all": np.sum(list(counts.values()), axis=0), **counts}
    classes = len(names)
    shown = [drawable(name, 22) for name in names]
    width = float(np.clip(0.33 * classes + 1.5, 5.0, 14.0))
    size = float(np.clip(72 * (width - 1.2) / classes * 0.72, 4.5, 9.0))
    upright = max(map(len, shown)) * 0.075 * size / 9 > (width - 1.2) / classes
    figure = new_figure(width, 1.35 * len(counts) + (1.2 if upright else 0.6))
    panels = figure.subplots(len(counts), 1, sharex=True, squeeze=False)[:, 0]
    heading(figure, title)
    for axes, (split, values) in zip(panels, counts.items(), strict=True):
        colour = SPLIT_COLOURS.get(split, PALE)
        bars = axes.bar(range(classes), values, color=colour, width=0.8)
        if classes <= 20:
            axes.bar_label(bars, fontsize=8, padding=1)
        _finish(axes, f"{drawable(split, 20)}\n{int(values.sum()):,}", values)
    panels[-1].set_xticks(range(classes), shown, rotation=90 if upright else 0, fontsize=size)
    return figure


def _finish(axes: Axes, label: str, values: Array) -> None:
    """Axis from zero, with room for the numbers."""
    style_axes(axes)
    axes.set_ylabel(label, fontsize=9)
    axes.set_ylim(0, max(float(values.max()), 1.0) * 1.15)
    axes.margins(x=0.01)
    axes.tick_params(axis="x", length=0)


def _read(sets: Any, class_names: Sequence[str] | None) -> tuple[dict[str, Array], list[str]]:
    """Counts by split, and the names of the classes."""
    names = class_names if class_names is not None else getattr(sets, "class_names", None)
    if hasattr(sets, "items"):
        counts = {str(split): to_array(values) for split, values in sets.items()}
    else:
        parts = {split: getattr(sets, split, None) for split in _SPLITS}
        classes = 0 if names is None else len(names)
        counts = {
            split: np.bincount(to_array(part.labels).astype(np.int64), minlength=classes)
            for split, part in parts.items()
            if part is not None
        }
    sizes = {len(values) for values in counts.values()}
    if not counts or 0 in sizes:
        raise PlotError("there is no split with a class to draw")
    if len(sizes) > 1 or (names is not None and sizes != {len(names)}):
        expected = f"{len(names)} class names" if names is not None else "as many classes each"
        raise PlotError(f"the splits need {expected}, received {sorted(sizes)} classes")
    return counts, [str(name) for name in (range(sizes.pop()) if names is None else names)]
