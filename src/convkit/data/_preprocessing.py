"""What is done to every image alike, in training, testing and use."""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, asdict, dataclass, fields
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from convkit.data._fitting import Size, check_size, fit, margin
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Size, channels and normalisation of a network's images, as plain values.

    It is stored with a run, so that files given later become the same numbers as in training:
    `(value / 255 - mean) / std` of an image fitted to `size`.

    Args:
        size: An int: the shorter side becomes `resize` (or `size`) and a square is cut from the
            middle. A pair (height, width): stretched to exactly that. None: as the files are.
        resize: The shorter side before the crop, for instance 256 before a crop of 224.
        channels: 3 for RGB, 1 for grey.
        mean: Per channel, of values from 0 to 1; one number counts for every channel.
        std: Per channel, greater than 0; one number counts for every channel.

    Raises:
        DataError: When a value cannot be.

    Examples:
        >>> preprocessing = Preprocessing(224, resize=256, mean=IMAGENET_MEAN, std=IMAGENET_STD)
        >>> Preprocessing.from_dict(preprocessing.to_dict()) == preprocessing
        True
        >>> preprocessing.normalize(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))[0, :, 0, 0]
        tensor([2.2489, 2.4286, 2.6400])

        >>> numbers = preprocessing.normalize_(torch.ones(1, 3, 1, 1))
        >>> preprocessing.denormalize(numbers).flatten().tolist()
        [255, 255, 255]
        >>> preprocessing.centre(torch.zeros(3, 256, 256)).shape
        torch.Size([3, 224, 224])
        >>> preprocessing.check_images(torch.zeros(1, 3, 224, 224))
    """

    size: Size = None
    _: KW_ONLY
    resize: int | None = None
    channels: int = 3
    mean: float | Sequence[float] = 0.0
    std: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        check_size(self.size, self.resize)
        if self.channels not in {1, 3}:
            raise DataError(f"channels={self.channels!r}: images have 3 channels (RGB) or 1 (grey)")
        object.__setattr__(self, "mean", _per_channel("mean", self.mean, self.channels))
        std = _per_channel("std", self.std, self.channels)
        if min(std) <= 0:
            raise DataError(f"std={std!r}: a standard deviation is greater than 0")
        object.__setattr__(self, "std", std)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: tuples become lists."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name != "_"
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Args:
            values: What `to_dict` gave, or JSON made of it.

        Raises:
            DataError: When a value is unknown or cannot be.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise DataError(f"unknown preprocessing {unknown}; known are {sorted(known)}")
        # JSON has no tuples.
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**plain)

    def load(
        self, paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
    ) -> torch.Tensor:
        """Decode and fit image files.

        Args:
            paths: One file per image; a single path is one image.

        Returns:
            uint8 images of shape (N, C, H, W).

        Raises:
            DataError: When a file is not a readable image (named with its reason), or `size` is
                None and the files differ in size.
        """
        from convkit.data._loading import load_images

        if isinstance(paths, (str, os.PathLike)):
            paths = [paths]
        return load_images([os.fspath(path) for path in paths], self).images

    def __call__(self, picture: Image.Image) -> torch.Tensor:
        """Fit and normalise one PIL image, as torchvision's transforms do.

        Args:
            picture: Of any mode and size.

        Returns:
            float32 of shape (C, H, W).
        """
        fitted = fit(picture.convert("RGB" if self.channels == 3 else "L"), self.size, self.resize)
        pixels = torch.from_numpy(np.array(fitted)).reshape(fitted.height, fitted.width, -1)
        return self.normalize(pixels.permute(2, 0, 1))

    def normalize(self, images: torch.Tensor) -> torch.Tensor:
        """Make numbers for the network out of pixels.

        Args:
            images: uint8 images of shape (..., C, H, W).

        Returns:
            float32 of the same shape, a new tensor on the same device.

        Raises:
            DataError: When the images are not uint8 or have another number of channels.
        """
        if images.dtype != torch.uint8 or images.ndim < 3 or images.shape[-3] != self.channels:
            raise DataError(
                f"normalize takes uint8 images of shape (..., {self.channels}, H, W), "
                f"got {images.dtype} {tuple(images.shape)}"
            )
        floats = images.to(torch.float32, memory_format=torch.contiguous_format)
        return self.normalize_(floats, largest=255.0)

    def normalize_(self, images: torch.Tensor, largest: float = 1.0) -> torch.Tensor:
        """Normalise floats from 0 to `largest` in place, in two passes.

        Args:
            images: float (..., C, H, W), written to.
            largest: The value of full brightness.

        Returns:
            The same tensor.
        """
        scale, shift = self.scale_and_shift(largest)
        return images.mul_(scale.to(images)).add_(shift.to(images))

    def scale_and_shift(self, largest: float = 255.0) -> tuple[torch.Tensor, torch.Tensor]:
        """The normalisation as one multiplication and one addition: `value * scale + shift`.

        Args:
            largest: The value of full brightness: 255 for uint8.

        Returns:
            Scale and shift, float64 of shape (C, 1, 1); in float32 they are what `normalize` uses.

        Examples:
            >>> scale, shift = Preprocessing(channels=1, mean=0.5, std=0.25).scale_and_shift()
            >>> (255 * scale + shift).item()
            2.0
        """
        mean = torch.tensor(self.mean, dtype=torch.float64)
        std = torch.tensor(self.std, dtype=torch.float64)
        return (1 / (largest * std))[:, None, None], (-mean / std)[:, None, None]

    def centre(self, images: torch.Tensor) -> torch.Tensor:
        """The middle of images that were kept with a border around `size`; others as they are.

        Args:
            images: Of shape (..., H, W).

        Returns:
            A view of shape (..., height, width) of `size`.
        """
        if self.size is None:
            return images
        height, width = self.size if isinstance(self.size, tuple) else (self.size, self.size)
        if images.shape[-2] <= height and images.shape[-1] <= width:
            return images
        top, left = margin(images.shape[-2], height), margin(images.shape[-1], width)
        return images[..., max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width]

    def denormalize(self, images: torch.Tensor) -> torch.Tensor:
        """Make pixels out of the network's numbers, the inverse of `normalize`.

        Args:
            images: float images of shape (..., C, H, W).

        Returns:
            uint8 of the same shape, rounded and cut to 0..255.
        """
        mean = torch.tensor(self.mean).to(images)[:, None, None]
        std = torch.tensor(self.std).to(images)[:, None, None]
        return images.mul(std).add_(mean).mul_(255).round_().clamp_(0, 255).to(torch.uint8)

    def check_images(self, images: torch.Tensor) -> None:
        """Refuse images of another size.

        Args:
            images: Of shape (N, C, H, W).

        Raises:
            DataError: Naming both sizes.
        """
        size = (self.size, self.size) if isinstance(self.size, int) else self.size
        given = tuple(images.shape[-2:])
        if size is not None and given != size:
            raise DataError(
                f"images of {given[0]}x{given[1]} where {size[0]}x{size[1]} are expected: "
                f"load them with size={self.size!r}"
            )


def _per_channel(name: str, value: float | Sequence[float], channels: int) -> tuple[float, ...]:
    """One float for each channel."""
    numbers = [value] * channels if isinstance(value, (int, float)) else list(value)
    if len(numbers) != channels:
        raise DataError(f"{name}={value!r} has {len(numbers)} values for {channels} channels")
    if not all(isinstance(number, (int, float)) and isfinite(number) for number in numbers):
        raise DataError(f"{name}={value!r}: every value must be a finite number")
    return tuple(map(float, numbers))
