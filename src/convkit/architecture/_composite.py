"""Rows that hold rows: residual blocks and repeats; and the user's own module as a row."""

from __future__ import annotations

import copy
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from convkit.architecture._attached import tidy_activation
from convkit.architecture._row import Counts, Row, Shape, Stated, require_count, set_field
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import nn


@dataclass(frozen=True, slots=True)
class Repeat(Row):
    """The same rows, several times one after the other; each time with weights of its own.

    Args:
        n: How often.
        rows: The rows of one time.
        name: Not used for modules: each repeated row is named by its own kind.
        stated: What a table says beside the rows.

    Example:
        >>> from convkit.architecture import Conv
        >>> Repeat(2, [Conv(8, kernel_size=3)]).shape_after((3, 9, 9))
        (8, 5, 5)
    """

    kind: ClassVar[str] = "repeat"
    prefix: ClassVar[str] = "repeat"

    n: int
    rows: tuple[Row, ...]
    _: KW_ONLY
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        require_count("n", self.n)
        set_field(self, "rows", tidy_rows("repeat", self.rows))

    @override
    def expand(self) -> tuple[Row, ...]:
        return self.rows * self.n

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        for row in self.expand():
            input_shape = row.shape_after(input_shape)
        return input_shape

    @override
    def build(self, input_shape: Shape) -> nn.Module:
        from convkit.architecture._building import build_rows

        return build_rows(self.expand(), input_shape)


@dataclass(frozen=True, slots=True)
class Residual(Row):
    """Rows with a way around them: what they make is added to what arrived, then activated.

    The way around is the identity when the shapes agree. Otherwise it is a 1x1 convolution with the
    stride of the rows, with a batch norm and without a bias where the rows have batch norms.
    He et al., Deep Residual Learning for Image Recognition, 2015.

    Args:
        rows: What runs beside the shortcut.
        shortcut: `"auto"` as told above, `"identity"`, `"projection"`, or the rows of the shortcut.
        activation: What follows the sum; None for nothing.
        name: Name of its module in place of `block1`, `block2`, ...
        stated: What a table says beside the block.

    Example:
        >>> from convkit.architecture import Conv
        >>> conv = Conv(64, kernel_size=3, padding=1, norm="batch")
        >>> Residual([conv, conv]).shape_after((64, 56, 56))
        (64, 56, 56)
    """

    kind: ClassVar[str] = "residual"
    prefix: ClassVar[str] = "block"

    rows: tuple[Row, ...]
    _: KW_ONLY
    shortcut: str | tuple[Row, ...] = "auto"
    activation: str | Row | None = "relu"
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        set_field(self, "rows", tidy_rows("residual", self.rows))
        set_field(self, "activation", tidy_activation(self.activation))
        if not isinstance(self.shortcut, str):
            set_field(self, "shortcut", tidy_rows("shortcut", self.shortcut))
        elif self.shortcut not in {"auto", "identity", "projection"}:
            raise ArchitectureError(
                f'shortcut must be "auto", "identity", "projection" or a list of rows; '
                f"got {self.shortcut!r}"
            )

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        from convkit.architecture._residual import shape_of_sum

        return shape_of_sum(self, input_shape)

    @override
    def build(self, input_shape: Shape) -> nn.Module:
        from convkit.architecture._residual import build_block

        return build_block(self, input_shape)


@dataclass(frozen=True, slots=True)
class Custom(Row):
    """A module of the user's own, as one row.

    Args:
        name: Name of its module.
        module: An `nn.Module`, copied each time a network is built, or a function without
            arguments that makes one (a class will do).
        output_shape: The shape that leaves it, or a function from the shape that arrives; None
            when the module leaves the shape as it is.
        parameters: Its number of parameters; None to count those of the module.
        macs: Its MACs for one image; None to count them by running the module.
        stated: What a table says beside the layer.

    Example:
        >>> Custom("double", None, lambda shape: (2 * shape[0], *shape[1:])).shape_after((3, 8, 8))
        (6, 8, 8)
    """

    kind: ClassVar[str] = "custom"
    prefix: ClassVar[str] = "custom"

    name: str | None
    module: nn.Module | Callable[[], nn.Module] | None
    output_shape: Shape | Callable[[Shape], Shape] | None = None
    _: KW_ONLY
    parameters: int | None = None
    macs: int | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        if self.output_shape is None:
            return input_shape
        if callable(self.output_shape):
            return tuple(self.output_shape(input_shape))
        return tuple(self.output_shape)

    @override
    def count(self, input_shape: Shape) -> Counts:
        if self.parameters is not None and self.macs is not None:
            return Counts(weights=self.parameters, macs=self.macs)
        from convkit.architecture._summarizing import summarize

        measured = summarize(self.build(input_shape), input_shape)
        parameters = measured.parameters if self.parameters is None else self.parameters
        return Counts(weights=parameters, macs=measured.macs if self.macs is None else self.macs)

    @override
    def build(self, input_shape: Shape) -> nn.Module:
        from torch import nn

        if isinstance(self.module, nn.Module):
            return copy.deepcopy(self.module)
        if self.module is None:
            raise ArchitectureError(
                f"the row {self.name!r} has no module; give module=, a torch module or a function "
                "that makes one"
            )
        return self.module()


def tidy_rows(kind: str, rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows as a tuple; at least one, and each of them a row.

    Raises:
        ArchitectureError: When there is none, or one is something else.
    """
    tidied = (rows,) if isinstance(rows, Row) else tuple(rows)
    if not tidied:
        raise ArchitectureError(f"{kind} holds no rows; give at least one, such as Flatten()")
    for number, row in enumerate(tidied, 1):
        if not isinstance(row, Row):
            raise ArchitectureError(
                f"{kind}, row {number}: expected a row such as Conv(32, kernel_size=3), got {row!r}"
            )
    return tidied
