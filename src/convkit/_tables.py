"""A table of cells, written for the terminal, a report, a paper or a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from convkit._escaping import (
    UNICODE_IN_LATEX,
    csv_cell,
    html_text,
    latex_text,
    markdown_cell,
    plain,
)

Cell = str | int | float | None


class Shown:
    """A value that a notebook shows as its table, or where it has none as its text; escaped.

    Examples:
        >>> class Note(Shown):
        ...     def __str__(self):
        ...         return "1 < 2"
        >>> Note()._repr_html_()
        '<pre>1 &lt; 2</pre>'
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        table = getattr(self, "table", None)
        if callable(table):
            return str(table().to_html())
        return "<pre>" + "\n".join(map(html_text, str(self).splitlines())) + "</pre>"


_NUMBER = re.compile(r"[-+]?[\d,.]+(e[-+]?\d+)?( ?%)?|nan|[-+]?inf|-|", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below a header.

    Integers are written with thousands separators (plain digits in CSV), None as an empty cell;
    floats as Python writes them, so whoever wants fewer digits passes text. A column that holds
    only numbers is set right.

    Args:
        header: One title for each column.
        rows: The cells, as many in each row as the header has.
        title: A line above the table, where the form has room for one.
        notes: Lines below it.

    Examples:
        >>> table = Table(("layer", "parameters"), (("conv1", 2432), ("fc1", 131136)))
        >>> print(table.to_markdown())
        | layer | parameters |
        | :-- | --: |
        | conv1 | 2,432 |
        | fc1 | 131,136 |
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    _: KW_ONLY
    title: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The table drawn with lines, as wide as it needs to be."""
        return self.to_text()

    def to_text(self, width: int | None = None) -> str:
        """Draw the table for a terminal; cells are folded when `width` is too narrow.

        Args:
            width: Columns of the terminal; None lets the table be as wide as it needs.
        """
        # Loaded here: a calculator that prints one number should not pay for it.
        from rich import box
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text

        drawing = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for title, right in zip(self.header, self._right_aligned(), strict=True):
            side: Literal["left", "right"] = "right" if right else "left"
            drawing.add_column(Text(plain(title)), justify=side, overflow="fold")
        for row in self.rows:
            drawing.add_row(*(Text(plain(_written(cell))) for cell in row))
        output = io.StringIO()
        console = Console(
            file=output,
            width=width or 10_000,
            color_system=None,
            legacy_windows=False,
            force_jupyter=False,  # in a notebook it would show the table there and give no text
        )
        console.print(drawing)
        lines = [line.rstrip() for line in output.getvalue().rstrip().splitlines()]
        return "\n".join([*filter(None, [plain(self.title)]), *lines, *map(plain, self.notes)])

    def to_markdown(self) -> str:
        """Write a Markdown table, names escaped."""
        marks = ["--:" if right else ":--" for right in self._right_aligned()]
        lines = [
            [markdown_cell(title) for title in self.header],
            marks,
            *([markdown_cell(_written(cell)) for cell in row] for row in self.rows),
        ]
        table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
        return "\n\n".join([table, *map(markdown_cell, self.notes)])

    def to_latex(self) -> str:
        r"""Write a LaTeX `tabular` with plain `\hline`s, names escaped."""
        columns = "".join("r" if right else "l" for right in self._right_aligned())
        lines = [
            rf"\begin{{tabular}}{{{columns}}}",
            r"\hline",
            _latex_row(self.header),
            r"\hline",
            *map(_latex_row, self.rows),
            r"\hline",
            r"\end{tabular}",
            *(rf"\par {latex_text(note)}" for note in self.notes),
        ]
        needed = any(r"\unicodetext" in line for line in lines)
        return "\n".join([UNICODE_IN_LATEX, *lines] if needed else lines)

    def to_csv(self) -> str:
        """Write comma-separated values, safe to open in a spreadsheet; notes are left out."""
        output = io.StringIO()
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow([csv_cell(title) for title in self.header])
        writer.writerows(["" if c is None else csv_cell(c) for c in row] for row in self.rows)
        return output.getvalue()

    def to_html(self) -> str:
        """Write an HTML `<table>`, names escaped."""
        right = [' class="number"' if r else "" for r in self._right_aligned()]
        caption = f"<caption>{html_text(self.title)}</caption>" if self.title else ""
        head = "".join(
            f'<th scope="col"{c}>{html_text(t)}</th>'
            for c, t in zip(right, self.header, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f"<td{c}>{html_text(_written(cell))}</td>"
                for c, cell in zip(right, row, strict=True)
            )
            + "</tr>\n"
            for row in self.rows
        )
        notes = "".join(f"<p>{html_text(note)}</p>\n" for note in self.notes)
        table = f"<table>{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"
        return f"{table}\n{notes}"

    _repr_html_ = to_html

    def _right_aligned(self) -> list[bool]:
        """For each column, whether every cell of it is a number."""
        return [
            any(row[i] not in {None, ""} for row in self.rows)
            and all(_NUMBER.fullmatch(_written(row[i]).strip()) for row in self.rows)
            for i in range(len(self.header))
        ]


def _latex_row(cells: tuple[Cell, ...]) -> str:
    r"""One row of a `tabular`; a bracket or star that opens it would be an argument of `\\`."""
    row = " & ".join(latex_text(_written(cell)) for cell in cells) + r" \\"
    return "{}" + row if row.startswith(("[", "*")) else row


def _written(cell: Cell) -> str:
    """One cell as people read it."""
    if cell is None:
        return ""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return str(cell)
