"""Parts of images."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from math import log
from typing import ClassVar

import torch
from torch.nn.functional import pad

from convkit.data._augmentation import Augmentation, check_range, pair, uniform
from convkit.errors import DataError


@dataclass(frozen=True)
class RandomCrop(Augmentation[torch.Tensor]):
    """Cut a window at a random place, after padding.

    Args:
        size: Of the window: an int, or (height, width).
        padding: Pixels added on every side first.
        fill: Value of the padding, 0 to 1.

    Examples:
        >>> RandomCrop(4, padding=1)(torch.zeros(2, 3, 4, 4, dtype=torch.uint8)).shape
        torch.Size([2, 3, 4, 4])
    """

    size: int | tuple[int, int]
    _: KW_ONLY
    padding: int = 0
    fill: float = 0.0
    keeps_bytes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        pair("RandomCrop", "size", self.size)
        if not isinstance(self.padding, int) or self.padding < 0:
            raise DataError(
                f"RandomCrop: padding={self.padding!r} must be a whole number from 0 on"
            )

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Top and left of each window in the padded image, int64 (N, 2)."""
        room = [
            side + 2 * self.padding - wanted
            for side, wanted in zip(shape[2:], pair("RandomCrop", "size", self.size), strict=True)
        ]
        if min(room) < 0:
            raise DataError(
                f"RandomCrop: size={self.size!r} is larger than images of {shape[2]}x{shape[3]} "
                f"with padding={self.padding}"
            )
        places = [torch.randint(space + 1, (shape[0],), generator=generator) for space in room]
        return torch.stack(places, 1)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Cut every window."""
        height, width = pair("RandomCrop", "size", self.size)
        if self.padding:
            fill = self.fill if images.is_floating_point() else round(self.fill * 255)
            images = pad(images, (self.padding,) * 4, value=fill)
        windows = [
            image[:, top : top + height, left : left + width]
            for image, (top, left) in zip(images, parameters.tolist(), strict=True)
        ]
        return torch.stack(windows)


@dataclass(frozen=True)
class RandomResizedCrop(Augmentation[torch.Tensor]):
    """Cut a window of random area and shape, and resize it.

    Windows are drawn as torchvision draws them: ten attempts, else the largest window in the
    middle. The resizing is the antialiased bilinear filter, as `resize(..., antialias=True)`.

    Args:
        size: Of the result: an int, or (height, width).
        scale: Least and most share of the area.
        ratio: Least and most of width divided by height.

    Examples:
        >>> RandomResizedCrop(8)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
        torch.Size([2, 3, 8, 8])
    """

    size: int | tuple[int, int]
    _: KW_ONLY
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        pair("RandomResizedCrop", "size", self.size)
        check_range("RandomResizedCrop", "scale", self.scale, 1e-6, 1)
        check_range("RandomResizedCrop", "ratio", self.ratio, 1e-3, 1e3)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Top, left, height and width of each window, int64 (N, 4)."""
        return random_windows(shape, self.scale, self.ratio, generator)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Cut and resize, as two matrix products per image."""
        height, width = pair("RandomResizedCrop", "size", self.size)
        down = resizing_weights(parameters[:, 0], parameters[:, 2], images.shape[2], height)
        across = resizing_weights(parameters[:, 1], parameters[:, 3], images.shape[3], width)
        rows = torch.matmul(down.to(images)[:, None], images)
        return torch.matmul(rows, across.to(images).transpose(1, 2)[:, None])


def random_windows(
    shape: torch.Size,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: torch.Generator,
    attempts: int = 10,
) -> torch.Tensor:
    """Windows of random area and shape: top, left, height, width, int64 (N, 4).

    Args:
        shape: Of the images, (N, C, H, W).
        scale: Least and most share of the area.
        ratio: Least and most of width divided by height, even on a logarithmic scale.
        generator: Of chance.
        attempts: Candidates per image; when none fits, the largest window in the middle.
    """
    count, _, height, width = shape
    area = uniform(count, *scale, generator, attempts) * (height * width)
    aspect = uniform(count, log(ratio[0]), log(ratio[1]), generator, attempts).exp()
    w, h = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
    fits = (w >= 1) & (w <= width) & (h >= 1) & (h <= height)
    first = fits.to(torch.int8).argmax(1, keepdim=True)
    w, h = w.gather(1, first)[:, 0], h.gather(1, first)[:, 0]
    places = torch.rand((count, 2), generator=generator, dtype=torch.float64)
    top, left = (places[:, 0] * (height - h + 1)).floor(), (places[:, 1] * (width - w + 1)).floor()
    windows = torch.stack([top, left, h, w], 1).to(torch.int64)
    windows[~fits.any(1)] = torch.tensor(_middle(height, width, ratio))
    return windows


def _middle(height: int, width: int, ratio: tuple[float, float]) -> tuple[int, int, int, int]:
    """The largest window in the middle whose shape is allowed."""
    w, h = width, height
    if width / height < ratio[0]:
        h = round(width / ratio[0])
    elif width / height > ratio[1]:
        w = round(height * ratio[1])
    return (height - h) // 2, (width - w) // 2, h, w


def resizing_weights(
    start: torch.Tensor, length: torch.Tensor, side: int, wanted: int
) -> torch.Tensor:
    """Matrices (N, wanted, side) that resize a part of each row by the antialiased triangle.

    Args:
        start: First pixel of the part, (N,).
        length: Pixels of the part, (N,).
        side: Pixels of the whole row.
        wanted: Pixels of the result.
    """
    first, size = (v.to(torch.float64)[:, None, None] for v in (start, length))
    step = size / wanted
    middle = first + (torch.arange(wanted, dtype=torch.float64)[None, :, None] + 0.5) * step
    place = torch.arange(side, dtype=torch.float64)[None, None, :] + 0.5
    weights = (1 - (place - middle).abs() / step.clamp(min=1)).clamp_(min=0)
    weights *= (place > first) & (place < first + size)
    return weights / weights.sum(2, keepdim=True)
