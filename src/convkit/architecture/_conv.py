"""Convolution."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Literal

from typing_extensions import override

import convkit.shapes
from convkit.architecture._attached import Dressed
from convkit.architecture._calculation import Calculation, settings_of
from convkit.architecture._conv_settings import require_fitting, tidy_conv
from convkit.architecture._counts import Counts
from convkit.architecture._layer_call import LayerCall, call, changed
from convkit.architecture._row import Row, Shape, Stated, set_field
from convkit.architecture._sizes import Size, require_sizes, spread, tidy_size
from convkit.architecture._window import Window
from convkit.errors import ArchitectureError

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True, slots=True, repr=False)
class Conv(Dressed):
    """A convolution, then its norm, activation and dropout when it carries them.

    1-d, 2-d or 3-d, as the shape that arrives has one, two or three sizes after its channels.

    Args:
        out_channels: Number of filters.
        kernel_size: Size of a filter, an int or `(height, width)`.
        stride: Step of the filter.
        padding: Rows and columns added on each side, or `"same"`.
        dilation: Distance between the taps of the filter.
        groups: Number of groups that the channels are cut into.
        bias: Whether each filter has a bias.
        padding_mode: What the padding is filled with.
        in_channels: Channels that arrive; only checked, it is inferred anyway.
        norm: `"batch"` or a row such as `GroupNorm(8)`, run after the convolution.
        activation: A word such as `"relu"` or an `Activation` row, run after the norm.
        dropout: Share of values set to zero in training, run last.
        name: Name of the conv module in place of `conv1`, `conv2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> Conv(32, kernel_size=5, padding=2).shape_after((3, 32, 32))
        (32, 32, 32)
    """

    kind: ClassVar[str] = "conv"
    prefix: ClassVar[str] = "conv"

    out_channels: int
    _: KW_ONLY
    kernel_size: Size
    stride: Size = 1
    padding: Size | Literal["same"] = 0
    dilation: Size = 1
    groups: int = 1
    bias: bool = True
    padding_mode: PaddingMode = "zeros"
    in_channels: int | None = None
    norm: str | Row | None = None
    activation: str | Row | None = None
    dropout: float | None = None
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        tidy_conv(self)
        if self.padding != "same":
            set_field(self, "padding", tidy_size(self.padding))
            require_sizes("padding", self.padding, least=0)
        if self.padding_mode not in PADDING_MODES:
            raise ArchitectureError(
                f"padding_mode must be one of {', '.join(PADDING_MODES)}; got {self.padding_mode!r}"
            )

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        _, sizes = require_fitting(self, input_shape)
        if self.padding_mode in {"reflect", "circular"}:
            _require_enough_to_copy(self, sizes)
        after = convkit.shapes.conv_output(
            sizes,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )
        return (self.out_channels, *after)

    @override
    def count(self, input_shape: Shape) -> Counts:
        return self.count_through(input_shape, self.shape_after(input_shape))

    @override
    def count_through(self, input_shape: Shape, output_shape: Shape) -> Counts:
        channels, sizes = input_shape[0], input_shape[1:]
        kernel = spread(self.kernel_size, len(sizes))
        parameters = convkit.shapes.conv_parameters(
            channels, self.out_channels, kernel_size=kernel, groups=self.groups, bias=self.bias
        )
        macs = convkit.shapes.conv_macs(
            channels,
            self.out_channels,
            kernel_size=kernel,
            output_size=output_shape[1:],
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
                convkit.shapes.conv_output,
                (input_shape[1:],),
                settings_of(self, "kernel_size", "stride", "padding", "dilation"),
            ),
            Calculation(convkit.shapes.conv_parameters, channels, {**filters, "bias": self.bias}),
            Calculation(
                convkit.shapes.conv_macs, channels, {**filters, "output_size": output_shape[1:]}
            ),
        )

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return Window(self.kernel_size, self.stride, self.padding, self.dilation)

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        channels, sizes = require_fitting(self, input_shape)
        settings = changed(self, "stride", "padding", "dilation", "groups", "bias", "padding_mode")
        return call(
            f"Conv{len(sizes)}d",
            channels,
            self.out_channels,
            kernel_size=self.kernel_size,
            **settings,
        )


def _require_enough_to_copy(row: Conv, sizes: tuple[int, ...]) -> None:
    """Reflected and circular padding is copied from the map, which must be large enough."""
    padding: Any = row.padding
    if padding == "same":
        kernel = spread(row.kernel_size, len(sizes))
        padding = convkit.shapes.same_padding(kernel, dilation=row.dilation)
    paddings: tuple[Any, ...] = spread(padding, len(sizes))
    for size, sides in zip(sizes, paddings, strict=True):
        largest = max(sides) if isinstance(sides, tuple) else sides
        most = size - 1 if row.padding_mode == "reflect" else size
        if largest > most:
            raise ArchitectureError(
                f"padding={largest} with padding_mode={row.padding_mode!r} copies more pixels than "
                f"the {size} that arrive hold; padding={most} or padding_mode='zeros' would do"
            )
