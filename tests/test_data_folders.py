"""Class folders of every layout become sets; contradictions are named."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from photo_folders import write_classes, write_image
from PIL import Image

from convkit import data
from convkit.errors import DataError


def test_one_folder_for_each_class(tmp_path: Path) -> None:
    write_classes(tmp_path, {"dog": 6, "cat": 4})

    sets = data.image_folder(tmp_path, size=8, validation=0.5)

    assert sets.class_names == ("cat", "dog")
    assert (sets.train.counts(), sets.validation.counts()) == ((2, 3), (2, 3))  # type: ignore[union-attr]  # it is there
    assert sets.test is None


def test_images_are_those_of_the_files_in_the_order_of_names(tmp_path: Path) -> None:
    write_classes(tmp_path, {"a": 12})

    sets = data.image_folder(tmp_path)

    expected = [np.asarray(Image.open(tmp_path / name)) for name in sets.train.names]
    assert sets.train.names == tuple(f"a/{i:03d}.png" for i in range(12))
    assert np.array_equal(sets.train.images.permute(0, 2, 3, 1).numpy(), np.stack(expected))


def test_the_split_does_not_depend_on_the_order_of_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_classes(tmp_path, {"a": 20, "b": 20})
    before = data.image_folder(tmp_path, validation=0.25, seed=1)
    walk = os.walk

    def reversed_walk(*arguments: Any, **options: Any) -> Any:
        for folder, folders, files in walk(*arguments, **options):
            files.reverse()
            yield folder, folders, files

    monkeypatch.setattr(os, "walk", reversed_walk)
    after = data.image_folder(tmp_path, validation=0.25, seed=1)

    assert before.train.names == after.train.names
    assert torch.equal(before.train.images, after.train.images)


def test_hidden_and_system_files_are_ignored_and_counted(tmp_path: Path) -> None:
    write_classes(tmp_path, {"a": 2, ".ipynb_checkpoints": 1, "__MACOSX": 1})
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "readme.md").write_text("x")

    sets = data.image_folder(tmp_path)

    assert len(sets.train) == 2
    assert sets.class_names == ("a",)
    assert sorted(sets.report.ignored) == [
        ".ipynb_checkpoints", "__MACOSX", "a/.DS_Store", "a/Thumbs.db", "a/notes.txt", "readme.md",
    ]  # fmt: skip


def test_names_in_unicode_are_the_same_however_they_are_composed(tmp_path: Path) -> None:
    composed, taken_apart = (unicodedata.normalize(form, "café ü") for form in ("NFC", "NFD"))
    write_classes(tmp_path / "train", {composed: 2, "日本 語": 1})
    write_classes(tmp_path / "test", {taken_apart: 1}, start=9)

    sets = data.image_folder(tmp_path)

    assert sets.class_names == (composed, "日本 語")
    assert sets.test is not None
    assert sets.test.counts() == (1, 0)


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    write_classes(tmp_path / "real", {"a": 2})
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").symlink_to(tmp_path / "real" / "a")
    (tmp_path / "real" / "a" / "again").symlink_to(tmp_path / "real" / "a")

    sets = data.image_folder(tmp_path / "set")

    assert len(sets.train) == 2
    assert sets.report.ignored == ("a/again",)


def test_folders_within_a_class_belong_to_it(tmp_path: Path) -> None:
    write_classes(tmp_path, {"a/day": 1, "a/night": 2, "b": 1})

    sets = data.image_folder(tmp_path)

    assert sets.train.counts() == (3, 1)
    assert sets.train.names == ("a/day/000.png", "a/night/000.png", "a/night/001.png", "b/000.png")


def test_an_empty_class_folder_is_a_class_without_images(tmp_path: Path) -> None:
    write_classes(tmp_path, {"a": 3, "c": 1})
    (tmp_path / "b").mkdir()

    sets = data.image_folder(tmp_path)

    assert sets.train.counts() == (3, 0, 1)
    assert "classes without training images: b" in str(sets)


def test_unreadable_files_are_skipped_with_a_report(tmp_path: Path) -> None:
    write_classes(tmp_path, {"a": 3, "b": 2})
    (tmp_path / "a" / "001.png").write_bytes(b"nonsense")

    sets = data.image_folder(tmp_path, on_unreadable="skip")

    path = str(tmp_path / "a" / "001.png")
    assert sets.train.counts() == (2, 2)
    assert sets.train.names == ("a/000.png", "a/002.png", "b/000.png", "b/001.png")
    assert sets.report.unreadable == ((path, "is not an image of a known format"),)
    assert f"1 file unreadable: {path} is not an image of a known format" in str(sets)


def test_the_size_that_all_files_have_is_that_of_files_given_later(tmp_path: Path) -> None:
    write_image(tmp_path / "in" / "train" / "a" / "1.png", 1, 40, 56)
    write_image(tmp_path / "in" / "test" / "a" / "2.png", 2, 40, 56)
    write_image(tmp_path / "later.png", 3, 48, 64)

    sets = data.image_folder(tmp_path / "in")

    assert sets.test is not None
    assert sets.train.preprocessing == sets.test.preprocessing
    assert sets.train.preprocessing.size == (40, 56)
    assert sets.train.preprocessing.load([tmp_path / "later.png"]).shape == (1, 3, 40, 56)


def test_splits_of_different_sizes_keep_them(tmp_path: Path) -> None:
    write_image(tmp_path / "train" / "a" / "1.png", 1, 40, 56)
    write_image(tmp_path / "test" / "a" / "2.png", 2, 48, 64)

    sets = data.image_folder(tmp_path)

    assert [each.images.shape[2:] for each in sets] == [(40, 56), (48, 64)]
    assert sets.train.preprocessing.size is None


def test_a_border_gives_random_crops_room_and_changes_nothing_else(tmp_path: Path) -> None:
    for i in range(3):
        write_image(tmp_path / "a" / f"{i}.png", i, 40, 56)

    bordered = data.image_folder(tmp_path, size=16, resize=20, border=True)
    plain = data.image_folder(tmp_path, size=16, resize=20)

    assert bordered.train.stored.shape == (3, 3, 20, 20)
    assert torch.equal(bordered.train.images, plain.train.images)
    assert bordered.train.preprocessing == plain.train.preprocessing
    crops = data.batches(bordered.train, 3, augment=[data.RandomCrop(16)])
    assert next(iter(crops))[0].shape == (3, 3, 16, 16)
    flips = data.batches(bordered.train, 3, augment=[data.HorizontalFlip(0.0)], shuffle=False)
    torch.testing.assert_close(
        next(iter(flips))[0], bordered.train.preprocessing.normalize(plain.train.images)
    )


MISTAKES: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "missing": (lambda root: None, "{root} is not a folder", {}),  # noqa: ARG005 - nothing is made
    "empty": (
        lambda root: root.mkdir(),
        "{root} holds no class folders: expected {root}/CLASS/NAME.jpg",
        {},
    ),
    "no images": (
        lambda root: (root / "a").mkdir(parents=True),
        "{root} holds no images: expected {root}/a/NAME.jpg",
        {},
    ),
    "no train": (
        lambda root: write_classes(root / "test", {"a": 1}),
        "{root} has test but no train folder",
        {},
    ),
    "two trains": (
        lambda root: [write_classes(root / name, {"a": 1}) for name in ("train", "training")],
        "{root} has two folders for train: train, training",
        {},
    ),
    "unknown class": (
        lambda root: [
            write_classes(root / "train", {"a": 1}), write_classes(root / "test", {"b": 1, "a": 1})
        ],
        "{root}/test has class folders that the training images lack: b",
        {},
    ),
    "case": (
        lambda root: write_classes(root, {"Cat": 1, "cat": 1}),
        ("{root} has the class folders 'Cat' and 'cat', which differ only in case and are one "
        "folder on other systems: rename one"),
        {},
    ),
    "one unreadable": (
        lambda root: [write_classes(root, {"a": 2}), (root / "a" / "001.png").write_bytes(b"")],
        ('1 of 2 image files cannot be read: {root}/a/001.png is empty (on_unreadable="skip" '
        "leaves such files out)"),
        {},
    ),
    "all unreadable": (
        lambda root: [write_classes(root, {"a": 1}), (root / "a" / "000.png").write_bytes(b"")],
        "1 of 1 image files cannot be read: {root}/a/000.png is empty",
        {"on_unreadable": "skip"},
    ),
    "sizes": (
        lambda root: [write_image(root / "a/1.png"), write_image(root / "a/2.png", height=9)],
        ("the images differ in size ({root}/a/1.png is 8x8, {root}/a/2.png is 9x8): give one, such "
        "as size=128"),
        {},
    ),
    "two validations": (
        lambda root: [write_classes(root / name, {"a": 2}) for name in ("train", "val")],
        "{root} has its own validation images: leave validation=0.5 out, or move them away",
        {"validation": 0.5},
    ),
    "option": (
        lambda root: write_classes(root, {"a": 1}),
        "on_unreadable='ignore': use \"raise\" or \"skip\"",
        {"on_unreadable": "ignore"},
    ),
    "argument": (
        lambda root: write_classes(root, {"a": 1}),
        ("unknown arguments ['sise']; known are ['cache', 'max_pixels', 'memory_limit', "
        "'on_unreadable', 'progress', 'threads']"),
        {"sise": 8},
    ),
    "border": (
        lambda root: write_classes(root, {"a": 1}),
        "border=True keeps images at resize=: give resize= larger than size=",
        {"size": 8, "border": True},
    ),
}  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="paths are written with slashes")
@pytest.mark.parametrize(("make", "message", "options"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_are_named(
    tmp_path: Path, make: Any, message: str, options: dict[str, Any]
) -> None:
    root = tmp_path / "photos"
    make(root)

    with pytest.raises(DataError, match=f"^{re.escape(message.format(root=root))}$"):
        data.image_folder(root, **options)


def test_many_unreadable_files_are_counted(tmp_path: Path) -> None:
    write_classes(tmp_path, {"a": 9})
    for i in range(8):
        (tmp_path / "a" / f"{i:03d}.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"^8 of 9 image files .*; and 3 more \(on_unreadable"):
        data.image_folder(tmp_path)


def test_holding_out_later_gives_the_sets_of_holding_out_at_once(tmp_path: Path) -> None:
    data.drawn_shapes(train=60, validation=0, test=20, seed=3).train.write_images(tmp_path)
    at_once = data.image_folder(tmp_path, size=32, validation=0.2, seed=7)

    later = data.image_folder(tmp_path, size=32).hold_out(0.2, seed=7)

    assert [part.names for part in later] == [part.names for part in at_once]
    assert later.train.preprocessing == at_once.train.preprocessing
    assert [part.split for part in later] == ["train", "validation"]


@pytest.mark.parametrize("pair", [False, True], ids=["square", "pair"])
def test_with_a_border_the_middle_is_that_of_images_without_one(tmp_path: Path, pair: bool) -> None:
    shapes = [(h, w) for h in range(6, 14) for w in range(6, 14) if min(h, w) < 8]
    for height, width in shapes:
        write_image(tmp_path / "a" / f"{height:02d}x{width:02d}.png", 1, height, width)
    for resize in range(3, 9):
        for side in range(1, resize + 1):
            size = (side, max(side - 1, 1)) if pair else side

            bordered = data.image_folder(tmp_path, size, resize=resize, border=True).train
            without = data.image_folder(tmp_path, size, resize=resize).train

            assert bordered.stored.shape[2:] == (resize, resize)
            assert torch.equal(bordered.images, without.images), (size, resize)
            loaded = without.preprocessing.load([tmp_path / name for name in bordered.names])
            assert torch.equal(bordered.images, loaded), (size, resize)
