"""A model looked at and left as it was."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator


Member = TypeVar("Member")


@contextmanager
def evaluated(model: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode; afterwards each has its own mode and members again.

    The flags are set directly: a model's own `train()` or `eval()` may do more than that.
    """
    modules = list(model.modules())
    modes = [(module.training, module._compiled_call_impl) for module in modules]
    members = [(dict(m._parameters), dict(m._buffers)) for m in modules]
    try:
        for module in modules:
            if module.training:
                module.training = False
            if module._compiled_call_impl is not None:  # compiled code would not run the hooks
                module._compiled_call_impl = None
        yield
    finally:
        for module, (mode, compiled), (parameters, buffers) in zip(
            modules, modes, members, strict=True
        ):
            if module.training is not mode:
                module.training = mode
            if module._compiled_call_impl is not compiled:
                module._compiled_call_impl = compiled
            _put_back(module._parameters, parameters)
            _put_back(module._buffers, buffers)


def _put_back(members: dict[str, Member], before: dict[str, Member]) -> None:
    """Undo what replaced, added or removed a parameter or buffer."""
    if members.keys() != before.keys() or any(members[k] is not v for k, v in before.items()):
        members.clear()
        members.update(before)


@contextmanager
def random_states_kept(device: torch.device) -> Iterator[None]:
    """Leave the random states of torch, numpy and Python as they were."""
    python, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - kept, not used
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)  # noqa: NPY002 - put back, not used


def place_of(model: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Where a model computes and in which type: those of its first floating parameter."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.get_default_dtype()
