"""One piece of a cell with its meaning, and tokens that make one by themselves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from convkit.architecture._cells import Token, plain_number, quoted, small_int
from convkit.architecture._cells_words import Meaning, meaning_of
from convkit.errors import TableError

# "conv3-64", "conv3x3", "conv1_1", "k5", "conv2d_7": letters, then numbers.
_JOINED = re.compile(r"([a-z]+(?:\d?d(?=_))?)_?(\d+(?:[x×*]\d+)*)((?:_\d+)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a cell with its meaning.

    Args:
        role: `kind`, `input`, `setting`, `flag`, `bare`, `times`, `group`, `separator`, `plus`,
            `arrow`, `dash` or `unknown`.
        text: What was read.
        value: The value of a setting, a bare number or size, a count; the parts of a group.
        meaning: What the phrase means.
        suffix: Numbers that stand in one word with a kind, as the 3 of `conv3-64`.
    """

    role: str
    text: str
    value: object = None
    meaning: Meaning | None = None
    suffix: tuple[int, ...] = ()


def plain_part(token: Token) -> Part:
    """Tokens whose part does not depend on what stands around them."""
    match token.kind:
        case "number" | "thousands":
            return Part("bare", token.text, token.number)
        case "size":
            return Part("bare", token.text, token.size)
        case "prefix":
            return Part("times", token.text, plain_number(token.text.rstrip()[:-1].rstrip()))
        case _:
            return Part(token.kind, token.text)


def string_value(token: Token) -> str:
    """What stands between the quotes.

    Raises:
        TableError: When a backslash in it stands for nothing.
    """
    if token.text.startswith("'"):
        return token.text[1:-1]
    try:
        return str(json.loads(token.text))
    except ValueError:
        raise TableError(f"{quoted(token.text)} is not a text in quotes") from None


def string_part(token: Token) -> Part:
    """A quoted word, as the "M" of a Python list and the 'same' of a padding, is that word."""
    text = string_value(token)
    meaning = meaning_of(text)
    if meaning is not None and meaning.role in {"kind", "flag"}:
        return Part(meaning.role, text, meaning=meaning)
    return Part("bare", token.text, text)


def joined_parts(token: Token) -> list[Part] | None:
    """A word with numbers in it: k5, x2, conv3-64, conv3x3, conv1_1.

    Returns:
        Its part; none for a label that says nothing, as block2 does; None for any other word.
    """
    found = _JOINED.fullmatch(token.text)
    if found is None:
        return None
    letters, numbers = found[1].lower(), [small_int(n) for n in re.findall(r"\d+", found[2])]
    if letters == "x" and len(numbers) == 1:
        return [Part("times", token.text, numbers[0])]
    meaning = meaning_of(letters)
    if meaning is None:
        return None
    match meaning.role:
        case "kind":
            suffix = tuple(numbers) if not found[3] else ()
            return [Part("kind", token.text, meaning=meaning, suffix=suffix)]
        case "setting":
            value = numbers[0] if len(numbers) == 1 else tuple(numbers)
            return [Part("setting", token.text, value, meaning)]
        case "filler":
            return []
    return None
