"""Which part of an image a unit sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.patches import Rectangle

from convkit.errors import PlotError
from convkit.plots._arrays import to_image
from convkit.plots._names import drawable
from convkit.plots._style import SERIES, bare, drawn, heading, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from matplotlib.figure import Figure

    Box: TypeAlias = tuple[float, float, float, float]


@drawn
def receptive_field(
    image: Any, box: Box | Mapping[str, Box], *, title: str | None = None
) -> Figure:
    """Draw the receptive field of a unit on an image.

    Args:
        image: The image, as `image_grid` takes it.
        box: (top, left, bottom, right) in pixels, the first two inside, the last two outside, as
            in slicing; or name and box of several units. A box may reach into the padding
            around the image.
        title: A line above the picture.

    Returns:
        The figure.

    Raises:
        PlotError: When a box is empty.

    Examples:
        >>> import numpy as np
        >>> figure = receptive_field(np.zeros((3, 32, 32)), (-2, 4, 9, 15))
        >>> figure.axes[0].get_xlabel()
        'rows -2 to 8, columns 4 to 14: 11×11'
    """
    boxes = {"": box} if isinstance(box, tuple) else dict(box)
    picture = to_image(image)
    height, width = picture.shape[:2]
    figure = new_figure(4.6, 4.6 * min(height / width, 2.0) + 0.6)
    axes = figure.subplots()
    heading(figure, title)
    axes.imshow(picture, extent=(0, width, height, 0))
    bare(axes)
    for number, (name, (top, left, bottom, right)) in enumerate(boxes.items()):
        if bottom <= top or right <= left:
            raise PlotError(
                f"a box is (top, left, bottom, right) with bottom > top and right > left, "
                f"received {(top, left, bottom, right)}"
            )
        colour = SERIES[(number + 1) % len(SERIES)]
        axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, lw=2.2)
        )
        if name:
            axes.text(left, top, drawable(name, 24), color=colour, fontsize=8, va="bottom")
    top, left, bottom, right = (
        ends(values)
        for ends, values in zip(
            (min, min, max, max), zip(*boxes.values(), strict=True), strict=True
        )
    )
    axes.set_xlim(min(left, 0) - 0.5, max(right, width) + 0.5)
    axes.set_ylim(max(bottom, height) + 0.5, min(top, 0) - 0.5)
    if len(boxes) == 1:
        axes.set_xlabel(
            f"rows {top:g} to {bottom - 1:g}, columns {left:g} to {right - 1:g}: "
            f"{bottom - top:g}×{right - left:g}",
            fontsize=8,
        )
    return figure
