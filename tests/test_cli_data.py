"""The command prepares images as the training did, and refuses options that would do nothing."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from convkit import Trainer, build, data
from convkit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = "flatten, linear 2"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of noise, of several sizes: each way to cut them gives other pixels."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    numbers = np.random.default_rng(0)
    for name, brightest in (("bright", 256), ("dark", 250)):
        (folder / name).mkdir(parents=True)
        for i in range(10):
            pixels = numbers.integers(0, brightest, (40 + i, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


@pytest.mark.parametrize(
    "preparation",
    [
        {"size": 12, "resize": 30},
        {"size": 12, "channels": 1},
        {"size": (12, 16)},
        {"size": (12, 16), "channels": 1},
    ],
    ids=str,
)
def test_evaluate_prepares_images_as_the_training_in_python_did(
    preparation: dict[str, Any], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = data.image_folder(photos, validation=0.3, seed=0, **preparation)
    shape = tuple(sets.train.images.shape[1:])
    trainer = Trainer(build(LAYERS, shape), lr=1e-3, directory=tmp_path / "run", seed=0)
    trainer.fit(sets.train, sets.validation, epochs=2, batch_size=4)
    expected = trainer.evaluate(sets.validation)
    asked = ["--data", str(photos), "--split", "validation", "--validation", "0.3", "--json"]

    code = main(["evaluate", str(tmp_path / "run"), *asked])

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert expected.loss > 0.1  # not all answers are sure: other pixels would give another loss
    assert found["loss"] == expected.loss
    assert found["confusion"] == expected.confusion.counts.tolist()


def test_export_checks_its_file_on_images_prepared_as_in_the_training(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = data.image_folder(photos, (12, 16), channels=1, validation=0.3, seed=0)
    trainer = Trainer(build(LAYERS, (1, 12, 16)), directory=tmp_path / "run", seed=0)
    trainer.fit(sets.train, sets.validation, epochs=1, batch_size=4)
    asked = ["--to", "torch", "--check", str(photos), "--validation", "0.3"]

    code = main(["export", str(tmp_path / "run"), *asked])

    assert code == 0
    assert "6 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "option", "value", "reason"),
    [
        ("drawn", "size", "16", "the figures are drawn at 32x32"),
        ("drawn", "validation", "0.1", "its validation images are drawn beside those for training"),
        ("drawn", "validation", "0", "its validation images are drawn beside those for training"),
        ("cifar10", "size", "16", "its images are 32x32"),
    ],
)
def test_an_option_that_would_do_nothing_is_wrong_usage(
    name: str,
    option: str,
    value: str,
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"

    code = main(["train", LAYERS, "--data", name, f"--{option}", value, "--out", str(out)])

    message = f"convkit train: error: --{option} does not go with {name}: {reason}"
    assert code == 2
    assert capsys.readouterr().err.splitlines()[-1] == message
    assert not out.exists()


def test_export_refuses_such_an_option_before_it_writes(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = data.image_folder(photos, 12, validation=0.3)
    trainer = Trainer(build(LAYERS, (3, 12, 12)), directory=tmp_path / "run", seed=0)
    trainer.fit(sets.train, sets.validation, epochs=1, batch_size=4)

    code = main(["export", str(tmp_path / "run"), "--check", "drawn", "--validation", "0.2"])

    assert code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "convkit export: error: --validation does not go with drawn: "
        "its validation images are drawn beside those for training"
    )
    assert not (tmp_path / "run" / "model.onnx").exists()


def test_files_that_are_left_out_are_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    broken, empty = folder / "bright" / "a broken one.png", folder / "dark" / "empty.png"
    broken.write_bytes(b"x")
    empty.write_bytes(b"")
    asked = ["--data", str(folder), "--size", "12", "--skip-unreadable"]
    run = str(tmp_path / "run")
    told = [
        f"convkit: left out: {broken} is not an image of a known format",
        f"convkit: left out: {empty} is empty",
    ]

    trained = main(["train", LAYERS, *asked, "--epochs", "1", "--out", run])
    on_training = capsys.readouterr().err.splitlines()
    measured = main(["evaluate", run, *asked, "--split", "validation"])

    assert (trained, measured) == (0, 0)
    assert on_training[:2] == told
    assert not any("left out" in line for line in on_training[2:])
    assert capsys.readouterr().err.splitlines() == told


def test_a_share_to_hold_out_is_refused_where_validation_images_are_set_aside(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "val"):
        shutil.copytree(photos, tmp_path / "split" / split)
    asked = ["--data", str(tmp_path / "split"), "--size", "12", "--validation", "0.2"]

    code = main(["train", LAYERS, *asked, "--out", str(tmp_path / "run")])

    assert code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"convkit train: error: --validation does not go with {tmp_path / 'split'}: "
        "it has validation images of its own"
    )
    assert not (tmp_path / "run").exists()
