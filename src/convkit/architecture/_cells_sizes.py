"""Cells that state sizes and counts: `32x32x32`, `(None, 26, 26, 32)`, `2048 -> 64`, `2,432`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from convkit.architecture._cells import MAX_SETTING, Token, quoted, shorten, tokens
from convkit.errors import TableError

MAX_COUNT_DIGITS = 30
"""Digits of the largest count of parameters that is read."""

Size = tuple[int, ...]

_EMPTY = re.compile(
    r"[\s\u200b\ufeff*_`]*(?:[-‐‑‒–—−]+|n\s?[./]?\s?a\.?|none|nil|/|\.|✗|✕)?[\s*_`]*", re.I
)
_COUNT = re.compile(
    r"[~≈≃=]?\s{0,4}(\d{1,3}(?:[,.'’_ \u00a0\u202f\u2009]\d{3})+|\d+)(\.\d+)?"
    r"\s{0,4}([kmb]|million|billion)?"
    r"(?:\s{0,4}(?:params?|parameters?|weights?|biases|bias|macs?))?",
    re.IGNORECASE,
)
_COMMAS = re.compile(r"\d{1,3}(?:,[1-9]\d\d){2}")  # channels, height and width
_FACTORS = {"k": 10**3, "m": 10**6, "million": 10**6, "b": 10**9, "billion": 10**9}
_BATCH_WORDS = {"none", "n", "b", "batch", "null", "bs"}


@dataclass(frozen=True, slots=True)
class StatedCount:
    """A count as a table states it.

    Args:
        value: The number.
        slack: How far the true number may lie off, since `1.2M` is rounded.
    """

    value: int
    slack: int = 0


def says_nothing(cell: str) -> bool:
    """Whether a cell is empty or holds only a dash."""
    return len(cell) < 200 and _EMPTY.fullmatch(cell) is not None


def read_count(cell: str) -> StatedCount:
    """A number of parameters: `2,432`, `2432`, `2 432`, `1.2M`, `12K`.

    Raises:
        TableError: When it is none.
    """
    text = cell.strip().strip("*_").strip()
    match = _COUNT.fullmatch(text) if len(text) < 100 else None
    if match is None:
        raise TableError("is no count; write a whole number such as 2,432")
    whole = re.sub(r"\D", "", match[1])
    if len(whole) > MAX_COUNT_DIGITS:
        raise TableError(f"{shorten(whole)} has too many digits for a count")
    factor = _FACTORS.get((match[3] or "").lower(), 1)
    fraction = (match[2] or ".")[1:]
    if factor == 1:
        if fraction.strip("0"):
            raise TableError("is no whole number")
        return StatedCount(int(whole))
    if not fraction and "." in match[1]:  # "1.234M" looks like thousands
        whole, fraction = match[1].split(".", 1)
    unit = factor // 10 ** min(len(fraction), 6)
    value = int(whole + fraction[:6]) * unit
    return StatedCount(value, slack=max(unit // 2, 1))


def read_sizes(cell: str, *, vector: bool = False) -> list[Size]:
    """The sizes of a cell, more than one where arrows stand between them.

    `(None, 26, 26, 32)` and `[1, 32, 26, 26]` lose their batch; `6@28x28` is six maps;
    in `64x12x12 = 9216` both sides are one size, the first is kept. `64,126,126` is a size too.

    Args:
        cell: The cell.
        vector: Whether it belongs to a layer that makes a vector: `1,605,632` is a number then.

    Raises:
        TableError: When it holds no size.
    """
    chains: list[list[Token]] = [[]]
    skipping = False
    for token in tokens(cell):
        if token.kind == "arrow":
            chains.append([])
            skipping = False
        elif token.text == "=" and chains[-1]:
            skipping = True
        elif not skipping:
            chains[-1].append(token)
    return [_one_size(chain, cell, vector=vector) for chain in chains if chain] or [_refuse(cell)]


def _one_size(chain: list[Token], cell: str, *, vector: bool) -> Size:
    """The numbers of one size, in their order, without the batch."""
    numbers: list[int] = []
    batch = False
    for index, token in enumerate(chain):
        if token.kind == "size" or (not vector and _COMMAS.fullmatch(token.text)):
            numbers += token.size
        elif token.kind in {"number", "thousands"}:
            value = token.number
            if not isinstance(value, int):
                _refuse(cell)
            if index and chain[index - 1].kind == "dash" and value == 1 and not numbers:
                batch = True
            else:
                numbers.append(int(value))
        elif (token.kind == "word" and token.text.lower() in _BATCH_WORDS and not numbers) or (
            token.text == "?" and not numbers and len(chain) > 1
        ):
            batch = True
        elif (token.kind == "word" and token.text.lower() not in _UNITS) or token.text in {
            "/",
            "+",
            "%",
        }:
            _refuse(cell)
    if not batch and len(numbers) == 4 and numbers[0] == 1:
        numbers = numbers[1:]
    if not 1 <= len(numbers) <= 4 or any(not 0 < n <= MAX_SETTING for n in numbers):
        _refuse(cell)
    return tuple(numbers)


_UNITS = {
    "x", "px", "pixels", "pixel", "torch", "size", "maps", "channels", "features", "feature",
    "map", "units", "neurons", "by", "rgb", "image", "images", "shape", "w", "h", "c",
}  # fmt: skip


def _refuse(cell: str) -> Size:
    raise TableError(f"{quoted(cell)} is no size; write channels x height x width, as 32x16x16")
