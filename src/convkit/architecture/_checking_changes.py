"""The smallest change of a table's settings that would give the size that it states."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from convkit.architecture._checking_finding import written
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Linear
from convkit.architecture._plan import plan
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.errors import ConvkitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convkit.architecture._row import Row, Shape

_FURTHEST_ROW = 8
_LARGEST_KERNEL = 13
_LARGEST_STRIDE = 4


@dataclass(slots=True)
class Stretch:
    """The rows since the last size that was sure.

    Args:
        shape: That size.
        rows: The rows after it, with their numbers.
    """

    shape: Shape
    rows: list[tuple[int, Row]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Change:
    """One setting of one row, changed."""

    index: int
    name: str
    value: object
    cost: int


def change_for_size(
    stretch: Stretch, number: int, stated: tuple[int | None, ...], computed: Shape
) -> str:
    """A sentence: the change of one setting that gives the stated size, or what to write instead.

    Args:
        stretch: The rows that may be changed; the last of them states the size.
        number: The number of that row.
        stated: What it states.
        computed: What follows.
    """
    rows = [row for _, row in stretch.rows]
    for change in sorted(_changes(rows, stated[0]), key=lambda change: change.cost):
        changed = [*rows]
        try:
            changed[change.index] = replace(rows[change.index], **{change.name: change.value})  # type: ignore[type-var] # every row is a dataclass
            after = plan(changed, stretch.shape)[-1].output_shape
        except ConvkitError:
            continue
        if _same(stated, after):
            where, row = stretch.rows[change.index]
            in_row = "" if where == number else f", set in row {where} ({row.kind})"
            name = change.name.replace("_size", "")
            return f"{name} {_value(change.value)} would give {written(stated)}{in_row}"
    return f"{written(computed)} is what its settings give"


def _same(stated: tuple[int | None, ...], after: Shape) -> bool:
    from convkit.architecture._checking import agree

    return agree(stated, after)


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else written(value)


def _changes(rows: list[Row], channels: int | None) -> Iterator[_Change]:
    """Every change of one setting, of the nearest rows first; padding costs least."""
    first = max(0, len(rows) - _FURTHEST_ROW)
    for index in range(first, len(rows)):
        away = len(rows) - 1 - index
        for name, value, cost in _row_changes(rows[index], channels):
            yield _Change(index, name, value, cost + away)


def _row_changes(row: Row, channels: int | None) -> Iterator[tuple[str, object, int]]:
    if isinstance(row, (Conv, ConvTranspose, MaxPool, AvgPool)):
        yield from _window_changes(row)
    if isinstance(row, (Conv, ConvTranspose)) and channels is not None:
        yield "out_channels", channels, 5
    if isinstance(row, Linear) and channels is not None:
        yield "out_features", channels, 5
    if isinstance(row, (MaxPool, AvgPool)):
        yield "ceil_mode", not row.ceil_mode, 20


def _window_changes(
    row: Conv | ConvTranspose | MaxPool | AvgPool,
) -> Iterator[tuple[str, object, int]]:
    """Paddings first, then strides, then kernels; near values before far ones."""
    pool = isinstance(row, (MaxPool, AvgPool))
    extra = 30 if pool else 0  # a pool is seldom what was mistaken
    kernel = row.kernel_size if isinstance(row.kernel_size, int) else max(row.kernel_size)
    padding = row.padding if isinstance(row.padding, int) else 0
    for value in range(kernel // 2 + 1 if pool else min(kernel, _LARGEST_KERNEL)):
        yield "padding", value, 10 * abs(value - padding) + extra
    stride = row.stride if isinstance(row.stride, int) else kernel
    for value in range(1, _LARGEST_STRIDE + 1):
        yield "stride", value, 40 + 10 * abs(value - stride) + extra
    for value in range(1, _LARGEST_KERNEL + 1):
        yield "kernel_size", value, 80 + 10 * abs(value - kernel) + extra
