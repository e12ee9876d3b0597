"""Which images a task begins with, and what its page says of them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from convkit import data, report

CLASSES = data.drawn_shapes(train=10, validation=0, test=0).class_names


def settings_of(folder: Path, *, quick: bool = False) -> Namespace:
    return Namespace(data=folder, seed=3, quick=quick)


def test_training_images_are_held_out_where_the_folder_has_none_for_validation(
    tmp_path: Path,
) -> None:
    data.drawn_shapes(train=50, validation=0, test=10).write_images(tmp_path)
    page = report.Reproduction("Ten classes")

    sets = report.image_sets(
        page, settings_of(tmp_path), 16, classes=CLASSES, validation=0.2, stratified=False
    )

    kept, held_out = data.random_split(50, 0.2, seed=3)
    every = data.image_folder(tmp_path, 16).train.names
    assert list(sets.train.names) == [every[k] for k in kept]
    assert list(sets.validation.names) == [every[k] for k in held_out]
    assert sets.train.images.shape[2:] == (16, 16)


@pytest.mark.parametrize("name", ["val", "validation"])
def test_validation_images_of_the_folders_own_are_kept(tmp_path: Path, name: str) -> None:
    data.drawn_shapes(train=30, validation=20, test=0).write_images(tmp_path)
    (tmp_path / "val").rename(tmp_path / name)
    page = report.Reproduction("Ten classes")

    sets = report.image_sets(page, settings_of(tmp_path), classes=CLASSES, validation=0.2)

    assert [len(part) for part in sets] == [30, 20]
    assert {Path(each).parts[0] for each in sets.validation.names} == {name}


@pytest.mark.parametrize(
    ("classes", "quick", "stand_in"),
    [
        (CLASSES, False, ""),
        (CLASSES[::-1], False, "photos (10 training images)"),
        (CLASSES[:9], False, "photos (10 training images)"),
        (("cat", "dog"), True, ""),
    ],
)
def test_the_page_names_folder_and_number_when_the_classes_are_others(
    tmp_path: Path, classes: tuple[str, ...], quick: bool, stand_in: str
) -> None:
    folder = data.drawn_shapes(train=20, validation=0, test=0).write_images(tmp_path / "photos")
    page = report.Reproduction("Ten classes")

    report.image_sets(page, settings_of(folder, quick=quick), classes=classes, validation=0.5)

    assert page.stand_in == stand_in
