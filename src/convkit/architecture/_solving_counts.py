"""A kernel that a table leaves out, from the weights or parameters that it states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convkit.architecture._cells_draft import BLANK
from convkit.architecture._conv import Conv
from convkit.architecture._solving_window import USUAL_KERNELS

if TYPE_CHECKING:
    from convkit.architecture._reading_sizes import PartialShape, PlacedLayer


def fill_from_counts(layer: PlacedLayer, before: PartialShape | None, readings: list[str]) -> None:
    """A square kernel from the number of weights: filters x channels x kernel x kernel."""
    draft = layer.draft
    if draft.kind is not Conv or draft.values.get("kernel_size", BLANK) is not BLANK:
        return
    if before is None and "in_channels" not in draft.values:
        before = next((p for p in ((3,), (1,)) if _square(layer, p[0])), None)
    channels = draft.values.get("in_channels") or (before[0] if before else None)
    filters, groups = draft.values.get("out_channels"), draft.values.get("groups", 1)
    weights = _weights(layer)
    if not (isinstance(channels, int) and isinstance(filters, int) and isinstance(groups, int)):
        return
    if weights is None or weights <= 0 or channels * filters == 0:
        return
    area, rest = divmod(weights * groups, channels * filters)
    side = math.isqrt(area)
    if rest == 0 and side * side == area and side > 0:
        draft.values["kernel_size"] = side
        readings.append(
            f"{layer.place}: the kernel is not given; {side} is taken, since it makes the stated "
            f"{weights:,} weights"
        )


def _square(layer: PlacedLayer, channels: int) -> bool:
    """Whether the weights make a square kernel of usual size for so many channels."""
    weights, filters = _weights(layer), layer.draft.values.get("out_channels")
    if not weights or not isinstance(filters, int) or filters < 1 or weights % (channels * filters):
        return False
    return weights // (channels * filters) in {side * side for side in USUAL_KERNELS}


def _weights(layer: PlacedLayer) -> int | None:
    """The stated weights of a convolution, its biases and its norm taken off the parameters."""
    counts, values = layer.counts, layer.draft.values
    if layer.span != 1 or any(count.slack for count in counts.values()):
        return None
    if "weights" in counts:
        return counts["weights"].value
    filters = values.get("out_channels")
    if "parameters" not in counts or not isinstance(filters, int):
        return None
    others = filters * (values.get("bias", True) is not False)
    others += 2 * filters * (values.get("norm") is not None)
    return counts["parameters"].value - others
