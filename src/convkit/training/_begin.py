"""From where does training go: from nothing, from a checkpoint, or on from where it ended?"""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from convkit.errors import TrainingError
from convkit.training._average import WeightAverage
from convkit.training._early_stopping import EarlyStopping
from convkit.training._optimizers import check_holds_all, held_by, left_out, make_optimizer
from convkit.training._random import mixed, seed_everything
from convkit.training._same_settings import check_same, deciding
from convkit.training._schedules import check_plateau, make_schedule
from convkit.training._state import TrainingState
from convkit.training._stop import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from convkit.training._configuration import Call
    from convkit.training._feed import Feed
    from convkit.training._place import Place
    from convkit.training._processes import Processes
    from convkit.training._trainer import Trainer

# A training that the rule ended is over, unless the rule of this call sees it otherwise; one that
# ran out of epochs, or was cut, can go on.
_FINAL = {StopReason.PATIENCE, StopReason.FLAT, StopReason.RISING, StopReason.NOT_FINITE}


def fresh_state(trainer: Trainer, place: Place, steps: int | None) -> TrainingState:
    """The state before the first step of so many."""
    model, settings = trainer.model, trainer.settings
    decay = trainer.options.average_weights
    optimizer = make_optimizer(settings.optimizer, model, place.device, **settings.rates)
    check_holds_all(optimizer, model)
    rates = [group["lr"] for group in optimizer.param_groups]
    rule = copy.deepcopy(trainer.early_stopping or EarlyStopping(None, smoothing=None))
    rule.reset()
    schedule = make_schedule(settings.scheduler, optimizer, steps)
    check_plateau(schedule, accuracy=rule.monitor == "validation_accuracy")
    state = TrainingState(
        model,
        optimizer,
        schedule,
        torch.amp.GradScaler(place.device.type, enabled=place.precision == "float16"),
        rule,
        None if decay is None else WeightAverage(model, decay),
    )
    state.rates = rates
    return state


def begin(
    trainer: Trainer,
    place: Place,
    call: Call,
    feed: Feed,
    notice: Callable[[str], None],
    *,
    resume: bool,
) -> TrainingState:
    """A fresh state, or that of the last checkpoint."""
    processes, run = place.processes, trainer.run_directory
    _seed(trainer, processes)
    steps = feed.steps(trainer.options.accumulate)
    state = fresh_state(trainer, place, None if steps is None else steps * call.epochs)
    state.deciding = deciding(trainer, state, call)
    if resume and run is not None:
        kept = processes.done_by_first(lambda: run.read_checkpoint(notice))
        if kept is not None:
            check_same(kept.get("deciding"), state.deciding)
            state.load_state_dict(kept, processes)
        stop = state.history.stop
        over = stop is not None and stop.reason in _FINAL and state.rule.stop is not None
        if not over and state.epoch < call.epochs:
            state.history.stop = None
            _forget_unjudged(trainer, state, call, processes)
    return state


def go_on(trainer: Trainer, state: TrainingState, place: Place, call: Call, feed: Feed) -> Call:
    """Make a finished training ready for so many epochs more; the call for all of them.

    An epoch that was cut begins anew: the data of this call may be others.
    """
    if left_out(state.optimizer, state.model):
        _renew_optimizer(trainer, state, place)
    state.history.stop = None
    _seed(trainer, feed.processes)  # for a training that was cut before it kept its random state
    with suppress(TrainingError):  # a loss that is not finite has ended the training before
        state.history.step_losses += state.meter.settle(feed.processes)
    state.meter.reset()
    state.batch = 0
    _forget_unjudged(trainer, state, call, feed.processes)
    options, accumulate = trainer.options, trainer.options.accumulate
    if options.average_weights is not None:
        state.average = WeightAverage(state.model, options.average_weights)
    steps = feed.steps(accumulate)
    if state.schedule.steps is not None and steps is not None:
        for group, rate in zip(state.optimizer.param_groups, state.rates, strict=True):
            group["lr"] = rate
            group.pop("initial_lr", None)
        state.schedule = make_schedule(
            trainer.settings.scheduler, state.optimizer, steps * call.epochs
        )
    state.deciding = deciding(trainer, state, call)
    return replace(call, epochs=state.epoch + call.epochs)


def _renew_optimizer(trainer: Trainer, state: TrainingState, place: Place) -> None:
    """Make an optimizer that holds the parameters which came since: unfrozen, or of a new layer.

    The others keep their moments; the rates too, where the groups are as many as before.
    """
    settings, model, old = trainer.settings, state.model, state.optimizer
    new = make_optimizer(settings.optimizer, model, place.device, **settings.rates)
    check_holds_all(new, model)  # an optimizer given as it is cannot be made anew
    state.rates = [group["lr"] for group in new.param_groups]
    schedule = make_schedule(settings.scheduler, new, state.schedule.steps)
    new.state.update({each: old.state[each] for each in held_by(new) if each in old.state})
    if len(new.param_groups) == len(old.param_groups):
        if schedule.scheduler is not None and state.scheduler is not None:
            schedule.scheduler.load_state_dict(state.scheduler.state_dict())
        for group, before in zip(new.param_groups, old.param_groups, strict=True):
            group.update({name: value for name, value in before.items() if name != "params"})
    state.optimizer, state.schedule = new, schedule
    state.best_moments = None  # they are numbered as the old one counts its parameters
    present = {id(parameter) for parameter in model.parameters()}
    if any(id(parameter) not in present for parameter in held_by(old)):
        _forget_best(trainer, state, place.processes)  # of a network that is no longer there


def _forget_unjudged(
    trainer: Trainer, state: TrainingState, call: Call, processes: Processes
) -> None:
    """Without a validation set nothing that comes could be better: the last weights count."""
    if call.validation is None and state.best is not None:
        _forget_best(trainer, state, processes)


def _forget_best(trainer: Trainer, state: TrainingState, processes: Processes) -> None:
    """What was measured so far is not compared with what comes."""
    state.forget_best()
    run = trainer.run_directory
    if run is not None:
        processes.done_by_first(run.remove_best)


def _seed(trainer: Trainer, processes: Processes) -> None:
    """Begin the random numbers of a training."""
    if trainer.seed is not None:
        rank = processes.rank
        seed_everything(mixed(trainer.seed, rank) if rank else trainer.seed)
