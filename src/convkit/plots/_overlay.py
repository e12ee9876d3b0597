"""Feature maps laid over the image that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle

from convkit.errors import PlotError
from convkit.plots._arrays import to_array, to_image
from convkit.plots._maps import map_scale, read_maps
from convkit.plots._style import UNSIGNED, drawn, heading
from convkit.plots._tiles import chosen, columns_for, draw_tiles, tile_figure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Extent = tuple[float, float, float, float]


@drawn
def overlay(
    image: Any,
    map: Any,  # noqa: A002 - the word of the field; the builtin is not used here
    alpha: float = 0.5,
    *,
    extent: Extent | None = None,
    channels: Iterable[int] | None = None,
    smooth: bool = False,
    columns: int | None = None,
    title: str | None = None,
) -> Figure:
    """Draw feature maps enlarged over their image.

    Args:
        image: The image, as `image_grid` takes it.
        map: One map (H, W), or several (C, H, W) for a grid.
        alpha: Opacity of the map, 0 to 1: at 1 the enlarged map hides the image.
        extent: Which part of the image the map covers: (left, right, bottom, top) in pixels of
            the image, as the receptive field says; None is the whole image.
        channels: Which of several maps.
        smooth: Interpolate between the values; else each value is a rectangle.
        columns: Maps in a row.
        title: A line above the picture.

    Returns:
        The figure. All maps have one scale, written below.

    Raises:
        PlotError: When a shape is another or alpha is not in 0..1.

    Examples:
        >>> import numpy as np
        >>> figure = overlay(np.zeros((3, 64, 64)), np.ones((7, 7)), alpha=0.5)
        >>> len(figure.axes[0].images)
        2
    """
    if not 0 <= alpha <= 1:
        raise PlotError(f"alpha is an opacity between 0 and 1, received {alpha}")
    picture, values = to_image(image), to_array(map)
    values = read_maps(values[None] if values.ndim == 2 else values)
    indices = chosen(channels, len(values), "feature map")
    columns = columns_for(len(indices), columns)
    height, width = picture.shape[:2]
    titled = len(values) > 1
    figure, axes, tile = tile_figure(len(indices), columns, ratio=height / width, lines=int(titled))
    if not titled:
        figure.set_size_inches(4.6, 4.6 * min(height / width, 2.0) + 0.5)
    heading(figure, title)
    draw_tiles(
        axes,
        [picture] * len(indices),
        columns,
        tile,
        titles=[str(index) for index in indices] if titled else None,
        lines=int(titled),
    )
    scale = map_scale(values[indices])
    limits = axes.axis()
    for shown, index in zip(list(axes.images), indices, strict=True):
        tile_extent = shown.get_extent()
        laid = axes.imshow(
            values[index],
            alpha=alpha,
            extent=_placed(tile_extent, extent, height, width),
            interpolation="bilinear" if smooth else "nearest",
            **scale,
        )
        # A map may reach into the padding; there it would cover its neighbours.
        left, right, bottom, top = tile_extent
        frame = Rectangle((left, top), right - left, bottom - top, transform=axes.transData)
        laid.set_clip_path(frame)
    axes.axis(limits)
    _note_scale(axes, scale, alpha)
    return figure


def _placed(tile: Any, extent: Extent | None, height: int, width: int) -> Extent:
    """The part of a drawn tile that a part of the image, in its pixels, takes."""
    left, right, bottom, top = tile
    if extent is None:
        return left, right, bottom, top
    across, down = (right - left) / width, (bottom - top) / height
    return (
        left + extent[0] * across,
        left + extent[1] * across,
        top + extent[2] * down,
        top + extent[3] * down,
    )


def _note_scale(axes: Axes, scale: dict[str, Any], alpha: float) -> None:
    """What the colours mean, in words."""
    ends = f"{scale['vmin']:.3g} (dark) to {scale['vmax']:.3g} (yellow)"
    axes.set_xlabel(f"{UNSIGNED}: {ends}, opacity {np.round(100 * alpha):g} %", fontsize=8)
