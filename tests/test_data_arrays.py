"""Arrays of every layout become sets; what does not fit is named."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from convkit import data
from convkit.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 6, 9, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4


@pytest.mark.parametrize(
    "images",
    [IMAGES, IMAGES.transpose(0, 3, 1, 2), torch.from_numpy(IMAGES), IMAGES.tolist()],
    ids=["NHWC", "NCHW", "tensor", "list"],
)
def test_layouts(images: Any) -> None:
    if isinstance(images, list):
        images = np.array(images, dtype=np.uint8)

    sets = data.arrays(images, LABELS)

    assert np.array_equal(sets.train.images.numpy(), IMAGES.transpose(0, 3, 1, 2))
    assert sets.class_names == ("0", "1", "2", "3")


def test_grey_images_have_one_channel() -> None:
    sets = data.arrays(IMAGES[..., 0], LABELS)

    assert sets.train.images.shape == (20, 1, 6, 9)
    assert sets.train.preprocessing.channels == 1


def test_splits_and_names() -> None:
    sets = data.arrays(
        IMAGES, LABELS, IMAGES[:5], LABELS[:5], class_names="abcd", validation=0.4, seed=1
    )

    assert [each.counts() for each in sets] == [(3,) * 4, (2,) * 4, (2, 1, 1, 1)]
    assert sets.class_names == ("a", "b", "c", "d")


def test_a_validation_pair_is_taken_as_it_is() -> None:
    sets = data.arrays(IMAGES[5:], LABELS[5:], validation=(IMAGES[:5], LABELS[:5]))

    assert sets.validation is not None
    assert sets.validation.labels.tolist() == [0, 1, 2, 3, 0]


def test_changing_the_arrays_later_changes_nothing() -> None:
    images = IMAGES.copy()
    sets = data.arrays(images, LABELS)

    images[:] = 0

    assert int(sets.train.images.max()) > 0


def test_the_sets_are_normalised_by_the_training_images() -> None:
    sets = data.arrays(IMAGES, LABELS, IMAGES[:5], LABELS[:5])

    values = torch.stack([image for image, _ in sets.train])  # type: ignore[attr-defined]  # data sets are iterable by index

    assert values.mean((0, 2, 3)).abs().max() < 1e-5
    assert (values.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-5
    assert sets.test is not None
    assert sets.test.preprocessing == sets.train.preprocessing


def test_a_set_of_one_colour_is_left_finite() -> None:
    sets = data.arrays(np.zeros((4, 2, 2, 3), dtype=np.uint8), [0, 1, 0, 1])

    assert sets.train.preprocessing.std == (1.0, 1.0, 1.0)


def test_a_sample_takes_images_at_random_and_none_twice() -> None:
    images = data.arrays(IMAGES, LABELS).train
    order = torch.randperm(20, generator=torch.Generator().manual_seed(3)).tolist()

    batch = images.sample(12, seed=3)

    assert batch.names == tuple(images.names[k] for k in order[:12])
    assert torch.equal(batch.images, images.images[order[:12]])
    assert batch.labels.tolist() == LABELS[order[:12]].tolist()
    assert images.sample(100, seed=3).names == tuple(images.names[k] for k in order)


@pytest.mark.parametrize("count", [0, -1, 2.0, True])
def test_a_sample_of_no_whole_number_of_images_is_refused(count: Any) -> None:
    images = data.arrays(IMAGES, LABELS).train

    with pytest.raises(DataError) as caught:
        images.sample(count)

    assert str(caught.value) == (f"count={count!r}: a sample is a whole number of images from 1 on")


def test_torchs_loader_takes_a_set() -> None:
    sets = data.arrays(IMAGES, LABELS)

    images, labels = next(iter(DataLoader(sets.train, batch_size=5)))

    assert (images.shape, images.dtype) == ((5, 3, 6, 9), torch.float32)
    assert labels.tolist() == [0, 1, 2, 3, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: data.arrays(IMAGES, LABELS[:-1]),
            "train: every image needs one label and one name, got 20 images, 19 labels, 20 names",
        ),
        (
            lambda: data.arrays(IMAGES / 255, LABELS),
            (
                "train: images must be uint8 (0 to 255), got float64; multiply floats by 255, "
                "round, and convert"
            ),
        ),
        (
            lambda: data.arrays(torch.from_numpy(IMAGES).int(), LABELS),
            (
                "train: images must be uint8 (0 to 255), got int32; multiply floats by 255, round, "
                "and convert"
            ),
        ),
        (
            lambda: data.arrays(np.array(["a"]), LABELS),
            "train: images must be uint8 (0 to 255), got <U1",
        ),
        (
            lambda: data.arrays(IMAGES[..., :2], LABELS),
            (
                "train: images must have the shape (N, H, W, C), (N, C, H, W) or (N, H, W) with "
                "1 or 3 channels, got (20, 6, 9, 2)"
            ),
        ),
        (
            lambda: data.arrays(IMAGES[:0], LABELS[:0]),
            (
                "train: images must have the shape (N, H, W, C), (N, C, H, W) or (N, H, W) with "
                "1 or 3 channels, got (0, 6, 9, 3)"
            ),
        ),
        (
            lambda: data.arrays(IMAGES, LABELS / 2),
            "train: labels must be whole numbers, got float64",
        ),
        (
            lambda: data.arrays(IMAGES, np.eye(20, dtype=int)),
            "train: labels must have the shape (N,), got (20, 20)",
        ),
        (
            lambda: data.arrays(IMAGES, LABELS, IMAGES, LABELS + 1),
            "test: the label of image 3 is 4, outside the 4 classes 0 to 3",
        ),
        (
            lambda: data.arrays(IMAGES, LABELS, class_names=["a", "b", "c"]),
            "train: the label of image 3 is 3, outside the 3 classes 0 to 2",
        ),
        (
            lambda: data.arrays(IMAGES, LABELS - 1, class_names=["a", "b", "c"]),
            "train: the label of image 0 is -1, outside the 3 classes 0 to 2",
        ),
        (
            lambda: data.arrays(IMAGES, LABELS, class_names=["a", "b", "b", "c"]),
            "class names repeat: b",
        ),
        (
            lambda: data.arrays(IMAGES, LABELS, IMAGES[:, :5], LABELS),
            "test: images of shape (3, 5, 9), the training images have (3, 6, 9)",
        ),
        (lambda: data.arrays(IMAGES, LABELS, IMAGES), "test: images without labels"),
        (lambda: data.arrays(IMAGES, LABELS, None, LABELS), "test: labels without images"),
        (
            lambda: data.ImageSet(
                torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
                torch.tensor([0]),
                class_names="a",
                preprocessing=data.Preprocessing(16),
            ),
            "images of 8x8 where 16x16 are expected: load them with size=16",
        ),
    ],
)
def test_mistakes_are_named(call: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        call()
