"""Norm layers: batch norm and group norm."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from typing_extensions import override

import convkit.shapes
from convkit.architecture._calculation import Calculation
from convkit.architecture._counts import Counts
from convkit.architecture._layer_call import LayerCall, call, changed
from convkit.architecture._row import Row, Shape, Stated
from convkit.architecture._sizes import require_count
from convkit.architecture._window import POINT, Window
from convkit.errors import ArchitectureError


@dataclass(frozen=True, slots=True, repr=False)
class BatchNorm(Row):
    """Each channel brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    Args:
        eps: Added to the variance.
        momentum: Share of each batch in the running statistics.
        affine: Whether a scale and a shift are learned.
        name: Name of its module in place of `bn1`, `bn2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> BatchNorm().count((32, 14, 14)).parameters
        64
    """

    kind: ClassVar[str] = "batch norm"
    prefix: ClassVar[str] = "bn"

    _: KW_ONLY
    eps: float = 1e-5
    momentum: float = 0.1
    affine: bool = True
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        return input_shape

    @override
    def count(self, input_shape: Shape) -> Counts:
        parameters = convkit.shapes.batch_norm_parameters(input_shape[0], affine=self.affine)
        return Counts(weights=parameters.weights, biases=parameters.biases)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        function = convkit.shapes.batch_norm_parameters
        return (Calculation(function, (input_shape[0],), {"affine": self.affine}),)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return POINT

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        dimensions = max(1, len(input_shape) - 1)
        settings = changed(self, "eps", "momentum", "affine")
        return call(f"BatchNorm{dimensions}d", input_shape[0], **settings)


@dataclass(frozen=True, slots=True, repr=False)
class GroupNorm(Row):
    """Groups of channels brought to mean 0 and variance 1 in each image.

    Args:
        groups: Number of groups; it divides the channels.
        eps: Added to the variance.
        affine: Whether a scale and a shift are learned for each channel.
        name: Name of its module in place of `gn1`, `gn2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> GroupNorm(4).count((8, 6, 6)).parameters
        16
    """

    kind: ClassVar[str] = "group norm"
    prefix: ClassVar[str] = "gn"

    groups: int
    _: KW_ONLY
    eps: float = 1e-5
    affine: bool = True
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        require_count("groups", self.groups)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        channels = input_shape[0]
        if channels % self.groups:
            fitting = [n for n in range(1, channels + 1) if channels % n == 0]
            nearest = min(fitting, key=lambda n: abs(n - self.groups))
            raise ArchitectureError(
                f"groups={self.groups} does not divide the {channels} channels that arrive; "
                f"groups={nearest} would"
            )
        return input_shape

    @override
    def count(self, input_shape: Shape) -> Counts:
        parameters = convkit.shapes.group_norm_parameters(
            self.groups, input_shape[0], affine=self.affine
        )
        return Counts(weights=parameters.weights, biases=parameters.biases)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        function = convkit.shapes.group_norm_parameters
        return (Calculation(function, (self.groups, input_shape[0]), {"affine": self.affine}),)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return POINT

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        return call("GroupNorm", self.groups, input_shape[0], **changed(self, "eps", "affine"))
