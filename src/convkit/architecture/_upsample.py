"""Upsampling."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Literal

from typing_extensions import override

import convkit.shapes
from convkit.architecture._calculation import Calculation, settings_of
from convkit.architecture._layer_call import LayerCall, call
from convkit.architecture._row import Row, Shape, Stated, set_field
from convkit.architecture._sizes import Size, require_image, require_sizes, spread, tidy_size
from convkit.errors import ArchitectureError


@dataclass(frozen=True, slots=True, repr=False)
class Upsample(Row):
    """Maps made larger by a whole factor.

    Args:
        scale_factor: Factor, an int or `(height, width)`.
        mode: `"nearest"` or `"bilinear"` (`"linear"` and `"trilinear"` in 1-d and 3-d).
        name: Name of its module in place of `upsample1`, `upsample2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> Upsample(2).shape_after((64, 7, 9))
        (64, 14, 18)
    """

    kind: ClassVar[str] = "upsample"
    prefix: ClassVar[str] = "upsample"

    scale_factor: Size
    _: KW_ONLY
    mode: Literal["nearest", "bilinear"] = "nearest"
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        set_field(self, "scale_factor", tidy_size(self.scale_factor))
        require_sizes("scale_factor", self.scale_factor)
        if self.mode not in {"nearest", "bilinear"}:
            raise ArchitectureError(f'mode must be "nearest" or "bilinear"; got {self.mode!r}')

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        channels, sizes = require_image(self.kind, input_shape)
        after = convkit.shapes.upsample_output(sizes, scale_factor=self.scale_factor)
        return (channels, *after)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        settings = settings_of(self, "scale_factor")
        return (Calculation(convkit.shapes.upsample_output, (input_shape[1:],), settings),)

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        dimensions = len(input_shape) - 1
        factors = spread(self.scale_factor, dimensions)
        linear = ("linear", "bilinear", "trilinear")[dimensions - 1]
        mode = linear if self.mode == "bilinear" else self.mode
        return call("Upsample", scale_factor=factors, mode=mode)
