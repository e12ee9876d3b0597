"""Rows that hold other rows: repeats and residual blocks."""

from __future__ import annotations

import itertools
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from convkit.architecture._activation import Activation
from convkit.architecture._attached import tidy_activation
from convkit.architecture._plan import Step, end_of, plan, written
from convkit.architecture._row import Row, Shape, Stated, set_field
from convkit.architecture._shortcut import keeps_shape, projection
from convkit.architecture._sizes import require_count
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import nn

MOST_TIMES = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class Repeat(Row):
    """The same rows, several times one after the other; each time with weights of its own.

    Args:
        n: How often.
        rows: The rows of one time.
        name: Not used for modules: each repeated row is named by its own kind.
        stated: What a table says beside the rows.

    Examples:
        >>> from convkit.architecture import Conv
        >>> Repeat(2, [Conv(8, kernel_size=3)]).shape_after((3, 9, 9))
        (8, 5, 5)
    """

    kind: ClassVar[str] = "repeat"
    prefix: ClassVar[str] = "repeat"

    n: int
    rows: Sequence[Row]
    _: KW_ONLY
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        require_count("n", self.n)
        if self.n > MOST_TIMES:
            raise ArchitectureError(f"n may be at most {MOST_TIMES}; got {self.n}")
        set_field(self, "rows", tidy_rows("repeat", self.rows))

    @override
    def expand(self) -> tuple[Row, ...]:
        again = [[_renamed(row, time) for row in self.rows] for time in range(2, self.n + 1)]
        return (*self.rows, *itertools.chain.from_iterable(again))

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        return end_of(plan((self,), input_shape), input_shape)

    @override
    def build(self, input_shape: Shape) -> nn.Module:
        from convkit.architecture._building import build_steps

        return build_steps(plan((self,), input_shape))


@dataclass(frozen=True, slots=True, repr=False)
class Residual(Row):
    """Rows with a way around them: what they make is added to what arrived, then activated.

    The way around is the identity when the rows have no stride and keep the number of channels.
    Otherwise it is a 1x1 convolution with the stride of the rows, with a batch norm and without a
    bias where the rows have batch norms.
    He et al., Deep Residual Learning for Image Recognition, 2015.

    Args:
        rows: What runs beside the shortcut.
        shortcut: `"auto"` as told above, `"identity"`, `"projection"`, or the rows of the shortcut.
        activation: What follows the sum; None for nothing.
        name: Name of its module in place of `block1`, `block2`, ...
        stated: What a table says beside the block.

    Examples:
        >>> from convkit.architecture import Conv
        >>> conv = Conv(64, kernel_size=3, padding=1, norm="batch")
        >>> Residual([conv, conv]).shape_after((64, 56, 56))
        (64, 56, 56)

        >>> from torch import nn
        >>> block = Residual([Conv(8, kernel_size=3, padding=1)])
        >>> block.ways, block.rows_of("body", (8, 6, 6), {})
        (('body', 'shortcut'), (Conv(8, kernel_size=3, padding=1),))
        >>> type(block.build_block({"body": nn.Identity(), "shortcut": nn.Identity()})).__name__
        'ResidualBlock'
    """

    kind: ClassVar[str] = "residual"
    prefix: ClassVar[str] = "block"

    rows: Sequence[Row]
    _: KW_ONLY
    shortcut: str | Sequence[Row] = "auto"
    activation: str | Row | None = "relu"
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        set_field(self, "rows", tidy_rows("residual", self.rows))
        set_field(self, "activation", tidy_activation(self.activation))
        if self.shortcut is not None and not isinstance(self.shortcut, str):
            set_field(self, "shortcut", tidy_rows("shortcut", self.shortcut))
        elif self.shortcut not in {"auto", "identity", "projection"}:
            raise ArchitectureError(
                f'shortcut must be "auto", "identity", "projection" or a list of rows; '
                f"got {self.shortcut!r}"
            )

    @override
    def expand(self) -> tuple[Row, ...]:
        if self.activation is None:
            return (self,)
        after = self.activation
        return (
            replace(self, activation=None),
            Activation(after) if isinstance(after, str) else after,
        )

    @property
    @override
    def ways(self) -> tuple[str, ...]:
        return ("body", "shortcut")

    @override
    def rows_of(
        self, way: str, input_shape: Shape, before: Mapping[str, tuple[Step, ...]]
    ) -> tuple[Row, ...]:
        if way == "body":
            return tuple(self.rows)
        if not isinstance(self.shortcut, str):
            return tuple(self.shortcut)
        body = before["body"]
        if self.shortcut == "identity" or (
            self.shortcut == "auto" and keeps_shape(body, input_shape)
        ):
            return ()
        return (projection(body, input_shape),)

    @override
    def join(self, shapes: Mapping[str, Shape]) -> Shape:
        body, shortcut = shapes["body"], shapes["shortcut"]
        if body != shortcut:
            raise ArchitectureError(
                f"its rows make {written(body)} but its shortcut makes {written(shortcut)}, which "
                f"cannot be added; {_remedy(self.shortcut, body, shortcut)}"
            )
        return body

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        return end_of(plan((self,), input_shape), input_shape)

    @override
    def build(self, input_shape: Shape) -> nn.Module:
        from convkit.architecture._building import build_steps

        return build_steps(plan((self,), input_shape))

    @override
    def build_block(self, ways: Mapping[str, nn.Module]) -> nn.Module:
        from convkit.architecture._residual_block import ResidualBlock

        return ResidualBlock(ways["body"], ways["shortcut"])


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


def _renamed(row: Row, time: int) -> Row:
    """A row at its second or later time in a repeat: names of the user's own are numbered."""
    return row if row.name is None else replace(row, name=f"{row.name}_{time}")  # type: ignore[type-var] # every row is a dataclass


def _remedy(shortcut: str | Sequence[Row], body: Shape, beside: Shape) -> str:
    """The smallest change that would let body and shortcut be added."""
    if shortcut == "identity":
        return 'shortcut="projection" or "auto" would fit them together'
    if body[0] != beside[0]:
        return f"out_channels={body[0]} at the end of the shortcut would fit"
    return "padding that keeps the size in the rows (1 for a 3x3 kernel) would fit"
