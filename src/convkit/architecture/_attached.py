"""The norm, activation and dropout that a conv or linear row carries with it."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TypeVar

from typing_extensions import override

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._row import Row, set_field
from convkit.errors import ArchitectureError


class Dressed(Row):
    """A row that may carry a norm, an activation and a dropout, run in this order after it."""

    __slots__ = ()

    norm: str | Row | None
    activation: str | Row | None
    dropout: float | None

    @override
    def expand(self) -> tuple[Row, ...]:
        worn = dressing(self)
        return (undressed(self), *worn) if worn else (self,)


DressedRow = TypeVar("DressedRow", bound=Dressed)


def tidy_dressing(row: Dressed) -> None:
    """Write each attachment in its shortest form, so that equal rows compare equal.

    Raises:
        ArchitectureError: For a norm, activation or share that does not exist.
    """
    if row.norm == BatchNorm():
        set_field(row, "norm", "batch")
    if row.norm not in {None, "batch"} and not isinstance(row.norm, (BatchNorm, GroupNorm)):
        raise ArchitectureError(
            f'norm must be "batch", a BatchNorm or GroupNorm row, or None; got {row.norm!r}'
        )
    set_field(row, "activation", tidy_activation(row.activation))
    if row.dropout is not None:
        set_field(row, "dropout", Dropout(row.dropout).p)


def tidy_activation(activation: object) -> str | Row | None:
    """A word for an activation with its usual settings, else the row.

    Raises:
        ArchitectureError: For an activation that does not exist.
    """
    if activation is None:
        return None
    if isinstance(activation, str):
        return Activation(activation).function
    if not isinstance(activation, Activation):
        raise ArchitectureError(
            f'activation must be a word such as "relu", an Activation row or None; '
            f"got {activation!r}"
        )
    return activation.function if activation == Activation(activation.function) else activation


# Rows are never changed, so one of each serves everywhere.
_BATCH_NORM = BatchNorm()


@cache
def _usual_activation(word: str) -> Activation:
    return Activation(word)


def dressing(row: Dressed) -> tuple[Row, ...]:
    """The rows that run after the layer itself."""
    norm = _BATCH_NORM if row.norm == "batch" else row.norm
    activation = row.activation
    if isinstance(activation, str):
        activation = _usual_activation(activation)
    dropout = None if row.dropout is None else Dropout(row.dropout)
    return tuple(part for part in (norm, activation, dropout) if isinstance(part, Row))


def undressed(row: DressedRow) -> DressedRow:
    """The layer itself; its settings have been checked and are not checked again."""
    plain = object.__new__(type(row))
    for field in fields(row):  # type: ignore[arg-type] # every row is a dataclass
        worn = field.name in {"norm", "activation", "dropout"}
        set_field(plain, field.name, None if worn else getattr(row, field.name))
    return plain
