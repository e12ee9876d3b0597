"""The way around a residual block, where the table does not write it out."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from convkit.architecture._conv import Conv
from convkit.architecture._linear import Linear
from convkit.architecture._norm import BatchNorm
from convkit.architecture._plan import Step, end_of
from convkit.architecture._sizes import spread
from convkit.architecture._window import WHOLE

if TYPE_CHECKING:
    from convkit.architecture._row import Row, Shape


def keeps_shape(body: tuple[Step, ...], input_shape: Shape) -> bool:
    """Whether the rows have no stride and end with as many channels as arrive.

    Strides and not sizes are asked, so that a table means the same network at every input size.
    """
    unstrided = set(_stride(body, len(input_shape) - 1)) <= {1}
    return unstrided and end_of(body, input_shape)[0] == input_shape[0]


def _stride(body: tuple[Step, ...], dimensions: int) -> tuple[int, ...]:
    """The product of all strides of the rows, for each direction."""
    stride = (1,) * dimensions
    for step in body:
        window = step.row.window(step.input_shape)
        if window is not None and window is not WHOLE:
            stride = tuple(map(operator.mul, stride, spread(window.stride, dimensions)))
    return stride


def projection(body: tuple[Step, ...], input_shape: Shape) -> Row:
    """The 1x1 convolution that brings what arrives to the shape of the body."""
    channels = end_of(body, input_shape)[0]
    normed = any(step.row.kind == BatchNorm.kind for step in body)
    norm = "batch" if normed else None
    if len(input_shape) == 1:
        return Linear(channels, bias=not normed, norm=norm)
    stride = _stride(body, len(input_shape) - 1)
    return Conv(channels, kernel_size=1, stride=stride, bias=not normed, norm=norm)
