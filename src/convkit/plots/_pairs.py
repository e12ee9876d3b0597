"""Filters beside the maps that they made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, largest, to_array, to_floats, to_image
from convkit.plots._filters import filter_image, shown_filter
from convkit.plots._maps import map_scale, read_maps, scale_ends, value_bar
from convkit.plots._style import SIGNED, bare, drawn, heading, new_figure
from convkit.plots._tiles import chosen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_SLICES = 16


@drawn
def filter_pair(
    filter: Any,  # noqa: A002 - the word of the field; the builtin is not used here
    feature_map: Any,
    *,
    image: Any = None,
    activated: Any = None,
    title: str | None = None,
) -> Figure:
    """Draw one filter beside the feature map that it made.

    Args:
        filter: (in_channels, kernel height, kernel width). Three channels are drawn in colour;
            of more channels the 16 of greatest norm are drawn, numbered.
        feature_map: (H, W), or (N, H, W), of which the first is drawn.
        image: The image that gave the map.
        activated: The same map after the activation.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When a shape is another.

    Examples:
        >>> import numpy as np
        >>> figure = filter_pair(np.ones((3, 5, 5)), np.ones((28, 28)))
        >>> [axes.get_title() for axes in figure.axes][:2]
        ['filter', 'feature map 28×28']
    """
    weights = to_floats(filter, 3, "the weights of one filter", "(in_channels, height, width)")
    response = one_map(feature_map)
    panels = 2 + (image is not None) + (activated is not None)
    figure = new_figure(3.2 * panels, 3.5)
    heading(figure, title)
    axes = list(figure.subplots(1, panels))
    if image is not None:
        _draw_image(axes.pop(0), image)
    _draw_slices(axes.pop(0), weights)
    _draw_map(axes.pop(0), response, "feature map", signed=True)
    if axes:
        _draw_map(axes.pop(0), one_map(activated), "after the activation", signed=False)
    return figure


@drawn
def filters_above_maps(
    weights: Any,
    maps: Any,
    channels: Iterable[int],
    *,
    shared_scale: bool = True,
    title: str | None = None,
) -> Figure:
    """Draw chosen filters of a layer in a row, and below each the map that it made.

    Args:
        weights: The layer's filters, (out_channels, in_channels, height, width).
        maps: The layer's maps of one image, (out_channels, H, W).
        channels: Which of them.
        shared_scale: One scale for all filters and one for all maps; else each filter and each
            map has its own, written below it, so that weak ones are seen too.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When a channel does not exist, or there are not as many filters as maps.

    Examples:
        >>> import numpy as np
        >>> figure = filters_above_maps(np.ones((8, 3, 7, 7)), np.ones((8, 9, 9)), [1, 4, 6])
        >>> len(figure.axes)
        6
    """
    bank = to_floats(weights, 4, "filters", "(out_channels, in_channels, height, width)")
    values = read_maps(maps)
    if len(bank) != len(values):
        raise PlotError(f"{len(bank)} filters need as many maps, received {len(values)}")
    indices = chosen(channels, len(bank), "filter")
    figure = new_figure(max(1.75 * len(indices), 3.0), 3.8)
    heading(figure, title)
    above, below = figure.subplots(2, len(indices), squeeze=False)
    for index, upper, lower in zip(indices, above, below, strict=True):
        compared = indices if shared_scale else [index]
        high, scale = largest(bank[compared]), map_scale(values[compared])
        draw_filter(upper, bank[index], high)
        upper.set_title(str(index), fontsize=9, fontweight="normal")
        lower.imshow(values[index], **scale)
        bare(lower)
        if not shared_scale:
            upper.set_xlabel(f"±{high:.2g}", fontsize=7)
            lower.set_xlabel(scale_ends(scale), fontsize=7)
    above[0].set_ylabel(f"filter, ±{high:.2g}" if shared_scale else "filter", fontsize=8)
    below[0].set_ylabel(f"map, {scale_ends(scale)}" if shared_scale else "map", fontsize=8)
    return figure


def one_map(values: Any) -> Array:
    """The map (H, W) of the first image.

    Raises:
        PlotError: When the shape is another.
    """
    array = to_array(values)
    if array.ndim == 3 and len(array):
        array = array[0]
    if array.ndim != 2 or array.size == 0:
        raise PlotError(f"a feature map has shape (H, W) or (N, H, W), received {array.shape}")
    return array.astype(np.float64)


def draw_filter(axes: Axes, weights: Array, scale: float) -> None:
    """One filter as one image: in colour, or its input channel of greatest norm."""
    image = filter_image(weights)
    look: dict[str, Any] = {} if image.ndim == 3 else {"cmap": SIGNED, "vmin": -1, "vmax": 1}
    axes.imshow(shown_filter(image, scale), **look)
    bare(axes)


def _draw_image(axes: Axes, image: Any) -> None:
    """The image behind the map."""
    picture = to_image(image)
    axes.imshow(picture)
    bare(axes)
    axes.set_title(f"image {picture.shape[0]}×{picture.shape[1]}", fontweight="normal")


def _draw_map(axes: Axes, values: Array, what: str, *, signed: bool) -> None:
    """A map with its scale."""
    shown = axes.imshow(values, **map_scale(values, signed=signed))
    bare(axes)
    axes.set_title(f"{what} {values.shape[0]}×{values.shape[1]}", fontweight="normal")
    value_bar(axes, shown, "")


def _draw_slices(axes: Axes, weights: Array) -> None:
    """The filter: its slices in a mosaic, those of greatest norm first; colour when there are 3."""
    scale = largest(weights)
    if len(weights) == 3:
        draw_filter(axes, weights, scale)
        axes.set_title("filter", fontweight="normal")
        axes.set_xlabel(f"red, green, blue; zero is grey, ±{scale:.3g}", fontsize=8)
        return
    norms = np.sqrt((weights**2).sum(axis=(1, 2)))
    order = np.argsort(-norms, kind="stable")[:_MOST_SLICES]
    columns = int(np.ceil(np.sqrt(len(order))))
    height, width = weights.shape[1:]
    for place, index in enumerate(order):
        top, left = place // columns * 1.3, place % columns * 1.08
        extent = (left, left + 1, top + height / width, top)
        axes.imshow(weights[index] / scale, cmap=SIGNED, vmin=-1, vmax=1, extent=extent)
        if len(weights) > 1:
            axes.text(left + 0.5, top - 0.03, str(index), ha="center", va="bottom", fontsize=7)
    rows = -(-len(order) // columns)
    axes.set_xlim(-0.05, columns * 1.08)
    axes.set_ylim(rows * 1.3 + max(height / width - 1, 0), -0.3)
    bare(axes)
    shown_of = f", {len(order)} of {len(weights)} channels" if len(order) < len(weights) else ""
    axes.set_title(f"filter{shown_of}", fontweight="normal")
    axes.set_xlabel(f"blue negative, red positive, ±{scale:.3g}", fontsize=8)
