"""Which boxes a network is drawn as: one for each layer that makes something new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convkit.errors import PlotError
from convkit.plots._names import drawable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Kinds that make a box; anything else that leaves the shape as it is stands below its box.
_MAKERS = ("conv", "linear", "pool", "upsample", "custom")
# convkit's and torchvision's word for the way around a block.
_SHORTCUTS = (".shortcut", ".downsample")


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


def read_blocks(
    summary: Any, input_shape: Sequence[int] | None, table: Iterable[Any] = ()
) -> list[Block]:
    """The boxes of a summary, the input first when it is known.

    Args:
        summary: Its rows have `name`, `kind`, `output_shape`, `parameters`.
        input_shape: The shape of one image; None takes the summary's.
        table: The rows of the architecture, which know their kernels.

    Raises:
        PlotError: When the summary has no layer.
    """
    rows = [row for row in summary.rows if row.output_shape]
    if not rows:
        raise PlotError("a network without a layer cannot be drawn")
    shape = input_shape or getattr(summary, "input_shape", None)
    blocks = [] if shape is None else [Block("input", tuple(shape), ["input"])]
    windows = _windows(rows, table)
    for row, window in zip(rows, windows, strict=True):
        kind, after = str(row.kind).lower(), tuple(row.output_shape)
        makes = any(word in kind for word in _MAKERS)
        if blocks and any(word in str(row.name) for word in _SHORTCUTS):
            blocks[-1].parameters += row.parameters or 0
            blocks[-1].extras += ["conv shortcut"] if makes else []
        elif blocks and not makes and after == blocks[-1].shape:
            blocks[-1].parameters += row.parameters or 0
            blocks[-1].extras.append("+ shortcut" if kind == "residual" else kind)
        else:
            name = kind if "flatten" in kind else str(row.name).replace(".body.", ".")
            label = [drawable(name, 14)]
            blocks.append(Block(kind, after, label + window, row.parameters or 0))
    return blocks


def _windows(rows: list[Any], table: Iterable[Any]) -> list[list[str]]:
    """Kernel and stride of each row of a summary, as a line, where they can be known.

    A summary names its layers but does not keep their kernels; the rows of the table do. Both
    run in the same order, a block's shortcut aside, so they are followed side by side.
    """
    layers = list(_plain(table))
    found = []
    for row in rows:
        source = row if hasattr(row, "kernel_size") else None
        places = [i for i, layer in enumerate(layers) if layer.kind == row.kind]
        if source is None and places and not any(word in str(row.name) for word in _SHORTCUTS):
            source = layers[places[0]]
            del layers[: places[0] + 1]
        found.append([] if source is None else _window(source, len(row.output_shape) - 1))
    return found


def _plain(rows: Iterable[Any]) -> Iterator[Any]:
    """The layers that the rows of a table stand for, those inside blocks too."""
    for row in rows:
        parts = row.expand() if hasattr(row, "expand") else (row,)
        if len(parts) != 1 or parts[0] is not row:
            yield from _plain(parts)
        elif hasattr(row, "rows"):
            yield from _plain(row.rows)
        else:
            yield row


def _window(layer: Any, dimensions: int) -> list[str]:
    """Kernel and, when it is not 1, stride."""
    kernel, stride = getattr(layer, "kernel_size", None), getattr(layer, "stride", None)
    if kernel is None:
        return []
    text = "×".join(map(str, _sizes(kernel, max(dimensions, 1))))
    steps = tuple(dict.fromkeys(_sizes(kernel if stride is None else stride, 1)))
    return [text if steps == (1,) else f"{text} /{'×'.join(map(str, steps))}"]


def _sizes(size: Any, dimensions: int) -> tuple[int, ...]:
    """One size for each dimension."""
    return tuple(size) if hasattr(size, "__iter__") else (size,) * dimensions
