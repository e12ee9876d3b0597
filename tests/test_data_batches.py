"""Batches are a function of seed, epoch and number: nothing else changes a bit of them."""

from __future__ import annotations

import json
import random
import re
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torchvision import transforms as v1
from torchvision.transforms import v2

from convkit import data
from convkit.errors import DataError

SETS = data.drawn_shapes(seed=0, train=50, validation=20, test=0)
EVERYTHING = (
    data.HorizontalFlip(), data.RandomCrop(32, padding=4), data.Rotate(15), data.Perspective(),
    data.ColorJitter(0.2, 0.2, 0.2, 0.1), data.GaussianNoise(0.02), data.Erasing(), data.MixUp(0.4),
)  # fmt: skip
V1 = v1.Compose([v1.RandomHorizontalFlip(), v1.ColorJitter(0.3), v1.ToTensor()])
V2 = v2.Compose([v2.ToImage(), v2.RandomRotation(20), v2.ToDtype(torch.float32, scale=True)])


def assert_same(one: Any, other: Any) -> None:
    """The same batches, bit for bit."""
    first, second = list(one), list(other)
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])


def test_an_epoch_holds_every_image_once() -> None:
    labels = torch.cat([labels for _, labels in data.batches(SETS.train, 16, seed=3)])

    assert torch.equal(labels.bincount(), SETS.train.labels.bincount())
    assert [len(x) for x, _ in data.batches(SETS.train, 16)] == [16, 16, 16, 2]
    assert [len(x) for x, _ in data.batches(SETS.train, 16, drop_last=True)] == [16, 16, 16]


def test_without_augmentation_the_images_are_the_sets() -> None:
    images, labels = next(iter(data.batches(SETS.train, 50, shuffle=False)))

    expected = torch.stack([SETS.train[i][0] for i in range(50)])
    assert torch.equal(images, expected)
    assert torch.equal(labels, SETS.train.labels)
    assert images.is_contiguous()


@pytest.mark.parametrize("prefetch", [0, 1, 5])
def test_prefetching_changes_nothing(prefetch: int) -> None:
    ahead = data.batches(SETS.train, 8, augment=EVERYTHING, seed=1, prefetch=prefetch)

    assert_same(data.batches(SETS.train, 8, augment=EVERYTHING, seed=1, prefetch=0), ahead)


def test_other_random_numbers_change_nothing_and_are_not_changed() -> None:
    states = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002 - left alone?
    one = list(data.batches(SETS.train, 8, augment=EVERYTHING))

    assert torch.equal(states[0], torch.random.get_rng_state())
    assert states[1] == random.getstate()
    assert np.array_equal(states[2], np.random.get_state()[1])  # noqa: NPY002 - as above
    torch.rand(7)
    assert_same(one, data.batches(SETS.train, 8, augment=EVERYTHING))


def test_epochs_and_seeds_differ() -> None:
    batches = data.batches(SETS.train, 50, augment=[data.HorizontalFlip()])
    first, second = next(iter(batches))[0], next(iter(batches))[0]
    other = next(iter(data.batches(SETS.train, 50, augment=[data.HorizontalFlip()], seed=1)))[0]

    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("taken", [0, 1, 3, 6, 7, 9])
@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_saved_position_goes_on_bit_for_bit(taken: int, prefetch: int) -> None:
    def make() -> data.Batches:
        return data.batches(SETS.train, 8, augment=EVERYTHING, seed=5, prefetch=prefetch)

    whole = make()
    expected = [batch for _ in range(3) for batch in whole]
    broken = make()
    found: list[Any] = []
    while len(found) < taken:
        for batch in broken:
            found.append(batch)
            if len(found) == taken:
                break
    state = json.loads(json.dumps(broken.state_dict()))
    resumed = make()
    resumed.load_state_dict(state)
    while len(found) < len(expected):
        found += resumed

    assert_same(expected, found)


def test_a_position_survives_being_loaded_and_saved_again() -> None:
    batches = data.batches(SETS.train, 8)
    state = {"seed": 4, "epoch": 2, "batch": 3}

    batches.load_state_dict(state)

    assert batches.state_dict() == state
    assert len(list(batches)) == 4
    assert batches.state_dict() == {"seed": 4, "epoch": 3, "batch": 0}


def test_a_loop_that_is_left_begins_its_epoch_again() -> None:
    batches = data.batches(SETS.train, 8, augment=EVERYTHING)

    first, again = next(iter(batches)), next(iter(batches))

    assert torch.equal(first[0], again[0])
    assert batches.epoch == 0


def test_validation_may_be_augmented_too() -> None:
    assert SETS.validation is not None
    batches = data.batches(SETS.validation, 20, augment=[data.Rotate((90, 90))], shuffle=False)

    images, labels = next(iter(batches))

    pixels = torch.rot90(SETS.validation.images, 1, (2, 3))
    expected = SETS.validation.preprocessing.normalize(pixels)
    torch.testing.assert_close(images, expected, rtol=0, atol=1e-5)
    assert torch.equal(labels, SETS.validation.labels)


def test_mixed_labels_are_shares_that_cross_entropy_takes() -> None:
    _, labels = next(iter(data.batches(SETS.train, 10, augment=[data.CutMix()])))

    assert (labels.shape, labels.dtype) == ((10, 10), torch.float32)
    torch.testing.assert_close(labels.sum(1), torch.ones(10))
    assert cross_entropy(torch.zeros(10, 10), labels).item() == pytest.approx(np.log(10))


def test_mixing_twice_keeps_whole_shares() -> None:
    _, labels = next(iter(data.batches(SETS.train, 10, augment=[data.MixUp(), data.CutMix()])))

    torch.testing.assert_close(labels.sum(1), torch.ones(10))


@pytest.mark.parametrize("prefetch", [1, 2, 3, 50])
@pytest.mark.parametrize("taken", [1, 5, 12])
def test_threads_end_when_the_loop_is_left(prefetch: int, taken: int) -> None:
    before = threading.active_count()
    for _ in range(10):
        batches = data.batches(SETS.train, 4, augment=[data.Cutout(2)], prefetch=prefetch)
        for k, _ in enumerate(batches, start=1):
            if k == taken:
                break

    assert threading.active_count() == before


class Failing(data.Augmentation[None]):
    """Fails on the second batch."""

    keeps_bytes = True

    def draw(self, shape: torch.Size, generator: torch.Generator) -> None:  # noqa: ARG002 - as in the base
        if shape[0] == 2:
            raise ZeroDivisionError("on purpose")

    def apply(self, images: torch.Tensor, parameters: None) -> torch.Tensor:  # noqa: ARG002 - as above
        return images


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_in_the_thread_reaches_the_loop(prefetch: int) -> None:
    batches = data.batches(SETS.train, 16, augment=[Failing()], prefetch=prefetch)

    with pytest.raises(ZeroDivisionError, match=r"^on purpose$"):
        list(batches)


@pytest.mark.parametrize("transform", [V1, V2], ids=["v1", "v2"])
def test_torchvisions_transforms_give_the_same_in_any_number_of_workers(transform: Any) -> None:
    samples = SETS.train.with_transform(transform)
    epochs = []
    for workers in (0, 1, 2):
        torch.rand(3)
        batches = data.batches(samples, 25, seed=2, workers=workers)
        epochs.append([batch for _ in range(2) for batch in batches])

    assert_same(epochs[0], epochs[1])
    assert_same(epochs[0], epochs[2])
    assert not torch.equal(epochs[0][0][0], epochs[0][2][0])


def test_a_transform_gets_the_picture_as_pil() -> None:
    samples = SETS.train.with_transform(v1.ToTensor())

    image, label = samples[3]

    assert torch.equal((image * 255).round().to(torch.uint8), SETS.train.images[3])
    assert label == int(SETS.train.labels[3])
    assert samples.pil_image(3).mode == "RGB"


def test_transforms_leave_the_random_state_alone() -> None:
    state = torch.random.get_rng_state()

    list(data.batches(SETS.train.with_transform(V1), 25))

    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: data.batches(SETS.train, 0),
            "batch_size=0 must be a whole number, 1 or more",
        ),
        (
            lambda: data.batches(SETS.train, 8, seed=-1),
            "seed=-1 must be a whole number, 0 or more",
        ),
        (
            lambda: data.batches(SETS.train.subset([]), 8),
            "ImageSet(train: 0 images, 3x32x32, 10 classes) holds no images to make batches of",
        ),
        (
            lambda: data.batches(SETS.train, 8, augment=[v1.RandomHorizontalFlip()]),  # type: ignore[list-item]  # the mistake
            (
                "augment takes convkit's augmentations, got RandomHorizontalFlip: give "
                "torchvision's transforms as image_set.with_transform(...)"
            ),
        ),
        (
            lambda: data.batches(SETS.train, 8, workers=2),
            "workers=2 run torchvision's transforms, and this set has none: leave workers out",
        ),
        (
            lambda: data.batches(SETS.train.with_transform(V1), 8, augment=EVERYTHING),
            "a set with a transform is augmented by that: leave augment out",
        ),
        (
            lambda: data.batches(SETS.train, 8).load_state_dict({"epoch": 1}),
            "a position has seed, epoch and batch, got ['epoch']",
        ),
        (
            lambda: data.batches(SETS.train, 8).load_state_dict(
                {"seed": 0, "epoch": 0, "batch": 7}
            ),
            "batch 7 of epoch 0 is no position: an epoch has 7 batches",
        ),
    ],
)
def test_mistakes_are_named(call: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        call()


def test_a_transform_that_gives_pictures_is_told_to_end_in_tensors() -> None:
    samples = data.drawn_shapes(train=10, validation=0, test=0).train.with_transform(
        lambda image: image
    )
    message = (
        "the transform gives PIL images, of which no batch can be made: let it end in "
        "torchvision's ToTensor()"
    )

    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        next(iter(data.batches(samples, 4)))
