"""How is a loader of the user's own read, resumed and shared between processes?"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.utils.data import DataLoader, IterableDataset, Sampler
from torch.utils.data.distributed import DistributedSampler

from convkit.errors import TrainingError
from convkit.training._feed import Batch, Feed, Pair, shuffled
from convkit.training._processes import Processes, share_of
from convkit.training._random import mixed

if TYPE_CHECKING:
    from collections.abc import Iterable


class LoaderFeed(Feed):
    """Any loader; its order and augmentation come from the random state in which it starts."""

    def __init__(self, loader: Iterable[Any], seed: int, processes: Processes, least: int) -> None:
        super().__init__(processes, least)
        self._own_share = processes.count > 1 and _has_distributed_sampler(loader)
        self._shared: SharedBatches | None = None
        self._loader = loader
        self.batches = known_length(loader)
        self.last = _size_of_last(loader)
        if processes.count > 1 and not self._own_share:
            self._share(seed)

    def _share(self, seed: int) -> None:
        """Let every process load only its own part, where the loader can be told so."""
        loader = self._loader
        if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
            return
        if loader.batch_sampler is not None:
            self._shared = SharedBatches(loader.batch_sampler, seed, self.processes, self.least)
            self._loader = _with_batches(loader, self._shared)

    def pairs(self, epoch: int, start: int = 0) -> Iterator[Pair]:
        for holder in self._holders():
            if hasattr(holder, "set_epoch"):
                holder.set_epoch(epoch)
        source = iter(self._loader)
        # Taken here, not when the first batch is asked for: whoever resumes sets the random
        # state after the batches that are done have been drawn once more.
        for _ in islice(source, start):
            pass
        return map(as_pair, source)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        if self._shared is not None:
            pairs = self.pairs(epoch, start)
            shares = self._shared.shares[start:]
            return (
                Batch(*pair, weight, total)
                for pair, (weight, total) in zip(pairs, shares, strict=True)
            )
        if self._own_share:
            count = self.processes.count
            return (Batch(*p, 1.0, len(p[1]) * count) for p in self.pairs(epoch, start))
        return super().epoch(epoch, start)

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


class SharedBatches(Sampler[list[int]]):
    """One process's part of every batch of a batch sampler.

    All processes draw the same batches, since they draw from one seed for each epoch.
    """

    def __init__(self, batches: Iterable[Any], seed: int, processes: Processes, least: int) -> None:
        self._batches, self._seed = batches, seed
        self._processes, self._least = processes, least
        self.shares: list[tuple[float, int]] = []
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the batches of an epoch."""
        holders: tuple[Any, ...] = (self._batches, getattr(self._batches, "sampler", None))
        for holder in holders:
            if hasattr(holder, "set_epoch"):
                holder.set_epoch(epoch)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(mixed(self._seed, epoch))
            self._drawn = [list(batch) for batch in self._batches]
        self.shares = [
            (share_of(len(batch), self._processes, self._least)[1], len(batch))
            for batch in self._drawn
        ]

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self._drawn:
            yield batch[share_of(len(batch), self._processes, self._least)[0]]

    def __len__(self) -> int:
        return len(self._drawn)


def as_pair(batch: Any) -> Pair:
    """The images and labels of what a loader gave."""
    try:
        images, targets = batch
    except (TypeError, ValueError):
        raise TrainingError(
            f"a loader gives pairs (images, labels), this one gave a {type(batch).__name__}"
        ) from None
    if not isinstance(images, torch.Tensor) or not isinstance(targets, torch.Tensor):
        raise TrainingError(
            "a loader gives pairs (images, labels) of tensors, this one gave "
            f"({type(images).__name__}, {type(targets).__name__})"
        )
    return images, targets if targets.is_floating_point() else targets.long()


def known_length(data: Any) -> int | None:
    """How many samples or batches there are; None when nobody can know."""
    try:
        return len(data)
    except TypeError:  # it has no length, or, as a loader of a stream, claims one that it has not
        return None


def _has_distributed_sampler(loader: Any) -> bool:
    sampler = getattr(loader, "sampler", None)
    inner = getattr(getattr(loader, "batch_sampler", None), "sampler", None)
    return isinstance(sampler, DistributedSampler) or isinstance(inner, DistributedSampler)


def _size_of_last(loader: Any) -> int | None:
    """Samples in the last batch of an ordinary loader; None when nobody can know."""
    if not isinstance(loader, DataLoader) or not loader.batch_size:
        return None
    if loader.drop_last:
        return loader.batch_size
    sampler = loader.sampler
    if not isinstance(sampler, Sized):
        return None
    return len(sampler) % loader.batch_size or loader.batch_size


def _with_batches(loader: DataLoader[Any], batches: SharedBatches) -> DataLoader[Any]:
    """The same loader with another batch sampler."""
    return DataLoader(
        loader.dataset,
        batch_sampler=cast("Any", batches),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
    )
