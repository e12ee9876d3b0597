"""Whole batches of images, augmented and normalised at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch.nn.functional import one_hot

from convkit.data._augmentation import to_floats
from convkit.data._image_set import ImageSet
from convkit.data._prefetching import prefetched
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convkit.data._augmentation import Augmentation
    from convkit.data._transformed import TransformedSet

Batch = tuple[torch.Tensor, torch.Tensor]
_ORDER, _CHANGE = 0, 1  # the two things that chance decides


class Batches:
    """Batches of one image set; each iteration is one epoch. Made by `batches`.

    Args:
        dataset: The images.
        batch_size: Images per batch; the last may be smaller.
        augment: Augmentations, applied in this order.
        shuffle: Whether each epoch has an order of its own.
        drop_last: Whether a smaller last batch is left out.
        seed: Of order and augmentation.
        device: Where the batches are made; images travel there as uint8.
        prefetch: How many batches a thread makes ahead; 0 for none.
        workers: Processes that run torchvision's transforms; 0 for none.

    Examples:
        >>> import torch
        >>> from convkit import data
        >>> sets = data.drawn_shapes(train=10, validation=10, test=10)
        >>> batches = data.batches(sets.train, batch_size=4, seed=0)
        >>> len(batches), [len(labels) for _, labels in batches]
        (3, [4, 4, 2])
        >>> state = batches.state_dict()
        >>> batches.load_state_dict(state)
        >>> _ = batches.to("cpu")
    """

    def __init__(
        self,
        dataset: ImageSet | TransformedSet,
        batch_size: int,
        *,
        augment: Sequence[Augmentation[Any]],
        shuffle: bool,
        drop_last: bool,
        seed: int,
        device: torch.device,
        prefetch: int,
        workers: int,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.augment = tuple(augment)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.seed = seed
        self.device = device
        self.prefetch = prefetch
        self.workers = workers
        self.epoch = 0
        self._batch = 0
        self._resume = 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def __iter__(self) -> Iterator[Batch]:
        """One epoch, or the rest of it after `load_state_dict`."""
        epoch, first = self.epoch, self._resume
        self._resume = 0
        self._batch = first
        for batch in self._made(epoch, first):
            # The position moves before the batch is handed out: whoever saves it while working on
            # this batch goes on with the next.
            self._batch += 1
            if self._batch == len(self):
                self.epoch, self._batch = epoch + 1, 0
            yield batch

    def state_dict(self) -> dict[str, int]:
        """The position: seed, epoch and the next batch of it, as plain numbers."""
        return {"seed": self.seed, "epoch": self.epoch, "batch": self._batch or self._resume}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where `state_dict` was taken, bit for bit.

        Args:
            state: What `state_dict` gave.

        Raises:
            DataError: When the position is not one of these batches.
        """
        if set(state) != {"seed", "epoch", "batch"}:
            raise DataError(f"a position has seed, epoch and batch, got {sorted(state)}")
        if not 0 <= state["batch"] < max(len(self), 1) or state["epoch"] < 0:
            raise DataError(
                f"batch {state['batch']} of epoch {state['epoch']} is no position: an epoch has "
                f"{len(self)} batches"
            )
        self.seed, self.epoch = int(state["seed"]), int(state["epoch"])
        self._resume = self._batch = int(state["batch"])

    def to(self, device: torch.device | str) -> Self:
        """Make the batches on another device from the next epoch on.

        Args:
            device: Such as `"cuda"`.
        """
        self.device = torch.device(device)
        return self

    def _order(self, epoch: int) -> torch.Tensor:
        """The indices of an epoch."""
        count = len(self.dataset)
        if not self.shuffle:
            return torch.arange(count)
        return torch.randperm(count, generator=_generator(self.seed, epoch, _ORDER))

    def _made(self, epoch: int, first: int) -> Iterator[Batch]:
        """The batches of an epoch from one on."""
        order = self._order(epoch)
        if isinstance(self.dataset, ImageSet):
            work = self.dataset
            made = (self._make(work, order, epoch, k) for k in range(first, len(self)))
            yield from prefetched(made, self.prefetch)
            return
        from convkit.data._transformed import transformed_batches

        seeds = _seeds(len(order), self.seed, epoch, _CHANGE)
        keys = list(zip(order.tolist(), seeds, strict=True))
        size = self.batch_size
        chosen = [keys[k * size : (k + 1) * size] for k in range(first, len(self))]
        for images, labels in transformed_batches(self.dataset, chosen, self.workers):
            yield images.to(self.device), labels.to(self.device)

    @torch.no_grad()
    def _make(self, dataset: ImageSet, order: torch.Tensor, epoch: int, number: int) -> Batch:
        """One batch, a function of seed, epoch and number alone."""
        chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
        pixels = dataset.stored if self.augment else dataset.images
        images = pixels[chosen].to(self.device, non_blocking=True)
        labels = dataset.labels[chosen].to(self.device, non_blocking=True)
        if self.augment:
            generator = _generator(self.seed, epoch, _CHANGE, number)
            for augmentation in self.augment:
                images, labels = self._changed(augmentation, images, labels, generator)
            images = dataset.preprocessing.centre(images)
        if images.is_floating_point():
            return dataset.preprocessing.normalize_(images), labels
        return dataset.preprocessing.normalize(images), labels

    def _changed(
        self,
        augmentation: Augmentation[Any],
        images: torch.Tensor,
        labels: torch.Tensor,
        generator: torch.Generator,
    ) -> Batch:
        """A batch after one augmentation; labels become shares of the classes when mixed."""
        if not augmentation.keeps_bytes:
            images = to_floats(images)
        parameters = augmentation.draw(images.shape, generator)
        if augmentation.mixes:
            if not labels.is_floating_point():
                labels = one_hot(labels, len(self.dataset.class_names)).to(torch.float32)
            labels = augmentation.mix_labels(labels, parameters)
        return augmentation.apply(images, parameters), labels


def _generator(*key: int) -> torch.Generator:
    """Chance that depends on some whole numbers and nothing else."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def _seeds(count: int, *key: int) -> list[int]:
    """A seed for each of many samples."""
    state = np.random.SeedSequence(key).generate_state(count, np.uint64)
    return [int(seed) for seed in state >> np.uint64(1)]
