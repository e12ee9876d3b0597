"""Which boxes a network is drawn as: one for each layer that makes something new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convkit.errors import PlotError
from convkit.plots._names import drawable

if TYPE_CHECKING:
    from collections.abc import Sequence

# What leaves the shape as it is and is written below the box that it belongs to.
_MAKERS = ("conv", "linear", "pool", "upsample", "residual", "custom")


@dataclass
class Block:
    """One box.

    Args:
        kind: The kind of layer.
        shape: What leaves it, without the batch.
        label: The lines above it.
        parameters: Its own and those of its extras.
        extras: Norms, activations and the like that follow, in order.
    """

    kind: str
    shape: tuple[int, ...]
    label: list[str]
    parameters: int = 0
    extras: list[str] = field(default_factory=list)

    @property
    def is_vector(self) -> bool:
        """Whether it has no height and width."""
        return len(self.shape) == 1

    @property
    def channels(self) -> int:
        """Channels of a map, features of a vector."""
        return self.shape[0]

    @property
    def height(self) -> int:
        """Rows of a map; of volumes the greatest but last size."""
        return max(self.shape[1:-1]) if len(self.shape) > 2 else self.shape[-1]

    @property
    def width(self) -> int:
        """Columns of a map."""
        return self.shape[-1] if len(self.shape) > 2 else 1

    @property
    def shape_text(self) -> str:
        """The shape as tables write it."""
        return "×".join(str(size) for size in self.shape)

    @property
    def look(self) -> str:
        """The name of its colour."""
        if self.kind == "input":
            return "input"
        if "conv" in self.kind:
            return "convolution"
        if "pool" in self.kind:
            return "pooling"
        return "vector" if self.is_vector else "other"


def read_blocks(summary: Any, input_shape: Sequence[int] | None) -> list[Block]:
    """The boxes of a summary, the input first when it is known.

    Raises:
        PlotError: When the summary has no layer.
    """
    rows = [row for row in summary.rows if row.output_shape]
    if not rows:
        raise PlotError("a network without a layer cannot be drawn")
    shape = input_shape or getattr(summary, "input_shape", None)
    blocks = [] if shape is None else [Block("input", tuple(shape), ["input"])]
    for row in rows:
        kind, after = str(row.kind).lower(), tuple(row.output_shape)
        makes = any(word in kind for word in _MAKERS)
        if blocks and not makes and (after == blocks[-1].shape or "flatten" in kind):
            _attach(blocks, row, kind, after)
        else:
            blocks.append(Block(kind, after, _label(row), row.parameters or 0))
    return blocks


def _attach(blocks: list[Block], row: Any, kind: str, shape: tuple[int, ...]) -> None:
    """Write a layer below the box that it follows; flattening makes the box a long vector."""
    blocks[-1].parameters += row.parameters or 0
    if shape == blocks[-1].shape:
        blocks[-1].extras.append(kind)
    else:
        blocks.append(Block(kind, shape, [kind]))


def _label(row: Any) -> list[str]:
    """Kind, kernel and stride of a layer."""
    lines = [drawable(getattr(row, "name", None) or row.kind, 14)]
    kernel, stride = getattr(row, "kernel_size", None), getattr(row, "stride", None)
    if kernel is not None:
        step = f" /{_sizes(stride, '×')}" if stride is not None and stride != 1 else ""
        lines.append(f"{_sizes(kernel, '×')}{step}")
    return lines


def _sizes(size: Any, between: str) -> str:
    """3 as 3×3, (3, 5) as 3×5."""
    return between.join(map(str, size)) if isinstance(size, tuple) else f"{size}"
