"""Numbers that name no layer: which of them are convolutions, which linear rows, which neither.

Courses write a network as "16 16 M 32 32 M, 4096, 512, 10": a number is the filters of a
convolution before the vector begins and the features of a linear row after that, M is a pool.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._cells import quoted
from convkit.architecture._cells_segments import is_group_of_rows, kind_of, written
from convkit.architecture._composite import Residual
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool, GlobalAvgPool
from convkit.architecture._upsample import Upsample
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_part import Part
    from convkit.architecture._row import Row

Role = Literal["layers", "channels", "features", "settings", "stray"]

DRESSING: dict[type[Row], str] = {
    BatchNorm: "norm",
    GroupNorm: "norm",
    Activation: "activation",
    Dropout: "dropout",
}
"""What a conv or linear row can carry, and the field that holds it."""

_MAPS: frozenset[type[Row]] = frozenset(
    [Conv, ConvTranspose, MaxPool, AvgPool, AdaptiveAvgPool, GlobalAvgPool, Upsample, Residual]
)
_VECTOR: frozenset[type[Row] | None] = frozenset([Flatten, Linear])


@dataclass(slots=True)
class Segment:
    """What stands between two commas.

    Args:
        parts: All of it.
        joined: Whether a plus joins it to what stands before.
        role: `layers` that are named; the `channels` of a list; the `features` of linear rows;
            `settings` of the row before; a `stray` number.
        entries: The numbers, and each M, at its beginning.
        options: What follows them and holds for them.
    """

    parts: list[Part]
    joined: bool = False
    role: Role = "layers"
    entries: list[Part] = field(default_factory=list)
    options: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        length = 0
        while length < len(self.parts) and (is_pool(self.parts[length]) or self._whole(length)):
            length += 1
        self.entries, self.options = self.parts[:length], self.parts[length:]

    def _whole(self, index: int) -> bool:
        part = self.parts[index]
        return part.role == "bare" and isinstance(part.value, int)

    @property
    def numbers(self) -> list[Part]:
        """Its numbers without a name."""
        return [part for part in self.entries if not is_pool(part)]

    @property
    def pools(self) -> bool:
        """Whether an M is among its entries."""
        return len(self.numbers) < len(self.entries)

    @property
    def is_list(self) -> bool:
        """Whether it is nothing but entries, and settings and dressing for them."""
        following = zip([None, *self.options], self.options, strict=False)
        if any(_names_layer(part) or _stray(before, part) for before, part in following):
            return False
        return bool(self.numbers) or (self.pools and (self.ends_in_group or not self.options))

    @property
    def ends_in_group(self) -> bool:
        """Whether its options stand in parentheses, as in "64 M (k3 p1 relu)"."""
        return len(self.options) == 1 and self.options[0].role == "group"

    @property
    def kinds(self) -> list[type[Row]]:
        """The kinds of layers that it names, norms and activations left out."""
        named = [kind_of(part) for part in self.parts if part.role == "kind"]
        return [kind for kind in named if kind is not None and kind not in DRESSING]


def unwrapped(parts: Sequence[Part]) -> list[Part]:
    """A list in brackets, `[64, 'M', 128]`, as one that is written without brackets and commas."""
    made: list[Part] = []
    for part in parts:
        inside = part.value if part.text == "[" and isinstance(part.value, list) else []
        entries = [entry for entry in inside if entry.role != "separator"]
        if entries and (not made or made[-1].role == "separator") and _is_evident(Segment(entries)):
            made += entries if not Segment(entries).options else [part]
        else:
            made.append(part)
    return made


def is_pool(part: Part) -> bool:
    """Whether a part is the M of a list."""
    return part.role == "kind" and part.text in {"M", "m"}


def names_main(part: Part) -> bool:
    """Whether a part names a layer that another does not carry, the input, or a group of layers."""
    named = part.role in {"kind", "input"} and kind_of(part) not in DRESSING
    return named or is_group_of_rows(part)


def _stray(before: Part | None, part: Part) -> bool:
    """Whether a number among options is no setting of what stands right before it."""
    dressing = before is not None and before.role == "kind"
    return part.role == "bare" and not (dressing and isinstance(part.value, float))


def _names_layer(part: Part) -> bool:
    """Whether a part names a layer that no conv row carries, or that nobody knows."""
    if part.role == "group" and isinstance(part.value, list):
        return any(_names_layer(inside) for inside in part.value)
    if part.role == "kind":
        return kind_of(part) not in DRESSING
    return part.role in {"input", "unknown"}


def give_roles(found: Sequence[Segment]) -> None:
    """Say of each segment what it holds."""
    maps = [segment.pools or any(map(_holds_map, segment.parts)) for segment in found]
    later = [*accumulate(reversed(maps), lambda a, b: a or b, initial=False)][::-1][1:]
    first = next((i for i, s in enumerate(found) if s.parts[0].role != "input"), 0)
    spaced = any(_is_evident(segment) for segment in found)
    last: type[Row] | None = None
    active, index = False, 0
    while index < len(found):
        segment = found[index]
        if segment.numbers and segment.is_list and last not in _VECTOR:
            end = _end_of_run(found, index)
            run = found[index:end]
            if active or _is_evident(segment) or (index == first and any(s.pools for s in run)):
                _divide(run, later[index:end], spaced=spaced)
                active, index = True, end
                last = Linear if run[-1].role == "features" else MaxPool
                continue
        segment.role = _role_alone(segment, last)
        named = segment.kinds[-1] if segment.kinds else last
        last = Linear if segment.role == "features" else named
        index += 1


def _is_evident(segment: Segment) -> bool:
    """Whether a segment is a list by itself: "16 16 M"."""
    return segment.pools and bool(segment.numbers) and segment.is_list


def _holds_map(part: Part) -> bool:
    """Whether a part names a layer that works on maps, or ends them."""
    if isinstance(part.value, list):
        return any(_holds_map(inside) for inside in part.value)
    return part.role == "kind" and kind_of(part) in {*_MAPS, Flatten}


def _end_of_run(found: Sequence[Segment], start: int) -> int:
    """Where the list that begins here ends."""
    end = start
    while end < len(found) and found[end].is_list and not (found[end].joined and end > start):
        end += 1
    return end


def _divide(run: Sequence[Segment], later: Sequence[bool], *, spaced: bool) -> None:
    """Channels up to the last M; a number that stands alone after it is a linear row's.

    Where every entry stands between commas, or maps still follow, nothing tells the two apart:
    all are channels.
    """
    for segment, maps_follow in zip(run, later, strict=True):
        alone = len(segment.entries) == 1 and not segment.pools
        segment.role = "features" if spaced and alone and not maps_follow else "channels"
    channels = [segment for segment in run if segment.role == "channels"]
    if channels and channels[-1].ends_in_group and (channels[-1].pools or not spaced):
        shared = channels[-1].options
        for segment in channels[:-1]:
            segment.options = [*segment.options, *shared] if segment.options else shared


def _role_alone(segment: Segment, last: type[Row] | None) -> Role:
    """The role of a segment outside of any list."""
    if segment.numbers and segment.is_list:
        return "features" if last in _VECTOR else "stray"
    named = any(part.role == "kind" or _names_layer(part) for part in segment.parts)
    return "layers" if named else "settings"


def tell_of_lists(
    found: Sequence[Segment], options: Sequence[Part], readings: list[str], *, assumed: bool
) -> None:
    """Say how the lists of channels were read.

    Args:
        found: All segments, with their roles.
        options: What stood before a colon, for every convolution of a list.
        readings: Where the sentences are added.
        assumed: Whether a kernel was assumed for a convolution.

    Raises:
        TableError: When options stood before a colon, and no list follows.
    """
    lists = [segment for segment in found if segment.role == "channels"]
    if options and not lists:
        raise TableError(
            f"row 1: {quoted(written(options))} before the colon is meant for a list of channels "
            "such as 16 16 M, and the line holds none; write it in each row"
        )
    if not lists:
        return
    readings.append(
        f"the list of {sum(len(segment.entries) for segment in lists)} channels and pools is read "
        "as VGG's: a convolution for each number, "
        f"{'3x3 with padding 1 unless stated' if assumed else 'its kernel as stated'}; "
        "a 2x2 max pool for each M"
    )
    held = Counter({id(segment.options): 0 for segment in lists})
    for segment in lists:
        held[id(segment.options)] += len(segment.numbers)
    readings += [
        f"{quoted(written(segment.options))} after channels holds for each of their convolutions"
        for segment in lists
        if segment.options and (held[id(segment.options)] > 1 or not segment.numbers)
    ]
