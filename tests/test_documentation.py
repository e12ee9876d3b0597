"""The pages of the documentation run as printed, from top to bottom, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "docs" / "guides").glob("*.md"))


def blocks(page: Path) -> list[tuple[int, str]]:
    """The Python blocks of a page, each with the line on which it begins."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start(1)), match.group(1))
        for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem
)
def test_the_code_of_a_page_runs_as_printed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}

    for line, block in blocks(page):
        # The blank lines in front make a traceback show the line of the page.
        exec(compile("\n" * line + block, str(page), "exec"), namespace)  # noqa: S102 - our own page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_never_tells_to_install_the_unrelated_package(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert not re.search(r"pip install (-\S+ )*[\"']?convkit\b", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pictures_that_a_page_shows_are_there(page: Path) -> None:
    shown = re.findall(r"!\[[^]]*\]\(([^):]+\.\w+)\)", page.read_text(encoding="utf-8"))

    assert [name for name in shown if not (page.parent / name).is_file()] == []
