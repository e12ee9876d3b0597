"""Images blended with each other, and their labels with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from convkit.data._augmentation import Augmentation
from convkit.data._noise import inside
from convkit.errors import DataError


@dataclass(frozen=True)
class MixUp(Augmentation[torch.Tensor]):
    """Blend each image with the one before it (Zhang et al., 2018).

    The labels become shares of the classes, float32 (N, K), as `cross_entropy` takes them. The
    batch is shuffled already, so its neighbours are random. Each image has a share of its own, from
    Beta(alpha, alpha).

    Args:
        alpha: Greater than 0; small ones leave most images nearly whole.

    Examples:
        >>> mixup = MixUp(0.2)
        >>> mixup.mix_labels(torch.eye(2), torch.tensor([0.75, 1.0]))
        tensor([[0.7500, 0.2500],
                [0.0000, 1.0000]])
    """

    alpha: float = 1.0
    mixes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_alpha("MixUp", self.alpha)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """The share that each image keeps, float64 (N,)."""
        return _beta(self.alpha, shape[0], generator)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Blend the images."""
        return torch.lerp(images.roll(1, 0), images, parameters.to(images)[:, None, None, None])

    def mix_labels(self, labels: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Blend the labels alike."""
        return torch.lerp(labels.roll(1, 0), labels, parameters.to(labels)[:, None])


@dataclass(frozen=True)
class CutMix(Augmentation[torch.Tensor]):
    """Paste a window of the image before into each image (Yun et al., 2019).

    The labels become shares of the classes by the area that is left, float32 (N, K). The window's
    area is a share 1 - r of the image before it is cut off at the border, r from Beta(alpha,
    alpha).

    Args:
        alpha: Greater than 0.

    Examples:
        >>> half = torch.tensor([[0, 0, 2, 1, 2, 2], [0, 0, 0, 0, 2, 2]])
        >>> images = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1).expand(2, 1, 2, 2).clone()
        >>> CutMix().apply(images, half)[0]
        tensor([[[2., 1.],
                 [2., 1.]]])
    """

    alpha: float = 1.0
    keeps_bytes: ClassVar[bool] = True
    mixes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_alpha("CutMix", self.alpha)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
        """Windows within the image, then its size: int64 (N, 6)."""
        count, _, height, width = shape
        side = (1 - _beta(self.alpha, count, generator)).sqrt()
        edges = []
        for length in (height, width):
            middle = torch.randint(length, (count,), generator=generator)
            half = (side * length / 2).to(torch.int64)
            low = (middle - half).clamp(min=0)
            edges.append((low, (middle + half).clamp(max=length) - low))
        (top, tall), (left, wide) = edges
        size = [torch.full((count,), length) for length in (height, width)]
        return torch.stack([top, left, tall, wide, *size], 1)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Paste the windows."""
        window = inside(parameters[:, :4], images.shape).to(images.device)
        return torch.where(window, images.roll(1, 0), images)

    def mix_labels(self, labels: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Blend the labels by area."""
        _, _, tall, wide, height, width = parameters.to(torch.float64).unbind(1)
        kept = (1 - tall * wide / (height * width)).to(labels)[:, None]
        return torch.lerp(labels.roll(1, 0), labels, kept)


def _check_alpha(owner: str, alpha: float) -> None:
    """Refuse what is no parameter of a Beta distribution."""
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 < alpha < 1e6:
        raise DataError(f"{owner}: alpha={alpha!r} must be greater than 0")


def _beta(alpha: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """Numbers from Beta(alpha, alpha), float64 (N,)."""
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count))
