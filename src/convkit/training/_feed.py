"""Where do the batches come from? Data sets, loaders and tensors, all as one kind of thing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from convkit.training._processes import Processes, share_of
from convkit.training._random import mixed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convkit.data import Batches, ImageSet

Pair = tuple[Tensor, Tensor]


class Batch(NamedTuple):
    """One process's part of a batch.

    Attributes:
        images: (n, C, H, W).
        targets: (n,).
        weight: Of their mean loss, so that the mean over the processes is the mean over the whole
            batch; 0 when they are only there to keep the processes in step.
        total: Samples of the whole batch, over all processes.
    """

    images: Tensor
    targets: Tensor
    weight: float
    total: int


class Feed(ABC):
    """The batches of one set, epoch by epoch.

    Args:
        processes: Those that share each batch.
        least: The fewest samples that one of them may take.

    Attributes:
        batches: Batches in an epoch; None when nobody can know.
        last: Samples in the last of them; None when nobody can know.
    """

    batches: int | None = None
    last: int | None = None

    def __init__(self, processes: Processes, least: int) -> None:
        self.processes, self.least = processes, least

    def steps(self, accumulate: int) -> int | None:
        """Optimizer steps in an epoch, of so many batches each; None when nobody can know."""
        if self.batches is None:
            return None
        left_out = self.last is not None and self.last < self.least
        return -(-(self.batches - left_out) // accumulate)

    @abstractmethod
    def pairs(self, epoch: int, start: int = 0) -> Iterator[Pair]:
        """The whole batches of an epoch, counted from 0, from the `start`-th on."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """This process's part of the batches of an epoch."""
        return map(self._part, self.pairs(epoch, start))

    def _part(self, pair: Pair) -> Batch:
        images, targets = pair
        total = len(targets)
        if self.processes.count == 1:
            return Batch(images, targets, 1.0, total)
        share, weight = share_of(total, self.processes, self.least)
        return Batch(images[share], targets[share], weight, total)

    def every(self, step: int, first: int) -> Iterator[Pair]:
        """Every `step`-th batch of the set in its own order, from the `first` on."""
        return islice(self.pairs(0), first, None, step)

    def generators(self) -> list[torch.Generator]:
        """Generators of the loader's own that its order depends on."""
        return []

    def _count(self, samples: int, batch_size: int) -> None:
        self.batches = -(-samples // batch_size)
        self.last = samples - (self.batches - 1) * batch_size


class TensorFeed(Feed):
    """A pair of tensors, cut into batches; the order is a function of seed and epoch."""

    def __init__(
        self, pair: Pair, batch_size: int, seed: int | None, processes: Processes, least: int
    ) -> None:
        super().__init__(processes, least)
        self._images, self._labels = pair
        self._batch_size, self._seed = batch_size, seed
        self._count(len(self._images), batch_size)

    def pairs(self, epoch: int, start: int = 0) -> Iterator[Pair]:
        order = self._order(epoch)
        for begin in range(start * self._batch_size, len(self._images), self._batch_size):
            yield self._take(order, begin)

    def every(self, step: int, first: int) -> Iterator[Pair]:
        size = self._batch_size
        for begin in range(first * size, len(self._images), step * size):
            yield self._take(None, begin)

    def _order(self, epoch: int) -> Tensor | None:
        if self._seed is None:
            return None
        order = shuffled(len(self._images), self._seed, epoch)
        return order.to(self._images.device)

    def _take(self, order: Tensor | None, begin: int) -> Pair:
        part = slice(begin, begin + self._batch_size)
        chosen = part if order is None else order[part]
        return self._images[chosen], self._labels[chosen]


class ImageSetFeed(Feed):
    """An image set in its own order, for measuring."""

    def __init__(
        self, image_set: ImageSet, batch_size: int, device: torch.device, processes: Processes
    ) -> None:
        super().__init__(processes, 1)
        self._set, self._batch_size, self._device = image_set, batch_size, device
        self._count(len(image_set), batch_size)

    def pairs(self, epoch: int, start: int = 0) -> Iterator[Pair]:  # noqa: ARG002 - all are alike
        return self.every(1, start)

    def every(self, step: int, first: int) -> Iterator[Pair]:
        size = self._batch_size
        for begin in range(first * size, len(self._set), step * size):
            part = slice(begin, begin + size)
            pixels = self._set.images[part].to(self._device, non_blocking=True)
            labels = self._set.labels[part].to(self._device, non_blocking=True)
            yield self._set.preprocessing.normalize(pixels), labels


class BatchesFeed(Feed):
    """Batches of `convkit.data`: every choice is a function of seed, epoch and batch."""

    def __init__(self, source: Batches, processes: Processes, least: int) -> None:
        super().__init__(processes, least)
        self._source = source
        self._count(len(source.dataset), source.batch_size)
        if source.drop_last and self.last != source.batch_size:
            self.batches, self.last = len(source), source.batch_size

    def pairs(self, epoch: int, start: int = 0) -> Iterator[Pair]:
        if start == self.batches:
            return iter(())
        seed = self._source.state_dict()["seed"]
        self._source.load_state_dict({"seed": seed, "epoch": epoch, "batch": start})
        return iter(self._source)


def shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch."""
    generator = torch.Generator().manual_seed(mixed(seed, epoch))
    return torch.randperm(count, generator=generator)
