"""What users hold (tensors, arrays, lists) as the arrays that matplotlib draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import PlotError

Array = NDArray[Any]


def to_array(values: Any) -> Array:
    """A tensor on any device, an array or nested lists as a NumPy array.

    Tensors are recognised by what they can do, so that this room needs no torch.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if "bfloat16" in str(values.dtype):  # NumPy has no such type
            values = values.float()
    return np.asarray(values)


def to_floats(values: Any, axes: int, what: str, shape: str) -> Array:
    """Numbers of a given count of axes, as float64.

    Raises:
        PlotError: When the count differs or nothing is in it; `what` and `shape` say what was
            expected.
    """
    array = to_array(values)
    if array.ndim != axes or array.size == 0:
        raise PlotError(f"{what} of shape {shape} are drawn, received shape {array.shape}")
    return array.astype(np.float64)


def to_image(image: Any) -> Array:
    """One image as (H, W, 3) floats in 0..1.

    Args:
        image: uint8, or floats in 0..1; (C, H, W), (H, W, C) or (H, W), C being 1 or 3. Floats
            outside 0..1, such as normalised images, are stretched from their least to their
            greatest value.

    Raises:
        PlotError: When it is not an image.
    """
    array = to_array(image)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[:, :, None]
    elif array.ndim == 3 and array.shape[0] in {1, 3}:  # torch's order wins where both would do
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] not in {1, 3} or array.size == 0:
        raise PlotError(
            f"an image has shape (C, H, W), (H, W, C) or (H, W) with 1 or 3 channels, "
            f"received {to_array(image).shape}"
        )
    colours: Array = np.repeat(_unit(array), 3 // array.shape[2], axis=2)
    return colours


def _unit(array: Array) -> Array:
    """Values brought to 0..1."""
    if array.dtype == np.uint8:
        array = array / 255.0
    values: Array = np.nan_to_num(array.astype(np.float64), posinf=1.0, neginf=0.0)
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        values = (values - low) / max(high - low, float(np.finfo(np.float64).tiny))
    return values


def largest(values: Array) -> float:
    """The greatest finite absolute value, or 1 when there is none to scale by."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0
