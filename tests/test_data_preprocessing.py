"""Preprocessing fits images as torchvision does and says what cannot be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as tv

from convkit import data
from convkit.data._fitting import fit
from convkit.errors import DataError


def picture(height: int, width: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("height", "width"), [(200, 300), (301, 200), (64, 64), (65, 130), (31, 40)]
)
@pytest.mark.parametrize(("size", "resize"), [(64, None), (64, 80), (33, 47), (20, None)])
def test_fitting_equals_torchvisions_resize_and_centre_crop(
    height: int, width: int, size: int, resize: int | None
) -> None:
    image = picture(height, width)

    ours = fit(image, size, resize)

    theirs = tv.center_crop(tv.resize(image, resize or size), size)
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_a_pair_stretches_as_torchvision_does() -> None:
    image = picture(50, 70)

    assert np.array_equal(fit(image, (30, 90)), np.asarray(tv.resize(image, [30, 90])))


def test_normalize_is_torchvisions() -> None:
    images = torch.randint(256, (4, 3, 5, 5), dtype=torch.uint8)
    preprocessing = data.Preprocessing(5, mean=data.IMAGENET_MEAN, std=data.IMAGENET_STD)

    expected = tv.normalize(images / 255, list(data.IMAGENET_MEAN), list(data.IMAGENET_STD))

    torch.testing.assert_close(preprocessing.normalize(images), expected, rtol=1e-5, atol=2e-6)
    assert torch.equal(preprocessing.denormalize(preprocessing.normalize(images)), images)


@pytest.mark.parametrize(
    "preprocessing",
    [
        data.Preprocessing(),
        data.Preprocessing(128, channels=1, mean=0.5, std=0.25),
        data.Preprocessing((80, 90), mean=(0.1, 0.2, 0.3), std=(1, 2, 3)),
        data.Preprocessing(224, resize=256),
    ],
)
def test_it_survives_json(preprocessing: data.Preprocessing) -> None:
    text = json.dumps(preprocessing.to_dict(), allow_nan=False)

    assert data.Preprocessing.from_dict(json.loads(text)) == preprocessing


def test_load_gives_the_pixels_of_the_files(tmp_path: Path) -> None:
    images = [picture(20, 30, seed) for seed in range(3)]
    for k, image in enumerate(images):
        image.save(tmp_path / f"{k}.png")

    loaded = data.Preprocessing(16).load([tmp_path / f"{k}.png" for k in range(3)])

    expected = [np.asarray(fit(image, 16)).transpose(2, 0, 1) for image in images]
    assert torch.equal(loaded, torch.from_numpy(np.stack(expected)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: data.Preprocessing(0),
            "size=0: a side is a whole number from 1 to 16384",
        ),
        (
            lambda: data.Preprocessing((3, 4, 5)),  # type: ignore[arg-type]  # the mistake
            "size=(3, 4, 5): a tuple is (height, width), two numbers",
        ),
        (
            lambda: data.Preprocessing(64, resize=32),
            "resize=32 is smaller than size=64: the crop would need padding; use resize=64 or more",
        ),
        (
            lambda: data.Preprocessing(resize=32),
            "resize=32 needs size=, the square that is cut from the middle",
        ),
        (
            lambda: data.Preprocessing(8, mean=(0.5, 0.5)),
            "mean=(0.5, 0.5) has 2 values for 3 channels",
        ),
        (
            lambda: data.Preprocessing(8, std=0.0),
            "std=(0.0, 0.0, 0.0): a standard deviation is greater than 0",
        ),
        (
            lambda: data.Preprocessing(8, mean=float("nan")),
            "mean=nan: every value must be a finite number",
        ),
        (
            lambda: data.Preprocessing(8, channels=4),
            "channels=4: images have 3 channels (RGB) or 1 (grey)",
        ),
        (
            lambda: data.Preprocessing.from_dict({"size": 8, "colour": True}),
            (
                "unknown preprocessing ['colour']; known are "
                "['channels', 'mean', 'resize', 'size', 'std']"
            ),
        ),
        (
            lambda: data.Preprocessing(8).normalize(torch.zeros(1, 3, 8, 8)),
            "normalize takes uint8 images of shape (..., 3, H, W), got torch.float32 (1, 3, 8, 8)",
        ),
        (
            lambda: data.Preprocessing(80).check_images(torch.zeros(1, 3, 224, 224)),
            "images of 224x224 where 80x80 are expected: load them with size=80",
        ),
    ],
)
def test_mistakes_are_named(call: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        call()


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 3), ("RGB", 1), ("RGBA", 3)])
def test_a_picture_becomes_the_numbers_that_torchvision_makes(mode: str, channels: int) -> None:
    image = picture(60, 90).convert(mode)
    preprocessing = data.Preprocessing(32, resize=40, channels=channels, mean=0.5, std=0.25)

    values = preprocessing(image)

    fitted = tv.center_crop(tv.resize(image.convert("L" if channels == 1 else "RGB"), 40), 32)
    expected = tv.normalize(tv.to_tensor(fitted), [0.5] * channels, [0.25] * channels)
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_single_path_is_one_image(tmp_path: Path, kind: Any) -> None:
    image = picture(6, 9)
    image.save(tmp_path / "one.png")

    loaded = data.Preprocessing().load(kind(tmp_path / "one.png"))

    assert np.array_equal(loaded.permute(0, 2, 3, 1).numpy(), np.asarray(image)[None])
