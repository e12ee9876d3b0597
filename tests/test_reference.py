"""Every public name is in the reference: what goes in and out, what is raised, and an example."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
ROOMS = {
    "architecture": "architecture",
    "architecture.zoo": "architecture",
    "data": "data",
    "errors": "errors",
    "features": "features",
    "metrics": "metrics",
    "plots": "plots",
    "report": "report",
    "shapes": "shapes",
    "training": "training",
    "training.search": "training",
    "training.transfer": "training",
}
ARRAYS = re.compile(r"\b(Tensor|NDArray|ArrayLike|ndarray|Images|Scores|Labels)\b")
SHAPE = re.compile(r"\([^()]*\b[A-Z]\b[^()]*\)|\([^()]*[a-z][^()]*,[^()]*\)|shape|[Ll]ikewise|As `")


class Public(NamedTuple):
    """A public name of a room, or a public method of one."""

    room: str
    path: str
    value: Any

    def __str__(self) -> str:
        return f"{self.room}.{self.path}"


def names_of(room: str) -> list[str]:
    """What a room hands out; errors has no list, all of it is public."""
    module = importlib.import_module(f"convkit.{room}")
    listed = getattr(module, "__all__", None)
    return listed or [name for name, value in vars(module).items() if inspect.isclass(value)]


def public() -> Iterator[Public]:
    """Every public function and class."""
    for room in ROOMS:
        module = importlib.import_module(f"convkit.{room}")
        for name in names_of(room):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield Public(room, name, value)


def methods() -> Iterator[Public]:
    """Every public method and property that a public class writes itself."""
    for owner in public():
        if not inspect.isclass(owner.value):
            continue
        for name, value in vars(owner.value).items():
            inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            named = not name.startswith("_")
            if named and (inspect.isfunction(inner) or isinstance(inner, property)):
                yield Public(owner.room, f"{owner.path}.{name}", inner)


def sections(value: Any) -> dict[str, str]:
    """The Google sections of a docstring; what stands above them under an empty name."""
    found = {"": ""}
    current = ""
    for line in (inspect.getdoc(value) or "").splitlines():
        if match := re.fullmatch(r"(Args|Attributes|Returns|Yields|Raises|Examples|Warns):", line):
            current = match.group(1)
            found[current] = ""
        else:
            found[current] += line + "\n"
    return found


def described(value: Any) -> dict[str, str]:
    """The arguments that a docstring describes."""
    text = sections(value).get("Args", "")
    entries = re.findall(r"^    (\S[^:\n]*):(.*(?:\n(?:     .*)?)*)", text, re.MULTILINE)
    return {name.strip().lstrip("*"): body for names, body in entries for name in names.split(",")}


def parameters(value: Any) -> dict[str, inspect.Parameter]:
    """What a function, or the constructor of a class, takes."""
    function = value.fget if isinstance(value, property) else value
    if inspect.isclass(value):
        if issubclass(value, enum.Enum | Exception) or getattr(value, "_is_protocol", False):
            return {}
        if not dataclasses.is_dataclass(value) and "__init__" not in vars(value):
            return {}
    taken = inspect.signature(function).parameters
    return {k: p for k, p in taken.items() if k not in {"self", "cls"} and not k.startswith("_")}


def raises(value: Any) -> bool:
    """Whether the body of a function itself raises something new."""
    function = value.fget if isinstance(value, property) else value
    source = inspect.getsource(function)
    tree = ast.parse(f"if True:\n{source}" if source[0] == " " else source)
    return any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))


def returns(value: Any) -> bool:
    """Whether a function gives something back that needs a sentence of its own."""
    annotation = inspect.signature(value).return_annotation
    return annotation not in {None, "None", "Self", inspect.Signature.empty}


PUBLIC = list(public())
METHODS = list(methods())
