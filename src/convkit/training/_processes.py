"""Which process is this, and what do the others say?

Under `torchrun`, and inside a Ray Train worker, the same script runs in several processes. Numbers
that decide something are put together here, so that all processes decide alike; only the first one
writes.
"""

from __future__ import annotations

import atexit
import gc
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, distributed, nn

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of one training.

    Args:
        rank: The number of this one, from 0.
        count: How many there are.
        group: Over which plain values travel; None for a single process.
    """

    rank: int = 0
    count: int = 1
    group: Any = None

    @property
    def first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def gathered(self, value: Value) -> list[Value]:
        """The values of all processes, in their order, on every process."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value, group=self.group)
        return values

    def of_first(self, value: Value) -> Value:
        """The value of the first process."""
        if self.count == 1:
            return value
        values: list[Any] = [value]
        distributed.broadcast_object_list(values, src=0, group=self.group)
        first: Value = values[0]
        return first

    def done_by_first(self, work: Callable[[], Value]) -> Value:
        """Let the first process do it; its result, or its error, comes to all."""
        if self.count == 1:
            return work()
        result: Any = None
        error: Exception | None = None
        if self.first:
            try:
                result = work()
            except Exception as problem:  # noqa: BLE001 - raised again, on every process
                error = problem
        result, error = self.of_first((result, error))
        if error is not None:
            raise error
        done: Value = result
        return done

    def share_buffers(self, model: nn.Module) -> None:
        """Give every process the buffers of the first, such as the statistics of batch norm."""
        if self.count == 1:
            return
        for buffer in model.buffers():
            if not buffer.numel():
                continue
            travelling = buffer.detach().to("cpu", copy=True).contiguous()
            distributed.broadcast(travelling, src=0, group=self.group)
            buffer.copy_(travelling)


def current_processes() -> Processes:
    """The processes that this one belongs to; joins those of `torchrun` when nobody has yet."""
    if not distributed.is_available():
        return Processes()
    if not distributed.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
            return Processes()
        _join()
    count = distributed.get_world_size()
    if count == 1:
        return Processes()
    return Processes(distributed.get_rank(), count, _plain_group())


def _join() -> None:
    # The group stands in the default arguments of these functions if they are imported after it
    # is made; its threads would then live on past `_leave`, and crash the process as it ends.
    import torch.distributed.nn.functional
    from torch.distributed.rendezvous import rendezvous  # torch may be built without it

    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        backend = "cpu:gloo,cuda:nccl"
    store, rank, count = next(rendezvous("env://"))
    if os.environ.get("GROUP_WORLD_SIZE", "1") == "1":
        # After a restart the agent's store still holds the addresses of the dead. Agents of
        # several machines count their restarts apart, so there is no number to tell lives by.
        life = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        name = f"convkit, life {life}"
        store = distributed.PrefixStore(name, store)  # type: ignore[attr-defined]  # torch has it
    distributed.init_process_group(backend, store=store, rank=rank, world_size=count)
    atexit.register(_leave)


def _leave() -> None:
    """Leave together: a process that goes first can make the others crash on their way out."""
    if distributed.is_initialized():
        with suppress(RuntimeError):  # the others may be dead
            distributed.monitored_barrier(_plain_group(), timedelta(seconds=_WAIT_TO_LEAVE))
        _groups.clear()
        gc.collect()  # a network in a cycle keeps the group, and so its threads, alive
        distributed.destroy_process_group()


_groups: dict[int, Any] = {}
_WAIT_TO_LEAVE = 5  # seconds


def _plain_group() -> Any:
    """A group whose values travel through the processor, whatever carries the gradients."""
    world = distributed.group.WORLD
    if "gloo" in str(distributed.get_backend_config(world)):
        return world
    if id(world) not in _groups:
        _groups[id(world)] = distributed.new_group(backend="gloo")
    return _groups[id(world)]


def spread(model: nn.Module, processes: Processes, device: torch.device) -> nn.Module:
    """The network whose gradients are averaged over the processes."""
    if processes.count == 1:
        return model
    devices = [device] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(model, device_ids=devices)


def share_of(total: int, processes: Processes, least: int) -> tuple[slice, float]:
    """Which samples of a batch this process takes, and the weight of their mean loss.

    The gradients of all processes are averaged, so a mean over n of N samples weighs
    n * processes / N. No process takes fewer than `least` samples (batch norm needs two): when
    there are too few for all, the last processes compute the first ones once more, with weight 0.
    """
    rank, count = processes.rank, processes.count
    active = max(1, min(count, total // least))
    if rank >= active:
        return slice(0, min(least, total)), 0.0
    begin, end = total * rank // active, total * (rank + 1) // active
    return slice(begin, end), (end - begin) * count / total


def part_of(batch: tuple[Tensor, Tensor], share: slice) -> tuple[Tensor, Tensor]:
    """Some samples of a batch."""
    images, targets = batch
    return images[share], targets[share]
