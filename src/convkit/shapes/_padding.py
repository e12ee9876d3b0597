"""Padding of one dimension: numbers, (before, after) pairs, "same" and "valid"."""

from __future__ import annotations

from typing import Any

from convkit.errors import ShapeError
from convkit.shapes._dimensions import Size, per_dimension, whole


def padding_pair(
    padding: Any, *, kernel_size: int, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """The pixels added before and after one dimension.

    Raises:
        ShapeError: If the padding is no whole number >= 0, pair of these, "same" or "valid".
    """
    if padding == "valid":
        return 0, 0
    if padding == "same":
        if stride != 1:
            raise ShapeError(
                f'padding="same" needs stride=1, got stride={stride}: '
                f"give the padding as a number, such as {(dilation * (kernel_size - 1)) // 2}"
            )
        total = dilation * (kernel_size - 1)
        return total // 2, total - total // 2
    if isinstance(padding, str):
        raise ShapeError(f'padding must be "same", "valid" or numbers, got {padding!r}')
    if not isinstance(padding, (tuple, list)):
        amount = whole("padding", padding, 0)
        return amount, amount
    if len(padding) != 2:
        raise ShapeError(f"padding of one dimension is (before, after), got {tuple(padding)!r}")
    return whole("padding before", padding[0], 0), whole("padding after", padding[1], 0)


def same_padding(kernel_size: Size, *, dilation: Size = 1) -> Any:
    """Padding that keeps the size at stride 1.

    The formula is `dilation * (kernel_size - 1)` in total, split in halves; when the total is odd,
    the larger half comes after, as PyTorch's `padding="same"` does it.

    Args:
        kernel_size: Pixels of the kernel, an int or a tuple with one for each dimension.
        dilation: Distance between the kernel's taps.

    Returns:
        The padding of both sides when they are equal, else the pair (before, after); for a tuple
        a tuple of these. Both forms are taken by `conv_output(..., padding=...)`, a pair as
        `padding=((before, after),)`.

    Raises:
        ShapeError: If an argument is below 1 or no whole number.

    Example:
        >>> same_padding(5), same_padding(4), same_padding((3, 4), dilation=2)
        (2, (1, 2), (2, 3))
    """
    return per_dimension(_same_padding, kernel_size=kernel_size, dilation=dilation)


def _same_padding(kernel_size: Any, dilation: Any) -> int | tuple[int, int]:
    kernel, dilation = whole("kernel_size", kernel_size, 1), whole("dilation", dilation, 1)
    before, after = padding_pair("same", kernel_size=kernel, dilation=dilation)
    return before if before == after else (before, after)
