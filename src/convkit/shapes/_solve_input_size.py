"""Solving a convolution or pooling for the size of its input.

The bounds follow from the same rule as those of its settings; see `convkit.shapes._solve`.
"""

from __future__ import annotations

from typing import Any, overload

from convkit.errors import ShapeError
from convkit.shapes._answers import Answers, between, every_answer
from convkit.shapes._conv import conv_output_along
from convkit.shapes._described import described
from convkit.shapes._dimensions import Padding, Size, whole
from convkit.shapes._padding import padding_total
from convkit.shapes._terms import larger


@overload
def solve_input_size(
    output_size: int,
    *,
    kernel_size: int,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
) -> Answers: ...
@overload
def solve_input_size(
    output_size: tuple[int, ...],
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> tuple[Answers, ...]: ...
@described(output_size="O", kernel_size="K", stride="S", padding="P", dilation="D")
def solve_input_size(
    output_size: Size,
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Any:
    """Every input size from which a given output size is made, smallest first.

    Args:
        output_size: Pixels of the output: an int, or a tuple such as (height, width).
        kernel_size: Pixels of the kernel.
        stride: Pixels from one position of the kernel to the next.
        padding: Pixels added to both sides, "same", "valid", or for each dimension a number or a
            pair (before, after).
        dilation: Distance between the kernel's taps.

    Returns:
        Every answer: ints for ints; for tuples the tuples of every combination.

    Raises:
        ShapeError: If there is none, or more than a million.

    Examples:
        >>> solve_input_size(252, kernel_size=2, stride=2)
        (504, 505)
    """
    given = {
        "kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation
    }  # fmt: skip
    return every_answer(_input_sizes, output_size=output_size, **given)


def _input_sizes(
    output_size: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> range:
    output = whole("output_size", output_size, 1)
    kernel = whole("kernel_size", kernel_size, 1)
    step = whole("stride", stride, 1)
    spacing = whole("dilation", dilation, 1)
    total = padding_total(padding, kernel_size=kernel, stride=step, dilation=spacing)
    least = step * (output - 1) + spacing * (kernel - 1) + 1 - total
    most = least + step - 1
    answers = between("I", larger(least, 1), most)
    if answers:
        return answers
    smallest = conv_output_along(1, kernel, step, padding, spacing)
    raise ShapeError(
        f"no input size gives output_size={output} with kernel_size={kernel}, stride={step}, "
        f"padding={padding}, dilation={spacing}: size=1 already gives {smallest}"
    )
