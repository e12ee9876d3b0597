"""A real browser for the tests of pages: Debian's or the user's Chromium, driven by Playwright.

`tests/conftest.py` hands out the fixture `browser`. It skips with the reason where there is no
browser; with `CONVKIT_NEEDS_BROWSER=1`, as in continuous integration, it fails instead.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Dialog, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
NEEDED = os.environ.get("CONVKIT_NEEDS_BROWSER") == "1"
ELSEWHERE = re.compile(r"^(https?|wss?)://(?!127\.0\.0\.1[:/])")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@dataclass
class Visit:
    """A page that is open, and everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def evaluate(self, script: str) -> Any:
        """The value of a script, run beside the page's content policy."""
        return self.page.evaluate(script)

    def dismissed(self, dialog: Dialog) -> None:
        """A dialog: no page of ours opens one, a script in a name would."""
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def findings(self) -> list[str]:
        """What axe finds that hinders people seriously, each with the place."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]


class Browser:
    """Opens pages as a reader would, and refuses every other address."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium

    @contextmanager
    def open(
        self, path: Path | str, *, size: str = "desktop", dark: bool = False, printed: bool = False
    ) -> Iterator[Visit]:
        """Open a page.

        Args:
            path: The page, or its address on this machine.
            size: `"desktop"` or `"phone"`.
            dark: Whether the reader prefers dark pages.
            printed: Whether it is laid out for paper.
        """
        width, height = SIZES[size]
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            color_scheme="dark" if dark else "light",
        )
        # What a page would fetch fails, and is told as a failed request.
        context.route(ELSEWHERE, lambda route: route.abort())
        try:
            page = context.new_page()
            visit = Visit(page)
            page.on("console", lambda message: visit.complaints.append(message.text))
            page.on("pageerror", lambda error: visit.complaints.append(str(error)))
            page.on("dialog", visit.dismissed)
            page.on("requestfailed", lambda request: visit.complaints.append(request.url))
            if printed:
                page.emulate_media(media="print")
            page.goto(path if isinstance(path, str) else path.as_uri(), wait_until="load")
            yield visit
        finally:
            context.close()


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser of this machine, or a skip (a failure where it is needed) with the reason."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("no Chromium here: install it (apt-get install chromium) to test the pages")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed: pip install '.[test]'")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--disable-quic"])
        try:
            yield Browser(chromium)
        finally:
            chromium.close()


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the browser must be there."""
    if NEEDED:
        pytest.fail(reason)
    pytest.skip(reason)
