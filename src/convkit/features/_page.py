"""A page to explore: one file with everything in it, that fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from convkit._escaping import html_text, plain
from convkit._files import replace_file
from convkit.features._page_data import page_data

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from convkit.features._pairs import Pairs


def write_page(
    path: str | os.PathLike[str],
    pairs: Pairs,
    filters: Sequence[int] | int,
    names: Sequence[str],
    title: str,
) -> Path:
    """Write the page.

    Args:
        path: The file.
        pairs: What it shows.
        filters: Which filters of each layer, or how many of the first.
        names: A name for each image.
        title: The heading.
    """
    data = page_data(pairs, filters, [plain(name) for name in names])
    template = files("convkit.features").joinpath("_page.html").read_text(encoding="utf-8")
    script = files("convkit.features").joinpath("_page.js").read_text(encoding="utf-8")
    style = files("convkit.features").joinpath("_page.css").read_text(encoding="utf-8")
    parts = {
        "POLICY": f"default-src 'none'; img-src data:; script-src '{_hash(script)}'; "
        f"style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'",
        "TITLE": html_text(title),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": _embedded(json.dumps(data, allow_nan=False)),
    }
    # In one pass, so that a name which looks like a mark stays what it is.
    page = re.sub("@@([A-Z]+)@@", lambda mark: parts[mark[1]], template)
    return replace_file(path, page)


def _embedded(text: str) -> str:
    """JSON that no name in it can end: markup characters as JSON escapes."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(text: str) -> str:
    """The mark by which the policy knows a script or a style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
