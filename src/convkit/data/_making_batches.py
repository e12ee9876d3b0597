"""Which batches can be made of a set? The settings, checked before the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from convkit.data._augmentation import Augmentation
from convkit.data._batches import Batches
from convkit.data._image_set import ImageSet
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.data._transformed import TransformedSet


def batches(
    image_set: ImageSet | TransformedSet,
    batch_size: int,
    *,
    augment: Sequence[Augmentation[Any]] = (),
    shuffle: bool = True,
    drop_last: bool = False,
    seed: int = 0,
    device: torch.device | str | None = None,
    prefetch: int | None = None,
    workers: int = 0,
) -> Batches:
    """Batches for training or, with `shuffle=False`, for measuring.

    Every random choice is a function of (seed, epoch, batch): threads, interruptions and other
    random numbers change nothing.

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
        workers: Processes that run torchvision's transforms of `image_set.with_transform(...)`;
            sets without such a transform need none.

    Returns:
        The batches: `len()`, and one epoch per iteration of (images float32 normalised (N, C, H,
        W), labels int64 (N,)).

    Raises:
        DataError: When there are no images, or a number cannot be.

    Examples:
        >>> from convkit.data import HorizontalFlip, drawn_shapes
        >>> sets = drawn_shapes(train=100, validation=0, test=0)
        >>> epoch = batches(sets.train, 32, augment=[HorizontalFlip()], seed=0)
        >>> len(epoch), [len(images) for images, labels in epoch]
        (4, [32, 32, 32, 4])
    """
    ahead = (2 if augment else 0) if prefetch is None else prefetch
    numbers = {"batch_size": batch_size, "seed": seed, "prefetch": ahead, "workers": workers}
    for name, number in numbers.items():
        least = 1 if name == "batch_size" else 0
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise DataError(f"{name}={number!r} must be a whole number, {least} or more")
    if len(image_set) == 0:
        raise DataError(f"{image_set!r} holds no images to make batches of")
    _check_augmentations(image_set, augment, workers)
    return Batches(
        image_set,
        batch_size,
        augment=augment,
        shuffle=shuffle,
        drop_last=drop_last,
        seed=seed,
        device=torch.device(device or "cpu"),
        prefetch=ahead,
        workers=workers,
    )


def _check_augmentations(
    image_set: ImageSet | TransformedSet, augment: Sequence[Augmentation[Any]], workers: int
) -> None:
    """Refuse what is no augmentation of whole batches, and two ways of augmenting at once."""
    for augmentation in augment:
        if not isinstance(augmentation, Augmentation):
            raise DataError(
                f"augment takes convkit's augmentations, got {type(augmentation).__name__}: give "
                "torchvision's transforms as image_set.with_transform(...)"
            )
    if isinstance(image_set, ImageSet):
        if workers:
            raise DataError(
                f"workers={workers} run torchvision's transforms, and this set has none: leave "
                "workers out"
            )
        if not image_set.labelled and any(augmentation.mixes for augmentation in augment):
            raise DataError("MixUp and CutMix blend labels, and these images are unlabelled")
    elif augment:
        raise DataError("a set with a transform is augmented by that: leave augment out")
