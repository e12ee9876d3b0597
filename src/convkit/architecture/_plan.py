"""Which layers a table stands for: each with its name, what arrives and what leaves."""

from __future__ import annotations

import contextlib
import keyword
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from convkit.errors import ArchitectureError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convkit.architecture._row import Row, Shape

# More layers than any network has; a table that repeats without bound ends here.
MOST_LAYERS = 20_000
DEEPEST_BLOCK = 20


class Step(NamedTuple):
    """One layer at its place.

    Args:
        name: Its name among its neighbours, such as `conv1`.
        row: The plain row, without attachments.
        number: The row of the table that it comes from, counted from 1.
        input_shape: What arrives.
        output_shape: What leaves.
        branches: For a block, the layers of each of its ways.
    """

    name: str
    row: Row
    number: int
    input_shape: Shape
    output_shape: Shape
    branches: Mapping[str, tuple[Step, ...]] = MappingProxyType({})


def plan(rows: Sequence[Row], input_shape: Sequence[int]) -> tuple[Step, ...]:
    """Follow the shape through the rows.

    Args:
        rows: The rows of a table.
        input_shape: What arrives at the first, without the batch.

    Raises:
        ArchitectureError: For a row that does not fit; the message begins with its number and kind.
    """
    return _plan(rows, require_shape(input_shape), _Work())


def require_shape(input_shape: Sequence[int]) -> Shape:
    """The shape of one image as a tuple of positive integers.

    Raises:
        ArchitectureError: When it is none.
    """
    try:
        shape = tuple(size.__index__() for size in input_shape)
    except (TypeError, AttributeError):
        shape = ()
    if not 1 <= len(shape) <= 4 or min(shape) < 1:
        raise ArchitectureError(
            "input_shape is (channels, height, width) of one image, such as (3, 32, 32), or "
            f"(features,) of a vector; got {input_shape!r}"
        )
    return shape


class _Work:
    """One pass over a table: counts its layers, and remembers what it has worked out.

    Networks repeat their blocks. A row that stands at several places and meets the same shape is
    worked out once; rows are known by their identity, since equal ones may state different things.
    """

    def __init__(self) -> None:
        self.left = MOST_LAYERS
        self.depth = 0
        self.parts: dict[int, tuple[Row, tuple[Row, ...]]] = {}
        self.blocks: dict[tuple[int, Shape], tuple[Step, int]] = {}

    def spend(self, layers: int = 1) -> None:
        """Count layers, so that a table cannot ask for more than a machine can hold."""
        self.left -= layers
        if self.left < 0:
            raise ArchitectureError(
                f"the table stands for more than {MOST_LAYERS} layers; repeat fewer times"
            )

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """One block deeper."""
        self.depth += 1
        if self.depth > DEEPEST_BLOCK:
            raise ArchitectureError(
                f"blocks stand in blocks more than {DEEPEST_BLOCK} deep; write them one after the "
                "other"
            )
        yield
        self.depth -= 1

    def plain(self, row: Row) -> Iterator[Row]:
        """The plain layers of a row, with the rows inside a repeat expanded too."""
        if id(row) not in self.parts:
            self.parts[id(row)] = row, row.expand()
        parts = self.parts[id(row)][1]
        if parts[0] is row or parts == (row,):
            yield row
            return
        for part in parts:
            yield from self.plain(part)


class Names:
    """Numbers the layers of one sequence per kind, and keeps names apart."""

    def __init__(self) -> None:
        self.numbers: Counter[str] = Counter()
        self.taken: set[str] = set()

    def usual(self, row: Row) -> str:
        """The name that the row would get if it had none of its own."""
        number, prefix = self.numbers[row.module_prefix], row.module_prefix
        return next(
            name
            for i in range(number + 1, number + MOST_LAYERS)
            if (name := f"{prefix}{i}") not in self.taken
        )

    def of(self, row: Row) -> str:
        """The name of the next layer.

        Raises:
            ArchitectureError: For a name that is taken, or is none.
        """
        name = row.name if row.name is not None else self._next(row.module_prefix)
        if name in self.taken:
            raise ArchitectureError(
                f"the name {name!r} is taken by an earlier layer; choose another, such as "
                f"{self._free(name)!r}"
            )
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ArchitectureError(
                f"{name!r} cannot name a layer; use letters, digits and _, such as 'conv_a'"
            )
        self.taken.add(name)
        return name

    def _next(self, prefix: str) -> str:
        """The prefix and its next number that nobody has taken."""
        while True:
            self.numbers[prefix] += 1
            name = f"{prefix}{self.numbers[prefix]}"
            if name not in self.taken:
                return name

    def _free(self, name: str) -> str:
        return next(n for i in range(2, MOST_LAYERS) if (n := f"{name}_{i}") not in self.taken)


def _plan(rows: Sequence[Row], shape: Shape, work: _Work) -> tuple[Step, ...]:
    names = Names()
    steps = []
    for number, whole_row in enumerate(rows, 1):
        for row in work.plain(whole_row):
            try:
                work.spend()
                name = names.of(row)
                step = (_block if row.ways else _layer)(name, row, number, shape, work)
            except (ArchitectureError, ShapeError) as error:
                raise ArchitectureError(_placed(error, number, whole_row, row, shape)) from None
            steps.append(step)
            shape = step.output_shape
    return tuple(steps)


def _layer(name: str, row: Row, number: int, shape: Shape, _: _Work) -> Step:
    return Step(name, row, number, shape, row.shape_after(shape))


def _block(name: str, row: Row, number: int, shape: Shape, work: _Work) -> Step:
    known = work.blocks.get((id(row), shape))
    if known is not None:
        block, layers = known
        work.spend(layers)
        return block._replace(name=name, number=number)
    branches: dict[str, tuple[Step, ...]] = {}
    before = work.left
    with work.inside():
        for way in row.ways:
            try:
                branches[way] = _plan(row.rows_of(way, shape, branches), shape, work)
            except ArchitectureError as error:
                raise ArchitectureError(f"in its {way}, {error}") from None
    output_shape = row.join({way: end_of(steps, shape) for way, steps in branches.items()})
    block = Step(name, row, number, shape, output_shape, branches)
    work.blocks[id(row), shape] = block, before - work.left
    return block


def end_of(steps: Sequence[Step], input_shape: Shape) -> Shape:
    """The shape that leaves the last of some layers; what arrived when there is none."""
    return steps[-1].output_shape if steps else input_shape


def _placed(error: Exception, number: int, whole: Row, row: Row, shape: Shape) -> str:
    """An error with its row, and what arrives there."""
    kind = whole.kind if row.kind == whole.kind else f"{whole.kind}, its {row.kind}"
    return f"row {number} ({kind}), where {written(shape)} arrives: {error}"


def written(shape: Shape) -> str:
    """A shape as tables write it: 32x16x16."""
    return "x".join(map(str, shape))
