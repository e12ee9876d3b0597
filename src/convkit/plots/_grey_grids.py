"""Grids of small grey images side by side: filters, and maps before and after an activation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, to_array
from convkit.plots._names import drawable
from convkit.plots._style import bare, drawn, heading, new_figure
from convkit.plots._tiles import check_count, columns_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

_SIDE = 2.8  # inches that one grid is wide
_GAP = 0.08  # of a tile's side


@drawn
def grey_grids(
    grids: Mapping[str, Any],
    *,
    columns: int | None = 8,
    title: str | None = None,
) -> Figure:
    """Draw several grids side by side, each tile in grey from its least value to its greatest.

    Such as the first 64 filters of a conv layer, one input channel of each, beside the maps that
    they made: `grey_grids({"filters": bank[:64, 0], "maps": maps[0, :64]})`. Tiles count from
    left to right and top to bottom, so that the same place is the same filter in every grid.

    Args:
        grids: Name of each grid and its tiles, (N, H, W); at most 1024.
        columns: Tiles in a row; None takes as many as make the grid about square.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is no grid, or its tiles have another shape.

    Examples:
        >>> import numpy as np
        >>> figure = grey_grids({"filters": np.ones((64, 3, 3)), "maps": np.ones((64, 13, 13))})
        >>> [axes.get_title() for axes in figure.axes]
        ['filters, 64 of 3×3', 'maps, 64 of 13×13']
    """
    if not grids:
        raise PlotError("there is no grid to draw: pass {name: tiles}")
    mosaics = {}
    for name, values in grids.items():
        tiles = _read(name, values)
        size = "×".join(str(side) for side in tiles.shape[1:])
        label = f"{drawable(name, 24)}, {len(tiles)} of {size}"
        mosaics[label] = _mosaic(tiles, columns_for(len(tiles), columns))
    ratio = max(mosaic.shape[0] / mosaic.shape[1] for mosaic in mosaics.values())
    figure = new_figure(_SIDE * len(mosaics) + 0.2, _SIDE * min(ratio, 3.0) + 0.5)
    heading(figure, title)
    panels = figure.subplots(1, len(mosaics), squeeze=False)[0]
    for axes, (label, mosaic) in zip(panels, mosaics.items(), strict=True):
        axes.imshow(mosaic, cmap="gray", vmin=0, vmax=1)
        axes.set_title(label, fontsize=9, fontweight="normal")
        bare(axes)
    return figure


def _read(name: str, values: Any) -> Array:
    """The tiles of a grid as floats.

    Raises:
        PlotError: When the shape is another.
    """
    tiles = to_array(values)
    if tiles.ndim != 3 or tiles.size == 0:
        raise PlotError(
            f"grid {drawable(name)}: tiles have shape (N, H, W), received {tiles.shape}"
        )
    check_count(len(tiles), "tiles")
    return tiles.astype(np.float64)


def _mosaic(tiles: Array, columns: int) -> Array:
    """The tiles as one image of 0 to 1; the gaps between them are NaN, which is drawn as paper."""
    count, height, width = tiles.shape
    low = np.nanmin(tiles, axis=(1, 2), keepdims=True)
    span = np.nanmax(tiles, axis=(1, 2), keepdims=True) - low
    shades = (tiles - low) / np.where(span > 0, span, 1)
    gap = max(round(_GAP * max(height, width)), 1)
    rows = math.ceil(count / columns)
    mosaic = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for number, shade in enumerate(shades):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        mosaic[top : top + height, left : left + width] = shade
    return mosaic
