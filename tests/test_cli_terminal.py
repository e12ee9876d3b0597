"""What the command prints: it fits the terminal, programs can read it, shells complete it."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from convkit import History, metrics
from convkit._tables import Table
from convkit.cli import main
from convkit.cli._terminal import prepare_streams, show, show_confusion

NAMES = [f"class{number}" for number in range(10)]


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what is printed."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


def opened(monkeypatch: pytest.MonkeyPatch, columns: int = 80, encoding: str = "utf-8") -> Terminal:
    """A terminal that standard output goes to from now on."""
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal(encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    return terminal


def wide_table(rows: int) -> Table:
    """Rows of twenty figures each."""
    header = ("run", *(f"figure number {column}" for column in range(20)))
    return Table(
        header,
        tuple(
            (f"run{row}", *(f"{row}.{column:05d}" for column in range(20))) for row in range(rows)
        ),
        notes=("a note",),
    )


@pytest.mark.parametrize("rows", [1, 4, 30])
def test_a_table_that_is_too_wide_is_turned_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    terminal, table = opened(monkeypatch), wide_table(rows)
    show(table, records=True)

    lines = terminal.text().splitlines()
    assert max(map(len, lines)) <= 80
    words = set(terminal.text().split())
    assert {cell for row in table.rows for cell in row} <= words
    assert lines.count("a note") == 1


def test_a_table_that_fits_is_not_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = opened(monkeypatch, columns=1000)
    show(wide_table(2), records=True)

    assert terminal.text().splitlines()[0].split()[:2] == ["run", "figure"]


def test_a_long_word_is_folded_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = opened(monkeypatch)
    word = "abcdefghij" * 30
    show(Table(("name", "count"), ((word, 1),)))

    column = "".join(line.split()[0] for line in terminal.text().splitlines()[2:])
    assert column == word


def test_a_matrix_without_room_is_told_by_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = opened(monkeypatch)
    matrix = metrics.ConfusionMatrix(NAMES)
    matrix.update(np.array([1, 2, 2]), np.array([0, 2, 1]))
    show_confusion(matrix)
    narrow = terminal.text()
    monkeypatch.setenv("COLUMNS", "200")
    show_confusion(matrix)

    assert "class0 taken for class1: 1 (100.0 % of class0)" in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    assert "truth \\ predicted" in terminal.text()


def test_an_encoding_without_lines_gets_lookalikes(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = opened(monkeypatch, encoding="ascii")
    prepare_streams()
    ascii_only.write("─ 3×3 → caf\u00e9 \U0001f408\n")

    assert ascii_only.text() == "- 3x3 -> caf\\xe9 \\U0001f408\n"


def write_run(path: Path, lr: float) -> str:
    """A run directory, made by hand."""
    history = History()
    history.append(epoch=1, step=1, training_loss=1.0, validation_loss=0.5, seconds=1.0)
    path.mkdir()
    (path / "configuration.json").write_text(json.dumps({"settings": {"lr": lr, "seed": 0}}))
    (path / "history.json").write_text(history.to_json())
    return str(path)


def test_compare_fits_eighty_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = opened(monkeypatch)
    runs = [write_run(tmp_path / f"run{number}", 10.0**-number) for number in range(6)]

    assert main(["compare", *runs]) == 0
    assert max(map(len, terminal.text().splitlines())) <= 90  # a note is a sentence, not a column
    assert all(f"run{number}" in terminal.text() for number in range(6))


def test_compare_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_run(tmp_path / name, lr) for name, lr in (("a", 0.1), ("b", 0.01))]

    assert main(["compare", *runs, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: run["settings"]["lr"] for name, run in found.items()} == {"a": "0.1", "b": "0.01"}
    assert found["a"]["figures"]["validation_loss_low"] == 0.5
    assert found["a"]["figures"]["macs"] is None


def test_compare_leaves_out_what_is_no_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [write_run(tmp_path / name, lr) for name, lr in (("a", 0.1), ("b", 0.01))]
    other, missing = tmp_path / "c\x1b[2J", tmp_path / "d"
    other.mkdir()

    assert main(["compare", *runs, str(other), "--json"]) == 0
    out, err = capsys.readouterr()
    assert set(json.loads(out)) == {"a", "b"}
    told = f"{tmp_path / 'c'}\\x1b[2J"  # a name moves no cursor
    assert err == f"convkit: {told} holds no training and is left out\n"

    for given, name in (([str(other)], told), ([*runs, str(missing)], str(missing))):
        assert main(["compare", *given]) == 1
        assert capsys.readouterr().err == (
            f"convkit: {name} holds no training: configuration.json is missing\n"
        )


def test_a_check_writes_its_findings_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    table = "| layer | filters | kernel | parameters |\n|-|-|-|-|\n| conv | 8 | 5x5 | 600 |"

    assert main(["table", table, "--input", "3,32,32", "--check", "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["row"], finding["quantity"]) == (1, "parameters")
    assert (finding["stated"], finding["computed"]) == ("600", "608")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--lr", "-1", "'-1' is no number from 0 on"),
        ("--lr", "nan", "'nan' is no number from 0 on"),
        ("--smoothing", "1", "'1' is no number from 0 on and below 1"),
        ("--seed", "-5", "'-5' is no whole number from 0 on"),
        ("--patience", "0", "'0' is no whole number from 1 on"),
        ("--rotate", "720", "'720' is no number from 0 on and below 180"),
        ("--device", "nowhere", "'nowhere' is no device here: Expected one of"),
    ],
)
def test_a_value_that_cannot_be_is_wrong_usage(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "linear 2", "--data", "drawn", "--out", "x", f"{option}={value}"]) == 2
    assert f"argument {option}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_can_complete_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", shell]) == 0
    script = capsys.readouterr().out
    assert "demo" in script
    assert "weight-decay" in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_a_command_and_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--print-completion", "bash"])
    script = capsys.readouterr().out
    asked = (
        "complete() { name=$4; }\n"
        f"{script}\n"
        'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=();'
        ' _shtab_convkit; echo "${COMPREPLY[@]}"; }\n'
        "ask convkit ev; ask convkit train --weight\n"
    )
    done = subprocess.run(  # noqa: S603 - the completion that we wrote
        ["bash", "-c", asked],  # noqa: S607 - the user's own bash
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.stdout.split() == ["evaluate", "--weight-decay"], done.stderr


def test_without_the_extra_completion_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)

    assert main(["--print-completion", "bash"]) == 1
    assert capsys.readouterr().err == (
        'convkit: --print-completion needs the package shtab: pip install "<convkit>[completion]"\n'
    )


@pytest.mark.skipif(os.name != "posix", reason="the signal of a POSIX terminal")
def test_ctrl_c_ends_the_demo_with_130_and_keeps_the_run(tmp_path: Path) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-m", "convkit.cli", "demo", "--out", str(tmp_path / "demo")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 180
    while not (tmp_path / "demo" / "history.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)

    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert (tmp_path / "demo" / "best.pt").exists()
