"""What people give by mistake is refused with the change that would mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from convkit import Trainer
from convkit.errors import TrainingError
from convkit.training import BackToBest, EarlyStopping, TrainingOptions

IMAGES = np.random.default_rng(0).random((12, 3))
LABELS = np.arange(12) % 2
PAIR = (torch.randn(12, 3), torch.arange(12) % 2)


def network() -> nn.Linear:
    """The smallest one."""
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def test_float64_arrays_of_numpy_become_float32() -> None:
    models = [network(), network()]
    for model, images in zip(models, (IMAGES, IMAGES.astype(np.float32)), strict=True):
        Trainer(model).fit((images, LABELS), (images, LABELS), epochs=1, progress=False)

    assert torch.equal(models[0].weight, models[1].weight)
    predicted = [
        Trainer(models[0]).predict(i).labels for i in (IMAGES, torch.tensor(IMAGES).float())
    ]
    assert torch.equal(*predicted)


def test_float64_tensors_stay_for_a_network_in_float64() -> None:
    model = network().double()
    Trainer(model).fit((PAIR[0].double(), PAIR[1]), epochs=1, progress=False)

    assert model.weight.dtype == torch.float64


def test_labels_of_a_loader_may_be_of_any_whole_kind() -> None:
    models = [network(), network()]
    for model, labels in zip(models, (PAIR[1], PAIR[1].int()), strict=True):
        loader = DataLoader(TensorDataset(PAIR[0], labels), batch_size=4)
        Trainer(model).fit(loader, loader, epochs=1, progress=False)

    assert torch.equal(models[0].weight, models[1].weight)


class Once:
    """A loader that gives its batches only once."""

    def __init__(self) -> None:
        self.batches = [PAIR]

    def __iter__(self) -> Any:
        while self.batches:
            yield self.batches.pop()


WRONG_NUMBERS: list[tuple[Any, dict[str, Any], str]] = [
    *(
        (
            EarlyStopping,
            {"patience": value},
            f"patience is a whole number from 1 on or None, not {value!r}",
        )
        for value in ("5", 2.5, float("nan"), True)
    ),
    (EarlyStopping, {"smoothing": "0.6"}, "smoothing is a number, a Smoothing or None, not '0.6'"),
    (EarlyStopping, {"min_delta": "0"}, "min_delta is 0 or above, not '0'"),
    (EarlyStopping, {"first": 0}, "first is a whole number from 1 on, not 0"),
    (EarlyStopping, {"minimum": 0.5}, "minimum is a whole number from 0 on, not 0.5"),
    (EarlyStopping, {"rising": 1}, "rising is a whole number from 2 on or None, not 1"),
    *(
        (TrainingOptions, {name: value}, f"{name} is a whole number from 1 on, not {value!r}")
        for name, value in {
            "accumulate": 1.5,
            "validate_every": 2.5,
            "validations_per_epoch": None,
            "checkpoint_every_steps": 0.5,
        }.items()
    ),
    (TrainingOptions, {"clip_norm": "1"}, "clip_norm is above 0, not '1'"),
    (TrainingOptions, {"label_smoothing": "0"}, "label_smoothing lies from 0 to below 1, not '0'"),
    (
        TrainingOptions,
        {"back_to_best": 3},
        "back_to_best=3 is no rule: write BackToBest(after=5)",
    ),
    (BackToBest, {"after": 2.5}, "after is a whole number from 1 on, not 2.5"),
    (BackToBest, {"rate_factor": "1"}, "rate_factor lies above 0 and up to 1, not '1'"),
]


CASES: list[tuple[Callable[[], object], str]] = [
    (
        lambda: Trainer(network()).fit((batch for batch in [PAIR]), epochs=1),
        (
            "the training data are a generator, which can be read only once: give a loader, or a "
            "list made into a data set"
        ),
    ),
    (
        lambda: Trainer(network()).fit(Once(), epochs=2, progress=False),
        "epoch 2 had no batch to learn from: the loader gives its batches only once",
    ),
    (
        lambda: Trainer(network(), early_stopping=5),  # type: ignore[arg-type]  # the mistake
        "early_stopping=5 is no rule: write EarlyStopping(patience=5)",
    ),
    (
        lambda: Trainer(network(), callbacks=print),  # type: ignore[arg-type]  # the mistake
        "callbacks is a list of functions: write callbacks=[...]",
    ),
    (
        lambda: Trainer(network(), options={"accumulate": 2}),  # type: ignore[arg-type]  # the mistake
        "options is a dict: write TrainingOptions(accumulate=2), say",
    ),
    (
        lambda: Trainer(network(), device="gpu"),
        "there is no device 'gpu': give 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'",
    ),
    (
        lambda: Trainer(network(), loss=nn.MSELoss(reduction="none")).fit(
            (PAIR[0], torch.randn(12, 2)), epochs=1, progress=False
        ),
        (
            "step 1, batch 1 of epoch 1: the function given as loss= returns shape (12, 2): let it "
            "return the mean over the samples, one number"
        ),
    ),
    (
        lambda: Trainer(network(), loss=lambda _outputs, _targets: 1.0).fit(  # type: ignore[arg-type,return-value]  # the mistake
            PAIR, epochs=1, progress=False
        ),
        (
            "step 1, batch 1 of epoch 1: the function given as loss= returns no tensor: let it "
            "return the mean over the samples, one number"
        ),
    ),
    (
        lambda: Trainer(network(), loss=nn.MSELoss()).evaluate((PAIR[0], torch.randn(12, 2))),
        (
            "evaluate measures classes: scores (N, C) against indices (N,), not (12, 2) against "
            "float32 (12, 2); the loss on a validation set is in the history"
        ),
    ),
    (
        lambda: Trainer(network()).predict(iter(["1.png"])),
        (
            "the images to predict are a list_iterator, which can be read only once: of files give "
            "list(...), of batches a loader"
        ),
    ),
    (
        lambda: Trainer(network()).predict([torch.zeros(3, 8, 8), torch.zeros(3, 8, 8)]),
        (
            "the images to predict are a list of 2, which is read as (images, labels): give one "
            "tensor, torch.stack(images) or, of batches, torch.cat(batches)"
        ),
    ),
    (
        lambda: Trainer(network(), optimizer=3),  # type: ignore[arg-type]  # the mistake
        (
            "optimizer=3 is none: give a name such as 'adamw', an optimizer, or a function of the "
            "parameters"
        ),
    ),
    (
        lambda: Trainer(network(), lr="0.1"),  # type: ignore[arg-type]  # the mistake
        "lr is a number, not '0.1'",
    ),
    (
        lambda: Trainer(network(), loss="mse"),  # type: ignore[arg-type]  # the mistake
        ("loss='mse' is no function: give one of outputs and targets, such as torch.nn.MSELoss()"),
    ),
    *(
        (
            lambda name=name: Trainer(network()).evaluate(PAIR, name),
            f"the name {name!r} becomes part of a file's name: leave slashes and the like out",
        )
        for name in ("a/b", "..\\b")
    ),
    *(
        (lambda rule=rule, arguments=arguments: rule(**arguments), message)
        for rule, arguments, message in WRONG_NUMBERS
    ),
    (
        lambda: TrainingOptions(average_weights=1.0),
        "average_weights lies from 0 to below 1, not 1.0",
    ),
]


@pytest.mark.parametrize(("action", "message"), CASES, ids=[message[:40] for _, message in CASES])
def test_a_mistake_is_told_with_its_remedy(action: Callable[[], object], message: str) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        action()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_there_is_named() -> None:
    message = "device 'cuda:1' is not on this machine: give 'auto' or 'cpu'"

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        Trainer(network(), device="cuda:1")


def test_one_output_leaves_nothing_to_choose() -> None:
    images = torch.randn(12, 1, 4, 4)
    targets = (images.mean((1, 2, 3)) > 0).float()[:, None]
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    trainer = Trainer(model, loss=nn.BCEWithLogitsLoss())
    trainer.fit((images, targets), epochs=1, progress=False)
    message = (
        "the network answers 12 images with (12, 1), and the class is the greatest of two outputs "
        "or more, (N, C): end it with Linear(2), or judge one output yourself, "
        "model(images).sigmoid() > 0.5"
    )

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        trainer.predict(images)


def test_one_output_is_not_measured_against_classes() -> None:
    def margin(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(outputs[:, 0], targets.float())

    trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), loss=margin)
    message = (
        "the network answers 6 images with (6, 1), and the class is the greatest of two outputs "
        "or more, (N, C): end it with Linear(2), or judge one output yourself, "
        "model(images).sigmoid() > 0.5"
    )

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        trainer.evaluate((torch.randn(6, 1, 4, 4), torch.arange(6) % 2))


@pytest.mark.parametrize("names", ["ab", "abcd"])
def test_each_output_has_a_class_name(names: str) -> None:
    images, labels = torch.randn(6, 1, 4, 4), torch.arange(6) % 2
    trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), class_names=names)
    before = trainer.model[1].weight.clone()
    message = f"the network has 3 outputs for {len(names)} class names"

    for call in (
        lambda: trainer.fit((images, labels), epochs=1, progress=False),
        lambda: trainer.evaluate((images, labels)),
        lambda: trainer.predict(images),
    ):
        with pytest.raises(TrainingError, match=f"^{message}$"):
            call()
    assert torch.equal(trainer.model[1].weight, before)
