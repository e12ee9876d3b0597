"""The filters of a conv layer, and what each of them takes and makes, as plain arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that PyTorch itself gives it


@dataclass(slots=True)
class Operands:
    """What one convolution computed with, as PyTorch received it.

    Explicit padding ("same", or of a mode other than zeros) is already part of the input.
    """

    input: Tensor
    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int

    @property
    def out_channels(self) -> int:
        """How many filters there are."""
        return self.weight.shape[1] * self.groups if self.transposed else self.weight.shape[0]

    def filter(self, index: int) -> Tensor:
        """Filter `index`, (in_channels / groups, kernel_height, kernel_width)."""
        return filter_of(self.weight, index, self.groups, transposed=self.transposed)

    def filters(self) -> Tensor:
        """Every filter, (out_channels, in_channels / groups, kernel_height, kernel_width)."""
        if not self.transposed:
            return self.weight
        per_group = self.weight.shape[0] // self.groups
        grouped = self.weight.reshape(self.groups, per_group, *self.weight.shape[1:])
        return grouped.transpose(1, 2).flatten(0, 1)

    def channels_of(self, index: int) -> range:
        """The input channels that filter `index` reads: those of its group."""
        per_group = self.input.shape[1] // self.groups
        group = index // (self.out_channels // self.groups)
        return range(group * per_group, (group + 1) * per_group)

    def bias_of(self, index: int) -> float:
        """The number added to every value of map `index`."""
        return 0.0 if self.bias is None else float(self.bias[index])

    def apply(self, images: Tensor, one_filter: Tensor, bias: float) -> Tensor:
        """Let one filter run over images that hold the channels of its group only.

        Args:
            images: (N, in_channels / groups, H, W).
            one_filter: (in_channels / groups, kernel_height, kernel_width).
            bias: Added to every value.

        Returns:
            The map, (N, height, width), in the type of the images.
        """
        added = images.new_tensor([bias])
        if self.transposed:
            out = F.conv_transpose2d(
                images,
                one_filter[:, None],
                added,
                self.stride,
                self.padding,
                self.output_padding,
                1,
                self.dilation,
            )
        else:
            out = F.conv2d(
                images, one_filter[None], added, self.stride, self.padding, self.dilation
            )
        return out[:, 0]


def filter_of(weight: Tensor, index: int, groups: int, *, transposed: bool) -> Tensor:
    """Filter `index` of a weight: a row, or for a transposed conv a column of its group."""
    if not transposed:
        return weight[index]
    group, place = divmod(index, weight.shape[1])
    per_group = weight.shape[0] // groups
    return weight[group * per_group : (group + 1) * per_group, place]


def in_double(tensor: Tensor) -> Tensor:
    """The same values in float64, on a device that has it."""
    moved = tensor.cpu() if tensor.device.type == "mps" else tensor
    return moved.to(torch.float64)
