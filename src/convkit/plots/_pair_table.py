"""Images by layers: filters, the maps that they made, and those maps activated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, largest, to_floats, to_image
from convkit.plots._maps import map_scale, scale_ends
from convkit.plots._names import drawable
from convkit.plots._pairs import draw_filter, one_map
from convkit.plots._style import bare, drawn, heading, new_figure
from convkit.plots._tiles import columns_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
        panel.set_xlabel(scale_ends(scale), fontsize=7)
