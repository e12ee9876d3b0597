"""A set is measured as the network was trained: size, normalisation, class numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, default_collate

from convkit import Trainer, data
from convkit.errors import TrainingError
from convkit.metrics import UndefinedClassWarning

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def image_set(
    names: tuple[str, ...], labels: list[int], *, size: int = 8, mean: float = 0.5
) -> data.ImageSet:
    generator = torch.Generator().manual_seed(0)
    shape = (len(labels), 3, size, size)
    return data.ImageSet(
        torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        torch.tensor(labels),
        class_names=names,
        names=tuple(f"{i}.png" for i in range(len(labels))),
        split="test",
        preprocessing=data.Preprocessing(size, mean=mean, std=0.25),
    )


@pytest.fixture
def trainer() -> Trainer:
    torch.manual_seed(0)
    model = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    trainer = Trainer(model, lr=0.01)
    trainer.fit(image_set(("cat", "dog"), [0, 1] * 4), epochs=1, progress=False)
    return trainer


def test_a_set_is_normalised_as_the_training_was(trainer: Trainer) -> None:
    same = image_set(("cat", "dog"), [0, 1] * 4)
    other = image_set(("cat", "dog"), [0, 1] * 4, mean=0.1)

    assert trainer.evaluate(other).loss == trainer.evaluate(same).loss
    assert torch.equal(trainer.predict(other).probabilities, trainer.predict(same).probabilities)


def test_classes_are_numbered_by_their_names(trainer: Trainer) -> None:
    same = image_set(("cat", "dog"), [0, 1] * 4)
    turned = image_set(("dog", "cat"), [1, 0] * 4)

    assert trainer.evaluate(turned).loss == trainer.evaluate(same).loss


def test_a_set_may_hold_some_of_the_classes(trainer: Trainer) -> None:
    with pytest.warns(UndefinedClassWarning, match="1 of 2 classes"):
        result = trainer.evaluate(image_set(("dog",), [0] * 4))

    assert result.confusion.counts.sum(axis=1).tolist() == [0, 4]


def test_an_unknown_class_is_named(trainer: Trainer) -> None:
    message = "the network was not trained on the class 'cow': its classes are cat, dog"

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        trainer.evaluate(image_set(("cat", "cow"), [0, 1]))


def test_another_size_is_refused_unless_asked_for(trainer: Trainer) -> None:
    larger = image_set(("cat", "dog"), [0, 1] * 4, size=16)
    message = (
        "the network was trained on images of 8x8, these are 16x16: load them with size=8, or say "
        "other_size=True if that is what is to be measured"
    )

    for measure in (trainer.evaluate, trainer.predict):
        with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
            measure(larger)

    assert trainer.evaluate(larger, other_size=True).confusion.total == 8


def test_a_validation_set_loaded_by_itself_is_read_as_the_training_set() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 3))
    trainer = Trainer(model, lr=0.01)
    alone = image_set(("dog", "cat"), [1, 0, 0, 0] * 3, mean=0.1)

    history = trainer.fit(
        image_set(("cat", "cow", "dog"), [0, 1, 2] * 4), alone, epochs=1, progress=False
    )

    renumbered = torch.tensor([0, 2, 2, 2] * 3)
    pixels = (alone.images / 255 - 0.5) / 0.25
    outputs = trainer.model(pixels)
    loss = nn.functional.cross_entropy(outputs, renumbered).item()
    assert history["validation_loss"][-1] == pytest.approx(loss, rel=1e-5)
    accuracy = (outputs.argmax(1) == renumbered).float().mean().item()
    assert history["validation_accuracy"][-1] == pytest.approx(accuracy)


@pytest.mark.parametrize(
    "inside",
    [
        lambda images: data.batches(images, 3),
        lambda images: data.batches(images, 3, augment=[data.HorizontalFlip(0.0)]),
        lambda images: DataLoader(images, 3),
        lambda images: DataLoader(images, 3, shuffle=True),
    ],
)
def test_what_is_inside_batches_and_loaders_is_read_as_the_training_set(
    trainer: Trainer, inside: Callable[[data.ImageSet], object]
) -> None:
    alone = image_set(("dog", "cat"), [1, 0, 0, 0] * 2, mean=0.1)

    result = trainer.evaluate(inside(alone))

    assert result.loss == pytest.approx(trainer.evaluate(alone).loss, rel=1e-6)
    assert result.truth.tolist() == [0, 1, 1, 1] * 2


def test_a_loader_of_another_set_that_makes_its_own_batches_is_refused(trainer: Trainer) -> None:
    alone = image_set(("cat", "dog"), [1, 0] * 4, mean=0.1)
    own = DataLoader(alone, 3, collate_fn=lambda samples: default_collate(samples))
    message = (
        "the images of this DataLoader are normalised, or their classes are numbered, otherwise "
        "than those of the training: give their image set itself, or convkit.data.batches of it"
    )

    for measure in (trainer.evaluate, trainer.predict):
        with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
            measure(own)


def test_measuring_before_training_decides_nothing(trainer: Trainer) -> None:
    untrained = Trainer(trainer.model)

    result = untrained.evaluate(image_set(("dog", "cat"), [0, 1] * 4, mean=0.1))

    assert result.class_names == ("dog", "cat")
    assert untrained.class_names is None
    assert untrained.preprocessing is None

    training = image_set(("cat", "dog"), [0, 1] * 4)
    untrained.fit(training, epochs=1, progress=False)

    assert untrained.class_names == ("cat", "dog")
    assert untrained.preprocessing == training.preprocessing


def test_the_size_of_the_latest_training_counts(trainer: Trainer) -> None:
    larger = image_set(("cat", "dog"), [0, 1] * 4, size=16, mean=0.2)

    history = trainer.fit(larger, larger, epochs=1, progress=False)

    assert trainer.preprocessing == larger.preprocessing
    assert trainer.evaluate(larger).loss == pytest.approx(history["validation_loss"][-1])


def test_a_preprocessing_that_the_trainer_was_given_stays(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    images = image_set(("cat", "dog"), [0, 1] * 4)
    trainer = Trainer(
        model,
        lr=0.01,
        directory=tmp_path,
        preprocessing=data.Preprocessing(4, mean=0.5, std=0.25),
    )
    trainer.fit(images, images, epochs=1, progress=False)
    assert trainer.preprocessing.size == 4
    loaded = Trainer.load(tmp_path, model).preprocessing
    assert loaded is not None
    assert loaded.size == 4
