"""What did the user give to learn from? A feed is made of it, or it is said what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from convkit.data import Batches, ImageSet, batches
from convkit.errors import TrainingError
from convkit.training._feed import BatchesFeed, Feed, ImageSetFeed, Pair, TensorFeed
from convkit.training._loader_feed import LoaderFeed, ShuffledSampler, known_length

if TYPE_CHECKING:
    from convkit.data import Preprocessing
    from convkit.training._place import Place

Data = Any  # an ImageSet, a Dataset, a loader, or a pair (images, labels)


def training_feed(
    data: Data, batch_size: int, seed: int, augment: Sequence[Any], place: Place, least: int
) -> Feed:
    """The feed of a set to learn from.

    Args:
        data: An image set, a map-style data set, a loader, or a pair (images, labels).
        batch_size: Samples in a batch, where the data have no batches of their own.
        seed: Of order and augmentation.
        augment: Augmentations of `convkit.data`, for an image set.
        place: Where the batches are used.
        least: The fewest samples that a process may take from a batch.
    """
    _check(data, batch_size, "training")
    if augment and not isinstance(data, ImageSet):
        raise TrainingError(
            f"augment= works on an image set of convkit.data, not on {_kind(data)}: "
            "augment in the data set or the loader"
        )
    if isinstance(data, ImageSet):
        data = batches(data, batch_size, augment=augment, seed=seed, device=place.device)
    if isinstance(data, Batches):
        return BatchesFeed(data.to(place.device), place.processes, least)
    if isinstance(data, tuple | list):
        pair = checked_pair(data, "training")
        return TensorFeed(pair, batch_size, seed, place.processes, least)
    if isinstance(data, Dataset):
        in_order = isinstance(data, IterableDataset)  # it alone knows what comes next
        sampler = None if in_order else ShuffledSampler(len(cast("Sized", data)), seed)
        data = DataLoader(data, batch_size=batch_size, sampler=sampler)
    return LoaderFeed(data, seed, place.processes, least)


def reading_feed(data: Data, batch_size: int, place: Place, what: str) -> Feed:
    """The feed of a set to measure on, in its own order.

    Args:
        data: As for training, made by `in_order`.
        batch_size: Samples at a time, where the data have no batches of their own.
        place: Where the batches are used.
        what: What the data are for, in messages.
    """
    _check(data, batch_size, what)
    if isinstance(data, Batches):
        return BatchesFeed(data.to(place.device), place.processes, 1)
    if isinstance(data, ImageSet):
        return ImageSetFeed(data, batch_size, place.device, place.processes)
    if isinstance(data, tuple | list):
        return TensorFeed(checked_pair(data, what), batch_size, None, place.processes, 1)
    if isinstance(data, Dataset):
        data = DataLoader(data, batch_size=batch_size)
    # Every process reads it all and keeps its own batches: whatever a loader does, each sample is
    # measured once.
    return LoaderFeed(data, 0, type(place.processes)(), 1)


def _check(data: Data, batch_size: int, what: str) -> None:
    """Refuse what cannot be fed."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise TrainingError(f"batch_size is a whole number from 1 on, not {batch_size!r}")
    if isinstance(data, Iterator):
        raise TrainingError(
            f"the {what} data are {_kind(data)}, which can be read only once: "
            "give a loader, or a list made into a data set"
        )
    if data is None or not isinstance(data, Dataset | Iterable):
        raise TrainingError(
            f"the {what} data are {_kind(data)}: give an image set, a data set, a loader "
            "or a pair (images, labels)"
        )
    if known_length(data) == 0:
        raise TrainingError(f"the {what} set is empty: there is nothing to work on")


def _kind(data: object) -> str:
    return "None" if data is None else f"a {type(data).__name__}"


def checked_pair(data: Sequence[Any], what: str) -> Pair:
    """A pair of tensors out of a pair of tensors or arrays."""
    if len(data) != 2 or not all(isinstance(part, Tensor | np.ndarray) for part in data):
        kinds = ", ".join(type(part).__name__ for part in data[:4])
        raise TrainingError(
            f"the {what} data are a {type(data).__name__} of {len(data)} ({kinds}): "
            "give a pair (images, labels) of tensors"
        )
    images, labels = as_images(data[0]), torch.as_tensor(data[1])
    if not len(images):
        raise TrainingError(f"the {what} set is empty: there is nothing to work on")
    if len(images) != len(labels):
        raise TrainingError(
            f"the {what} data have {len(images)} images and {len(labels)} labels: "
            "each image needs one label"
        )
    if not images.is_floating_point():
        kind = str(images.dtype).removeprefix("torch.")
        raise TrainingError(
            f"the {what} images are {kind}, a network takes floats: "
            "make an image set with convkit.data.arrays, or scale them yourself"
        )
    return images, labels if labels.is_floating_point() else labels.long()


def as_images(images: Tensor | np.ndarray[Any, Any]) -> Tensor:
    """A tensor of images; float64 is only what NumPy makes of every fraction, so it is float32."""
    if isinstance(images, np.ndarray) and images.dtype == np.float64:
        images = images.astype(np.float32)
    return torch.as_tensor(images)


def images_to_predict(
    data: Any, preprocessing: Preprocessing | None
) -> tuple[Data, tuple[str, ...] | None]:
    """What to feed, and the names of the images where they are files.

    Args:
        data: Images, a set or loader, or paths of image files.
        preprocessing: How files are prepared.
    """
    if isinstance(data, str | os.PathLike):
        data = [data]
    if isinstance(data, Iterator):
        raise TrainingError(
            f"the images to predict are {_kind(data)}, which can be read only once: "
            "of files give list(...), of batches a loader"
        )
    if isinstance(data, list | tuple) and len(data) == 2 and getattr(data[1], "ndim", 0) > 2:
        raise TrainingError(
            f"the images to predict are a {type(data).__name__} of 2, which is read as (images, "
            "labels): give one tensor, torch.stack(images) or, of batches, torch.cat(batches)"
        )
    names = None
    if isinstance(data, list | tuple) and data and isinstance(data[0], str | os.PathLike):
        if preprocessing is None:
            raise TrainingError(
                "how the training images were prepared is unknown, so files cannot be: "
                "train on an image set of convkit.data, or give tensors"
            )
        names = tuple(os.fspath(path) for path in data)
        data = preprocessing.normalize(preprocessing.load(data))
    if isinstance(data, Tensor | np.ndarray):
        data = (data, torch.zeros(len(data), dtype=torch.int64))
    return data, names
