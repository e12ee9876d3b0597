"""The output size of max and average pooling, fixed and adaptive."""

from __future__ import annotations

from typing import Any, Literal, overload

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Size, dimension_count, per_dimension, whole
from convkit.shapes._terms import ceiling, named, remarked

Kind = Literal["max", "average"]


@overload
def pool_output(
    size: int,
    *,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    kind: Kind = "max",
) -> int: ...
@overload
def pool_output(
    size: tuple[int, ...],
    *,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    kind: Kind = "max",
) -> tuple[int, ...]: ...
@described(size="I", kernel_size="K", stride="S", padding="P", dilation="D")
def pool_output(
    size: Size,
    *,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    kind: Kind = "max",
) -> Any:
    """Size of the map that max or average pooling makes.

    `floor((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1`, with `ceil` in
    place of `floor` under `ceil_mode`, where a last window that would start in the padding after
    the input (or beyond it) is left out. This is the rule of `torch.nn.MaxPool2d` and
    `AvgPool2d` in 1 to 3 dimensions.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        kernel_size: Pixels of the window.
        stride: Pixels from one window to the next; None is the kernel size.
        padding: Pixels added to both sides, at most half of `kernel_size`.
        dilation: Distance between the pixels of a window (max pooling only).
        ceil_mode: Keep a last window that is only partly filled.
        kind: "max" or "average". Average pooling takes no dilation, and in three dimensions
            `AvgPool3d` refuses an input smaller than the window even where padding would fill it.

    Returns:
        An int for ints, a tuple for tuples.

    Raises:
        ShapeError: If an argument is out of range, or no window fits.

    Examples:
        >>> pool_output((32, 33), kernel_size=2)
        (16, 16)
        >>> pool_output(5, kernel_size=2, stride=2, padding=1, ceil_mode=True)
        3
    """
    if kind not in ("max", "average"):
        raise ShapeError(f'kind must be "max" or "average", got {kind!r}')
    average_dimensions = 0
    if kind == "average":
        given = {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding}
        average_dimensions = dimension_count(given) or 2
    return per_dimension(
        _pool_output,
        size=size,
        kernel_size=kernel_size,
        stride=kernel_size if stride is None else stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
        average_dimensions=average_dimensions,
    )


def _pool_output(
    size: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    average_dimensions: int,
) -> int:
    pixels = whole("size", size, 1)
    kernel = whole("kernel_size", kernel_size, 1)
    step = whole("stride", stride, 1)
    border = whole("padding", padding, 0)
    spacing = whole("dilation", dilation, 1)
    if border > kernel // 2:
        raise ShapeError(
            f"padding={border} is more than half of kernel_size={kernel}: "
            f"padding={kernel // 2} or less would do"
        )
    if average_dimensions:
        _check_average(pixels, kernel, spacing, average_dimensions)
    room = pixels + 2 * border - spacing * (kernel - 1) - 1
    output = _rounded_up(room, step, end=pixels + border) if ceil_mode else room // step + 1
    if output < 1:
        raise ShapeError(_too_large(pixels, kernel, border, spacing))
    return named("O", output)


def _check_average(size: int, kernel_size: int, dilation: int, dimensions: int) -> None:
    """Refuse what only average pooling refuses."""
    if dilation != 1:
        raise ShapeError(f"average pooling has no dilation, got {dilation}: dilation=1 would do")
    if dimensions == 3 and kernel_size > size:
        raise ShapeError(
            f"kernel_size={kernel_size} is larger than size={size}, which average pooling in three "
            f"dimensions refuses whatever the padding: kernel_size={size} or less would do"
        )


def _rounded_up(room: int, stride: int, *, end: int) -> int:
    """Windows when a last, partly filled one counts, if it starts before the padding behind."""
    windows = named("O_ceil", ceiling(room, stride) + 1)
    if (windows - 1) * stride < end:
        return windows
    remarked(
        windows,
        f"The last of these windows would start at {(windows - 1) * stride}, not before "
        f"{end}, where the padding behind the input begins: it is left out.",
    )
    return windows - 1


def _too_large(size: int, kernel_size: int, padding: int, dilation: int) -> str:
    """What is wrong with a window larger than its padded input, and what would do."""
    padded, span = size + 2 * padding, dilation * (kernel_size - 1) + 1
    spans = f" with dilation={dilation} spans {span} and" if dilation > 1 else ""
    return (
        f"kernel_size={kernel_size}{spans} is larger than size={size} with padding={padding} "
        f"({padded}): kernel_size={(padded - 1) // dilation + 1} or "
        f"size={span - 2 * padding} would do"
    )
