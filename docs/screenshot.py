"""Photograph the demo's page for the documentation, in a real browser.

    convkit demo --out demo && python docs/screenshot.py demo/report.html

Where there is no Chromium or no Playwright (`pip install ".[test]"`), it says so and leaves the
committed pictures as they are.
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parent / "pictures"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1180, 2050  # of the part that is shown: network, training, the first measures
COLOURS = 96  # enough for flat shapes and letters; keeps the files small


def main() -> None:
    """Photograph the page in light and in dark, side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, help="the report.html of a run")
    page = parser.parse_args().page.resolve()
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        print("no Chromium or no Playwright here: the committed pictures stay")
        return
    halves = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program)
        for scheme in ("light", "dark"):
            context = chromium.new_context(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme
            )
            shown = context.new_page()
            shown.goto(page.as_uri())
            halves.append(Image.open(io.BytesIO(shown.screenshot())).convert("RGB"))
        chromium.close()
    sheet = Image.new("RGB", (2 * WIDTH, HEIGHT))
    for place, half in enumerate(halves):
        sheet.paste(half, (place * WIDTH, 0))
    small = sheet.resize((WIDTH, HEIGHT // 2), Image.Resampling.LANCZOS)
    target = PICTURES / "report.png"
    small.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(target, optimize=True)
    print(f"{target} ({target.stat().st_size // 1000} kB)")


if __name__ == "__main__":
    main()
