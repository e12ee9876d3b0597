"""How do a trainer's settings and its data become one call of `fit`?"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from convkit.errors import TrainingError
from convkit.training._average import WeightAverage
from convkit.training._configuration import (
    Call,
    describe_call,
    describe_network,
    labels_of,
    samples_of,
    versions,
)
from convkit.training._directory import SAMPLES
from convkit.training._early_stopping import EarlyStopping
from convkit.training._fit import Fit
from convkit.training._inputs import reading_feed, training_feed
from convkit.training._loss import CrossEntropy, CustomLoss, Objective, check_labels
from convkit.training._optimizers import make_optimizer
from convkit.training._processes import spread
from convkit.training._random import mixed, seed_everything
from convkit.training._schedules import beat_of, make_schedule
from convkit.training._state import TrainingState
from convkit.training._step import Stepper, compiled
from convkit.training._stop import StopReason
from convkit.training._validate import Clock, Validator

if TYPE_CHECKING:
    from collections.abc import Callable

    from convkit.training._feed import Feed
    from convkit.training._interrupt import Interrupt
    from convkit.training._place import Place
    from convkit.training._progress import Progress
    from convkit.training._trainer import Trainer

# A training that the rule ended is over; one that ran out of epochs, or was cut, can go on.
_FINAL = {StopReason.PATIENCE, StopReason.FLAT, StopReason.RISING, StopReason.NOT_FINITE}


def fresh_state(trainer: Trainer, place: Place, steps: int | None) -> TrainingState:
    """The state before the first step of so many."""
    model, settings = trainer.model, trainer.settings
    decay = trainer.options.average_weights
    optimizer = make_optimizer(settings.optimizer, model, place.device, **settings.rates)
    rates = [group["lr"] for group in optimizer.param_groups]
    rule = copy.deepcopy(trainer.early_stopping or EarlyStopping(None, smoothing=None))
    rule.reset()
    state = TrainingState(
        model,
        optimizer,
        make_schedule(settings.scheduler, optimizer, steps),
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
    if trainer.seed is not None:
        rank = processes.rank
        seed_everything(mixed(trainer.seed, rank) if rank else trainer.seed)
    steps = feed.steps(trainer.options.accumulate)
    state = fresh_state(trainer, place, None if steps is None else steps * call.epochs)
    if resume and run is not None:
        kept = processes.done_by_first(lambda: run.read_checkpoint(notice))
        if kept is not None:
            state.load_state_dict(kept, processes)
        stop = state.history.stop
        if stop is not None and stop.reason not in _FINAL and state.epoch < call.epochs:
            state.history.stop = None
    return state


def go_on(trainer: Trainer, state: TrainingState, call: Call, feed: Feed) -> Call:
    """Make a finished training ready for so many epochs more; the call for all of them."""
    state.history.stop = None
    options, accumulate = trainer.options, trainer.options.accumulate
    if options.average_weights is not None:
        state.average = WeightAverage(state.model, options.average_weights)
    steps = feed.steps(accumulate)
    if state.schedule.steps is not None and steps is not None:
        for group, rate in zip(state.optimizer.param_groups, state.rates, strict=True):
            group["lr"] = rate
            group.pop("initial_lr", None)
        done = -(-state.batch // accumulate)
        state.schedule = make_schedule(
            trainer.settings.scheduler, state.optimizer, steps * call.epochs - done
        )
    return replace(call, epochs=state.epoch + call.epochs)


def feeds(call: Call, trainer: Trainer, place: Place) -> tuple[Feed, Feed | None]:
    """What to learn from and what to validate on."""
    least = 2 if has_batch_norm(trainer.model) else 1
    seed = trainer.seed or 0
    feed = training_feed(call.training, call.batch_size, seed, call.augment, place, least)
    if call.validation is None:
        return feed, None
    # Without gradients twice as many images need no more memory.
    return feed, reading_feed(call.validation, 2 * call.batch_size, place, "validation")


def assemble(
    trainer: Trainer,
    state: TrainingState,
    call: Call,
    fed: tuple[Feed, Feed | None],
    place: Place,
    progress: Progress,
    interrupt: Interrupt,
) -> Fit:
    """All parts of a call of `fit`, put together."""
    options, run = trainer.options, trainer.run_directory
    objective = make_objective(trainer, place, call.training)
    beat = beat_of(state.schedule, options.scheduler_per)
    network = spread(compiled(trainer.model, wanted=options.compile), place.processes, place.device)

    def on_first(images: Tensor, outputs: Tensor) -> None:
        _check_all_labels(call, outputs, objective)
        if run is not None:
            shape = tuple(images.shape[1:])
            place.processes.done_by_first(lambda: write_down(trainer, state, call, shape))

    return Fit(
        trainer=trainer,
        state=state,
        feed=fed[0],
        epochs=call.epochs,
        stepper=Stepper(state, network, objective, place, options.clip_norm, on_first),
        validator=Validator(
            state=state,
            feed=fed[1],
            objective=objective,
            place=place,
            beat=beat,
            back_to_best=options.back_to_best,
            directory=run,
            clock=Clock(state),
            progress=progress,
        ),
        options=options,
        directory=run,
        progress=progress,
        callbacks=trainer.callbacks,
        interrupt=interrupt,
    )


def make_objective(trainer: Trainer, place: Place, training: Any = None) -> Objective:
    """The loss; balanced class weights are counted in the training labels."""
    if trainer.settings.loss is not None:
        return CustomLoss(trainer.settings.loss)
    weights = trainer.class_weights if training is None else _class_weights(trainer, training)
    trainer.class_weights = weights
    moved = None if weights is None else weights.to(place.device)
    return CrossEntropy(moved, trainer.options.label_smoothing)


def _class_weights(trainer: Trainer, training: Any) -> Tensor | None:
    weights = trainer.options.class_weights
    if weights is None:
        return None
    if not isinstance(weights, str):
        return torch.as_tensor(weights, dtype=torch.float32)
    labels = labels_of(training)
    if weights != "balanced" or labels is None:
        raise TrainingError(
            f"class_weights={weights!r}: give a weight for each class, or 'balanced' "
            "with an image set or tensors, whose labels can be counted"
        )
    counts = torch.bincount(labels, minlength=len(trainer.class_names or ())).float()
    return len(labels) / (len(counts) * counts.clamp(min=1))


def _check_all_labels(call: Call, outputs: Tensor, objective: Objective) -> None:
    """Refuse labels outside the classes before the first step, where they are at hand."""
    if not isinstance(objective, CrossEntropy):
        return
    for name, data in (("training", call.training), ("validation", call.validation)):
        labels = None if data is None else labels_of(data)
        if labels is not None:
            try:
                check_labels(labels, outputs.shape[1])
            except TrainingError as error:
                raise TrainingError(f"the {name} set: {error}") from None


def write_down(
    trainer: Trainer, state: TrainingState, call: Call, input_shape: tuple[int, ...]
) -> None:
    """Write configuration and samples into the run directory."""
    run, preprocessing = trainer.run_directory, trainer.preprocessing
    if run is None:
        return
    names, scheduler = trainer.class_names, state.scheduler
    run.write_configuration(
        {
            **describe_network(trainer.model, input_shape),
            "class_names": None if names is None else list(names),
            "preprocessing": None if preprocessing is None else preprocessing.to_dict(),
            "settings": {
                "optimizer": type(state.optimizer).__name__,
                "optimizer_settings": _plain_settings(state.optimizer.defaults),
                "scheduler": None if scheduler is None else type(scheduler).__name__,
                "early_stopping": str(trainer.early_stopping),
                "seed": trainer.seed,
                "device": str(trainer.device),
                "precision": trainer.precision,
                "options": str(trainer.options),
                **describe_call(call),
            },
            "versions": versions(),
        }
    )
    samples = samples_of(call.validation)
    if samples is not None:
        run.write_tensors(SAMPLES, samples)


def _plain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that differ from nothing, as plain values."""
    return {
        name: value if isinstance(value, int | float | bool | str | tuple) else str(value)
        for name, value in settings.items()
        if value is not None
    }


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a layer needs two samples to learn from."""
    return any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules())
