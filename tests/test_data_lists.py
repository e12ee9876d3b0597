"""CSV lists name images inside their root, with labels as text."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convkit import data
from convkit.errors import DataError


def write_images(root: Path, names: list[str]) -> None:
    for k, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(k).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name)


def write_list(root: Path, text: str) -> Path:
    file = root / "list.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("head", ["", "path,label\n", "\ufeffPath,Label\n"])
def test_a_list_of_path_and_label(tmp_path: Path, head: str) -> None:
    write_images(tmp_path, ["x/1.png", "x/2.png", "3.png"])

    sets = data.image_list(write_list(tmp_path, head + "x/1.png,dog\nx/2.png,cat\n3.png,dog\n"))

    assert sets.class_names == ("cat", "dog")
    assert sets.train.labels.tolist() == [1, 0, 1]
    assert sets.train.names == ("x/1.png", "x/2.png", "3.png")


def test_labels_that_are_numbers_are_sorted_by_value(tmp_path: Path) -> None:
    write_images(tmp_path, ["1.png", "2.png", "3.png"])

    sets = data.image_list(write_list(tmp_path, "1.png,10\n2.png,9\n3.png,2\n"))

    assert sets.class_names == ("2", "9", "10")


def test_a_column_names_the_split_and_another_the_group(tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(8)]
    write_images(tmp_path, names)
    rows = [f"{name},{'ab'[k % 2]},train,g{k // 2}" for k, name in enumerate(names[:6])]
    rows += ["6.png,a,test,g9", "7.png,b,test,g9"]

    file = write_list(tmp_path, "path,label,split,group\n" + "\n".join(rows))
    sets = data.image_list(file, validation=1 / 3)

    assert sets.test is not None
    assert sets.validation is not None
    assert sets.test.names == ("6.png", "7.png")
    groups = [{int(name[0]) // 2 for name in each.names} for each in (sets.train, sets.validation)]
    assert not groups[0] & groups[1]


def test_a_manifest_is_read_again_as_the_same_split(tmp_path: Path) -> None:
    for label in ("a, b", 'c"d'):
        write_images(tmp_path / label, [f"{k}.png" for k in range(6)])
    sets = data.image_folder(tmp_path, validation=0.25, test=2)

    file = sets.write_manifest(tmp_path / "runs" / "split.csv")
    again = data.image_list(file, root=tmp_path)

    assert again.class_names == sets.class_names
    for one, other in zip(sets, again, strict=True):
        assert one.names == other.names
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.labels, other.labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "{file} lists no training images"),
        ("../1.png,a\n", "{file}, line 1: '../1.png' is not a path inside {root}"),
        ("x/../../1.png,a\n", "{file}, line 1: 'x/../../1.png' is not a path inside {root}"),
        ("/etc/passwd,a\n", "{file}, line 1: '/etc/passwd' is not a path inside {root}"),
        (",a\n", "{file}, line 1: '' is not a path inside {root}"),
        ("1.png,a\n\n1.png\n", "{file}, line 3: 1 cells for the columns path,label"),
        (
            "path,label,split\n1.png,a,learn\n",
            "{file}, line 2: split 'learn': use train, val or test",
        ),
        (
            "path,label,split\n1.png,a,train\n1.png,b,test\n",
            "{file}, line 3: no training image has the label 'b'",
        ),
        *(
            (
                f"{head}\n1.png,a\n",
                "{file}, line 1 looks like a header: name the columns path,label",
            )
            for head in ("filename,label", "path,class")
        ),
        (
            "path,label,split,group\n1.png,a,train,g\n1.png,a,train,h\n1.png,a,test,g\n",
            (
                "{file}: group 'g' is in train (line 2) and in test (line 4): give all images of "
                "a group the same split"
            ),
        ),
        (
            "2.png,a\n",
            (
                "1 of 1 image files cannot be read: {root}/2.png cannot be opened: No such file or "
                "directory"
            ),
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    write_images(tmp_path, ["1.png"])
    file = write_list(tmp_path, text)

    with pytest.raises(DataError, match=f"^{re.escape(message.format(file=file, root=tmp_path))}$"):
        data.image_list(file)


def test_a_missing_first_file_is_no_header(tmp_path: Path) -> None:
    write_images(tmp_path, ["1.png", "2.png"])

    sets = data.image_list(
        write_list(tmp_path, "0.png,a\n1.png,a\n2.png,b\n"), on_unreadable="skip"
    )

    assert sets.train.names == ("1.png", "2.png")
    assert sets.class_names == ("a", "b")


def test_an_empty_cell_is_no_group(tmp_path: Path) -> None:
    write_images(tmp_path, ["1.png", "2.png"])
    text = "path,label,split,group\n1.png,a,train,\n2.png,a,test,\n"

    assert [each.names for each in data.image_list(write_list(tmp_path, text))] == [
        ("1.png",),
        ("2.png",),
    ]


def test_a_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(DataError, match=r"^.*list\.csv cannot be read as a CSV list: .*codec.*$"):
        data.image_list(tmp_path / "list.csv")


def test_a_header_names_the_columns_in_any_order(tmp_path: Path) -> None:
    write_images(tmp_path, ["1.png", "2.png", "3.png"])
    (tmp_path / "list.csv").write_text("Label,Path\na,1.png\nb,2.png\na,3.png\n")

    sets = data.image_list(tmp_path / "list.csv", size=8)

    assert sets.train.names == ("1.png", "2.png", "3.png")
    assert [sets.class_names[label] for label in sets.train.labels] == ["a", "b", "a"]


def test_an_empty_label_is_no_class(tmp_path: Path) -> None:
    write_images(tmp_path, ["1.png", "2.png"])
    file = tmp_path / "list.csv"
    file.write_text("1.png,a\n2.png,\n")
    message = f"{file}, line 2: the label is empty: name the class, or leave the line out"

    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        data.image_list(file, size=8)
