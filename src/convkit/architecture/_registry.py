"""Which words name which kind of row; users add their own here."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from convkit.architecture._row import Row
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Iterable

RowClass = TypeVar("RowClass", bound=type[Row])

# Words, in lower case and with single spaces, that users registered for their own kinds.
_REGISTERED: dict[str, type[Row]] = {}


def register(kind_class: RowClass, words: Iterable[str] = ()) -> RowClass:
    """Make a row class of one's own known under words of a table.

    From then on a cell of a table that begins with one of the words is read as this kind; the
    numbers and settings in it become the arguments of the class. The class derives from `Row`, is
    a frozen dataclass with `name` and `stated`, and answers `shape_after`, `count`, and `layer` or
    `build`.

    Args:
        kind_class: The class; it may be registered again, with more words.
        words: What tables call it, such as `("ghost conv", "ghost")`; its `kind` counts anyway.

    Returns:
        The class, so that `register` also serves as a decorator.

    Raises:
        ArchitectureError: When it is no class of rows, or a word is one that tables use already.

    Examples:
        >>> from dataclasses import dataclass
        >>> from convkit import Architecture
        >>> from convkit.architecture import Conv
        >>> @dataclass(frozen=True)
        ... class Wide(Conv):
        ...     kind = "wide conv"
        >>> register(Wide).__name__
        'Wide'
        >>> Architecture.parse("wide conv 8 k7").rows[0].kernel_size
        7
    """
    if not (isinstance(kind_class, type) and issubclass(kind_class, Row)):
        raise ArchitectureError(f"register needs a class that derives from Row; got {kind_class!r}")
    tidied = [tidy_word(word) for word in ([words] if isinstance(words, str) else [*words])]
    from convkit.architecture._cells_words import is_built_in  # which asks for registered words

    for word in (tidy_word(kind_class.kind), *tidied):
        if is_built_in(word):
            raise ArchitectureError(
                f"the word {word!r} has a meaning in every table already; choose another word"
            )
        known = _REGISTERED.get(word, kind_class)
        # A class defined again in a notebook takes its own place.
        if known.__qualname__ != kind_class.__qualname__:
            raise ArchitectureError(
                f"the word {word!r} already names {known.__qualname__}; choose another word"
            )
    for word in (tidy_word(kind_class.kind), *tidied):
        _REGISTERED[word] = kind_class
    return kind_class


def registered() -> dict[str, type[Row]]:
    """Every word that users registered, and its class."""
    return dict(_REGISTERED)


def tidy_word(word: str) -> str:
    """Lower case, single spaces; so `My  Conv` and `my conv` are one word.

    Raises:
        ArchitectureError: For a word without a letter.
    """
    tidied = " ".join(str(word).lower().replace("_", " ").split())
    if not any(character.isalpha() for character in tidied):
        raise ArchitectureError(f"a word that names a kind of row needs a letter; got {word!r}")
    return tidied
