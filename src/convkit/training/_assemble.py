"""How do a trainer's settings and its data become one call of `fit`?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from convkit.errors import TrainingError
from convkit.training._alike import as_trained
from convkit.training._configuration import (
    Call,
    class_names_of,
    labels_of,
    names_of_outputs,
    write_down,
)
from convkit.training._fit import Fit
from convkit.training._inputs import reading_feed, training_feed
from convkit.training._inside import image_set_of, in_order, opened
from convkit.training._loss import CrossEntropy, CustomLoss, Objective, check_labels
from convkit.training._place import Place, pays_channels_last
from convkit.training._pool_first import pooling_first
from convkit.training._processes import current_processes, spread
from convkit.training._schedules import beat_of
from convkit.training._step import Stepper, compiled
from convkit.training._twin import dtype_of
from convkit.training._validate import Clock, Validator

if TYPE_CHECKING:
    from convkit.training._feed import Feed
    from convkit.training._interrupt import Interrupt
    from convkit.training._progress import Progress
    from convkit.training._state import TrainingState
    from convkit.training._trainer import Trainer


def place_of(trainer: Trainer) -> Place:
    """Where the trainer's network computes."""
    asked = trainer.options.channels_last
    paying = pays_channels_last(trainer.model, trainer.device, trainer.precision)
    return Place(
        trainer.device,
        dtype_of(trainer.model),
        trainer.precision,
        paying if asked is None else asked,
        current_processes(),
    )


def made_ready(trainer: Trainer, call: Call) -> Call:
    """The call with its sets as they are read, and the trainer told of their classes.

    The training set says how images are prepared, unless the trainer was given that, and how
    classes are numbered; a validation set that was loaded by itself is read that way too.
    """
    training, validation = opened(call.training), in_order(call.validation)
    shown, checked = image_set_of(training), image_set_of(validation)
    if shown is not None:
        trainer.preprocessing = trainer.given_preprocessing or shown.preprocessing
    elif checked is not None:
        trainer.preprocessing = trainer.preprocessing or checked.preprocessing
    names = class_names_of(training) or trainer.class_names
    trainer.class_names = trainer.class_names or names or class_names_of(validation)
    read = shown.preprocessing if shown is not None else trainer.preprocessing
    validation = as_trained(validation, read, names, other_size=True)
    return replace(call, training=training, validation=validation)


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
    network = pooling_first(trainer.model) if options.pool_first else trainer.model
    network = spread(compiled(network, wanted=options.compile), place.processes, place.device)

    def on_first(images: Tensor, outputs: Tensor) -> None:
        if isinstance(objective, CrossEntropy):
            _check_all_labels(call, outputs.shape[1])
            names_of_outputs(trainer.class_names, outputs.shape[1])
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
    weights = _class_weights(trainer, training)
    trainer.class_weights = weights
    moved = None if weights is None else weights.to(place.device)
    return CrossEntropy(moved, trainer.options.label_smoothing)


def _class_weights(trainer: Trainer, training: Any) -> Tensor | None:
    weights = trainer.options.class_weights
    if weights is None:
        return None
    if not isinstance(weights, str):
        return torch.as_tensor(weights, dtype=torch.float32)
    if training is None:  # nothing to count in: as they were counted, if they were
        return trainer.class_weights
    labels = labels_of(training)
    if weights != "balanced" or labels is None:
        raise TrainingError(
            f"class_weights={weights!r}: give a weight for each class, or 'balanced' "
            "with an image set or tensors, whose labels can be counted"
        )
    counts = torch.bincount(labels, minlength=len(trainer.class_names or ())).float()
    return len(labels) / (len(counts) * counts.clamp(min=1))


def _check_all_labels(call: Call, classes: int) -> None:
    """Refuse labels outside the classes before the first step, where they are at hand."""
    for name, data in (("training", call.training), ("validation", call.validation)):
        labels = None if data is None else labels_of(data)
        if labels is not None:
            try:
                check_labels(labels, classes)
            except TrainingError as error:
                raise TrainingError(f"the {name} set: {error}") from None


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a layer needs two samples to learn from."""
    return any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules())
