"""One self-contained page: nothing is fetched, nothing but our own style and script runs."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import convkit.plots
from convkit._escaping import html_text
from convkit._version import __version__
from convkit.report._look import SCRIPT, STYLE
from convkit.report._words import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from convkit._tables import Table
    from convkit.plots import Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page.

    Args:
        anchor: Its place in the address; letters and hyphens.
        heading: What stands above it.
        body: HTML, every name in it escaped.
    """

    anchor: str
    heading: str
    body: str


def render(title: str, introduction: str, sections: Iterable[Section], *, style: str = "") -> str:
    """The whole page as HTML.

    Args:
        title: What the page is about; escaped here.
        introduction: HTML below the title.
        sections: In the order of the page.
        style: Rules of this page alone.
    """
    parts = list(sections)
    sheet = STYLE + style
    links = "".join(f'<li><a href="#{s.anchor}">{html_text(s.heading)}</a></li>' for s in parts)
    body = "\n".join(
        f'<section id="{s.anchor}" aria-labelledby="{s.anchor}-heading">\n'
        f'<h2 id="{s.anchor}-heading">{html_text(s.heading)}</h2>\n{s.body}\n</section>'
        for s in parts
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(sheet)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{html_text(short(title))}</title>
<style>{sheet}</style>
</head>
<body>
<header>
<h1>{html_text(short(title))}</h1>
{introduction}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
<footer>Written by convkit {__version__}. This file is complete in itself.</footer>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _policy(sheet: str) -> str:
    """Nothing may load or run but what this page carries, known by its hash."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(sheet)}'; "
        f"script-src '{_hash(SCRIPT)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    """The hash of an inline element, as content policies name it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def paragraph(text: object, kind: str = "") -> str:
    """A paragraph of plain text."""
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{html_text(text)}</p>"


def facts(values: Mapping[str, str | tuple[str, str]]) -> str:
    """The few figures that one looks for first; a pair is a figure and a remark."""
    cards = []
    for name, value in values.items():
        figure, remark = value if isinstance(value, tuple) else (value, "")
        small = f"<small>{html_text(remark)}</small>" if remark else ""
        cards.append(f"<div><dt>{html_text(name)}</dt><dd>{html_text(figure)}{small}</dd></div>")
    return f'<dl class="facts">{"".join(cards)}</dl>'


def table(content: Table, label: str, *, kinds: Sequence[str] = ()) -> str:
    """A table that scrolls in itself on a narrow screen.

    Args:
        content: The table.
        label: What it is, for those who do not see it.
        kinds: `"sortable"`, `"tall"`, `"wrap"`.
    """
    notes = "".join(paragraph(note, "note") for note in content.notes)
    return scrolling(replace(content, notes=()).to_html(), label, kinds=kinds) + notes


def scrolling(body: str, label: str, *, kinds: Sequence[str] = ()) -> str:
    """A box that scrolls in itself, also by the keyboard.

    Args:
        body: HTML.
        label: What it is, for those who do not see it.
        kinds: As for a table.
    """
    classes = " ".join(("scroll", *kinds))
    return (
        f'<div class="{classes}" role="group" tabindex="0" aria-label="{html_text(label)}">\n'
        f"{body}</div>"
    )


def folded(summary: str, content: Table, label: str) -> str:
    """A sortable table that is shown when it is asked for."""
    inside = table(content, label, kinds=("sortable", "tall"))
    return f"<details><summary>{html_text(summary)}</summary>{inside}</details>"


def picture(
    figure: Figure, alternative: str, caption: str = "", *, form: str = "svg", wide: bool = False
) -> str:
    """A figure inside the page.

    Args:
        figure: The figure.
        alternative: What it shows, for those who do not see it.
        caption: A line below it.
        form: `"svg"` for lines and letters, `"png"` for photographs.
        wide: Scroll it sideways rather than make its letters too small on a phone.
    """
    content = base64.b64encode(convkit.plots.encode(figure, form)).decode()
    kind = {"svg": "image/svg+xml", "png": "image/png"}[form]
    below = f"<figcaption>{html_text(caption)}</figcaption>" if caption else ""
    width, height = (round(96 * float(size)) for size in figure.get_size_inches())
    scroll = ' wide" role="group" tabindex="0" aria-label="Wide picture' if wide else ""
    return (
        f'<figure><div class="paper{scroll}"><img src="data:{kind};base64,{content}" '
        f'width="{width}" height="{height}" alt="{html_text(alternative)}"></div>{below}</figure>'
    )
