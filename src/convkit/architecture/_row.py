"""What every row of a table of layers is, and the three questions that it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from convkit.architecture._counts import Counts
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from convkit.architecture._calculation import Calculation
    from convkit.architecture._layer_call import LayerCall
    from convkit.architecture._plan import Step
    from convkit.architecture._window import Window

Shape = tuple[int, ...]
"""Channels and sizes of one image or vector, without the batch: `(C, H, W)` or `(features,)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a table says beside a layer; nothing is built from it, `check` compares it.

    Args:
        input_shape: Channels and sizes that the table gives for the input of the row; None in
            place of the channels where it gives height and width alone.
        output_shape: Channels and sizes that it gives for the output, likewise.
        channels: Channels that it gives for a row that does not choose them, such as a pool.
        weights: Number of weights.
        biases: Number of biases.
        parameters: Weights and biases together.
        macs: Multiplications with their additions.
        span: How many rows the counts belong to together: this one and those right before it.
        rounding: How far a count may lie off, since the table writes it as `1.2M`.
        place: Where the row stands in its source, such as `"line 7"`.

    Examples:
        >>> from convkit.architecture import Conv
        >>> Conv(8, kernel_size=5, stated=Stated(parameters=600)).stated.parameters
        600
    """

    input_shape: tuple[int | None, ...] | None = None
    output_shape: tuple[int | None, ...] | None = None
    channels: int | None = None
    weights: int | None = None
    biases: int | None = None
    parameters: int | None = None
    macs: int | None = None
    span: int = 1
    rounding: int = 0
    place: str | None = None


class Row(ABC):
    """One row of a table of layers: a frozen dataclass that answers three questions.

    `shape_after` says what leaves, `count` what it holds and costs, and `layer` which layer of
    torch.nn it is (or `build` makes the module by code of its own).
    All three are given the shape that arrives, without the batch. A row that stands for several
    layers (a conv with its norm and activation, a repeated block) gives them in `expand`.

    Examples:
        >>> from convkit.architecture import Conv
        >>> row = Conv(8, kernel_size=5)
        >>> row.shape_after((3, 32, 32)), row.count((3, 32, 32)).parameters, row.layer((3, 32, 32))
        ((8, 28, 28), 608, LayerCall(name='Conv2d', arguments=(3, 8), keywords={'kernel_size': 5}))
        >>> row.word, row.module_prefix, row.ways, row.window((3, 32, 32)).kernel_size
        ('conv', 'conv', (), 5)
        >>> shapes = (3, 32, 32), (8, 28, 28)
        >>> row.count_through(*shapes).macs, len(row.calculations(*shapes))
        (470400, 3)
    """

    __slots__ = ()

    kind: ClassVar[str] = "layer"
    """The word that names this kind of row in tables and summaries."""
    prefix: ClassVar[str] = "layer"
    """What the names of its modules begin with: `conv` in `conv1`."""
    name: str | None
    stated: Stated

    @abstractmethod
    def shape_after(self, input_shape: Shape) -> Shape:
        """The shape that leaves this row.

        Args:
            input_shape: Channels and sizes that arrive, without the batch.

        Raises:
            ArchitectureError: When what arrives does not fit.
            ShapeError: When no output of at least one pixel exists.
        """

    def layer(self, input_shape: Shape) -> LayerCall:  # noqa: ARG002 - unless it is overridden
        """The layer of `torch.nn` as a call, from which both network and source are made.

        Args:
            input_shape: Channels and sizes that arrive, without the batch.

        Raises:
            ArchitectureError: When its module is made by code of its own.
        """
        raise ArchitectureError(
            f"{self.kind} has no plain source, since its module is made by code of its own; "
            "write the other rows, and add it by hand"
        )

    def build(self, input_shape: Shape) -> nn.Module:
        """Make the torch module, with PyTorch's own initial values.

        Args:
            input_shape: Channels and sizes that arrive, without the batch.

        Returns:
            A new module.
        """
        return self.layer(input_shape).build()

    def count(self, input_shape: Shape) -> Counts:  # noqa: ARG002 - most rows do not need it
        """Weights, biases and MACs; nothing unless the row says otherwise.

        Args:
            input_shape: Channels and sizes that arrive, without the batch.
        """
        return Counts()

    def calculations(
        self,
        input_shape: Shape,  # noqa: ARG002 - unless it is overridden
        output_shape: Shape,  # noqa: ARG002 - as above
    ) -> tuple[Calculation, ...]:
        """The calls of `convkit.shapes` that explain size and counts; none by default.

        Args:
            input_shape: Channels and sizes that arrive, without the batch.
            output_shape: Those that leave.
        """
        return ()

    def count_through(self, input_shape: Shape, output_shape: Shape) -> Counts:  # noqa: ARG002 - as above
        """What `count` says, for a caller who knows already what leaves.

        Args:
            input_shape: Channels and sizes that arrive, without the batch.
            output_shape: Those that leave.
        """
        return self.count(input_shape)

    def window(self, input_shape: Shape) -> Window | None:  # noqa: ARG002 - as above
        """The window through which each unit of the output sees the input, for receptive fields.

        `POINT` for a row that works on single values, `WHOLE` for one whose units see everything;
        None, which is also the usual answer, where the units have no common window.

        Args:
            input_shape: Channels and sizes that arrive, without the batch.
        """
        return None

    def expand(self) -> tuple[Row, ...]:
        """The plain layers that this row stands for, in the order in which they run."""
        return (self,)

    def __repr__(self) -> str:
        """The call that makes the row, without what is as usual."""
        parts = []
        for field in fields(self):  # type: ignore[arg-type] # every row is a dataclass
            value = getattr(self, field.name)
            if not field.kw_only:
                parts.append(repr(value))
            elif field.name != "stated" and value != field.default:
                parts.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"

    @property
    def ways(self) -> tuple[str, ...]:
        """The names of the ways through a block, in order; none for a plain layer."""
        return ()

    def rows_of(
        self,
        way: str,
        input_shape: Shape,
        before: Mapping[str, tuple[Step, ...]],
    ) -> tuple[Row, ...]:
        """The rows of one way through a block; `before` holds the layers of the earlier ways.

        Args:
            way: One of `ways`.
            input_shape: Channels and sizes that arrive, without the batch.
            before: The layers of the earlier ways, by their names.

        Raises:
            NotImplementedError: By a row that names ways without giving their rows.
        """
        raise NotImplementedError(f"{type(self).__name__} names the way {way!r} without its rows")

    def join(self, shapes: Mapping[str, Shape]) -> Shape:
        """The shape that leaves a block, when these shapes leave its ways.

        Args:
            shapes: For each way, what leaves it.

        Raises:
            NotImplementedError: By a row that has ways and does not join them.
        """
        raise NotImplementedError(f"{type(self).__name__} has ways, but does not join {[*shapes]}")

    def build_block(self, ways: Mapping[str, nn.Module]) -> nn.Module:
        """Make the module of a block from the modules of its ways.

        Args:
            ways: For each way, its module.

        Returns:
            The module of the block.

        Raises:
            NotImplementedError: By a row that has ways and does not build them.
        """
        raise NotImplementedError(f"{type(self).__name__} has ways, but does not build {[*ways]}")

    @property
    def word(self) -> str:
        """What a summary calls this layer: its kind, or the activation's own word."""
        return self.kind

    @property
    def module_prefix(self) -> str:
        """What the name of this row's module begins with."""
        return self.prefix


def set_field(row: object, name: str, value: object) -> None:
    """Set a field of a frozen dataclass, from its own `__post_init__` only."""
    object.__setattr__(row, name, value)
