"""Notes on tensors that do not keep them alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from torch.utils.weak import TensorWeakRef

if TYPE_CHECKING:
    from torch import Tensor

Note = TypeVar("Note")


class WeakTable(Generic[Note]):
    """One note for each of some tensors, as long as they live.

    A new tensor may live where a dropped one did, with the same `id`; the weak reference tells
    them apart.
    """

    def __init__(self) -> None:
        self._notes: dict[int, tuple[TensorWeakRef, Note]] = {}

    def put(self, tensor: Tensor, note: Note) -> None:
        """Note something of a tensor, in place of what was noted before."""
        self._notes[id(tensor)] = (TensorWeakRef(tensor), note)

    def get(self, tensor: Any) -> Note | None:
        """What was noted of a tensor."""
        entry = self._notes.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def drop(self, tensor: Tensor) -> None:
        """Forget a tensor."""
        self._notes.pop(id(tensor), None)
