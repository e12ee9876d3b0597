"""The commands of the README and of the documentation work as printed, in a folder of small data.

Left out are the parts of a line, between `&&`, that set up a computer rather than use convkit:
those that begin with one of `SETTING_UP`.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
SETTING_UP = ("python -m pip", "python -m pytest", "pre-commit", "mkdocs", "torchrun")
NETWORK = """| layer | filters | kernel | padding | activation | output | parameters |
| --- | --- | --- | --- | --- | --- | --- |
| Conv2d | 4 | 3x3 | 1 | ReLU | 4x32x32 | 112 |
| MaxPool | | 4x4 | | | 4x8x8 | |
| Flatten | | | | | 256 | |
| Linear | 2 | | | | 2 | 514 |
"""


def commands(page: Path) -> list[str]:
    """The lines of a page's `sh` blocks, without what sets up a computer."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
    kept = (
        " && ".join(part for part in line.split(" && ") if not part.startswith(SETTING_UP))
        for line in lines
    )
    return [line for line in kept if line.strip()]


def worth_running() -> list[Path]:
    """Pages with commands; one whose every command stood on a page before is not run again."""
    found, seen = [], set[str]()
    for page in PAGES:
        new = set(commands(page)) - seen
        if new:
            found.append(page)
        seen |= new
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the pages speak of: a table, photos of two classes, other images, and the command."""
    (tmp_path / "network.md").write_text(NETWORK)
    for name, colour in (("cat", (200, 30, 30)), ("dog", (30, 30, 200))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            image = Image.new("RGB", (32, 32), tuple(part + 2 * number for part in colour))
            image.save(tmp_path / "photos" / name / f"{number:02d}.jpg")
    (tmp_path / "holiday").mkdir()
    image.save(tmp_path / "holiday" / "1.jpg")
    image.save(tmp_path / "cat.jpg")
    program = tmp_path / "bin" / "convkit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m convkit.cli "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One line in a shell that fails where any part of a pipe fails."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(  # noqa: S603 - commands of our own pages
        ["/bin/bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.skipif(
    not Path("/bin/bash").exists(), reason="the pages are written for a POSIX shell"
)
@pytest.mark.parametrize("page", worth_running(), ids=lambda page: page.stem)
def test_the_commands_of_a_page_work_as_printed(page: Path, folder: Path) -> None:
    for line in commands(page):
        done = run(line, folder)

        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, line


def test_every_command_is_shown_and_so_run_somewhere() -> None:
    lines = [line for page in worth_running() for line in commands(page)]
    shown = {line.split()[1] for line in lines if line.startswith("convkit ")}

    assert shown >= {
        *("demo", "shapes", "table", "train", "evaluate", "predict", "explore", "compare"),
        *("report", "--help", "--print-completion"),
    }


def test_a_run_of_the_command_and_one_from_python_are_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two ways that the guide of the command sets side by side, to the last bit."""
    page = ROOT / "docs" / "guides" / "command.md"
    line = next(line for line in commands(page) if line.startswith("convkit train network"))
    done = run(line, folder)
    assert done.returncode == 0, done.stderr
    block = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)[0]
    namespace: dict[str, Any] = {}
    exec(block, namespace)  # noqa: S102 - our own page
    monkeypatch.chdir(folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    history = namespace["first_run"]("runs/python")
    torch.set_num_threads(threads)

    from convkit.training import read_run

    by_command, by_python = read_run("runs/first"), read_run("runs/python")
    weights = [
        torch.load(f"runs/{name}/best.pt", weights_only=True) for name in ("first", "python")
    ]
    timed = "seconds"
    for name in history.columns:
        if name != timed:
            assert torch.equal(
                torch.tensor(by_command.history[name]).nan_to_num(-1),
                torch.tensor(history[name]).nan_to_num(-1),
            ), name
    assert by_command.configuration == by_python.configuration
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
