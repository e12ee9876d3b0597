"""Every public name is in the reference: what goes in and out, what is raised, and an example."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import enum
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import convkit

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
    found: defaultdict[str, str] = defaultdict(str)
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


def pages_of(room: str) -> set[str]:
    """The names that the reference page of a room lists, those of its own headings too."""
    text = (REFERENCE / f"{ROOMS[room]}.md").read_text(encoding="utf-8")
    block = re.search(rf"^::: convkit\.{re.escape(room)}\n(.*?)(?=^:::|\Z)", text, re.M | re.S)
    assert block, f"convkit.{room} has no page"
    return set(re.findall(r"^ +- (\w+)$", block.group(1), re.MULTILINE))


def running() -> str:
    """Everything that runs as an example: of the docstrings, and of the pages."""
    finder = doctest.DocTestFinder()
    modules = [f"convkit.{each.name}" for each in pkgutil.iter_modules(convkit.__path__)]
    for room in list(modules):
        package = importlib.import_module(room)
        if hasattr(package, "__path__"):
            modules += [f"{room}.{each.name}" for each in pkgutil.iter_modules(package.__path__)]
    code = [
        example.source
        for name in modules
        if not name.endswith("__main__")
        for test in finder.find(importlib.import_module(name))
        for example in test.examples
    ]
    docs = REFERENCE.parent
    for page in [docs.parent / "README.md", *docs.glob("*.md"), *docs.glob("guides/*.md")]:
        code += re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return "\n".join(code)


def inherited(method: Public) -> bool:
    """Whether a base class says what the method is."""
    owner = next(each.value for each in PUBLIC if str(each) == str(method).rpartition(".")[0])
    name = method.path.rpartition(".")[2]
    return any(name in vars(base) for base in owner.__mro__[1:])


OWN_METHODS = [method for method in METHODS if not inherited(method)]
FUNCTIONS = [each for each in PUBLIC if inspect.isfunction(each.value)]
CALLABLES = [*FUNCTIONS, *(m for m in OWN_METHODS if not isinstance(m.value, property))]


def listed(found: Iterable[object]) -> list[str]:
    """What is missing, as texts that a failing test shows."""
    return [str(each) for each in found]


def test_there_is_something_to_count() -> None:
    assert len(PUBLIC) > 240
    assert len(OWN_METHODS) > 250


@pytest.mark.parametrize("room", sorted(set(ROOMS) - {"errors"}))
def test_every_public_name_is_on_the_page_of_its_room(room: str) -> None:
    names = {each.path for each in PUBLIC if each.room == room}

    assert sorted(names - pages_of(room)) == []


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_page_lists_only_public_names(room: str) -> None:
    assert sorted(pages_of(room) - set(names_of(room))) == []


def test_every_public_name_and_method_says_what_it_is() -> None:
    assert listed(e for e in [*PUBLIC, *METHODS] if not sections(e.value)[""].strip()) == []


def test_every_public_name_has_an_example_that_runs() -> None:
    """`test_docstrings.py` runs them all."""
    assert listed(each for each in PUBLIC if ">>>" not in sections(each.value)["Examples"]) == []


def test_every_public_method_is_used_in_an_example_that_runs() -> None:
    code = running()

    assert (
        listed(
            each
            for each in OWN_METHODS
            if not re.search(rf"\.{each.path.rpartition('.')[2]}\b", code)
        )
        == []
    )


def test_every_argument_is_described() -> None:
    """A class with attributes in place of arguments is made by a function of its room."""
    missing = [
        f"{each}: {name}"
        for each in [*PUBLIC, *OWN_METHODS]
        if not sections(each.value)["Attributes"]
        for name in parameters(each.value)
        if name not in described(each.value)
    ]

    assert missing == []


def test_every_function_says_what_it_returns() -> None:
    assert (
        listed(
            each
            for each in FUNCTIONS
            if returns(each.value)
            and not sections(each.value)["Returns"]
            and not sections(each.value)["Yields"]
        )
        == []
    )


def test_a_method_that_does_something_says_what_it_returns() -> None:
    """One whose first word is no verb (`The table of ...`) says it there."""
    verbs = re.compile(r"(Read|Write|Draw|Make|Add|Take|Run|Search|Compare|Find|Load|Pair)\b")
    missing = [
        each
        for each in CALLABLES
        if returns(each.value)
        and verbs.match(sections(each.value)[""])
        and parameters(each.value)
        and not sections(each.value)["Returns"]
    ]

    assert listed(missing) == []


def test_everything_that_raises_says_so() -> None:
    assert (
        listed(
            each for each in CALLABLES if raises(each.value) and not sections(each.value)["Raises"]
        )
        == []
    )


def test_every_array_has_a_shape() -> None:
    missing = [
        f"{each}: {name}"
        for each in [*PUBLIC, *OWN_METHODS]
        for name, parameter in parameters(each.value).items()
        if ARRAYS.search(str(parameter.annotation)) and name in described(each.value)
        if not SHAPE.search(described(each.value)[name])
    ]

    assert missing == []
