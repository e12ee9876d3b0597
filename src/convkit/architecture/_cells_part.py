"""One piece of a cell with its meaning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit.architecture._cells import Token, plain_number, quoted
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_words import Meaning


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
            return Part("times", token.text, plain_number(token.text[:-1]))
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


def words_span(found: Sequence[Token], start: int, length: int) -> int:
    """How many tokens hold that many words, dashes between them included; 0 when they are fewer."""
    index, words = start, 0
    while index < len(found) and words < length:
        token = found[index]
        if token.kind == "word":
            words += 1
        elif token.kind != "dash" or index + 1 >= len(found) or found[index + 1].kind != "word":
            return 0
        index += 1
    return index - start if words == length else 0
