"""The whole network once its rows are read: the loss taken off, a flatten put in, totals kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convkit.architecture._activation import Activation
from convkit.architecture._architecture import Architecture
from convkit.architecture._cells_words import squash
from convkit.architecture._composite import Repeat, Residual
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool, GlobalAvgPool
from convkit.architecture._row import Row, Stated
from convkit.architecture._upsample import Upsample
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convkit.architecture._cells_draft import Draft
    from convkit.architecture._cells_sizes import StatedCount

MAX_LAYERS = 10_000
"""How many layers one table may hold, repeats counted."""

_LOSSES = {"softmax", "log_softmax"}
_MAPS = (Conv, ConvTranspose, MaxPool, AvgPool, AdaptiveAvgPool, GlobalAvgPool, Upsample)


def finish(
    rows: Sequence[Row],
    readings: list[str],
    total: Mapping[str, StatedCount] | None = None,
    *,
    keep_softmax: bool = False,
) -> Architecture:
    """The architecture of the rows that were read.

    Args:
        rows: The rows, as they stand in the table.
        readings: What was chosen between two readings so far; more is added here.
        total: The counts of the table's row of totals.
        keep_softmax: Whether a softmax at the end was asked for by name.
    """
    kept = list(rows)
    if not keep_softmax:
        kept = _without_loss(kept, readings)
    kept = _with_flatten(kept, readings)
    _refuse_too_many(kept)
    _tell_of_activations(kept, readings)
    counts: dict[str, Any] = {name: count.value for name, count in (total or {}).items()}
    rounding = max((count.slack for count in (total or {}).values()), default=0)
    return Architecture(
        tuple(kept),
        readings=tuple(dict.fromkeys(readings)),
        stated_total=Stated(rounding=rounding, **counts),
    )


def _without_loss(rows: list[Row], readings: list[str]) -> list[Row]:
    """A softmax at the end of a table is a part of the loss: cross-entropy takes logits."""
    last = rows[-1]
    if isinstance(last, Activation) and last.function in _LOSSES and len(rows) > 1:
        rows = rows[:-1]
    elif isinstance(last, (Conv, Linear)) and last.activation in _LOSSES:
        rows = [*rows[:-1], replace(last, activation=None)]
    else:
        return rows
    readings.append(
        "the softmax at the end is taken as a part of the loss and left out: cross-entropy works "
        "on logits; write activation=softmax to keep it as a layer"
    )
    return rows


def _with_flatten(rows: list[Row], readings: list[str]) -> list[Row]:
    """A linear row right after maps needs a flatten row that many tables leave out."""
    made: list[Row] = []
    maps = False
    for row in rows:
        if maps and isinstance(row, Linear):
            made.append(Flatten())
            readings.append("no flatten row stands before the first linear row: one is put there")
        maps = _maps_after(row, maps)
        made.append(row)
    return made


def _maps_after(row: Row, maps: bool) -> bool:
    """Whether maps, and no vector, surely leave a row; of a user's own kind nobody knows."""
    if isinstance(row, (Repeat, Residual)):
        for inner in row.rows:
            maps = _maps_after(inner, maps)
        return maps
    if isinstance(row, _MAPS):
        return True
    own = type(row).__module__.startswith("convkit.architecture.")
    return maps and own and not isinstance(row, (Flatten, Linear))


def _tell_of_activations(rows: Sequence[Row], readings: list[str]) -> None:
    """A network of several layers with weights and no activation is a linear one."""
    weighty = [row for row in rows if isinstance(row, (Conv, ConvTranspose, Linear))]
    plain = all(row.activation is None for row in weighty)
    known = all(type(row).__module__.startswith("convkit.architecture.") for row in rows)
    elsewhere = any(isinstance(row, (Activation, Repeat, Residual)) for row in rows)
    if len(weighty) > 1 and plain and known and not elsewhere:
        readings.append("no activation is stated anywhere: none is put in")


def _refuse_too_many(rows: Sequence[Row]) -> None:
    """Repeats within repeats could make more layers than any machine holds."""
    if count_layers(rows) > MAX_LAYERS:
        raise TableError(
            f"the table holds more than {MAX_LAYERS:,} layers, its repeats counted; write fewer"
        )


def count_layers(rows: Sequence[Row]) -> int:
    """How many layers the rows stand for."""
    total = 0
    for row in rows:
        if isinstance(row, Repeat):
            total += row.n * count_layers(row.rows)
        elif isinstance(row, Residual):
            total += count_layers(row.rows)
        else:
            total += 1
    return total


def names_softmax(drafts: Sequence[Draft]) -> bool:
    """Whether the last layer asks for its softmax by name, as `activation=softmax` does."""
    last = drafts[-1]
    if last.kind is Activation:
        return squash(last.text).startswith("activation")
    return isinstance(last.values.get("activation"), str)
