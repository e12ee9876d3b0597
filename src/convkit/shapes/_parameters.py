"""How many weights and biases a layer has."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from convkit.errors import ShapeError
from convkit.shapes._dimensions import Size, whole


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a layer, counted.

    Args:
        weights: Numbers in its weight tensor.
        biases: Numbers in its bias.

    Example:
        >>> Parameters(weights=2400, biases=32) + Parameters(weights=640, biases=10)
        Parameters(weights=3040, biases=42)
    """

    weights: int
    biases: int

    @property
    def total(self) -> int:
        """Weights and biases together."""
        return self.weights + self.biases

    def __add__(self, other: Parameters) -> Parameters:
        return Parameters(self.weights + other.weights, self.biases + other.biases)


def conv_parameters(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Size,
    groups: int = 1,
    bias: bool = True,
    dimensions: int = 2,
) -> Parameters:
    """Parameters of a convolution, or of a transposed one.

    `out_channels * (in_channels / groups) * kernel height * kernel width` weights and
    `out_channels` biases.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, one filter each.
        kernel_size: An int for every dimension, or a tuple with one for each.
        groups: Groups into which the channels are divided.
        bias: Whether each filter has a bias.
        dimensions: Spatial dimensions when `kernel_size` is an int; a tuple says its own.

    Raises:
        ShapeError: If an argument is out of range, or the groups do not divide the channels.

    Example:
        >>> conv_parameters(3, 32, kernel_size=5)
        Parameters(weights=2400, biases=32)
        >>> conv_parameters(64, 64, kernel_size=3, groups=64, bias=False).total
        576
    """
    per_filter = filter_weights(
        in_channels, out_channels, kernel_size=kernel_size, groups=groups, dimensions=dimensions
    )
    return Parameters(out_channels * per_filter, out_channels if bias else 0)


def filter_weights(
    in_channels: int, out_channels: int, *, kernel_size: Size, groups: int, dimensions: int
) -> int:
    """Weights of one filter of a convolution, its arguments checked."""
    in_channels = whole("in_channels", in_channels, 1)
    out_channels = whole("out_channels", out_channels, 1)
    groups = whole("groups", groups, 1)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ShapeError(
                f"groups={groups} does not divide {name}={channels}: "
                f"{name}={channels - channels % groups or groups} or "
                f"{channels - channels % groups + groups} would do"
            )
    if not isinstance(kernel_size, (tuple, list)):
        kernel_size = (kernel_size,) * whole("dimensions", dimensions, 1)
    return in_channels // groups * prod(whole("kernel_size", k, 1) for k in kernel_size)


def conv_transpose_parameters(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Size,
    groups: int = 1,
    bias: bool = True,
    dimensions: int = 2,
) -> Parameters:
    """Parameters of a transposed convolution.

    `in_channels * (out_channels / groups) * kernel height * kernel width` weights and
    `out_channels` biases: as many as the convolution with the same arguments has.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: An int for every dimension, or a tuple with one for each.
        groups: Groups into which the channels are divided.
        bias: Whether each output channel has a bias.
        dimensions: Spatial dimensions when `kernel_size` is an int; a tuple says its own.

    Raises:
        ShapeError: If an argument is out of range, or the groups do not divide the channels.

    Example:
        >>> conv_transpose_parameters(64, 32, kernel_size=2)
        Parameters(weights=8192, biases=32)
    """
    return conv_parameters(
        in_channels,
        out_channels,
        kernel_size=kernel_size,
        groups=groups,
        bias=bias,
        dimensions=dimensions,
    )


def linear_parameters(in_features: int, out_features: int, *, bias: bool = True) -> Parameters:
    """Parameters of a fully connected layer: `in_features * out_features` weights.

    Args:
        in_features: Numbers that come in.
        out_features: Numbers that go out, one bias each.
        bias: Whether there are biases.

    Raises:
        ShapeError: If an argument is below 1 or no whole number.

    Example:
        >>> linear_parameters(2048, 64).total
        131136
    """
    weights = whole("in_features", in_features, 1) * whole("out_features", out_features, 1)
    return Parameters(weights, out_features if bias else 0)


def norm_parameters(channels: int, *, affine: bool = True) -> Parameters:
    """Parameters of batch, group or instance normalisation: a scale and a shift per channel.

    The running mean and variance of batch norm are buffers, not parameters.

    Args:
        channels: Channels of the input.
        affine: Whether there are scales and shifts at all.

    Raises:
        ShapeError: If `channels` is below 1 or no whole number.

    Example:
        >>> norm_parameters(64)
        Parameters(weights=64, biases=64)
    """
    channels = whole("channels", channels, 1)
    return Parameters(channels, channels) if affine else Parameters(0, 0)
