"""Images turned, moved, scaled and sheared."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from math import pi
from typing import Literal

import torch
from torch.nn.functional import grid_sample

from convkit.data._augmentation import Augmentation, check_probability, check_range, chosen, uniform
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

    Examples:
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


@dataclass(frozen=True)
class Affine(Augmentation[torch.Tensor]):
    """Turn, move, scale and shear around the middle.

    The pixels of torchvision's `affine` (tensors) at the same parameters; a positive angle turns
    clockwise there and here.

    Args:
        degrees: A number a for -a to a, or a pair (least, most).
        translate: Largest shift as a share of width and of height, in whole pixels; None for none.
        scale: Least and most; None for none.
        shear: Degrees along x: a number s for -s to s, or a pair; None for none.
        interpolation: `"nearest"`, as torchvision's `RandomAffine`, or `"bilinear"`.
        fill: Value of what comes into view, 0 to 1.
        probability: Of each image being changed.

    Examples:
        >>> image = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
        >>> Affine((90, 90))(image)
        tensor([[[[3, 1],
                  [4, 2]]]], dtype=torch.uint8)
    """

    degrees: Range
    _: KW_ONLY
    translate: tuple[float, float] | None = None
    scale: tuple[float, float] | None = None
    shear: Range | None = None
    interpolation: Interpolation = "nearest"
    fill: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        symmetric("Affine", "degrees", self.degrees)
        symmetric("Affine", "shear", self.shear or 0.0)
        for share in self.translate or ():
            if not 0 <= share <= 1:
                raise DataError(f"Affine: translate={self.translate!r} must be shares from 0 to 1")
        if self.scale is not None:
            check_range("Affine", "scale", self.scale, 1e-3, 1e3)
        check_interpolation("Affine", self.interpolation)
        check_probability("Affine", self.probability)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Inverse matrices in pixels, (N, 2, 3); the identity where an image stays."""
        count, _, height, width = shape
        angle = uniform(count, *symmetric("Affine", "degrees", self.degrees), generator)
        right, down = self.translate or (0.0, 0.0)
        x = uniform(count, -right * width, right * width, generator).round()
        y = uniform(count, -down * height, down * height, generator).round()
        scale = uniform(count, *(self.scale or (1.0, 1.0)), generator)
        shear = uniform(count, *symmetric("Affine", "shear", self.shear or 0.0), generator)
        matrices = inverse_affine(angle, x, y, scale, shear)
        stays = ~chosen(count, self.probability, generator)
        matrices[stays] = torch.eye(2, 3, dtype=matrices.dtype)
        return matrices

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Change every image."""
        return warp(images, parameters, self.interpolation, self.fill)


def inverse_affine(
    angle: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
    scale: torch.Tensor,
    shear: torch.Tensor,
) -> torch.Tensor:
    """Matrices from output to input pixels, (N, 2, 3).

    The forward map is translation, rotation, shear along x, scale, all around the middle.

    Args:
        angle: Degrees, clockwise on the screen.
        x: Pixels to the right.
        y: Pixels down.
        scale: Greater than 0.
        shear: Degrees.
    """
    c, s = (angle * (pi / 180)).cos(), (angle * (pi / 180)).sin()
    tangent = (shear * (pi / 180)).tan()
    rows = [(c - s * tangent) / scale, (s + c * tangent) / scale, -s / scale, c / scale]
    # The inverse of [[c, -c t - s], [s, c - s t]] has determinant 1: swap and change signs.
    a, b, d, e = rows[0], rows[1], rows[2], rows[3]
    return torch.stack([a, b, -a * x - b * y, d, e, -d * x - e * y], 1).view(-1, 2, 3)


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
    grid = _grid(inverse, images)
    if fill:
        images = images - fill
    warped = grid_sample(images, grid, interpolation, "zeros", align_corners=False)
    return warped.add_(fill) if fill else warped


def _grid(inverse: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Where each output pixel is taken from, (N, H, W, 2), in the coordinates of grid_sample.

    The two coordinates are sums of what depends on the column and what depends on the row, which is
    several times faster than a product of matrices.
    """
    count, _, height, width = images.shape
    # From pixels to the coordinates of grid_sample, where a side is 2 long.
    scale = torch.tensor([[2 / width], [2 / height]], dtype=torch.float64)
    theta = (inverse * scale).to(images)
    x = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    y = torch.arange(height, dtype=images.dtype, device=images.device) - (height - 1) / 2
    grid = torch.empty((count, height, width, 2), dtype=images.dtype, device=images.device)
    for k in (0, 1):
        of_column = (theta[:, k, 0, None] * x)[:, None, :]
        of_row = (theta[:, k, 1, None] * y + theta[:, k, 2, None])[:, :, None]
        torch.add(of_column, of_row, out=grid[..., k])
    return grid
