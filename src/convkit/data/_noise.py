"""Images with noise, and with parts taken out."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import torch

from convkit.data._augmentation import (
    Augmentation,
    check_probability,
    check_range,
    chosen,
    pair,
)
from convkit.data._crops import random_windows
from convkit.errors import DataError


@dataclass(frozen=True)
class GaussianNoise(Augmentation[int]):
    """Add independent normal noise to every value, cut to 0..1.

    Args:
        std: Standard deviation, of values from 0 to 1.

    Examples:
        >>> noisy = GaussianNoise(0.1)(torch.full((1, 1, 64, 64), 0.5))
        >>> round(float(noisy.std()), 2)
        0.1
    """

    std: float = 0.1

    def __post_init__(self) -> None:
        if not self.std >= 0:
            raise DataError(f"GaussianNoise: std={self.std!r} must not be negative")

    def draw(self, shape: torch.Size, generator: torch.Generator) -> int:
        """The seed of the noise, which is made where the images are."""
        del shape
        return int(torch.randint(2**62, (), generator=generator))

    def apply(self, images: torch.Tensor, parameters: int) -> torch.Tensor:
        """Add the noise."""
        generator = torch.Generator(images.device).manual_seed(parameters)
        noise = torch.randn(
            images.shape, generator=generator, device=images.device, dtype=images.dtype
        )
        return images.add_(noise, alpha=self.std).clamp_(0, 1)


@dataclass(frozen=True)
class Erasing(Augmentation[torch.Tensor]):
    """Fill a random window of some images, as torchvision's `RandomErasing`.

    Args:
        probability: Of each image losing a window.
        scale: Least and most share of the area.
        ratio: Least and most of width divided by height.
        fill: Value of the window, 0 to 1.

    Examples:
        >>> image = torch.ones(1, 1, 10, 10)
        >>> erased = Erasing(1.0, scale=(0.25, 0.25), ratio=(1, 1))(image)
        >>> int((erased == 0).sum())
        25
    """

    probability: float = 0.5
    _: KW_ONLY
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    fill: float = 0.0
    keeps_bytes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_probability("Erasing", self.probability)
        check_range("Erasing", "scale", self.scale, 1e-6, 1)
        check_range("Erasing", "ratio", self.ratio, 1e-3, 1e3)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Windows: top, left, height, width, int64 (N, 4); empty ones for images left whole."""
        windows = random_windows(shape, self.scale, self.ratio, generator)
        windows[~chosen(shape[0], self.probability, generator)] = 0
        return windows

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Fill the windows."""
        return _filled(images, parameters, self.fill)


@dataclass(frozen=True)
class Cutout(Augmentation[torch.Tensor]):
    """Fill a square around a random pixel of every image (DeVries and Taylor, 2017).

    The square is cut off at the border, so near it less is lost.

    Args:
        size: Side of the square in pixels.
        fill: Value of the square, 0 to 1.

    Examples:
        >>> Cutout(1, fill=0.0)(torch.ones(1, 1, 3, 3)).sum()
        tensor(8.)
    """

    size: int
    _: KW_ONLY
    fill: float = 0.0
    keeps_bytes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        pair("Cutout", "size", self.size)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Windows: top, left, height, width, int64 (N, 4); they may begin outside."""
        middles = [torch.randint(side, (shape[0],), generator=generator) for side in shape[2:]]
        sides = torch.full((shape[0],), self.size)
        return torch.stack([*(m - self.size // 2 for m in middles), sides, sides], 1)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Fill the squares."""
        return _filled(images, parameters, self.fill)


def _filled(images: torch.Tensor, windows: torch.Tensor, fill: float) -> torch.Tensor:
    """A window of each image set to one value, in place."""
    value = fill if images.is_floating_point() else round(fill * 255)
    return images.masked_fill_(inside(windows, images.shape).to(images.device), value)


def inside(windows: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Which pixels lie in each image's window, bool (N, 1, H, W).

    Args:
        windows: Top, left, height, width, (N, 4).
        shape: Of the images, (N, C, H, W).
    """
    top, left, height, width = windows[:, :, None].unbind(1)
    rows, columns = torch.arange(shape[2])[None], torch.arange(shape[3])[None]
    down = (rows >= top) & (rows < top + height)
    across = (columns >= left) & (columns < left + width)
    return (down[:, :, None] & across[:, None, :])[:, None]
