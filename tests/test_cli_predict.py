"""What the command predicts, and what it says where images do not fit the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from convkit import Trainer, build, data
from convkit.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "photos"
    data.drawn_shapes(train=20, validation=0, test=0).train.write_images(folder)
    return folder


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network for images of 32x32, trained for one epoch."""
    directory = tmp_path_factory.mktemp("run")
    sets = data.image_folder(photos, 32, validation=10)
    trainer = Trainer(build("flatten, linear 10", (3, 32, 32)), directory=directory, seed=0)
    trainer.fit(sets.train, sets.validation, epochs=1, batch_size=5)
    return str(directory)


def test_images_in_folders_of_a_folder_are_predicted(
    run: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / ".hidden").mkdir(exist_ok=True)
    (photos / ".hidden" / "1.png").write_bytes(b"x")

    code = main(["predict", run, str(photos), "--json"])

    predicted = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [row["image"] for row in predicted] == sorted(map(str, photos.glob("[!.]*/*.png")))
    assert len(predicted) == 20


def test_a_folder_without_images_is_named(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty" / "inner").mkdir(parents=True)

    code = main(["predict", run, str(tmp_path / "empty")])

    assert code == 1
    assert capsys.readouterr().err == (
        f"convkit: {tmp_path / 'empty'} holds no images, nor does a folder in it\n"
    )


def test_predictions_are_written_in_one_form(
    run: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["predict", run, str(photos), "--csv", str(tmp_path / "a.csv"), "--json"])

    assert code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "convkit predict: error: argument --json: not allowed with argument --csv"
    )
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(("size", "loaded"), [("16", "16x16"), ("12,16", "12x16")])
def test_another_size_is_refused_in_words_of_the_command(
    size: str, loaded: str, run: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--data", str(photos), "--size", size, "--split", "validation"]

    code = main(["evaluate", run, *asked])

    assert code == 1
    assert capsys.readouterr().err == (
        f"convkit: the network was trained on images of 32x32, these are {loaded}: give --size 32\n"
    )
