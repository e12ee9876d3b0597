"""Which pixels of the image one unit of a map sees."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Padding, Size, per_dimension, spread, whole
from convkit.shapes._padding import padding_before
from convkit.shapes._terms import halved, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Number = int | float | Fraction


class Box(NamedTuple):
    """A region of an image: `image[..., top:bottom, left:right]`.

    Args:
        top: First row.
        left: First column.
        bottom: The row after the last.
        right: The column after the last.

    Examples:
        >>> field = ReceptiveField().then(kernel_size=3)
        >>> field.box(0, 2, image_size=(9, 9))
        Box(top=0, left=2, bottom=3, right=5)
        >>> field.region(0, 2)
        (slice(0, 3, None), slice(2, 5, None))
    """

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class _Extent:
    """The field along one dimension: its size, its stride, its first pixel."""

    size: int
    jump: int
    first: int


_Extents = _Extent | tuple[_Extent, ...]


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The pixels of the image that the units of one map see.

    Pixels are counted from 0 and pixel i has its centre at i. The unit at position i sees the
    `size` pixels around `start + i * stride`; near the border some of them lie in the padding,
    outside the image. With dilation or branches not every pixel in between need have an influence:
    the field is the smallest interval that holds all that have one.

    A field can be grown along a graph: `ReceptiveField()` is the image itself, `then` adds a layer,
    `merge` joins branches.

    Args:
        size: Pixels that one unit sees. Ints for every dimension alike, or tuples.
        stride: Pixels of the image between neighbouring units (also called the jump).
        start: Where the centre of the first unit's field lies; a multiple of one half.

    Examples:
        >>> field = ReceptiveField().then(kernel_size=7, stride=2, padding=3)
        >>> field
        ReceptiveField(size=7, stride=2, start=0)
        >>> field.box(2, 0, image_size=(32, 32))
        Box(top=1, left=0, bottom=8, right=4)
        >>> field.merge(ReceptiveField().then(kernel_size=1, stride=2)).size
        7
    """

    size: Size = 1
    stride: Size = 1
    start: Number | tuple[Number, ...] = 0

    def then(
        self, kernel_size: Size, stride: Size = 1, padding: Padding = 0, dilation: Size = 1
    ) -> ReceptiveField:
        """The field after one more convolution or pooling.

        Args:
            kernel_size: Pixels of the kernel or window.
            stride: Its stride.
            padding: Its padding, as `conv_output` takes it.
            dilation: Its dilation.

        Raises:
            ShapeError: If an argument is out of range.
        """
        return _field(_grown(self._extents(), kernel_size, stride, padding, dilation))

    def merge(self, *others: ReceptiveField) -> ReceptiveField:
        """The field of a sum or concatenation: the smallest that holds those of all branches.

        Args:
            others: The fields of the other branches, of equal stride.

        Raises:
            ShapeError: If the strides or the numbers of dimensions differ.
        """
        branches = {f"branch {i}": f._extents() for i, f in enumerate((self, *others), start=1)}
        return _field(per_dimension(_merged, **branches))

    def region(
        self, *position: int, image_size: tuple[int, ...] | None = None
    ) -> tuple[slice, ...]:
        """The part of the image behind one unit: `image[..., *field.region(y, x)]`.

        Args:
            position: Where the unit is in its map: a number for each dimension.
            image_size: Size of the image, to which the region is cut; None leaves in what lies in
                the padding (a negative start is then no index).

        Raises:
            ShapeError: If the position has not the field's dimensions, or all of the region lies
                outside the image.
        """
        extents = spread("field", self._extents(), len(position))
        limits = spread("image_size", image_size, len(position))
        pixels = [_pixels(*dimension) for dimension in zip(extents, position, limits, strict=True)]
        if not all(start < stop for start, stop in pixels):
            raise ShapeError(
                f"the unit at {position} sees only padding around an image of {image_size}"
            )
        return tuple(slice(start, stop) for start, stop in pixels)

    def box(self, y: int, x: int, image_size: tuple[int, int] | None = None) -> Box:
        """The region of the image behind the unit at row `y` and column `x`, as its edges.

        Args:
            y: Row of the unit in its map.
            x: Column of the unit.
            image_size: (height, width) of the image, to which the region is cut; None leaves in
                what lies in the padding.

        Raises:
            ShapeError: If the field has not two dimensions, or lies wholly outside the image.
        """
        rows, columns = self.region(y, x, image_size=image_size)
        return Box(rows.start, columns.start, rows.stop, columns.stop)

    def _extents(self) -> _Extents:
        """The field along every dimension: one extent for ints, a tuple of them for tuples."""
        extents: _Extents = per_dimension(
            _extent, size=self.size, stride=self.stride, start=self.start
        )
        return extents


@described(rows=("K", "S", "P", "D"))
def receptive_field(rows: Iterable[Sequence[Any]]) -> ReceptiveField:
    """The receptive field of the last of a chain of convolutions and poolings.

    With `jump` the product of the strides before a layer, each layer adds
    `dilation * (kernel_size - 1) * jump` to the size and `-padding * jump` to the first pixel.

    Args:
        rows: For each layer (kernel_size, stride, padding) or (kernel_size, stride, padding,
            dilation), each an int or a tuple with one number for each dimension.

    Returns:
        Ints when all are ints, else tuples.

    Raises:
        ShapeError: If a row is not such a row; the message counts rows from 1.

    References:
        Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks (2019).

    Examples:
        >>> receptive_field([(11, 4, 2), (3, 2, 0)])
        ReceptiveField(size=19, stride=8, start=7)
    """
    if not hasattr(rows, "__iter__"):
        raise ShapeError(
            f"rows must be a list of (kernel_size, stride, padding[, dilation]), got {rows!r}"
        )
    extents: _Extents = _Extent(1, 1, 0)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, (tuple, list)) or not 3 <= len(row) <= 4:
            raise ShapeError(
                f"row {number} must be (kernel_size, stride, padding[, dilation]), got {row!r}"
            )
        try:
            extents = _grown(extents, *row, label=f"_{number}")
        except ShapeError as error:
            raise ShapeError(f"row {number}: {error}") from None
    return _field(extents)


def _grown(
    extents: _Extents,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    *,
    label: str = "",
) -> _Extents:
    """Every dimension of a field after one more layer; `label` numbers it in an explanation."""
    grown: _Extents = per_dimension(
        _grown_extent,
        extent=extents,
        label=label,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    return grown


def _grown_extent(
    extent: _Extent, label: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> _Extent:
    """One dimension of a field after one more layer."""
    kernel = whole("kernel_size", kernel_size, 1)
    step = whole("stride", stride, 1)
    spacing = whole("dilation", dilation, 1)
    before = padding_before(padding, kernel_size=kernel, stride=step, dilation=spacing)
    size = named(f"size{label}", extent.size + spacing * (kernel - 1) * extent.jump)
    first = named(f"first{label}", extent.first - before * extent.jump)
    return _Extent(size, named(f"jump{label}", extent.jump * step), first)


def _merged(*extents: _Extent) -> _Extent:
    """One dimension of several branches: the interval that holds all of theirs."""
    jumps = sorted({extent.jump for extent in extents})
    if len(jumps) > 1:
        raise ShapeError(f"branches that meet need equal strides, got {jumps[0]} and {jumps[1]}")
    first = min(extent.first for extent in extents)
    return _Extent(max(e.first + e.size for e in extents) - first, jumps[0], first)


def _pixels(extent: _Extent, unit: int, limit: int | None) -> tuple[int, int]:
    """The first pixel that one unit sees along one dimension, and the one behind its last."""
    start = extent.first + whole("position", unit, 0) * extent.jump
    if limit is None:
        return start, start + extent.size
    return max(start, 0), min(start + extent.size, whole("image_size", limit, 1))


def _field(extents: _Extents) -> ReceptiveField:
    """The field of its extents."""
    if isinstance(extents, _Extent):
        return ReceptiveField(extents.size, extents.jump, _centre(extents))
    return ReceptiveField(
        tuple(extent.size for extent in extents),
        tuple(extent.jump for extent in extents),
        tuple(_centre(extent) for extent in extents),
    )


def _centre(extent: _Extent) -> Number:
    """The middle of the first unit's pixels."""
    return halved("start", 2 * extent.first + extent.size - 1)


def _extent(size: Any, stride: Any, start: Any) -> _Extent:
    """One dimension of a field, from the centre of its first unit."""
    pixels = whole("size", size, 1)
    twice = 2 * start - (pixels - 1)
    if twice % 2:
        raise ShapeError(
            f"start={start} is not the middle of size={size} pixels: {start - 0.5} would do"
        )
    return _Extent(pixels, whole("stride", stride, 1), int(twice // 2))
