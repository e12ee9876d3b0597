"""What came in: labels and scores of tensors, arrays and lists, checked and never re-rounded."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch

from convkit._escaping import plain
from convkit.errors import MetricError

Numbers: TypeAlias = torch.Tensor | npt.ArrayLike
Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Array: TypeAlias = npt.NDArray[Any]
_Cell = TypeVar("_Cell", int, slice)

_MOST_CLASSES = 1_000_000


def as_array(values: Numbers, what: str) -> Array:
    """The values as a NumPy array on the host, each one exactly as it was.

    Half precision becomes float32, which holds it exactly; nothing else changes its type.
    """
    try:
        if isinstance(values, torch.Tensor):
            tensor = values.detach().cpu()
            array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        else:
            array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise MetricError(f"{what} could not be read as an array: {plain(error)}") from error
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise MetricError(
            f"{what} must be whole or real numbers of at most 64 bits, got {plain(array.dtype)}"
        )
    return array


def read_labels(labels: Numbers, what: str) -> Integers:
    """Class indices as int64 (N,); their range is checked by whoever knows the classes."""
    array = as_array(labels, what)
    refuse_empty(array.shape, what)
    if array.ndim != 1:
        raise MetricError(f"{what} must have the shape (N,), got {array.shape}")
    if array.dtype.kind == "f":
        raise MetricError(f"{what} must be whole numbers (class indices), got {array.dtype}")
    return array.astype(np.int64, copy=False)


def read_scores(scores: Numbers, what: str = "scores") -> Array:
    """Scores as (N, C), in their own type; (N,) becomes one column."""
    array = as_array(scores, what)
    refuse_empty(array.shape, what)
    if array.ndim not in {1, 2}:
        raise MetricError(f"{what} must have the shape (N, C) or (N,), got {array.shape}")
    return array[:, None] if array.ndim == 1 else array


def read_predicted(
    predicted: Numbers, what: str = "predicted", num_classes: int | None = None
) -> Integers:
    """Predicted class indices (N,), or the class of the greatest of the scores (N, C).

    Equal greatest scores are broken by the class index: the smallest wins.
    """
    array = as_array(predicted, what)
    if array.ndim != 2:
        return read_labels(array, what)
    refuse_other_width(array.shape, what, num_classes)
    refuse_empty(array.shape, what)
    refuse_not_finite(array, what)
    return np.asarray(array.argmax(axis=1), dtype=np.int64)


def classes_of(**predicted: Numbers) -> int:
    """How many classes there can be: C where some are scores (N, C), else the most of all.

    Raises:
        MetricError: When two are scores of unequally many classes.
    """
    shapes = {what: as_array(values, what).shape for what, values in predicted.items()}
    columns = {what: shape[1] for what, shape in shapes.items() if len(shape) == 2}
    if len(set(columns.values())) > 1:
        told = " and ".join(f"{what} has {count:,}" for what, count in columns.items())
        raise MetricError(f"the scores must be of the same classes: {told} of them")
    return min(columns.values(), default=_MOST_CLASSES)


def refuse_empty(shape: tuple[int, ...], what: str) -> None:
    """Raise when there is not one value."""
    if 0 in shape:
        raise MetricError(f"{what} is empty (shape {shape}): at least one sample is needed")


def refuse_other_width(shape: tuple[int, ...], what: str, num_classes: int | None) -> None:
    """Raise when scores (N, C) have not one column for each class."""
    if shape[1] == num_classes or (num_classes is None and shape[1] > 1):
        return
    classes = "C with C > 1" if num_classes is None else str(num_classes)
    raise MetricError(f"{what} must be class indices (N,) or scores (N, {classes}), got {shape}")


def refuse_other_length(first: int, second: int, names: tuple[str, str]) -> None:
    """Raise when two things that go sample by sample are not equally long."""
    if first != second:
        raise MetricError(
            f"{names[0]} has {first:,} samples and {names[1]} has {second:,}:"
            " they must be of the same samples in the same order"
        )


def refuse_outside(labels: Integers, num_classes: int, what: str) -> None:
    """Raise when a label is no class, saying how many are not and the first of them."""
    # Read as unsigned, a negative label is greater than every class: one pass checks both ends.
    if labels.view(np.uint64).max() < num_classes:
        return
    outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
    first = int(outside[0])
    raise MetricError(
        f"{what}: {outside.size:,} of {labels.size:,} labels lie outside 0 to {num_classes - 1},"
        f" the first at sample {first}: {labels[first]}"
    )


def refuse_not_finite(values: Array, what: str) -> None:
    """Raise when a value is NaN or infinite, saying how many are and the first of them."""
    if values.dtype.kind != "f":
        return
    finite = np.isfinite(values)
    if finite.all():
        return
    bad = np.argwhere(~finite)
    nan = int(np.isnan(values).sum())
    place = "sample {}" if values.ndim == 1 or values.shape[1] == 1 else "sample {}, class {}"
    raise MetricError(
        f"{what}: {len(bad):,} of {values.size:,} values are not finite"
        f" ({nan:,} NaN, {len(bad) - nan:,} infinite),"
        f" the first at {place.format(*bad[0])}: {values[tuple(bad[0])]}"
    )


def read_classes(classes: object) -> tuple[str, ...]:
    """Class names from names, or "0", "1", ... from a number of classes."""
    if isinstance(classes, (int, np.integer)) and not isinstance(classes, bool):
        _refuse_number_of_classes(int(classes))
        return tuple(map(str, range(int(classes))))
    if isinstance(classes, (str, bytes)) or not hasattr(classes, "__iter__"):
        raise MetricError(f"classes must be class names or their number, got {classes!r}")
    names = tuple(map(str, cast("Any", classes)))
    _refuse_number_of_classes(len(names))
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise MetricError(f"the class name {twice!r} occurs more than once")
    return names


def read_names(names: object, num_classes: int) -> tuple[str, ...]:
    """A name for each class, from names or, of None, from the numbers of the classes."""
    read = read_classes(num_classes if names is None else names)
    if len(read) != num_classes:
        raise MetricError(
            f"class_names: {num_classes:,} classes need as many names, got {len(read):,}"
        )
    return read


def refuse_other_classes(ours: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Raise unless scores of both are of the same classes."""
    if ours != others:
        raise MetricError(f"the classes differ: {len(ours)} and {len(others)} of them, or names")


def _refuse_number_of_classes(number: int) -> None:
    """Raise before anything too large is made."""
    if not 1 <= number <= _MOST_CLASSES:
        raise MetricError(f"the number of classes must be 1 to {_MOST_CLASSES:,}, got {number:,}")
