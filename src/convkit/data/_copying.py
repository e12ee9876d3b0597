"""Some images of many, copied: into memory, or into a file where they would fill it."""

from __future__ import annotations

import math
import tempfile

import numpy as np
import torch

from convkit.data._cache import cache_directory

_IN_MEMORY = 4 * 1024**3
_AT_A_TIME = 256


def copy_of(images: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """A copy of some images: in memory, or in an unnamed file when it is larger than 4 GiB."""
    shape = (len(chosen), *images.shape[1:])
    if math.prod(shape) <= _IN_MEMORY:
        return images[chosen]
    folder = cache_directory()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        copy = torch.from_numpy(np.memmap(file, dtype=np.uint8, mode="w+", shape=shape))
    for start in range(0, len(chosen), _AT_A_TIME):
        copy[start : start + _AT_A_TIME] = images[chosen[start : start + _AT_A_TIME]]
    return copy
