"""Who may import whom: the rooms of the house, kept by reading every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convkit

SOURCE = Path(convkit.__file__).parent
PUBLIC = {"zoo.py", "search.py", "transfer.py", "__init__.py", "__main__.py"}

GROUND = {"errors", "shapes", "_files", "_eight_bits", "_escaping", "_tables", "_version"}
STORIES = {"architecture", "data", "metrics", "features"}
ALLOWED = {
    "errors": set(),
    "_files": set(),
    "_eight_bits": {"errors"},
    "_escaping": set(),
    "_version": set(),
    "_tables": {"_escaping"},
    "shapes": {"errors", "_tables", "_escaping"},
    **{story: GROUND | {"plots"} for story in STORIES},
    "plots": GROUND,
    "training": GROUND | {"architecture", "data", "metrics", "plots"},
    "report": GROUND | STORIES | {"training", "plots"},
    "cli": GROUND | STORIES | {"training", "plots", "report"},
    "__init__": GROUND | STORIES | {"training", "plots", "report"},
}
# Rooms of which a part must answer without torch; the listed modules are asked for below.
HEAVY = ("torch", "torchvision", "matplotlib", "numpy", "PIL", "rich")


def room_of(path: Path) -> str:
    """The room that a source file stands in."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[tuple[str, int, bool]]:
    """Every import of a file: the name, its line, and whether it stands inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for child in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, id(node) in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name, node.lineno, id(node) in inside) for name in names]
    return found


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_a_level_never_across(path: Path) -> None:
    room = room_of(path)
    for name, line, inside in imports_of(path):
        where = f"{path.relative_to(SOURCE)}:{line} imports {name}"
        parts = name.split(".")
        if parts[0] == "matplotlib":
            assert room == "plots", f"{where}: only plots draws"
        if parts[0] != "convkit":
            continue
        target = parts[1] if parts[1] in ALLOWED else "__init__"
        if target == room:
            assert room.startswith("_") or parts[2].startswith("_") or f"{parts[2]}.py" in PUBLIC, (
                f"{where}: its own __init__"
            )
            continue
        assert target in ALLOWED[room], f"{where}: {room} may not use {target}"
        if target == "plots" and room in STORIES | {"training"}:
            assert inside, f"{where}: plots is imported inside the call that draws"


@pytest.mark.parametrize("room", sorted(STORIES | {"training", "plots", "report", "cli", "shapes"}))
def test_files_of_a_room_are_private(room: str) -> None:
    assert all(
        path.name.startswith("_") or path.name in PUBLIC for path in (SOURCE / room).rglob("*.py")
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import convkit",
        "from convkit import shapes; shapes.conv_output(128, kernel_size=5)",
        "from convkit import Architecture; Architecture.parse('conv 8 k5').summary((3, 9, 9))",
        "import convkit.cli",
    ],
)
def test_the_calculator_loads_neither_torch_nor_matplotlib(statement: str) -> None:
    code = f"import sys; {statement}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (run.stdout.strip(), run.stderr) == ("[]", "")
