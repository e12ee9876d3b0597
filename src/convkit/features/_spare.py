"""Memory for results that nobody keeps: used again within a forward, and by the next one.

Where an in-place activation must not write over a map that is kept, it writes beside it. Fresh
memory is slow: the system clears every page of it when it is first touched, which costs more than
the activation. So what such a result has left behind is used again.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SMALL = 1 << 20  # bytes; for less, the allocator has memory that was touched before
_MOST = 1 << 28  # bytes that are kept from one forward to the next


class Spare:
    """What one forward leaves behind for the next; several threads may ask at once."""

    def __init__(self) -> None:
        self._buffers: deque[Tensor] = deque()

    def take(self) -> list[Tensor]:
        """Hand out everything that lies here."""
        taken = []
        while True:
            try:
                taken.append(self._buffers.pop())
            except IndexError:
                return taken

    def put(self, buffers: Iterable[Tensor]) -> None:
        """Keep those that nothing else uses, up to a limit."""
        size = 0
        for buffer in buffers:
            size += buffer.numel()
            if size <= _MOST and unused(buffer):
                self._buffers.append(buffer)


def place_like(tensor: Tensor, buffers: list[Tensor]) -> Tensor | None:
    """A tensor of the same size, strides and type whose values are not set.

    Args:
        tensor: What it shall be like.
        buffers: Where memory is looked for, and where new memory is added.

    Returns:
        None where fresh memory costs nothing: for small tensors, and on devices whose memory
        torch itself keeps for the next.
    """
    size = tensor.untyped_storage().nbytes()
    if tensor.device.type != "cpu" or size < _SMALL:
        return None
    fitting = [buffer for buffer in buffers if buffer.numel() >= size and unused(buffer)]
    if fitting:
        buffer = min(fitting, key=torch.numel)
    else:
        buffer = torch.empty(size, dtype=torch.uint8)
        buffers.append(buffer)
    place = torch.empty(0, dtype=tensor.dtype)
    memory: Any = buffer.untyped_storage()  # torch's stub knows storages with a type only
    return place.set_(memory, tensor.storage_offset(), tensor.size(), tensor.stride())


def unused(tensor: Tensor) -> bool:
    """Whether nothing but this tensor uses its memory; false when torch does not tell."""
    return _uses(tensor) == _ALONE


def _uses(tensor: Tensor) -> int:
    """How many tensors share a tensor's memory; 0 when torch does not tell."""
    count: Callable[[int], int] | None = getattr(torch._C, "_storage_Use_Count", None)
    return 0 if count is None else count(tensor.untyped_storage()._cdata)


_ALONE = _uses(torch.empty(1)) or -1
