"""Solving a convolution or pooling for the setting that is not known.

All start from the rule `output = floor((size + 2 * padding - dilation * (kernel_size - 1) - 1) /
stride) + 1`, which holds exactly when

    stride * (output - 1)  <=  room  <  stride * output,

where `room = size + 2 * padding - dilation * (kernel_size - 1) - 1`. The bounds of the unknown
follow; every whole number between them is an answer.
"""

from __future__ import annotations

from typing import Any, overload

from convkit.errors import ShapeError
from convkit.shapes._answers import (
    Answers,
    between,
    every_answer,
    fixed_padding,
    known_sizes,
    no_answer,
)
from convkit.shapes._conv import conv_output_along
from convkit.shapes._described import described
from convkit.shapes._dimensions import Padding, Size, whole
from convkit.shapes._padding import padding_total
from convkit.shapes._terms import ceiling, larger, smaller


@overload
def solve_kernel_size(
    size: int, output_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Answers: ...
@overload
def solve_kernel_size(
    size: tuple[int, ...],
    output_size: Size,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> tuple[Answers, ...]: ...
@described(size="I", output_size="O", stride="S", padding="P", dilation="D")
def solve_kernel_size(
    size: Size, output_size: Size, *, stride: Size = 1, padding: Padding = 0, dilation: Size = 1
) -> Any:
    """Every kernel size that turns one size into another, smallest first.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        output_size: Pixels of the output.
        stride: Pixels from one position of the kernel to the next.
        padding: Pixels added to both sides, or for each dimension a number or (before, after).
        dilation: Distance between the kernel's taps.

    Returns:
        Every answer: ints for ints; for tuples the tuples of every combination.

    Raises:
        ShapeError: If there is none, or more than a million.

    Examples:
        >>> solve_kernel_size(512, 504)
        (9,)
        >>> solve_kernel_size(32, 16, stride=2, padding=1)
        (3, 4)
    """
    given = {"stride": stride, "padding": padding, "dilation": dilation}
    return every_answer(_kernel_sizes, size=size, output_size=output_size, **given)


def _kernel_sizes(size: Any, output_size: Any, stride: Any, padding: Any, dilation: Any) -> range:
    pixels, output, step = known_sizes(size, output_size, stride)
    spacing = whole("dilation", dilation, 1)
    padded = pixels + padding_total(fixed_padding(padding), kernel_size=1)
    least = ceiling(padded - step * output, spacing) + 1
    most = (padded - 1 - step * (output - 1)) // spacing + 1
    answers = between("K", larger(least, 1), most)
    if answers:
        return answers
    given = {"stride": step, "padding": padding, "dilation": spacing}
    raise no_answer("kernel_size", (max(most, 1), max(least, 1)), pixels, output, given)


@overload
def solve_padding(
    size: int, output_size: int, *, kernel_size: int, stride: int = 1, dilation: int = 1
) -> Answers: ...
@overload
def solve_padding(
    size: tuple[int, ...],
    output_size: Size,
    *,
    kernel_size: Size,
    stride: Size = 1,
    dilation: Size = 1,
) -> tuple[Answers, ...]: ...
@described(size="I", output_size="O", kernel_size="K", stride="S", dilation="D")
def solve_padding(
    size: Size, output_size: Size, *, kernel_size: Size, stride: Size = 1, dilation: Size = 1
) -> Any:
    """Every padding, equal on both sides, that turns one size into another, smallest first.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        output_size: Pixels of the output.
        kernel_size: Pixels of the kernel.
        stride: Pixels from one position of the kernel to the next.
        dilation: Distance between the kernel's taps.

    Returns:
        Every answer: ints for ints; for tuples the tuples of every combination.

    Raises:
        ShapeError: If there is none, or more than a million. Where only unequal sides would do,
            the message says which.

    Examples:
        >>> solve_padding(32, 16, kernel_size=3, stride=2)
        (1,)
    """
    given = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    return every_answer(_paddings, size=size, output_size=output_size, **given)


def _paddings(size: Any, output_size: Any, kernel_size: Any, stride: Any, dilation: Any) -> range:
    pixels, output, step = known_sizes(size, output_size, stride)
    kernel = whole("kernel_size", kernel_size, 1)
    spacing = whole("dilation", dilation, 1)
    span = spacing * (kernel - 1) + 1
    least = ceiling(step * (output - 1) + span - pixels, 2)
    most = (step * output + span - 1 - pixels) // 2
    answers = between("P", larger(least, 0), most)
    if answers:
        return answers
    total = step * (output - 1) + span - pixels
    uneven = f"; unequal sides would do, padding=(({total // 2}, {total - total // 2}),)"
    given = {"kernel_size": kernel, "stride": step, "dilation": spacing}
    error = no_answer("padding", (max(most, 0), max(least, 0)), pixels, output, given)
    raise ShapeError(f"{error}{uneven if total > 0 else ''}")


@overload
def solve_stride(
    size: int, output_size: int, *, kernel_size: int, padding: int | str = 0, dilation: int = 1
) -> Answers: ...
@overload
def solve_stride(
    size: tuple[int, ...],
    output_size: Size,
    *,
    kernel_size: Size,
    padding: Padding = 0,
    dilation: Size = 1,
) -> tuple[Answers, ...]: ...
@described(size="I", output_size="O", kernel_size="K", padding="P", dilation="D")
def solve_stride(
    size: Size,
    output_size: Size,
    *,
    kernel_size: Size,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Any:
    """Every stride that turns one size into another, smallest first.

    An output of 1 is made by every stride that is large enough; strides larger than the padded
    input, which all do the same, are left out.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        output_size: Pixels of the output.
        kernel_size: Pixels of the kernel.
        padding: Pixels added to both sides, or for each dimension a number or (before, after).
        dilation: Distance between the kernel's taps.

    Returns:
        Every answer: ints for ints; for tuples the tuples of every combination.

    Raises:
        ShapeError: If there is none, or more than a million.

    Examples:
        >>> solve_stride(224, 112, kernel_size=7, padding=3)
        (2,)
    """
    given = {"kernel_size": kernel_size, "padding": padding, "dilation": dilation}
    return every_answer(_strides, size=size, output_size=output_size, **given)


def _strides(size: Any, output_size: Any, kernel_size: Any, padding: Any, dilation: Any) -> range:
    pixels, output, _ = known_sizes(size, output_size, 1)
    kernel = whole("kernel_size", kernel_size, 1)
    spacing = whole("dilation", dilation, 1)
    padded = pixels + padding_total(fixed_padding(padding), kernel_size=kernel)
    room = padded - spacing * (kernel - 1) - 1
    if room < 0:
        conv_output_along(pixels, kernel, 1, padding, spacing)  # says what would fit
    least = room // output + 1
    most = smaller(room // (output - 1), padded) if output > 1 else padded
    answers = between("S", least, most)
    if answers:
        return answers
    given = {"kernel_size": kernel, "padding": padding, "dilation": spacing}
    raise no_answer("stride", (max(most, 1), least), pixels, output, given)
