"""Flatten and fully connected layers."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from typing_extensions import override

import convkit.shapes
from convkit.architecture._attached import Dressed, tidy_dressing
from convkit.architecture._calculation import Calculation
from convkit.architecture._counts import Counts
from convkit.architecture._layer_call import LayerCall, call, changed
from convkit.architecture._row import Row, Shape, Stated
from convkit.architecture._sizes import require_count
from convkit.architecture._window import POINT, WHOLE, Window
from convkit.errors import ArchitectureError


@dataclass(frozen=True, slots=True, repr=False)
class Flatten(Row):
    """Maps laid out as one vector, channel by channel.

    Args:
        name: Name of its module in place of `flatten1`.
        stated: What a table says beside the layer.

    Examples:
        >>> Flatten().shape_after((128, 4, 4))
        (2048,)
    """

    kind: ClassVar[str] = "flatten"
    prefix: ClassVar[str] = "flatten"

    _: KW_ONLY
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return POINT

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        return call("Flatten")


@dataclass(frozen=True, slots=True, repr=False)
class Linear(Dressed):
    """A fully connected layer, then its norm, activation and dropout when it carries them.

    Args:
        out_features: Number of outputs.
        in_features: Features that arrive; only checked, it is inferred anyway.
        bias: Whether each output has a bias.
        norm: As of `Conv`.
        activation: As of `Conv`.
        dropout: As of `Conv`.
        name: Name of the linear module in place of `fc1`, `fc2`, ...
        stated: What a table says beside the layer.

    Examples:
        >>> Linear(64).count((2048,)).parameters
        131136
    """

    kind: ClassVar[str] = "linear"
    prefix: ClassVar[str] = "fc"

    out_features: int
    _: KW_ONLY
    in_features: int | None = None
    bias: bool = True
    norm: str | Row | None = None
    activation: str | Row | None = None
    dropout: float | None = None
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        require_count("out_features", self.out_features)
        if self.in_features is not None:
            require_count("in_features", self.in_features)
        tidy_dressing(self)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        _arriving(self, input_shape)
        return (self.out_features,)

    @override
    def count(self, input_shape: Shape) -> Counts:
        features = _arriving(self, input_shape)
        parameters = convkit.shapes.linear_parameters(features, self.out_features, bias=self.bias)
        return Counts(weights=parameters.weights, biases=parameters.biases, macs=parameters.weights)

    @override
    def calculations(self, input_shape: Shape, output_shape: Shape) -> tuple[Calculation, ...]:
        ends = (input_shape[0], self.out_features)
        return (
            Calculation(convkit.shapes.linear_parameters, ends, {"bias": self.bias}),
            Calculation(convkit.shapes.linear_macs, ends, {}),
        )

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return WHOLE

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        return call(
            "Linear", _arriving(self, input_shape), self.out_features, **changed(self, "bias")
        )


def _arriving(row: Linear, input_shape: Shape) -> int:
    """The features that arrive, when they are a vector and as many as stated."""
    if len(input_shape) != 1:
        maps = "x".join(map(str, input_shape))
        raise ArchitectureError(
            f"linear needs a vector of features, but maps of {maps} arrive; "
            f"put a flatten row before it ({math.prod(input_shape)} features)"
        )
    if row.in_features not in (None, input_shape[0]):
        raise ArchitectureError(
            f"in_features={row.in_features} is stated, but {input_shape[0]} features arrive; "
            f"in_features={input_shape[0]} would fit"
        )
    return input_shape[0]
