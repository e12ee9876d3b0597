"""Plain rows one after the other, joined to rows that carry their norm and activation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._composite import Residual
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Linear
from convkit.architecture._norm import BatchNorm, GroupNorm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convkit.architecture._row import Row

# What a row of each kind can carry, in the order in which it runs.
_CARRIED = {
    **dict.fromkeys((Conv, ConvTranspose, Linear), ("norm", "activation", "dropout")),
    Residual: ("activation",),
}
_PLACES = {BatchNorm: "norm", GroupNorm: "norm", Activation: "activation", Dropout: "dropout"}


def join_rows(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The same layers in fewer rows; a row with a name of its own is left alone."""
    joined: list[Row] = []
    for row in rows:
        place = _place(joined[-1], row) if joined else None
        if place is None:
            joined.append(row)
        else:
            value = row.p if isinstance(row, Dropout) else row
            joined[-1] = replace(joined[-1], **{place: value})  # type: ignore[type-var] # every row is a dataclass
    return tuple(joined)


def _place(carrier: Row, row: Row) -> str | None:
    """The field of the carrier in which the row would run at the same moment as now."""
    place = _PLACES.get(type(row))
    carried = _CARRIED.get(type(carrier), ())
    if place not in carried or row.name is not None:
        return None
    if isinstance(row, Dropout) and row.channels:
        return None
    later = carried[carried.index(place) :]
    return place if all(getattr(carrier, name) is None for name in later) else None
