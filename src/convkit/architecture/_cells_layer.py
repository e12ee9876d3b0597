"""Parts as layers: words of kinds begin them, numbers and settings fill them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._cells import quoted
from convkit.architecture._cells_draft import IGNORED, Draft, NestedRows, located
from convkit.architecture._cells_segments import (
    is_group_of_rows,
    join_arrows,
    kind_of,
    run_of_channels,
    segments,
    size_of,
    text_of,
)
from convkit.architecture._cells_words import closest_word, field_names, meaning_of, squash
from convkit.architecture._composite import Repeat, Residual
from convkit.architecture._conv import Conv
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import MaxPool, Upsample
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_part import Part
    from convkit.architecture._row import Row

MAX_LAYERS = 10_000
"""How many layers one table may hold, repeats counted."""

DRESSING: dict[type[Row], str] = {
    BatchNorm: "norm",
    GroupNorm: "norm",
    Activation: "activation",
    Dropout: "dropout",
}
"""What a conv or linear row can carry, and the field that holds it."""
_WITH_SETTING = {"leaky_relu", "prelu", "elu", "celu"}


class Layers:
    """Collects the layers that a sequence of parts names.

    Args:
        readings: Where a sentence is added for every choice between two readings.
        line: Whether a comma begins a new row, as in the one-line form; in a cell it does not.
        default: The layer that settings belong to before any other is named.
    """

    def __init__(self, readings: list[str], *, line: bool, default: Draft | None = None) -> None:
        self.readings = readings
        self.line = line
        self.drafts: list[Draft] = [] if default is None else [default]
        self.waiting: list[Part] = []  # values read before the layer that they belong to
        self.fresh = True  # whether nothing of this segment has been read yet

    def read(self, parts: Sequence[Part]) -> list[Draft]:
        """Every layer of the parts."""
        parts = self._list_of_channels(join_arrows(parts))
        for joined, segment in segments(parts):
            place = f"row {len(self.drafts) + 1}, {quoted(text_of(segment))}"
            before = len(self.drafts)
            with located(place if self.line else ""):
                self._segment(segment, joined=joined)
            for draft in self.drafts[before:]:
                draft.place = place if self.line else ""
        if self.waiting:
            place = f"row {len(self.drafts) + 1}: " if self.line else ""
            raise TableError(
                f"{place}{quoted(self.waiting[0].text)} belongs to no layer; name one before it"
            )
        return self.drafts

    # -- segments ----------------------------------------------------------------------------

    def _segment(self, segment: list[Part], *, joined: bool) -> None:
        """What stands between two commas; after a plus it is joined to what stands before."""
        self.fresh = not joined
        has_main = any(
            part.role == "input"
            or (part.role == "kind" and kind_of(part) not in DRESSING)
            or is_group_of_rows(part)
            for part in segment
        )
        if self._another_linear(segment):
            return
        for index, part in enumerate(segment):
            self._part(part, segment[index + 1 : index + 3], has_main=has_main)
            named = part.role in {"kind", "input"} and kind_of(part) not in DRESSING
            has_main = has_main and not (named or is_group_of_rows(part))

    def _another_linear(self, segment: list[Part]) -> bool:
        """The 512 of "linear 4096, 512, 10"."""
        lonely = len(segment) == 1 and isinstance(segment[0].value, int)
        if not (lonely and segment[0].role == "bare" and self.drafts):
            return False
        last = next((d for d in reversed(self.drafts) if d.kind not in DRESSING), self.drafts[-1])
        if last.kind is None or last.kind.kind != "linear" or not last.bare:
            return False
        self.readings.append(
            f"{quoted(segment[0].text)} after a linear row is taken as one more linear row"
        )
        self.drafts.append(Draft(last.kind, segment[0].text, bare=[segment[0].value]))
        return True

    def _part(self, part: Part, following: Sequence[Part], *, has_main: bool) -> None:
        match part.role:
            case "kind":
                self._start(part, following)
            case "input":
                self.drafts.append(Draft(None, part.text))
                self._take_waiting()
            case "group" if is_group_of_rows(part):
                self._group(part)
            case "dash":
                return
            case "unknown":
                self._unknown(part)
            case _ if has_main or not self.drafts:
                self.waiting.append(part)
                return
            case _:
                self._fill(part)
        self.fresh = False

    # -- layers ------------------------------------------------------------------------------

    def _start(self, part: Part, following: Sequence[Part]) -> None:
        """A word that names a kind of row."""
        kind = kind_of(part)
        assert kind is not None, part  # noqa: S101 - a part of role kind always has one
        values = dict(part.meaning.values) if part.meaning else {}
        last = self.drafts[-1] if self.drafts else None
        if last is not None and last.kind is kind is Activation and "function" not in last.values:
            last.values.update(values)
            return
        joined = last is not None and not (self.line and self.fresh)
        again = last is not None and last.kind is kind and last.is_empty and not values
        if again and joined and not self.fresh:  # "output layer: fully connected"
            return
        draft = Draft(kind, part.text, values=values, joined=joined)
        _take_suffix(draft, part, following, self.readings)
        self.drafts.append(draft)
        if kind not in DRESSING:
            self._take_waiting()

    def _take_waiting(self) -> None:
        """Give what stood before a layer's name to it: the 3x3 of "3x3 conv"."""
        waiting, self.waiting = self.waiting, []
        for part in waiting:
            self._fill(part)

    def _group(self, part: Part) -> None:
        """Parentheses: the rows of a repeat or residual row, arguments, or rows to be repeated."""
        inside = part.value if isinstance(part.value, list) else []
        last = self.drafts[-1] if self.drafts else None
        if last is not None and last.kind in {Repeat, Residual} and last.rows is None:
            last.rows = self.sub_rows(inside)
        elif last is not None and not (self.line and self.fresh):
            self._call(last, inside)
        else:
            self.drafts.append(Draft(Repeat, "(", rows=self.sub_rows(inside)))
            self._take_waiting()

    def sub_rows(self, parts: Sequence[Part]) -> list[Draft]:
        """The layers of a group."""
        return Layers(self.readings, line=True).read(parts)

    def _call(self, draft: Draft, inside: list[Part]) -> None:
        """Arguments: "Conv2D(F=32,K=5)", "Linear(2048 -> 64)"; "conv2d_1 (Conv2D)" says nothing."""
        if len(inside) == 1 and inside[0].role == "kind" and kind_of(inside[0]) is draft.kind:
            return
        before = len(draft.bare)
        marks = {"separator", "arrow", "plus"}
        flat = [size_of(part) for part in join_arrows(inside) if part.role not in marks]
        for index, part in enumerate(flat):
            self._part(part, flat[index + 1 : index + 3], has_main=False)
        draft.called += len(draft.bare) - before

    # -- values ------------------------------------------------------------------------------

    def _fill(self, part: Part) -> None:
        """Give a value to the layer that it belongs to."""
        draft = self._owner(part)
        match part.role:
            case "bare":
                if isinstance(part.value, tuple) and len(part.value) == 1:
                    draft.bare.append(part.value[0])
                else:
                    draft.bare.append(part.value)
            case "between":
                draft.arrow = part.value  # type: ignore[assignment] # a pair, see _arrow
            case "times" if draft.kind is Upsample:
                draft.set("scale_factor", part.value)
            case "times":
                draft.repeat = part.value if isinstance(part.value, int) else 1
            case "group":
                self._call(draft, part.value)  # type: ignore[arg-type] # a group's parts
            case "flag":
                for name, value in (part.meaning.values if part.meaning else {}).items():
                    draft.set(name, value)
            case "setting":
                self._set(draft, part)

    def _set(self, draft: Draft, part: Part) -> None:
        """A setting; a field that the kind has under this very name goes before a synonym."""
        own = {squash(name): name for name in field_names(draft.kind)} if draft.kind else {}
        name = own.get(squash(part.text))
        if name is None:
            name = part.meaning.setting if part.meaning and part.meaning.setting else part.text
        value = part.value
        if isinstance(value, list):
            # "(conv 8 k3)" is one row, "(conv 8 k3,)" a tuple that holds one, as in Python.
            shortcut = draft.kind is Residual and name == "shortcut"
            many = shortcut or value[-1].role == "separator"
            value = NestedRows(self.sub_rows(value), many=many)
        if isinstance(value, str) and value.lower() in {"same", "valid"} and name == "padding":
            value = "same" if value.lower() == "same" else 0
        known = part.text != name or meaning_of(part.text) is not None or name in IGNORED
        if not draft.accepts(name) and not known:
            self._unknown_setting(draft, part)
        draft.set(name, value)

    def _owner(self, part: Part) -> Draft:
        """The layer that a value belongs to: the last one, or the one that carries it."""
        last = self.drafts[-1]
        if last.kind not in DRESSING or not last.joined:
            return last
        main = next((d for d in reversed(self.drafts) if d.kind not in DRESSING), last)
        if part.role == "bare":
            return last if _wants_number(last, part.value) else main
        if part.role == "setting" and part.meaning is not None:
            name = part.meaning.setting or part.text
            return last if last.accepts(name) and not main.accepts(name) else main
        return main

    # -- what is not known -------------------------------------------------------------------

    def _unknown(self, part: Part) -> None:
        """A word that is a registered kind's own flag or text, or that nobody knows."""
        closest = closest_word(part.text)
        hint = f"; the closest known word is {closest!r}" if closest else ""
        raise TableError(f"unknown word {quoted(part.text)}{hint}")

    def _unknown_setting(self, draft: Draft, part: Part) -> None:
        kind = "input" if draft.kind is None else draft.kind.kind
        known = sorted(field_names(draft.kind)) if draft.kind else []
        raise TableError(
            f"{kind} has no setting {quoted(part.text)}; it has {', '.join(known) or 'none'}"
        )

    # -- lists of channels -------------------------------------------------------------------

    def _list_of_channels(self, parts: Sequence[Part]) -> Sequence[Part]:
        """VGG's lists, "64 64 M 128 M (k3 p1 relu)": a conv for each number, a pool for each M."""
        if parts and parts[0].role == "group" and parts[0].text == "[":
            inside = parts[0].value if isinstance(parts[0].value, list) else []
            if run_of_channels(inside) == len(inside):
                parts = [*inside, *parts[1:]]
        length = run_of_channels(parts)
        if not length:
            return parts
        entries = [part for part in parts[:length] if part.role != "separator"]
        rest = list(parts[length:])
        options = rest[: next((i for i, p in enumerate(rest) if p.role == "separator"), len(rest))]
        for number, entry in enumerate(entries, 1):
            place = f"row {number}, {quoted(entry.text)} of the list"
            before = len(self.drafts)
            with located(place if self.line else ""):
                self._entry(entry, options)
            for draft in self.drafts[before:]:
                draft.place = place if self.line else ""
        self.readings.append(
            f"the list of {len(entries)} channels and pools is read as VGG's: a convolution for "
            "each number, 3x3 with padding 1 unless stated; a 2x2 max pool for each M"
        )
        return rest[len(options) :]

    def _entry(self, entry: Part, options: list[Part]) -> None:
        if entry.role == "kind":
            self.drafts.append(Draft(MaxPool, entry.text, values={"kernel_size": 2}))
            return
        self.drafts.append(Draft(Conv, entry.text, values={"out_channels": entry.value}))
        own = Layers(self.readings, line=False, default=self.drafts[-1])
        for part in options:
            own._part(part, (), has_main=False)
        self.drafts[-1:] = own.drafts
        draft = own.drafts[0]
        if "kernel_size" not in draft.values and not draft.bare:
            draft.assumed = {"kernel_size": 3, "padding": 1}


def _wants_number(draft: Draft, value: object) -> bool:
    """Whether a number after a norm, activation or dropout is its own."""
    if draft.bare or not isinstance(value, (int, float)):
        return False
    if draft.kind is Activation:
        return draft.values.get("function") in _WITH_SETTING and isinstance(value, float)
    return draft.kind is GroupNorm or (draft.kind is Dropout and value < 1)


def _take_suffix(draft: Draft, part: Part, following: Sequence[Part], readings: list[str]) -> None:
    """The numbers of "conv3-64" and "conv3x3"; those of "conv1" only count the layers."""
    dashed = len(following) > 1 and following[0].role == "dash" and following[1].role == "bare"
    if len(part.suffix) > 1:
        draft.set("kernel_size", part.suffix)
    elif part.suffix and dashed and draft.kind is Conv:
        draft.set("kernel_size", part.suffix[0])
        draft.assumed["padding"] = part.suffix[0] // 2
        sentence = (
            "conv3-64 is read as VGG's notation: kernel 3, 64 channels, and padding that keeps "
            "the size unless another is stated"
        )
        if sentence not in readings:
            readings.append(sentence)
