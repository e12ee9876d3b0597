"""How many multiply-accumulates a layer costs for one image."""

from __future__ import annotations

from convkit.shapes._described import described
from convkit.shapes._dimensions import Size, dimension_count, dimension_number, spread, whole
from convkit.shapes._parameters import grouped_channels, product
from convkit.shapes._terms import divided, named


@described(in_channels="C_in", out_channels="C_out", kernel_size="K", output_size="O", groups="G")
def conv_macs(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Size,
    output_size: Size,
    groups: int = 1,
    dimensions: int = 2,
) -> int:
    """Multiply-accumulates of a convolution for one image.

    `output height * output width * out_channels * (in_channels / groups) * kernel height * kernel
    width`. One multiplication with its addition is one; biases are not counted.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: An int for every dimension, or a tuple with one for each.
        output_size: Pixels of the output map: an int for a square one, or a tuple.
        groups: Groups into which the channels are divided.
        dimensions: Spatial dimensions when both sizes are ints; a tuple says its own.

    Returns:
        Multiplications with their additions, for one image.

    Raises:
        ShapeError: If an argument is out of range, or the groups do not divide the channels.

    Examples:
        >>> conv_macs(3, 32, kernel_size=5, output_size=32)
        2457600
    """
    inputs, outputs = grouped_channels(in_channels, out_channels, groups)
    sizes = {"output_size": output_size, "kernel_size": kernel_size}
    return named("MACs", _pixels_and_taps(sizes, dimensions) * outputs * divided(inputs, groups))


@described(in_channels="C_in", out_channels="C_out", kernel_size="K", input_size="I", groups="G")
def conv_transpose_macs(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Size,
    input_size: Size,
    groups: int = 1,
    dimensions: int = 2,
) -> int:
    """Multiply-accumulates of a transposed convolution for one image.

    Every input pixel meets every weight that belongs to its channel: `input height * input width *
    in_channels * (out_channels / groups) * kernel height * kernel width`. What padding takes away
    again is counted too, as `torch.utils.flop_counter` does.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: An int for every dimension, or a tuple with one for each.
        input_size: Pixels of the input map: an int for a square one, or a tuple.
        groups: Groups into which the channels are divided.
        dimensions: Spatial dimensions when both sizes are ints; a tuple says its own.

    Returns:
        Multiplications with their additions, for one image.

    Raises:
        ShapeError: If an argument is out of range, or the groups do not divide the channels.

    Examples:
        >>> conv_transpose_macs(64, 32, kernel_size=2, input_size=(16, 8))
        1048576
    """
    inputs, outputs = grouped_channels(in_channels, out_channels, groups)
    sizes = {"input_size": input_size, "kernel_size": kernel_size}
    return named("MACs", _pixels_and_taps(sizes, dimensions) * inputs * divided(outputs, groups))


def _pixels_and_taps(sizes: dict[str, Size], dimensions: int) -> int:
    """Pixels of the map times weights of one kernel."""
    count = dimension_count(sizes) or dimension_number(dimensions)
    (map_name, map_size), (_, kernel_size) = sizes.items()
    pixels = product(map_name, spread(map_name, map_size, count))
    return pixels * product("kernel_size", spread("kernel_size", kernel_size, count))


@described(in_features="F_in", out_features="F_out")
def linear_macs(in_features: int, out_features: int) -> int:
    """Multiply-accumulates of a fully connected layer for one image.

    `in_features * out_features`; biases are not counted.

    Args:
        in_features: Numbers that come in.
        out_features: Numbers that go out.

    Returns:
        Multiplications with their additions, for one image.

    Raises:
        ShapeError: If an argument is below 1 or no whole number.

    Examples:
        >>> linear_macs(2048, 64)
        131072
    """
    inputs = whole("in_features", in_features, 1)
    return named("MACs", inputs * whole("out_features", out_features, 1))
