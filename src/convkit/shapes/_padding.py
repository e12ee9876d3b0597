"""Padding of one dimension: numbers, (before, after) pairs, "same" and "valid"."""

from __future__ import annotations

from typing import Any

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Size, per_dimension, whole
from convkit.shapes._terms import named


def padding_total(padding: Any, *, kernel_size: int, stride: int = 1, dilation: int = 1) -> int:
    """The pixels added to one dimension, before and after together.

    Raises:
        ShapeError: If the padding is no whole number >= 0, pair of these, "same" or "valid".
    """
    if isinstance(padding, int) and not isinstance(padding, bool):
        return 2 * whole("padding", padding, 0)
    if padding == "same":
        _refuse_strided_same(kernel_size, stride, dilation)
        return dilation * (kernel_size - 1)
    before, after = _pair(padding)
    return before + after


def padding_before(padding: Any, *, kernel_size: int, stride: int = 1, dilation: int = 1) -> int:
    """The pixels added before one dimension; arguments and errors as in `padding_total`."""
    if padding == "same":
        _refuse_strided_same(kernel_size, stride, dilation)
        return dilation * (kernel_size - 1) // 2
    return _pair(padding)[0]


def _pair(padding: Any) -> tuple[int, int]:
    """Padding that does not depend on the kernel as (before, after)."""
    if isinstance(padding, str):
        if padding == "valid":
            return 0, 0
        raise ShapeError(f'padding must be "same", "valid" or numbers, got {padding!r}')
    if not isinstance(padding, (tuple, list)):
        amount = whole("padding", padding, 0)
        return amount, amount
    if len(padding) != 2:
        raise ShapeError(
            f"padding of one dimension must be a number or (before, after), got {tuple(padding)!r}"
        )
    return whole("padding before", padding[0], 0), whole("padding after", padding[1], 0)


def _refuse_strided_same(kernel_size: int, stride: int, dilation: int) -> None:
    if stride != 1:
        raise ShapeError(
            f'padding="same" needs stride=1, got stride={stride}: '
            f"padding={int(dilation * (kernel_size - 1)) // 2} is the nearest number"
        )


@described(kernel_size="K", dilation="D")
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

    Examples:
        >>> same_padding(5), same_padding(4), same_padding((3, 4), dilation=2)
        (2, (1, 2), (2, 3))
    """
    return per_dimension(_same_padding, kernel_size=kernel_size, dilation=dilation)


def _same_padding(kernel_size: Any, dilation: Any) -> int | tuple[int, int]:
    kernel, dilation = whole("kernel_size", kernel_size, 1), whole("dilation", dilation, 1)
    total = named("P_total", dilation * (kernel - 1))
    before = named("P_before", total // 2)
    after = named("P_after", total - before)
    return before if before == after else (before, after)
