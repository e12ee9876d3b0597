"""Copies made at the last moment: just before an operation writes into a tensor that is watched.

Most networks overwrite their feature maps with an in-place activation. Copying every map would
cost time and memory for nothing where no such operation follows; so a map is kept as it is, and
copied only when an operation is about to write into its memory. An in-place activation needs not
even that copy: it writes its result beside the map, which keeps its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from convkit.features._spare import Spare, place_like, unused

if TYPE_CHECKING:
    from collections.abc import Iterable


class Held:
    """A place for one tensor, which the guard swaps for a copy when it must."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Guard:
    """Watches tensors; `before_write` is told of every operation that writes in place.

    Args:
        spare: Memory to use again, and where it is left for the next guard.
    """

    def __init__(self, spare: Spare | None = None) -> None:
        self._spare = spare or Spare()
        self._buffers = self._spare.take()
        self._held: dict[int, list[Held]] = {}
        self._state: dict[int, list[Tensor]] = {}
        self._saved: list[tuple[Tensor, Tensor]] = []

    def hold(self, tensor: Tensor) -> Held:
        """Keep a tensor's present values."""
        held = Held(tensor)
        memory = memory_of(tensor)
        if memory is not None:
            self._held.setdefault(memory, []).append(held)
        return held

    def protect(self, tensors: Iterable[Tensor]) -> None:
        """Write back these tensors in `restore`, if anything is written into them."""
        for tensor in tensors:
            memory = memory_of(tensor)
            if memory is not None:
                self._state.setdefault(memory, []).append(tensor)

    def before_write(self, target: Any) -> None:
        """Copy what is watched in the memory of a tensor, or of each of several."""
        if isinstance(target, (list, tuple)):
            for one in target:
                self.before_write(one)
        if not isinstance(target, Tensor):
            return
        memory = memory_of(target)
        if memory is None:
            return
        for held in self._held.pop(memory, ()):
            held.tensor = held.tensor.clone()
        for tensor in self._state.pop(memory, ()):
            self._saved.append((tensor, tensor.detach().clone()))

    def only_held(self, target: Tensor) -> bool:
        """Whether a tensor is itself held, and nothing else at all uses its memory."""
        memory = memory_of(target)
        held = self._held.get(memory, ()) if memory is not None else ()
        return (
            bool(held)
            and memory not in self._state
            and all(one.tensor is target for one in held)
            and unused(target)
        )

    def beside(self, target: Tensor) -> Tensor | None:
        """Memory for a result that shall not overwrite `target`; None to let torch find it."""
        return place_like(target, self._buffers)

    def hand_over(self, target: Tensor, values: Tensor) -> None:
        """Leave the old memory of a tensor to what holds it, and give it that of other values.

        It saves the copy: the new values were written beside the old ones instead of over them.
        """
        memory = memory_of(target)
        for held in self._held.pop(memory, ()) if memory is not None else ():
            held.tensor = target.detach()
        target.set_(values)  # type: ignore[call-overload] # torch's stub knows storages only

    def restore(self) -> None:
        """Write the saved values back into the protected tensors, and leave spare memory."""
        with torch.no_grad():
            for tensor, values in reversed(self._saved):
                self.before_write(tensor)  # what is held of it was made from the present values
                tensor.detach().copy_(values)
        self._saved.clear()
        self._spare.put(self._buffers)
        self._buffers = []


def memory_of(tensor: Tensor) -> int | None:
    """Where a tensor's memory begins; None when it has none of its own (sparse, fake, empty)."""
    if tensor.layout is not torch.strided:
        return None
    return tensor.untyped_storage().data_ptr() or None
