"""What a table states against what follows from its rows."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from convkit.architecture._checking_changes import Stretch, change_for_size
from convkit.architecture._checking_counts import QUANTITIES, Tally, reason_for_count, total_reason
from convkit.architecture._checking_finding import Finding, written
from convkit.architecture._plan import plan
from convkit.architecture._summing import sum_steps
from convkit.errors import ConvkitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._row import Row, Shape

Partial = tuple[int | None, ...]
_STATED_INPUTS = ("in_channels", "in_features")


def check(architecture: Architecture, input_shape: Sequence[int]) -> list[Finding]:
    """Compare every stated size and count with the computed one.

    After a size that disagrees, the stated one is taken on, so that one slip is told once and not
    in every row below it.

    Args:
        architecture: The table.
        input_shape: Channels and sizes of one image.

    Returns:
        Each disagreement, from the first row to the last, then the totals.
    """
    walk = _Walk(tuple(input_shape))
    for number, row in enumerate(architecture.rows, 1):
        walk.row(number, row)
    walk.totals(architecture)
    return walk.findings


class _Walk:
    """Goes through the rows and remembers what arrives at the next one.

    Two shapes are followed: the one that takes stated sizes on, and the actual one that follows
    from the settings alone. What agrees with either is no finding.
    """

    def __init__(self, input_shape: Shape) -> None:
        self.input_shape = input_shape
        self.shape: Shape | None = input_shape
        self.actual: Shape | None = input_shape
        self.stretch = Stretch(input_shape)
        self.findings: list[Finding] = []
        self.tallies: list[Tally | None] = []
        self.actual_tallies: list[Tally | None] = []

    # -- rows --------------------------------------------------------------------------------

    def row(self, number: int, row: Row) -> None:
        """Everything that one row states."""
        self._input(number, row)
        row = self._stated_channels(number, row)
        after = self._compute(number, row)
        self._output(number, row, after)
        self._counts(number, row)

    def _add(
        self, number: int, row: Row, quantity: str, values: tuple[object, object], suggestion: str
    ) -> None:
        """A finding; `values` are the stated and the computed one."""
        stated, computed = values
        self.findings.append(
            Finding(
                row=number,
                quantity=quantity,
                stated=written(stated),
                computed=None if computed is None else written(computed),
                suggestion=suggestion,
                layer=row.word,
                place=row.stated.place or "",
            )
        )

    def _input(self, number: int, row: Row) -> None:
        """The size that the row says arrives."""
        stated = row.stated.input_shape
        if stated is None or (self.shape is not None and agree(stated, self.shape)):
            return
        if self.actual is not None and agree(stated, self.actual):
            self.shape, self.stretch = self.actual, Stretch(self.actual)
            return
        if self.shape is not None:
            suggestion = (
                f"the table is made for an input of {written(stated)}"
                if number == 1
                else f"{written(self.shape)} would agree with the row before"
            )
            self._add(number, row, "input size", (stated, self.shape), suggestion)
        self._go_on_with(_filled(stated, self.shape))

    def _go_on_with(self, shape: Shape | None) -> None:
        """Take a stated size on."""
        self.shape = shape
        if shape is not None:
            self.stretch = Stretch(shape)

    def _stated_channels(self, number: int, row: Row) -> Row:
        """`in_channels` and `in_features`; taken off afterwards, so that the walk can go on."""
        for name in _STATED_INPUTS:
            stated = getattr(row, name, None)
            if stated is None:
                continue
            arriving = {shape[0] for shape in (self.shape, self.actual) if shape is not None}
            if self.shape is not None and stated not in arriving:
                fits = f"{name}={self.shape[0]} would fit what arrives"
                self._add(number, row, name, (stated, self.shape[0]), fits)
        return _without_stated_inputs(row)

    def _compute(self, number: int, row: Row) -> Shape | None:
        """What leaves the row; a row that cannot be is a finding too."""
        same = self.actual == self.shape
        after, tally, error = _through(row, self.shape)
        self.actual, actual_tally, _ = (after, tally, None) if same else _through(row, self.actual)
        self.tallies.append(tally)
        self.actual_tallies.append(actual_tally)
        if error is not None:
            stated = row.stated.output_shape
            quantity = "row" if stated is None else "output size"
            message = str(error).partition(": ")[2] or str(error)
            self._add(number, row, quantity, (stated or row.kind, None), message)
        elif after is not None:
            self.stretch.rows.append((number, row))
        return after

    def _output(self, number: int, row: Row, after: Shape | None) -> None:
        """The size, or only the channels, that the row says leave it."""
        stated, channels = row.stated.output_shape, row.stated.channels
        if after is not None and channels is not None and channels != after[0]:
            fits = f"{after[0]} would agree with the rows before"
            self._add(number, row, "channels", (channels, after[0]), fits)
        if stated is None:
            self.shape = after
        elif after is not None and agree(stated, after):
            self._go_on_with(after)
        elif self.actual is not None and agree(stated, self.actual):
            self._go_on_with(self.actual)
        else:
            if after is not None:
                change = change_for_size(self.stretch, number, stated, after)
                self._add(number, row, "output size", (stated, after), change)
            self._go_on_with(_filled(stated, after))

    # -- counts ------------------------------------------------------------------------------

    def _counts(self, number: int, row: Row) -> None:
        """Weights, biases, parameters and MACs of the row, or of it and those before it."""
        stated = row.stated
        tally = _sum(self.tallies[max(0, number - stated.span) :])
        actual = _sum(self.actual_tallies[max(0, number - stated.span) :])
        if tally is None:
            return
        for quantity in QUANTITIES:
            value = getattr(stated, quantity)
            computed = getattr(tally, quantity)
            either = {computed, computed if actual is None else getattr(actual, quantity)}
            if value is None or any(abs(value - one) <= stated.rounding for one in either):
                continue
            reason = reason_for_count(row, quantity, value, tally)
            self._add(number, row, quantity, (value, computed), reason)

    def totals(self, architecture: Architecture) -> None:
        """The row of totals."""
        stated = architecture.stated_total
        computed, walked = _sum(self.actual_tallies), _sum(self.tallies)
        computed = computed or walked
        if computed is None:
            return
        for quantity in QUANTITIES:
            value, follows = getattr(stated, quantity), getattr(computed, quantity)
            if value is None or abs(value - follows) <= stated.rounding:
                continue
            self.findings.append(
                Finding(
                    row=None,
                    quantity=quantity,
                    stated=written(value),
                    computed=written(follows),
                    suggestion=total_reason(architecture, quantity, value, computed, walked),
                )
            )


def _through(row: Row, shape: Shape | None) -> tuple[Shape | None, Tally | None, Exception | None]:
    """What leaves a row, what it holds, and why it cannot be."""
    if shape is None:
        return None, None, None
    try:
        steps = plan((row,), shape)
    except ConvkitError as error:
        return None, None, error
    return steps[-1].output_shape, Tally.of(sum_steps(steps, shape)), None


def _sum(tallies: Sequence[Tally | None]) -> Tally | None:
    """The counts of several rows; None when those of one are not known."""
    known = [tally for tally in tallies if tally is not None]
    return Tally.sum(known) if len(known) == len(tallies) else None


def _without_stated_inputs(row: Row) -> Row:
    changes = {f.name: None for f in fields(row) if f.name in _STATED_INPUTS}  # type: ignore[arg-type] # every row is a dataclass
    return replace(row, **changes) if changes else row  # type: ignore[type-var] # as above


def agree(stated: Partial, computed: Shape) -> bool:
    """Whether a stated size, perhaps without its channels, is the computed one.

    A vector and maps agree when they hold equally many values: 2048 and 128x4x4.
    """
    if len(stated) == len(computed):
        return all(s is None or s == c for s, c in zip(stated, computed, strict=True))
    if len(stated) == 1 or len(computed) == 1:
        known = [number for number in stated if number is not None]
        return len(known) == len(stated) and math.prod(known) == math.prod(computed)
    return False


def _filled(stated: Partial, computed: Shape | None) -> Shape | None:
    """A stated size, its unknown channels from the computed one; None when they stay unknown."""
    if computed is not None and len(stated) == len(computed):
        return tuple(c if s is None else s for s, c in zip(stated, computed, strict=True))
    if None in stated:
        return computed
    return tuple(number for number in stated if number is not None)
