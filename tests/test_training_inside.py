"""Names, mistakes, counts and weights belong to the images that were handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    default_collate,
)

from convkit import Trainer, data
from convkit.training import TrainingOptions, read_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 22
# One colour an image, so that a network that reads it answers with the number of the image.
PIXELS = (torch.arange(COUNT) * 10).to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)


def image_set(split: Any = "test") -> data.ImageSet:
    return data.ImageSet(
        PIXELS.clone(),
        torch.arange(COUNT) % 3 % 2,
        class_names=("cat", "dog"),
        names=tuple(f"{i}.png" for i in range(COUNT)),
        split=split,
        preprocessing=data.Preprocessing(4, mean=0.0, std=1.0),
    )


class Colour(nn.Module):
    """The probability of the second class is the colour of the image, from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        colour = images.mean((1, 2, 3)) * self.scale
        return torch.stack((1 - colour, colour), 1).clamp(min=1e-9).log()


def number_of(probabilities: torch.Tensor) -> list[int]:
    return (probabilities[:, 1] * 25.5).round().long().tolist()


def sample_names(run: Path) -> list[str]:
    names: list[str] = torch.load(run / "samples.pt", weights_only=True)["names"]
    return names


def loader(**more: Any) -> Callable[[data.ImageSet], Any]:
    return lambda images: DataLoader(images, batch_size=4, **more)


WHOLE = {
    "set": lambda images: images,
    "batches": lambda images: data.batches(images, 4),
    "batches in order": lambda images: data.batches(images, 4, shuffle=False),
    "batches without the last": lambda images: data.batches(images, 4, drop_last=True),
    "loader": loader(),
    "shuffled loader": loader(shuffle=True),
    "loader without the last": loader(drop_last=True),
}
PARTS = {
    "subset": lambda images: Subset(images, [5, 1, 3]),
    "subset of a subset": lambda images: Subset(Subset(images, [7, 5, 1, 3]), [1, 2, 3]),
    "loader of a subset": lambda images: DataLoader(Subset(images, [5, 1, 3]), shuffle=True),
    "subset sampler": lambda images: DataLoader(images, sampler=SubsetRandomSampler([5, 1, 3])),
}
UNKNOWN = {
    "weighted": lambda images: DataLoader(
        images, sampler=WeightedRandomSampler([1.0] * COUNT, 30), batch_size=4
    ),
    "own batches": lambda images: DataLoader(
        images, batch_sampler=BatchSampler([3, 1, 2], 2, drop_last=False)
    ),
    "own collation": lambda images: DataLoader(
        images, batch_size=4, collate_fn=lambda samples: default_collate(samples[:1])
    ),
}


@pytest.mark.parametrize("how", WHOLE)
def test_each_name_stands_beside_the_answer_for_its_image(how: str, tmp_path: Path) -> None:
    predictions = Trainer(Colour()).predict(WHOLE[how](image_set()))

    assert predictions.names == tuple(f"{i}.png" for i in range(COUNT))
    assert number_of(predictions.probabilities) == list(range(COUNT))
    assert len(predictions.to_csv(tmp_path / "out.csv").read_text().splitlines()) == COUNT + 1


@pytest.mark.parametrize("how", PARTS)
def test_a_part_of_a_set_answers_with_the_names_of_its_images(how: str) -> None:
    predictions = Trainer(Colour()).predict(PARTS[how](image_set()))

    assert predictions.names == ("5.png", "1.png", "3.png")
    assert number_of(predictions.probabilities) == [5, 1, 3]


@pytest.mark.parametrize("how", UNKNOWN)
def test_images_are_numbered_where_nobody_knows_which_they_are(how: str) -> None:
    predictions = Trainer(Colour()).predict(UNKNOWN[how](image_set()))

    assert predictions.names == tuple(map(str, range(len(predictions.labels))))


def test_augmented_batches_are_measured_in_the_order_of_the_set() -> None:
    batches = data.batches(image_set(), 4, augment=[data.HorizontalFlip()], drop_last=True)

    predictions = Trainer(Colour()).predict(batches)

    assert predictions.names == tuple(f"{i}.png" for i in range(COUNT))
    assert number_of(predictions.probabilities) == list(range(COUNT))
    assert batches.shuffle  # the user's own batches stay as they are
    assert batches.drop_last


@pytest.mark.parametrize("how", WHOLE)
def test_the_truth_beside_a_mistake_is_that_of_its_image(how: str, tmp_path: Path) -> None:
    images = image_set()

    result = Trainer(Colour(), directory=tmp_path).evaluate(WHOLE[how](images))

    mistakes = torch.load(tmp_path / "mistakes-test.pt", weights_only=True)
    numbers = [int(name.removesuffix(".png")) for name in mistakes["names"]]
    assert numbers
    assert mistakes["truth"].tolist() == images.labels[numbers].tolist()
    assert torch.equal(mistakes["images"], images.images[numbers])
    assert len(result) == COUNT


@pytest.mark.parametrize("how", UNKNOWN)
def test_no_mistakes_are_shown_of_images_that_nobody_knows(how: str, tmp_path: Path) -> None:
    Trainer(Colour(), directory=tmp_path).evaluate(UNKNOWN[how](image_set()))

    assert not (tmp_path / "mistakes-test.pt").exists()


@pytest.mark.parametrize("how", PARTS)
def test_a_part_of_a_set_counts_its_own_images(how: str, tmp_path: Path) -> None:
    options = TrainingOptions(class_weights="balanced")
    trainer = Trainer(Colour(), directory=tmp_path, options=options)

    trainer.fit(PARTS[how](image_set("train")), PARTS[how](image_set()), epochs=1, progress=False)

    # Images 5, 1 and 3 are cat, dog, cat.
    counted = {"samples": 3, "per_class": [2, 1]}
    assert read_run(tmp_path).configuration["settings"]["data"] == {
        "train": counted,
        "validation": counted,
    }
    assert trainer.class_weights is not None
    assert trainer.class_weights.tolist() == [3 / (2 * 2), 3 / (2 * 1)]
    assert sample_names(tmp_path) == ["5.png", "1.png", "3.png"]


def test_two_parts_of_one_set_share_no_image_in_what_is_written(tmp_path: Path) -> None:
    training, validation = torch.utils.data.random_split(
        image_set("train"), [12, 10], generator=torch.Generator().manual_seed(0)
    )

    Trainer(Colour(), directory=tmp_path).fit(training, validation, epochs=1, progress=False)

    samples = sample_names(tmp_path)
    assert samples == [f"{i}.png" for i in validation.indices]


def test_a_label_outside_the_part_is_no_fault_of_it() -> None:
    images = image_set("train")
    three = data.ImageSet(images.images, torch.arange(COUNT) % 3, class_names="abc")
    part = Subset(three, [i for i in range(COUNT) if i % 3 < 2])

    history = Trainer(Colour(), class_names="ab").fit(part, epochs=1, progress=False)

    assert len(history) == 1


def test_a_loader_that_draws_as_it_likes_counts_what_it_draws(tmp_path: Path) -> None:
    Trainer(Colour(), directory=tmp_path).fit(
        UNKNOWN["weighted"](image_set("train")), epochs=1, progress=False
    )

    counted = {"samples": 30, "per_class": None}
    assert read_run(tmp_path).configuration["settings"]["data"] == {"train": counted}
