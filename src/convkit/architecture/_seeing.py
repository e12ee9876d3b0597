"""How far back into the image each layer's units see."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convkit.architecture._sizes import tidy_size
from convkit.architecture._window import POINT, WHOLE, Window
from convkit.errors import ShapeError
from convkit.shapes import ReceptiveField

if TYPE_CHECKING:
    from collections.abc import Sequence


class Seen(NamedTuple):
    """What the units of one map see of the image.

    Args:
        field: The receptive field of each unit; None where the units have no common one.
        sizes: Sizes of the map, kept through a flatten; empty when the input is a vector.
        whole: What all units of the map see together; None when it is not known.
    """

    field: ReceptiveField | None
    sizes: tuple[int, ...]
    whole: ReceptiveField | None = None

    @classmethod
    def image(cls, sizes: tuple[int, ...]) -> Seen:
        """Each pixel of an image sees itself."""
        return cls(ReceptiveField(size=1, stride=1, start=0) if sizes else None, sizes)

    def through(self, window: Window | None, sizes: tuple[int, ...]) -> Seen:
        """What the units see after a layer with this window, on a map of these sizes."""
        if window is POINT:
            if sizes in ((), self.sizes):
                return self
            return Seen(self.field, sizes or self.sizes, self.whole)
        if window is WHOLE:
            seen = self._together()
            return Seen(seen, (1,) * len(self.sizes), seen)
        if window is None or self.field is None:
            # A pool of uneven windows has no common window, yet together they see everything.
            return Seen(None, sizes, self._together() if window is None else None)
        return Seen(self.field.then(*window), sizes)

    def _together(self) -> ReceptiveField | None:
        if self.whole is not None or self.field is None:
            return self.whole
        return self.field.then(tidy_size(self.sizes))


def joined(ways: Sequence[Seen]) -> Seen:
    """What the units see where several ways are added."""
    fields = [way.field for way in ways if way.field is not None]
    if len(fields) < len(ways) or len({way.sizes for way in ways}) > 1:
        return Seen(None, ways[0].sizes)
    try:
        return Seen(fields[0].merge(*fields[1:]), ways[0].sizes)
    except ShapeError:  # ways of unequal stride: their units do not see alike
        return Seen(None, ways[0].sizes)
