"""The command: exit codes, messages, and what it prints and writes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import convkit
from convkit.cli import main

LAYERS = "conv 8 k5, maxpool 2, conv 16 k5"


def test_shapes_prints_sizes_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["shapes", LAYERS, "--input", "3,128,128"])

    output = capsys.readouterr().out
    assert code == 0
    assert "8x124x124" in output.replace(" × ", "x")
    assert "608" in output
    assert "3,216" in output


def test_shapes_explains_with_numbers_put_in(capsys: pytest.CaptureFixture[str]) -> None:
    main(["shapes", LAYERS, "--input", "3,128,128", "--explain"])

    output = capsys.readouterr().out
    assert "128" in output
    assert "124" in output
    assert "floor" in output or "⌊" in output


def test_shapes_writes_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["shapes", LAYERS, "--input", "3x128x128", "--json"])

    rows = json.loads(capsys.readouterr().out)
    assert [row["output_shape"] for row in rows] == [[8, 124, 124], [8, 62, 62], [16, 58, 58]]
    assert [row["parameters"] for row in rows] == [608, 0, 3216]


def test_a_mistake_in_a_table_is_a_message_and_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["shapes", "conv 8 k5, conv 16 k90", "--input", "3,32,32"])

    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert captured.err.startswith("convkit: row 2")
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["shapes", LAYERS],
        ["shapes", LAYERS, "--input", "big"],
        ["table", LAYERS, "--check"],
        ["train", LAYERS, "--data", "drawn", "--out", "x", "--epochs", "0"],
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: int | str | None = main(arguments)
    except SystemExit as stop:
        code = stop.code

    assert code == 2
    assert "usage: convkit" in capsys.readouterr().err


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "convkit demo" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"convkit {convkit.__version__}\n"


def test_a_file_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "no/such/table.md"]) == 1
    assert "no/such/table.md" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m convkit.cli shapes '{LAYERS}' --input 3,128,128 --explain"
    run = subprocess.run(  # noqa: S602 - the pipe is what is tested
        f"{command} | true; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that the command trained, on a folder of plain red and blue images."""
    folder = tmp_path_factory.mktemp("run")
    for split, count in (("train", 12), ("test", 4)):
        for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
            (folder / "photos" / split / name).mkdir(parents=True)
            for i in range(count):
                shade = tuple(min(255, part + 3 * i) for part in colour)
                Image.new("RGB", (20, 16), shade).save(
                    folder / "photos" / split / name / f"{i:02d}.png"
                )
    code = main(
        [
            *("train", "conv 4 k3 relu, maxpool 2, flatten, linear 2"),
            *("--data", str(folder / "photos"), "--size", "12", "--out", str(folder / "run")),
            *("--epochs", "4", "--batch-size", "8", "--validation", "0.25", "--lr", "0.01"),
        ]
    )
    assert code == 0
    return folder


def test_evaluate_predict_and_report_work_on_the_run(
    run_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, photos = str(run_directory / "run"), str(run_directory / "photos")
    csv = run_directory / "predictions.csv"
    images = [str(run_directory / "photos" / "test" / name) for name in ("red", "blue")]

    assert main(["evaluate", run, "--data", photos, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert main(["predict", run, *images, "--csv", str(csv)]) == 0
    assert main(["report", run]) == 0
    assert main(["compare", run, "--to", "markdown"]) == 0
    explore = ["explore", run, "--image", f"{images[0]}/00.png", "--filters", "0,3"]
    assert main([*explore, "--out", f"{run}/maps"]) == 0

    assert result["accuracy"] == 1.0
    assert len(csv.read_text().splitlines()) == 9
    assert (run_directory / "run" / "report.html").exists()
    page = (run_directory / "run" / "maps" / "explore.html").read_text(encoding="utf-8")
    assert re.findall(r'"index": (\d+)', page) == ["0", "3"]
    assert '"name": "00.png"' in page


def test_a_second_training_in_the_same_directory_is_refused(
    run_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "conv 4 k3 relu, maxpool 2, flatten, linear 2", "--size", "12"]
    arguments += ["--data", str(run_directory / "photos"), "--out", str(run_directory / "run")]

    assert main(arguments) == 1
    assert "already holds a training: go on with it by --resume" in capsys.readouterr().err


def test_the_demo_refuses_a_used_directory_at_once(
    run_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_directory / "run"

    assert main(["demo", "--out", str(run)]) == 1
    assert capsys.readouterr() == (
        "",
        f"convkit: {run} already holds a training: choose another directory for --out\n",
    )


def test_explore_names_the_folder_that_is_missing(
    run_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = str(run_directory / "photos" / "test" / "red" / "00.png")

    code = main(["explore", "runs/missing", "--image", image, "--out", str(run_directory / "no")])

    assert code == 1
    assert capsys.readouterr().err == (
        "convkit: there is no folder runs/missing; explore takes the directory of a run, "
        "or the name of a torchvision network such as alexnet\n"
    )


def test_unreadable_files_are_named_or_left_out(
    run_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    for name in ("red", "blue"):
        shutil.copytree(run_directory / "photos" / "train" / name, photos / name)
    (photos / "red" / "broken.jpg").write_bytes(b"no image")
    arguments = ["train", "flatten, linear 2", "--data", str(photos), "--size", "12"]
    arguments += ["--epochs", "1", "--out", str(tmp_path / "run")]

    assert main(arguments) == 1
    message = capsys.readouterr().err
    assert main([*arguments, "--skip-unreadable"]) == 0

    assert "broken.jpg is not an image of a known format" in message
    assert "(--skip-unreadable leaves such files out)" in message


def test_ctrl_c_ends_training_with_130_and_keeps_the_run(tmp_path: Path) -> None:
    arguments = ["train", "conv 4 k3 relu, maxpool 2, flatten, linear 10", "--data", "drawn"]
    arguments += ["--out", str(tmp_path / "run"), "--epochs", "1000", "--patience", "1000"]
    process = subprocess.Popen(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-m", "convkit.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 90
    while not (tmp_path / "run" / "history.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert (tmp_path / "run" / "best.pt").exists()


def test_a_folder_with_validation_images_of_its_own_keeps_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = convkit.data.drawn_shapes(train=40, validation=20, test=20)
    for part, name in zip(sets, ("train", "val", "test"), strict=True):
        part.write_images(tmp_path / "photos" / name)
    layers, photos = "conv 4 k3 relu, maxpool 4, flatten, linear 10", str(tmp_path / "photos")
    run = str(tmp_path / "run")

    code = main(["train", layers, "--data", photos, "--size", "32", "--epochs", "1", "--out", run])
    main(["evaluate", run, "--data", photos, "--split", "validation", "--json"])

    assert code == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert sum(map(sum, found["confusion"])) == 20
