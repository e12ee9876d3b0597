"""Plain PyTorch source of a network, which runs without convkit."""

from __future__ import annotations

import keyword
import textwrap
from typing import TYPE_CHECKING

from convkit.architecture._composite import Residual
from convkit.architecture._fitting_shape import fitting_shape
from convkit.architecture._plan import Step, end_of, plan, require_shape, written
from convkit.architecture._summing import sum_steps
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._row import Shape

_BLOCK = '''
class ResidualBlock(nn.Module):
    """What the body makes, plus what the shortcut makes of the same input."""

    def __init__(self, body, shortcut):
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)

'''


def write_code(architecture: Architecture, input_shape: Sequence[int] | None, name: str) -> str:
    """The source of a network.

    Args:
        architecture: Its table.
        input_shape: Channels and sizes of one image; None for one that fits what the table states.
        name: Name of the class.

    Raises:
        ArchitectureError: For a row that does not fit, or a module that is no layer of torch.nn.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ArchitectureError(f"name must be a Python name such as 'Network'; got {name!r}")
    shape = require_shape(input_shape or fitting_shape(architecture))
    steps = plan(architecture.rows, shape)
    blocks = any(step.branches for step in steps)
    imports = "from collections import OrderedDict\n\n" if blocks else ""
    lines = [_assignment(step) for step in steps]
    return (
        f"{imports}from torch import nn\n\n{_BLOCK if blocks else ''}\n"
        f"class {name}(nn.Sequential):\n"
        f'    """{_described(steps, shape)}"""\n\n'
        "    def __init__(self):\n"
        "        super().__init__()  # a Sequential runs its layers in the order given here\n"
        f"{textwrap.indent(chr(10).join(lines), ' ' * 8)}\n"
    )


def _described(steps: Sequence[Step], shape: Shape) -> str:
    out = ", ".join(map(str, end_of(steps, shape)))
    parameters = sum_steps(steps, shape).parameters
    return f"Input (N, {', '.join(map(str, shape))}), output (N, {out}); {parameters:,} parameters."


def _assignment(step: Step) -> str:
    """One line of the constructor, or several for a block, with the size that leaves it."""
    first, *rest = _value(step, "").splitlines()
    lines = [f"self.{step.name} = {first}  # {written(step.output_shape)}", *rest]
    return "\n".join(lines)


def _value(step: Step, indent: str) -> str:
    """The expression that makes one layer; the lines after its first begin with `indent`."""
    if not step.branches:
        try:
            return str(step.row.layer(step.input_shape))
        except ArchitectureError as error:
            raise ArchitectureError(f"row {step.number}: {error}") from None
    if step.row.kind != Residual.kind:
        raise ArchitectureError(f"row {step.number}: a block of kind {step.row.kind} has no source")
    inner = indent + "    "
    ways = [f"{inner}{way}={_sequence(steps, inner)}," for way, steps in step.branches.items()]
    return "\n".join(["ResidualBlock(", *ways, f"{indent})"])


def _sequence(steps: Sequence[Step], indent: str) -> str:
    """The expression that makes one way through a block."""
    if not steps:
        return "nn.Identity()"
    inner = indent + "    "
    layers = [f'{inner}("{step.name}", {_value(step, inner)}),' for step in steps]
    return "\n".join(["nn.Sequential(OrderedDict([", *layers, f"{indent}]))"])
