"""What is known of one of PyTorch's operators? Its schema, read once, for it is asked often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from convkit.features._stages import ACTIVATIONS, NORMS, SUMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Habit:
    """What is known of one operator: what it overwrites, and whether it ends a stage."""

    name: str
    writes: tuple[tuple[int, str], ...]
    beside: Callable[..., Tensor] | None  # the same operation out of place, for activations
    into: Callable[..., Tensor] | None  # and into memory that is given as `out`
    role: str
    batch_norm: bool


HABITS: dict[Any, Habit] = {}


def learn_habit(func: Any) -> Habit:
    """Read an operator's schema, once."""
    schema = getattr(func, "_schema", None)
    arguments = schema.arguments if schema is not None else ()
    name = schema.name.partition("::")[2].removesuffix("_") if schema is not None else str(func)
    writes = tuple(
        (place, argument.name)
        for place, argument in enumerate(arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    roles = {"activation": ACTIVATIONS, "norm": NORMS, "sum": SUMS}
    role = next((role for role, names in roles.items() if name in names), "")
    beside = _beside(func, name, role)
    into = None if beside is None else _into(name)
    habit = HABITS[func] = Habit(name, writes, beside, into, role, "batch_norm" in name)
    return habit


def _beside(func: Any, name: str, role: str) -> Callable[..., Tensor] | None:
    """The operator that does the same as an activation in place, but beside it."""
    if role != "activation" or not func._schema.name.endswith("_"):
        return None
    packet = getattr(torch.ops.aten, name, None)
    found: Callable[..., Tensor] | None = getattr(packet, func._overloadname, None)
    return found


def _into(name: str) -> Callable[..., Tensor] | None:
    """The operator that writes the same into given memory, where torch has a real one."""
    if name == "relu":
        return _relu_into
    found: Any = getattr(getattr(torch.ops.aten, name, None), "out", None)
    # A generated one makes a result of its own first and copies it.
    return None if found is None or torch.Tag.generated in found.tags else found


def _relu_into(tensor: Tensor, *, out: Tensor) -> Tensor:
    """ReLU as torch itself computes it."""
    result: Tensor = torch.ops.aten.clamp_min.out(tensor, 0, out=out)
    return result
