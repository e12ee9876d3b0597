"""Pooling to a size that is asked for: adaptive and global average pools."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from typing_extensions import override

import convkit.shapes
from convkit.architecture._calculation import Calculation, settings_of
from convkit.architecture._layer_call import LayerCall, call
from convkit.architecture._row import Row, Shape, Stated, set_field
from convkit.architecture._sizes import Size, require_image, require_sizes, spread, tidy_size
from convkit.architecture._window import WHOLE, Window


@dataclass(frozen=True, slots=True, repr=False)
class AdaptiveAvgPool(Row):
    """Means over as many windows as it takes for an output of the size asked for.

    Args:
        output_size: Size of the output, an int or `(height, width)`.
        name: Name of its module in place of `pool1`, `pool2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> AdaptiveAvgPool(6).shape_after((256, 13, 13))
        (256, 6, 6)
    """

    kind: ClassVar[str] = "adaptive average pool"
    prefix: ClassVar[str] = "pool"

    output_size: Size
    _: KW_ONLY
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        set_field(self, "output_size", tidy_size(self.output_size))
        require_sizes("output_size", self.output_size)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        channels, sizes = require_image(self.kind, input_shape)
        after = convkit.shapes.adaptive_pool_output(sizes, output_size=self.output_size)
        return (channels, *after)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        settings = settings_of(self, "output_size")
        return (Calculation(convkit.shapes.adaptive_pool_output, (input_shape[1:],), settings),)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        sizes = input_shape[1:]
        wanted = spread(self.output_size, len(sizes))
        if any(size % out for size, out in zip(sizes, wanted, strict=True)):
            return WHOLE if set(wanted) == {1} else None
        kernel = tidy_size(tuple(size // out for size, out in zip(sizes, wanted, strict=True)))
        return Window(kernel, kernel)

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        return call(f"AdaptiveAvgPool{len(input_shape) - 1}d", self.output_size)


@dataclass(frozen=True, slots=True, repr=False)
class GlobalAvgPool(Row):
    """The mean of each map, as a map of one pixel.

    Args:
        name: Name of its module in place of `pool1`, `pool2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> GlobalAvgPool().shape_after((512, 7, 7))
        (512, 1, 1)
    """

    kind: ClassVar[str] = "global average pool"
    prefix: ClassVar[str] = "pool"

    _: KW_ONLY
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        return AdaptiveAvgPool(1).shape_after(input_shape)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return WHOLE

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        return AdaptiveAvgPool(1).layer(input_shape)
