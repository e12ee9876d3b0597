"""The command where a computer is not set up as a developer's is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

LAYERS = "conv 4 k3 relu, maxpool 4, flatten, linear 2"
# What a service or a container hands over: a path, and where convkit lies when it is not installed.
BARE = {
    name: os.environ[name]
    for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
    if name in os.environ
} | {"OMP_NUM_THREADS": "1"}


def convkit(
    *arguments: str,
    options: tuple[str, ...] = (),
    where: Path | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The command in a fresh process that knows little of its surroundings."""
    return subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, *options, "-m", "convkit.cli", *arguments],
        cwd=where,
        env={**BARE, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of plain red and blue images."""
    folder = tmp_path_factory.mktemp("photos")
    for split in ("train", "test"):
        for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
            (folder / split / name).mkdir(parents=True)
            for number in range(8):
                Image.new("RGB", (16, 16), tuple(part + 3 * number for part in colour)).save(
                    folder / split / name / f"{number}.png"
                )
    return str(folder)


def train_and_report(photos: str, run: Path, **how: object) -> None:
    """A short training, which measures itself, and its page, without a complaint."""
    steps = (
        ("train", LAYERS, "--data", photos, "--epochs", "1", "--out", str(run)),
        ("report", str(run)),
    )
    for step in steps:
        done = convkit(*step, **how)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
    assert (run / "report.html").stat().st_size > 50_000


def test_without_a_home_and_a_display(photos: str, tmp_path: Path) -> None:
    """No HOME, no TMPDIR, no USER, no DISPLAY: matplotlib finds its folder by itself."""
    train_and_report(photos, tmp_path / "run", environment={"TMPDIR": str(tmp_path)})


@pytest.mark.parametrize("option", ["-O", "-Werror"])
def test_with_assertions_left_out_and_with_warnings_as_errors(
    option: str, photos: str, tmp_path: Path
) -> None:
    train_and_report(
        photos, tmp_path / "run", options=(option,), environment={"HOME": str(tmp_path)}
    )


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders have no write bit here")
def test_in_a_folder_that_cannot_be_written(photos: str, tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir()
    folder.chmod(0o555)
    train_and_report(photos, tmp_path / "run", where=folder, environment={"HOME": str(tmp_path)})

    assert not list(folder.iterdir())
    if os.geteuid() != 0:  # root writes everywhere
        done = convkit("demo", where=folder)
        assert done.returncode == 1
        assert done.stderr.startswith("convkit: ")
        assert "Traceback" not in done.stderr


def test_in_a_locale_without_unicode(photos: str, tmp_path: Path) -> None:
    """Lookalikes stand for what ASCII lacks; names in other scripts are written as code points."""
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    train_and_report(photos, tmp_path / "run", environment={**ascii_only, "HOME": str(tmp_path)})
    done = convkit("shapes", LAYERS, "--input", "3,32,32", environment=ascii_only)
    missing = convkit("table", "caf\u00e9.md", environment=ascii_only)

    assert done.stdout.isascii()
    assert "4x30x30" in done.stdout
    assert "-----" in done.stdout
    assert (missing.returncode, missing.stderr.isascii()) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("shapes", LAYERS, "--input", "3,32,32", "--explain"),
        ("table", LAYERS, "--input", "3,32,32", "--to", "code"),
        ("--help",),
        ("--version",),
        ("train", "--help"),
    ],
)
def test_into_a_pipe_that_nobody_reads(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-m", "convkit.cli", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=BARE,
        check=False,
        timeout=60,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name != "posix", reason="closed by the shell of POSIX")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_with_closed_output(closed: str) -> None:
    command = f"{sys.executable} -m convkit.cli shapes '{LAYERS}' --input 3,32,32 {closed}"
    done = subprocess.run(  # noqa: S602 - the shell closes the streams
        command, shell=True, env=BARE, capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_onto_a_full_disk_is_a_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 - our own code in our own interpreter
            [sys.executable, "-m", "convkit.cli", "shapes", LAYERS, "--input", "3,32,32"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=BARE,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == 1
    assert done.stderr.startswith("convkit: ")
    assert "Traceback" not in done.stderr


def test_nothing_heavy_is_loaded_by_the_import() -> None:
    code = (
        "import sys, convkit, convkit.cli;"
        "heavy = {'torch', 'torchvision', 'numpy', 'matplotlib', 'rich', 'PIL'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, env=BARE, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
