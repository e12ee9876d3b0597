"""Images out of whatever gives batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from convkit.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BATCH = 32


def batches_of(loader: Any, device: torch.device, dtype: torch.dtype) -> Iterator[Tensor]:
    """The images of each batch, where the model is and in its type.

    Args:
        loader: A DataLoader or any iterable of batches, a data set, or a float tensor
            (N, C, H, W). A batch is a tensor of images or a sequence that begins with one.
        device: Where the model is.
        dtype: What it computes in.

    Raises:
        FeatureError: When a batch does not begin with float images (N, C, H, W).
    """
    for batch in _iterable(loader):
        images = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
        if not isinstance(images, Tensor) or images.ndim != 4:
            what = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise FeatureError(f"a batch begins with images (N, C, H, W); received {what}")
        if not images.is_floating_point():
            kind = str(images.dtype).removeprefix("torch.")
            raise FeatureError(f"images of a batch are normalised floats; received {kind}")
        if len(images):
            yield images.to(device=device, dtype=dtype)


def _iterable(loader: Any) -> Iterable[Any]:
    """Batches from a tensor, from a data set, or from what already gives batches."""
    if isinstance(loader, Tensor):
        return torch.split(loader, _BATCH) if loader.ndim == 4 else [loader]
    if isinstance(loader, Dataset):
        return DataLoader(loader, batch_size=_BATCH)
    if not hasattr(loader, "__iter__"):
        raise FeatureError(f"a loader gives batches of images; received {type(loader).__name__}")
    return loader  # type: ignore[no-any-return] # any iterable will do
