"""What the Trainer refuses, and how it says so."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from small_training import CHECK, IMAGES, LABELS, fit, network, weights
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from convkit import EarlyStopping, Trainer, data
from convkit.errors import RunError, TrainingError
from convkit.training import StopReason


def failing(message: str, action: Any, kind: type[Exception] = TrainingError) -> None:
    """The action fails with this whole message."""
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        action()


def test_a_label_outside_the_classes_is_named_before_anything_is_learned(tmp_path: Path) -> None:
    labels = LABELS.clone()
    labels[40] = 3
    model = network()
    before = weights(model)
    trainer = Trainer(model, directory=tmp_path / "run")

    failing(
        "the training set: label 3 is outside the 3 classes 0 to 2 that the network has outputs "
        "for: give its last layer 4 outputs, or mend the label",
        lambda: trainer.fit((IMAGES, labels), CHECK, epochs=1, batch_size=8, progress=False),
    )
    failing(
        "the validation set: label -1 is below 0: the classes are numbered from 0 to 2",
        lambda: Trainer(model).fit((IMAGES, LABELS), (IMAGES, LABELS - 1), epochs=1),
    )
    assert model[5].weight.equal(before["5.weight"])
    assert not (tmp_path / "run" / "last.pt").exists()


@pytest.mark.parametrize("there", [False, True])
def test_a_training_that_is_refused_at_its_start_leaves_nothing(
    tmp_path: Path, there: bool
) -> None:
    directory = tmp_path / "run"
    if there:
        directory.mkdir()

    with pytest.raises(TrainingError, match=r"^there is no optimizer 'foo'"):
        fit(Trainer(network(), optimizer="foo", lr=0.1, directory=directory))

    assert [path.name for path in tmp_path.rglob("*")] == (["run"] if there else [])


def test_a_label_that_a_loader_hides_is_named_with_its_batch() -> None:
    labels = LABELS.clone()
    labels[40] = 3
    loader = DataLoader(TensorDataset(IMAGES, labels), batch_size=8)

    failing(
        "step 6, batch 6 of epoch 1: label 3 is outside the 3 classes 0 to 2 that the network has "
        "outputs for: give its last layer 4 outputs, or mend the label",
        lambda: Trainer(network()).fit(loader, epochs=1, progress=False),
    )


def test_nan_in_the_training_loss_names_step_and_batch(tmp_path: Path) -> None:
    images = IMAGES.clone()
    images[20] = math.nan
    trainer = Trainer(network(), directory=tmp_path / "run")
    loader = DataLoader(TensorDataset(images, LABELS), batch_size=8)

    failing(
        "the training loss of step 3, batch 3 of its epoch, is nan: lower the learning rate, or "
        "look for values in the images that are not finite",
        lambda: trainer.fit(loader, epochs=1, progress=False),
    )
    assert trainer.history.stop is not None
    assert trainer.history.stop.reason == StopReason.ERROR
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [".lock", "configuration.json"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            nn.Conv2d(2, 3, 1),
            (
                "step 1, batch 1 of epoch 1: the network returns (8, 3, 6, 6) for 8 labels, "
                "cross-entropy needs (8, classes): end the network with Flatten and Linear(classes)"
            ),
        ),
        (
            nn.Sequential(nn.Flatten(), nn.LSTM(72, 3)),
            (
                "step 1, batch 1 of epoch 1: the network returns a tuple, cross-entropy needs one "
                "tensor (N, classes): give loss= a function of what the network returns"
            ),
        ),
    ],
)
def test_outputs_of_a_wrong_shape_are_refused(model: nn.Module, message: str) -> None:
    failing(message, lambda: fit(Trainer(model)))


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ((IMAGES[:0], LABELS[:0]), "the training set is empty: there is nothing to work on"),
        (
            (IMAGES, LABELS[:3]),
            "the training data have 42 images and 3 labels: each image needs one label",
        ),
        (
            (IMAGES.to(torch.uint8), LABELS),
            (
                "the training images are uint8, a network takes floats: make an image set with "
                "convkit.data.arrays, or scale them yourself"
            ),
        ),
        (
            None,
            (
                "the training data are None: give an image set, a data set, a loader or a pair "
                "(images, labels)"
            ),
        ),
        (
            [IMAGES],
            "the training data are a list of 1 (Tensor): give a pair (images, labels) of tensors",
        ),
        (
            TensorDataset(IMAGES),
            "a loader gives pairs (images, labels), this one gave a list",
        ),
    ],
)
def test_data_that_cannot_be_fed_are_refused(training: Any, message: str) -> None:
    trainer = Trainer(network())

    failing(message, lambda: trainer.fit(training, epochs=1, progress=False))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: fit(Trainer(network(), optimizer="adamm")),
            (
                "there is no optimizer 'adamm': one of adadelta, adagrad, adam, adamax, adamw, "
                "asgd, muon, nadam, radam, rmsprop, sgd, or a function of the parameters"
            ),
        ),
        (
            lambda: fit(Trainer(network(), optimizer="adam", momentum=0.9)),
            "Adam has no momentum",
        ),
        (
            lambda: fit(Trainer(network(), optimizer=torch.optim.SGD, lr=0.1)),
            "lr belongs to an optimizer given by name; set them in the optimizer itself",
        ),
        (lambda: fit(Trainer(network()), 0), "epochs is a whole number from 1 on, not 0"),
        (
            lambda: fit(Trainer(network()), resume=True),
            "resume=True needs a directory: Trainer(..., directory=...)",
        ),
        (
            lambda: Trainer(network(), early_stopping=EarlyStopping()).fit(CHECK, epochs=1),
            "early_stopping looks at the validation loss: give fit a validation set",
        ),
        (
            lambda: Trainer(network(), precision="float16", device="cpu"),
            (
                "precision 'float16' needs a CUDA device, this is cpu: use 'bfloat16', which has "
                "the range of float32 and needs no loss scaling"
            ),
        ),
        (
            lambda: Trainer(network()).predict(["one.png"]),
            (
                "how the training images were prepared is unknown, so files cannot be: train on an "
                "image set of convkit.data, or give tensors"
            ),
        ),
        (
            lambda: fit(Trainer(network().requires_grad_(False))),
            "the network has no parameter that is trained: all are frozen",
        ),
        (
            lambda: Trainer(network()).fit(CHECK, epochs=1, augment=[data.HorizontalFlip()]),
            (
                "augment= works on an image set of convkit.data, not on a tuple: augment in the "
                "data set or the loader"
            ),
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(action: Any, message: str) -> None:
    failing(message, action)


def test_evaluate_refuses_a_label_outside_the_classes() -> None:
    with pytest.raises(TrainingError, match=r"^label 5 is outside the 3 classes 0 to 2"):
        Trainer(network()).evaluate((IMAGES, LABELS + 3))


def test_load_wants_a_run(tmp_path: Path) -> None:
    failing(
        f"{tmp_path} holds no training: configuration.json is missing",
        lambda: Trainer.load(tmp_path),
        RunError,
    )
