"""CIFAR-10 and Caltech-101 are read from their unpacked layouts and from torchvision's."""

from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10

from convkit import data
from convkit.data._known_sets import CIFAR10_CLASSES
from convkit.errors import DataError


def write_image(path: Path, seed: int, size: tuple[int, int] = (32, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=95)


def write_cifar10(root: Path, each: int = 2) -> Path:
    for split, start in (("train", 0), ("test", 1000)):
        for k, name in enumerate(CIFAR10_CLASSES):
            for i in range(each):
                write_image(root / split / name / f"{i:04d}.jpg", start + 10 * k + i)
    return root


def test_unpacked_cifar10_is_read_wherever_it_lies(tmp_path: Path) -> None:
    write_cifar10(tmp_path / "cifar10")

    for root in (tmp_path, tmp_path / "cifar10"):
        sets = data.cifar10(root, validation=0.1)
        assert [len(each) for each in sets] == [18, 2, 20]
        assert sets.class_names == CIFAR10_CLASSES


def test_the_official_order_is_kept(tmp_path: Path) -> None:
    root = write_cifar10(tmp_path)
    names = [f"train/{name}/{i:04d}.jpg" for i in (1, 0) for name in reversed(CIFAR10_CLASSES)]
    (root / "order_train.txt").write_text("\n".join(names))

    sets = data.cifar10(root, validation=None)

    assert list(sets.train.names) == names
    assert sets.train.labels.tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0] * 2


def test_an_order_of_other_files_is_refused(tmp_path: Path) -> None:
    root = write_cifar10(tmp_path, 1)
    (root / "order_train.txt").write_text("train/frog/0007.jpg")

    with pytest.raises(DataError, match=r"order_train.txt and the image files beside it do not"):
        data.cifar10(root)


def test_torchvisions_copy_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    generator = np.random.default_rng(0)
    lists: dict[str, list[Any]] = {"train_list": CIFAR10.train_list, "test_list": CIFAR10.test_list}
    pixels = {}
    for which, files in lists.items():
        written = []
        for name, _ in files:
            pixels[name] = generator.integers(0, 256, (20, 3072), dtype=np.uint8)
            content = pickle.dumps({"data": pixels[name], "labels": [k % 10 for k in range(20)]})
            (folder / name).write_bytes(content)
            written.append([name, hashlib.md5(content).hexdigest()])  # noqa: S324 - torchvision's own check
        monkeypatch.setattr(CIFAR10, which, written)
    meta = pickle.dumps({"label_names": list(CIFAR10_CLASSES)})
    (folder / "batches.meta").write_bytes(meta)
    checksum = {**CIFAR10.meta, "md5": hashlib.md5(meta).hexdigest()}  # noqa: S324 - as above
    monkeypatch.setattr(CIFAR10, "meta", checksum)

    sets = data.cifar10(tmp_path, validation=0.1)

    assert [len(each) for each in sets] == [90, 10, 20]
    assert sets.test is not None
    assert torch.equal(sets.test.images.flatten(1), torch.from_numpy(pixels["test_batch"]))


def test_what_is_not_there_is_not_fetched_unasked(tmp_path: Path) -> None:
    message = f"CIFAR-10 is not in {tmp_path} and could not be fetched: "
    with pytest.raises(DataError, match=f"^{re.escape(message)}.*$"):
        data.cifar10(tmp_path, download=False)
    message = f"Caltech-101 is not in {tmp_path} and could not be fetched: "
    with pytest.raises(DataError, match=f"^{re.escape(message)}.*$"):
        data.caltech101(tmp_path, download=False)


def write_caltech(root: Path, lists: bool) -> Path:
    names = []
    for k, label in enumerate(["BACKGROUND_Google", "Faces", "accordion"]):
        for i in range(6):
            name = f"{label}/image_{i:04d}.jpg"
            write_image(root / "101_ObjectCategories" / name, 10 * k + i, (20 + i, 30))
            names.append(name)
    if lists:
        (root / "train.txt").write_text(
            "\n".join([*(n for n in names if n[-5] < "4"), "BACKGROUND_Google/tmp"])
        )
        (root / "test.txt").write_text("\n".join(n for n in names if n[-5] >= "4"))
    return root


def test_the_lists_of_the_course_split_caltech(tmp_path: Path) -> None:
    write_caltech(tmp_path / "caltech101", lists=True)

    sets = data.caltech101(tmp_path, size=16)

    assert [each.counts() for each in sets] == [(2, 2), (2, 2), (2, 2)]
    assert sets.class_names == ("Faces", "accordion")
    assert len(sets.report.ignored) == 7


def test_without_lists_a_share_is_tested(tmp_path: Path) -> None:
    sets = data.caltech101(
        write_caltech(tmp_path, lists=False), size=16, test=1 / 3, validation=None
    )

    assert [each.counts() for each in sets] == [(4, 4), (2, 2)]
    assert sets.report.ignored == ("101_ObjectCategories/BACKGROUND_Google",)


def test_a_list_may_not_lead_elsewhere(tmp_path: Path) -> None:
    root = write_caltech(tmp_path, lists=True)
    (root / "train.txt").write_text("Faces/../../../secret.jpg\n")

    message = (
        f"{root}/train.txt, line 1: 'Faces/../../../secret.jpg' is not CLASS/NAME of "
        f"{root}/101_ObjectCategories"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        data.caltech101(root)
