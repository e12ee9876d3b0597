"""Parts as layers: words of kinds begin them, numbers and settings fill them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation
from convkit.architecture._cells import quoted
from convkit.architecture._cells_blocks import is_paper_block, refuse_paper_block
from convkit.architecture._cells_channels import (
    DRESSING,
    Segment,
    give_roles,
    is_pool,
    names_main,
    tell_of_lists,
    unwrapped,
)
from convkit.architecture._cells_draft import Draft, NestedRows, located
from convkit.architecture._cells_segments import (
    is_group_of_rows,
    join_arrows,
    kind_of,
    segments,
    size_of,
    text_of,
)
from convkit.architecture._cells_values import (
    main_of,
    no_layer,
    owner_of,
    refuse_numbers_before_pool,
    refuse_stray,
    set_named,
    setting_name,
    take_suffix,
    take_value,
    tell_of_features,
    tell_of_label,
    unknown_word,
)
from convkit.architecture._composite import Repeat, Residual
from convkit.architecture._conv import Conv
from convkit.architecture._linear import Linear
from convkit.architecture._pool import MaxPool
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_part import Part


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
        main = main_of(self.drafts) or last
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
        has_main = any(map(names_main, parts))
        for index, part in enumerate(parts):
            self._part(part, parts[index + 1 : index + 3], has_main=has_main)
            has_main = has_main and not names_main(part)

    def _settings_of(self, main: Draft, segment: Segment) -> None:
        """What stands after a comma and names no layer: "conv 8, k5, stride 2"."""
        last = self.drafts[-1]
        refuse_stray(segment, main, last)
        self.readings.append(
            f"{quoted(text_of(segment.parts))} after a comma names no layer: it is taken as a "
            f"setting of {quoted(last.text or main.text)} before it"
        )
        self._parts(segment.parts)

    def _features(self, segment: Segment) -> None:
        """The 512 of "linear 4096, 512, 10"; what follows it is its own."""
        for entry in segment.entries:
            main = main_of(self.drafts)
            self._dressed(Draft(Linear, entry.text, bare=[entry.value]), segment.options)
            tell_of_features(entry, main, self.readings)

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
                raise unknown_word(part)
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
        if self.line:
            tell_of_label(draft, part, self.readings)
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
            last.rows = self._rows(inside)
        elif last is not None and not (self.line and self.fresh):
            self._call(last, inside)
        else:
            self.drafts.append(Draft(Repeat, "(", rows=self._rows(inside)))
            self._take_waiting()

    def _rows(self, parts: Sequence[Part]) -> list[Draft]:
        """The layers of a group."""
        return Layers(self.readings, line=True).read(parts)

    def _call(self, draft: Draft, inside: list[Part]) -> None:
        """Arguments: "Conv2D(F=32,K=5)", "Linear(2048 -> 64)"; "conv2d_1 (Conv2D)" says nothing."""
        if len(inside) == 1 and inside[0].role == "kind" and kind_of(inside[0]) is draft.kind:
            if draft.kind is Activation and inside[0].meaning:  # "Activation('relu')"
                draft.values = {**inside[0].meaning.values, **draft.values}
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
        draft = owner_of(part, self.drafts, line=self.line)
        match part.role:
            case "group":
                self._call(draft, part.value)  # type: ignore[arg-type] # a group's parts
            case "setting":
                self._set(draft, part)
            case _:
                take_value(draft, part)

    def _set(self, draft: Draft, part: Part) -> None:
        """A setting, whose value may be rows in parentheses."""
        name, value = setting_name(draft, part), part.value
        if isinstance(value, list):
            # "(conv 8 k3)" is one row, "(conv 8 k3,)" a tuple that holds one, as in Python.
            shortcut = draft.kind is Residual and name == "shortcut"
            many = shortcut or value[-1].role == "separator"
            value = NestedRows(self._rows(value), many=many)
        set_named(draft, name, part, value)

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
