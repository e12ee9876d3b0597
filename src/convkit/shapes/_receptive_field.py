"""Which pixels of the image one unit of a map sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Padding, Size, per_dimension, spread
from convkit.shapes._extent import Extent, Extents, Number, extent_of, grown, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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
        return _field(grown(self._extents(), kernel_size, stride, padding, dilation))

    def merge(self, *others: ReceptiveField) -> ReceptiveField:
        """The field of a sum or concatenation: the smallest that holds those of all branches.

        Args:
            others: The fields of the other branches, of equal stride.

        Raises:
            ShapeError: If the strides or the numbers of dimensions differ.
        """
        branches = {f"branch {i}": f._extents() for i, f in enumerate((self, *others), start=1)}
        return _field(per_dimension(merged, **branches))

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
        along = zip(extents, position, limits, strict=True)
        pixels = [extent.pixels(unit, limit) for extent, unit, limit in along]
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

    def _extents(self) -> Extents:
        """The field along every dimension: one extent for ints, a tuple of them for tuples."""
        extents: Extents = per_dimension(
            extent_of, size=self.size, stride=self.stride, start=self.start
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
    extents: Extents = Extent(1, 1, 0)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, (tuple, list)) or not 3 <= len(row) <= 4:
            raise ShapeError(
                f"row {number} must be (kernel_size, stride, padding[, dilation]), got {row!r}"
            )
        try:
            extents = grown(extents, *row, label=f"_{number}")
        except ShapeError as error:
            raise ShapeError(f"row {number}: {error}") from None
    return _field(extents)


def _field(extents: Extents) -> ReceptiveField:
    """The field of its extents."""
    if isinstance(extents, Extent):
        return ReceptiveField(extents.size, extents.jump, extents.centre)
    return ReceptiveField(
        tuple(extent.size for extent in extents),
        tuple(extent.jump for extent in extents),
        tuple(extent.centre for extent in extents),
    )
