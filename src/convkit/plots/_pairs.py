"""Filters beside the maps that they made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, largest, to_array, to_floats, to_image
from convkit.plots._filters import filter_image, shown_filter
from convkit.plots._maps import map_scale, read_maps, value_bar
from convkit.plots._names import drawable
from convkit.plots._style import SIGNED, bare, drawn, heading, new_figure
from convkit.plots._tiles import chosen, columns_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
            lower.set_xlabel(_ends(scale), fontsize=7)
    above[0].set_ylabel(f"filter, ±{high:.2g}" if shared_scale else "filter", fontsize=8)
    below[0].set_ylabel(f"map, {_ends(scale)}" if shared_scale else "map", fontsize=8)
    return figure


@drawn
def pair_table(
    images: Sequence[Any],
    pairs: Sequence[Mapping[str, Any]],
    *,
    title: str | None = None,
) -> Figure:
    """Draw images by layers: for each image and layer a filter, its map, and that map activated.

    The maps of one filter have one scale for all images; each scale is written below.

    Args:
        images: The images, one row each.
        pairs: For each image, the name of each layer and a pair: anything with `.filter`
            (in_channels, kernel height, kernel width) and `.feature_map` (H, W) or (N, H, W),
            and, when they are there, `.index`, the number of the filter, and
            `.after_activation`, the map after norm and activation, None where there is
            no such map. Without that attribute ReLU is applied here, and the column says so.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there are not as many rows of pairs as images, or the rows' layers differ.

    Examples:
        >>> import numpy as np
        >>> from types import SimpleNamespace
        >>> pair = SimpleNamespace(filter=np.ones((3, 5, 5)), feature_map=np.ones((9, 9)))
        >>> figure = pair_table([np.zeros((3, 12, 12))] * 2, [{"conv1": pair, "conv2": pair}] * 2)
        >>> len(figure.axes)
        14
    """
    layers = _common_layers(images, pairs)
    columns = 1 + 3 * len(layers)
    figure = new_figure(1.25 * columns + 0.4, 1.4 * len(images) + 0.9)
    heading(figure, title)
    grid = figure.subplots(len(images), columns, squeeze=False)
    for image, axes in zip(images, grid[:, 0], strict=True):
        axes.imshow(to_image(image))
        bare(axes)
    for number, layer in enumerate(layers):
        cells = [_read_cell(by_layer[layer]) for by_layer in pairs]
        for cell, axes in zip(cells, grid[:, 1 + 3 * number : 4 + 3 * number], strict=True):
            _draw_cell(axes, cell, [one for one in cells if one.index == cell.index])
        last = "ReLU applied" if any(cell.stands_in for cell in cells) else "activated"
        for place, what in enumerate(("filter", "map", last)):
            text = f"{drawable(layer, 14)}\n{what}" if place == 1 else f"\n{what}"
            grid[0, 1 + 3 * number + place].set_title(text, fontsize=8, fontweight="normal", pad=12)
    return figure


def _common_layers(images: Sequence[Any], pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The layers of every row."""
    if not len(images) or len(images) != len(pairs):
        raise PlotError(f"{len(images)} images need as many rows of pairs, received {len(pairs)}")
    layers = list(pairs[0])
    for row, by_layer in enumerate(pairs):
        if list(by_layer) != layers:
            raise PlotError(f"row {row} has layers {list(by_layer)}, row 0 has {layers}")
    columns_for(len(layers), None)
    return layers


@dataclass(frozen=True, slots=True)
class _Cell:
    """What stands in the table for one image and layer."""

    index: Any
    weights: Array
    response: Array
    activated: Array | None
    stands_in: bool


def _read_cell(pair: Any) -> _Cell:
    """Filter, map, and map after the activation; after a ReLU where nothing is said of it."""
    weights = to_floats(pair.filter, 3, "the weights of one filter", "(in_channels, height, width)")
    response, stands_in = one_map(pair.feature_map), not hasattr(pair, "after_activation")
    after = np.maximum(response, 0) if stands_in else pair.after_activation
    activated = None if after is None else one_map(after)
    return _Cell(getattr(pair, "index", None), weights, response, activated, stands_in)


def _draw_cell(axes: Sequence[Axes], cell: _Cell, compared: Sequence[_Cell]) -> None:
    """Three pictures, on the scales of all cells that are compared with this one."""
    high = max(largest(one.weights) for one in compared)
    draw_filter(axes[0], cell.weights, high)
    number = "" if cell.index is None else f"{cell.index}, "
    axes[0].set_xlabel(f"{number}±{high:.2g}", fontsize=7)
    for panel, what in zip(axes[1:], ("response", "activated"), strict=True):
        bare(panel)
        values = getattr(cell, what)
        if values is None:
            panel.text(0.5, 0.5, "none", ha="center", transform=panel.transAxes, fontsize=8)
            continue
        every = [getattr(one, what) for one in compared]
        scale = map_scale(np.concatenate([one.ravel() for one in every if one is not None]))
        panel.imshow(values, **scale)
        panel.set_xlabel(_ends(scale), fontsize=7)


def _ends(scale: Mapping[str, Any]) -> str:
    """The ends of a scale in words."""
    return f"{scale['vmin']:.2g} to {scale['vmax']:.2g}"


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
