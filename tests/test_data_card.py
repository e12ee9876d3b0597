"""The data card says what a report should: counts, leaks, odd files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convkit import data


def noise(count: int, seed: int = 0) -> torch.Tensor:
    """Smooth pictures without likeness."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, (32, 32), mode="bicubic").clamp(0, 255).byte()


def test_unlike_pictures_are_no_duplicates() -> None:
    sets = data.arrays(noise(300), np.arange(300) % 3, noise(300, 1), np.arange(300) % 3)

    found = data.find_duplicates(sets)

    assert (found.exact_across, found.near_across) == ((), ())
    assert found.exact_within == {"train": 0, "test": 0}


def test_equal_pictures_in_two_splits_are_found_with_their_labels() -> None:
    images = noise(40)
    test = torch.cat([noise(10, 1), images[[3, 7]]])

    found = data.find_duplicates(data.arrays(images, [0, 1] * 20, test, [0] * 12))

    assert found.exact_across == (
        ("train", "3", "test", "10", False),
        ("train", "7", "test", "11", False),
    )
    assert found.conflicting == found.exact_across
    assert found.near_across == ()


@pytest.mark.parametrize("change", ["brighter", "noise", "jpeg"])
def test_nearly_equal_pictures_are_found(change: str, tmp_path: Path) -> None:
    images = noise(60)
    if change == "brighter":
        altered = (images.float() + 5).clamp(0, 255).byte()
    elif change == "noise":
        grain = torch.randn(images.shape, generator=torch.Generator().manual_seed(0)) * 3
        altered = (images.float() + grain).clamp(0, 255).byte()
    else:
        for k, image in enumerate(images):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(
                tmp_path / f"{k:02d}.jpg", quality=92, subsampling=0
            )
        altered = data.Preprocessing(32).load(sorted(tmp_path.iterdir()))

    found = data.find_duplicates(data.arrays(images, [0] * 60, altered, [0] * 60))

    pairs = {(p.first, p.second) for p in (*found.near_across, *found.exact_across)}
    assert pairs <= {(str(k), str(k)) for k in range(60)}
    assert len(pairs) >= 57


def test_repetitions_within_a_split_are_counted() -> None:
    images = noise(10)

    found = data.find_duplicates(data.arrays(torch.cat([images, images[:4]]), [0] * 14))

    assert found.exact_within == {"train": 4}


def test_images_of_one_colour_do_not_flood_the_card() -> None:
    images = torch.full((50, 3, 8, 8), 7, dtype=torch.uint8)

    found = data.find_duplicates(data.arrays(images, [0] * 50, images[:20], [0] * 20))

    assert len(found.exact_across) == 1
    assert found.exact_within == {"train": 49, "test": 19}


def test_the_card_of_a_folder_is_complete(tmp_path: Path) -> None:
    for k, label in enumerate(["cat", "cat", "cat", "dog"]):
        path = tmp_path / "train" / label / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(1, k)[0].permute(1, 2, 0).numpy()).convert(
            "L" if k == 2 else "RGB"
        ).save(path)
    (tmp_path / "test" / "cat").mkdir(parents=True)
    Image.fromarray(noise(1, 0)[0].permute(1, 2, 0).numpy()).save(
        tmp_path / "test" / "cat" / "9.png"
    )
    (tmp_path / "train" / "cat" / "bad.png").write_bytes(b"")

    sets = data.image_folder(tmp_path, size=32, mean=0.5, std=0.25, on_unreadable="skip")

    statistics = data.channel_statistics(sets.train)
    mean, std = (", ".join(f"{v:.4f}" for v in values) for values in statistics)
    assert (
        str(sets)
        == f"""\
{tmp_path}
class         train   test
──────────────────────────
cat               3      1
dog               1      0
all classes       4      1
LEAK: 1 picture equal across splits: train/cat/0.png (train) and test/cat/9.png (test)
images 3x32x32; training mean ({mean}), std ({std})
imbalance 3.00: cat 3, dog 1 training images
files 32x32
modes: RGB 4, L 1
1 file unreadable: {tmp_path}/train/cat/bad.png is empty"""
    )


def test_the_card_is_plain_json() -> None:
    card = data.drawn_shapes(train=30, validation=10, test=10).card()

    values = json.loads(json.dumps(card.to_dict(), allow_nan=False))

    assert values["totals"] == {"train": 30, "validation": 10, "test": 10}
    assert values["imbalance"] == 1.0
    assert "| class | train | validation | test |" in card.table().to_markdown()


def test_sets_draw_themselves() -> None:
    sets = data.drawn_shapes(train=30, validation=10, test=0)

    assert len(sets.plot().axes) == 2
    assert sets.plot_samples(6).axes
