"""How is training tried without touching a network? On a copy, with a copy of its optimizer."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.optim import Optimizer

from convkit.errors import TrainingError
from convkit.training._optimizers import make_optimizer

if TYPE_CHECKING:
    from convkit.training._optimizers import OptimizerLike


def twin_of(model: nn.Module, optimizer: OptimizerLike) -> tuple[nn.Module, OptimizerLike]:
    """A copy of the model, and what makes or is an optimizer of the copy's weights.

    Args:
        model: Any module; it is only read.
        optimizer: A name or function is handed back as it is; an optimizer is copied together with
            the model, so that the copy updates the copied weights, with its momenta.
    """
    if isinstance(optimizer, Optimizer):
        known = {id(parameter) for parameter in model.parameters()}
        if not _owned(optimizer, known):
            raise TrainingError("the optimizer belongs to other weights than those of the model")
        twin, its_optimizer = copy.deepcopy((model, optimizer))
        return twin, its_optimizer
    return copy.deepcopy(model), optimizer


def optimizer_of_twin(
    optimizer: OptimizerLike, twin: nn.Module, device: torch.device, lr: float | None
) -> Optimizer:
    """The optimizer that updates the copy, and nothing else.

    Raises:
        TrainingError: When a function made it for other weights, such as those of the original.
    """
    made = make_optimizer(optimizer, twin, device, lr=lr)
    if not _owned(made, {id(parameter) for parameter in twin.parameters()}):
        raise TrainingError(
            "the function given as optimizer= takes weights of its own: let it use the parameters "
            "that it is called with, or give the optimizer itself"
        )
    return made


def device_of(model: nn.Module) -> torch.device:
    """Where the first weight of a model is."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def dtype_of(model: nn.Module) -> torch.dtype:
    """Of the first weight of a model that holds fractions."""
    kinds = (each.dtype for each in model.parameters() if each.is_floating_point())
    return next(kinds, torch.float32)


def _owned(optimizer: Optimizer, known: set[int]) -> bool:
    return all(id(p) in known for group in optimizer.param_groups for p in group["params"])
