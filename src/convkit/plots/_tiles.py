"""Many small images in one picture, drawn on one pair of axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._names import drawable
from convkit.plots._style import INK, bare, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from convkit.plots._arrays import Array
    from convkit.plots._style import Picture

_MOST_TILES = 1024
_GAP = 0.06  # of a tile's side
_LINE = 0.16  # inches that one line of a title takes


def check_count(count: int, what: str) -> None:
    """Refuse more tiles than anyone can look at, before anything is allocated.

    Raises:
        PlotError: When there are more than 1024 or none.
    """
    if not 0 < count <= _MOST_TILES:
        raise PlotError(
            f"1 to {_MOST_TILES} {what} can be drawn at once, received {count}: choose some"
        )


def chosen(indices: Any, available: int, what: str) -> list[int]:
    """Indices into `available` things, all of them when None is given.

    Raises:
        PlotError: When an index does not exist.
    """
    wanted = list(range(available)) if indices is None else [int(index) for index in indices]
    for index in wanted:
        if not 0 <= index < available:
            raise PlotError(f"{what} {index} does not exist: there are 0 to {available - 1}")
    check_count(len(wanted), f"{what}s")
    return wanted


def columns_for(count: int, columns: int | None) -> int:
    """Columns of a grid: as asked, or wider than high with the fewest empty places."""
    if columns is not None and columns < 1:
        raise PlotError(f"columns is at least 1, received {columns}")
    if columns is not None:
        return min(count, columns)
    candidates = range(math.ceil(math.sqrt(count)), math.ceil(math.sqrt(2.6 * count)) + 1)
    return min(candidates if count > 5 else [count], key=lambda number: -count % number)


def tile_figure(
    count: int, columns: int, *, ratio: float = 1.0, lines: int = 0, legend: bool = False
) -> tuple[Picture, Axes, float]:
    """A figure with one pair of axes for `count` tiles.

    Args:
        count: How many tiles.
        columns: In how many columns.
        ratio: Height of a tile over its width.
        lines: Lines of text above each tile.
        legend: Leave room for a colour bar on the right.

    Returns:
        The figure, its axes, and the size of a tile in inches.
    """
    rows = math.ceil(count / columns)
    tile = float(np.clip(9.0 / columns, 0.42, 1.7))
    height = rows * (tile * ratio * (1 + _GAP) + lines * _LINE)
    figure = new_figure(max(columns * tile * (1 + _GAP) + 0.3 + 1.1 * legend, 3.0), height + 0.7)
    axes = figure.subplots()
    bare(axes)
    axes.set_aspect("equal")
    return figure, axes, tile


def draw_tiles(
    axes: Axes,
    images: Sequence[Array],
    columns: int,
    tile: float,
    *,
    titles: Sequence[str] | None = None,
    colours: Sequence[str] | None = None,
    lines: int = 0,
    ratio: float | None = None,
    **look: Any,
) -> AxesImage:
    """Lay images out from left to right and top to bottom, each tile one unit wide.

    Args:
        axes: Axes of `tile_figure`.
        images: Arrays as `imshow` takes them.
        columns: Tiles in a row.
        tile: Size of a tile in inches.
        titles: A text above each.
        colours: The colour of each title.
        lines: Lines that the titles take.
        ratio: Height of a tile over its width; None takes the tallest image's.
        look: Further arguments of `imshow`, such as the scale.

    Returns:
        The last image, for a colour bar.
    """
    ratio = ratio or max(image.shape[0] / image.shape[1] for image in images)
    step = ratio + lines * _LINE / tile + _GAP
    rows = math.ceil(len(images) / columns)
    drawn = None
    for number, image in enumerate(images):
        left, top = number % columns * (1 + _GAP), number // columns * step + lines * _LINE / tile
        height, width = _fitted(image, ratio)
        left += (1 - width) / 2
        drawn = axes.imshow(image, extent=(left, left + width, top + height, top), **look)
        if titles is not None:
            axes.text(
                number % columns * (1 + _GAP) + 0.5,
                top - 0.04,
                titles[number],
                ha="center",
                va="bottom",
                fontsize=8,
                linespacing=1.1,
                color=INK if colours is None else colours[number],
            )
    axes.set_xlim(-0.02, columns * (1 + _GAP) - _GAP + 0.02)
    axes.set_ylim(rows * step + 0.02, -0.02)
    assert drawn is not None  # noqa: S101 - check_count has refused an empty list
    return drawn


def _fitted(image: Array, ratio: float) -> tuple[float, float]:
    """Height and width of an image inside a tile of width 1 and height `ratio`."""
    scale = min(1.0, ratio * image.shape[1] / image.shape[0])
    return scale * image.shape[0] / image.shape[1], scale


def fold(text: object, tile: float, lines: int = 1) -> str:
    """A title cut to the width of its tile, line by line."""
    longest = max(int(tile / 0.068), 4)
    return "\n".join(drawable(line, longest) for line in str(text).split("\n")[:lines])
