"""The row of one layer of torch.nn, or the reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from convkit.architecture._activation import ACTIVATIONS, SETTINGS, Activation, Dropout
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool, GlobalAvgPool
from convkit.architecture._row import Row, Stated
from convkit.architecture._sizes import Size, tidy_size
from convkit.architecture._upsample import Upsample
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Callable


def row_of(layer: Any) -> Row | None:
    """The row of a layer of torch.nn; None for a layer that does nothing.

    Raises:
        ArchitectureError: When a table cannot say what the layer does.
    """
    kind = type(layer)
    reader = _READERS.get(kind.__name__) if kind.__module__.startswith("torch.nn.modules") else None
    if reader is None:
        raise ArchitectureError(
            f"{kind.__name__} is no layer that a table knows; from_module reads sequences of "
            "torch.nn layers, and torchvision's AlexNet, VGG and ResNet"
        )
    _require_plain_parameters(layer)
    return reader(layer)


def _require_plain_parameters(layer: Any) -> None:
    """Refuse a layer whose weight is computed, as spectral_norm, weight_norm and pruning do."""
    for name, _ in layer.named_parameters(recurse=False):
        if name not in {"weight", "bias"}:
            raise ArchitectureError(
                f"{type(layer).__name__} has the parameter {name}, from which its weight is "
                "computed; no table can say that, take the norm or the pruning off first"
            )


def _require(layer: Any, **wanted: object) -> None:
    """Refuse a layer with a setting that no row has.

    Raises:
        ArchitectureError: Naming the setting.
    """
    for name, value in wanted.items():
        if getattr(layer, name) != value:
            raise ArchitectureError(
                f"{type(layer).__name__} has {name}={getattr(layer, name)!r}, which no table can "
                f"say; {name}={value!r} can be read"
            )


def _size(value: Any) -> Size:
    return tidy_size(tuple(value) if isinstance(value, (tuple, list)) else int(value))


def _arriving(layer: Any) -> Stated:
    """The channels that a convolution takes; the sizes of its maps are not told."""
    return Stated(input_shape=(layer.in_channels, *(None for _ in layer.kernel_size)))


def _conv(layer: Any) -> Row:
    padding = layer.padding
    padding = (0 if padding == "valid" else padding) if isinstance(padding, str) else _size(padding)
    return Conv(
        layer.out_channels,
        kernel_size=_size(layer.kernel_size),
        stride=_size(layer.stride),
        padding="same" if padding == "same" else _size(padding),
        dilation=_size(layer.dilation),
        groups=layer.groups,
        bias=layer.bias is not None,
        padding_mode=layer.padding_mode,
        stated=_arriving(layer),
    )


def _conv_transpose(layer: Any) -> Row:
    _require(layer, padding_mode="zeros")
    return ConvTranspose(
        layer.out_channels,
        kernel_size=_size(layer.kernel_size),
        stride=_size(layer.stride),
        padding=_size(layer.padding),
        output_padding=_size(layer.output_padding),
        dilation=_size(layer.dilation),
        groups=layer.groups,
        bias=layer.bias is not None,
        stated=_arriving(layer),
    )


def _linear(layer: Any) -> Row:
    stated = Stated(input_shape=(layer.in_features,))
    return Linear(layer.out_features, bias=layer.bias is not None, stated=stated)


def _require_shift(layer: Any) -> None:
    """Refuse a norm that scales and does not shift, which newer PyTorch can make."""
    if layer.affine and layer.bias is None:
        raise ArchitectureError(
            f"{type(layer).__name__} has bias=False, which no table can say; bias=True can be read"
        )


def _batch_norm(layer: Any) -> Row:
    _require(layer, track_running_stats=True)
    if layer.momentum is None:
        _require(layer, momentum=0.1)
    _require_shift(layer)
    return BatchNorm(eps=layer.eps, momentum=layer.momentum, affine=layer.affine)


def _group_norm(layer: Any) -> Row:
    _require_shift(layer)
    return GroupNorm(layer.num_groups, eps=layer.eps, affine=layer.affine)


def _max_pool(layer: Any) -> Row:
    _require(layer, return_indices=False)
    return MaxPool(
        _size(layer.kernel_size),
        stride=_size(layer.stride),
        padding=_size(layer.padding),
        dilation=_size(layer.dilation),
        ceil_mode=layer.ceil_mode,
    )


def _avg_pool(layer: Any) -> Row:
    if getattr(layer, "divisor_override", None) is not None:
        _require(layer, divisor_override=None)
    return AvgPool(
        _size(layer.kernel_size),
        stride=_size(layer.stride),
        padding=_size(layer.padding),
        ceil_mode=layer.ceil_mode,
        count_include_pad=layer.count_include_pad,
    )


def _adaptive_avg_pool(layer: Any) -> Row:
    sizes = layer.output_size
    if isinstance(sizes, (tuple, list)) and None in sizes:
        raise ArchitectureError(
            f"{type(layer).__name__} has output_size={sizes!r}, which no table can say; "
            "numbers for every direction can be read"
        )
    size = _size(sizes)
    return GlobalAvgPool() if size == 1 else AdaptiveAvgPool(size)


def _flatten(layer: Any) -> Row:
    _require(layer, start_dim=1, end_dim=-1)
    return Flatten()


# The modes of nn.Upsample that a row has; it calls the linear ones by their name in 2-d.
_MODES: dict[str, Literal["nearest", "bilinear"]] = {
    "nearest": "nearest",
    "linear": "bilinear",
    "bilinear": "bilinear",
    "trilinear": "bilinear",
}


def _upsample(layer: Any) -> Row:
    factors = layer.scale_factor
    if factors is None or layer.align_corners:
        raise ArchitectureError(
            "Upsample is read when it has a scale_factor, and corners that are not aligned; got "
            f"scale_factor={factors!r}, align_corners={layer.align_corners!r}"
        )
    if layer.mode not in _MODES:
        raise ArchitectureError(
            f"Upsample has mode={layer.mode!r}, which no table can say; "
            f"{' or '.join(_MODES)} can be read"
        )
    whole = tuple(int(factor) for factor in factors) if isinstance(factors, tuple) else int(factors)
    if whole != factors:
        raise ArchitectureError(f"Upsample has scale_factor={factors!r}; whole factors can be read")
    return Upsample(_size(whole), mode=_MODES[layer.mode])


def _dropout(layer: Any) -> Row:
    return Dropout(layer.p)


def _channel_dropout(layer: Any) -> Row:
    return Dropout(layer.p, channels=True)


def _activation(layer: Any) -> Row:
    function = _FUNCTIONS[type(layer).__name__]
    setting = None
    if function == "prelu":
        _require(layer, num_parameters=1)
        # Its slope is a weight, which comes with the state dict.
        setting = layer.init
    elif function in SETTINGS:
        setting = getattr(layer, SETTINGS[function][0])
    row = Activation(function, setting=setting)
    rebuilt = row.build((1,))
    if _described(rebuilt) != _described(layer):
        raise ArchitectureError(
            f"{layer!r} has settings that no table can say; {rebuilt!r} can be read"
        )
    return row


def _described(layer: Any) -> str:
    """The settings of an activation but for `inplace`, which changes no value."""
    return str(layer.extra_repr()).replace(", inplace=True", "").replace("inplace=True", "")


def _nothing(_: Any) -> None:
    return None


_FUNCTIONS = {name: function for function, name in ACTIVATIONS.items() if name != "Identity"}
_READERS: dict[str, Callable[[Any], Row | None]] = {
    **{f"Conv{n}d": _conv for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": _conv_transpose for n in (1, 2, 3)},
    **{f"BatchNorm{n}d": _batch_norm for n in (1, 2, 3)},
    **{f"MaxPool{n}d": _max_pool for n in (1, 2, 3)},
    **{f"AvgPool{n}d": _avg_pool for n in (1, 2, 3)},
    **{f"AdaptiveAvgPool{n}d": _adaptive_avg_pool for n in (1, 2, 3)},
    **{f"Dropout{n}d": _channel_dropout for n in (1, 2, 3)},
    **dict.fromkeys(_FUNCTIONS, _activation),
    "Linear": _linear,
    "GroupNorm": _group_norm,
    "Flatten": _flatten,
    "Upsample": _upsample,
    "UpsamplingNearest2d": _upsample,
    "Dropout": _dropout,
    "Identity": _nothing,
}
