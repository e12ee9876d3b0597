"""Is a set measured as the network was trained: same size, same normalisation, same classes?"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import torch

from convkit.data import Batches, ImageSet
from convkit.errors import TrainingError
from convkit.training._inside import image_set_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.data import Preprocessing


def as_trained(
    data: Any,
    preprocessing: Preprocessing | None,
    class_names: Sequence[str] | None,
    *,
    other_size: bool = False,
) -> Any:
    """An image set with the normalisation and the class numbers of the training.

    A set that was loaded by itself measures its own mean and deviation and counts its own
    classes; a network that is given those answers another question.

    Args:
        data: What is to be measured, made by `in_order`; what holds no image set is handed back
            as it is.
        preprocessing: Of the training; None when it is unknown.
        class_names: Of the training; None when they are unknown.
        other_size: Whether images of another size than those of the training are meant.

    Raises:
        TrainingError: For images of another size that are not asked for, unknown classes, or a
            loader that hands out what the network was not trained on.
    """
    if not isinstance(data, ImageSet):
        return _alike_inside(data, preprocessing, class_names, other_size=other_size)
    if preprocessing is not None:
        if not other_size:
            _check_size(data, preprocessing)
        ours, theirs = preprocessing, data.preprocessing
        if (ours.mean, ours.std) != (theirs.mean, theirs.std):
            data = data.with_normalization(ours.mean, ours.std)
    if class_names is not None and data.labelled and tuple(class_names) != data.class_names:
        data = _renumbered(data, tuple(class_names))
    return data


def _alike_inside(
    data: Any,
    preprocessing: Preprocessing | None,
    class_names: Sequence[str] | None,
    *,
    other_size: bool,
) -> Any:
    """Batches of such a set; a loader makes its batches itself, so its set has to be one."""
    inside = image_set_of(data)
    if inside is None:
        return data
    ours = isinstance(data, Batches)
    alike = as_trained(inside, preprocessing, class_names, other_size=other_size or not ours)
    if alike is inside:
        return data
    if ours:
        batches = copy(data)
        batches.dataset = alike
        return batches
    raise TrainingError(
        f"the images of this {type(data).__name__} are normalised, or their classes are numbered, "
        "otherwise than those of the training: give their image set itself, or "
        "convkit.data.batches of it"
    )


def _check_size(data: ImageSet, preprocessing: Preprocessing) -> None:
    size = preprocessing.size
    wanted = (size, size) if isinstance(size, int) else size
    height, width = data.images.shape[-2:]
    if wanted is not None and (height, width) != tuple(wanted):
        raise TrainingError(
            f"the network was trained on images of {wanted[0]}x{wanted[1]}, these are "
            f"{height}x{width}: load them with size={size}, or say other_size=True if that is "
            "what is to be measured"
        )


def _renumbered(data: ImageSet, class_names: tuple[str, ...]) -> ImageSet:
    """The same images, their labels numbered as in the training."""
    unknown = [name for name in data.class_names if name not in class_names]
    if unknown:
        raise TrainingError(
            f"the network was not trained on the class {unknown[0]!r}: its classes are "
            f"{', '.join(class_names[:10])}{', ...' if len(class_names) > 10 else ''}"
        )
    places = torch.tensor([class_names.index(name) for name in data.class_names])
    return ImageSet(
        data.stored,
        places[data.labels],
        class_names=class_names,
        names=data.names,
        split=data.split,
        preprocessing=data.preprocessing,
    )
