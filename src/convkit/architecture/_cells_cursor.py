"""How far tokens have been read, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._cells_words import meaning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells import Token

WORD_VALUES: dict[str, object] = {
    "true": True,
    "yes": True,
    "false": False,
    "no": False,
    "none": None,
    "null": None,
}
"""Words that are the value of a setting."""


class Cursor:
    """The place in the tokens of a cell or line up to which they have been read.

    Args:
        found: The tokens.
    """

    __slots__ = ("at", "tokens")

    def __init__(self, found: Sequence[Token]) -> None:
        self.tokens = found
        self.at = 0

    @property
    def ahead(self) -> Token | None:
        """The next token; None at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> Token:
        """The next token, which lies behind from now on."""
        token = self.tokens[self.at]
        self.at += 1
        return token

    def skip(self, *marks: str) -> bool:
        """Go past one of these marks; whether one was next."""
        found = self.at < len(self.tokens) and self.tokens[self.at].text in marks
        self.at += found
        return found

    def words(self, length: int) -> list[Token]:
        """That many words that follow one another, dashes between them left out; else none."""
        return [token for token in self._span(length) if token.kind == "word"]

    def skip_words(self, length: int) -> None:
        """Go past that many words and the dashes between them."""
        self.at += len(self._span(length))

    def _span(self, length: int) -> Sequence[Token]:
        """The tokens that hold that many words, dashes between them included."""
        index, words = self.at, 0
        while index < len(self.tokens) and words < length:
            token = self.tokens[index]
            if token.kind == "word":
                words += 1
            elif token.kind != "dash" or not self._is_word(index + 1):
                return ()
            index += 1
        return self.tokens[self.at : index] if words == length else ()

    def _is_word(self, index: int) -> bool:
        return index < len(self.tokens) and self.tokens[index].kind == "word"

    def number_follows(self) -> bool:
        """Whether a number is next."""
        return self.at < len(self.tokens) and self.tokens[self.at].kind == "number"

    def reach_value(self) -> bool:
        """Go to the value of a setting, past "of", "is" and "to"; stay where none follows.

        Returns:
            Whether a value is next.
        """
        index = self.at
        while index < len(self.tokens) and self.tokens[index].text.lower() in {"of", "is", "to"}:
            index += 1
        if index >= len(self.tokens):
            return False
        token = self.tokens[index]
        word = token.text.lower()
        fits = token.kind in {"number", "size", "thousands"} or token.text == "?"
        fits = fits or (token.kind == "word" and word in {*WORD_VALUES, "same", "valid"})
        fits = fits or (
            token.text == "("
            and index + 1 < len(self.tokens)
            and self.tokens[index + 1].kind in {"number", "size"}
        )
        if fits:
            self.at = index
        return fits

    def reaches_call(self) -> bool:
        """Whether a kind of row is written as a call: the value of `activation=leaky_relu(0.2)`."""
        word, *rest = self.tokens[self.at : self.at + 2]
        meaning = meaning_of(word.text) if word.kind == "word" else None
        return (
            meaning is not None
            and meaning.role == "kind"
            and any(each.text == "(" and each.start == word.start + len(word.text) for each in rest)
        )

    def number_below_zero(self) -> Token | None:
        """The number that the dash right behind makes negative, as in "linear -5" and "k-5".

        In "conv3-64" a dash only joins.
        """
        dash, number = self.tokens[self.at - 1], self.ahead
        if number is None or number.kind != "number" or number.start != dash.start + 1:
            return None
        before = self.tokens[self.at - 2] if self.at > 1 else None
        if before is None or before.start + len(before.text) < dash.start:
            return number
        joins = before.kind in {"word", "number", "size", "close"}
        if before.kind == "word":
            meaning = meaning_of(before.text)
            joins = meaning is None or meaning.role != "setting"
        return None if joins else number
