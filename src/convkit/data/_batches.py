"""Whole batches of images, augmented and normalised at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from convkit.data._augmentation import to_floats
from convkit.data._prefetching import prefetched
from convkit.errors import DataError

if TYPE_CHECKING:
    from convkit.data._augmentation import Augmentation
    from convkit.data._image_set import ImageSet

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
    """

    def __init__(
        self,
        dataset: ImageSet,
        batch_size: int,
        *,
        augment: Sequence[Augmentation[Any]],
        shuffle: bool,
        drop_last: bool,
        seed: int,
        device: torch.device,
        prefetch: int,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.augment = tuple(augment)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.seed = seed
        self.device = device
        self.prefetch = prefetch
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
        order = self._order(epoch)
        made = (self._make(order, epoch, k) for k in range(first, len(self)))
        for batch in prefetched(made, self.prefetch):
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
        """Make the batches on another device from the next epoch on."""
        self.device = torch.device(device)
        return self

    def _order(self, epoch: int) -> torch.Tensor:
        """The indices of an epoch."""
        count = len(self.dataset)
        if not self.shuffle:
            return torch.arange(count)
        return torch.randperm(count, generator=_generator(self.seed, epoch, _ORDER))

    @torch.no_grad()
    def _make(self, order: torch.Tensor, epoch: int, number: int) -> Batch:
        """One batch, a function of seed, epoch and number alone."""
        chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
        images = self.dataset.images[chosen].to(self.device, non_blocking=True)
        labels = self.dataset.labels[chosen].to(self.device, non_blocking=True)
        preprocessing = self.dataset.preprocessing
        if not self.augment:
            return preprocessing.normalize(images), labels
        generator = _generator(self.seed, epoch, _CHANGE, number)
        for augmentation in self.augment:
            if not augmentation.keeps_bytes:
                images = to_floats(images)
            images = augmentation.apply(images, augmentation.draw(images.shape, generator))
        if not images.is_floating_point():
            return preprocessing.normalize(images), labels
        return preprocessing.normalize_(images), labels


def batches(
    image_set: ImageSet,
    batch_size: int,
    *,
    augment: Sequence[Augmentation[Any]] = (),
    shuffle: bool = True,
    drop_last: bool = False,
    seed: int = 0,
    device: torch.device | str | None = None,
    prefetch: int | None = None,
) -> Batches:
    """Batches for training or, with `shuffle=False`, for measuring.

    Every random choice is a function of (seed, epoch, batch): threads, interruptions and other random
    numbers change nothing.

    Args:
        image_set: The images.
        batch_size: Images per batch.
        augment: Augmentations, applied in this order to whole batches.
        shuffle: Whether each epoch has an order of its own.
        drop_last: Whether a smaller last batch is left out.
        seed: Of order and augmentation.
        device: Where the batches are made; the CPU when left out.
        prefetch: How many batches a thread makes ahead of the network; when left out, 2 if there is
            something to augment.

    Returns:
        The batches: `len()`, and one epoch per iteration of (images float32 normalised (N, C, H, W),
        labels int64 (N,)).

    Raises:
        DataError: When there are no images, or a number cannot be.

    Example:
        >>> from convkit.data import HorizontalFlip, drawn_shapes
        >>> sets = drawn_shapes(train=100, validation=0, test=0)
        >>> epoch = batches(sets.train, 32, augment=[HorizontalFlip()], seed=0)
        >>> len(epoch), [len(images) for images, labels in epoch]
        (4, [32, 32, 32, 4])
    """
    for name, number, least in (("batch_size", batch_size, 1), ("seed", seed, 0)):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise DataError(f"{name}={number!r} must be a whole number, {least} or more")
    if len(image_set) == 0:
        raise DataError(f"{image_set!r} holds no images to make batches of")
    return Batches(
        image_set,
        batch_size,
        augment=augment,
        shuffle=shuffle,
        drop_last=drop_last,
        seed=seed,
        device=torch.device(device or "cpu"),
        prefetch=(2 if augment else 0) if prefetch is None else prefetch,
    )


def _generator(*key: int) -> torch.Generator:
    """Chance that depends on some whole numbers and nothing else."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))
