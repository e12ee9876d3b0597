"""Images given one by one to torchvision's transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convkit.data._image_set import ImageSet

Key = tuple[int, int]


class TransformedSet(Dataset[tuple[Any, int]]):
    """An image set whose images pass one by one through a transform. Made by `with_transform`.

    `set[i]` draws from the ambient random state, as every `torch.utils.data.DataLoader` expects
    (v1 and v2 transforms alike). `convkit.data.batches(set, ..., workers=2)` gives every sample a
    seed of its own instead, so that the batches are the same for any number of workers.

    Args:
        image_set: The images.
        transform: Takes a PIL image (RGB or L), gives the sample.

    Examples:
        >>> from convkit import data
        >>> sets = data.drawn_shapes(train=20, validation=10, test=10)
        >>> small = sets.train.with_transform(lambda image: image.resize((8, 8)).size)
        >>> small[0][0], small.pil_image(0).size, sum(small.counts())
        ((8, 8), (32, 32), 20)
    """

    def __init__(self, image_set: ImageSet, transform: Callable[..., object]) -> None:
        self.image_set = image_set
        self.transform = transform
        self.labels = image_set.labels
        self.class_names = image_set.class_names
        self.names = image_set.names
        self.split = image_set.split
        self.preprocessing = image_set.preprocessing

    def __len__(self) -> int:
        return len(self.image_set)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.pil_image(index)), int(self.labels[index])

    def __repr__(self) -> str:
        return f"{self.image_set!r} through {type(self.transform).__name__}"

    def pil_image(self, index: int) -> Image.Image:
        """One image as PIL.

        Args:
            index: From 0 to `len(set) - 1`.
        """
        pixels = self.image_set.images[index].permute(1, 2, 0).numpy()
        return Image.fromarray(
            np.ascontiguousarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
        )

    def counts(self) -> tuple[int, ...]:
        """The number of images of each class."""
        return self.image_set.counts()


class _Seeded(Dataset[tuple[Any, int]]):
    """The same samples, asked for by (index, seed), whatever the ambient random state."""

    def __init__(self, samples: TransformedSet) -> None:
        self.samples = samples

    def __getitem__(self, key: Key) -> tuple[Any, int]:
        index, seed = key
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            sample, label = self.samples[index]
        if isinstance(sample, Image.Image):
            raise DataError(
                "the transform gives PIL images, of which no batch can be made: let it end in "
                "torchvision's ToTensor()"
            )
        return sample, label


def transformed_batches(
    samples: TransformedSet, keys: list[list[Key]], workers: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of samples in this process or in others.

    Args:
        samples: The images and their transform.
        keys: For each batch the indices of its images, each with its seed.
        workers: Processes that work ahead; 0 for none.
    """
    loader = DataLoader(
        _Seeded(samples),
        batch_sampler=keys,
        num_workers=workers,
        generator=torch.Generator(),  # else the loader draws a seed from the ambient state
    )
    yield from loader
