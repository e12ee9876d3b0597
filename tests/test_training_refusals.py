"""What people give by mistake is refused with the change that would mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convkit import Trainer
from convkit.errors import TrainingError
from convkit.training import TrainingOptions

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


class Once:
    """A loader that gives its batches only once."""

    def __init__(self) -> None:
        self.batches = [PAIR]

    def __iter__(self) -> Any:
        while self.batches:
            yield self.batches.pop()


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
