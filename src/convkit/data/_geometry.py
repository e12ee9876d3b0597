"""Images turned, moved, scaled and sheared."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from math import cos, pi, radians, sin, tan
from typing import Literal

import torch
from torch.nn.functional import grid_sample

from convkit.data._augmentation import Augmentation, check_probability, chosen, uniform
from convkit.errors import DataError

Interpolation = Literal["nearest", "bilinear"]
Range = float | tuple[float, float]


@dataclass(frozen=True)
class Rotate(Augmentation[torch.Tensor]):
    """Turn around the middle, by an angle of its own for each image.

    The pixels of torchvision's `rotate` (tensors) at the same angle.

    Args:
        degrees: A number a for -a to a, or a pair (least, most); positive turns counter-clockwise.
        interpolation: `"nearest"`, as torchvision's `RandomRotation`, or `"bilinear"`.
        fill: Value of the corners that come into view, 0 to 1.
        probability: Of each image being turned.

    Example:
        >>> image = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
        >>> Rotate((90, 90))(image)
        tensor([[[[2, 4],
                  [1, 3]]]], dtype=torch.uint8)
    """

    degrees: Range
    _: KW_ONLY
    interpolation: Interpolation = "nearest"
    fill: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        symmetric("Rotate", "degrees", self.degrees)
        check_interpolation("Rotate", self.interpolation)
        check_probability("Rotate", self.probability)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Inverse matrices in pixels, (N, 2, 3); the identity where an image stays."""
        low, high = symmetric("Rotate", "degrees", self.degrees)
        angles = uniform(shape[0], low, high, generator) * (pi / 180)
        angles = angles * chosen(shape[0], self.probability, generator)
        c, s, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
        return torch.stack([c, -s, zero, s, c, zero], 1).view(-1, 2, 3)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Turn every image."""
        return warp(images, parameters, self.interpolation, self.fill)


def symmetric(owner: str, name: str, value: Range, middle: float = 0.0) -> tuple[float, float]:
    """The range that one number or a pair stands for.

    Raises:
        DataError: When it is neither, or the wrong way round.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < 0:
            raise DataError(f"{owner}: {name}={value!r} must not be negative; a pair may be")
        return middle - value, middle + value
    if not isinstance(value, tuple) or len(value) != 2 or not value[0] <= value[1]:
        raise DataError(f"{owner}: {name}={value!r} must be a number or a pair (least, most)")
    return float(value[0]), float(value[1])


def check_interpolation(owner: str, interpolation: str) -> None:
    """Refuse what is no way of interpolating."""
    if interpolation not in {"nearest", "bilinear"}:
        raise DataError(f'{owner}: interpolation={interpolation!r}: use "nearest" or "bilinear"')


def warp(
    images: torch.Tensor, inverse: torch.Tensor, interpolation: Interpolation, fill: float
) -> torch.Tensor:
    """Take each pixel from where the inverse matrix says.

    Args:
        images: float (N, C, H, W).
        inverse: (N, 2, 3): output pixel (x, y, 1), measured from the middle, to input pixel.
        interpolation: `"nearest"` or `"bilinear"`.
        fill: Value of what lies outside the image.
    """
    count, _, height, width = images.shape
    # From pixels to the coordinates of grid_sample, where a side is 2 long.
    scale = torch.tensor([[2 / width], [2 / height]], dtype=torch.float64)
    theta = (inverse * scale).to(images)
    x = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    y = torch.arange(height, dtype=images.dtype, device=images.device) - (height - 1) / 2
    base = torch.ones(height, width, 3, dtype=images.dtype, device=images.device)
    base[..., 0], base[..., 1] = x, y[:, None]
    grid = torch.matmul(base.view(1, -1, 3), theta.transpose(1, 2)).view(count, height, width, 2)
    if fill:
        images = images - fill
    warped = grid_sample(images, grid, interpolation, "zeros", align_corners=False)
    return warped.add_(fill) if fill else warped
