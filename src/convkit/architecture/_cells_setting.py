"""A cell that names layers, or that stands under the name of one setting, as parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._cells import quoted
from convkit.architecture._cells_draft import BLANK, Draft
from convkit.architecture._cells_part import Part
from convkit.architecture._cells_parts import parts_of
from convkit.architecture._cells_segments import join_arrows
from convkit.architecture._cells_words import Meaning, meaning_of
from convkit.architecture._upsample import Upsample
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence


def layer_parts(cell: str, readings: list[str]) -> list[Part]:
    """The parts of a layer's cell; "7x7, 64, stride 2" without a word is a convolution."""
    parts = parts_of(cell)
    named = any(part.role in {"kind", "input", "group", "unknown"} for part in parts)
    if named or not parts or not isinstance(parts[0].value, tuple):
        return parts
    readings.append(f"{quoted(cell)} names no layer: taken as a convolution")
    return [Part("kind", "conv", meaning=meaning_of("conv")), *parts]


def setting_parts(cell: str, role: str, main: Draft) -> list[Part]:
    """The parts of a cell under the name of one setting: mostly a number, sometimes more.

    Args:
        cell: The cell.
        role: The setting that its column is named after.
        main: The layer that it belongs to.

    Raises:
        TableError: For a cell that says how often the layer stands and not what its setting is.
    """
    parts = join_arrows(parts_of(cell.strip(" *_`")))
    times = next((part for part in parts if part.role == "times"), None)
    filters = role == "out_channels" and parts[:1] != [times]  # "64 x2" are two layers
    if times is not None and main.kind is not Upsample and not filters:
        raise TableError(
            f"{quoted(times.text)} is read as {times.value} times, which is no {role}; write "
            f"{times.value}, or x{times.value} in a column repeat"
        )
    numbers = [part.value for part in parts if part.role == "bare"]
    whole = all(isinstance(number, int) for number in numbers)
    if role != "out_channels" and len(numbers) > 1 and whole and _only_numbers(parts):
        parts = [Part("bare", cell, tuple(numbers))]
    return [_named(part, role, main) for part in parts]


def _named(part: Part, role: str, main: Draft) -> Part:
    """A bare value under the header of a setting is the value of that setting."""
    value = part.value
    is_value = value is BLANK or isinstance(value, (int, tuple))
    if part.role == "group" and isinstance(value, list) and _only_numbers(value):
        value, is_value = tuple(p.value for p in value if p.role == "bare"), True
    if part.role not in {"bare", "group"} or not is_value:
        return part
    if isinstance(value, tuple):
        if role == "out_channels":
            return Part("bare", part.text, value)
        value = value[0] if len(set(value)) == 1 else value
    if main.kind is not None and not main.accepts(role) and part.role == "group":
        return part
    return Part("setting", role, value, Meaning("setting", setting=role))


def _only_numbers(parts: Sequence[Part]) -> bool:
    """Whether nothing but whole numbers and commas is there."""
    return bool(parts) and all(
        part.role == "separator" or (part.role == "bare" and isinstance(part.value, int))
        for part in parts
    )
