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
    lengths = torch.zeros(dist.get_world_size(), dtype=torch.int64, device=_device())
    lengths[dist.get_rank()] = len(rows)
    dist.all_reduce(lengths)
    # Processes must send equally much, so the shorter ones are filled up and cut again.
    filled = np.zeros((int(lengths.max()), *rows.shape[1:]), dtype=rows.dtype)
    filled[: len(rows)] = rows
    mine = torch.from_numpy(filled).to(_device())
    all_rows = [torch.empty_like(mine) for _ in lengths]
    dist.all_gather(all_rows, mine)
    kept = [r[:n].cpu().numpy() for r, n in zip(all_rows, lengths.tolist(), strict=True)]
    return np.concatenate(kept)


def _several() -> bool:
    """Whether this process runs with others."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _device() -> torch.device:
    """Where the processes exchange: NCCL only knows the GPU."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
