"""Transposed convolution."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from typing_extensions import override

import convkit.shapes
from convkit.architecture._attached import Dressed
from convkit.architecture._calculation import Calculation, settings_of
from convkit.architecture._conv_settings import require_fitting, tidy_conv
from convkit.architecture._counts import Counts
from convkit.architecture._layer_call import LayerCall, call, changed
from convkit.architecture._row import Row, Shape, Stated, set_field
from convkit.architecture._sizes import Size, require_sizes, spread, tidy_size


@dataclass(frozen=True, slots=True, repr=False)
class ConvTranspose(Dressed):
    """A transposed convolution, then its norm, activation and dropout when it carries them.

    Args:
        out_channels: Number of filters.
        kernel_size: Size of a filter, an int or `(height, width)`.
        stride: Factor by which the maps grow.
        padding: Rows and columns taken off on each side.
        output_padding: Rows and columns added on one side.
        dilation: Distance between the taps of the filter.
        groups: Number of groups that the channels are cut into.
        bias: Whether each filter has a bias.
        in_channels: Channels that arrive; only checked, it is inferred anyway.
        norm: As of `Conv`.
        activation: As of `Conv`.
        dropout: As of `Conv`.
        name: Name of its module.
        stated: What a table says beside the layer.

    Examples:
        >>> ConvTranspose(8, kernel_size=2, stride=2).shape_after((16, 7, 7))
        (8, 14, 14)
    """

    kind: ClassVar[str] = "transposed conv"
    prefix: ClassVar[str] = "deconv"

    out_channels: int
    _: KW_ONLY
    kernel_size: Size
    stride: Size = 1
    padding: Size = 0
    output_padding: Size = 0
    dilation: Size = 1
    groups: int = 1
    bias: bool = True
    in_channels: int | None = None
    norm: str | Row | None = None
    activation: str | Row | None = None
    dropout: float | None = None
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        tidy_conv(self)
        for name in ("padding", "output_padding"):
            set_field(self, name, tidy_size(getattr(self, name)))
            require_sizes(name, getattr(self, name), least=0)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        _, sizes = require_fitting(self, input_shape)
        after = convkit.shapes.conv_transpose_output(
            sizes,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
        )
        return (self.out_channels, *after)

    @override
    def count(self, input_shape: Shape) -> Counts:
        channels, sizes = require_fitting(self, input_shape)
        kernel = spread(self.kernel_size, len(sizes))
        parameters = convkit.shapes.conv_transpose_parameters(
            channels, self.out_channels, kernel_size=kernel, groups=self.groups, bias=self.bias
        )
        macs = convkit.shapes.conv_transpose_macs(
            channels,
            self.out_channels,
            kernel_size=kernel,
            input_size=sizes,
            groups=self.groups,
        )
        return Counts(weights=parameters.weights, biases=parameters.biases, macs=macs)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        channels = (input_shape[0], self.out_channels)
        filters = {
            "kernel_size": spread(self.kernel_size, len(input_shape) - 1),
            "groups": self.groups,
        }
        return (
            Calculation(
                convkit.shapes.conv_transpose_output,
                (input_shape[1:],),
                settings_of(self, "kernel_size", "stride", "padding", "dilation", "output_padding"),
            ),
            Calculation(
                convkit.shapes.conv_transpose_parameters, channels, {**filters, "bias": self.bias}
            ),
            Calculation(
                convkit.shapes.conv_transpose_macs,
                channels,
                {**filters, "input_size": input_shape[1:]},
            ),
        )

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        channels, sizes = require_fitting(self, input_shape)
        settings = changed(
            self, "stride", "padding", "output_padding", "groups", "bias", "dilation"
        )
        return call(
            f"ConvTranspose{len(sizes)}d",
            channels,
            self.out_channels,
            kernel_size=self.kernel_size,
            **settings,
        )
