"""Images in memory with their labels: what a network trains on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import torch
from torch.utils.data import Dataset

from convkit.data._copying import copy_of
from convkit.data._labels import UNLABELLED, check_labels
from convkit.data._preprocessing import Preprocessing
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from pathlib import Path

    from numpy.typing import ArrayLike

    from convkit.data._transformed import TransformedSet

Split = Literal["train", "validation", "test"]


class ImageSet(Dataset[tuple[torch.Tensor, int]]):
    """Decoded images with labels, a map-style `torch.utils.data.Dataset`.

    `set[i]` is the normalised image, float32 (C, H, W), and its label, an int; `len(set)` the
    number of images. `torch.utils.data.DataLoader` takes it as it is; `convkit.data.batches` is
    faster.

    Args:
        images: uint8, shape (N, C, H, W), in memory or mapped from a file. When they are larger
            than `preprocessing.size`, what lies around it is a border: `set.stored` has it, for
            random crops, `set.images` is the middle.
        labels: int64, shape (N,), indices into `class_names`; -1 throughout when unlabelled.
        class_names: One name per class.
        names: One name per image, such as its path below the root; numbers when left out.
        split: What the images are for: `"train"`, `"validation"` or `"test"`.
        preprocessing: Size and normalisation, stored with a run; none when left out.

    Raises:
        DataError: When lengths, types or labels do not fit together.

    Examples:
        >>> images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
        >>> image_set = ImageSet(images, torch.tensor([0, 1]), class_names=("cat", "dog"))
        >>> image, label = image_set[1]
        >>> image.shape, image.dtype, label
        (torch.Size([3, 8, 8]), torch.float32, 1)

        >>> image_set.labelled, image_set.counts(), len(image_set.subset([1]))
        (True, (1, 1), 1)
        >>> image_set.with_normalization(mean=0.5, std=0.5)[0][0].unique()
        tensor([-1.])
    """

    def __init__(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        *,
        class_names: Sequence[str],
        names: Sequence[str] | None = None,
        split: Split = "train",
        preprocessing: Preprocessing | None = None,
    ) -> None:
        self.stored = images
        self.labels = labels
        self.class_names = tuple(class_names)
        self.names = tuple(names) if names is not None else tuple(map(str, range(len(images))))
        self.split: Split = split
        self.preprocessing = preprocessing or _preprocessing_of(images)
        self.images = self.preprocessing.centre(images)
        self._check()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.preprocessing.normalize(self.images[index]), int(self.labels[index])

    def __repr__(self) -> str:
        _, channels, height, width = self.images.shape
        return (
            f"ImageSet({self.split}: {len(self):,} images, {channels}x{height}x{width}, "
            f"{len(self.class_names)} classes)"
        )

    @property
    def labelled(self) -> bool:
        """Whether the classes of the images are known."""
        return len(self) == 0 or int(self.labels[0]) != UNLABELLED

    def counts(self) -> tuple[int, ...]:
        """The number of images of each class."""
        labels = self.labels if self.labelled else self.labels[:0]
        return tuple(torch.bincount(labels, minlength=len(self.class_names)).tolist())

    def subset(self, indices: ArrayLike | torch.Tensor, split: Split | None = None) -> ImageSet:
        """The images at some indices, copied, in that order.

        Args:
            indices: (K,), whole numbers from 0 to `len(set) - 1`.
            split: What they are for; as this set when left out.

        Returns:
            A new set.
        """
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        return ImageSet(
            copy_of(self.stored, chosen),
            self.labels[chosen],
            class_names=self.class_names,
            names=[self.names[i] for i in chosen.tolist()],
            split=split or self.split,
            preprocessing=self.preprocessing,
        )

    def sample(self, count: int, *, seed: int = 0) -> ImageSet:
        """Random images, each at most once: such as the one batch on which a network is tried.

        They are the first of `torch.randperm(len(set))` with the seed.

        Args:
            count: How many; all of them, in random order, when there are no more.
            seed: The same seed takes the same images.

        Returns:
            A new set.

        Raises:
            DataError: When the count is no whole number from 1 on.

        Examples:
            >>> from convkit import data
            >>> images = data.drawn_shapes(train=100, validation=0, test=0).train
            >>> batch = images.sample(48)
            >>> len(batch), batch.names == images.sample(48, seed=1).names
            (48, False)
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise DataError(f"count={count!r}: a sample is a whole number of images from 1 on")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return self.subset(order[:count])

    def with_normalization(
        self, mean: float | Sequence[float], std: float | Sequence[float]
    ) -> ImageSet:
        """The same images (not copied) with another normalisation.

        Args:
            mean: Per channel, of values from 0 to 1; one number counts for every channel.
            std: Per channel, greater than 0; one number counts for every channel.

        Returns:
            A new set.
        """
        return ImageSet(
            self.stored,
            self.labels,
            class_names=self.class_names,
            names=self.names,
            split=self.split,
            preprocessing=replace(self.preprocessing, mean=mean, std=std),
        )

    def with_transform(self, transform: Callable[..., object]) -> TransformedSet:
        """The same images, each given to a torchvision transform (v1 or v2) as a PIL image.

        The transform does all of it, `ToTensor` and `Normalize` included; what it returns is the
        sample. Batches are made of tensors: pictures are refused by them. See `TransformedSet`.

        Args:
            transform: Takes a PIL image (RGB or L), gives the sample.
        """
        from convkit.data._transformed import TransformedSet

        return TransformedSet(self, transform)

    def write_images(
        self,
        folder: str | PathLike[str],
        *,
        size: tuple[int, int] | None = None,
        suffix: str = ".png",
    ) -> list[Path]:
        """Write every image as a file, `CLASS/NUMBER.png` below a folder.

        `convkit.data.image_folder` reads them again. Unlabelled images stand in the folder itself.

        Args:
            folder: It is made when it is missing.
            size: Height and width to which the images are resized; None leaves them as they are.
            suffix: Of the files; it names the format that they are in.

        Returns:
            The paths, in the order of the images.

        Raises:
            DataError: When a class has a name that no folder can have.
        """
        from convkit.data._writing import write_images

        return write_images(self, folder, size, suffix)

    def _check(self) -> None:
        """Refuse what does not fit together."""
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise DataError(
                "images must be uint8 of shape (N, C, H, W), "
                f"got {self.images.dtype} {tuple(self.images.shape)}"
            )
        if self.labels.dtype != torch.int64 or self.labels.ndim != 1:
            raise DataError(
                f"labels must be int64 of shape (N,), got {self.labels.dtype} "
                f"{tuple(self.labels.shape)}"
            )
        lengths = {"images": len(self.images), "labels": len(self.labels), "names": len(self.names)}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{count:,} {name}" for name, count in lengths.items())
            raise DataError(f"{self.split}: every image needs one label and one name, got {found}")
        if self.images.shape[1] != self.preprocessing.channels:
            raise DataError(
                f"images of {self.images.shape[1]} channels with a preprocessing of "
                f"{self.preprocessing.channels}"
            )
        self.preprocessing.check_images(self.images)
        check_labels(self.labels, self.class_names, self.names, self.split)


def _preprocessing_of(images: torch.Tensor) -> Preprocessing:
    """No normalisation, the size of the images; what is wrong with them is said later."""
    if images.ndim != 4 or images.shape[1] not in {1, 3}:
        raise DataError(
            "images must be uint8 of shape (N, 3, H, W) or (N, 1, H, W), "
            f"got {images.dtype} {tuple(images.shape)}"
        )
    return Preprocessing((images.shape[2], images.shape[3]), channels=images.shape[1])
