"""The sizes of a table laid beside its layers, channels first, whichever way it writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._cells_channels import DRESSING
from convkit.architecture._cells_positional import place_bare
from convkit.architecture._composite import Repeat, Residual
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool, GlobalAvgPool
from convkit.architecture._row import Stated
from convkit.architecture._upsample import Upsample
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_draft import Draft
    from convkit.architecture._cells_sizes import StatedCount
    from convkit.architecture._entry import Entry

PartialShape = tuple[int | None, ...]
_SPATIAL = {Conv, ConvTranspose, MaxPool, AvgPool}
_POOLS = {MaxPool, AvgPool, AdaptiveAvgPool, GlobalAvgPool, Upsample}
_WITHOUT_WEIGHTS = {*_POOLS, Flatten, Dropout, Activation}


@dataclass(slots=True)
class PlacedLayer:
    """A layer with what the table states beside it.

    Args:
        draft: What was read of it.
        place: Where it stands: "row 3".
        input_shape: What the table states for its input, channels first.
        output_shape: For its output.
        counts: Its stated counts.
        span: How many layers the counts belong to together, this one the last.
    """

    draft: Draft
    place: str
    input_shape: PartialShape | None = None
    output_shape: PartialShape | None = None
    counts: dict[str, StatedCount] = field(default_factory=dict)
    span: int = 1

    @property
    def stated(self) -> Stated:
        """The same as a row keeps it."""
        values = {name: count.value for name, count in self.counts.items()}
        return Stated(
            input_shape=self.input_shape,
            output_shape=self.output_shape,
            channels=self.draft.channels,
            span=self.span,
            rounding=max((count.slack for count in self.counts.values()), default=0),
            place=self.place,
            **values,
        )


@dataclass(slots=True)
class Sized:
    """The layers of a table in order, and the shape that it states for its input."""

    layers: list[PlacedLayer]
    input_shape: PartialShape | None


def place_sizes(entries: Sequence[Entry], readings: list[str]) -> Sized:
    """Give each layer the sizes that its row states.

    Args:
        entries: The rows of the table.
        readings: Where a sentence says in which order the numbers of a size were read.
    """
    first = _channels_first(entries, readings)
    placed: list[PlacedLayer] = []
    input_shape: PartialShape | None = None
    flat = False  # whether what leaves the last layer is a vector
    for entry in entries:
        if entry.is_input:
            input_shape = _input_shape(entry, first) or input_shape
            continue
        layers = [PlacedLayer(draft, entry.place) for draft in entry.drafts]
        _lay_counts(entry, layers)
        before = flat
        for layer in layers:
            flat = _is_flat(layer.draft, flat)
        _assign(entry, layers, first, before=before)
        placed += layers
    if input_shape is None and placed:
        input_shape = placed[0].input_shape
    return Sized(placed, input_shape)


def _lay_counts(entry: Entry, layers: list[PlacedLayer]) -> None:
    """The counts of a row are those of its one layer with weights, or of all of them together."""
    weighty = [layer for layer in layers if layer.draft.kind not in _WITHOUT_WEIGHTS]
    if len(weighty) == 1:
        weighty[0].counts = entry.counts
    else:
        layers[-1].counts, layers[-1].span = entry.counts, len(layers)


def _is_flat(draft: Draft, flat: bool) -> bool:
    if draft.kind in {Flatten, Linear}:
        return True
    return flat and draft.kind not in _SPATIAL


def _assign(entry: Entry, layers: list[PlacedLayer], first: bool, *, before: bool) -> None:
    """Lay the sizes of a row beside its layers.

    One size is the last layer's. An arrow in a row of one layer stands between its input and its
    output; in a row of as many layers as sizes, each layer has its own.
    """
    mains = [layer for layer in layers if layer.draft.kind not in DRESSING] or layers[-1:]
    outputs = entry.sizes.get("output_shape", [])
    inputs = entry.sizes.get("input_shape", [])
    if len(outputs) == len(mains) + 1:
        inputs, outputs = [*inputs, outputs[0]], outputs[1:]
    elif len(outputs) > len(mains):
        raise TableError(
            f"{entry.place}: {len(outputs)} output sizes for {len(mains)} layers; "
            "give one for each layer, or the last one only"
        )
    for layer, size in zip(mains[::-1], outputs[::-1], strict=False):
        flat = _is_flat(layer.draft, before)
        layer.output_shape = to_channels_first(size, first, flat=flat, draft=layer.draft)
    if inputs:
        flat = before or mains[0].draft.kind is Linear
        layers[0].input_shape = to_channels_first(inputs[-1], first, flat=flat)


def to_channels_first(
    size: tuple[int, ...], first: bool, *, flat: bool, draft: Draft | None = None
) -> PartialShape | None:
    """A size as (channels, height, width), None for channels that are not said.

    The 1x1 that stands beside a linear layer says nothing of its features.
    """
    if flat and len(size) == 2 and size == (1, 1):
        return None
    ones = sum(1 for number in size if number == 1)
    if flat and len(size) - ones <= 1:
        return (max(size),)
    if len(size) == 1:
        square = draft is not None and draft.kind in _SPATIAL and not flat
        return (None, size[0], size[0]) if square else size
    if len(size) == 2:
        return (None, *size)
    return size if first else (size[-1], *size[:-1])


def _input_shape(entry: Entry, first: bool) -> PartialShape | None:
    """The shape that the row of the input gives, in its own cell or in a column of sizes."""
    draft = entry.drafts[0]
    numbers = [n for value in draft.bare for n in (value if isinstance(value, tuple) else (value,))]
    size = tuple(n for n in numbers if isinstance(n, int))
    if not 1 <= len(size) <= 4:
        columns = entry.sizes.get("output_shape") or entry.sizes.get("input_shape")
        if not columns:
            return None
        size = columns[-1]
    shape = to_channels_first(size, first, flat=False)
    if shape is not None and shape[0] is None and draft.channels is not None:
        shape = (draft.channels, *shape[1:])
    return shape


def _channels_first(entries: Sequence[Entry], readings: list[str]) -> bool:
    """Whether 32x16x8 begins with its channels: where the channels are known, they decide."""
    votes = {True: 0, False: 0}
    example = ""
    channels: int | None = None
    for entry in entries:
        channels = _channels_after(entry, channels)
        sizes = [*entry.sizes.get("output_shape", [])[-1:]]
        if entry.is_input:
            numbers = [value for value in entry.drafts[0].bare if isinstance(value, tuple)]
            sizes = sizes + numbers
        known = (channels, 1, 3) if entry.is_input else (channels,)
        for size in sizes:
            if len(size) == 3:
                example = example or "x".join(map(str, size))
                _vote(votes, size, known)
    if not example:
        return True
    first = votes[True] >= votes[False]
    order = "channels x height x width" if first else "height x width x channels"
    readings.append(f"sizes such as {example} are read as {order}")
    return first


def _vote(votes: dict[bool, int], size: tuple[int, ...], known: Sequence[int | None]) -> None:
    """Equal numbers side by side are height and width; a known count of channels weighs more."""
    if size[0] != size[2]:
        votes[True] += 2 * (size[0] in known) + (size[1] == size[2])
        votes[False] += 2 * (size[2] in known) + (size[0] == size[1])


def _channels_after(entry: Entry, channels: int | None) -> int | None:
    """The channels that leave a row, as far as it says so."""
    for draft in entry.drafts:
        if draft.kind is None:
            channels = draft.channels or channels
        elif draft.kind in {Conv, ConvTranspose}:
            place_bare(draft, [])
            value = draft.values.get("out_channels")
            channels = value if isinstance(value, int) else None
        elif draft.kind in {Repeat, Residual, Linear}:
            channels = None
        channels = draft.channels or channels
    return channels
