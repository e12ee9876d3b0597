"""Parts as layers: words of kinds begin them, numbers and settings fill them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._cells import quoted
from convkit.architecture._cells_blocks import is_paper_block, refuse_paper_block
from convkit.architecture._cells_channels import (
    DRESSING,
    Segment,
    give_roles,
    is_pool,
    tell_of_lists,
    unwrapped,
)
from convkit.architecture._cells_draft import Draft, NestedRows, is_argument, located
from convkit.architecture._cells_segments import (
    is_group_of_rows,
    join_arrows,
    kind_of,
    segments,
    size_of,
    text_of,
)
from convkit.architecture._cells_values import (
    lacks_window,
    no_layer,
    refuse_numbers_before_pool,
    refuse_target_size,
    set_repeat,
    take_suffix,
    wants_number,
)
from convkit.architecture._cells_words import closest_word, field_names, meaning_of, squash
from convkit.architecture._composite import Repeat, Residual
from convkit.architecture._conv import Conv
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._pool import MaxPool
from convkit.architecture._upsample import Upsample
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_part import Part

MAX_LAYERS = 10_000
"""How many layers one table may hold, repeats counted."""


class Layers:
    """Collects the layers that a sequence of parts names.

    Args:
        readings: Where a sentence is added for every choice between two readings.
        line: Whether a comma begins a new row, as in the one-line form; in a cell it does not.
        default: The layer that settings belong to before any other is named.
        options: What holds for every convolution of a list of channels.
    """

    def __init__(
        self,
        readings: list[str],
        *,
        line: bool,
        default: Draft | None = None,
        options: Sequence[Part] = (),
    ) -> None:
        self.readings = readings
        self.line = line
        self.options = options
        self.drafts: list[Draft] = [] if default is None else [default]
        self.waiting: list[Part] = []  # values read before the layer that they belong to
        self.waited = False  # whether some of them stand before the comma
        self.fresh = True  # whether nothing of this segment has been read yet

    def read(self, parts: Sequence[Part]) -> list[Draft]:
        """Every layer of the parts."""
        found = [Segment(own, joined) for joined, own in segments(unwrapped(join_arrows(parts)))]
        give_roles(found)
        for segment in found:
            place = f"row {len(self.drafts) + 1}, {quoted(text_of(segment.parts))}"
            before = len(self.drafts)
            with located(place if self.line else ""):
                self._segment(segment)
            for draft in self.drafts[before:]:
                draft.place = place if self.line else ""
        if self.waiting:
            place = f"row {len(self.drafts) + 1}: " if self.line else ""
            raise TableError(
                f"{place}{quoted(self.waiting[0].text)} belongs to no layer; name one before it"
            )
        assumed = any("kernel_size" in draft.assumed for draft in self.drafts)
        tell_of_lists(found, self.options, self.readings, assumed=assumed)
        return self.drafts

    # -- segments ----------------------------------------------------------------------------

    def _segment(self, segment: Segment) -> None:
        """What stands between two commas; after a plus it is joined to what stands before."""
        self.fresh, self.waited = not segment.joined, bool(self.waiting)
        last = self.drafts[-1] if self.drafts else None
        main = next((d for d in reversed(self.drafts) if d.kind not in DRESSING), last)
        lacking = main is not None and main.lacks_number and len(segment.numbers) == 1
        match segment.role:
            case "channels":
                self._channels(segment)
            case "features" if not lacking and (self.line or (main and main.kind is Linear)):
                self._features(segment)
            case "stray" if self.line and not lacking:
                raise TableError(no_layer(segment, main))
            case "features" | "stray" | "settings" if self.line and main is not None:
                self._settings_of(main, segment)
            case _:
                self._parts(segment.parts)

    def _parts(self, parts: Sequence[Part]) -> None:
        """Layers by their names, with what is said of them."""
        has_main = any(
            part.role == "input"
            or (part.role == "kind" and kind_of(part) not in DRESSING)
            or is_group_of_rows(part)
            for part in parts
        )
        for index, part in enumerate(parts):
            self._part(part, parts[index + 1 : index + 3], has_main=has_main)
            named = part.role in {"kind", "input"} and kind_of(part) not in DRESSING
            has_main = has_main and not (named or is_group_of_rows(part))

    def _settings_of(self, main: Draft, segment: Segment) -> None:
        """What stands after a comma and names no layer: "conv 8, k5, stride 2"."""
        last = self.drafts[-1]
        for part in segment.parts:
            sized = isinstance(part.value, tuple) and lacks_window(main)
            share = last.kind is Dropout and last.is_empty and isinstance(part.value, float)
            if part.role == "bare" and not (main.lacks_number or sized or share):
                raise TableError(no_layer(segment, main))
        self.readings.append(
            f"{quoted(text_of(segment.parts))} after a comma names no layer: it is taken as a "
            f"setting of {quoted(last.text or main.text)} before it"
        )
        self._parts(segment.parts)

    def _features(self, segment: Segment) -> None:
        """The 512 of "linear 4096, 512, 10"; what follows it is its own."""
        for entry in segment.entries:
            main = next((d for d in reversed(self.drafts) if d.kind not in DRESSING), None)
            known = {Linear: "a linear row", Flatten: "a flatten row"}
            before = known.get(main.kind if main else None, "the last M of a list")  # type: ignore[arg-type] # None is no key
            self._dressed(Draft(Linear, entry.text, bare=[entry.value]), segment.options)
            self.readings.append(
                f"{quoted(entry.text)} after {before} is taken as "
                f"{'one more' if main and main.kind is Linear else 'a'} linear row"
            )

    def _part(self, part: Part, following: Sequence[Part], *, has_main: bool) -> None:
        match part.role:
            case "kind":
                self._start(part, following)
            case "input":
                self.drafts.append(Draft(None, part.text))
                self._take_waiting()
            case "group" if is_paper_block(part, alone=self.line or not self.drafts):
                refuse_paper_block(part, following)
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
        if again and joined and last and not self.fresh:  # "output layer: fully connected"
            if self.line:
                self.readings.append(
                    f"{quoted(part.text)} right after {quoted(last.text)} names the same layer"
                )
            return
        draft = Draft(kind, part.text, values=values, joined=joined)
        take_suffix(draft, part, following, self.readings)
        if self.line and "kernel_size" not in draft.values and meaning_of(part.text) is None:
            self.readings.append(
                f"the number in {quoted(part.text)} is taken as a label that only counts layers"
            )
        self.drafts.append(draft)
        if kind not in DRESSING:
            refuse_numbers_before_pool(part, self.waiting)
            self._take_waiting()

    def _take_waiting(self) -> None:
        """Give what stood before a layer's name to it: the 3x3 of "3x3 conv"."""
        waiting, self.waiting = self.waiting, []
        if waiting and self.line and self.waited:
            self.readings.append(
                f"{quoted(text_of(waiting))} is taken as a setting of the layer named after it, "
                f"{quoted(self.drafts[-1].text)}"
            )
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
                if draft.arrow is not None:
                    raise TableError("input -> output is given twice for one layer; keep one")
                draft.arrow = part.value  # type: ignore[assignment] # a pair, see _arrow
            case "times" if draft.kind is Upsample:
                draft.set("scale_factor", part.value)
            case "times":
                set_repeat(draft, part)
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
        refuse_target_size(draft, part)
        known = part.text != name or meaning_of(part.text) is not None
        known = known or is_argument(draft.kind, name)
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
            if wants_number(last, part.value):
                return last
            if self.line and isinstance(part.value, int) and not main.lacks_number:
                raise TableError(
                    f"{quoted(part.text)} after {quoted(last.text)} says not what it is; "
                    "name it, such as k3, or put it before"
                )
            return main
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

    def _channels(self, segment: Segment) -> None:
        """VGG's lists, "64 64 M 128 M (k3 p1 relu)": a conv for each number, a pool for each M."""
        for entry in segment.entries:
            if is_pool(entry):
                self.drafts.append(Draft(MaxPool, entry.text, values={"kernel_size": 2}))
                continue
            draft = Draft(Conv, entry.text, values={"out_channels": entry.value})
            self._dressed(draft, [*self.options, *segment.options])
            if "kernel_size" not in draft.values and not draft.bare:
                draft.assumed = {"kernel_size": 3, "padding": 1}

    def _dressed(self, draft: Draft, options: Sequence[Part]) -> None:
        """A layer that only a number names, with what is said of it."""
        own = Layers(self.readings, line=False, default=draft)
        for part in options:
            own._part(part, (), has_main=False)
        self.drafts += own.drafts
