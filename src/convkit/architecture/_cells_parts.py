"""Tokens as parts: phrases with their meaning, settings with their value, groups in parentheses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convkit.architecture._cells import Token, UnreadableError, quoted, small_int, tokens
from convkit.architecture._cells_draft import BLANK
from convkit.architecture._cells_part import Part, plain_part, string_value, words_span
from convkit.architecture._cells_words import Meaning, meaning_of
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DEPTH = 12
"""How deep groups may stand in one another."""

_LONGEST_PHRASE = 5
_WORD_VALUES: dict[str, object] = {
    "true": True,
    "yes": True,
    "false": False,
    "no": False,
    "none": None,
    "null": None,
}
# "conv3-64", "conv3x3", "conv1_1", "k5", "conv2d_7": letters, then numbers.
_JOINED = re.compile(r"([a-z]+(?:\d?d(?=_))?)_?(\d+(?:[x×*]\d+)*)((?:_\d+)*)", re.IGNORECASE)
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
        depth: How many groups stand around these tokens.
    """

    def __init__(self, found: Sequence[Token]) -> None:
        self.tokens = found
        self.at = 0

    def read(self) -> list[Part]:
        """Every part.

        Raises:
            TableError: For what cannot be read; it knows where that stands.
        """
        try:
            return self.parts()
        except TableError as error:
            token = self.tokens[min(self.at, len(self.tokens)) - 1]
            raise UnreadableError(str(error), token.start) from error

    def parts(self, depth: int = 0, closing: str | None = None) -> list[Part]:
        """Every part up to the end, or up to the parenthesis that closes this group."""
        if depth > MAX_DEPTH:
            raise TableError(f"groups stand more than {MAX_DEPTH} deep in one another")
        made: list[Part] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "close":
                if token.text != closing:
                    raise TableError(f"{quoted(token.text)} closes nothing; take it away")
                self.at += 1
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
                self.at += 1
                made.append(self._string_part(token))
            case "mark" | "dash" | "times":
                self._mark(token, made)
            case _:
                self.at += 1
                made.append(plain_part(token))

    def _group(self, depth: int) -> Part:
        opening = self.tokens[self.at].text
        self.at += 1
        closing = {"(": ")", "[": "]", "{": "}"}[opening]
        inside = self.parts(depth + 1, closing)
        return Part("group", opening, inside)

    def _string_part(self, token: Token) -> Part:
        """A quoted word, as the "M" of a Python list, is that word."""
        text = string_value(token)
        meaning = meaning_of(text)
        if meaning is not None and meaning.role == "kind":
            return Part("kind", text, meaning=meaning)
        return Part("bare", token.text, text)

    # -- words -----------------------------------------------------------------------------

    def _phrase(self, made: list[Part], depth: int) -> None:
        """The longest known phrase at this place; words with numbers; what is not known."""
        for length in range(_LONGEST_PHRASE, 0, -1):
            words = self._words(length)
            if not words:
                continue
            meaning = meaning_of("".join(token.text for token in words))
            if meaning is not None:
                self.at += words_span(self.tokens, self.at, length)
                self._known(words, meaning, made, depth)
                return
        token = self.tokens[self.at]
        self.at += 1
        if not self._joined(token, made):
            self._unknown(token, made, depth)

    def _words(self, length: int) -> list[Token]:
        """That many words that follow one another, dashes between them left out."""
        span = words_span(self.tokens, self.at, length)
        return [t for t in self.tokens[self.at : self.at + span] if t.kind == "word"]

    def _known(self, words: list[Token], meaning: Meaning, made: list[Part], depth: int) -> None:
        text = " ".join(token.text for token in words)
        if self._assigned() and meaning.role in {"kind", "setting"}:
            self.at += 1
            name = meaning.setting or text
            made.append(Part("setting", text, self._value(depth), Meaning("setting", setting=name)))
        elif meaning.role == "setting":
            self._setting(text, meaning, made, depth)
        elif meaning.role != "filler":
            made.append(Part(meaning.role, text, meaning=meaning))

    def _assigned(self) -> bool:
        """Whether `=` or `:` follows."""
        return self.at < len(self.tokens) and self.tokens[self.at].text in {"=", ":"}

    def _setting(self, text: str, meaning: Meaning, made: list[Part], depth: int) -> None:
        """A setting without `=`: "kernel 5", "64 filters", "0 padding", "stride of 2"."""
        before = made[-1] if made and made[-1].role == "bare" else None
        whole_before = before is not None and isinstance(before.value, int)
        follows = self._value_follows()
        if before is not None and ((whole_before and meaning.counts) or not follows):
            made.pop()
            made.append(Part("setting", f"{before.text} {text}", before.value, meaning))
        elif follows:
            made.append(Part("setting", text, self._value(depth), meaning))
        elif text.lower() in _LETTERS or meaning.counts:
            made.append(Part("unknown", text))
        else:
            made.append(Part("setting", text, BLANK, meaning))

    def _value_follows(self) -> bool:
        """Whether what comes next can be the value of a setting."""
        index = self.at
        while index < len(self.tokens) and self.tokens[index].text.lower() in {"of", "is", "to"}:
            index += 1
        if index >= len(self.tokens):
            return False
        token = self.tokens[index]
        word = token.text.lower()
        fits = token.kind in {"number", "size", "thousands"} or token.text == "?"
        fits = fits or (token.kind == "word" and word in {*_WORD_VALUES, "same", "valid"})
        fits = fits or (
            token.text == "("
            and index + 1 < len(self.tokens)
            and self.tokens[index + 1].kind in {"number", "size"}
        )
        if fits:
            self.at = index
        return fits

    def _joined(self, token: Token, made: list[Part]) -> bool:
        """Words with numbers in them: k5, x2, conv3-64, conv3x3, conv1_1."""
        match = _JOINED.fullmatch(token.text)
        if match is None:
            return False
        letters, numbers = match[1].lower(), [small_int(n) for n in re.findall(r"\d+", match[2])]
        if letters == "x" and len(numbers) == 1:
            made.append(Part("times", token.text, numbers[0]))
            return True
        meaning = meaning_of(letters)
        if meaning is None:
            return False
        if meaning.role == "kind":
            suffix = tuple(numbers) if not match[3] else ()
            made.append(Part("kind", token.text, meaning=meaning, suffix=suffix))
        elif meaning.role == "setting":
            value = numbers[0] if len(numbers) == 1 else tuple(numbers)
            made.append(Part("setting", token.text, value, meaning))
        return meaning.role in {"kind", "setting", "filler"}

    def _unknown(self, token: Token, made: list[Part], depth: int) -> None:
        """A word of a registered kind's own, such as `ratio=2`, or one that nobody knows."""
        if self._assigned():
            self.at += 1
            meaning = Meaning("setting", setting=token.text)
            made.append(Part("setting", token.text, self._value(depth), meaning))
        elif token.text in {"x", "X"} and self._number_follows():
            self.at += 1
            made.append(Part("times", "x", self.tokens[self.at - 1].number))
        elif not (token.text.lower() in {"no", "without"} and self._negates(made)):
            made.append(Part("unknown", token.text))

    def _negates(self, made: list[Part]) -> bool:
        """What follows is not there: "no bias", "no activation"."""
        meaning = None
        if self.at < len(self.tokens) and self.tokens[self.at].kind == "word":
            meaning = meaning_of(self.tokens[self.at].text)
        if meaning is None or meaning.role not in {"kind", "setting"}:
            return False
        self.at += 1
        if meaning.setting is not None:
            value = False if meaning.setting == "bias" else 0
            made.append(Part("setting", f"no {meaning.setting}", value, meaning))
        return True

    # -- values ----------------------------------------------------------------------------

    def _value(self, depth: int) -> object:
        """The value of a setting."""
        if self.at >= len(self.tokens):
            raise TableError("a setting has no value after its =; write one, or ? to solve for it")
        token = self.tokens[self.at]
        if token.text == "(" and self._holds_rows():
            return self._group(depth).value
        self.at += 1
        match token.kind:
            case "number" | "thousands":
                return self._number(token)
            case "size":
                return token.size
            case "string":
                return string_value(token)
            case "word":
                return self._word_value(token)
            case "open":
                return self._listed(token, depth + 1)
            case "dash" if self._number_follows():
                self.at += 1
                return -self._number(self.tokens[self.at - 1])
        if token.text == "?":
            return BLANK
        raise TableError(f"a setting has no value before {quoted(token.text)}; write one")

    def _holds_rows(self) -> bool:
        """Whether a parenthesis begins with the word of a kind of row."""
        if self.at + 1 >= len(self.tokens) or self.tokens[self.at + 1].kind != "word":
            return False
        probe = Grammar(self.tokens[self.at + 1 : self.at + 2 + 2 * _LONGEST_PHRASE])
        made: list[Part] = []
        probe._phrase(made, 0)
        return bool(made) and made[0].role == "kind"

    def _number_follows(self) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].kind == "number"

    def _number(self, token: Token) -> int | float:
        value = token.number
        if self.at < len(self.tokens) and self.tokens[self.at].text == "%":
            self.at += 1
            return value / 100
        return value

    def _word_value(self, token: Token) -> object:
        word = token.text.lower()
        return _WORD_VALUES.get(word, token.text)

    def _listed(self, opening: Token, depth: int) -> object:
        """A tuple or list of values: (3, 5), [1.5, "a"]."""
        if depth > MAX_DEPTH:
            raise TableError(f"groups stand more than {MAX_DEPTH} deep in one another")
        values = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind != "close":
            if self.tokens[self.at].kind == "separator":
                self.at += 1
                continue
            values.append(self._value(depth))
        if self.at >= len(self.tokens):
            raise TableError(f"{quoted(opening.text)} is not closed")
        self.at += 1
        return tuple(values)

    # -- marks -----------------------------------------------------------------------------

    def _mark(self, token: Token, made: list[Part]) -> None:
        """`64@5x5`, `/2`, `50%`, `?`, `×2`; other marks say nothing."""
        self.at += 1
        following = self.tokens[self.at] if self.at < len(self.tokens) else None
        whole = following is not None and following.kind in {"number", "size"}
        if token.text == "/" and whole and following is not None:
            self.at += 1
            value = following.number if following.kind == "number" else following.size
            made.append(Part("setting", f"/{value}", value, Meaning("setting", setting="stride")))
        elif token.text == "%" and made and made[-1].role == "bare":
            percent = made.pop().value
            share = percent / 100 if isinstance(percent, (int, float)) else percent
            made.append(Part("bare", f"{percent}%", share))
        elif (
            (token.kind == "times" or token.text == "*")
            and following
            and (following.kind == "number")
        ):
            self.at += 1
            made.append(Part("times", f"x{following.text}", following.number))
        elif token.text == "?":
            made.append(Part("bare", "?", BLANK))
        elif token.text in {"+", "&"}:
            made.append(Part("plus", token.text))
        elif token.kind == "dash" and following is not None and following.text in _DIMENSIONS:
            self.at += 1
        elif token.kind == "dash":
            self._refuse_negative(token)
            made.append(Part("dash", token.text))

    def _refuse_negative(self, dash: Token) -> None:
        """A number below zero, as in "linear -5" and "k-5"; in "conv3-64" a dash only joins."""
        if not self._number_follows() or self.tokens[self.at].start != dash.start + 1:
            return
        before = self.tokens[self.at - 2] if self.at > 1 else None
        joins = before is not None and before.kind in {"word", "number", "size", "close"}
        if before is not None and before.kind == "word":
            meaning = meaning_of(before.text)
            joins = meaning is None or meaning.role != "setting"
        if before is None or not joins or before.start + len(before.text) < dash.start:
            number = self.tokens[self.at].text
            raise TableError(f"-{number} is below zero; write {number}")
