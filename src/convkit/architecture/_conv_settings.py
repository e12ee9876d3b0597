"""What a convolution and a transposed one ask alike of their settings and of what arrives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convkit.architecture._attached import tidy_dressing
from convkit.architecture._row import Shape, set_field
from convkit.architecture._sizes import require_count, require_image, require_sizes, tidy_size
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from convkit.architecture._conv import Conv
    from convkit.architecture._conv_transpose import ConvTranspose


def tidy_conv(row: Conv | ConvTranspose) -> None:
    """The checks that both convolutions share."""
    for name in ("kernel_size", "stride", "dilation"):
        set_field(row, name, tidy_size(getattr(row, name)))
        require_sizes(name, getattr(row, name))
    require_count("out_channels", row.out_channels)
    require_count("groups", row.groups)
    if row.in_channels is not None:
        require_count("in_channels", row.in_channels)
    tidy_dressing(row)


def require_fitting(row: Conv | ConvTranspose, input_shape: Shape) -> tuple[int, tuple[int, ...]]:
    """Channels and sizes that arrive, when they fit this row."""
    channels, sizes = require_image(row.kind, input_shape)
    if row.in_channels not in (None, channels):
        raise ArchitectureError(
            f"in_channels={row.in_channels} is stated, but {channels} channels arrive; "
            f"in_channels={channels} would fit"
        )
    if channels % row.groups or row.out_channels % row.groups:
        fitting = math.gcd(channels, row.out_channels)
        raise ArchitectureError(
            f"groups={row.groups} must divide both the {channels} channels that arrive and "
            f"out_channels={row.out_channels}; any divisor of {fitting} would"
        )
    return channels, sizes
