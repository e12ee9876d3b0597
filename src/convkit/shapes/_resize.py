"""The output size of layers that are told what to make: adaptive pooling and upsampling."""

from __future__ import annotations

import math
from typing import Any, overload

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Size, per_dimension, whole
from convkit.shapes._terms import named, scaled


@overload
def adaptive_pool_output(size: int, *, output_size: int | None) -> int: ...
@overload
def adaptive_pool_output(
    size: tuple[int, ...], *, output_size: int | tuple[int | None, ...] | None
) -> tuple[int, ...]: ...
@described(size="I", output_size="O_asked")
def adaptive_pool_output(size: Size, *, output_size: int | tuple[int | None, ...] | None) -> Any:
    """Size of the map that adaptive pooling makes: the one asked for.

    Window i reaches from `floor(i * size / output)` to `ceil((i + 1) * size / output)`, so windows
    overlap when the output does not divide the input, and an output larger than the input repeats
    pixels. This is the rule of `torch.nn.AdaptiveAvgPool2d` and `AdaptiveMaxPool2d` in 1 to 3
    dimensions.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        output_size: Pixels asked for: an int, or a tuple in which None keeps a dimension.

    Returns:
        An int for ints, a tuple for tuples.

    Raises:
        ShapeError: If a size is negative or no whole number.

    Examples:
        >>> adaptive_pool_output((13, 9), output_size=(6, None))
        (6, 9)
    """
    return per_dimension(_adaptive_pool_output, size=size, output_size=output_size)


def _adaptive_pool_output(size: Any, output_size: Any) -> int:
    pixels = whole("size", size, 1)
    return named("O", pixels if output_size is None else whole("output_size", output_size, 0))


@overload
def upsample_output(
    size: int, *, scale_factor: float | None = None, output_size: int | None = None
) -> int: ...
@overload
def upsample_output(
    size: tuple[int, ...],
    *,
    scale_factor: float | tuple[float, ...] | None = None,
    output_size: Size | None = None,
) -> tuple[int, ...]: ...
@described(size="I", scale_factor="F", output_size="O_asked")
def upsample_output(
    size: Size,
    *,
    scale_factor: float | tuple[float, ...] | None = None,
    output_size: Size | None = None,
) -> Any:
    """Size of the map that upsampling (or interpolation) makes.

    `floor(size * scale_factor)`, computed in double precision when the factor is a float, or the
    size asked for: the rule of `torch.nn.Upsample` in 1 to 3 dimensions.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        scale_factor: How many times as large the map shall be; a tuple has one for each dimension.
        output_size: Its size, in place of the factor.

    Returns:
        An int for ints, a tuple for tuples.

    Raises:
        ShapeError: If not exactly one of factor and size is given, or nothing is left of the map.

    Examples:
        >>> upsample_output((7, 8), scale_factor=2)
        (14, 16)
        >>> upsample_output(10, scale_factor=1.55)
        15
    """
    if (scale_factor is None) == (output_size is None):
        given = "neither" if scale_factor is None else "both"
        raise ShapeError(f"give either scale_factor or output_size, got {given}")
    return per_dimension(
        _upsample_output, size=size, scale_factor=scale_factor, output_size=output_size
    )


def _upsample_output(size: Any, scale_factor: Any, output_size: Any) -> int:
    pixels = whole("size", size, 1)
    if scale_factor is None:
        return named("O", whole("output_size", output_size, 1))
    if (
        isinstance(scale_factor, bool)
        or not isinstance(scale_factor, (int, float))
        or not math.isfinite(scale_factor)
    ):
        raise ShapeError(f"scale_factor must be a finite number, got {scale_factor!r}")
    output = scaled(pixels, scale_factor)
    if output < 1:
        raise ShapeError(
            f"scale_factor={scale_factor} leaves {output} of {pixels} pixels: "
            f"scale_factor={1 / pixels:.4g} or more would do"
        )
    return named("O", output)
