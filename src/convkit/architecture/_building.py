"""From a table to its network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from convkit._files import names_table_file
from convkit.architecture._architecture import Architecture
from convkit.architecture._plan import Step, plan, require_shape, written
from convkit.architecture._summing import sum_steps
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

    from convkit.architecture._row import Shape


def build(
    table: Architecture | str | os.PathLike[str] | Iterable[object],
    input_shape: Sequence[int],
) -> nn.Sequential:
    """Make the network of a table, in one call.

    Args:
        table: An `Architecture`, its text, the path of its file, its rows, or dictionaries of
            cells.
        input_shape: Channels and sizes of one image: `(C, H, W)`.

    Returns:
        A sequence with names: `conv1`, `relu1`, `pool1`, ..., `fc1`.

    Raises:
        TableError: For a cell that cannot be read.
        ArchitectureError: For a row that does not fit.

    Examples:
        >>> model = build("conv 8 k3 relu, maxpool 2, flatten, linear 10", (3, 32, 32))
        >>> model.fc1
        Linear(in_features=1800, out_features=10, bias=True)
    """
    return build_architecture(_architecture_of(table), input_shape)


def _architecture_of(table: object) -> Architecture:
    """The table behind whatever stands for it."""
    if isinstance(table, Architecture):
        return table
    if isinstance(table, os.PathLike):
        return Architecture.read(table)
    if isinstance(table, str):
        return Architecture.read(table) if names_table_file(table) else Architecture.parse(table)
    if hasattr(table, "columns") and hasattr(table, "to_dict"):
        return Architecture.from_frame(table)
    rows: tuple[Any, ...] = tuple(table)  # type: ignore[arg-type] # what cannot be iterated says so
    if rows and all(hasattr(row, "keys") for row in rows):
        return Architecture.from_rows(rows)
    return Architecture(rows)


def build_architecture(architecture: Architecture, input_shape: Sequence[int]) -> nn.Sequential:
    """The network of an architecture, with the architecture noted on it."""
    shape = require_shape(input_shape)
    steps = plan(architecture.rows, shape)
    _require_memory(steps, shape)
    model = build_steps(steps)
    model.convkit_architecture = architecture  # type: ignore[assignment] # a plain attribute
    model.convkit_input_shape = shape  # type: ignore[assignment] # a plain attribute
    return model


def build_steps(steps: Sequence[Step]) -> nn.Sequential:
    """A sequence of layers under their names."""
    from torch import nn

    model = nn.Sequential()
    for step in steps:
        if hasattr(model, step.name):
            raise ArchitectureError(
                f"row {step.number} ({step.row.kind}): the name {step.name!r} is a method of "
                f"torch.nn.Module; choose another, such as '{step.name}_layer'"
            )
        model.add_module(step.name, _module_of(step))
    return model


def _module_of(step: Step) -> nn.Module:
    if not step.branches:
        return step.row.build(step.input_shape)
    return step.row.build_block({way: _way(steps) for way, steps in step.branches.items()})


def _way(steps: Sequence[Step]) -> nn.Module:
    from torch import nn

    return build_steps(steps) if steps else nn.Identity()


def _require_memory(steps: Sequence[Step], shape: Shape) -> None:
    """Refuse a network whose weights alone are more than the machine's memory.

    Asking for them would not fail at once but stop the machine.
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return
    summary = sum_steps(steps, shape)
    if 4 * summary.parameters > memory:
        largest = max(summary.rows, key=lambda row: row.parameters)
        arriving = written(largest.input_shape or ())
        raise ArchitectureError(
            f"row {largest.number} ({largest.kind}), where {arriving} arrives, "
            f"holds {largest.parameters:,} of the network's {summary.parameters:,} parameters: "
            f"{4 * summary.parameters / 2**30:,.0f} GiB of weights for {memory / 2**30:,.0f} GiB "
            "of memory; pool before it, or make it smaller"
        )
