"""Mirrored images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from convkit.data._augmentation import Augmentation, check_probability, chosen


@dataclass(frozen=True)
class HorizontalFlip(Augmentation[torch.Tensor]):
    """Swap left and right.

    Args:
        probability: Of each image being flipped.

    Examples:
        >>> HorizontalFlip(1.0)(torch.tensor([[[[1, 2, 3]]]], dtype=torch.uint8))
        tensor([[[[3, 2, 1]]]], dtype=torch.uint8)
    """

    probability: float = 0.5
    keeps_bytes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_probability("HorizontalFlip", self.probability)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Which images to flip, bool (N,)."""
        return chosen(shape[0], self.probability, generator)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Flip those images."""
        return _flipped(images, parameters, dimension=3)


@dataclass(frozen=True)
class VerticalFlip(Augmentation[torch.Tensor]):
    """Swap top and bottom.

    Args:
        probability: Of each image being flipped.

    Examples:
        >>> VerticalFlip(1.0)(torch.tensor([[[[1], [2]]]], dtype=torch.uint8))
        tensor([[[[2],
                  [1]]]], dtype=torch.uint8)
    """

    probability: float = 0.5
    keeps_bytes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_probability("VerticalFlip", self.probability)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Which images to flip, bool (N,)."""
        return chosen(shape[0], self.probability, generator)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Flip those images."""
        return _flipped(images, parameters, dimension=2)


def _flipped(images: torch.Tensor, which: torch.Tensor, dimension: int) -> torch.Tensor:
    """Some images mirrored along one dimension, in place."""
    indices = which.nonzero()[:, 0].to(images.device)
    if len(indices):
        images[indices] = images[indices].flip(dimension)
    return images
