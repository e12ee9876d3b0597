"""What one unit of a layer's output sees of the layer's input."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convkit.architecture._sizes import Size

Padding = int | str | tuple[int, ...]


class Window(NamedTuple):
    """What one unit of a layer's output sees of the layer's input; see `shapes.receptive_field`.

    Args:
        kernel_size: Pixels that one unit sees; an empty tuple for all of them.
        stride: Pixels from one unit to the next.
        padding: Pixels around the input.
        dilation: Pixels from one tap of the kernel to the next.

    Examples:
        >>> from convkit.architecture import MaxPool
        >>> MaxPool(3, stride=2).window((8, 13, 13))
        Window(kernel_size=3, stride=2, padding=0, dilation=1)
    """

    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    dilation: Size = 1


POINT = Window(1)
WHOLE = Window(())
"""Marks a row whose every unit sees the whole input, however large it is."""
