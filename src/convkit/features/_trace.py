"""How one value of a feature map came about: its products, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from convkit._tables import Shown, Table

if TYPE_CHECKING:
    from torch import Tensor

    from convkit.features._operands import Operands
    from convkit.features._receptive_field import Box

_SHOWN = 12


@dataclass(frozen=True, slots=True, eq=False)
class Trace(Shown):
    """The products that make one value of a feature map.

    Args:
        name: The layer's name.
        index: Which filter.
        image: Which image of the batch.
        y: Row of the value in the map.
        x: Column of the value.
        value: The value in the map.
        bias: What the layer adds.
        filter: (in_channels / groups, kernel_height, kernel_width), in float64.
        patch: What the filter lay over, of the same shape; 0 in the padding.
        first_channel: The layer's input channel that the first slice of the filter reads.
        box: The part of the image behind the value; it may reach into the padding.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> images = torch.rand(2, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     pairs = extractor.extract(images, layers="0")
        >>> trace = pairs["0"][3].trace(y=2, x=5)
        >>> trace.products.shape, abs(trace.sum - trace.value) < 1e-6
        (torch.Size([3, 3, 3]), True)
    """

    name: str
    index: int
    image: int
    y: int
    x: int
    value: float
    bias: float
    filter: Tensor
    patch: Tensor
    first_channel: int
    box: Box

    @property
    def products(self) -> Tensor:
        """Weight times input, (in_channels / groups, kernel_height, kernel_width)."""
        return self.filter * self.patch

    @property
    def sum(self) -> float:
        """The products and the bias added up, in float64."""
        return float(self.products.sum()) + self.bias

    def table(self, most: int | None = None) -> Table:
        """The products as a table.

        Args:
            most: Only so many, those of greatest magnitude; None shows all, in order.
        """
        flat = self.products.flatten()
        order = torch.arange(len(flat))
        if most is not None and most < len(flat):
            order = flat.abs().argsort(descending=True, stable=True)[:most]
        rest = len(flat) - len(order)
        left = float(flat.sum() - flat[order].sum())
        more = (f"{rest} more products add {left:.6g}",) if rest else ()
        total = f"products {float(flat.sum()):.6g} + bias {self.bias:.6g} = {self.sum:.6g}"
        return Table(
            ("channel", "row", "column", "weight", "input", "product"),
            tuple(self._row(int(place)) for place in order),
            title=f"{self.name}, filter {self.index}, image {self.image}: value at "
            f"({self.y}, {self.x}) = {self.value:.6g}",
            notes=(*more, total, self._seen()),
        )

    def __str__(self) -> str:
        return str(self.table(_SHOWN))

    def _row(self, place: int) -> tuple[int, int, int, str, str, str]:
        _, height, width = self.filter.shape
        channel, row, column = place // (height * width), place // width % height, place % width
        at = (channel, row, column)
        numbers = (self.filter[at], self.patch[at], self.products[at])
        weight, value, product = (f"{float(number):.6g}" for number in numbers)
        return (self.first_channel + channel, row, column, weight, value, product)

    def _seen(self) -> str:
        top, left, bottom, right = self.box
        return f"sees rows {top} to {bottom - 1}, columns {left} to {right - 1} of the image"


def patch_under(operands: Operands, index: int, image: int, y: int, x: int) -> Tensor:
    """What filter `index` lies over when it makes the value at (y, x), 0 in the padding.

    For a transposed convolution it is the input value that each weight is multiplied with to
    reach (y, x), 0 where none is.

    Returns:
        (in_channels / groups, kernel_height, kernel_width), in the type of the input.
    """
    channels = operands.channels_of(index)
    rows, columns = (_sources(operands, axis, place) for axis, place in enumerate((y, x)))
    source = operands.input[image, channels.start : channels.stop]
    height, width = source.shape[-2:]
    inside_rows = torch.tensor([0 <= row < height for row in rows])
    inside_columns = torch.tensor([0 <= column < width for column in columns])
    clipped_rows = torch.tensor(rows).clamp(0, height - 1).to(source.device)
    clipped_columns = torch.tensor(columns).clamp(0, width - 1).to(source.device)
    patch = source[:, clipped_rows][:, :, clipped_columns]
    inside = (inside_rows[:, None] & inside_columns[None, :]).to(source.device)
    return torch.where(inside, patch, torch.zeros_like(patch))


def _sources(operands: Operands, axis: int, place: int) -> list[int]:
    """For each row (or column) of the kernel the one of the input that it meets, -1 for none."""
    kernel = operands.weight.shape[2 + axis]
    stride, padding, dilation = (
        sizes[axis] for sizes in (operands.stride, operands.padding, operands.dilation)
    )
    offsets = [dilation * tap for tap in range(kernel)]
    if not operands.transposed:
        return [place * stride - padding + offset for offset in offsets]
    reach = [place + padding - offset for offset in offsets]
    return [r // stride if r >= 0 and r % stride == 0 else -1 for r in reach]
