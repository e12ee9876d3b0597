"""Feature maps: one layer's, or layers by channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, to_array, to_image
from convkit.plots._names import drawable
from convkit.plots._style import INK, SIGNED, UNSIGNED, bare, drawn, heading, new_figure
from convkit.plots._tiles import check_count, chosen, columns_for, draw_tiles, tile_figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


@drawn
def feature_maps(
    maps: Any,
    *,
    channels: Iterable[int] | None = None,
    columns: int | None = None,
    shared_scale: bool = True,
    signed: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw the feature maps that one image gave at one layer.

    Args:
        maps: (C, H, W), or (1, C, H, W).
        channels: Which maps; at most 1024.
        columns: Maps in a row.
        shared_scale: One scale for all maps, shown beside them; else each has its own.
        signed: Draw negative blue, zero white, positive red, for maps before an activation;
            else from the least value (dark) to the greatest (yellow).
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When the maps have another shape or a channel does not exist.

    Examples:
        >>> import numpy as np
        >>> figure = feature_maps(np.ones((16, 8, 8)), channels=range(10))
        >>> len(figure.axes[0].images)
        10
    """
    values = read_maps(maps)
    indices = chosen(channels, len(values), "feature map")
    columns = columns_for(len(indices), columns)
    picked = values[indices]
    figure, axes, tile = tile_figure(
        len(indices),
        columns,
        ratio=values.shape[1] / values.shape[2],
        lines=1,
        legend=shared_scale,
    )
    heading(figure, title)
    image = draw_tiles(
        axes,
        list(picked),
        columns,
        tile,
        titles=[str(index) for index in indices],
        lines=1,
        **map_scale(picked, signed=signed),
    )
    if shared_scale:
        value_bar(axes, image)
    else:
        for drawn_map, one in zip(axes.images, picked, strict=True):
            scale = map_scale(one, signed=signed)
            drawn_map.set_clim(scale["vmin"], scale["vmax"])
        axes.set_xlabel("each map on its own scale", fontsize=8)
    return figure


@drawn
def layers_by_channels(
    maps: Mapping[str, Any],
    *,
    channels: Iterable[int] = range(7),
    image: Any = None,
    title: str | None = None,
) -> Figure:
    """Draw feature maps of several layers: a row for each layer, a column for each channel.

    Each row has its own scale, written at its right: layers differ in what their values mean.

    Args:
        maps: Name of each layer and its maps (C, H, W) for one image.
        channels: The channels drawn.
        image: The image that gave them, drawn left of its maps when it is given.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is no layer, or a channel does not exist in one.

    Examples:
        >>> import numpy as np
        >>> maps = {f"layer{n}": np.ones((8, 40 // n, 40 // n)) for n in (1, 2, 4)}
        >>> len(layers_by_channels(maps, channels=range(5)).axes)
        15
    """
    rows = {name: read_maps(values) for name, values in maps.items()}
    if not rows:
        raise PlotError("there is no layer to draw: pass {name: maps}")
    columns = list(channels)
    for name, values in rows.items():
        chosen(columns, len(values), f"layer {drawable(name)}: feature map")
    check_count(len(rows) * len(columns), "feature maps")
    first = int(image is not None)
    height, width = next(iter(rows.values())).shape[1:]
    tile = float(np.clip(10.0 / (len(columns) + first), 0.6, 1.5))
    figure = new_figure(
        (len(columns) + first) * tile + 1.8, len(rows) * tile * height / width + 0.8
    )
    heading(figure, title)
    grid = figure.subplots(len(rows), len(columns) + first, squeeze=False)
    if image is not None:
        _draw_image_column(grid[:, 0], image)
    for axes_row, (name, values) in zip(grid[:, first:], rows.items(), strict=True):
        _draw_layer(axes_row, name, values, columns)
    for axes, channel in zip(grid[0, first:], columns, strict=True):
        axes.set_title(str(channel), fontsize=9, fontweight="normal")
    return figure


def _draw_image_column(column: Iterable[Axes], image: Any) -> None:
    """The image at the head of the first column; the rest of it stays empty."""
    for row, axes in enumerate(column):
        bare(axes)
        if row == 0:
            axes.imshow(to_image(image))
            axes.set_title("image", fontsize=9, fontweight="normal")


def _draw_layer(axes_row: Any, name: str, values: Array, channels: list[int]) -> None:
    """One row of maps, named at its left, its scale written at its right."""
    scale = map_scale(values[channels])
    for axes, channel in zip(axes_row, channels, strict=True):
        axes.imshow(values[channel], **scale)
        bare(axes)
    size = "×".join(str(side) for side in values.shape)
    axes_row[0].set_ylabel(f"{drawable(name, 18)}\n{size}", fontsize=8)
    axes_row[-1].text(
        1.06,
        0.5,
        f"{scale['vmin']:.3g}\nto {scale['vmax']:.3g}",
        transform=axes_row[-1].transAxes,
        va="center",
        fontsize=8,
    )


def read_maps(maps: Any) -> Array:
    """Maps of one image as (C, H, W) floats.

    Raises:
        PlotError: When the shape is another.
    """
    values = to_array(maps)
    if values.ndim == 4 and len(values) == 1:
        values = values[0]
    if values.ndim != 3 or values.size == 0:
        raise PlotError(
            f"feature maps of one image have shape (C, H, W), received {values.shape}"
            + (": choose an image" if values.ndim == 4 else "")
        )
    return values.astype(np.float64)


def map_scale(values: Array, *, signed: bool = False) -> dict[str, Any]:
    """The colours and the ends of their scale for some maps."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if signed:
        end = max(abs(low), abs(high)) or 1.0
        return {"cmap": SIGNED, "vmin": -end, "vmax": end}
    return {"cmap": UNSIGNED, "vmin": low, "vmax": high if high > low else low + 1.0}


def scale_ends(scale: Mapping[str, Any]) -> str:
    """The ends of a scale in words."""
    return f"{scale['vmin']:.2g} to {scale['vmax']:.2g}"


def value_bar(axes: Axes, image: AxesImage, label: str = "value") -> None:
    """A colour bar beside maps."""
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.6, aspect=18)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors="#9A9A9A", labelcolor=INK)
    bar.set_label(label, fontsize=8)
