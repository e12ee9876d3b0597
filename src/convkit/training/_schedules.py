"""How does the learning rate go? Which scheduler a training uses, and when it steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
)

from convkit.errors import TrainingError
from convkit.training._made_with import made_with

Scheduler = LRScheduler | ReduceLROnPlateau
ByOptimizer = Callable[[Optimizer], Scheduler]
BySteps = Callable[[Optimizer, int], Scheduler]
SchedulerLike = str | Scheduler | ByOptimizer | BySteps
Beat = Literal["epoch", "step", "validation"]


class Schedule(NamedTuple):
    """A scheduler, and over how many steps it is planned.

    Attributes:
        scheduler: None for a rate that stays.
        steps: Optimizer steps in all; None for a scheduler that knows no end.
        settings: What the scheduler was made with, as text, by name.
    """

    scheduler: Scheduler | None
    steps: int | None
    settings: dict[str, str]


def _one_cycle(optimizer: Optimizer, steps: int) -> Scheduler:
    """Up to the given rate over the first 30 % of the steps, then down to almost nothing.

    Momentum stays as it is given: a cycle of it would be a second surprise.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, rates, total_steps=steps, cycle_momentum=False)


def _cosine(optimizer: Optimizer, steps: int) -> Scheduler:
    """From the given rate down to zero, along half a cosine."""
    return CosineAnnealingLR(optimizer, steps)


_NAMES: dict[str, BySteps] = {"cosine": _cosine, "one_cycle": _one_cycle}


def make_schedule(given: SchedulerLike | None, optimizer: Optimizer, steps: int | None) -> Schedule:
    """The scheduler by name, by instance, or by function of the optimizer.

    Args:
        given: As the user gave it.
        optimizer: Whose rates are changed.
        steps: Optimizer steps in all; None when nobody can know.

    Raises:
        TrainingError: When it is none, or needs the number of steps where that is unknown.
    """
    if given is None:
        return Schedule(None, None, made_with("scheduler", None))
    if isinstance(given, LRScheduler | ReduceLROnPlateau):
        return _of(optimizer, given)
    planned = _planned(given)
    if planned is None:
        return _of(optimizer, cast("ByOptimizer", given)(optimizer))
    if steps is None:
        raise TrainingError(
            f"scheduler={given!r} is planned over all steps, and this loader does not know its "
            "length: give a scheduler that needs no end"
        )
    return _of(optimizer, planned(optimizer, steps), steps)


def _planned(given: Any) -> BySteps | None:
    """What makes a scheduler of the optimizer and the number of steps; None for other kinds."""
    if isinstance(given, str):
        if given.lower() not in _NAMES:
            raise TrainingError(
                f"there is no scheduler {given!r}: one of {', '.join(_NAMES)}, "
                "or a function of the optimizer"
            )
        return _NAMES[given.lower()]
    if not callable(given):
        raise TrainingError(
            f"scheduler= is a {type(given).__name__}: give a name, a function of the optimizer or "
            "a scheduler of torch.optim.lr_scheduler"
        )
    if isinstance(given, type):
        return None
    needed = [
        parameter
        for parameter in inspect.signature(given).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    ]
    return cast("BySteps", given) if len(needed) == 2 else None


def _of(optimizer: Optimizer, scheduler: object, steps: int | None = None) -> Schedule:
    if not isinstance(scheduler, LRScheduler | ReduceLROnPlateau):
        raise TrainingError(
            f"scheduler= returned a {type(scheduler).__name__}: "
            "give a function of the optimizer that returns a scheduler of torch.optim.lr_scheduler"
        )
    if scheduler.optimizer is not optimizer:
        raise TrainingError(
            "the scheduler belongs to another optimizer: give scheduler=lambda optimizer: ..."
        )
    settings = made_with("scheduler", scheduler)
    for name in ("max_lr", "min_lr"):  # of cycles; these stand in the groups, and change later
        bounds = [group[name] for group in optimizer.param_groups if name in group]
        settings |= made_with(f"scheduler.{name}", bounds) if bounds else {}
    if steps is not None:  # the planned length is compared by itself, with a reason of its own
        settings = {name: text for name, text in settings.items() if text != str(steps)}
    return Schedule(scheduler, steps, settings)


def beat_of(schedule: Schedule, asked: Beat | None) -> Beat:
    """When this scheduler steps.

    Raises:
        TrainingError: When a scheduler that is planned in steps shall step otherwise.
    """
    if schedule.steps is not None and asked not in {None, "step"}:
        raise TrainingError(
            f"the scheduler is planned over all steps: leave scheduler_per={asked!r} out"
        )
    if asked is not None:
        return asked
    if isinstance(schedule.scheduler, ReduceLROnPlateau):
        return "validation"
    stepwise = isinstance(schedule.scheduler, OneCycleLR | CyclicLR)
    return "step" if stepwise or schedule.steps is not None else "epoch"


def check_plateau(schedule: Schedule, *, accuracy: bool) -> None:
    """Refuse a plateau that waits for the wrong direction of what is watched.

    Raises:
        TrainingError: Saying which direction is meant.
    """
    scheduler, mode = schedule.scheduler, "max" if accuracy else "min"
    if isinstance(scheduler, ReduceLROnPlateau) and scheduler.mode != mode:
        watched = "accuracy" if accuracy else "loss"
        raise TrainingError(
            f"ReduceLROnPlateau(mode={scheduler.mode!r}) is shown the validation {watched}, as the "
            f"stop rule is: give mode={mode!r}"
        )
