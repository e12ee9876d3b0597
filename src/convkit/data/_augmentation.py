"""What every augmentation is: random parameters for a whole batch, then one call for all of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

import torch

from convkit.errors import DataError

Parameters = TypeVar("Parameters")


class Augmentation(ABC, Generic[Parameters]):
    """A random change of a batch of images, with parameters of its own for every image.

    Drawing and applying are two steps: `draw` makes the parameters of all images at once on the
    CPU, from the generator it is given; `apply` is arithmetic without chance, on the device of the
    images.

    Examples:
        >>> import torch
        >>> from convkit import data
        >>> images = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4)
        >>> flip = data.HorizontalFlip(1.0)
        >>> flip(images, seed=0)[0, 0, 0]
        tensor([3, 2, 1, 0], dtype=torch.uint8)
        >>> drawn = flip.draw(images.shape, torch.Generator().manual_seed(0))
        >>> flip.apply(images.clone(), drawn)[0, 0, 0]
        tensor([3, 2, 1, 0], dtype=torch.uint8)
    """

    __slots__ = ()

    # Whether uint8 images go through without rounding, as in moving pixels about.
    keeps_bytes: ClassVar[bool] = False
    # Whether the labels change too, into shares of the classes.
    mixes: ClassVar[bool] = False

    @abstractmethod
    def draw(self, shape: torch.Size, generator: torch.Generator) -> Parameters:
        """Draw random parameters for a batch.

        Args:
            shape: Of the images, (N, C, H, W).
            generator: On the CPU; nothing else is asked for chance.

        Returns:
            What `apply` takes; of a kind of its own for each augmentation.
        """

    @abstractmethod
    def apply(self, images: torch.Tensor, parameters: Parameters) -> torch.Tensor:
        """Change images as the parameters say.

        Args:
            images: (N, C, H, W), float from 0 to 1, or uint8 where `keeps_bytes`; may be written
                to.
            parameters: From `draw`.
        """

    def mix_labels(self, labels: torch.Tensor, parameters: Parameters) -> torch.Tensor:
        """Change the labels of a batch; only called where `mixes`.

        Args:
            labels: Shares of the classes, float32 (N, K), each row adding up to 1.
            parameters: From `draw`.
        """
        del parameters
        return labels

    def __call__(self, images: torch.Tensor, *, seed: int = 0) -> torch.Tensor:
        """Change a copy of the images.

        Args:
            images: uint8 or float from 0 to 1, shape (N, C, H, W).
            seed: The same seed, the same change.

        Returns:
            Images of the same type; bytes are rounded.
        """
        if images.ndim != 4 or not (images.dtype == torch.uint8 or images.is_floating_point()):
            raise DataError(
                f"{type(self).__name__} takes uint8 or float images of shape (N, C, H, W), "
                f"got {images.dtype} {tuple(images.shape)}"
            )
        parameters = self.draw(images.shape, torch.Generator().manual_seed(seed))
        with torch.no_grad():
            if self.keeps_bytes or images.is_floating_point():
                return self.apply(images.clone(), parameters)
            return to_bytes(self.apply(to_floats(images), parameters))


def to_floats(images: torch.Tensor) -> torch.Tensor:
    """uint8 made into float32 from 0 to 1; floats as they are."""
    return images if images.is_floating_point() else images.to(torch.float32).div_(255)


def to_bytes(images: torch.Tensor) -> torch.Tensor:
    """Floats from 0 to 1 made into uint8, rounded."""
    return images.mul(255).round_().clamp_(0, 255).to(torch.uint8)


def uniform(
    count: int, low: float, high: float, generator: torch.Generator, columns: int | None = None
) -> torch.Tensor:
    """Numbers from `low` to `high`, float64, shape (N,) or (N, columns)."""
    shape = (count,) if columns is None else (count, columns)
    return torch.rand(shape, generator=generator, dtype=torch.float64) * (high - low) + low


def chosen(count: int, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Which images are changed, bool (N,)."""
    return torch.rand(count, generator=generator) < probability


def check_probability(name: str, probability: float) -> None:
    """Refuse what is no probability."""
    if isinstance(probability, bool) or not isinstance(probability, (int, float)):
        raise DataError(f"{name}: probability={probability!r} must be a number from 0 to 1")
    if not 0 <= probability <= 1:
        raise DataError(f"{name}: probability={probability!r} must be from 0 to 1")


def check_range(owner: str, name: str, value: tuple[float, float], low: float, high: float) -> None:
    """Refuse what is no pair (least, most) between two limits."""
    if not isinstance(value, tuple) or len(value) != 2 or not low <= value[0] <= value[1] <= high:
        raise DataError(
            f"{owner}: {name}={value!r} must be a pair (least, most) from {low:g} to {high:g}"
        )


def pair(owner: str, name: str, value: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width of one number or two."""
    sides = value if isinstance(value, tuple) else (value, value)
    if len(sides) != 2 or not all(isinstance(s, int) and 0 < s <= 16_384 for s in sides):
        raise DataError(f"{owner}: {name}={value!r} must be a whole number or a pair, from 1 on")
    return sides
