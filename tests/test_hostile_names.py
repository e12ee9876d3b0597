"""Five hundred hostile names through everything that is written: nothing of them comes alive."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hostile import hostile_file_names, hostile_strings, is_formula
from markdown_it import MarkdownIt
from PIL import Image
from torch import nn

from convkit import FilterFeatureExtractor, Trainer, build, data, features, metrics, report
from convkit._tables import Table

if TYPE_CHECKING:
    from browser import Browser

COUNT = 500
NAMES = hostile_strings(COUNT)
PLAIN = [f"name {number}" for number in range(COUNT)]


class Elements(HTMLParser):
    """The elements of a page, each with the names of its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(sorted(name for name, _ in attrs))))


def elements(page: Path) -> list[tuple[str, tuple[str, ...]]]:
    return Elements(page.read_text(encoding="utf-8")).found


def cells(text: str) -> list[str]:
    """Every cell of a CSV text."""
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def run_of(directory: Path, names: list[str]) -> Path:
    """A run on images of 500 classes, measured; the classes have these names."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (2 * COUNT, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(2 * COUNT) % COUNT
    sets = data.arrays(images, labels, images, labels, class_names=names, validation=COUNT)
    torch.manual_seed(0)
    model = build(f"conv 4 k3 relu, maxpool 4, flatten, linear {COUNT}", (3, 8, 8))
    trainer = Trainer(model, directory=directory, device="cpu")
    trainer.fit(sets.train, sets.validation, epochs=1, progress=False)
    trainer.evaluate(sets.test)
    return directory


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same run twice, with plain and with hostile names."""
    folder = tmp_path_factory.mktemp("runs")
    return [run_of(folder / "plain", PLAIN), run_of(folder / "<img src=x onerror=alert(1)>", NAMES)]


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two pages to explore, with plain and with hostile names of their images."""
    folder = tmp_path_factory.mktemp("explored")
    with FilterFeatureExtractor(nn.Sequential(nn.Conv2d(3, 2, 3))) as extractor:
        return [
            extractor.write_page(
                folder / f"{kind}.html", torch.zeros(COUNT, 3, 4, 4), names=names, title=names[0]
            )
            for kind, names in (("plain", PLAIN), ("hostile", NAMES))
        ]


@pytest.fixture(scope="module")
def pages(runs: list[Path]) -> list[Path]:
    """Their pages, with every picture drawn."""
    return [report.write(run) for run in runs]


def test_a_page_of_a_run_has_the_elements_of_one_with_plain_names(pages: list[Path]) -> None:
    plain, hostile = map(elements, pages)

    assert plain == hostile


def test_a_page_to_explore_has_the_elements_of_one_with_plain_names(explored: list[Path]) -> None:
    plain, hostile = map(elements, explored)

    assert plain == hostile


def test_a_page_of_many_runs_has_the_elements_of_one_with_plain_names(
    tmp_path: Path, runs: list[Path]
) -> None:
    pages = []
    for kind, names in (("plain", PLAIN), ("hostile", hostile_file_names(COUNT))):
        for name in names[:40]:
            copy = tmp_path / kind / name
            copy.mkdir(parents=True)
            for file in ("configuration.json", "history.json"):
                shutil.copy(runs[0] / file, copy)
        folder = tmp_path / kind
        pages.append(report.write_comparison(sorted(folder.iterdir()), tmp_path / f"{kind}.html"))
    plain, hostile = map(elements, pages)

    assert plain == hostile


def test_in_the_browser_no_name_runs_and_none_adds_an_element(
    browser: Browser, pages: list[Path], explored: list[Path]
) -> None:
    counts = []
    for page in (*pages, *explored):
        with browser.open(page) as visit:
            assert visit.complaints == []
            counts.append(visit.evaluate("document.querySelectorAll('*').length"))

    assert counts[0] == counts[1]
    assert counts[2] == counts[3]


def tables() -> dict[str, Table]:
    """What carries names of classes, files, runs and layers, each with all hostile names."""
    some = np.arange(60)  # every kind of name, in a square of modest size
    matrix = metrics.ConfusionMatrix(NAMES[:60])
    matrix.update(some, (some + 1) % 60)
    network = nn.Sequential()
    for number, name in enumerate(name.replace(".", "") for name in NAMES[:60]):
        network.add_module(name, nn.Conv2d(3 if number == 0 else 2, 2, 1))
    return {
        "confusion matrix": matrix.table(),
        "figures of classes": matrix.per_class().table(),
        "activations": features.activation_statistics(network, torch.zeros(1, 3, 4, 4)).table(),
        "names": Table(("name", "number"), tuple(zip(NAMES, range(COUNT), strict=True))),
    }


TABLES = tables()


@pytest.mark.parametrize("kind", TABLES)
def test_no_cell_of_a_csv_is_a_formula(kind: str) -> None:
    found = cells(TABLES[kind].to_csv())

    assert len(found) > 60
    assert [cell for cell in found if is_formula(cell)] == []


def test_no_cell_of_a_written_file_is_a_formula(tmp_path: Path, runs: list[Path]) -> None:
    trainer = Trainer.load(runs[1])
    predictions = trainer.predict(torch.zeros(COUNT, 3, 8, 8))
    named = type(predictions)(
        predictions.probabilities, predictions.labels, tuple(NAMES), tuple(NAMES)
    )
    texts = [
        named.to_csv(tmp_path / "predictions.csv").read_bytes().decode(),
        trainer.history.to_csv(tmp_path / "history.csv").read_text(),
        report.compare(runs).to_csv(),
    ]

    for text in texts:
        assert [cell for cell in cells(text) if is_formula(cell)] == []


def test_a_manifest_holds_no_formula_and_comes_back_as_it_was(tmp_path: Path) -> None:
    """Folders and files with hostile names, written to the disk and read again."""
    names = hostile_file_names(120)
    for number, name in enumerate(names):
        (tmp_path / "images" / name).mkdir(parents=True)
        for split in range(2):
            path = tmp_path / "images" / name / f"{name[:40]}{split}.png"
            Image.new("RGB", (4, 4), (number, split, 0)).save(path)
    sets = data.image_folder(tmp_path / "images", validation=0.5, seed=0)
    manifest = sets.write_manifest(tmp_path / "split.csv")
    again = data.image_list(manifest, root=tmp_path / "images")

    text = manifest.read_bytes().decode("utf-8")
    assert [cell for cell in cells(text) if is_formula(cell)] == []
    assert again.class_names == sets.class_names
    assert [one.names for one in again] == [one.names for one in sets]
    assert all(torch.equal(a.labels, b.labels) for a, b in zip(again, sets, strict=True))
    assert all(character.isprintable() or character == "\n" for character in str(sets))


@pytest.mark.parametrize("kind", TABLES)
def test_the_terminal_gets_no_character_that_steers_it(kind: str) -> None:
    text = TABLES[kind].to_text(100)

    assert all(character.isprintable() or character == "\n" for character in text)


def test_what_is_printed_of_results_steers_no_terminal(runs: list[Path]) -> None:
    matrix = metrics.ConfusionMatrix(NAMES)
    matrix.update(np.arange(COUNT), (np.arange(COUNT) + 1) % COUNT)
    trainer = Trainer.load(runs[1])
    printed = [matrix, *matrix.most_confused(COUNT), trainer.predict(torch.zeros(3, 3, 8, 8))]

    for value in map(str, printed):
        assert all(character.isprintable() or character == "\n" for character in value)


@pytest.mark.parametrize("kind", TABLES)
def test_markdown_has_the_cells_of_the_table_and_nothing_else(kind: str) -> None:
    table = TABLES[kind]
    tokens = MarkdownIt("commonmark").enable("table").parse(table.to_markdown())
    inner = [child.type for token in tokens for child in token.children or ()]

    assert sum(token.type == "td_open" for token in tokens) == len(table.rows) * len(table.header)
    assert {"html_block", "heading_open", "fence"}.isdisjoint(token.type for token in tokens)
    assert set(inner) <= {"text", "text_special"}


LATEX_ENGINES = ("pdflatex", "lualatex")
_KNOWN = re.compile(
    r"\\(textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|char34)\{\}|\\[{}#$%&_]|\$\\(times|pm|to)\$"
    r"|\\unicodetext\{[^\\{}$#%&_~^]*\}\{[U+0-9A-F ]*\}|^\{\}(?=[\[*])"
)


@pytest.mark.parametrize("kind", TABLES)
def test_latex_has_the_cells_of_the_table_and_only_known_commands(kind: str) -> None:
    table = TABLES[kind]
    text = table.to_latex()
    body = text[text.index(r"\hline") : text.index(r"\end{tabular}")]
    rows = [row for row in body.replace("\\hline\n", "").split(" \\\\\n") if row.strip()]

    assert len(rows) == len(table.rows) + 1
    for row in rows:
        assert len(row.split(" & ")) == len(table.header)
        rest = _KNOWN.sub("", row.replace(" & ", ""))
        assert not set(rest) & set("\\{}$#%&_~^"), rest
        assert rest.isprintable()


@pytest.mark.parametrize("engine", LATEX_ENGINES)
def test_latex_compiles(engine: str, tmp_path: Path) -> None:
    """Every hostile name, in tables of a page each."""
    program = shutil.which(engine)
    if program is None:
        pytest.skip(f"{engine} is not installed: apt-get install texlive-latex-base")
    file = tmp_path / "table.tex"
    names = TABLES["names"]
    parts = (Table(names.header, names.rows[start : start + 25]) for start in range(0, COUNT, 25))
    body = "\n\n".join(part.to_latex() for part in parts)
    file.write_text(
        f"\\documentclass{{article}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    done = subprocess.run(  # noqa: S603 - a program found on the path, on our own file
        [program, "-interaction=nonstopmode", "-halt-on-error", file.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout[-2000:]
    assert file.with_suffix(".pdf").exists()
