"""How many weights and biases a layer has."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Size, dimension_number, whole
from convkit.shapes._terms import divided, named

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a layer, counted.

    Args:
        weights: Numbers in its weight tensor.
        biases: Numbers in its bias.

    Examples:
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


@described(in_channels="C_in", out_channels="C_out", kernel_size="K", groups="G")
def conv_parameters(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Size,
    groups: int = 1,
    bias: bool = True,
    dimensions: int = 2,
) -> Parameters:
    """Parameters of a convolution.

    `out_channels * (in_channels / groups) * kernel height * kernel width` weights and
    `out_channels` biases.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, one filter each.
        kernel_size: An int for every dimension, or a tuple with one for each.
        groups: Groups into which the channels are divided.
        bias: Whether each filter has a bias.
        dimensions: Spatial dimensions when `kernel_size` is an int; a tuple says its own.

    Returns:
        Weights and biases; `.total` is their sum.

    Raises:
        ShapeError: If an argument is out of range, or the groups do not divide the channels.

    Examples:
        >>> conv_parameters(3, 32, kernel_size=5)
        Parameters(weights=2400, biases=32)
        >>> conv_parameters(64, 64, kernel_size=3, groups=64, bias=False).total
        576
    """
    inputs, outputs = grouped_channels(in_channels, out_channels, groups)
    taps = _taps(kernel_size, dimensions)
    return _counted(outputs * divided(inputs, groups) * taps, outputs if bias else 0)


@described(in_channels="C_in", out_channels="C_out", kernel_size="K", groups="G")
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

    Returns:
        Weights and biases; `.total` is their sum.

    Raises:
        ShapeError: If an argument is out of range, or the groups do not divide the channels.

    Examples:
        >>> conv_transpose_parameters(64, 32, kernel_size=2)
        Parameters(weights=8192, biases=32)
    """
    inputs, outputs = grouped_channels(in_channels, out_channels, groups)
    taps = _taps(kernel_size, dimensions)
    return _counted(inputs * divided(outputs, groups) * taps, outputs if bias else 0)


@described(in_features="F_in", out_features="F_out")
def linear_parameters(in_features: int, out_features: int, *, bias: bool = True) -> Parameters:
    """Parameters of a fully connected layer: `in_features * out_features` weights.

    Args:
        in_features: Numbers that come in.
        out_features: Numbers that go out, one bias each.
        bias: Whether there are biases.

    Returns:
        Weights and biases; `.total` is their sum.

    Raises:
        ShapeError: If an argument is below 1 or no whole number.

    Examples:
        >>> linear_parameters(2048, 64).total
        131136
    """
    inputs = whole("in_features", in_features, 1)
    outputs = whole("out_features", out_features, 1)
    return _counted(inputs * outputs, outputs if bias else 0)


@described(num_features="C")
def batch_norm_parameters(num_features: int, *, affine: bool = True) -> Parameters:
    """Parameters of batch normalisation: a scale (weight) and a shift (bias) per channel.

    The running mean and variance are buffers, not parameters.

    Args:
        num_features: Channels of the input.
        affine: Whether there are scales and shifts at all.

    Returns:
        Weights and biases; `.total` is their sum.

    Raises:
        ShapeError: If `num_features` is below 1 or no whole number.

    Examples:
        >>> batch_norm_parameters(64)
        Parameters(weights=64, biases=64)
    """
    channels = whole("num_features", num_features, 1)
    return _counted(channels, channels) if affine else Parameters(0, 0)


@described(num_groups="G", num_channels="C")
def group_norm_parameters(num_groups: int, num_channels: int, *, affine: bool = True) -> Parameters:
    """Parameters of group normalisation: a scale (weight) and a shift (bias) per channel.

    With as many groups as channels this is instance normalisation with `affine=True`.

    Args:
        num_groups: Groups into which the channels are divided; they do not change the count.
        num_channels: Channels of the input.
        affine: Whether there are scales and shifts at all.

    Returns:
        Weights and biases; `.total` is their sum.

    Raises:
        ShapeError: If an argument is below 1, or the groups do not divide the channels.

    Examples:
        >>> group_norm_parameters(8, 64)
        Parameters(weights=64, biases=64)
    """
    channels = whole("num_channels", num_channels, 1)
    _check_divides("num_groups", whole("num_groups", num_groups, 1), "num_channels", channels)
    return _counted(channels, channels) if affine else Parameters(0, 0)


@described(normalized_shape="N")
def layer_norm_parameters(
    normalized_shape: Size, *, affine: bool = True, bias: bool = True
) -> Parameters:
    """Parameters of layer normalisation: a scale and a shift for each normalised number.

    Args:
        normalized_shape: The last dimensions of the input, an int or a tuple.
        affine: Whether there are scales and shifts at all.
        bias: Whether there are shifts.

    Returns:
        Weights and biases; `.total` is their sum.

    Raises:
        ShapeError: If a size is below 1 or no whole number.

    Examples:
        >>> layer_norm_parameters((64, 8, 8)).total
        8192
    """
    shape = normalized_shape if isinstance(normalized_shape, tuple) else (normalized_shape,)
    numbers = product("normalized_shape", shape)
    return _counted(numbers, numbers if bias else 0) if affine else Parameters(0, 0)


def grouped_channels(in_channels: int, out_channels: int, groups: int) -> tuple[int, int]:
    """The channels of a convolution, checked together with its groups."""
    inputs = whole("in_channels", in_channels, 1)
    outputs = whole("out_channels", out_channels, 1)
    whole("groups", groups, 1)
    _check_divides("groups", groups, "in_channels", inputs)
    _check_divides("groups", groups, "out_channels", outputs)
    return inputs, outputs


def product(name: str, sizes: Sequence[int]) -> int:
    """The product of the sizes of all dimensions, checked."""
    if not sizes:
        raise ShapeError(f"{name} must hold a number for each dimension, got an empty tuple")
    return prod(whole(name, size, 1) for size in sizes)


def _taps(kernel_size: Size, dimensions: int) -> int:
    """Weights of one kernel for one channel of its input."""
    if isinstance(kernel_size, (tuple, list)):
        return product("kernel_size", kernel_size)
    return product("kernel_size", (kernel_size,) * dimension_number(dimensions))


def _check_divides(name: str, groups: int, of: str, channels: int) -> None:
    if channels % groups:
        below = channels - channels % groups
        nearest = f"{below} or {below + groups}" if below else f"{groups}"
        raise ShapeError(
            f"{name}={groups} does not divide {of}={channels}: {of}={nearest} would do"
        )


def _counted(weights: int, biases: int) -> Parameters:
    """The counts, named for an explanation."""
    counted = Parameters(named("weights", weights), named("biases", biases))
    named("total", counted.total)
    return counted
