"""A confusion matrix as a table: shaded, and put in order by the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit._escaping import html_text
from convkit.plots._order import by_recall, clustered
from convkit.report._look import SHADES
from convkit.report._page import scrolling
from convkit.report._words import short

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 40  # characters of a class name at the edge


def matrix_table(counts: Any, names: Sequence[str], label: str) -> str:
    """The counts with buttons for the order of the classes.

    A button moves rows and columns together, a click on a column's name sorts the rows by it.
    Without the script it is the same table in the order given.

    Args:
        counts: int64 (C, C), rows = truth.
        names: One for each class.
        label: What it is, for those who do not see it.
    """
    edges = [html_text(short(name, _LONGEST)) for name in names]
    head = "".join(f'<th scope="col">{name}</th>' for name in ["true \\ predicted", *edges])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shades = np.ceil(SHADES * shares).astype(int)
    rows = "\n".join(
        f'<tr><th scope="row">{name}</th>{_cells(row, shade)}</tr>'
        for name, row, shade in zip(edges, counts.tolist(), shades.tolist(), strict=True)
    )
    table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    box = scrolling(table, label, kinds=("sortable", "matrix", "named", "tall"))
    return f"<div>{_orders(counts)}{box}</div>"


def _cells(counts: list[int], shades: list[int]) -> str:
    """One row; a cell is as strong as its share of the true class, and empty for none."""
    return "".join(
        f'<td class="shaded shade-{shade}">{count:,}</td>' if count else "<td></td>"
        for count, shade in zip(counts, shades, strict=True)
    )


def _orders(counts: Any) -> str:
    """The buttons, each with its order; the script shows them."""
    orders = {
        "as given": np.arange(len(counts)),
        "hardest first": by_recall(counts),
        "confused side by side": clustered(counts),
    }
    buttons = " ".join(
        f'<button type="button" aria-pressed="{"true" if name == "as given" else "false"}" '
        f'data-order="{" ".join(map(str, order))}">{name}</button>'
        for name, order in orders.items()
    )
    return (
        f'<div class="orders" role="group" aria-label="Order of the classes" hidden>{buttons}</div>'
    )
