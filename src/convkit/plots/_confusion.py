"""A confusion matrix that can be read from 2 to 200 classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap

from convkit.errors import PlotError
from convkit.plots._arrays import Array, largest, to_array
from convkit.plots._names import drawable
from convkit.plots._order import by_recall, clustered
from convkit.plots._style import INK, SIGNED, drawn, heading, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Normalization = Literal["truth", "prediction", "all"]
_SHARES = {"truth": 1, "prediction": 0, "all": None}
_ORDERS = {
    "given": lambda counts: np.arange(len(counts)),
    "recall": by_recall,
    "clustered": clustered,
}


@drawn
def confusion(
    matrix: Any,
    *,
    class_names: Any = None,
    normalize: Normalization | None = None,
    order: Literal["given", "recall", "clustered"] = "given",
    numbers: bool | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a confusion matrix: rows are the truth, columns the prediction.

    Empty cells are white and any other is tinted, so that a single mistake among thousands is
    seen. A difference of two matrices (negative cells) is drawn in blue and red about zero.

    Args:
        matrix: A `convkit.metrics.ConfusionMatrix` (anything with `.counts` and
            `.class_names`), or a (C, C) array.
        class_names: C names; those of the matrix, else the indices.
        normalize: None for counts; `"truth"` for shares of each row (recalls on the diagonal),
            `"prediction"` for shares of each column (precisions), `"all"`. Shares are coloured
            on a scale from 0 to 1. Of a difference, the shares after minus those before.
        order: `"given"`; `"recall"` sets the hardest class first; `"clustered"` sets classes
            that are taken for each other side by side.
        numbers: Write each cell's number; None writes them where they fit.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When the matrix is not square, the names are not as many as its rows, or
            shares are asked of an array with negative cells.

    Examples:
        >>> figure = confusion([[8, 2], [1, 9]], class_names=("cat", "dog"), normalize="truth")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0.80', '0.20', '0.10', '0.90']
    """
    counts, names = _read(matrix, class_names)
    if order not in _ORDERS:
        raise PlotError(f"order is one of {', '.join(_ORDERS)}, received {order!r}")
    places = _ORDERS[order](counts)
    values = _values(matrix, counts, normalize)[np.ix_(places, places)]
    names = [names[place] for place in places]
    classes = len(values)
    side = float(np.clip(0.55 * classes, 3.2, 7.5)) if classes <= 40 else 0.105 * classes + 3.0
    label = _Labels(names, side)
    figure = new_figure(
        side + label.length + 1.35,
        side + (label.length if label.upright else 0.2) + (0.8 if title else 0.5),
    )
    axes = figure.subplots()
    heading(figure, title)
    _draw_cells(axes, values, normalize)
    if _numbers_fit(values, side) if numbers is None else numbers:
        _write_numbers(axes, values, normalize, side)
    _write_names(axes, label)
    return figure


def _read(matrix: Any, class_names: Any) -> tuple[Array, list[str]]:
    """Counts and names of a matrix, checked."""
    counts = to_array(getattr(matrix, "counts", matrix))
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise PlotError(f"a confusion matrix has shape (C, C), received {counts.shape}")
    found = class_names if class_names is not None else getattr(matrix, "class_names", None)
    names = [str(name) for name in (range(len(counts)) if found is None else found)]
    if len(names) != len(counts):
        raise PlotError(f"{len(counts)} classes need as many names, received {len(names)}")
    return counts, names


def _values(matrix: Any, counts: Array, normalize: Normalization | None) -> Array:
    """Counts, or their shares; rows without a sample stay empty."""
    if normalize is None:
        return counts
    if normalize not in _SHARES:
        raise PlotError(
            f'normalize is None, "truth", "prediction" or "all", received {normalize!r}'
        )
    if hasattr(matrix, "normalized"):  # a difference knows the totals of both its matrices
        return to_array(matrix.normalized(normalize))
    if (counts < 0).any():
        raise PlotError(
            "shares of negative counts mean nothing: give the difference of two "
            "convkit.metrics.ConfusionMatrix, or normalize=None"
        )
    total = counts.sum(axis=_SHARES[normalize], keepdims=True)
    shares: Array = counts / np.where(total == 0, np.nan, total)
    return shares


def _draw_cells(axes: Axes, values: Array, normalize: str | None) -> None:
    """The coloured cells and their scale."""
    signed = bool((values < 0).any())
    high = 1.0 if normalize is not None else largest(values)
    image = axes.imshow(
        np.ma.masked_where(np.isnan(values) | ((values == 0) & (not signed)), values),
        cmap=SIGNED if signed else _tinted(),
        vmin=-high if signed else 0,
        vmax=high,
    )
    label = {None: "samples", "all": "share of all samples"}.get(
        normalize, f"share of the {'true' if normalize == 'truth' else 'predicted'} class"
    )
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.7, aspect=30, label=label)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, colors="#9A9A9A", labelcolor=INK)


def _tinted() -> Colormap:
    """Blues without their palest part: white is left to the empty cells."""
    colours = ListedColormap(colormaps["Blues"](np.linspace(0.12, 1.0, 256)))
    return colours.with_extremes(bad="white")


def _numbers_fit(values: Array, side: float) -> bool:
    """Whether the longest number is readable in a cell."""
    return _number_size(values, side) >= 5.5


def _number_size(values: Array, side: float) -> float:
    """The size in points at which the longest number fills three quarters of a cell."""
    digits = 4 if values.dtype.kind == "f" else len(f"{int(np.abs(values).max())}")
    digits += bool((values < 0).any())
    return float(min(11.0, 0.75 * 72 * side / len(values) / (0.62 * max(digits, 2))))


def _write_numbers(axes: Axes, values: Array, normalize: str | None, side: float) -> None:
    """Each cell's number, white on dark cells."""
    high = 1.0 if normalize is not None else largest(values)
    size = max(_number_size(values, side), 3.0)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value) or (value == 0 and len(values) > 4):
            continue  # an empty cell says it already
        axes.text(
            column,
            row,
            f"{value:.2f}" if values.dtype.kind == "f" else f"{int(value)}",
            ha="center",
            va="center",
            fontsize=size,
            color="white" if abs(value) > 0.55 * high else INK,
        )


class _Labels:
    """Class names at the axes, as large as fits.

    Args:
        names: The names.
        side: Inches of the matrix.
    """

    def __init__(self, names: list[str], side: float) -> None:
        self.texts = [drawable(name, 24) for name in names]
        self.size = float(np.clip(0.8 * 72 * side / len(names), 3.5, 10.0))
        longest = max(map(len, self.texts))
        self.length = longest * 0.6 * self.size / 72
        self.upright = self.length > 0.9 * side / len(names)


def _write_names(axes: Axes, label: _Labels) -> None:
    """Names at both axes, and thin lines between the cells where they are not too many."""
    classes = len(label.texts)
    style_axes(axes, grid=None)
    rotation = 90 if label.upright else 0
    axes.set_xticks(range(classes), label.texts, rotation=rotation, fontsize=label.size)
    axes.set_yticks(range(classes), label.texts, fontsize=label.size)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
    if classes <= 60:
        axes.set_xticks(np.arange(0.5, classes - 1), minor=True)
        axes.set_yticks(np.arange(0.5, classes - 1), minor=True)
        axes.grid(True, which="minor", color="#F0F0F0", linewidth=0.6)
        axes.tick_params(which="minor", length=0)
