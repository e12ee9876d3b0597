"""The blocks of the ResNet paper, "[3x3, 64; 3x3, 64] x2": refused, with what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_part import Part


def is_paper_block(part: Part, *, alone: bool) -> bool:
    """Whether a group is a block of kernels and filters in brackets.

    Args:
        part: The group.
        alone: Whether a single kernel in brackets is one too, and no argument of a call.
    """
    if part.role != "group" or part.text != "[" or not isinstance(part.value, list):
        return False
    sizes = [inside for inside in part.value if isinstance(inside.value, tuple)]
    filters = [inside for inside in part.value if isinstance(inside.value, int)]
    return bool(filters) and len(sizes) >= (1 if alone else 2)


def refuse_paper_block(part: Part, following: Sequence[Part]) -> NoReturn:
    """Say how such a block is written here.

    Raises:
        TableError: Always: the notation leaves open the stride of the block and its shortcut.
    """
    values = [p.value for p in part.value if p.role == "bare"]  # type: ignore[attr-defined] # is_paper_block asked
    convs = [
        f"conv {filters} k{size[0]} p{size[0] // 2} bn relu"
        for size, filters in zip(values[::2], values[1::2], strict=False)
        if isinstance(size, tuple) and isinstance(filters, int) and len(set(size)) == 1
    ]
    inner = ", ".join(convs or ["conv 64 k3 p1 bn relu"] * 2).removesuffix(" relu")
    times = following[0].value if following and following[0].role == "times" else None
    block = f"residual ({inner})"
    raise TableError(
        "a block in brackets does not say its stride and its shortcut; write "
        + (f"repeat {times} ({block})" if isinstance(times, int) else block)
    )
