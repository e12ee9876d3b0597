"""Which rows and columns of the image stand behind each row and column of a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """Along one axis: what each place of a tensor sees of the image.

    Args:
        low: The first pixel that each place sees; below 0 where it reaches into the padding.
        high: The last pixel.
        step: How many pixels lie between neighbouring places.
    """

    low: Places
    high: Places
    step: float

    def __len__(self) -> int:
        return len(self.low)

    @classmethod
    def of_image(cls, size: int) -> Span:
        """Every pixel sees itself."""
        places = np.arange(size, dtype=np.float64)
        return cls(places, places, 1.0)

    def windows(self, first: Places, last: Places, step: float) -> Span:
        """What windows over this tensor see, from place `first` to place `last` of it.

        Args:
            first: For each window its first place, which may lie outside the tensor.
            last: For each window its last place.
            step: How many places lie between neighbouring windows.
        """
        return Span(
            _read(self.low, first, self.step), _read(self.high, last, self.step), self.step * step
        )

    def sliding(self, count: int, kernel: int, stride: int, padding: int, dilation: int) -> Span:
        """What `count` windows of a convolution or pooling see."""
        first = np.arange(count, dtype=np.float64) * stride - padding
        return self.windows(first, first + dilation * (kernel - 1), stride)

    def transposed(self, count: int, kernel: int, stride: int, padding: int, dilation: int) -> Span:
        """What the places of a transposed convolution see: every input that reaches them."""
        reach = np.arange(count, dtype=np.float64) + padding
        first = np.ceil((reach - dilation * (kernel - 1)) / stride)
        last = np.floor(reach / stride)
        # Between the reach of two inputs nothing arrives; the nearer one stands for it.
        return self.windows(np.minimum(first, last), np.maximum(first, last), 1 / stride)

    def resized(self, count: int, reach: int) -> Span:
        """What places see after resizing: the nearest (reach 0) or those around them."""
        ratio = len(self) / count
        places = np.arange(count, dtype=np.float64)
        if reach == 0:
            near = np.floor(places * ratio)
            return self.windows(near, near, ratio)
        source = np.floor((places + 0.5) * ratio - 0.5)
        within = (0, len(self) - 1)
        first, last = (np.clip(source + d, *within) for d in (1 - reach, reach))
        return self.windows(first, last, ratio)

    def adaptive(self, count: int) -> Span:
        """What the windows of an adaptive pooling see."""
        places = np.arange(count, dtype=np.float64)
        first = np.floor(places * len(self) / count)
        last = np.ceil((places + 1) * len(self) / count) - 1
        return self.windows(first, last, len(self) / count)

    def union(self, other: Span) -> Span:
        """What is seen by either; a single value for the whole image adds nothing local."""
        if len(self) != len(other):
            return self if len(self) > len(other) else other
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Span(low, high, max(self.step, other.step))


def _read(values: Places, places: Places, step: float) -> Places:
    """Values at places; outside the tensor they go on with the same step, as padding does."""
    inside = np.clip(places, 0, len(values) - 1)
    return values[inside.astype(np.int64)] + (places - inside) * step
