"""Tokens as parts: phrases with their meaning, settings with their value, groups in parentheses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._cells import Token, UnreadableError, quoted, tokens
from convkit.architecture._cells_cursor import WORD_VALUES, Cursor
from convkit.architecture._cells_draft import BLANK
from convkit.architecture._cells_part import (
    Part,
    joined_parts,
    plain_part,
    string_part,
    string_value,
)
from convkit.architecture._cells_words import Meaning, meaning_of
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DEPTH = 12
"""How deep groups may stand in one another."""

_LONGEST_PHRASE = 5
# "1000-d fc", "10-way softmax"
_DIMENSIONS = {"d", "D", "dim", "way", "dimensional", "class", "unit"}
_LETTERS = frozenset(["k", "s", "p", "d", "g", "f", "n", "x"])


def parts_of(cell: str) -> list[Part]:
    """The parts of one cell.

    Raises:
        TableError: For what cannot be read.
    """
    return Grammar(tokens(cell)).parts()


class Grammar:
    """Makes parts of the tokens of one cell, or of a whole network written as one line.

    Args:
        found: The tokens.
    """

    def __init__(self, found: Sequence[Token]) -> None:
        self.cursor = Cursor(found)

    def read(self) -> list[Part]:
        """Every part.

        Raises:
            TableError: For what cannot be read; it knows where that stands.
        """
        try:
            return self.parts()
        except TableError as error:
            last = self.cursor.tokens[self.cursor.at - 1]
            raise UnreadableError(str(error), last.start) from error

    def parts(self, depth: int = 0, closing: str | None = None) -> list[Part]:
        """Every part up to the end, or up to the parenthesis that closes this group."""
        if depth > MAX_DEPTH:
            raise TableError(f"groups stand more than {MAX_DEPTH} deep in one another")
        made: list[Part] = []
        while (token := self.cursor.ahead) is not None:
            if token.kind == "close":
                if token.text != closing:
                    raise TableError(f"{quoted(token.text)} closes nothing; take it away")
                self.cursor.take()
                return made
            self._one(token, made, depth)
        if closing is not None:
            raise TableError(f"a parenthesis is not closed; add {quoted(closing)}")
        return made

    def _one(self, token: Token, made: list[Part], depth: int) -> None:
        """Take the part that begins at this token."""
        match token.kind:
            case "word":
                self._phrase(made, depth)
            case "open":
                made.append(self._group(depth))
            case "string":
                made.append(string_part(self.cursor.take()))
            case "mark" | "dash" | "times":
                self._mark(self.cursor.take(), made)
            case _:
                made.append(plain_part(self.cursor.take()))

    def _group(self, depth: int) -> Part:
        opening = self.cursor.take().text
        closing = {"(": ")", "[": "]", "{": "}"}[opening]
        return Part("group", opening, self.parts(depth + 1, closing))

    # -- words -----------------------------------------------------------------------------

    def _phrase(self, made: list[Part], depth: int) -> None:
        """The longest known phrase at this place; words with numbers; what is not known."""
        for length in range(_LONGEST_PHRASE, 0, -1):
            words = self.cursor.words(length)
            if not words:
                continue
            meaning = meaning_of("".join(token.text for token in words))
            if meaning is not None:
                self.cursor.skip_words(length)
                self._known(words, meaning, made, depth)
                return
        token = self.cursor.take()
        joined = joined_parts(token)
        if joined is None:
            self._unknown(token, made, depth)
        else:
            made += joined

    def _known(self, words: list[Token], meaning: Meaning, made: list[Part], depth: int) -> None:
        text = " ".join(token.text for token in words)
        if meaning.role in {"kind", "setting"} and self.cursor.skip("=", ":"):
            name = meaning.setting or text
            made.append(Part("setting", text, self._value(depth), Meaning("setting", setting=name)))
        elif meaning.role == "setting":
            self._setting(text, meaning, made, depth)
        elif meaning.role != "filler":
            made.append(Part(meaning.role, text, meaning=meaning))

    def _setting(self, text: str, meaning: Meaning, made: list[Part], depth: int) -> None:
        """A setting without `=`: "kernel 5", "64 filters", "0 padding", "stride of 2"."""
        before = made[-1] if made and made[-1].role == "bare" else None
        whole_before = before is not None and isinstance(before.value, int)
        follows = self.cursor.reach_value()
        if before is not None and ((whole_before and meaning.counts) or not follows):
            made.pop()
            made.append(Part("setting", f"{before.text} {text}", before.value, meaning))
        elif follows:
            made.append(Part("setting", text, self._value(depth), meaning))
        elif text.lower() in _LETTERS or meaning.counts:
            made.append(Part("unknown", text))
        else:
            made.append(Part("setting", text, BLANK, meaning))

    def _unknown(self, token: Token, made: list[Part], depth: int) -> None:
        """A word of a registered kind's own, such as `ratio=2`, or one that nobody knows."""
        if self.cursor.skip("=", ":"):
            meaning = Meaning("setting", setting=token.text)
            made.append(Part("setting", token.text, self._value(depth), meaning))
        elif token.text in {"x", "X"} and self.cursor.number_follows():
            made.append(Part("times", "x", self.cursor.take().number))
        elif not (token.text.lower() in {"no", "without"} and self._negates(made)):
            made.append(Part("unknown", token.text))

    def _negates(self, made: list[Part]) -> bool:
        """What follows is not there: "no bias", "no activation"."""
        ahead = self.cursor.ahead
        meaning = meaning_of(ahead.text) if ahead is not None and ahead.kind == "word" else None
        if meaning is None or meaning.role not in {"kind", "setting"}:
            return False
        self.cursor.take()
        if meaning.setting is not None:
            value = False if meaning.setting == "bias" else 0
            made.append(Part("setting", f"no {meaning.setting}", value, meaning))
        return True

    # -- values ----------------------------------------------------------------------------

    def _value(self, depth: int) -> object:
        """The value of a setting."""
        if self.cursor.ahead is None:
            raise TableError("a setting has no value after its =; write one, or ? to solve for it")
        if self.cursor.ahead.text == "(" and self._holds_rows():
            return self._group(depth).value
        if self.cursor.reaches_call():
            called: list[Part] = []
            self._phrase(called, depth)
            return [*called, self._group(depth)]
        token = self.cursor.take()
        match token.kind:
            case "number" | "thousands":
                return self._number(token)
            case "size":
                return token.size
            case "string":
                return string_value(token)
            case "word":
                return WORD_VALUES.get(token.text.lower(), token.text)
            case "open":
                return self._listed(token, depth + 1)
            case "dash" if self.cursor.number_follows():
                return -self._number(self.cursor.take())
        if token.text == "?":
            return BLANK
        raise TableError(f"a setting has no value before {quoted(token.text)}; write one")

    def _holds_rows(self) -> bool:
        """Whether a parenthesis begins with the word of a kind of row."""
        inside = self.cursor.at + 1
        probe = Grammar(self.cursor.tokens[inside : inside + 1 + 2 * _LONGEST_PHRASE])
        first = probe.cursor.ahead
        if first is None or first.kind != "word":
            return False
        made: list[Part] = []
        probe._phrase(made, 0)
        return bool(made) and made[0].role == "kind"

    def _number(self, token: Token) -> int | float:
        value = token.number
        return value / 100 if self.cursor.skip("%") else value

    def _listed(self, opening: Token, depth: int) -> object:
        """A tuple or list of values: (3, 5), [1.5, "a"]."""
        if depth > MAX_DEPTH:
            raise TableError(f"groups stand more than {MAX_DEPTH} deep in one another")
        values = []
        while (ahead := self.cursor.ahead) is not None and ahead.kind != "close":
            if ahead.kind == "separator":
                self.cursor.take()
                continue
            values.append(self._value(depth))
        if ahead is None:
            raise TableError(f"{quoted(opening.text)} is not closed")
        self.cursor.take()
        return tuple(values)

    # -- marks -----------------------------------------------------------------------------

    def _mark(self, token: Token, made: list[Part]) -> None:
        """`64@5x5`, `/2`, `50%`, `?`, `×2`; other marks say nothing."""
        ahead = self.cursor.ahead
        follows = ahead.kind if ahead is not None else ""
        if token.text == "/" and ahead is not None and follows in {"number", "size"}:
            self.cursor.take()
            value = ahead.number if follows == "number" else ahead.size
            made.append(Part("setting", f"/{value}", value, Meaning("setting", setting="stride")))
        elif token.text == "%" and made and made[-1].role == "bare":
            percent = made.pop().value
            share = percent / 100 if isinstance(percent, (int, float)) else percent
            made.append(Part("bare", f"{percent}%", share))
        elif (token.kind == "times" or token.text == "*") and ahead and follows == "number":
            self.cursor.take()
            made.append(Part("times", f"x{ahead.text}", ahead.number))
        elif token.text == "?":
            made.append(Part("bare", "?", BLANK))
        elif token.text in {"+", "&"}:
            made.append(Part("plus", token.text))
        elif token.kind == "dash" and ahead is not None and ahead.text in _DIMENSIONS:
            self.cursor.take()
        elif token.kind == "dash":
            negative = self.cursor.number_below_zero()
            if negative is not None:
                raise TableError(f"-{negative.text} is below zero; write {negative.text}")
            made.append(Part("dash", token.text))
