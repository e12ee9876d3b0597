"""A training goes on with its own settings, or says which are others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
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
    "batch_size": ({"batch_size": 8}, "batch_size 4", "batch_size 8"),
    "augment": (
        {"augment": [data.HorizontalFlip()]},
        "augment []",
        "augment ['HorizontalFlip(probability=0.5)']",
    ),
    "data": ({"count": 12}, "images for train 16", "images for train 12"),
}


def begin(directory: Path, **changed: Any) -> Any:
    """Train one epoch more into a directory, with some of the settings changed."""
    count, given = changed.pop("count", 16), {"optimizer": "adam", "lr": 0.01, "seed": 0}
    call = {name: changed.pop(name) for name in ("batch_size", "augment") if name in changed}
    settings = {**given, "scheduler": lambda o: lr.StepLR(o, 2), **changed}
    images = torch.zeros(count, 3, 6, 6, dtype=torch.uint8)
    sets = data.ImageSet(images, torch.arange(count) % 3, class_names=("a", "b", "c"))
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
