"""Images in memory become files that are read back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from convkit import data
from convkit.errors import DataError


def test_written_images_are_read_back_the_same(tmp_path: Path) -> None:
    drawn = data.drawn_shapes(train=20, validation=0, test=0).train

    paths = drawn.write_images(tmp_path)
    read = data.image_folder(tmp_path, 32).train

    order = [read.names.index(path.relative_to(tmp_path).as_posix()) for path in paths]
    assert torch.equal(read.images[order], drawn.images)
    assert torch.equal(read.labels[order], drawn.labels)


def test_written_images_have_the_size_and_the_format_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    images = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    image_set = data.ImageSet(images, torch.tensor([0]), class_names=("cat",))

    (path,) = image_set.write_images(tmp_path, size=(20, 30), suffix=".jpg")

    assert path == tmp_path / "cat" / "000000.jpg"
    with Image.open(path) as image:
        assert (image.size, image.mode, image.format) == ((30, 20), "L", "JPEG")


@pytest.mark.parametrize("name", ["..", "a/b", "a\\b"])
def test_a_class_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    images = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    image_set = data.ImageSet(images, torch.tensor([0]), class_names=(name,))

    with pytest.raises(DataError) as caught:
        image_set.write_images(tmp_path / "inner")

    assert str(caught.value) == (
        f"class {name!r} can be no folder: write the images under another name"
    )


def test_written_sets_are_read_back_with_the_same_splits(tmp_path: Path) -> None:
    drawn = data.drawn_shapes(train=20, validation=12, test=11)

    read = data.image_folder(drawn.write_images(tmp_path / "drawn"), 32)

    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["test", "train", "val"]
    assert read.class_names == drawn.class_names
    for before, after in zip(drawn, read, strict=True):
        order = [int(Path(name).stem) for name in after.names]
        assert (after.split, sorted(order)) == (before.split, [*range(len(before))])
        assert torch.equal(after.images, before.images[order])
        assert torch.equal(after.labels, before.labels[order])


def test_sets_that_lack_a_split_write_no_folder_for_it(tmp_path: Path) -> None:
    data.drawn_shapes(train=10, validation=0, test=10).write_images(tmp_path, size=(8, 9))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["test", "train"]
    assert data.image_folder(tmp_path).test.images.shape == (10, 3, 8, 9)
