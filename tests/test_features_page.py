"""The page to explore, as a file and in a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from convkit import FilterFeatureExtractor
from convkit.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# From Python 3.12 on, starting a process with file numbers of its own warns of torch's threads.
pytestmark = pytest.mark.filterwarnings("ignore:This process .*multi-threaded:DeprecationWarning")

HOSTILE = "</script><script>document.title='broken'</script>&\"'\u2028@@DATA@@"
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(True), nn.Conv2d(8, 6, 3, groups=2)
    )
    path = tmp_path_factory.mktemp("page") / "explore.html"
    return FilterFeatureExtractor(model).write_page(
        path, torch.rand(2, 3, 24, 20), None, names=[HOSTILE, "second"], title=HOSTILE
    )


def parts(page: Path) -> dict[str, str]:
    text = page.read_text(encoding="utf-8")
    found = re.search(
        r'content="(default.*?)">.*<title>(.*?)</title>\s*<style>(.*?)</style>.*'
        r'id="data">(.*?)</script>\s*<script>(.*?)</script>',
        text,
        re.DOTALL,
    )
    assert found is not None
    return dict(zip(("policy", "title", "style", "data", "script"), found.groups(), strict=True))


def test_nothing_outside_is_referred_to_and_only_our_own_script_may_run(page: Path) -> None:
    found = parts(page)
    text = page.read_text(encoding="utf-8")

    assert "http:" not in text.replace("http-equiv", "")
    assert "https:" not in text
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(found[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in found["policy"]
    assert found["policy"].startswith("default-src 'none'")


def test_hostile_names_stay_names(page: Path) -> None:
    found = parts(page)

    assert json.loads(found["data"])["images"][0]["name"] == HOSTILE.replace("\u2028", "\\u2028")
    assert "<script>document" not in page.read_text(encoding="utf-8")
    assert "@@DATA@@" in found["title"]


def test_a_page_that_would_be_too_large_is_refused(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 64, 3))
    message = (
        "the page would hold 86 MB, more than 64: choose fewer layers, filters (now 64) or "
        "images (now 4)"
    )
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        FilterFeatureExtractor(model).write_page(
            tmp_path / "p.html", torch.zeros(4, 3, 256, 250), filters=64
        )
    assert not list(tmp_path.iterdir())


class Browser:
    """A browser told what to do through two pipes: messages in JSON, each ended by a zero."""

    def __init__(self, profile: str) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def place() -> None:
            # The browser reads on 3 and writes on 4; copies first, lest one overwrite the other.
            reading, writing = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self._process = subprocess.Popen(  # noqa: S603 - a browser found on this machine
            [BROWSER, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=place,  # the file numbers are fixed by the protocol
            close_fds=False,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._rest = b""
        self._number = 0
        self._session: str | None = None

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            self._rest += os.read(self._in, 1 << 16) or pytest.fail("the browser has gone")
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def open(self, page: Path) -> None:
        target = self.call("Target.createTarget", url=page.as_uri())
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        phone = {"width": 390, "height": 1600, "deviceScaleFactor": 1, "mobile": True}
        self.call("Emulation.setDeviceMetricsOverride", **phone)
        for _ in range(400):
            if self.evaluate("document.body && document.body.dataset.ready") == "yes":
                return
            self.evaluate("new Promise(done => setTimeout(done, 20))")
        pytest.fail("the page's script did not end")

    def evaluate(self, expression: str) -> Any:
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        return found["result"].get("value")

    def key(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)


@pytest.fixture(scope="module")
def browser(page: Path) -> Iterator[Browser]:
    if BROWSER is None:
        pytest.skip("no Chromium is installed here")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        opened = Browser(profile)
        try:
            opened.open(page)
            yield opened
        finally:
            opened.close()


def shown(browser: Browser) -> tuple[str, float, float]:
    text, value, total = browser.evaluate(
        "(() => { const v = document.getElementById('value');"
        " return [v.textContent, +v.dataset.value, +v.dataset.sum]; })()"
    )
    return text.split(":")[0], value, total


def test_the_products_add_up_at_every_place_that_keys_reach(browser: Browser) -> None:
    browser.evaluate("document.getElementById('map').focus()")
    seen = set()
    for key in ("ArrowLeft", "ArrowUp", "]", "ArrowRight", "[", "ArrowDown", "["):
        browser.key(key)
        place, value, total = shown(browser)
        seen.add(place)
        assert total == pytest.approx(value, abs=1e-5)

    assert len(seen) == 4
    assert browser.evaluate("document.getElementById('filter').selectedIndex") == 7


def test_the_second_layer_and_image_can_be_chosen(browser: Browser) -> None:
    for control, place in (("layer", 1), ("image", 1), ("filter", 4)):
        browser.evaluate(
            f"(() => {{ const s = document.getElementById('{control}'); s.selectedIndex = {place};"
            " s.dispatchEvent(new Event('change')); })()"
        )

    _, value, total = shown(browser)
    assert total == pytest.approx(value, abs=1e-5)
    assert browser.evaluate("document.querySelectorAll('#products tr').length") == 13


def test_a_touch_moves_to_the_place_under_it(browser: Browser) -> None:
    left, top, width, height = browser.evaluate(
        "(() => { const b = document.getElementById('map').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    point = {"x": left + 0.01 * width, "y": top + 0.99 * height}
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[point])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    rows = browser.evaluate("layer().map[0]")

    assert shown(browser)[0] == f"value at row {rows - 1}, column 0"


def test_names_run_no_script_and_the_page_fits_a_phone(browser: Browser) -> None:
    assert browser.evaluate("document.title") != "broken"
    assert browser.evaluate("document.querySelectorAll('script').length") == 2
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
