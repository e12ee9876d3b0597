"""Activations and dropout: rows that change values and no shape."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from typing_extensions import override

from convkit.architecture._counts import Counts
from convkit.architecture._layer_call import Argument, LayerCall, call
from convkit.architecture._row import Row, Shape, Stated, set_field
from convkit.architecture._window import POINT, Window
from convkit.errors import ArchitectureError

# Each word and the class of torch.nn that it names.
ACTIVATIONS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "hardtanh": "Hardtanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "identity": "Identity",
}
_ALIASES = {"swish": "silu", "leakyrelu": "leaky_relu", "logsoftmax": "log_softmax"}
# The one setting that people change, its name in torch.nn and its usual value.
SETTINGS = {
    "leaky_relu": ("negative_slope", 0.01),
    "prelu": ("init", 0.25),
    "elu": ("alpha", 1.0),
    "celu": ("alpha", 1.0),
}


@dataclass(frozen=True, slots=True, repr=False)
class Activation(Row):
    """A function of each value: ReLU, tanh, softmax over the channels, ...

    Args:
        function: Its word: relu, relu6, leaky_relu, prelu, elu, selu, celu, gelu, silu, mish, tanh,
            sigmoid, hardswish, hardsigmoid, hardtanh, softplus, softsign, softmax, log_softmax or
            identity; case does not matter.
        setting: Slope of leaky_relu, first slope of prelu, alpha of elu and celu; None for the
            usual one.
        name: Name of its module in place of `relu1`, `relu2`, ...
        stated: What a table says beside the layer.

    Raises:
        ArchitectureError: For a function that is not in the list.

    Examples:
        >>> Activation("ReLU").shape_after((32, 8, 8))
        (32, 8, 8)
    """

    kind: ClassVar[str] = "activation"
    prefix: ClassVar[str] = "activation"

    function: str
    _: KW_ONLY
    setting: float | None = None
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        word = str(self.function).strip().lower().replace("-", "_").replace(" ", "_")
        word = _ALIASES.get(word, word)
        if word not in ACTIVATIONS:
            raise ArchitectureError(
                f"there is no activation {self.function!r}; choose from {', '.join(ACTIVATIONS)}"
            )
        if self.setting is not None and word not in SETTINGS:
            raise ArchitectureError(
                f"the activation {word} has no setting, got setting={self.setting!r}; leave it out"
            )
        set_field(self, "function", word)
        if word in SETTINGS and self.setting == SETTINGS[word][1]:
            set_field(self, "setting", None)

    @property
    @override
    def word(self) -> str:
        return self.function

    @property
    @override
    def module_prefix(self) -> str:
        return self.function

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        return input_shape

    @override
    def count(self, input_shape: Shape) -> Counts:
        return Counts(weights=1 if self.function == "prelu" else 0)

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return POINT

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        settings: dict[str, Argument] = {}
        if self.setting is not None:
            settings[SETTINGS[self.function][0]] = self.setting
        if self.function in {"softmax", "log_softmax"}:
            settings["dim"] = 1
        return call(ACTIVATIONS[self.function], **settings)


@dataclass(frozen=True, slots=True, repr=False)
class Dropout(Row):
    """Values set to zero in training: single ones, or whole maps with `channels=True`.

    Args:
        p: Share of the values, from 0 up to but not including 1.
        channels: Whether whole maps are dropped, as `nn.Dropout2d` does.
        name: Name of its module in place of `dropout1`, `dropout2`, ...
        stated: What a table says beside the layer.

    Raises:
        ArchitectureError: For a share outside 0 to 1.

    Examples:
        >>> Dropout(0.3).layer((64,))
        LayerCall(name='Dropout', arguments=(0.3,), keywords={})
    """

    kind: ClassVar[str] = "dropout"
    prefix: ClassVar[str] = "dropout"

    p: float = 0.5
    _: KW_ONLY
    channels: bool = False
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.p, bool) or not isinstance(self.p, (int, float)) or not 0 <= self.p < 1:
            raise ArchitectureError(
                f"dropout is the share of values set to zero, from 0 to below 1; got {self.p!r}"
            )
        set_field(self, "p", float(self.p))

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        if self.channels and len(input_shape) == 1:
            raise ArchitectureError(
                "dropout of whole maps needs maps, but a vector arrives; channels=False would fit"
            )
        return input_shape

    @override
    def window(self, input_shape: Shape) -> Window | None:
        return POINT

    @override
    def layer(self, input_shape: Shape) -> LayerCall:
        if not self.channels:
            return call("Dropout", self.p)
        return call(f"Dropout{len(input_shape) - 1}d", self.p)
