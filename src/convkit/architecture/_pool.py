"""Pooling with a window: the greatest value or the mean of each."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from typing_extensions import override

import convkit.shapes
from convkit.architecture._calculation import Calculation, settings_of
from convkit.architecture._layer_call import LayerCall, call, changed
from convkit.architecture._row import Row, Shape, Stated, set_field
from convkit.architecture._sizes import Size, require_image, require_sizes, tidy_size
from convkit.architecture._window import Window


@dataclass(frozen=True, slots=True, repr=False)
class MaxPool(Row):
    """The greatest value of each window.

    Args:
        kernel_size: Size of a window, an int or `(height, width)`.
        stride: Step of the window; None for the kernel size.
        padding: Rows and columns added on each side, at most half the kernel.
        dilation: Distance between the taps of the window.
        ceil_mode: Whether a last window that is only partly filled counts.
        name: Name of its module in place of `pool1`, `pool2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> MaxPool(3, stride=2).shape_after((64, 55, 55))
        (64, 27, 27)
    """

    kind: ClassVar[str] = "max pool"
    prefix: ClassVar[str] = "pool"

    kernel_size: Size
    _: KW_ONLY
    stride: Size | None = None
    padding: Size = 0
    dilation: Size = 1
    ceil_mode: bool = False
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        _tidy_pool(self)
        set_field(self, "dilation", tidy_size(self.dilation))
        require_sizes("dilation", self.dilation)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        channels, sizes = require_image(self.kind, input_shape)
        after = convkit.shapes.pool_output(
            sizes,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
        )
        return (channels, *after)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        settings = settings_of(self, "kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return (Calculation(convkit.shapes.pool_output, (input_shape[1:],), settings),)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return Window(
            self.kernel_size, self.stride or self.kernel_size, self.padding, self.dilation
        )

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        settings = changed(self, "stride", "padding", "dilation", "ceil_mode")
        return call(f"MaxPool{len(input_shape) - 1}d", self.kernel_size, **settings)


@dataclass(frozen=True, slots=True, repr=False)
class AvgPool(Row):
    """The mean of each window.

    Args:
        kernel_size: Size of a window, an int or `(height, width)`.
        stride: Step of the window; None for the kernel size.
        padding: Rows and columns of zeros on each side, at most half the kernel.
        ceil_mode: Whether a last window that is only partly filled counts.
        count_include_pad: Whether the zeros of the padding count in the mean.
        name: Name of its module in place of `pool1`, `pool2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> AvgPool(2).shape_after((8, 6, 6))
        (8, 3, 3)
    """

    kind: ClassVar[str] = "average pool"
    prefix: ClassVar[str] = "pool"

    kernel_size: Size
    _: KW_ONLY
    stride: Size | None = None
    padding: Size = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        _tidy_pool(self)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        channels, sizes = require_image(self.kind, input_shape)
        after = convkit.shapes.pool_output(
            sizes,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
            kind="average",
        )
        return (channels, *after)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        settings = settings_of(self, "kernel_size", "stride", "padding", "ceil_mode") | {
            "kind": "average"
        }
        return (Calculation(convkit.shapes.pool_output, (input_shape[1:],), settings),)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return Window(self.kernel_size, self.stride or self.kernel_size, self.padding)

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        settings = changed(self, "stride", "padding", "ceil_mode", "count_include_pad")
        return call(f"AvgPool{len(input_shape) - 1}d", self.kernel_size, **settings)


def _tidy_pool(row: MaxPool | AvgPool) -> None:
    """The checks that both window pools share."""
    set_field(row, "kernel_size", tidy_size(row.kernel_size))
    require_sizes("kernel_size", row.kernel_size)
    if row.stride is not None:
        stride = tidy_size(row.stride)
        require_sizes("stride", stride)
        # A stride of the kernel size is what None means: one spelling, so that rows compare equal.
        set_field(row, "stride", None if stride == row.kernel_size else stride)
    set_field(row, "padding", tidy_size(row.padding))
    require_sizes("padding", row.padding, least=0)
