"""A training goes on with its own settings, or says which are others."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler as lr

from convkit import EarlyStopping, Trainer, data
from convkit.errors import CheckpointError
from convkit.training import TrainingOptions
from convkit.training._checkpoint import write_tensors

CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "optimizer": ({"optimizer": "sgd", "lr": 0.1}, "optimizer Adam", "optimizer SGD"),
    "lr": ({"lr": 0.1}, "lr 0.01", "lr 0.1"),
    "two": (
        {"lr": 0.1, "weight_decay": 0.5},
        "lr 0.01 and weight_decay 0",
        "lr 0.1 and weight_decay 0.5",
    ),
    "seed": ({"seed": 1}, "seed 0", "seed 1"),
    "options": (
        {"options": TrainingOptions(label_smoothing=0.1)},
        "label_smoothing 0.0",
        "label_smoothing 0.1",
    ),
    "class_weights": (
        {"options": TrainingOptions(class_weights=torch.tensor([1.0, 2.0, 1.0]))},
        "class_weights None",
        "class_weights [1.0, 2.0, 1.0]",
    ),
    "scheduler": (
        {"scheduler": lambda o: lr.ExponentialLR(o, 0.9)},
        "scheduler StepLR",
        "scheduler ExponentialLR",
    ),
    "step_size": (
        {"scheduler": lambda o: lr.StepLR(o, 100, 0.9)},
        "scheduler.step_size 2 and scheduler.gamma 0.1",
        "scheduler.step_size 100 and scheduler.gamma 0.9",
    ),
    "loss": ({"loss": nn.MultiMarginLoss()}, "loss cross-entropy", "loss MultiMarginLoss"),
    "batch_size": ({"batch_size": 8}, "batch_size 4", "batch_size 8"),
    "augment": (
        {"augment": [data.HorizontalFlip()]},
        "augment []",
        "augment ['HorizontalFlip(probability=0.5)']",
    ),
    "data": ({"count": 12}, "images for train 16", "images for train 12"),
}


def weighed(by: float) -> Any:
    """A loss that a function made."""
    return lambda outputs, labels: by * functional.cross_entropy(outputs, labels)


class Focal:
    """A loss of the user's own, neither function nor module."""

    def __init__(self, gamma: float) -> None:
        self.gamma = gamma

    def __call__(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logs = functional.log_softmax(outputs, 1).gather(1, labels[:, None])
        return -((1 - logs.exp()) ** self.gamma * logs).mean()


# Two losses that are not the same, and where they differ.
LOSSES: dict[str, tuple[Any, Any, str, str]] = {
    "smoothing": (
        nn.CrossEntropyLoss(label_smoothing=0.1),
        nn.CrossEntropyLoss(label_smoothing=0.2),
        "loss.label_smoothing 0.1",
        "loss.label_smoothing 0.2",
    ),
    "weight": (
        nn.CrossEntropyLoss(),
        nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 1.0])),
        "loss.weight None",
        "loss.weight [1.0, 2.0, 1.0]",
    ),
    "none": (
        nn.CrossEntropyLoss(label_smoothing=0.1),
        None,
        "loss CrossEntropyLoss",
        "loss cross-entropy",
    ),
    "function": (
        functional.cross_entropy,
        functional.multi_margin_loss,
        "loss cross_entropy",
        "loss multi_margin_loss",
    ),
    "partial": (
        partial(functional.cross_entropy, label_smoothing=0.1),
        partial(functional.cross_entropy, label_smoothing=0.2),
        "loss.label_smoothing 0.1",
        "loss.label_smoothing 0.2",
    ),
    "lambda": (
        lambda o, t: functional.cross_entropy(o, t, label_smoothing=0.1),
        lambda o, t: 0.5 * functional.multi_margin_loss(o, t),
        "loss lambda of functional cross_entropy 0.1",
        "loss lambda of functional multi_margin_loss 0.5",
    ),
    "closure": (weighed(1.0), weighed(2.0), "loss.by 1.0", "loss.by 2.0"),
    "object": (Focal(1.0), Focal(2.0), "loss.gamma 1.0", "loss.gamma 2.0"),
}

SCHEDULES: dict[str, tuple[Any, Any, str, str]] = {
    "plateau": (
        lambda o: lr.ReduceLROnPlateau(o, factor=0.5),
        lambda o: lr.ReduceLROnPlateau(o, factor=0.2),
        "scheduler.factor 0.5",
        "scheduler.factor 0.2",
    ),
    "lambda": (
        lambda o: lr.LambdaLR(o, lambda epoch: 0.9**epoch),
        lambda o: lr.LambdaLR(o, lambda epoch: 0.8**epoch),
        "scheduler.lr_lambda.0 lambda of 0.9",
        "scheduler.lr_lambda.0 lambda of 0.8",
    ),
    "cycle": (
        lambda o, steps: lr.OneCycleLR(o, 0.25, steps),
        lambda o, steps: lr.OneCycleLR(o, 0.5, steps),
        "scheduler.max_lr [0.25] and scheduler.min_lr [1e-06]",
        "scheduler.max_lr [0.5] and scheduler.min_lr [2e-06]",
    ),
    "chain": (
        lambda o: lr.ChainedScheduler([lr.StepLR(o, 2), lr.ExponentialLR(o, 0.9)]),
        lambda o: lr.ChainedScheduler([lr.StepLR(o, 2), lr.ExponentialLR(o, 0.8)]),
        "scheduler.schedulers.1.gamma 0.9",
        "scheduler.schedulers.1.gamma 0.8",
    ),
}


def images(count: int) -> data.ImageSet:
    """So many black images of three classes."""
    pixels = torch.zeros(count, 3, 6, 6, dtype=torch.uint8)
    return data.ImageSet(pixels, torch.arange(count) % 3, class_names=("a", "b", "c"))


def begin(directory: Path, **changed: Any) -> Any:
    """Train one epoch more into a directory, with some of the settings changed."""
    count, given = changed.pop("count", 16), {"optimizer": "adam", "lr": 0.01, "seed": 0}
    call = {name: changed.pop(name) for name in ("batch_size", "augment") if name in changed}
    settings = {**given, "scheduler": lambda o: lr.StepLR(o, 2), **changed}
    sets = images(count)
    model = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    trainer = Trainer(model, directory=directory, **settings)
    trainer.fit(sets, sets, epochs=2, resume=True, progress=False, **{"batch_size": 4, **call})
    return trainer


@pytest.mark.parametrize("name", CHANGES)
def test_going_on_with_what_would_be_another_training_is_refused(tmp_path: Path, name: str) -> None:
    change, had, has = CHANGES[name]
    begin(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    with pytest.raises(CheckpointError) as caught:
        begin(tmp_path, **change)

    message = str(caught.value)
    assert message.startswith(f"the checkpoint was written with {had}")
    assert f", this call has {has}" in message
    assert message.endswith(": go on with the same settings, or train into another directory")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("what", "pair"),
    [
        *(pytest.param("loss", pair, id=f"loss {name}") for name, pair in LOSSES.items()),
        *(pytest.param("scheduler", pair, id=f"rate {name}") for name, pair in SCHEDULES.items()),
    ],
)
def test_another_loss_or_schedule_of_the_same_kind_is_refused(
    tmp_path: Path, what: str, pair: tuple[Any, Any, str, str]
) -> None:
    first, second, had, has = pair
    begin(tmp_path, **{what: first})
    assert len(begin(tmp_path, **{what: first}).history) == 2
    before = (tmp_path / "configuration.json").read_bytes()
    message = (
        f"the checkpoint was written with {had}, this call has {has}: go on with the same "
        "settings, or train into another directory"
    )

    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        begin(tmp_path, **{what: second})

    assert (tmp_path / "configuration.json").read_bytes() == before


def test_a_training_that_went_on_in_memory_goes_on_from_disk_with_the_same_schedule(
    tmp_path: Path,
) -> None:
    again: dict[str, Any] = {"scheduler": lambda o: lr.CyclicLR(o, 0.01, 0.1), "optimizer": "sgd"}
    trainer = begin(tmp_path, **again)
    trainer.fit(images(16), images(16), epochs=1, batch_size=4, progress=False)

    assert len(begin(tmp_path, **again).history) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"early_stopping": EarlyStopping(3)},
        {"options": TrainingOptions(checkpoint_every_steps=2, channels_last=False)},
        {"optimizer": lambda p: torch.optim.Adam(p, lr=0.01, foreach=True), "lr": None},
    ],
    ids=["stop rule", "of the machine", "kernels"],
)
def test_what_does_not_decide_what_is_learned_may_change(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    begin(tmp_path)

    assert len(begin(tmp_path, **change).history) == 2


def test_a_checkpoint_that_does_not_say_its_settings_goes_on(tmp_path: Path) -> None:
    begin(tmp_path)
    kept = torch.load(tmp_path / "last.pt", weights_only=True)
    del kept["deciding"]
    write_tensors(tmp_path / "last.pt", kept)

    assert len(begin(tmp_path, lr=0.1).history) == 2
