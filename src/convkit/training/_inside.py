"""Which images are inside what the user gave, and do they come out in the order of their set?"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    default_collate,
)

from convkit.data import Batches, ImageSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized


def holders(data: Any) -> Iterator[Any]:
    """It, and the sets one inside the other that it hands out in whole or in part."""
    while data is not None:
        yield data
        data = getattr(data, "dataset", None)


def image_set_of(data: Any) -> ImageSet | None:
    """The image set that it is, or that is inside it, whichever of its images are handed out."""
    return next((holder for holder in holders(data) if isinstance(holder, ImageSet)), None)


def part_of(data: Any) -> tuple[ImageSet, Tensor] | None:
    """The image set inside, and which of its images an epoch hands out.

    In the order of the set where chance decides the order; None where nobody can know.
    """
    if isinstance(data, ImageSet):
        return data, torch.arange(len(data))
    if isinstance(data, Batches):
        return part_of(data.dataset)
    if not isinstance(data, Subset | DataLoader):
        return None
    inner, chosen = part_of(data.dataset), _chosen(data)
    return None if inner is None or chosen is None else (inner[0], inner[1][chosen])


def _chosen(data: Subset[Any] | DataLoader[Any]) -> Tensor | None:
    """The indices that a part or a loader draws."""
    if isinstance(data, Subset):
        return torch.as_tensor(data.indices, dtype=torch.int64)
    sampler: Any = data.sampler
    if data.batch_size is None:  # a batch sampler of the user's own draws
        return None
    if type(sampler) is SubsetRandomSampler:
        return torch.as_tensor(sampler.indices, dtype=torch.int64)
    if type(sampler) is RandomSampler and sampler.replacement:
        return None
    if type(sampler) in {SequentialSampler, RandomSampler}:
        count = len(cast("Sized", data.dataset))
        return torch.arange(count) if len(sampler) == count else None
    return None


def images_of(data: Any) -> ImageSet | None:
    """The images that are handed out, as a set; None where it has none or nobody can know."""
    part = part_of(data)
    if part is None:
        return None
    image_set, chosen = part
    whole = torch.equal(chosen, torch.arange(len(image_set)))
    return image_set if whole else image_set.subset(chosen)


def opened(data: Any) -> Any:
    """A `torch.utils.data.Subset` of an image set as a set of its own; all else as it is."""
    images = images_of(data) if isinstance(data, Subset) else None
    return data if images is None else images


def in_order(data: Any) -> Any:
    """What to measure: every image once, in the order of its set.

    Shuffling, and leaving a smaller last batch out, are for learning: batches and loaders that do
    no more than that stand for their images.
    """
    if isinstance(data, Batches):
        if isinstance(data.dataset, ImageSet) and not data.augment:
            return data.dataset
        ordered = copy(data)
        ordered.shuffle = ordered.drop_last = False
        return ordered
    if type(data) is DataLoader and data.collate_fn is default_collate:
        images = images_of(data)
        return data if images is None else images
    return opened(data)


def known_images(data: Any) -> ImageSet | None:
    """The images of data made by `in_order`, one for each answer; None where nobody can know."""
    if isinstance(data, Batches):
        data = data.dataset
    return data if isinstance(data, ImageSet) else None
