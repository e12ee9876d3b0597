"""The loss that a trained network is measured by is that of its training, also after a load."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from convkit import Trainer
from convkit.errors import TrainingError
from convkit.training import TrainingOptions

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = torch.randn(30, 1, 4, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0] * 16 + [1] * 8 + [2] * 6)
WEIGHTS = [0.5, 1.0, 4.0]
BALANCED = [30 / (3 * 16), 30 / (3 * 8), 30 / (3 * 6)]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3))


def trained(directory: Path, **settings: Any) -> Trainer:
    trainer = Trainer(network(), directory=directory, lr=0.01, **settings)
    trainer.fit((IMAGES, LABELS), (IMAGES, LABELS), epochs=1, progress=False)
    return trainer


@pytest.mark.parametrize(
    ("options", "weights", "smoothing"),
    [
        (TrainingOptions(class_weights=WEIGHTS), WEIGHTS, 0.0),
        (TrainingOptions(class_weights="balanced"), BALANCED, 0.0),
        (TrainingOptions(label_smoothing=0.2), None, 0.2),
    ],
)
def test_weights_and_smoothing_come_back_with_the_network(
    tmp_path: Path, options: TrainingOptions, weights: list[float] | None, smoothing: float
) -> None:
    trainer = trained(tmp_path, options=options)
    before = trainer.evaluate((IMAGES, LABELS)).loss

    loaded = Trainer.load(tmp_path, network()).evaluate((IMAGES, LABELS)).loss

    expected = functional.cross_entropy(
        trainer.model(IMAGES),
        LABELS,
        None if weights is None else torch.tensor(weights),
        label_smoothing=smoothing,
    ).item()
    assert loaded == before == pytest.approx(expected, rel=1e-5)


def test_a_loss_of_the_users_own_is_asked_for_again(tmp_path: Path) -> None:
    trainer = trained(tmp_path, loss=nn.MultiMarginLoss())
    before = trainer.evaluate((IMAGES, LABELS)).loss
    written = (tmp_path / "evaluation-test.json").read_bytes()
    message = (
        "the network was trained with loss=MultiMarginLoss, a function that no run keeps: give it "
        "again, Trainer.load(directory, loss=...)"
    )

    loaded = Trainer.load(tmp_path, network())
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        loaded.evaluate((IMAGES, LABELS))

    assert (tmp_path / "evaluation-test.json").read_bytes() == written
    assert len(loaded.predict(IMAGES)) == 30
    given = Trainer.load(tmp_path, network(), loss=nn.MultiMarginLoss())
    assert given.evaluate((IMAGES, LABELS)).loss == before


def test_a_run_that_does_not_say_its_loss_is_measured_by_cross_entropy(tmp_path: Path) -> None:
    trainer = trained(tmp_path)
    path = tmp_path / "configuration.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["loss"]  # as an earlier version wrote it
    path.write_text(json.dumps(values), encoding="utf-8")

    loaded = Trainer.load(tmp_path, network()).evaluate((IMAGES, LABELS)).loss

    expected = functional.cross_entropy(trainer.model(IMAGES), LABELS).item()
    assert loaded == pytest.approx(expected, rel=1e-5)


def test_given_class_weights_count_before_training() -> None:
    model = network()
    trainer = Trainer(model, options=TrainingOptions(class_weights=WEIGHTS))

    loss = trainer.evaluate((IMAGES, LABELS)).loss

    expected = functional.cross_entropy(model(IMAGES), LABELS, torch.tensor(WEIGHTS)).item()
    assert loss == pytest.approx(expected, rel=1e-5)
