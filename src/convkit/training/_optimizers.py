"""Which optimizer, scheduler and scaler does a training use?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from convkit.errors import TrainingError

OptimizerLike = str | Optimizer | Callable[[Iterable[nn.Parameter]], Optimizer]
Scheduler = LRScheduler | ReduceLROnPlateau
SchedulerLike = Scheduler | Callable[[Optimizer], Scheduler]
Beat = Literal["epoch", "step", "validation"]

_NAMES: dict[str, type[Optimizer]] = {
    name.lower(): getattr(torch.optim, name)
    for name in (
        "Adadelta",
        "Adagrad",
        "Adam",
        "Adamax",
        "AdamW",
        "ASGD",
        "NAdam",
        "RAdam",
        "RMSprop",
        "SGD",
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
                f"{', '.join(given)} belong to an optimizer given by name; "
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


def make_scheduler(scheduler: SchedulerLike | None, optimizer: Optimizer) -> Scheduler | None:
    """The scheduler by instance or by function of the optimizer."""
    if scheduler is None:
        return None
    if not isinstance(scheduler, LRScheduler | ReduceLROnPlateau):
        scheduler = scheduler(optimizer)
    if not isinstance(scheduler, LRScheduler | ReduceLROnPlateau):
        raise TrainingError(
            f"scheduler= returned a {type(scheduler).__name__}: "
            "give a function of the optimizer that returns a scheduler of torch.optim.lr_scheduler"
        )
    if scheduler.optimizer is not optimizer:
        raise TrainingError(
            "the scheduler belongs to another optimizer: give scheduler=lambda optimizer: ..."
        )
    return scheduler


def beat_of(scheduler: Scheduler | None, asked: Beat | None) -> Beat:
    """When this scheduler steps."""
    if asked is not None:
        return asked
    if isinstance(scheduler, ReduceLROnPlateau):
        return "validation"
    return "step" if isinstance(scheduler, OneCycleLR | CyclicLR) else "epoch"
