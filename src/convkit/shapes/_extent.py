"""Which pixels one unit sees along one dimension."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from convkit.errors import ShapeError
from convkit.shapes._dimensions import per_dimension, whole
from convkit.shapes._padding import padding_before
from convkit.shapes._terms import halved, named

Number = int | float | Fraction


@dataclass(frozen=True, slots=True)
class Extent:
    """The field along one dimension: its size, its stride, its first pixel."""

    size: int
    jump: int
    first: int

    @property
    def centre(self) -> Number:
        """The middle of the first unit's pixels."""
        return halved("start", 2 * self.first + self.size - 1)

    def pixels(self, unit: int, limit: int | None) -> tuple[int, int]:
        """The first pixel that one unit sees, and the one behind its last."""
        start = self.first + whole("position", unit, 0) * self.jump
        if limit is None:
            return start, start + self.size
        return max(start, 0), min(start + self.size, whole("image_size", limit, 1))


Extents = Extent | tuple[Extent, ...]


def grown(
    extents: Extents,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    *,
    label: str = "",
) -> Extents:
    """Every dimension of a field after one more layer; `label` numbers it in an explanation."""
    after: Extents = per_dimension(
        _grown_along,
        extent=extents,
        label=label,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    return after


def _grown_along(
    extent: Extent, label: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> Extent:
    """One dimension of a field after one more layer."""
    kernel = whole("kernel_size", kernel_size, 1)
    step = whole("stride", stride, 1)
    spacing = whole("dilation", dilation, 1)
    before = padding_before(padding, kernel_size=kernel, stride=step, dilation=spacing)
    size = named(f"size{label}", extent.size + spacing * (kernel - 1) * extent.jump)
    first = named(f"first{label}", extent.first - before * extent.jump)
    return Extent(size, named(f"jump{label}", extent.jump * step), first)


def merged(*extents: Extent) -> Extent:
    """One dimension of several branches: the interval that holds all of theirs."""
    jumps = sorted({extent.jump for extent in extents})
    if len(jumps) > 1:
        raise ShapeError(f"branches that meet need equal strides, got {jumps[0]} and {jumps[1]}")
    first = min(extent.first for extent in extents)
    return Extent(max(e.first + e.size for e in extents) - first, jumps[0], first)


def extent_of(size: Any, stride: Any, start: Any) -> Extent:
    """One dimension of a field, from the centre of its first unit."""
    pixels = whole("size", size, 1)
    twice = 2 * start - (pixels - 1)
    if twice % 2:
        raise ShapeError(
            f"start={start} is not the middle of size={size} pixels: {start - 0.5} would do"
        )
    return Extent(pixels, whole("stride", stride, 1), int(twice // 2))
