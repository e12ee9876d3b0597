"""The pages in a real browser: they work, and neither policy nor script complains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from convkit import Trainer, build, data, report
from convkit.features import FilterFeatureExtractor

if TYPE_CHECKING:
    from pathlib import Path

    from browser import Browser

NAMES = ("<b>first", "second")
FIGURES = "[aria-label='Figures of each class'] table"
MATRIX = ".matrix table"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small runs."""
    folder = tmp_path_factory.mktemp("runs")
    sets = data.drawn_shapes(train=60, validation=20, test=40)
    found = []
    for name, lr in zip(NAMES, (1e-2, 1e-3), strict=True):
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


@pytest.fixture(scope="module")
def comparison(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of both."""
    return report.write_comparison(runs, tmp_path_factory.mktemp("page") / "comparison.html")


@pytest.fixture(scope="module")
def explored(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page to explore of a run."""
    drawn = data.drawn_shapes(train=10, validation=10, test=10)
    images = next(iter(data.batches(drawn.train, batch_size=2)))[0]
    path = tmp_path_factory.mktemp("explore") / "explore.html"
    with FilterFeatureExtractor(Trainer.load(runs[0]).model) as extractor:
        return extractor.write_page(path, images, names=NAMES)


def test_the_page_of_a_run_opens_without_a_complaint(browser: Browser, page: Path) -> None:
    with browser.open(page) as visit:
        visit.page.locator("footer").scroll_into_view_if_needed()

        assert visit.complaints == []
        assert visit.page.title() == NAMES[0]
        assert visit.page.locator("section").count() == 7
        assert visit.page.locator("th button").count() > 10


def test_every_picture_is_decoded(browser: Browser, page: Path) -> None:
    with browser.open(page) as visit:
        widths = visit.evaluate("[...document.images].map(image => image.naturalWidth)")

    assert len(widths) >= 7
    assert all(width > 0 for width in widths)


def test_a_header_sorts_its_table_up_and_down(browser: Browser, page: Path) -> None:
    with browser.open(page) as visit:
        header = visit.page.locator(f"{FIGURES} th").nth(2)
        cells = visit.page.locator(f"{FIGURES} tbody td:nth-child(3)")
        header.locator("button").click()
        up = [float(text) for text in cells.all_inner_texts() if text]
        header.locator("button").press("Enter")
        down = [float(text) for text in cells.all_inner_texts() if text]

        assert header.get_attribute("aria-sort") == "descending"
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)


def test_a_button_brings_the_hardest_class_to_the_top_and_keeps_the_diagonal(
    browser: Browser, page: Path
) -> None:
    with browser.open(page) as visit:
        rows = "[...document.querySelector('.matrix tbody').rows]"
        names = f"{rows}.map(row => row.cells[0].textContent)"
        columns = (
            "[...document.querySelector('.matrix thead tr').cells].slice(1).map(c => c.textContent)"
        )
        recall = (
            f"{rows}.map((row, place) => {{ const counts = [...row.cells].slice(1)"
            ".map(cell => Number(cell.textContent));"
            " return counts[place] / Math.max(counts.reduce((a, b) => a + b), 1); })"
        )
        given = visit.evaluate(names)
        visit.page.get_by_role("button", name="hardest first").click()
        recalls = visit.evaluate(recall)

        assert visit.evaluate(names) == visit.evaluate(columns) != given
        assert recalls == sorted(recalls)
        visit.page.get_by_role("button", name="as given").click()
        assert visit.evaluate(names) == visit.evaluate(columns) == given


def test_a_column_of_the_matrix_sorts_its_rows_also_after_another_order(
    browser: Browser, page: Path
) -> None:
    with browser.open(page) as visit:
        visit.page.get_by_role("button", name="confused side by side").click()
        visit.page.locator(f"{MATRIX} thead th").nth(3).locator("button").click()
        texts = visit.page.locator(f"{MATRIX} tbody tr > :nth-child(4)").all_inner_texts()

    counts = [int(text) for text in texts if text]
    assert len(texts) == 10
    assert counts == sorted(counts)


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("kind", ["page", "comparison", "explored"])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, kind: str, size: str, request: pytest.FixtureRequest
) -> None:
    with browser.open(request.getfixturevalue(kind), size=size) as visit:
        assert visit.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_on_paper_every_row_and_the_folded_tables_are_there(browser: Browser, page: Path) -> None:
    with browser.open(page, printed=True) as visit:
        boxes = "[...document.querySelectorAll('.scroll')]"

        assert visit.evaluate(f"{boxes}.every(box => box.scrollHeight <= box.clientHeight + 1)")
        assert not visit.page.locator("nav").is_visible()
        assert visit.page.locator("details table").first.is_visible()


def test_a_dark_page_is_dark(browser: Browser, page: Path) -> None:
    backgrounds = []
    for dark in (False, True):
        with browser.open(page, dark=dark) as visit:
            backgrounds.append(visit.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert backgrounds == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


def test_a_switch_hides_the_lines_of_its_run(browser: Browser, comparison: Path) -> None:
    shown = (
        "[0, 1].map(run => [...document.querySelectorAll(`[id^='run-${run}-']`)]"
        ".some(line => getComputedStyle(line).display !== 'none'))"
    )
    with browser.open(comparison) as visit:
        before = visit.evaluate(shown)
        visit.page.get_by_label(NAMES[0]).uncheck()
        after = visit.evaluate(shown)
        visit.page.get_by_label(NAMES[0]).check()

        assert visit.complaints == []
        assert (before, after, visit.evaluate(shown)) == ([True, True], [False, True], [True, True])


def test_the_page_to_explore_opens_and_names_its_images(browser: Browser, explored: Path) -> None:
    with browser.open(explored) as visit:
        visit.page.wait_for_selector("body[data-ready=yes]")

        assert visit.complaints == []
        assert visit.page.locator("#image option").all_inner_texts() == list(NAMES)
        assert visit.page.locator("canvas").count() >= 3


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["page", "comparison", "explored"])
def test_axe_finds_nothing_that_hinders_people(
    browser: Browser, kind: str, dark: bool, request: pytest.FixtureRequest
) -> None:
    with browser.open(request.getfixturevalue(kind), dark=dark) as visit:
        visit.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

        assert visit.findings() == []
