"""A network written as one line, or over several lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convkit.architecture._cells import MAX_LINE, UnreadableError, quoted, tokens
from convkit.architecture._cells_channels import DRESSING
from convkit.architecture._cells_draft import BLANK
from convkit.architecture._cells_layer import Layers
from convkit.architecture._cells_parts import Grammar
from convkit.architecture._cells_segments import kind_of
from convkit.architecture._cells_words import meaning_of
from convkit.errors import TableError

if TYPE_CHECKING:
    from convkit.architecture._cells_draft import Draft
    from convkit.architecture._cells_part import Part

_LABEL = re.compile(r"(?<!\w)(?:[A-Za-z]{1,20}_?\d{1,4}(?:_\d{1,4})?|\d{1,3}(?:st|nd|rd|th))(?!\w)")
_BEFORE_NUMBER = re.compile(r"\s*\[?\s*\d")


def read_line(text: str, readings: list[str]) -> list[Draft]:
    """Read a network written as one line, or over several lines.

    Args:
        text: Such as `"conv 32 k5 p2 relu, maxpool 2, flatten, linear 10"`.
        readings: Where a sentence is added for every choice between two readings.

    Raises:
        TableError: For a word or number that cannot be read.
    """
    try:
        options = _options_before_colon(text)
        # Blanks in place of what was read already, so that messages still find their place.
        rest = " " * (text.index(":") + 1) + text.partition(":")[2] if options else text
        parts = Grammar(tokens(rest, limit=MAX_LINE)).read()
        _tell_of_labels(rest, readings)
    except UnreadableError as error:
        raise TableError(f"{_place_of(text, error.start)}: {error}") from error
    return Layers(readings, line=True, options=options).read(parts)


def _tell_of_labels(text: str, readings: list[str]) -> None:
    """Words that only count layers, such as "block2" and "1st"."""
    for found in _LABEL.finditer(text):
        label = found.group()
        meaning = meaning_of(label.rstrip("0123456789_"))
        if label[0].isdigit() or (meaning is not None and meaning.role == "filler"):
            readings.append(f"{quoted(label)} is taken as a label that only counts layers")


def _options_before_colon(text: str) -> list[Part]:
    """The "k3 p0 relu" of "k3 p0 relu: 16 16 M 32 32 M, flatten, linear 10"; else nothing."""
    head, colon, rest = text.partition(":")
    if not colon or not _BEFORE_NUMBER.match(rest) or re.search(r"[,;\n|=(]", head):
        return []
    parts = Grammar(tokens(head, limit=MAX_LINE)).read()
    dressing = all(
        part.role in {"setting", "flag"} or (part.role == "kind" and kind_of(part) in DRESSING)
        for part in parts
    )
    complete = all(part.role == "kind" or part.value is not BLANK for part in parts)
    settings = any(part.role == "setting" for part in parts) or len(parts) > 1
    return parts if dressing and complete and settings else []


def _place_of(text: str, start: int) -> str:
    """Which row of a line a character belongs to, and what is written there."""
    depth, rows, begin = 0, 1, 0
    for index, character in enumerate(text[:start]):
        depth += (character in "([{") - (character in ")]}")
        if character in ",;\n|" and depth == 0:
            rows += bool(text[begin:index].strip())
            begin = index + 1
    row = re.split(r"[,;\n|]", text[begin : begin + 100], maxsplit=1)[0]
    return f"row {rows}, {quoted(row.strip())}"
