"""The output size of a transposed convolution."""

from __future__ import annotations

from typing import Any, overload

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Size, per_dimension, whole
from convkit.shapes._terms import named


@overload
def conv_transpose_output(
    size: int,
    *,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int: ...
@overload
def conv_transpose_output(
    size: tuple[int, ...],
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    dilation: Size = 1,
) -> tuple[int, ...]: ...
@described(size="I", kernel_size="K", stride="S", padding="P", output_padding="P_out", dilation="D")
def conv_transpose_output(
    size: Size,
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    dilation: Size = 1,
) -> Any:
    """Size of the map that a transposed convolution makes.

    `(size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1`, the
    rule of `torch.nn.ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d`.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        kernel_size: Pixels of the kernel.
        stride: Pixels of the output from one input pixel to the next.
        padding: Pixels taken from both sides of the output.
        output_padding: Pixels added after the output; smaller than the stride or the dilation.
        dilation: Distance between the kernel's taps.

    Returns:
        An int for ints, a tuple for tuples.

    Raises:
        ShapeError: If an argument is out of range, or nothing is left of the output.

    Examples:
        >>> conv_transpose_output(16, kernel_size=4, stride=2, padding=1)
        32
    """
    return per_dimension(
        _conv_transpose_output,
        size=size,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
    )


def _conv_transpose_output(
    size: Any, kernel_size: Any, stride: Any, padding: Any, output_padding: Any, dilation: Any
) -> int:
    pixels = whole("size", size, 1)
    kernel = whole("kernel_size", kernel_size, 1)
    step = whole("stride", stride, 1)
    removed = whole("padding", padding, 0)
    extra = whole("output_padding", output_padding, 0)
    spacing = whole("dilation", dilation, 1)
    if extra >= max(step, spacing):
        raise ShapeError(
            f"output_padding={extra} must be smaller than stride={step} or dilation={spacing}: "
            f"output_padding={max(step, spacing) - 1} or less would do"
        )
    output = (pixels - 1) * step - 2 * removed + spacing * (kernel - 1) + extra + 1
    if output < 1:
        raise ShapeError(
            f"padding={removed} takes {2 * removed} of the {output + 2 * removed} pixels of the "
            f"output: padding={(output + 2 * removed - 1) // 2} or less would do"
        )
    return named("O", output)
