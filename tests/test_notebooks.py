"""What notebooks show: every value with a form of its own, escaped; and the tutorial, run."""

from __future__ import annotations

import importlib
import inspect
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convkit
from convkit import Architecture, FilterFeatureExtractor, History, data, metrics, shapes, training

ROOMS = [name for name in convkit.__all__ if inspect.ismodule(getattr(convkit, name))]
HOSTILE = '<img src=x onerror="alert(1)">&\u202e'


def speaking_classes() -> list[type]:
    """Public classes that have a table or a text of their own."""
    found = []
    for room in ROOMS:
        module = importlib.import_module(f"convkit.{room}")
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if not inspect.isclass(value) or issubclass(value, Exception | str | tuple):
                continue
            own = any("__str__" in vars(base) for base in value.__mro__ if _ours(base))
            if own or callable(getattr(value, "table", None)):
                found.append(value)
    return found


def _ours(base: type) -> bool:
    return base.__module__.startswith("convkit.") and base.__name__ != "Row"


@pytest.mark.parametrize("value", speaking_classes(), ids=lambda value: value.__qualname__)
def test_what_has_a_table_or_a_text_shows_it_in_a_notebook(value: type) -> None:
    assert hasattr(value, "_repr_html_")


class Tags(HTMLParser):
    """Collects the elements of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def hostile_values() -> dict[str, object]:
    """One of each kind, with a class name that is markup."""
    names = (HOSTILE, "dog")
    scores, truth = np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]]), np.array([0, 1, 1])
    matrix = metrics.ConfusionMatrix(names)
    matrix.update(scores.argmax(1), truth)
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    image_set = data.ImageSet(images, torch.tensor([0, 1]), class_names=names)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    trainer = training.Trainer(network)
    return {
        "matrix": matrix,
        "per class": matrix.per_class(),
        "difference": matrix - matrix,
        "sets": data.Sets(image_set),
        "card": data.Sets(image_set).card(),
        "evaluation": trainer.evaluate(image_set),
        "predictions": trainer.predict(image_set),
        "agreement": training.Agreement(2, 2, 0.0, HOSTILE),
        "history": History(),
        "explanation": shapes.explain(shapes.conv_output, 32, kernel_size=3),
        "summary": Architecture.parse("conv 8 k3").summary((3, 9, 9)),
    }


@pytest.mark.parametrize("kind", hostile_values())
def test_names_stay_text_in_a_notebook(kind: str) -> None:
    shown = hostile_values()[kind]._repr_html_()  # type: ignore[attr-defined]
    parser = Tags()
    parser.feed(shown)

    table = {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert parser.tags <= table or parser.tags == {"pre"}
    assert parser.attributes <= {"class", "scope"}
    assert "\u202e" not in shown


def test_a_text_keeps_its_lines() -> None:
    shown = shapes.explain(shapes.conv_output, 32, kernel_size=3)._repr_html_()

    assert shown.startswith("<pre>conv_output(32, kernel_size=3) = 30\n")
    assert shown.count("\n") > 4


def test_a_pair_shows_its_picture() -> None:
    with FilterFeatureExtractor(torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3))) as extractor:
        pair = extractor.extract(torch.rand(1, 3, 8, 8), layers="0")["0"][0]

    assert Image.open(io.BytesIO(pair._repr_png_())).width > 100


@pytest.fixture(scope="module")
def tutorial() -> str:
    """The page that the executed tutorial becomes."""
    pytest.importorskip("nbclient", reason="nbclient, which runs notebooks, is not installed")
    script = Path(__file__).parent.parent / "docs" / "notebook.py"
    run = subprocess.run(  # noqa: S603 - our own script in our own interpreter
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_tutorial_runs_from_top_to_bottom(tutorial: str) -> None:
    assert len(re.findall(r"^!\[", tutorial, re.MULTILINE)) == 4
    assert tutorial.count("<table>") >= 1
    assert "500 of 500 images get the same class (100.00%)" in tutorial
    assert "Traceback" not in tutorial
    assert "Warning" not in tutorial


def test_training_tells_one_line_for_each_epoch_in_a_kernel(tutorial: str) -> None:
    lines = re.findall(r"^    epoch (\d+)/6, training loss \d\.\d{4} .* left$", tutorial, re.M)

    assert lines == ["1", "2", "3", "4", "5", "6"]
    assert not re.search("[\r\x1b]", tutorial)


def test_the_tutorial_is_kept_without_outputs() -> None:
    path = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]

    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


def test_the_text_of_a_table_is_the_same_in_a_notebook(tutorial: str) -> None:
    """Rich shows tables by itself in a kernel, unless it is told not to."""
    assert "<span" not in tutorial
    assert re.search(r"^<pre>drawn shapes, seed 0\nclass +train", tutorial, re.MULTILINE)
