"""How many published figures came out again? One table over several pages."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convkit._escaping import markdown_cell
from convkit._tables import Cell, Table
from convkit.report._reported_figure import VERDICTS

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

_LONGEST = 60  # characters of a cell: matrices stand in full on their page


@dataclass(frozen=True, slots=True)
class ReproductionIndex:
    """The figures of several pages that `Reproduction.write` wrote.

    Args:
        pages: Each page's figures by its name; every figure has the texts `section`, `quantity`,
            `reported`, `measured`, `verdict` and `note`.

    Examples:
        >>> figure = dict(section="1", quantity="kernel", reported="9", measured="9")
        >>> index = ReproductionIndex({"theory": [{**figure, "verdict": "exact", "note": ""}]})
        >>> print(index.counts().to_markdown())
        | page | figures | exact |
        | :-- | --: | --: |
        | theory | 1 | 1 |
        | all | 1 | 1 |
    """

    pages: dict[str, list[dict[str, str]]]

    @classmethod
    def read(cls, paths: Sequence[str | os.PathLike[str]]) -> ReproductionIndex:
        """Read the `.json` beside each page.

        Args:
            paths: The pages, in the order in which they shall stand.

        Returns:
            The index.

        Raises:
            OSError: When a page has none: it was not written by `Reproduction.write`.

        Examples:
            >>> from convkit import report
            >>> page = report.Reproduction("Theory")
            >>> page.compare("kernel", reported=9, measured=9)
            'exact'
            >>> index = ReproductionIndex.read([page.write("theory.md")])
            >>> len(index.figures().rows)
            1
        """
        files = [Path(path).with_suffix(".json") for path in paths]
        read = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
        return cls({name: page["figures"] for name, page in read.items()})

    def counts(self) -> Table:
        """How many figures of each page, and of all, ended in each verdict."""
        counted = {
            name: Counter(figure["verdict"] for figure in figures)
            for name, figures in self.pages.items()
        }
        counted["all"] = sum(counted.values(), Counter())
        shown = [verdict for verdict in VERDICTS if counted["all"][verdict]]
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (name, found.total(), *(found[verdict] for verdict in shown))
            for name, found in counted.items()
        )
        return Table(("page", "figures", *shown), rows)

    def figures(self) -> Table:
        """Every reported figure beside the measured one."""
        header = ("page", "section", "quantity", "reported", "measured", "verdict")
        rows = tuple(
            (name, *(_short(figure[column]) for column in header[1:]))
            for name, figures in self.pages.items()
            for figure in figures
        )
        return Table(header, rows)

    def to_markdown(self, table: Table) -> str:
        """One of the tables in Markdown, each page's name a link to it.

        Args:
            table: From `counts` or `figures`.
        """
        text = table.to_markdown()
        for name in self.pages:
            cell = f"| {markdown_cell(name)} |"
            text = text.replace(cell, f"| [{markdown_cell(name)}]({name}.md) |")
        return text


def _short(text: str) -> str:
    """The beginning of a long cell."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
