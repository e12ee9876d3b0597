"""`convkit table`: what it reads, checks and converts, and where that goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import convkit
from convkit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """| layer | filters | kernel | output | parameters |
| --- | --- | --- | --- | --- |
| Conv2d | 8 | 5x5 | 8x28x28 | 608 |
| MaxPool | | 2x2 | 8x14x14 | |
| Flatten | | | 1568 | |
| Linear | 10 | | 10 | 15,690 |
"""


def test_table_checks_what_is_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong = tmp_path / "right.md", tmp_path / "wrong.md"
    right.write_text(TABLE)
    wrong.write_text(TABLE.replace("15,690", "15,680"))

    codes = [main(["table", str(path), "--input", "3,32,32", "--check"]) for path in (right, wrong)]

    assert codes == [0, 1]
    assert "15,680" in capsys.readouterr().out.replace("15680", "15,680")


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "code", "text"])
def test_table_converts(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "network.md"
    path.write_text(TABLE)

    code = main(["table", str(path), "--input", "3,32,32", "--to", form])

    assert code == 0
    assert "8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "stated", "code"),
    [([], None, 0), (["--check"], ["15,680"], 1)],
    ids=["not checked", "checked"],
)
def test_json_tells_nothing_checked_from_nothing_found(
    asked: list[str],
    stated: list[str] | None,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "network.md"
    path.write_text(TABLE.replace("15,690", "15,680"))

    assert main(["table", str(path), "--input", "3,32,32", "--json", *asked]) == code
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert (findings and [str(each["stated"]) for each in findings]) == stated


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "code", "text"])
def test_a_checked_table_that_is_converted_stands_alone_on_standard_output(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "network.md"
    path.write_text(TABLE.replace("15,690", "15,680"))
    arguments = ["table", str(path), "--input", "3,32,32", "--to", form]

    assert main(arguments) == 0
    converted = capsys.readouterr().out
    assert main([*arguments, "--check"]) == 1

    captured = capsys.readouterr()
    assert captured.out == converted
    assert [line for line in captured.err.splitlines() if line.startswith("differs: ")]


@pytest.mark.parametrize(
    "layers",
    [
        "conv 8 k3 relu dropout 0.2, maxpool 2, flatten, linear 10",
        ", ".join(["conv 8 k3 p1 relu"] * 300),  # longer than a name can be
    ],
    ids=["a decimal", "a long line"],
)
def test_layers_in_one_line_are_not_taken_for_a_file(
    layers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["table", layers, "--to", "text"])

    assert (code, capsys.readouterr()) == (0, (f"{layers}\n", ""))
    assert convkit.build(layers, (3, 32, 32)).conv1.out_channels == 8


def test_code_without_a_size_asks_for_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "conv 8 k3, flatten, linear 10", "--to", "code"]) == 1
    assert capsys.readouterr().err == (
        "convkit: the table does not tell what arrives at its first row; "
        "give --input, such as 3,32,32\n"
    )


def test_an_input_in_the_line_is_said_to_be_given_by_the_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = "input 3x32x32, conv 8 k3, flatten, linear 10"

    assert main(["table", line, "--input", "3,32,32", "--check"]) == 0
    assert (
        "read: the input 3x32x32 is no row and is not kept: give it as --input"
        in capsys.readouterr().out.splitlines()
    )


def test_a_file_needs_no_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "network"
    path.write_text("conv 8 k3, flatten, linear 10\n")

    assert main(["table", str(path), "--to", "text"]) == 0
    assert capsys.readouterr().out == "conv 8 k3, flatten, linear 10\n"
