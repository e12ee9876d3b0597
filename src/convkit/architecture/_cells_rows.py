"""Drafts as rows: a norm, an activation and a dropout go onto the row that carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convkit.architecture._activation import Dropout
from convkit.architecture._cells import quoted
from convkit.architecture._cells_channels import DRESSING
from convkit.architecture._cells_draft import BLANK, Draft, NestedRows, located
from convkit.architecture._cells_positional import place_bare
from convkit.architecture._composite import Repeat
from convkit.architecture._conv import Conv
from convkit.architecture._custom import Custom
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._row import Stated
from convkit.errors import ArchitectureError, TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._row import Row

_SIZES = {
    "kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "scale_factor",
}  # fmt: skip
_ORDER = ("norm", "activation", "dropout")


def dress(drafts: Sequence[Draft], readings: list[str]) -> list[Draft]:
    """Put what a layer can carry onto it: "Conv2d, BN, ReLU" becomes one row.

    A part that cannot be carried, because it comes in another order or the layer has it already,
    stays a row of its own.
    """
    made: list[Draft] = []
    for draft in drafts:
        with located(draft.place):
            place_bare(draft, readings)
        carrier = made[-1] if made and draft.joined else None
        field = DRESSING.get(draft.kind) if draft.kind else None
        if carrier is None or field is None or not _can_carry(carrier, draft, field):
            made.append(draft)
            continue
        carrier.values[field] = _carried(draft, readings)
        carrier.dressed = _ORDER.index(field)
    return made


def _can_carry(carrier: Draft, draft: Draft, field: str) -> bool:
    """Whether the layer has this field free, with nothing set that runs after it."""
    if not carrier.accepts(field) or draft.repeat != 1:
        return False
    if carrier.kind in DRESSING or "name" in draft.values:
        return False
    if draft.channels not in {None, carrier.values.get("out_channels")}:
        return False
    if field == "dropout" and set(draft.values) - {"p"}:
        return False
    return carrier.values.get(field) is None and _ORDER.index(field) > carrier.dressed


def _carried(draft: Draft, readings: list[str]) -> object:
    if draft.kind is Dropout:
        _tell_of_rate(draft, readings)
        return draft.values.get("p", 0.5)
    return make_row(draft, readings)


def make_row(draft: Draft, readings: list[str], stated: Stated | None = None) -> Row:
    """One row.

    Args:
        draft: What was read.
        readings: Where a sentence is added for every choice between two readings.
        stated: What the table says beside the layer.

    Raises:
        TableError: When something that the row needs is missing or does not fit.
    """
    if draft.kind is None:
        raise TableError("an input is no layer; it can only be the first row")
    if draft.kind is Custom:
        raise TableError(
            "a custom row holds a module of yours, which no table can hold; "
            "register a kind of row for it and use its word"
        )
    place_bare(draft, readings)
    if stated is None and draft.channels is not None:
        stated = Stated(channels=draft.channels)
    values = {**draft.assumed, **draft.values}
    _refuse_blanks(values)
    if draft.kind in (MaxPool, AvgPool) and "kernel_size" not in values:
        values["kernel_size"] = _usual_window(draft, values, readings)
    if draft.kind is Dropout:
        _tell_of_rate(draft, readings)
    values.update(_inner_rows(draft, readings))
    if draft.kind is Repeat:
        if draft.repeat != 1 and "n" in values:
            raise TableError(f"n is given twice, as {values['n']} and as {draft.repeat}; keep one")
        values.setdefault("n", draft.repeat)
    elif draft.repeat != 1:
        row = _construct(draft, values, {})
        return _construct(
            Draft(Repeat, draft.text),
            {"n": draft.repeat, "rows": (row,)},
            {"stated": stated} if stated else {},
        )
    return _construct(draft, values, {"stated": stated} if stated else {})


def _inner_rows(draft: Draft, readings: list[str]) -> dict[str, object]:
    """The rows of a group, of a shortcut, of a norm or an activation.

    What is dressed is kept in the draft, so that a draft can be made a row more than once.
    """
    made: dict[str, object] = {}
    if draft.rows is not None:
        draft.rows = dress(draft.rows, readings)
        made["rows"] = _rows_of(draft.rows, readings)
    for name, value in draft.values.items():
        if isinstance(value, NestedRows):
            value.drafts = dress(value.drafts, readings)
            rows = _rows_of(value.drafts, readings)
            made[name] = rows[0] if len(rows) == 1 and not value.many else tuple(rows)
    return made


def _rows_of(drafts: Sequence[Draft], readings: list[str]) -> list[Row]:
    rows = []
    for draft in drafts:
        with located(draft.place):
            rows.append(make_row(draft, readings))
    return rows


def _usual_window(draft: Draft, values: dict[str, Any], readings: list[str]) -> object:
    """The window of a pool that is only named: as wide as its stride, and 2 without one."""
    window = values.get("stride", 2)
    sentence = f"{quoted(draft.text)} says no kernel: taken as {window}, " + (
        "its stride" if "stride" in values else "with a stride of 2"
    )
    if sentence not in readings:
        readings.append(sentence)
    return window


def _tell_of_rate(draft: Draft, readings: list[str]) -> None:
    """Say of a dropout that is only named that half of the values are dropped."""
    sentence = f"{quoted(draft.text)} says no rate: taken as 0.5"
    if "p" not in draft.values and sentence not in readings:
        readings.append(sentence)


def _refuse_blanks(values: dict[str, object]) -> None:
    for name, value in values.items():
        if value is BLANK:
            raise TableError(
                f"{name} is left open, and the table states too little around it to solve for it; "
                f"write {name}, or the sizes before and after the row"
            )


def _construct(draft: Draft, values: dict[str, Any], extra: dict[str, Any]) -> Row:
    kind = draft.kind
    assert kind is not None, draft  # noqa: S101 - make_row asked
    _refuse_odd_values(kind, values)
    missing = missing_fields(draft, values)
    if missing:
        raise TableError(f"{kind.kind} needs {' and '.join(missing)}; {_example(kind, missing[0])}")
    try:
        return kind(**values, **extra)
    except (TypeError, ValueError) as error:
        if isinstance(error, TableError):
            raise
        message = str(error) if isinstance(error, ArchitectureError) else f"{kind.kind}: {error}"
        raise TableError(message) from error


def _refuse_odd_values(kind: type[Row], values: dict[str, Any]) -> None:
    """Sizes are whole numbers; of a user's own kind only its class knows."""
    if not kind.__module__.startswith("convkit.architecture."):
        return
    for name, value in values.items():
        if name not in _SIZES:
            continue
        if name == "padding" and value == "same":
            if issubclass(kind, Conv):
                continue
            raise TableError(
                f"padding 'same' is known for conv only; write that of {kind.kind} as a number, "
                "such as padding=1"
            )
        whole = all(isinstance(n, int) for n in (value if isinstance(value, tuple) else (value,)))
        if not whole and value is not None:
            raise TableError(f"{name} is a whole number or a size such as 3x5, got {value!r}")


def missing_fields(draft: Draft, values: dict[str, object]) -> list[str]:
    """The fields without a default for which nothing was read."""
    from dataclasses import MISSING, fields

    assert draft.kind is not None, draft  # noqa: S101 - callers asked
    return [
        item.name
        for item in fields(draft.kind)  # type: ignore[arg-type] # every kind of row is a dataclass
        if item.default is MISSING
        and item.default_factory is MISSING
        and item.init
        and item.name not in {"_", *values}
    ]


def _example(kind: type[Row], name: str) -> str:
    examples = {
        "out_channels": "such as conv 32 k5",
        "kernel_size": "such as k5 or kernel 5x5, or ? to solve for it",
        "out_features": "such as linear 10",
        "rows": f"such as {kind.kind} 2 (conv 32 k3 p1, relu)",
    }
    return examples.get(name, f"such as {name}=2")
