"""Which pixels of the image one unit of a map sees."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from convkit.errors import ShapeError
from convkit.shapes._dimensions import Padding, Size, dimension_count, spread, whole
from convkit.shapes._padding import padding_pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Number = int | float | Fraction


class Box(NamedTuple):
    """A region of an image: `image[..., top:bottom, left:right]`."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The pixels of the image that the units of one map see.

    Pixels are counted from 0 and pixel i has its centre at i. The unit at position i sees the
    `size` pixels around `start + i * stride`; near the border some of them lie outside the image,
    in the padding. With dilation or branches not every pixel in between need have an influence:
    the field is the smallest interval that holds all that have.

    Args:
        size: Pixels that one unit sees. Ints for every dimension alike, or tuples.
        stride: Pixels of the image between neighbouring units (also called the jump).
        start: Where the centre of the first unit's field lies; a multiple of one half.

    Example:
        >>> field = ReceptiveField(size=1, stride=1, start=0).then(kernel_size=7, stride=2)
        >>> field
        ReceptiveField(size=7, stride=2, start=3)
        >>> field.box(2, 0)
        Box(top=4, left=0, bottom=11, right=7)
    """

    size: Size
    stride: Size
    start: Number | tuple[Number, ...]

    @property
    def first(self) -> Any:
        """The first pixel that the first unit sees; negative in the padding."""
        if isinstance(self.size, tuple):
            return tuple(map(_first, self.size, spread("start", self.start, len(self.size))))
        return _first(self.size, self.start)

    def then(
        self,
        kernel_size: Size,
        stride: Size = 1,
        padding: Padding = 0,
        dilation: Size = 1,
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
        before = {"size": self.size, "jump": self.stride, "first": self.first}
        layer = {
            "kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation
        }  # fmt: skip
        count = dimension_count({**before, **layer})
        if count is None:
            return _field([_then(**before, **layer)], whole_image=True)
        spreads = {name: spread(name, v, count) for name, v in {**before, **layer}.items()}
        fields = [_then(**{name: v[i] for name, v in spreads.items()}) for i in range(count)]
        return _field(fields, whole_image=False)

    def merge(self, *others: ReceptiveField) -> ReceptiveField:
        """The field of a sum or concatenation: the smallest that holds those of all branches.

        Args:
            others: The fields of the other branches, of equal stride.

        Raises:
            ShapeError: If the strides differ.
        """
        fields = (self, *others)
        count = dimension_count({f"field {i}": f.size for i, f in enumerate(fields)})
        spreads = [
            zip(*(spread("field", v, count or 1) for v in (f.size, f.stride, f.first)), strict=True)
            for f in fields
        ]
        merged = [_merged(dimension) for dimension in zip(*spreads, strict=True)]
        return _field(merged, whole_image=count is None)

    def box(self, y: int, x: int, image_size: tuple[int, int] | None = None) -> Box:
        """The region of the image behind the unit at row `y` and column `x`.

        Args:
            y: Row of the unit in its map.
            x: Column of the unit.
            image_size: (height, width) of the image, to which the region is cut; None leaves the
                part in the padding in.

        Raises:
            ShapeError: If the field has not two dimensions, or lies wholly outside the image.
        """
        size, stride, first = (spread("field", v, 2) for v in (self.size, self.stride, self.first))
        starts = [first[0] + whole("y", y, 0) * stride[0], first[1] + whole("x", x, 0) * stride[1]]
        stops = [starts[0] + size[0], starts[1] + size[1]]
        if image_size is not None:
            limits = [whole("image_size", s, 1) for s in spread("image_size", image_size, 2)]
            stops = [min(stop, limit) for stop, limit in zip(stops, limits, strict=True)]
            starts = [max(start, 0) for start in starts]
            if starts[0] >= stops[0] or starts[1] >= stops[1]:
                raise ShapeError(f"the unit at ({y}, {x}) sees only padding outside {image_size}")
        return Box(starts[0], starts[1], stops[0], stops[1])


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

    Example:
        >>> receptive_field([(11, 4, 2), (3, 2, 0)])
        ReceptiveField(size=19, stride=8, start=7)
    """
    field = ReceptiveField(size=1, stride=1, start=0)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, (tuple, list)) or not 3 <= len(row) <= 4:
            raise ShapeError(
                f"row {number} must be (kernel_size, stride, padding[, dilation]), got {row!r}"
            )
        try:
            field = field.then(*row)
        except ShapeError as error:
            raise ShapeError(f"row {number}: {error}") from None
    return field


def _then(
    size: int, jump: int, first: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[int, int, int]:
    """One dimension after one more layer: its size, jump and first pixel."""
    kernel = whole("kernel_size", kernel_size, 1)
    stride = whole("stride", stride, 1)
    dilation = whole("dilation", dilation, 1)
    before, _ = padding_pair(padding, kernel_size=kernel, stride=stride, dilation=dilation)
    return size + dilation * (kernel - 1) * jump, jump * stride, first - before * jump


def _merged(branches: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    """One dimension of several branches: the interval that holds all of theirs."""
    jumps = sorted({jump for _, jump, _ in branches})
    if len(jumps) > 1:
        raise ShapeError(f"branches that meet need equal strides, got {jumps[0]} and {jumps[1]}")
    first = min(first for _, _, first in branches)
    return max(first + size for size, _, first in branches) - first, jumps[0], first


def _field(dimensions: list[tuple[int, int, int]], *, whole_image: bool) -> ReceptiveField:
    """The field of (size, jump, first) for each dimension."""
    sizes, strides, starts = zip(
        *((size, jump, _centre(size, first)) for size, jump, first in dimensions), strict=True
    )
    if whole_image:
        return ReceptiveField(sizes[0], strides[0], starts[0])
    return ReceptiveField(sizes, strides, starts)


def _centre(size: int, first: int) -> Number:
    """The middle of `size` pixels from `first` on, exact."""
    twice = 2 * first + size - 1
    if twice % 2 == 0:
        return twice // 2
    return twice / 2 if abs(twice) < 2**53 else Fraction(twice, 2)


def _first(size: int, start: Number) -> int:
    """The first of `size` pixels around `start`."""
    twice = 2 * start - (size - 1)
    return int(twice // 2)
