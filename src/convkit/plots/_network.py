"""A network drawn to scale: maps as boxes, vectors as bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.patches import Patch, Polygon

from convkit.errors import PlotError
from convkit.plots._blocks import Block, read_blocks
from convkit.plots._names import drawable
from convkit.plots._style import INK, PALE, bare, drawn, heading, new_figure, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAGE = 13.5  # inches; a longer network is continued on the next line
_TALLEST = 1.9  # inches that the greatest map is high
_LONGEST = 1.3  # inches that the longest vector is high
_THICKEST = 0.85  # inches that the most channels are deep
_SLANT = 0.3  # how far width runs to the back
_SLOT = 0.92  # inches that the writing below a box needs
_GAP = 0.26
_TITLE_LINE = 0.2  # inches of each further line of a title
_ABOVE, _BELOW, _LINE = 0.42, 0.52, 0.125
_COLOURS = {
    "input": "#BDBDBD",
    "convolution": "#56B4E9",
    "pooling": "#E69F00",
    "vector": "#009E73",
    "other": "#CC79A7",
}


@drawn
def architecture(
    architecture: Any, input_shape: Sequence[int] | None = None, *, title: str | None = None
) -> Figure:
    """Draw a network to scale, from its input to its output.

    Each layer that makes something new is a box: its height and slanted edge are the map's
    height and width, its thickness the channels; vectors are bars. Above each stand kernel and
    stride, below its output shape, its parameters, and the norms and activations that follow. A
    network longer than a line goes on below.

    Args:
        architecture: A `convkit.Architecture` (anything with `.summary(input_shape)`), or its
            summary (anything with `.rows`).
        input_shape: (channels, height, width) of one image; needed unless a summary is given.
        title: A line above the picture; None writes the totals.

    Returns:
        The figure; `figure.savefig("network.svg")` keeps every letter sharp.

    Raises:
        PlotError: When there is no layer, or no input shape.

    Examples:
        >>> from convkit import Architecture
        >>> network = Architecture.parse("conv 8 k5 relu, maxpool 2, flatten, linear 10")
        >>> figure = architecture(network, (3, 32, 32))
        >>> figure.axes[0].texts[0].get_text()
        'input'
    """
    summary = _summary(architecture, input_shape)
    blocks = read_blocks(summary, input_shape, _table(architecture))
    scale = _Scale(blocks)
    lines = _lines(blocks, scale)
    heights = [_line_height(line, scale) for line in lines]
    width = max(5.0, 0.3 + max(sum(scale.slot(block) for block in line) for line in lines))
    title = title or _totals(summary)
    above = 0.4 + _TITLE_LINE * wrapped(title, width).count("\n")
    height = above + sum(heights) + 0.35
    figure = new_figure(width, height, constrained=False)
    axes = figure.add_axes((0, 0, 1, 1))
    bare(axes)
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    heading(figure, title)
    top = height - above
    for line, tall in zip(lines, heights, strict=True):
        _draw_line(axes, line, scale, top - tall, continued=line is not lines[-1])
        top -= tall
    _legend(figure, blocks)
    return figure


def _summary(network: Any, input_shape: Sequence[int] | None) -> Any:
    """Sizes and counts of every layer."""
    if hasattr(network, "output_shape") and hasattr(network, "rows"):
        return network
    if input_shape is None:
        raise PlotError("a network is drawn for an input_shape, such as (3, 32, 32)")
    if not hasattr(network, "summary"):
        raise PlotError(
            f"an Architecture or its summary is drawn, got {type(network).__name__}; read a table "
            "by Architecture.parse(text), a network by Architecture.from_module(model)"
        )
    return network.summary(tuple(input_shape))


def _table(network: Any) -> Any:
    """The rows of an architecture; a summary has none that know their kernels."""
    return () if hasattr(network, "output_shape") else getattr(network, "rows", ())


def _totals(summary: Any) -> str:
    """What the whole network holds and costs."""
    parameters, macs = getattr(summary, "parameters", None), getattr(summary, "macs", None)
    texts = [] if parameters is None else [f"{parameters:,} parameters"]
    return " · ".join([*texts, *([] if not macs else [f"{macs:,} MACs for one image"])])


class _Scale:
    """How many inches a pixel, a channel and a feature take in this picture."""

    def __init__(self, blocks: list[Block]) -> None:
        maps = [block for block in blocks if not block.is_vector]
        vectors = [block.channels for block in blocks if block.is_vector]
        side = max((max(block.height, block.width) for block in maps), default=1)
        self.pixel = _TALLEST / side
        self.channel = _THICKEST / max((block.channels for block in maps), default=1)
        self.feature = _LONGEST / max(vectors, default=1)

    def box(self, block: Block) -> tuple[float, float, float]:
        """Height, thickness and slant in inches; nothing is too small to be seen."""
        if block.is_vector:
            return max(block.channels * self.feature, 0.08), 0.1, 0.0
        return (
            max(block.height * self.pixel, 0.05),
            max(block.channels * self.channel, 0.03),
            max(block.width * self.pixel, 0.05) * _SLANT,
        )

    def slot(self, block: Block) -> float:
        """The width that a box takes with its writing."""
        _, thick, slant = self.box(block)
        return max(thick + slant + _GAP, _SLOT)


def _lines(blocks: list[Block], scale: _Scale) -> list[list[Block]]:
    """Blocks broken into lines of a page's width."""
    slots = [scale.slot(block) for block in blocks]
    # Lines of about the same width: a last one with a single box would look lost.
    page = sum(slots) / math.ceil(sum(slots) / _PAGE) + max(slots) / 2
    lines: list[list[Block]] = [[]]
    room = page
    for block, slot in zip(blocks, slots, strict=True):
        if slot > room and lines[-1]:
            lines.append([])
            room = page
        lines[-1].append(block)
        room -= slot
    return lines


def _line_height(line: list[Block], scale: _Scale) -> float:
    """Inches from the lowest letter of a line to its highest."""
    tall = max(height + slant for height, _, slant in map(scale.box, line))
    return tall + _ABOVE + _BELOW + _LINE * max(len(block.extras) for block in line)


def _draw_line(
    axes: Axes, line: list[Block], scale: _Scale, bottom: float, *, continued: bool
) -> None:
    """The boxes of one line on a common axis, joined by arrows."""
    below = _BELOW + _LINE * max(len(block.extras) for block in line)
    tall = max(height + slant for height, _, slant in map(scale.box, line))
    middle = bottom + below + tall / 2
    left = 0.15
    for number, block in enumerate(line):
        height, thick, slant = scale.box(block)
        slot = scale.slot(block)
        start = left + (slot - thick - slant) / 2
        base = middle - (height + slant) / 2
        _draw_box(axes, start, base, (height, thick, slant), _COLOURS[block.look])
        centre = left + slot / 2
        _write(axes, centre, base + height + slant, base, block)
        if number + 1 < len(line) or continued:
            end = start + thick + slant
            axes.annotate(
                "",
                xy=(left + slot + 0.04, middle),
                xytext=(end + 0.02, middle),
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": PALE,
                    "lw": 0.7,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
                zorder=0,
            )
        left += slot


def _draw_box(
    axes: Axes, left: float, base: float, box: tuple[float, float, float], colour: str
) -> None:
    """Front, top and side of a box, shaded apart."""
    height, thick, slant = box
    right, top = left + thick, base + height
    faces = (
        (((left, base), (right, base), (right, top), (left, top)), 0.95),
        (
            ((left, top), (right, top), (right + slant, top + slant), (left + slant, top + slant)),
            0.45,
        ),
        (
            (
                (right, base),
                (right + slant, base + slant),
                (right + slant, top + slant),
                (right, top),
            ),
            0.7,
        ),
    )
    for corners, shade in faces[: 1 if slant == 0 else 3]:
        axes.add_patch(Polygon(corners, facecolor="white", edgecolor="none"))
        axes.add_patch(
            Polygon(corners, facecolor=(colour, shade), edgecolor=INK, lw=0.6, joinstyle="round")
        )


def _write(axes: Axes, centre: float, top: float, base: float, block: Block) -> None:
    """What the layer is above, what leaves it below."""
    look: dict[str, Any] = {"ha": "center", "fontsize": 7.5, "linespacing": 1.15}
    axes.text(centre, top + 0.06, "\n".join(block.label), va="bottom", **look)
    below = [block.shape_text]
    if block.parameters:
        below.append(f"{block.parameters:,}")
    axes.text(centre, base - 0.06, "\n".join(below), va="top", **look)
    if block.extras:
        axes.text(
            centre,
            base - 0.06 - 0.13 * len(below),
            "\n".join(drawable(extra, 15) for extra in block.extras),
            va="top",
            ha="center",
            fontsize=6.5,
            color=PALE,
            linespacing=1.1,
        )


def _legend(figure: Figure, blocks: list[Block]) -> None:
    """What the colours and the sizes mean."""
    used = [look for look in _COLOURS if any(block.look == look for block in blocks)]
    patches = [Patch(facecolor=_COLOURS[look], edgecolor=INK, lw=0.6, label=look) for look in used]
    figure.legend(
        handles=patches,
        loc="lower left",
        ncols=len(patches) + 1,
        fontsize=7.5,
        handlelength=1.2,
        columnspacing=1.2,
        bbox_to_anchor=(0.0, 0.0),
    )
    figure.text(
        0.99,
        0.02,
        "to scale: height × width, thickness = channels",
        ha="right",
        va="bottom",
        fontsize=7,
        color=PALE,
    )
