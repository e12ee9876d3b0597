"""Tables of known networks, with the parameters of torchvision's.

Each function takes the number of classes and returns an `Architecture`. In the order of their
layers, the weights of torchvision's networks fit into the networks built from these tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._activation import Dropout
from convkit.architecture._architecture import Architecture
from convkit.architecture._composite import Residual
from convkit.architecture._conv import Conv
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool, GlobalAvgPool
from convkit.architecture._zoo_vgg import (
    vgg11,
    vgg11_bn,
    vgg13,
    vgg13_bn,
    vgg16,
    vgg16_bn,
    vgg19,
    vgg19_bn,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from convkit.architecture._row import Row

__all__ = [
    "alexnet",
    "lenet5",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]

_RESNET_CHANNELS = (64, 128, 256, 512)


def lenet5(num_classes: int = 10) -> Architecture:
    """LeNet-5 for 1x32x32 images: 61,706 parameters.

    Its second convolution sees all six maps (the original left some connections out), and its
    pools have no weights. LeCun et al., Gradient-Based Learning Applied to Document Recognition,
    1998.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> lenet5().summary((1, 32, 32)).parameters
        61706
    """
    return Architecture(
        [
            Conv(6, kernel_size=5, activation="tanh"),
            AvgPool(2),
            Conv(16, kernel_size=5, activation="tanh"),
            AvgPool(2),
            Conv(120, kernel_size=5, activation="tanh"),
            Flatten(),
            Linear(84, activation="tanh"),
            Linear(num_classes),
        ]
    )


def alexnet(num_classes: int = 1000) -> Architecture:
    """AlexNet as in torchvision, for 3x224x224 images: 61,100,840 parameters.

    Krizhevsky, One Weird Trick for Parallelizing Convolutional Neural Networks, 2014.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> alexnet().summary((3, 224, 224)).parameters
        61100840
    """
    return Architecture(
        [
            Conv(64, kernel_size=11, stride=4, padding=2, activation="relu"),
            MaxPool(3, stride=2),
            Conv(192, kernel_size=5, padding=2, activation="relu"),
            MaxPool(3, stride=2),
            Conv(384, kernel_size=3, padding=1, activation="relu"),
            Conv(256, kernel_size=3, padding=1, activation="relu"),
            Conv(256, kernel_size=3, padding=1, activation="relu"),
            MaxPool(3, stride=2),
            AdaptiveAvgPool(6),
            Flatten(),
            Dropout(0.5),
            Linear(4096, activation="relu", dropout=0.5),
            Linear(4096, activation="relu"),
            Linear(num_classes),
        ]
    )


def resnet18(num_classes: int = 1000) -> Architecture:
    """ResNet-18 as in torchvision, for 3x224x224 images: 11,689,512 parameters.

    He et al., Deep Residual Learning for Image Recognition, 2015.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> resnet18(num_classes=6).summary((3, 80, 80)).parameters
        11179590
    """
    return _resnet((2, 2, 2, 2), num_classes, _basic_block)


def resnet34(num_classes: int = 1000) -> Architecture:
    """ResNet-34: 21,797,672 parameters. See `resnet18`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> resnet34().summary((3, 224, 224)).parameters
        21797672
    """
    return _resnet((3, 4, 6, 3), num_classes, _basic_block)


def resnet50(num_classes: int = 1000) -> Architecture:
    """ResNet-50: 25,557,032 parameters. See `resnet18`.

    The stride of a bottleneck is in its 3x3 convolution, as in torchvision.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> resnet50().summary((3, 224, 224)).parameters
        25557032
    """
    return _resnet((3, 4, 6, 3), num_classes, _bottleneck)


def resnet101(num_classes: int = 1000) -> Architecture:
    """ResNet-101: 44,549,160 parameters. See `resnet50`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> resnet101().summary((3, 224, 224)).parameters
        44549160
    """
    return _resnet((3, 4, 23, 3), num_classes, _bottleneck)


def resnet152(num_classes: int = 1000) -> Architecture:
    """ResNet-152: 60,192,808 parameters. See `resnet50`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> resnet152().summary((3, 224, 224)).parameters
        60192808
    """
    return _resnet((3, 8, 36, 3), num_classes, _bottleneck)


def _resnet(
    depths: tuple[int, ...], num_classes: int, block: Callable[[int, int], Residual]
) -> Architecture:
    stem = Conv(64, kernel_size=7, stride=2, padding=3, bias=False, norm="batch", activation="relu")
    rows: list[Row] = [stem, MaxPool(3, stride=2, padding=1)]
    for channels, depth in zip(_RESNET_CHANNELS, depths, strict=True):
        first = 1 if channels == _RESNET_CHANNELS[0] else 2
        rows += [block(channels, first), *[block(channels, 1)] * (depth - 1)]
    return Architecture([*rows, GlobalAvgPool(), Flatten(), Linear(num_classes)])


def _basic_block(channels: int, stride: int) -> Residual:
    return Residual(
        [
            _conv(channels, 3, stride=stride, activation="relu"),
            _conv(channels, 3),
        ]
    )


def _bottleneck(channels: int, stride: int) -> Residual:
    return Residual(
        [
            _conv(channels, 1, activation="relu"),
            _conv(channels, 3, stride=stride, activation="relu"),
            _conv(4 * channels, 1),
        ]
    )


def _conv(channels: int, kernel_size: int, stride: int = 1, activation: str | None = None) -> Conv:
    return Conv(
        channels,
        kernel_size=kernel_size,
        stride=stride,
        padding=kernel_size // 2,
        bias=False,
        norm="batch",
        activation=activation,
    )
