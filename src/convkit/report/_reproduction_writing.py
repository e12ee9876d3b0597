"""How is a page of reported figures written? Its blocks in Markdown, its figures in JSON."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING

from convkit._escaping import markdown_cell
from convkit._files import replace_file
from convkit._tables import Table
from convkit.report._reported_figure import VERDICTS, ReportedFigure, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from convkit.plots import Figure

    Block = str | ReportedFigure | tuple[Figure, str, str]  # text, a comparison, a picture

_DOTS_PER_INCH = (90, 60)  # the second where a picture would be large, as photographs are
_LARGE = 80_000  # bytes
_COLOURS = 256  # of a picture in its file: half of the bytes, and no difference to be seen


def count_verdicts(comparisons: Sequence[ReportedFigure]) -> dict[Verdict, int]:
    """How many comparisons ended in each verdict that occurs."""
    found = Counter(comparison.verdict for comparison in comparisons)
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


def write_blocks(page: Path, blocks: Sequence[Block]) -> list[str]:
    """The blocks of a page in Markdown; its pictures are written beside it.

    Args:
        page: The Markdown file.
        blocks: In order; comparisons that stand next to one another become one table.
    """
    parts: list[str] = []
    waiting: list[ReportedFigure] = []
    for block in [*blocks, ""]:
        if isinstance(block, ReportedFigure):
            waiting.append(block)
            continue
        if waiting:
            parts.append(_comparison_table(waiting))
            waiting = []
        parts.append(block if isinstance(block, str) else _write_picture(page, *block))
    return parts


def figures_json(
    title: str, comparisons: Sequence[ReportedFigure], pictures: dict[str, int]
) -> str:
    """Every comparison and picture of a page, as strict JSON.

    Args:
        title: Of the page.
        comparisons: In order.
        pictures: How many panels each has, by its name.
    """
    names = ("quantity", "reported", "measured", "verdict", "note")
    figures = [
        {"section": c.section, **dict(zip(names, c.cells(), strict=True))} for c in comparisons
    ]
    content = {
        "title": title,
        "counts": count_verdicts(comparisons),
        "figures": figures,
        "pictures": pictures,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _comparison_table(comparisons: Sequence[ReportedFigure]) -> str:
    """Comparisons that stand next to one another, as one table."""
    rows = tuple(comparison.cells() for comparison in comparisons)
    return Table(("quantity", "reported", "measured here", "verdict", "note"), rows).to_markdown()


def _write_picture(page: Path, figure: Figure, name: str, caption: str) -> str:
    """Write one picture beside the page and return the Markdown that shows it."""
    from PIL import Image

    for dots in _DOTS_PER_INCH:
        drawn, output = io.BytesIO(), io.BytesIO()
        figure.savefig(drawn, format="png", dpi=dots)
        image = Image.open(drawn).convert("RGB")
        image.quantize(_COLOURS).save(output, format="PNG", optimize=True)
        if output.tell() <= _LARGE:
            break
    replace_file(page.with_suffix("") / f"{name}.png", output.getvalue())
    return f"![{markdown_cell(caption)}]({page.stem}/{name}.png)\n\n*{markdown_cell(caption)}*"
