"""Grids of images: samples, mistakes, patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convkit.errors import PlotError
from convkit.plots._arrays import to_image
from convkit.plots._style import INK, TEST, VALIDATION, drawn, heading
from convkit.plots._tiles import check_count, columns_for, draw_tiles, fold, tile_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure


@drawn
def image_grid(
    images: Any,
    titles: Sequence[object] | None = None,
    *,
    right: Sequence[bool] | None = None,
    columns: int | None = None,
    title: str | None = None,
) -> Figure:
    """Draw images in a grid.

    Args:
        images: (N, C, H, W), or a sequence of images (C, H, W), (H, W, C) or (H, W) whose sizes
            may differ; uint8, or floats in 0..1 (others are stretched to it).
        titles: A text above each image, of up to three lines.
        right: For each image, whether its prediction was right: sets the colour of its title
            (green or red) and a mark (✓ or ✗) before it.
        columns: Images in a row.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When there is no image, more than 1024, or not as many titles as images.

    Examples:
        >>> import numpy as np
        >>> figure = image_grid(np.zeros((6, 3, 8, 8), dtype=np.uint8), titles=range(6))
        >>> len(figure.axes[0].images)
        6
    """
    check_count(len(images), "images")
    pictures = [to_image(image) for image in images]
    for what, given in (("titles", titles), ("right", right)):
        if given is not None and len(given) != len(pictures):
            raise PlotError(f"{len(pictures)} images need as many {what}, received {len(given)}")
    columns = columns_for(len(pictures), columns)
    texts = [str(text) for text in titles] if titles is not None else [""] * len(pictures)
    if right is not None:
        texts = [("✓ " if good else "✗ ") + text for good, text in zip(right, texts, strict=True)]
    lines = min(max((text.count("\n") + 1 for text in texts if text), default=0), 3)
    # One very tall image should not set all others apart: it is fitted into a squarer tile.
    ratio = min(max(picture.shape[0] / picture.shape[1] for picture in pictures), 1.25)
    figure, axes, tile = tile_figure(len(pictures), columns, ratio=ratio, lines=lines)
    heading(figure, title)
    draw_tiles(
        axes,
        pictures,
        columns,
        tile,
        titles=[fold(text, tile, lines) for text in texts] if lines else None,
        colours=[
            INK if right is None else TEST if right[i] else VALIDATION for i in range(len(pictures))
        ],
        lines=lines,
        ratio=ratio,
    )
    return figure
