"""The pages in a real browser: they work, and neither policy nor script complains."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from convkit import Trainer, build, report

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
)
# Where the tests must run, as in continuous integration, a missing browser is a failure.
NEEDED = os.environ.get("CONVKIT_NEEDS_BROWSER") == "1"
pytestmark = pytest.mark.skipif(
    BROWSER is None and not NEEDED,
    reason="no Chromium here: install it to test the pages in a browser",
)


def count(tag: str, document: str) -> int:
    """How often an element stands in a document."""
    return len(re.findall(f"<{tag}[ >]", document))


def visit(page: Path, *, probe: str = "") -> tuple[str, list[str]]:
    """The document after its script ran, and what the console said.

    Args:
        page: The page.
        probe: A script added to a copy whose policy allows it, to press and to measure.
    """
    text = page.read_text(encoding="utf-8")
    if probe:
        text = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", text)
        text = text.replace("</body>", f"<script>{probe}</script></body>")
    copy = page.with_name("visited.html")
    copy.write_text(text, encoding="utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={page.parent / 'profile'}", "--dump-dom"]
    done = subprocess.run(  # noqa: S603 - the browser found on the path, on our own page
        [*command, copy.as_uri()], capture_output=True, text=True, check=False, timeout=120
    )
    shutil.rmtree(page.parent / "profile", ignore_errors=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small runs."""
    from convkit import data

    folder = tmp_path_factory.mktemp("runs")
    sets = data.drawn_shapes(train=60, validation=20, test=20)
    found = []
    for name, lr in (("<b>first", 1e-2), ("second", 1e-3)):
        model = build("conv 4 k3 bn relu, maxpool 4, flatten, linear 10", (3, 32, 32))
        trainer = Trainer(model, optimizer="adamw", lr=lr, directory=folder / name, device="cpu")
        trainer.fit(sets.train, sets.validation, epochs=2, progress=False)
        trainer.evaluate(sets.test)
        found.append(folder / name)
    return found


@pytest.fixture(scope="module")
def page(runs: list[Path]) -> Path:
    """The page of a run."""
    return report.write(runs[0])


def test_the_page_of_a_run_opens_without_a_complaint(page: Path) -> None:
    document, console = visit(page)

    assert console == []
    assert count("section", document) == 7
    assert count("button", document) >= 6


def test_every_picture_is_decoded(page: Path) -> None:
    probe = (
        "addEventListener('load', () => { document.title = [...document.images]"
        ".map(image => Number(image.complete && image.naturalWidth > 0)).join(''); });"
    )
    document, console = visit(page, probe=probe)
    title = re.search("<title>(.*?)</title>", document)

    assert console == []
    assert title is not None
    assert re.fullmatch("1{7,}", title[1])


def test_a_header_sorts_its_table_up_and_down(page: Path) -> None:
    probe = (
        "const table = document.querySelector('[aria-label=\"Figures of each class\"] table');"
        "const read = () => [...table.tBodies[0].rows].map(r => Number(r.cells[2].textContent));"
        "const button = table.querySelectorAll('th button')[2];"
        "button.click(); const up = read(); button.click(); const down = read();"
        "const rises = up.every((x, i) => i === 0 || up[i - 1] <= x);"
        "const falls = down.every((x, i) => i === 0 || down[i - 1] >= x);"
        "document.title = `${rises} ${falls} ${table.querySelectorAll('th')[2].ariaSort}`;"
    )
    document, _ = visit(page, probe=probe)

    assert "<title>true true descending</title>" in document


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_screen(page: Path, width: int) -> None:
    """A frame of the phone's width: a browser window has a least width of its own."""
    probe = (
        "const frame = document.createElement('iframe');"
        f"frame.width = {width}; document.body.append(frame);"
        "frame.contentDocument.documentElement.replaceWith("
        "document.documentElement.cloneNode(true));"
        "const inner = frame.contentDocument.documentElement;"
        "for (const i of inner.querySelectorAll('iframe')) i.remove();"
        "document.title = `${inner.scrollWidth <= inner.clientWidth}`;"
    )
    document, _ = visit(page, probe=probe)

    assert "<title>true</title>" in document


def test_a_switch_hides_the_lines_of_its_run(runs: list[Path], tmp_path: Path) -> None:
    comparison = report.write_comparison(runs, tmp_path / "comparison.html")
    probe = (
        "const shown = run => [...document.querySelectorAll(`[id^='run-${run}-']`)]"
        ".filter(line => getComputedStyle(line).display !== 'none').length;"
        "const before = [shown(0), shown(1)];"
        "document.getElementById('show-0').click();"
        "document.title = `${before} ${[shown(0), shown(1)]}`;"
    )
    document, console = visit(comparison, probe=probe)
    counts = re.search(r"<title>(\d+),(\d+) (\d+),(\d+)</title>", document)

    assert console == []
    assert counts is not None
    assert [int(count) > 0 for count in counts.groups()] == [True, True, False, True]


def test_the_comparison_opens_without_a_complaint(runs: list[Path], tmp_path: Path) -> None:
    document, console = visit(report.write_comparison(runs, tmp_path / "comparison.html"))

    assert console == []
    assert count("input", document) == 2
