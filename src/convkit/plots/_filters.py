"""The weights of a convolution as small images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import Array, largest, to_floats
from convkit.plots._names import drawable
from convkit.plots._style import INK, SIGNED, drawn, heading
from convkit.plots._tiles import chosen, columns_for, draw_tiles, tile_figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


@drawn
def filters(
    weights: Any,
    *,
    channels: Iterable[int] | None = None,
    input_channel: int | None = None,
    columns: int | None = None,
    shared_scale: bool = True,
    names: Sequence[object] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the filters of a conv layer.

    Filters over three input channels are drawn in colour, zero being mid-grey; the others as
    one input channel, negative blue, zero white, positive red.

    Args:
        weights: (out_channels, in_channels, kernel height, kernel width).
        channels: Which filters; at most 1024.
        input_channel: Which input channel to draw; None draws colour where there are three,
            else for each filter its input channel of greatest norm.
        columns: Filters in a row.
        shared_scale: One scale for all filters; else each has its own.
        names: What is written above each filter drawn; their numbers by default.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When the weights have not four axes or a channel does not exist.

    Examples:
        >>> import numpy as np
        >>> figure = filters(np.ones((4, 3, 5, 5)), channels=[0, 2])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0', '2']
    """
    bank = to_floats(weights, 4, "filters", "(out_channels, in_channels, height, width)")
    indices = chosen(channels, len(bank), "filter")
    if input_channel is not None:
        chosen([input_channel], bank.shape[1], "input channel")
    if names is not None and len(names) != len(indices):
        raise PlotError(f"{len(indices)} filters need as many names, received {len(names)}")
    tiles = [filter_image(bank[index], input_channel) for index in indices]
    columns = columns_for(len(tiles), columns)
    coloured = tiles[0].ndim == 3
    look: dict[str, Any] = {} if coloured else {"cmap": SIGNED, "vmin": -1, "vmax": 1}
    figure, axes, tile = tile_figure(
        len(tiles),
        columns,
        ratio=bank.shape[2] / bank.shape[3],
        lines=1,
        legend=shared_scale and not coloured,
    )
    heading(figure, title)
    high = largest(np.stack(tiles))
    scales = [high if shared_scale else largest(image) for image in tiles]
    image = draw_tiles(
        axes,
        [shown_filter(tile, scale) for tile, scale in zip(tiles, scales, strict=True)],
        columns,
        tile,
        titles=[drawable(str(name), 8) for name in (indices if names is None else names)],
        lines=1,
        **look,
    )
    if coloured or not shared_scale:
        note = f"zero is grey; ±{high:.3g}" if shared_scale else "each filter on its own scale"
        axes.set_xlabel(note, fontsize=8)
    else:
        weight_bar(axes, image, high)
    return figure


def filter_image(weights: Array, input_channel: int | None = None) -> Array:
    """One filter (in_channels, height, width) as the (H, W) or (H, W, 3) that is drawn."""
    if input_channel is None and len(weights) == 3:
        colours: Array = weights.transpose(1, 2, 0)
        return colours
    if input_channel is None:
        input_channel = int(np.argmax((weights**2).sum(axis=(1, 2))))
    grey: Array = weights[input_channel]
    return grey


def shown_filter(image: Array, scale: float) -> Array:
    """A filter brought to -1..1, or to colours 0..1 with zero in their middle."""
    scaled = np.nan_to_num(image / scale)
    return np.clip(scaled / 2 + 0.5, 0, 1) if image.ndim == 3 else scaled


def weight_bar(axes: Axes, image: AxesImage, high: float) -> None:
    """A colour bar whose ends are the greatest weight."""
    bar = axes.figure.colorbar(image, ax=axes, ticks=[-1, 0, 1], shrink=0.6, aspect=18)
    bar.ax.set_yticklabels([f"−{high:.3g}", "0", f"{high:.3g}"], fontsize=8, color=INK)
    bar.outline.set_visible(False)
    bar.set_label("weight", fontsize=8)
