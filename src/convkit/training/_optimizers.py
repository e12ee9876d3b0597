"""Which optimizer does a training use?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import nn
from torch.optim import Optimizer

from convkit.errors import TrainingError
from convkit.training._muon import Muon

OptimizerLike = str | Optimizer | Callable[[Iterable[nn.Parameter]], Optimizer]

_NAMES: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (
        torch.optim.Adadelta,
        torch.optim.Adagrad,
        torch.optim.Adam,
        torch.optim.Adamax,
        torch.optim.AdamW,
        torch.optim.ASGD,
        Muon,
        torch.optim.NAdam,
        torch.optim.RAdam,
        torch.optim.RMSprop,
        torch.optim.SGD,
    )
}


def make_optimizer(
    optimizer: OptimizerLike, model: nn.Module, device: torch.device, **settings: float | None
) -> Optimizer:
    """The optimizer by instance, by function of the trainable parameters, or by name."""
    given = {name: value for name, value in settings.items() if value is not None}
    if not isinstance(optimizer, str):
        if given:
            raise TrainingError(
                f"{', '.join(given)} {'belong' if len(given) > 1 else 'belongs'} to an optimizer "
                "given by name; "
                "set them in the optimizer itself"
            )
        return optimizer if isinstance(optimizer, Optimizer) else _called(optimizer, model)
    if optimizer.lower() not in _NAMES:
        raise TrainingError(
            f"there is no optimizer {optimizer!r}: one of {', '.join(_NAMES)}, "
            "or a function of the parameters"
        )
    kind = _NAMES[optimizer.lower()]
    known = inspect.signature(kind).parameters
    unknown = [name for name in given if name not in known]
    if unknown:
        raise TrainingError(f"{kind.__name__} has no {', '.join(unknown)}")
    if "fused" in known and _fusible(model, device):
        given["fused"] = True
    return cast("Optimizer", cast("Any", kind)(_trainable(model), **given))


def left_out(optimizer: Optimizer, model: nn.Module) -> list[str]:
    """The names of the parameters that are not frozen and that the optimizer does not hold."""
    held = {id(each) for each in held_by(optimizer)}
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and id(parameter) not in held
    ]


def held_by(optimizer: Optimizer) -> list[nn.Parameter]:
    """The parameters that the optimizer updates."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def check_holds_all(optimizer: Optimizer, model: nn.Module) -> None:
    """Refuse an optimizer under which a parameter would never learn, without a word.

    Raises:
        TrainingError: Naming the first that it leaves out.
    """
    names = left_out(optimizer, model)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise TrainingError(
            f"the optimizer does not hold {names[0]}{more}, which would never learn: give "
            "optimizer=lambda parameters: ..., which is called with all that are not frozen, or "
            "freeze what shall not learn by transfer.freeze"
        )


def _called(make: Callable[[Iterable[nn.Parameter]], Optimizer], model: nn.Module) -> Optimizer:
    made = make(_trainable(model))
    if not isinstance(made, Optimizer):
        raise TrainingError(
            f"optimizer= returned a {type(made).__name__}, not an optimizer: "
            "give a function of the parameters that returns one"
        )
    return made


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise TrainingError("the network has no parameter that is trained: all are frozen")
    return parameters


def _fusible(model: nn.Module, device: torch.device) -> bool:
    """Whether one kernel can update all parameters together on this device."""
    return device.type in {"cpu", "cuda"} and all(
        parameter.is_floating_point() for parameter in model.parameters()
    )
