"""Images seen from another side."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import torch
from torch.nn.functional import grid_sample

from convkit.data._augmentation import Augmentation, check_probability, chosen
from convkit.data._geometry import Interpolation, check_interpolation
from convkit.errors import DataError


class Corners(NamedTuple):
    """What `Perspective` drew for a batch.

    Args:
        which: Indices of the images that change, (M,).
        places: Where their corners go, (M, 4, 2) as x and y: top left, top right, bottom right,
            bottom left.
    """

    which: torch.Tensor
    places: torch.Tensor


@dataclass(frozen=True)
class Perspective(Augmentation[Corners]):
    """Move the four corners inwards at random.

    The pixels of torchvision's `perspective` (tensors) for the same corners.

    Args:
        distortion_scale: How far a corner may move, as a share of half a side, 0 to 1.
        interpolation: `"bilinear"` or `"nearest"`.
        fill: Value of what comes into view, 0 to 1.
        probability: Of each image being changed.

    Examples:
        >>> images = torch.full((1, 3, 8, 8), 200, dtype=torch.uint8)
        >>> Perspective(0.0, probability=1.0)(images).unique()
        tensor([200], dtype=torch.uint8)
    """

    distortion_scale: float = 0.5
    _: KW_ONLY
    interpolation: Interpolation = "bilinear"
    fill: float = 0.0
    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.distortion_scale <= 1:
            raise DataError(
                f"Perspective: distortion_scale={self.distortion_scale!r} must be from 0 to 1"
            )
        check_interpolation("Perspective", self.interpolation)
        check_probability("Perspective", self.probability)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Corners:
        """Whole pixels, each corner within its quarter."""
        count, _, height, width = shape
        which = chosen(count, self.probability, generator).nonzero()[:, 0]
        reach = torch.tensor([int(self.distortion_scale * (side // 2)) for side in (width, height)])
        share = torch.rand((len(which), 4, 2), generator=generator, dtype=torch.float64)
        inwards = (share * (reach + 1)).floor().minimum(reach.to(torch.float64))
        last = torch.tensor([width - 1.0, height - 1.0], dtype=torch.float64)
        far = torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=torch.bool)
        return Corners(which, torch.where(far, last - inwards, inwards))

    def apply(self, images: torch.Tensor, parameters: Corners) -> torch.Tensor:
        """Change the images drawn."""
        if not len(parameters.which):
            return images
        which = parameters.which.to(images.device)
        height, width = images.shape[2:]
        numbers = coefficients(parameters.places, height, width).to(images)
        grid = _grid(numbers, height, width)
        part = images[which] - self.fill if self.fill else images[which]
        seen = grid_sample(part, grid, self.interpolation, "zeros", align_corners=False)
        images[which] = seen + self.fill if self.fill else seen
        return images


def coefficients(places: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The eight numbers of each perspective, (M, 8), from output to input pixels.

    Args:
        places: Where the corners go, (M, 4, 2).
        height: Of the images.
        width: Likewise.
    """
    start = torch.tensor(
        [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=torch.float64
    )
    x, y = places.to(torch.float64).unbind(2)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    across = torch.stack([x, y, one, zero, zero, zero, -start[:, 0] * x, -start[:, 0] * y], 2)
    down = torch.stack([zero, zero, zero, x, y, one, -start[:, 1] * x, -start[:, 1] * y], 2)
    system = torch.stack([across, down], 2).view(-1, 8, 8)
    numbers: torch.Tensor = torch.linalg.solve(system, start.view(1, 8).expand(len(places), 8))
    return numbers


def _grid(numbers: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Where each output pixel is taken from, (M, H, W, 2), in the coordinates of grid_sample."""
    x = torch.arange(width, dtype=numbers.dtype, device=numbers.device)[None, None, :] + 0.5
    y = torch.arange(height, dtype=numbers.dtype, device=numbers.device)[None, :, None] + 0.5
    a, b, c, d, e, f, g, h = (number[:, None, None] for number in numbers.unbind(1))
    depth = g * x + h * y + 1
    across = (a * x + b * y + c) / depth * (2 / width) - 1
    down = (d * x + e * y + f) / depth * (2 / height) - 1
    return torch.stack([across, down], 3)
