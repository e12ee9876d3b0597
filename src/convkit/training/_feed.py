"""Where do the batches come from? Data sets, loaders and tensors, all as one kind of thing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from convkit.data import Batches, ImageSet, batches
from convkit.errors import TrainingError
from convkit.training._random import mixed

Batch = tuple[Tensor, Tensor]
Data = Any  # an ImageSet, a Dataset, a loader, or a pair (images, labels)


class Feed(ABC):
    """The batches of one set, epoch by epoch.

    Attributes:
        batches: Batches in an epoch; None when nobody can know.
        samples: Samples in an epoch; None when nobody can know.
        last: Samples in the last batch; None when nobody can know.
    """

    batches: int | None = None
    samples: int | None = None
    last: int | None = None

    @abstractmethod
    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, counted from 0, from the `start`-th on."""

    def generators(self) -> list[torch.Generator]:
        """Generators of the loader's own that its order depends on."""
        return []

    def _count(self, samples: int, batch_size: int) -> None:
        self.samples = samples
        self.batches = -(-samples // batch_size)
        self.last = samples - (self.batches - 1) * batch_size


class TensorFeed(Feed):
    """A pair of tensors, cut into batches; the order is a function of seed and epoch."""

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, seed: int | None) -> None:
        self._images, self._labels = images, labels
        self._batch_size, self._seed = batch_size, seed
        self._count(len(images), batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        order = None if self._seed is None else shuffled(len(self._images), self._seed, epoch)
        for begin in range(start * self._batch_size, len(self._images), self._batch_size):
            part = slice(begin, begin + self._batch_size)
            if order is None:
                yield self._images[part], self._labels[part]
            else:
                chosen = order[part].to(self._images.device)
                yield self._images[chosen], self._labels[chosen]


class BatchesFeed(Feed):
    """Batches of `convkit.data`: every choice is a function of seed, epoch and batch."""

    def __init__(self, source: Batches) -> None:
        self._source = source
        self._count(len(source.dataset), source.batch_size)
        if source.drop_last and self.last != source.batch_size:
            self.batches, self.last = len(source), source.batch_size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        seed = self._source.state_dict()["seed"]
        self._source.load_state_dict({"seed": seed, "epoch": epoch, "batch": start})
        return iter(self._source)


class LoaderFeed(Feed):
    """Any loader. Its order and its augmentation come from the random state at its start."""

    def __init__(self, loader: Iterable[Any]) -> None:
        self._loader = loader
        self.batches = len(loader) if isinstance(loader, Sized) else None
        dataset = getattr(loader, "dataset", None)
        batch_size = getattr(loader, "batch_size", None)
        if isinstance(dataset, Sized) and batch_size and _takes_all(cast("Any", loader)):
            self.samples = len(dataset)
            if not getattr(loader, "drop_last", False):
                self.last = self.samples % batch_size or batch_size
            else:
                self.last = batch_size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        for holder in self._holders():
            if hasattr(holder, "set_epoch"):
                holder.set_epoch(epoch)
        source = iter(self._loader)
        # Taken here, not when the first batch is asked for: whoever resumes sets the random
        # state after the batches that are done have been drawn once more.
        for _ in islice(source, start):
            pass
        return (as_batch(batch) for batch in source)

    def generators(self) -> list[torch.Generator]:
        found = [getattr(holder, "generator", None) for holder in self._holders()]
        unique = {id(g): g for g in found if isinstance(g, torch.Generator)}
        return list(unique.values())

    def _holders(self) -> list[Any]:
        """The loader and the samplers inside it."""
        sampler = getattr(self._loader, "sampler", None)
        batch_sampler = getattr(self._loader, "batch_sampler", None)
        return [self._loader, sampler, batch_sampler, getattr(batch_sampler, "sampler", None)]


class ShuffledSampler(Sampler[int]):
    """An order for each epoch that is a function of seed and epoch."""

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed, self._epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(shuffled(self._count, self._seed, self._epoch).tolist())

    def __len__(self) -> int:
        return self._count


def shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch."""
    generator = torch.Generator().manual_seed(mixed(seed, epoch))
    return torch.randperm(count, generator=generator)


def make_feed(
    data: Data,
    batch_size: int,
    device: torch.device,
    *,
    seed: int | None,
    augment: Sequence[Any] = (),
    what: str = "training",
) -> Feed:
    """Turn what the user gave into a feed.

    Args:
        data: An ImageSet, a map-style Dataset, a loader, or a pair (images, labels).
        batch_size: Samples in a batch, where the data have no batches of their own.
        device: Where the batches are used.
        seed: Of the order; None keeps the order of the data.
        augment: Augmentations of `convkit.data`, for an ImageSet.
        what: What the data are for, in messages.
    """
    if batch_size < 1:
        raise TrainingError(f"batch_size is at least 1, not {batch_size}")
    if augment and not isinstance(data, ImageSet):
        raise TrainingError(
            f"augment= works on an image set of convkit.data, not on {type(data).__name__}: "
            "augment in the data set or the loader"
        )
    if isinstance(data, Sized) and not len(data):
        raise TrainingError(f"the {what} set is empty: there is nothing to learn from")
    feed = _feed(data, batch_size, device, seed, augment, what)
    if feed.samples == 0 or feed.batches == 0:
        raise TrainingError(f"the {what} set is empty: there is nothing to learn from")
    return feed


def _feed(
    data: Data,
    batch_size: int,
    device: torch.device,
    seed: int | None,
    augment: Sequence[Any],
    what: str,
) -> Feed:
    if isinstance(data, Batches):
        return BatchesFeed(data.to(device))
    if isinstance(data, ImageSet):
        shuffle = seed is not None
        made = batches(
            data, batch_size, augment=augment, shuffle=shuffle, seed=seed or 0, device=device
        )
        return BatchesFeed(made)
    if isinstance(data, tuple | list):
        images, labels = as_pair(data, what)
        return TensorFeed(images, labels, batch_size, seed)
    if isinstance(data, Dataset):
        sampler = None if seed is None else ShuffledSampler(len(cast("Sized", data)), seed)
        return LoaderFeed(DataLoader(data, batch_size=batch_size, sampler=sampler))
    if isinstance(data, Iterable):
        return LoaderFeed(data)
    raise TrainingError(
        f"the {what} data are a {type(data).__name__}: give an image set, a data set, a loader "
        "or a pair (images, labels)"
    )


def as_pair(data: Sequence[Any], what: str) -> Batch:
    """A pair of tensors out of a pair of tensors or arrays."""
    if len(data) != 2 or not all(isinstance(part, Tensor | np.ndarray) for part in data):
        kinds = ", ".join(type(part).__name__ for part in data[:4])
        raise TrainingError(f"the {what} data are ({kinds}): a pair (images, labels) of tensors is")
    images, labels = (torch.as_tensor(part) for part in data)
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
    return images, labels.long() if not labels.is_floating_point() else labels


def as_batch(batch: Any) -> Batch:
    """The images and labels of what a loader gave."""
    try:
        images, targets = batch
    except (TypeError, ValueError):
        raise TrainingError(
            f"a loader gives pairs (images, labels), this one gave a {type(batch).__name__}"
        ) from None
    return images, targets


def _takes_all(loader: DataLoader[Any]) -> bool:
    """Whether the loader goes once over its whole data set."""
    sampler, dataset = getattr(loader, "sampler", None), loader.dataset
    return isinstance(sampler, Sized) and len(sampler) == len(cast("Sized", dataset))
