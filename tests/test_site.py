"""The built documentation in a real browser, in light and dark.

mkdocs build --site-dir site && CONVKIT_SITE=site python -m pytest tests/test_site.py
"""

from __future__ import annotations

import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser import Browser

SITE = os.environ.get("CONVKIT_SITE")
PAGES = (
    "",
    "quickstart/",
    "guides/recipes/",
    "guides/command/",
    "guides/report/",
    "reference/shapes/",
)

pytestmark = pytest.mark.skipif(
    SITE is None, reason="CONVKIT_SITE does not name the folder that `mkdocs build` wrote"
)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the site is served, on this machine alone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(Path(str(SITE)))))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page or "first")
def test_a_page_fetches_nothing_from_elsewhere_and_hinders_nobody(
    browser: Browser, address: str, page: str, dark: bool
) -> None:
    with browser.open(address + page, dark=dark) as visit:
        assert visit.findings() == []
        assert visit.complaints == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page or "first")
def test_a_page_fits_a_phone(browser: Browser, address: str, page: str) -> None:
    with browser.open(address + page, size="phone") as visit:
        assert visit.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
