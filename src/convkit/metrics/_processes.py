"""The same result in every process of a distributed run: exact sums and joined rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from convkit.metrics._inputs import Array, Integers


def sum_over_processes(counts: Integers) -> Integers:
    """The counts of all processes added up; of this one when it is alone."""
    if not _several():
        return counts
    total = torch.from_numpy(counts.copy()).to(_device())
    dist.all_reduce(total)
    return np.asarray(total.cpu().numpy())


def join_over_processes(rows: Array) -> Array:
    """The rows of all processes, those of rank 0 first; of this one when it is alone."""
    if not _several():
        return rows
    parts: list[Array] = [rows] * dist.get_world_size()
    dist.all_gather_object(parts, rows)  # sizes and types may differ between processes
    return np.concatenate(parts)


def _several() -> bool:
    """Whether this process runs with others."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _device() -> torch.device:
    """Where the processes exchange: NCCL only knows the GPU."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
