"""The list of public names: what the door and each room hand out, and nothing else."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

import convkit
from convkit import errors

ROOMS = (
    "architecture",
    "data",
    "errors",
    "features",
    "metrics",
    "plots",
    "report",
    "shapes",
    "training",
)


def test_the_door_hands_out_exactly_these_names() -> None:
    assert sorted(convkit.__all__) == sorted(
        [
            "Architecture",
            "EarlyStopping",
            "FilterFeatureExtractor",
            "History",
            "Trainer",
            "build",
            "summarize",
            *ROOMS,
        ]
    )


@pytest.mark.parametrize("name", convkit.__all__)
def test_every_name_of_the_door_opens(name: str) -> None:
    assert getattr(convkit, name) is not None


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'convkit' has no attribute 'nothing'$"):
        _ = convkit.nothing


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "errors"])
def test_every_public_name_of_a_room_has_a_docstring(room: str) -> None:
    module = importlib.import_module(f"convkit.{room}")

    for name in module.__all__:
        value = getattr(module, name)
        if callable(value):
            assert inspect.getdoc(value), f"convkit.{room}.{name}"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "errors"])
def test_every_public_name_is_in_the_reference(room: str) -> None:
    page = Path(__file__).parent.parent / "docs" / "reference" / f"{room}.md"

    assert f"::: convkit.{room}" in page.read_text(encoding="utf-8")


def test_every_error_is_a_convkit_error_and_a_built_in_one() -> None:
    own = [value for value in vars(errors).values() if inspect.isclass(value)]
    concrete = [error for error in own if error is not errors.ConvkitError]

    for error in concrete:
        assert issubclass(error, errors.ConvkitError)
        assert issubclass(error, (ValueError, RuntimeError, ImportError))
        assert error.__name__ in (errors.__doc__ or "")


def test_the_newest_changelog_heading_is_the_version() -> None:
    changelog = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.findall(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)[0] == convkit.__version__
