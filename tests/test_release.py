"""What would be published: built twice, looked into, rebuilt from itself, and renamed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import convkit

ROOT = Path(__file__).parent.parent
NOT_PUBLISHED = (".ci/", ".github/", ".pre-commit-config.yaml")
CACHES = {"__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", ".git"}

pytest.importorskip("hatchling", reason="hatchling, which builds the distributions, is missing")


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What a command prints; it must succeed and say nothing to stderr."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": "", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def project_files() -> set[str]:
    """The files of the project: those that git knows, or in an unpacked sdist all of them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}
    return {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if path.is_file() and not CACHES & set(path.parts) and path.name != "PKG-INFO"
    }


def build(folder: Path, out: Path) -> tuple[Path, Path]:
    """The sdist and the wheel of a project."""
    run([sys.executable, "-m", "hatchling", "build", "-d", str(out)], folder)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def copied(folder: Path) -> Path:
    """A clean copy of the project, with such rubbish as work leaves behind."""
    for name in project_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    for rubbish in (
        "src/convkit/__pycache__/errors.cpython-311.pyc",
        "tests/__pycache__/conftest.pyc",
        "tests/.hypothesis/examples/1",
        "examples/runs/first/best.pt",
        "docs/site/index.html",
        "runs/first/best.pt",
        "dist/old.whl",
    ):
        (folder / rubbish).parent.mkdir(parents=True, exist_ok=True)
        (folder / rubbish).write_text("rubbish")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to build from."""
    return copied(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def built(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Sdist and wheel."""
    return build(project, tmp_path_factory.mktemp("built"))


def inside(sdist: Path) -> set[str]:
    """The files of an sdist, without the folder that holds them all."""
    with tarfile.open(sdist) as archive:
        return {member.name.split("/", 1)[1] for member in archive if member.isfile()}


def test_the_same_files_build_the_same_bytes(built: tuple[Path, Path], tmp_path: Path) -> None:
    """From another folder, with other times on the files."""
    other = copied(tmp_path / "elsewhere")
    for path in other.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))

    again = build(other, tmp_path / "built")

    assert [path.name for path in again] == [path.name for path in built]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in built]


def test_the_sdist_holds_the_project_and_nothing_else(built: tuple[Path, Path]) -> None:
    wanted = {name for name in project_files() if not name.startswith(NOT_PUBLISHED)}

    assert inside(built[0]) == wanted | {"PKG-INFO"}


def test_the_wheel_holds_the_package_and_nothing_else(built: tuple[Path, Path]) -> None:
    notes = f"convkit-{convkit.__version__}.dist-info"
    package = {
        name.removeprefix("src/") for name in project_files() if name.startswith("src/convkit/")
    }

    with zipfile.ZipFile(built[1]) as archive:
        assert set(archive.namelist()) == package | {
            f"{notes}/{name}"
            for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
        }
    assert "convkit/py.typed" in package


def test_the_sdist_builds_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()

    _, wheel = build(folder, tmp_path / "built")

    assert wheel.read_bytes() == built[1].read_bytes()


def test_the_version_of_the_wheel_is_that_of_the_package(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as archive:
        name = f"convkit-{convkit.__version__}.dist-info/METADATA"
        metadata = Parser().parsestr(archive.read(name).decode())

    assert metadata["Version"] == convkit.__version__
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_version_is_written_in_one_place() -> None:
    version = re.compile(rf"""["']{re.escape(convkit.__version__)}["']""")
    places = [
        name
        for name in project_files()
        if name.endswith((".py", ".toml")) and name.startswith(("src/", "pyproject"))
        if version.search((ROOT / name).read_text(encoding="utf-8"))
    ]

    assert places == ["src/convkit/_version.py"]


def test_another_name_is_one_line(project: Path, tmp_path: Path) -> None:
    """Published as something else it is imported as convkit and knows its version."""
    folder = shutil.copytree(project, tmp_path / "renamed")
    settings = folder / "pyproject.toml"
    lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
    place = lines.index('name = "convkit"\n')
    lines[place] = 'name = "another-name"\n'
    settings.write_text("".join(lines), encoding="utf-8")

    _, wheel = build(folder, tmp_path / "built")

    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # noqa: S202 - our own wheel
    metadata = (site / f"another_name-{convkit.__version__}.dist-info" / "METADATA").read_text()
    assert wheel.name == f"another_name-{convkit.__version__}-py3-none-any.whl"
    assert not re.search(r"^Requires-Dist: convkit", metadata, re.MULTILINE)
    # -S: no site-packages, so that no installed convkit answers instead
    said = run(
        [
            sys.executable,
            "-S",
            "-c",
            "import convkit; print(convkit.__version__, convkit.__file__)",
        ],
        tmp_path,
        PYTHONPATH=str(site),
    )
    assert said == f"{convkit.__version__} {site / 'convkit' / '__init__.py'}\n"


def test_no_source_asks_for_the_published_name() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert not re.search(r"""version\(\s*["']convkit""", path.read_text(encoding="utf-8")), path


def test_no_extra_names_the_project() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"].values()

    assert not [line for extra in extras for line in extra if line.startswith("convkit")]
