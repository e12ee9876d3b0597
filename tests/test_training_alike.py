"""A set is measured as the network was trained: size, normalisation, class numbers."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from convkit import Trainer, data
from convkit.errors import TrainingError
from convkit.metrics import UndefinedClassWarning


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
