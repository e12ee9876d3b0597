"""A table's sizes and counts, by arithmetic alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._plan import Step, plan, require_shape
from convkit.architecture._seeing import Seen, joined
from convkit.architecture._summary import Summary, SummaryRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._row import Shape

_NORMS = {BatchNorm.kind, GroupNorm.kind}


def sum_up(architecture: Architecture, input_shape: Sequence[int]) -> Summary:
    """The summary of a table."""
    shape = require_shape(input_shape)
    return sum_steps(plan(architecture.rows, shape), shape)


def sum_steps(steps: Sequence[Step], input_shape: Shape) -> Summary:
    """The summary of planned layers."""
    table = _Table()
    table.add(steps, Seen.image(input_shape[1:]), "", None)
    return Summary(tuple(table.rows), input_shape=input_shape)


class _Table:
    """The rows of a summary, as they come."""

    def __init__(self) -> None:
        self.rows: list[SummaryRow] = []
        # A layer of a repeated block costs the same each time.
        self._known: dict[tuple[int, Shape], dict[str, int]] = {}

    def add(self, steps: Sequence[Step], seen: Seen, prefix: str, number: int | None) -> Seen:
        """Write a row for each layer, those of a block before the block's own.

        Returns:
            What the units of the last layer see.
        """
        for step in steps:
            name, of_table = prefix + step.name, number or step.number
            if step.branches:
                ways = [
                    self.add(inner, seen, f"{name}.{way}.", of_table)
                    for way, inner in step.branches.items()
                ]
                seen = joined(ways)
            else:
                window = step.row.window(step.input_shape)
                seen = seen.through(window, step.output_shape[1:])
            self.rows.append(self._row(step, name, of_table, seen))
        return seen

    def _row(self, step: Step, name: str, number: int, seen: Seen) -> SummaryRow:
        key = (id(step.row), step.input_shape)
        costs = self._known.get(key)
        if costs is None:
            costs = self._known[key] = _costs(step)
        return SummaryRow(
            name=name,
            kind=step.row.word,
            number=number,
            input_shape=step.input_shape,
            output_shape=step.output_shape,
            receptive_field=seen.field,
            **costs,
        )


def _costs(step: Step) -> dict[str, int]:
    """What a layer holds and costs, as the fields of a summary's row."""
    counts = step.row.count_through(step.input_shape, step.output_shape)
    # Each bias is added at every pixel of its map; a norm's shift is counted with the norm.
    additions = counts.biases * math.prod(step.output_shape[1:]) if counts.macs else 0
    return {
        "weights": counts.weights,
        "biases": counts.biases,
        "trainable_parameters": counts.parameters,
        "macs": counts.macs,
        "bias_additions": additions,
        "norm_macs": math.prod(step.output_shape) if step.row.kind in _NORMS else 0,
    }


def layers_of(steps: Sequence[Step]) -> Iterator[Step]:
    """Every plain layer, those inside blocks too, in the order in which they run."""
    for step in steps:
        for inner in step.branches.values():
            yield from layers_of(inner)
        if not step.branches:
            yield step
