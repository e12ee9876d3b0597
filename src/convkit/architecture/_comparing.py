"""What changed from one table to another, row by row."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import KW_ONLY, dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from convkit._tables import Table
from convkit.architecture._architecture import Architecture
from convkit.architecture._plan import written
from convkit.architecture._totals import RULE
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convkit.architecture._row import Row, Shape
    from convkit.architecture._summary import Summary

HEADER = ("row", "change", "before", "after", "parameters", "MACs", "output")


@dataclass(frozen=True, slots=True)
class Place:
    """One row of one of the two tables.

    Args:
        number: Its number, counted from 1.
        text: The row as one line of text.
        output_shape: What leaves it.
        parameters: Weights and biases of all its layers.
        macs: Their multiplications with their additions.

    Examples:
        >>> from convkit import Architecture
        >>> before, after = Architecture.parse("conv 8 k3"), Architecture.parse("conv 16 k3")
        >>> before.diff(after, (3, 9, 9)).changes[0].after
        Place(number=1, text='conv 16 k3', output_shape=(16, 7, 7), parameters=448, macs=21168)
    """

    number: int
    text: str
    output_shape: Shape
    parameters: int
    macs: int


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs.

    Args:
        change: `"changed"`, `"added"`, `"removed"`, or `"follows"` for a row that is written alike
            and yet is another layer, because something else arrives.
        before: The row in the first table; None when it was added.
        after: The row in the second table; None when it was removed.

    Examples:
        >>> from convkit import Architecture
        >>> before, after = Architecture.parse("conv 8 k3"), Architecture.parse("conv 16 k3")
        >>> change = before.diff(after, (3, 9, 9)).changes[0]
        >>> change.change, change.parameters, change.macs
        ('changed', 224, 10584)
    """

    change: Literal["changed", "added", "removed", "follows"]
    before: Place | None
    after: Place | None

    @property
    def parameters(self) -> int:
        """Parameters gained, or lost when negative."""
        return (self.after.parameters if self.after else 0) - (
            self.before.parameters if self.before else 0
        )

    @property
    def macs(self) -> int:
        """MACs gained, or lost when negative."""
        return (self.after.macs if self.after else 0) - (self.before.macs if self.before else 0)


@dataclass(frozen=True, slots=True)
class Diff:
    """The rows that differ between two tables; `print` it, or write it for a report.

    Args:
        changes: The rows that differ, in their order; empty when the networks are the same.
        before: The summary of the first table.
        after: The summary of the second table.

    Examples:
        >>> from convkit import Architecture
        >>> before, after = Architecture.parse("conv 8 k3"), Architecture.parse("conv 16 k3")
        >>> diff = before.diff(after, (3, 9, 9))
        >>> diff.parameters, diff.macs, bool(diff)
        (224, 10584, True)
        >>> print(diff.table().to_csv().splitlines()[1])
        1,changed,conv 8 k3,conv 16 k3,+224,"'+10,584",8x7x7 → 16x7x7
    """

    changes: tuple[Change, ...]
    _: KW_ONLY
    before: Summary
    after: Summary

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def parameters(self) -> int:
        """Parameters gained in all, or lost when negative."""
        return self.after.parameters - self.before.parameters

    @property
    def macs(self) -> int:
        """MACs gained in all, or lost when negative."""
        return self.after.macs - self.before.macs

    def table(self) -> Table:
        """The differences as a table of cells, the totals in its last row."""
        rows = [_cells(change) for change in self.changes]
        total = (
            "total",
            "",
            f"{self.before.parameters:,} parameters",
            f"{self.after.parameters:,} parameters",
            _signed(self.parameters),
            _signed(self.macs),
            _arrow(self.before.output_shape, self.after.output_shape),
        )
        return Table(HEADER, (*rows, total), notes=(RULE,))

    def __str__(self) -> str:
        return self.table().to_text()

    def to_markdown(self) -> str:
        """Write a Markdown table."""
        return self.table().to_markdown()

    def to_latex(self) -> str:
        """Write a LaTeX `tabular`."""
        return self.table().to_latex()

    def to_csv(self) -> str:
        """Write comma-separated values."""
        return self.table().to_csv()

    def _repr_html_(self) -> str:
        return self.table().to_html()


def compare(before: Architecture, after: Architecture, input_shape: Sequence[int]) -> Diff:
    """What changed from one table to the other.

    Raises:
        ArchitectureError: When either does not fit the input.
    """
    summaries = before.summary(input_shape), after.summary(input_shape)
    old, new = (
        _places(table, summary) for table, summary in zip((before, after), summaries, strict=True)
    )
    changes = []
    numbered = _numbered(before.rows, after.rows)
    matcher = SequenceMatcher(None, numbered[0], numbered[1], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        pairs = zip(old[i:j], new[k:m], strict=True) if tag == "equal" else None
        for one, other in pairs or _paired(before.rows[i:j], after.rows[k:m], old[i:j], new[k:m]):
            change = _change(one, other)
            if change is not None:
                changes.append(change)
    return Diff(tuple(changes), before=summaries[0], after=summaries[1])


def _numbered(*tables: Sequence[Row]) -> list[list[int]]:
    """Equal rows as equal numbers; a row of the user's own need not be hashable."""
    known: list[Row] = []
    numbers = []
    for rows in tables:
        known += [row for row in rows if row not in known]
        numbers.append([known.index(row) for row in rows])
    return numbers


def _places(table: Architecture, summary: Summary) -> list[Place]:
    """Each row of a table with what its layers hold and cost together."""
    layers = defaultdict(list)
    for layer in summary.rows:
        layers[layer.number].append(layer)
    return [
        Place(
            number,
            _text(row),
            layers[number][-1].output_shape or (),
            sum(layer.parameters for layer in layers[number]),
            sum(layer.macs for layer in layers[number]),
        )
        for number, row in enumerate(table.rows, 1)
    ]


def _text(row: Row) -> str:
    try:
        return Architecture((row,)).to_text()
    except ArchitectureError:  # a module of the user's own has no text
        # In one line, and without the places in memory that functions show.
        return re.sub(r" at 0x[0-9a-f]+", "", " ".join(repr(row).split()))


def _paired(
    rows: Sequence[Row], others: Sequence[Row], old: Sequence[Place], new: Sequence[Place]
) -> Iterator[tuple[Place | None, Place | None]]:
    """Rows that stand at the same place: of one kind together, the rest removed and added."""
    matcher = SequenceMatcher(
        None, [row.kind for row in rows], [row.kind for row in others], autojunk=False
    )
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(old[i:j], new[k:m], strict=True)
        else:
            yield from ((one, None) for one in old[i:j])
            yield from ((None, one) for one in new[k:m])


def _change(before: Place | None, after: Place | None) -> Change | None:
    if before is None or after is None:
        return Change("added" if before is None else "removed", before, after)
    if before.text != after.text:
        return Change("changed", before, after)
    same = (before.parameters, before.macs) == (after.parameters, after.macs)
    if same and before.output_shape == after.output_shape:
        return None
    return Change("follows", before, after)


def _cells(change: Change) -> tuple[str, ...]:
    places = [place for place in (change.before, change.after) if place is not None]
    return (
        _arrow(*(str(place.number) for place in places)),
        change.change,
        change.before.text if change.before else "",
        change.after.text if change.after else "",
        _signed(change.parameters),
        _signed(change.macs),
        _arrow(*(place.output_shape for place in places)),
    )


def _arrow(*values: str | Shape) -> str:
    """Two values with an arrow between, or one when they agree."""
    texts = [value if isinstance(value, str) else written(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else " → ".join(texts)


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "0"
