"""Parts put in order before they are read: segments, arrows, groups and lists of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._cells_part import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from convkit.architecture._row import Row


def join_arrows(parts: Sequence[Part]) -> list[Part]:
    """`2048 -> 64` as one part that holds both; other arrows stay."""
    made: list[Part] = []
    for part in parts:
        after_arrow = part.role == "bare" and len(made) > 1 and made[-1].role == "arrow"
        if after_arrow and made[-2].role == "bare":
            made[-2:] = [Part("between", made[-2].text, (made[-2].value, part.value))]
        else:
            made.append(part)
    return made


def segments(parts: Iterable[Part]) -> list[tuple[bool, list[Part]]]:
    """The parts between separators, and whether a plus joins them to those before.

    An arrow between two layers separates them too.
    """
    made: list[tuple[bool, list[Part]]] = [(False, [])]
    for part in parts:
        if part.role in {"separator", "arrow", "plus"}:
            made.append((part.role == "plus", []))
        else:
            made[-1][1].append(part)
    return [(joined, segment) for joined, segment in made if segment]


def kind_of(part: Part) -> type[Row] | None:
    """The kind of row that a word names; None for anything else."""
    return part.meaning.kind if part.meaning is not None else None


def is_group_of_rows(part: Part) -> bool:
    """Whether parentheses hold layers and not settings."""
    if part.role != "group" or not isinstance(part.value, list):
        return False
    return any(
        is_group_of_rows(inside) or (inside.role == "kind" and kind_of(inside) is not None)
        for inside in part.value
    )


def size_of(part: Part) -> Part:
    """The (3, 3) among the arguments of a call as one size."""
    if part.role == "group" and isinstance(part.value, list):
        numbers = [inside.value for inside in part.value if inside.role == "bare"]
        if len(numbers) > 1 and {i.role for i in part.value} == {"bare", "separator"}:
            return Part("bare", part.text, tuple(numbers))
    return part


def text_of(parts: Iterable[Part]) -> str:
    """About what was written, for messages."""
    return " ".join(f"{part.text}..." if part.role == "group" else part.text for part in parts)


def written(parts: Iterable[Part]) -> str:
    """What was written, what stands in parentheses included."""
    return " ".join(
        written(part.value) if isinstance(part.value, list) else part.text for part in parts
    )
