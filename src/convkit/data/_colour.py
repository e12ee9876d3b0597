"""Images brighter, duller, of other hues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from convkit.data._augmentation import Augmentation, check_probability, chosen, uniform
from convkit.data._geometry import Range, symmetric
from convkit.errors import DataError

_CACHED_PIXELS = 1 << 16
_GREY = (0.2989, 0.587, 0.114)  # torchvision's weights for tensors


class Jitter(NamedTuple):
    """What `ColorJitter` drew for a batch.

    Args:
        order: The order of the steps, indices into brightness, contrast, saturation, hue.
        factors: One tensor (N,) per step, or None for a step that is left out.
    """

    order: tuple[int, ...]
    factors: tuple[torch.Tensor | None, ...]


@dataclass(frozen=True)
class ColorJitter(Augmentation[Jitter]):
    """Change brightness, contrast, saturation and hue, in random order.

    The steps are torchvision's; each image has factors of its own, the order is drawn once per
    batch.

    Args:
        brightness: A number b for factors from max(0, 1 - b) to 1 + b, or a pair.
        contrast: Likewise.
        saturation: Likewise.
        hue: A number h up to 0.5 for shifts from -h to h of the colour circle, or a pair.

    Examples:
        >>> image = torch.full((1, 3, 1, 1), 100, dtype=torch.uint8)
        >>> ColorJitter(brightness=(1.5, 1.5))(image).flatten()
        tensor([150, 150, 150], dtype=torch.uint8)
    """

    brightness: Range = 0.0
    contrast: Range = 0.0
    saturation: Range = 0.0
    hue: Range = 0.0

    def __post_init__(self) -> None:
        self._ranges()

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Jitter:
        """Factors for every image and one order."""
        order = tuple(torch.randperm(4, generator=generator).tolist())
        factors = tuple(
            None if low == high == neutral else uniform(shape[0], low, high, generator)
            for (low, high), neutral in zip(self._ranges(), (1, 1, 1, 0), strict=True)
        )
        return Jitter(order, factors)

    def apply(self, images: torch.Tensor, parameters: Jitter) -> torch.Tensor:
        """Take the steps in their order."""
        steps = (adjust_brightness_, adjust_contrast_, adjust_saturation_, adjust_hue_)
        chosen = [
            (steps[k], factor.to(images)[:, None, None, None])
            for k in parameters.order
            if (factor := parameters.factors[k]) is not None
        ]
        for part in _parts(images):
            for step, factor in chosen:
                step(images[part], factor[part])
        return images

    def _ranges(self) -> list[tuple[float, float]]:
        """Least and most of the four steps."""
        ranges = []
        for name, middle in (("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0)):
            low, high = symmetric("ColorJitter", name, getattr(self, name), middle)
            if low < 0 and isinstance(getattr(self, name), tuple):
                raise DataError(f"ColorJitter: {name}={(low, high)!r} must not be negative")
            ranges.append((max(low, 0.0), high))
        low, high = symmetric("ColorJitter", "hue", self.hue)
        if not -0.5 <= low <= high <= 0.5:
            raise DataError(f"ColorJitter: hue={self.hue!r} must lie in -0.5 to 0.5")
        return [*ranges, (low, high)]


@dataclass(frozen=True)
class Greyscale(Augmentation[torch.Tensor]):
    """Take the colour out of some images, keeping three equal channels.

    Args:
        probability: Of each image becoming grey.

    Examples:
        >>> image = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 3, 1, 1)
        >>> Greyscale(1.0)(image).flatten()
        tensor([124, 124, 124], dtype=torch.uint8)
    """

    probability: float = 0.1

    def __post_init__(self) -> None:
        check_probability("Greyscale", self.probability)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Which images become grey, bool (N,)."""
        return chosen(shape[0], self.probability, generator)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Make those images grey."""
        indices = parameters.nonzero()[:, 0].to(images.device)
        if len(indices) and images.shape[1] == 3:
            images[indices] = grey(images[indices]).expand(-1, 3, -1, -1)
        return images


def _parts(images: torch.Tensor) -> list[slice]:
    """Runs of images that stay in the cache through all steps; off the CPU, all at once."""
    count, _, height, width = images.shape
    run = max(1, _CACHED_PIXELS // (height * width)) if images.device.type == "cpu" else count
    return [slice(start, start + run) for start in range(0, count, max(run, 1))]


def grey(images: torch.Tensor) -> torch.Tensor:
    """Luminance, (N, 1, H, W)."""
    if images.shape[1] == 1:
        return images.clone()
    red, green, blue = images.unbind(1)
    return (red * _GREY[0]).add_(green, alpha=_GREY[1]).add_(blue, alpha=_GREY[2])[:, None]


def adjust_brightness_(images: torch.Tensor, factor: torch.Tensor) -> None:
    """Multiply by the factor, cut to 0..1."""
    images.mul_(factor).clamp_(0, 1)


def adjust_contrast_(images: torch.Tensor, factor: torch.Tensor) -> None:
    """Move away from the mean luminance of the image."""
    mean = grey(images).mean((1, 2, 3), keepdim=True)
    images.mul_(factor).add_(mean * (1 - factor)).clamp_(0, 1)


def adjust_saturation_(images: torch.Tensor, factor: torch.Tensor) -> None:
    """Move away from each pixel's luminance."""
    if images.shape[1] == 3:
        luminance = grey(images).mul_(1 - factor)
        images.mul_(factor).add_(luminance).clamp_(0, 1)


def adjust_hue_(images: torch.Tensor, shift: torch.Tensor) -> None:
    """Turn the colour circle, keeping each pixel's largest and smallest channel."""
    if images.shape[1] != 3:
        return
    red, green, blue = images.unbind(1)
    largest = torch.maximum(torch.maximum(red, green), blue)
    smallest = torch.minimum(torch.minimum(red, green), blue)
    chroma = largest - smallest
    hue = _hue(red, green, blue, largest, chroma).add_(shift[:, 0] * 6)
    hue.sub_(torch.div(hue, 6).floor_().mul_(6))
    # Red falls from its largest towards a hue of 3 (cyan); green and blue rise towards 2 and 4.
    share = torch.sub(hue, 3).abs_().sub_(1).clamp_(0, 1)
    torch.addcmul(smallest, chroma, share, out=red)
    torch.sub(hue, 2, out=share).abs_().sub_(1).clamp_(0, 1)
    torch.addcmul(largest, chroma, share, value=-1, out=green)
    torch.sub(hue, 4, out=share).abs_().sub_(1).clamp_(0, 1)
    torch.addcmul(largest, chroma, share, value=-1, out=blue)


def _hue(
    red: torch.Tensor,
    green: torch.Tensor,
    blue: torch.Tensor,
    largest: torch.Tensor,
    chroma: torch.Tensor,
) -> torch.Tensor:
    """The angle of each colour, in sixths of the circle: red 0, green 2, blue 4; of grey any."""
    is_red, is_green = largest == red, largest == green
    numerator = torch.where(is_green, blue - red, red - green)
    numerator = torch.where(is_red, green - blue, numerator)
    start = torch.where(is_green, 2.0, 4.0).masked_fill_(is_red, 0.0)
    return numerator.div_(chroma.clamp(min=1e-12)).add_(start)
