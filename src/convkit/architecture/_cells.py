"""A cell as its tokens: words, numbers, sizes and marks, found in one linear pass."""

from __future__ import annotations

import re
from dataclasses import dataclass

from convkit.errors import TableError

MAX_CELL = 20_000
"""Characters of one cell."""
MAX_LINE = 200_000
"""Characters of a network written as one line."""
MAX_TOKENS = 10_000
"""Words, numbers and marks of one cell or line; ResNet-152 has some three thousand."""
MAX_SETTING = 10**9
"""The largest channel count, kernel or stride; anything above is a slip of the keyboard."""

_TIMES = "[xX×✕∗*]"
# Every branch begins with another character class and repeats nothing inside a repetition that it
# could also match itself, so the pass is linear in the length of the cell.
_TOKEN = re.compile(
    rf"""
    (?P<separator>[,;\n|])
  | (?P<space>[^\S\n]+|[\u200b\u200c\u200d\u2060\ufeff\u00ad]+)
  | (?P<ordinal>(?:[123][dD]|\d{{1,3}}(?:st|nd|rd|th))\b)
  | (?P<string>"(?:[^"\\]|\\.)*"|'[^']*')
  | (?P<size>\d{{1,12}}(?:(?:{_TIMES}|\s{{1,4}}{_TIMES}\s{{1,4}})\d{{1,12}})+(?![\d.]))
  | (?P<prefix>\d{{1,12}}(?:[xX×](?=[\s(\[]|\Z)|\s{{0,4}}[xX×✕]\s{{0,4}}(?=[(\[])))
  | (?P<thousands>\d{{1,3}}(?:,\d{{3}})+(?![\d.,]))
  | (?P<number>(?:\d+(?:\.\d+)?|(?<![\w.])\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
  | (?P<word>[^\W\d_]\w*(?:[×*]\d+)*|_\w+)
  | (?P<times>[×✕∗](?=\s?\d))
  | (?P<arrow>->|=>|→|⇒|➔|➜|⟶|\\to\b|\\rightarrow\b)
  | (?P<dash>[-‐‑‒–—−])
  | (?P<open>[(\[{{])
  | (?P<close>[)\]}}])
  | (?P<mark>[=:@/%?+·&#*]|\.(?!\d))
    """,
    re.VERBOSE,
)


class UnreadableError(TableError):
    """A piece of a cell that cannot be read, and where in the cell it begins."""

    def __init__(self, message: str, start: int) -> None:
        super().__init__(message)
        self.start = start


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a cell.

    Args:
        kind: The name of its branch in the grammar above.
        text: The characters.
        start: Where it begins in the cell.
    """

    kind: str
    text: str
    start: int

    @property
    def number(self) -> int | float:
        """The value of a number."""
        return plain_number(self.text)

    @property
    def size(self) -> tuple[int, ...]:
        """The numbers of a size such as 3x5."""
        return tuple(small_int(part) for part in re.findall(r"\d+", self.text))


def tokens(cell: str, *, inside_parentheses: int = 0, limit: int = MAX_CELL) -> list[Token]:
    """Cut a cell into tokens; spaces are dropped.

    Raises:
        TableError: For a cell that is too long, or a character that no cell holds.
    """
    if len(cell) > limit:
        raise TableError(f"{len(cell):,} characters are too many for one cell; up to {limit:,} are")
    found: list[Token] = []
    position, depth = 0, inside_parentheses
    while position < len(cell):
        match = _TOKEN.match(cell, position)
        # "(32,128,5)" is a list, "FC 4,096" one number: only outside parentheses.
        if match and match.lastgroup == "thousands" and depth:
            match = re.compile(r"(?P<number>\d+)").match(cell, position)
        if match is None:
            raise UnreadableError(f"cannot read {_around(cell, position)}", position)
        kind = str(match.lastgroup)
        depth += (kind == "open") - (kind == "close")
        if kind not in {"space", "ordinal"}:
            found.append(Token(kind, match.group(), position))
            if len(found) > MAX_TOKENS:
                raise UnreadableError(f"more than {MAX_TOKENS:,} words and numbers", position)
        position = match.end()
    return found


def small_int(digits: str) -> int:
    """A setting of a layer, refused before a huge one is worked with.

    Raises:
        TableError: When it is above `MAX_SETTING`.
    """
    if len(digits.lstrip("0")) > 10 or int(digits) > MAX_SETTING:
        raise TableError(f"{shorten(digits)} is too large a number for a layer")
    return int(digits)


def plain_number(text: str) -> int | float:
    """A number as it is written: an int where it can be one; commas are thousands.

    Raises:
        TableError: When it is too large.
    """
    digits = text.replace(",", "")
    if digits.isdecimal():
        return small_int(digits)
    if len(digits) > 40:
        raise TableError(f"{shorten(digits)} has too many digits")
    value = float(digits)
    if value > MAX_SETTING:
        raise TableError(f"{shorten(digits)} is too large a number for a layer")
    return value


def shorten(text: str, length: int = 40) -> str:
    """What a message shows of a text that may be long."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def quoted(text: str) -> str:
    """A text as a message shows it: short, in quotes, nothing in it that moves a cursor."""
    return repr(shorten(text))


def _around(cell: str, position: int) -> str:
    """The character at fault and what stands around it."""
    shown = quoted(cell[position : position + 12])
    return f"{shown} in {quoted(cell)}" if len(cell) > 12 else shown
