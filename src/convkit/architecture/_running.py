"""Run a network once without leaving a trace on it."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from convkit.architecture._recording import Recorder, Run, shape_of
from convkit.architecture._seeing_ops import Sight

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a forward pass may change in a module, and what stands in for it meanwhile.
_DICTIONARIES = ("_parameters", "_buffers", "_modules")


def run_once(
    model: nn.Module, inputs: list[Any], device: str | None, *, everywhere: bool = False
) -> tuple[list[Run], Any]:
    """Run a network on one item, and say what ran.

    Args:
        model: The network; it is left as it was.
        inputs: A shape or a tensor of one item for each input.
        device: `"meta"` to run without values, None to run with them where the weights are.
        everywhere: Whether tensors that the network makes itself go to that device too.

    Returns:
        The calls of its modules in the order in which they ended, and the shape that left it.
    """
    first = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    with untouched(model, device), torch.no_grad(), _plain_attention():
        recorder = Recorder(model, without_values=device == "meta")
        arguments = [_input(value, first, device) for value in inputs]
        if device == "meta" and len(arguments) == 1 and arguments[0].dim() > 2:
            recorder.sight = Sight(arguments[0])
        try:
            with (
                recorder.listening(),
                torch.device(device or first.device) if everywhere else nullcontext(),
            ):
                output = model(*arguments)
        except Exception as error:
            error.convkit_layer = recorder.running[-1].name  # type: ignore[attr-defined] # told in the message
            raise
    return recorder.runs, shape_of(output)


def _input(value: Any, like: torch.Tensor, device: str | None) -> torch.Tensor:
    """One item for an input; its values are drawn apart from any random state of the user's."""
    target = torch.device(device or like.device)
    if isinstance(value, torch.Tensor):
        return value.to(target)
    if target.type == "meta":
        return torch.empty(1, *value, dtype=like.dtype, device=target)
    drawn = torch.randn(1, *value, generator=torch.Generator().manual_seed(0))
    return drawn.to(target, like.dtype)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention as the operations that it consists of, so that they can be counted."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def untouched(model: nn.Module, device: str | None) -> Iterator[None]:
    """Evaluation mode and stand-in weights inside the block; everything as before after it.

    Restored are the modules' modes, attributes, parameters, buffers and parts, and the random
    states of PyTorch, Python and NumPy. Forward hooks are silent meanwhile.

    Args:
        model: The network.
        device: `"meta"` for weights without values, None for copies.
    """
    modules = [m for m in model.modules() if not isinstance(m, torch.jit.ScriptModule)]
    kept = [(module, dict(vars(module))) for module in modules]
    states = _random_states(model)
    try:
        twins: dict[int, torch.Tensor] = {}
        for module in modules:
            _stand_in(module, device, twins)
        yield
    finally:
        for module, attributes in kept:
            vars(module).clear()
            vars(module).update(attributes)
        _restore_random_states(states)


def _stand_in(module: nn.Module, device: str | None, twins: dict[int, torch.Tensor]) -> None:
    """Give a module copies of its dictionaries, with twins of its tensors."""
    own = vars(module)
    own["training"] = False
    own["_forward_hooks"] = type(own["_forward_hooks"])()
    for name in _DICTIONARIES:
        own[name] = dict(own[name])
    for dictionary in (own["_parameters"], own["_buffers"]):
        for name, tensor in dictionary.items():
            dictionary[name] = None if tensor is None else _twin(tensor, device, twins)


def _twin(tensor: torch.Tensor, device: str | None, twins: dict[int, torch.Tensor]) -> torch.Tensor:
    """A tensor without values or a copy; one for each, so that what was shared stays shared."""
    twin = twins.get(id(tensor))
    if twin is None:
        if device is None:
            twin = tensor.detach().clone()
        else:
            twin = torch.empty(tensor.shape, dtype=tensor.dtype, device=device)
        if isinstance(tensor, nn.Parameter):
            twin = nn.Parameter(twin, requires_grad=False)
        twins[id(tensor)] = twin
    return twin


def _random_states(model: nn.Module) -> dict[str, Any]:
    numpy = sys.modules.get("numpy")
    devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
    return {
        "torch": torch.get_rng_state(),
        "cuda": [(device, torch.cuda.get_rng_state(device)) for device in devices],
        "python": random.getstate(),
        "numpy": None if numpy is None else (numpy, numpy.random.get_state()),
    }


def _restore_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    for device, state in states["cuda"]:
        torch.cuda.set_rng_state(state, device)
    random.setstate(states["python"])
    if states["numpy"] is not None:
        numpy, state = states["numpy"]
        numpy.random.set_state(state)
