"""Rows as the words that read back as the same rows."""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation
from convkit.architecture._cells import MAX_SETTING
from convkit.architecture._cells_words import meaning_of, positional_fields
from convkit.architecture._custom import Custom
from convkit.architecture._row import Row
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_LETTERS = {"kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
# Words that are no plain texts: they would be read as values.
_VALUE_WORDS = {"true", "false", "none", "null", "yes", "no", "valid"}
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NOT_PLAIN = re.compile(r"(?<![A-Za-z0-9]) | (?![A-Za-z0-9])|[^A-Za-z0-9 ]")
# Written out, because a bare one at the end of a table is taken as a part of the loss.
OF_THE_LOSS = {"softmax", "log_softmax"}


def line_of(rows: Iterable[Row]) -> str:
    """Rows as one line, separated by commas."""
    return ", ".join(words_of(row) for row in rows)


def words_of(row: Row, without: Collection[str] = (), always: Collection[str] = ()) -> str:
    """One row: the word of its kind, then every setting that is not the usual one.

    Args:
        row: The row.
        without: Fields that are written elsewhere.
        always: Fields that are written even when they are the usual ones.

    Raises:
        ArchitectureError: For a row or a value that cannot be written as words.
    """
    if isinstance(row, Custom):
        raise ArchitectureError(
            f"the custom row {row.name!r} holds a module, which cannot be written as words; "
            "register a kind of row for it"
        )
    if isinstance(row, Activation) and "function" not in without:
        return _activation_words(row, without)
    return " ".join([_kind_word(row), *settings_of(row, without, always)])


def _activation_words(row: Activation, without: Collection[str]) -> str:
    word = row.function if row.function not in OF_THE_LOSS else f"activation {row.function}"
    return " ".join([word, *settings_of(row, {*without, "function"})])


def _kind_word(row: Row) -> str:
    """The word that names the kind, when it is known to name it."""
    word = _BRIEF.get(row.kind, row.kind)
    meaning = meaning_of(word)
    if meaning is None or meaning.kind is not type(row):
        raise ArchitectureError(
            f"no word of a table names the kind {type(row).__name__}; "
            "make it known with convkit.architecture.register"
        )
    return word


_BRIEF = {"max pool": "maxpool", "average pool": "avgpool", "batch norm": "batchnorm"}


def settings_of(row: Row, without: Collection[str] = (), always: Collection[str] = ()) -> list[str]:
    """Every setting that is not the usual one, in the order of the fields."""
    written = []
    positional = positional_fields(type(row))
    for item in fields(row):  # type: ignore[arg-type] # every kind of row is a dataclass
        if item.name in {"stated", "_", *without}:
            continue
        value = getattr(row, item.name)
        usual = item.default if item.default_factory is MISSING else item.default_factory()
        same = usual is not MISSING and type(usual) is type(value) and usual == value
        if same and (item.name not in always or value is None):
            continue
        # A number without its name is safe only where every number before it stands too.
        bare = item.name in positional and not set(positional) & set(without)
        written.append(_setting(row, item.name, value, bare=bare))
    return written


def _setting(row: Row, name: str, value: object, *, bare: bool) -> str:
    """One setting, as briefly as it reads back."""
    own = type(row).__module__.startswith("convkit.")
    if name == "rows" and _are_rows(value):
        return f"({line_of(value)})"  # type: ignore[arg-type] # _are_rows asked
    if own and name == "shortcut" and _are_rows(value):
        return f"shortcut=({line_of(value)})"  # type: ignore[arg-type] # as above
    if bare and own and _is_number(value):
        return value_text(value)
    if own and name in _LETTERS and _is_size(value):
        return f"{_LETTERS[name]}{value_text(value)}"
    if own and (name, value) in _WORDS:
        return _WORDS[name, value]
    if own and name == "activation" and isinstance(value, str) and value not in OF_THE_LOSS:
        return value
    if own and name == "dropout" and isinstance(value, float):
        return f"dropout {value_text(value)}"
    return f"{name}={value_text(value)}"


_WORDS: dict[tuple[str, object], str] = {
    ("padding", "same"): "same",
    ("bias", False): "no-bias",
    ("norm", "batch"): "bn",
    ("ceil_mode", True): "ceil",
}


def _are_rows(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(v, Row) for v in value)


def _is_number(value: object) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or _is_size(value)


def _is_size(value: object) -> bool:
    numbers = value if isinstance(value, tuple) and len(value) > 1 else (value,)
    return all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers)


def value_text(value: object) -> str:
    """A value as it stands after `=`.

    Raises:
        ArchitectureError: For a value that no table can hold.
    """
    if isinstance(value, Row):
        return f"({words_of(value)})"
    if _are_rows(value):
        # As in Python, a comma tells a tuple of one from the one itself.
        return f"({line_of(value)}{',' * (len(value) == 1)})"  # type: ignore[arg-type] # as above
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and abs(value) <= MAX_SETTING:
        return str(value)
    if isinstance(value, float) and math.isfinite(value) and abs(value) <= MAX_SETTING:
        return repr(value)
    if isinstance(value, tuple) and len(value) > 1 and _is_size(value):
        return "x".join(map(value_text, value))
    if isinstance(value, tuple):
        return f"[{', '.join(map(value_text, value))}]"
    raise ArchitectureError(f"{value!r} cannot be written into a table")


def _text(value: str) -> str:
    """A text: as it is when it is one plain word, else in quotes, as JSON has it.

    Everything but letters, digits and single spaces is written as its code point, so that no
    dialect of tables takes it for a mark of its own.
    """
    if _PLAIN_WORD.fullmatch(value) and value.lower() not in _VALUE_WORDS:
        return value
    escaped = _NOT_PLAIN.sub(lambda found: _code_points(found.group()), value)
    return f'"{escaped}"'


def _code_points(text: str) -> str:
    r"""Characters as JSON escapes them, `\\u00e9`; those beyond 16 bits as two."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
