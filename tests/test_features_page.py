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
import time
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


IMAGES = torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(True), nn.Conv2d(8, 6, 3, groups=2)
    )


@pytest.fixture(scope="module")
def page(model: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "explore.html"
    return FilterFeatureExtractor(model).write_page(
        path, IMAGES, None, names=[HOSTILE, "second"], title=HOSTILE
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
        answer = self._ask(method, **parameters)
        assert "error" not in answer, answer
        return answer["result"]

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                return answer

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
        ready = "document.body && document.body.dataset.ready"
        patience = time.monotonic() + 60
        while time.monotonic() < patience:
            # An error here is the empty page's: it has gone, and the page's own is still to come.
            answer = self._ask("Runtime.evaluate", expression=ready, returnByValue=True)
            if answer.get("result", {}).get("result", {}).get("value") == "yes":
                return
            time.sleep(0.02)
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


def choose(browser: Browser, **places: int) -> None:
    for control, place in places.items():
        browser.evaluate(
            f"(() => {{ const s = document.getElementById('{control}'); s.selectedIndex = {place};"
            " s.dispatchEvent(new Event('change')); })()"
        )


def on_the_map(browser: Browser, across: float, down: float) -> dict[str, float]:
    left, top, width, height = browser.evaluate(
        "(() => { const b = document.getElementById('map').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    return {"x": left + across * width, "y": top + down * height}


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
    choose(browser, layer=1, image=1, filter=4)

    _, value, total = shown(browser)
    assert total == pytest.approx(value, abs=1e-5)
    assert browser.evaluate("document.querySelectorAll('#products tr').length") == 13


def test_a_touch_moves_to_the_place_under_it(browser: Browser) -> None:
    point = on_the_map(browser, 0.01, 0.99)
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[point])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    rows = browser.evaluate("layer().map[0]")

    assert shown(browser)[0] == f"value at row {rows - 1}, column 0"


def test_pointing_shows_the_value_the_patch_and_the_products_of_python(
    browser: Browser, model: nn.Module
) -> None:
    layer = FilterFeatureExtractor(model).extract(IMAGES, "2")["2"]
    height, width = layer.feature_maps.shape[2:]
    choose(browser, image=1, layer=1, filter=5)

    point = on_the_map(browser, 2.5 / width, 3.5 / height)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", **point)

    place, value, total = shown(browser)
    trace = layer[5].trace(3, 2, image=1)
    top, left, bottom, right = trace.box
    assert place == "value at row 3, column 2"
    assert (value, total) == (pytest.approx(trace.value), pytest.approx(trace.sum, abs=1e-6))
    assert browser.evaluate("document.getElementById('patch-text').textContent") == (
        f"patch behind the value: rows {top} to {bottom - 1}, columns {left} to {right - 1}; "
        "padding is grey"
    )
    strongest = int(trace.products.sum((1, 2)).abs().argmax()) + trace.first_channel
    assert browser.evaluate("document.querySelector('.factor p').textContent").startswith(
        f"channel {strongest}: weight × input = products, sum "
    )


def test_the_highest_value_of_the_map_is_drawn_yellow_and_the_lowest_dark(
    browser: Browser, model: nn.Module
) -> None:
    maps = FilterFeatureExtractor(model).extract(IMAGES, "0")["0"].feature_maps[0, 2]
    choose(browser, image=0, layer=0, filter=2)

    for place, colour in ((maps.argmax(), [253, 231, 37]), (maps.argmin(), [68, 1, 84])):
        y, x = divmod(int(place), maps.shape[1])
        browser.evaluate(f"state.y = {(y + 5) % maps.shape[0]}; point()")  # the frame elsewhere
        assert (
            browser.evaluate(
                "(() => { const c = document.getElementById('map'), s = c.width / layer().map[1];"
                " return [...c.getContext('2d').getImageData"
                f"(({x} + 0.5) * s, ({y} + 0.5) * s, 1, 1).data].slice(0, 3); }})()"
            )
            == colour
        )


def test_buttons_do_what_the_keys_do(browser: Browser) -> None:
    choose(browser, image=0, layer=0, filter=0)
    before = shown(browser)[0]
    for button in ("#previous", "[data-key=ArrowDown]", "[data-key=ArrowLeft]"):
        browser.evaluate(f"document.querySelector('{button}').click()")

    assert before == "value at row 6, column 5"
    assert shown(browser)[0] == "value at row 7, column 4"
    assert browser.evaluate("document.getElementById('filter').selectedIndex") == 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(browser: Browser, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.call("Emulation.setEmulatedMedia", features=[feature])
    paper, ink, soft = (
        luminance(browser.evaluate(f"getComputedStyle(document.{where}).{what}"))
        for where, what in (
            ("body", "backgroundColor"),
            ("body", "color"),
            ("querySelector('figcaption')", "color"),
        )
    )

    assert (paper > ink) == (scheme == "light")
    for text in (ink, soft):  # the ratio that the accessibility guidelines ask for
        assert (max(text, paper) + 0.05) / (min(text, paper) + 0.05) > 4.5


def luminance(colour: str) -> float:
    """Relative luminance of an rgb() colour, by its definition in WCAG 2."""
    shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_names_run_no_script_and_the_page_fits_a_phone(browser: Browser) -> None:
    assert browser.evaluate("document.title") != "broken"
    assert browser.evaluate("document.querySelectorAll('script').length") == 2
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.evaluate(
        "(() => { const p = document.getElementById('products');"
        " return p.scrollWidth <= p.clientWidth; })()"
    )
