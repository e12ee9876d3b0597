"""Matrices of numbers: read from lists, arrays and tensors, checked, and padded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convkit.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

Number = int | float
Matrix = tuple[tuple[Number, ...], ...]


def matrix(name: str, values: Any) -> Matrix:
    """Read a matrix from nested lists, a NumPy array or a tensor.

    Raises:
        ShapeError: If it is no rectangle of numbers.
    """
    listed = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(listed, (list, tuple)) or not listed:
        raise ShapeError(f"{name} must be a matrix, a list of rows of numbers, got {_kind(values)}")
    for row in listed:
        if not isinstance(row, (list, tuple)) or not row:
            raise ShapeError(f"{name} must hold rows of numbers, got the row {row!r:.60}")
        if len(row) != len(listed[0]):
            raise ShapeError(
                f"the rows of {name} must be equally long, got {len(listed[0])} and {len(row)}"
            )
    return tuple(tuple(_number(name, value) for value in row) for row in listed)


def _number(name: str, value: Any) -> Number:
    if hasattr(value, "item"):  # a list of NumPy's or PyTorch's numbers
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        hint = ": pass one channel, such as image[0]" if isinstance(value, (list, tuple)) else ""
        raise ShapeError(f"{name} must hold numbers, got {_kind(value)}{hint}")
    return value


def _kind(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else type(value).__name__


def turned(kernel: Matrix) -> Matrix:
    """The matrix turned by 180 degrees."""
    return tuple(row[::-1] for row in reversed(kernel))


PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def source_index(mode: str, size: int) -> Callable[[int], int | None]:
    """Which pixel of a row of `size` stands at a place that may lie outside; None is a zero.

    `reflect` mirrors at the border pixel without repeating it, `replicate` repeats the border,
    `circular` goes on at the other side: as `torch.nn.Conv2d(padding_mode=...)` does.
    """

    def zeros(i: int) -> int | None:
        return i if 0 <= i < size else None

    def reflect(i: int) -> int:
        return abs(i) if i < size else 2 * (size - 1) - i

    def replicate(i: int) -> int:
        return min(max(i, 0), size - 1)

    def circular(i: int) -> int:
        return i % size

    modes: dict[str, Callable[[int], int | None]] = {
        "zeros": zeros, "reflect": reflect, "replicate": replicate, "circular": circular
    }  # fmt: skip
    return modes[mode]


def check_padding(mode: str, size: int, before: int, after: int) -> None:
    """Refuse what PyTorch refuses: reflecting a whole row, or going round more than once.

    Raises:
        ShapeError: If the mode is unknown, or the padding too large for it.
    """
    if mode not in PADDING_MODES:
        raise ShapeError(f"padding_mode must be one of {', '.join(PADDING_MODES)}, got {mode!r}")
    most = {"reflect": size - 1, "circular": size}.get(mode)
    if most is not None and max(before, after) > most:
        raise ShapeError(
            f'padding={max(before, after)} is too much for padding_mode="{mode}" on {size} pixels: '
            f"padding={most} or less would do"
        )
