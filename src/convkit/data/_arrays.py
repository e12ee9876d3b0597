"""Images that are in memory already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from convkit.data._assembling import Holding, assemble
from convkit.data._image_set import ImageSet, Split
from convkit.data._labels import check_labels
from convkit.data._preprocessing import Preprocessing
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from convkit.data._sets import Sets


def arrays(
    train_images: ArrayLike | torch.Tensor,
    train_labels: ArrayLike | torch.Tensor,
    test_images: ArrayLike | torch.Tensor | None = None,
    test_labels: ArrayLike | torch.Tensor | None = None,
    *,
    class_names: Sequence[str] | None = None,
    validation: float | int | tuple[ArrayLike, ArrayLike] | None = None,
    seed: int = 0,
    stratified: bool = True,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
) -> Sets:
    """Make image sets of arrays or tensors.

    Args:
        train_images: uint8, shape (N, H, W, C), (N, C, H, W) or, grey, (N, H, W); C is 1 or 3.
        train_labels: Whole numbers, shape (N,).
        test_images: Likewise, of the same image size.
        test_labels: Likewise.
        class_names: One name per class; `"0"`, `"1"`, ... when left out.
        validation: A share or a count of the training images, or a pair (images, labels).
        seed: Of the split.
        stratified: Whether the split keeps each class's share.
        mean: Normalisation per channel; measured on the training images when left out.
        std: Likewise.

    Returns:
        The sets. Images are copied, so changing the arrays later changes nothing.

    Raises:
        DataError: When shapes, types, lengths or labels do not fit.

    Examples:
        >>> images = np.arange(40 * 8 * 8 * 3, dtype=np.uint32).astype(np.uint8)
        >>> sets = arrays(images.reshape(40, 8, 8, 3), np.arange(40) % 4, validation=0.25)
        >>> sets.train, sets.validation.counts()
        (ImageSet(train: 30 images, 3x8x8, 4 classes), (3, 3, 2, 2))
    """
    given: dict[Split, tuple[object, object]] = {"train": (train_images, train_labels)}
    share: float | int | None = None
    if isinstance(validation, tuple):
        given["validation"] = (validation[0], validation[1])
    else:
        share = validation
    if test_images is not None or test_labels is not None:
        given["test"] = (test_images, test_labels)
    labels = {split: _labels(pair[1], split) for split, pair in given.items()}
    images = {split: _images(pair[0], split) for split, pair in given.items()}
    names = _class_names(class_names, labels["train"])
    for split, each in labels.items():
        check_labels(each, names, range(len(each)), split)  # type: ignore[arg-type]  # numbers are names here
    _check_same_shape(images)
    _, channels, height, width = images["train"].shape
    preprocessing = Preprocessing((height, width), channels=channels)
    splits = {
        split: ImageSet(
            images[split],
            labels[split],
            class_names=names,
            split=split,
            preprocessing=preprocessing,
        )
        for split in given
    }
    holding = Holding(share, seed=seed, stratified=stratified)
    return assemble(splits, holding, mean=mean, std=std, source="arrays")


def _images(given: object, split: str) -> torch.Tensor:
    """uint8 (N, C, H, W), copied, of what was given."""
    if given is None:
        raise DataError(f"{split}: labels without images")
    values = given if isinstance(given, torch.Tensor) else torch.from_numpy(_array(given, split))
    if values.dtype != torch.uint8:
        raise DataError(
            f"{split}: images must be uint8 (0 to 255), got {_dtype_name(values)}; "
            "multiply floats by 255, round, and convert"
        )
    shape = tuple(values.shape)
    if values.ndim == 3:
        values = values[:, None]
    elif values.ndim == 4 and values.shape[1] not in {1, 3} and values.shape[3] in {1, 3}:
        values = values.permute(0, 3, 1, 2)
    if values.ndim != 4 or values.shape[1] not in {1, 3} or values.numel() == 0:
        raise DataError(
            f"{split}: images must have the shape (N, H, W, C), (N, C, H, W) or (N, H, W) with "
            f"1 or 3 channels, got {shape}"
        )
    return values.detach().cpu().clone(memory_format=torch.contiguous_format)


def _array(given: object, split: str) -> NDArray[Any]:
    """A numpy array that torch can take over."""
    values = np.asarray(given)
    if values.dtype.kind not in "buif":
        raise DataError(f"{split}: images must be uint8 (0 to 255), got {values.dtype}")
    if values.dtype.kind in "uf" and values.dtype not in (np.uint8, np.float32, np.float64):
        values = values.astype(np.float64)  # refused with its reason by the caller
    return np.array(values)


def _dtype_name(values: torch.Tensor) -> str:
    """`float32` for `torch.float32`."""
    return str(values.dtype).removeprefix("torch.")


def _labels(given: object, split: str) -> torch.Tensor:
    """int64 (N,) of what was given."""
    if given is None:
        raise DataError(f"{split}: images without labels")
    values = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
    if values.dtype.kind not in "ui":
        raise DataError(f"{split}: labels must be whole numbers, got {values.dtype}")
    if values.ndim == 2 and values.shape[1] == 1:  # as CIFAR-10 is handed out by some
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"{split}: labels must have the shape (N,), got {values.shape}")
    return torch.from_numpy(values.astype(np.int64))


def _class_names(given: Sequence[str] | None, labels: torch.Tensor) -> tuple[str, ...]:
    """The names given, or numbers up to the largest training label."""
    if given is None:
        return tuple(map(str, range(int(labels.max()) + 1 if len(labels) else 0)))
    names = tuple(map(str, given))
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"class names repeat: {', '.join(repeated)}")
    return names


def _check_same_shape(images: dict[Split, torch.Tensor]) -> None:
    """Refuse splits of another image size than the training images."""
    wanted = tuple(images["train"].shape[1:])
    for split, each in images.items():
        if tuple(each.shape[1:]) != wanted:
            raise DataError(
                f"{split}: images of shape {tuple(each.shape[1:])}, the training images have "
                f"{wanted}"
            )
