"""How often each conv layer will run, read from the model's code without running its layers.

A forward may end early only when no asked layer will run again. `torch.fx` traces the Python code
of the modules that contain conv layers, with no data and no computation, on a copy of their
skeleton. Code that cannot be traced (it decides by the data) gives no plan; then the forward
runs to its end.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from convkit.features._layers import CONVOLUTIONS, conv_layers
from convkit.features._unchanged import random_states_kept

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Plan:
    """The conv layers of a model, and how they run.

    Args:
        layers: Every conv layer by its first name, in the model's order.
        calls: Their names in the order of their calls; None when that is not known.
    """

    layers: Mapping[str, nn.Module]
    calls: tuple[str, ...] | None

    @property
    def running(self) -> tuple[str, ...]:
        """Those that will run, in order; empty when that is not known."""
        return tuple(dict.fromkeys(self.calls or ()))

    @property
    def order(self) -> tuple[str, ...]:
        """The names of all as they run; those of which it is not known come last."""
        runs = self.running
        return (*runs, *(name for name in self.layers if name not in runs))

    def expected(self, chosen: Mapping[str, nn.Module]) -> dict[str, int] | None:
        """How often each chosen layer will run; None when that is not known."""
        return None if self.calls is None else {name: self.calls.count(name) for name in chosen}


class Plans:
    """The plan of a model, made once for the conv layers that it has.

    Args:
        model: The model; layers that are replaced later are noticed.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._calls: dict[tuple[int, ...], tuple[str, ...] | None] = {}

    def now(self) -> Plan:
        """The plan for the layers that the model has now."""
        layers = conv_layers(self._model)
        key = tuple(map(id, layers.values()))
        if key not in self._calls:
            self._calls[key] = call_plan(self._model)
        return Plan(layers, self._calls[key])


def call_plan(model: nn.Module) -> tuple[str, ...] | None:
    """The names of the conv layers in the order of their calls, or None when it is not known."""
    if isinstance(model, CONVOLUTIONS):
        return ("",)
    skeleton = _skeleton(model, {})
    try:
        with random_states_kept(torch.device("cpu")), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = _Tracer().trace(skeleton, concrete_args=_optional_arguments(model))
    except Exception:  # noqa: BLE001 - any code at all may refuse to be traced
        return None
    names = {id(m): name for name, m in skeleton.named_modules() if isinstance(m, CONVOLUTIONS)}
    modules = dict(skeleton.named_modules(remove_duplicate=False))
    called = [modules[str(n.target)] for n in graph.nodes if n.op == "call_module"]
    return tuple(names[id(module)] for module in called if id(module) in names)


class _Tracer(fx.Tracer):
    """Goes into the modules that contain conv layers and takes every other as one step."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - torch's signature
        """Conv layers, and whatever contains none, are not looked into."""
        return isinstance(m, CONVOLUTIONS) or not _contains_conv(m)


def _contains_conv(module: nn.Module) -> bool:
    return any(isinstance(inner, CONVOLUTIONS) for inner in module.modules())


def _skeleton(module: nn.Module, made: dict[int, nn.Module]) -> nn.Module:
    """A copy of the modules that shares the layers' tensors; what code sets, it sets on the copy.

    Hooks are left out: they are the user's, and nothing is run that they should see.
    """
    if id(module) in made:
        return made[id(module)]
    copy = made[id(module)] = object.__new__(type(module))
    for name, value in vars(module).items():
        copied = value.copy() if type(value) in {list, dict, set} else value
        hooks = name.endswith("_hooks") and isinstance(value, dict)
        copy.__dict__[name] = type(value)() if hooks else copied
    copy.__dict__ |= {"training": False, "_compiled_call_impl": None}
    if not isinstance(module, CONVOLUTIONS) and _contains_conv(module):
        # Its code is going to run, and may write into what it owns.
        copy.__dict__["_buffers"] = _cloned(module._buffers)
        copy.__dict__["_parameters"] = _cloned(module._parameters)
    copy.__dict__["_modules"] = {
        name: None if child is None else _skeleton(child, made)
        for name, child in module._modules.items()
    }
    return copy


def _cloned(members: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of a module's own tensors, each of its own kind."""
    return {
        name: None if tensor is None else _like(tensor, tensor.detach().clone())
        for name, tensor in members.items()
    }


def _like(tensor: Any, values: Any) -> Any:
    """Make a parameter of the values where the tensor was one."""
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(values, requires_grad=tensor.requires_grad)
    return values


def _optional_arguments(model: nn.Module) -> dict[str, Any]:
    """The arguments of `forward` that have a default: they keep it, as in `model(images)`."""
    parameters = list(inspect.signature(model.forward).parameters.values())
    return {p.name: p.default for p in parameters[1:] if p.default is not inspect.Parameter.empty}
