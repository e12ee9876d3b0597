"""The tables of VGG; see `zoo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._architecture import Architecture
from convkit.architecture._conv import Conv
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._pool import MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool

if TYPE_CHECKING:
    from convkit.architecture._row import Row

# Convolutions of each of the five stages, all 3x3; after each stage a pool.
_VGG_CHANNELS = (64, 128, 256, 512, 512)


def vgg11(num_classes: int = 1000) -> Architecture:
    """VGG-11: 132,863,336 parameters. See `vgg16`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg11().summary((3, 224, 224)).parameters
        132863336
    """
    return _vgg((1, 1, 2, 2, 2), num_classes)


def vgg11_bn(num_classes: int = 1000) -> Architecture:
    """VGG-11 with batch norm: 132,868,840 parameters. See `vgg16`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg11_bn().summary((3, 224, 224)).parameters
        132868840
    """
    return _vgg((1, 1, 2, 2, 2), num_classes, norm="batch")


def vgg13(num_classes: int = 1000) -> Architecture:
    """VGG-13: 133,047,848 parameters. See `vgg16`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg13().summary((3, 224, 224)).parameters
        133047848
    """
    return _vgg((2, 2, 2, 2, 2), num_classes)


def vgg13_bn(num_classes: int = 1000) -> Architecture:
    """VGG-13 with batch norm: 133,053,736 parameters. See `vgg16`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg13_bn().summary((3, 224, 224)).parameters
        133053736
    """
    return _vgg((2, 2, 2, 2, 2), num_classes, norm="batch")


def vgg16(num_classes: int = 1000) -> Architecture:
    """VGG-16 as in torchvision, for 3x224x224 images: 138,357,544 parameters.

    Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition,
    2014.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg16().summary((3, 224, 224)).macs
        15470264320
    """
    return _vgg((2, 2, 3, 3, 3), num_classes)


def vgg16_bn(num_classes: int = 1000) -> Architecture:
    """VGG-16 with batch norm: 138,365,992 parameters. See `vgg16`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg16_bn().summary((3, 224, 224)).parameters
        138365992
    """
    return _vgg((2, 2, 3, 3, 3), num_classes, norm="batch")


def vgg19(num_classes: int = 1000) -> Architecture:
    """VGG-19: 143,667,240 parameters. See `vgg16`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg19().summary((3, 224, 224)).parameters
        143667240
    """
    return _vgg((2, 2, 4, 4, 4), num_classes)


def vgg19_bn(num_classes: int = 1000) -> Architecture:
    """VGG-19 with batch norm: 143,678,248 parameters. See `vgg16`.

    Args:
        num_classes: Outputs of the last layer.

    Returns:
        Its table.

    Examples:
        >>> vgg19_bn().summary((3, 224, 224)).parameters
        143678248
    """
    return _vgg((2, 2, 4, 4, 4), num_classes, norm="batch")


def _vgg(depths: tuple[int, ...], num_classes: int, norm: str | None = None) -> Architecture:
    rows: list[Row] = []
    for channels, depth in zip(_VGG_CHANNELS, depths, strict=True):
        conv = Conv(channels, kernel_size=3, padding=1, norm=norm, activation="relu")
        rows += [*[conv] * depth, MaxPool(2)]
    hidden = Linear(4096, activation="relu", dropout=0.5)
    return Architecture([*rows, AdaptiveAvgPool(7), Flatten(), hidden, hidden, Linear(num_classes)])
