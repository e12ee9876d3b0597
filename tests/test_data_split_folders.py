"""Folders that are set aside for a split are known by the names that people give them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import torch
from photo_folders import write_classes, write_image

from convkit import data
from convkit.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("train_set", "valid", "test_set"),
        ("Training", "validation", "TEST"),
        ("train_data", "val_data", "test_data"),
        ("training-dataset", "validationdata", "testing-dataset"),
        ("train_images", "dev_images", "test_images"),
        ("Train Split", "valid split", "test split"),
        ("seg_train", "seg_val", "seg_test"),
    ],
)
def test_splits_by_folder(tmp_path: Path, train: str, validation: str, test: str) -> None:
    for k, name in enumerate((train, validation, test)):
        write_classes(tmp_path / name, {"a": 3 - k, "b": 1}, start=50 * k)

    sets = data.image_folder(tmp_path, size=8)

    assert [each.split for each in sets] == ["train", "validation", "test"]
    assert [each.counts() for each in sets] == [(3, 1), (2, 1), (1, 1)]


def test_archives_unpacked_into_folders_of_their_own(tmp_path: Path) -> None:
    write_classes(tmp_path / "seg_train" / "seg_train", {"sea": 3, "street": 2})
    write_classes(tmp_path / "seg_test" / "seg_test", {"sea": 1, "street": 1}, start=50)
    (tmp_path / "seg_test" / ".DS_Store").write_bytes(b"x")

    sets = data.image_folder(tmp_path)

    assert sets.class_names == ("sea", "street")
    assert [each.counts() for each in sets] == [(3, 2), (1, 1)]
    assert sets.train.names[0] == "seg_train/seg_train/sea/000.png"


@pytest.mark.parametrize("pool", [False, True])
def test_what_is_beside_the_splits_and_is_none_is_told(tmp_path: Path, pool: bool) -> None:
    for k, name in enumerate(("train", "test", "holdout", "eval")):
        write_classes(tmp_path / name, {"a": 2, "b": 2}, start=50 * k)
    (tmp_path / "readme.md").write_text("x")
    (tmp_path / "test" / "notes.txt").write_text("x")

    sets = data.image_folder(tmp_path, pool=pool)

    assert sum(map(len, sets)) == 8
    assert sets.report.ignored == ("eval", "holdout", "readme.md", "test/notes.txt")
    assert "4 other files ignored: eval, holdout, readme.md and 1 more" in str(sets)


def test_a_test_folder_without_classes_is_unlabelled(tmp_path: Path) -> None:
    write_classes(tmp_path / "train_set", {"a": 1, "b": 1})
    write_image(tmp_path / "test_set" / "1.png", 7)
    write_image(tmp_path / "test_set" / "2.png", 8)

    sets = data.image_folder(tmp_path)

    assert sets.test is not None
    assert (sets.test.labelled, sets.test.labels.tolist()) == (False, [-1, -1])
    assert sets.test.names == ("test_set/1.png", "test_set/2.png")


def test_pooled_splits_are_split_like_the_same_images_in_class_folders(tmp_path: Path) -> None:
    for number in range(24):
        label = "ab"[number % 2]
        write_image(tmp_path / "flat" / label / f"{number}.png", number)
        split = "train" if number < 16 else "test"
        write_image(tmp_path / "split" / split / label / f"{number}.png", number)
    shares = {"test": 0.25, "validation": 4, "seed": 3}

    flat = data.image_folder(tmp_path / "flat", **shares)
    pooled = data.image_folder(tmp_path / "split", pool=True, **shares)

    for one, other in zip(flat, pooled, strict=True):
        assert [name.split("/", 1)[1] for name in other.names] == list(one.names)
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.labels, other.labels)


def test_images_without_classes_cannot_be_pooled(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", {"cat": 2})
    write_image(tmp_path / "test" / "1.png")
    message = (
        f"{tmp_path / 'test'} holds images without class folders, which cannot be pooled: "
        "leave pool=True out, or move them away"
    )

    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        data.image_folder(tmp_path, pool=True)
