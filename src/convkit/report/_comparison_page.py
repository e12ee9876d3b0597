"""One page that compares runs, with curves that can be switched on and off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import convkit.plots
from convkit._escaping import html_text
from convkit._files import replace_file
from convkit.report._comparison import Comparison, compare
from convkit.report._page import Section, paragraph, render, table
from convkit.report._words import short

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from convkit.plots import Figure

_BESIDE_DRAWING = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL
)
_SWATCH = (
    ".curves label::before { content: ''; display: inline-block; width: 1.4em; height: .3em;"
    " margin-right: .4em; vertical-align: middle; border-radius: .15em; }"
)
_STYLE = re.compile(r' style="([^"]*)"')


def write_comparison(
    directories: Iterable[str | os.PathLike[str]], path: str | os.PathLike[str]
) -> Path:
    """Write a page that compares runs: one file that needs nothing else.

    Args:
        directories: Run directories.
        path: The page to write, such as `"comparison.html"`.

    Returns:
        Its path.

    Raises:
        RunError: When there is no directory, or one holds no training.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer, report
        >>> data = torch.randn(8, 1, 4, 4), torch.arange(8) % 2
        >>> for name, lr in (("a", 0.1), ("b", 0.01)):
        ...     model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
        ...     trainer = Trainer(model, optimizer="sgd", lr=lr, directory=f"runs/{name}")
        ...     _ = trainer.fit(data, data, epochs=1, progress=False)
        >>> report.write_comparison(["runs/a", "runs/b"], "both.html").name
        'both.html'
    """
    comparison = compare(directories)
    runs = comparison.runs
    sections = [_table_section(comparison), *_curves_section(comparison), *_seeds(comparison)]
    told = paragraph(f"{len(runs)} runs; {len(comparison.differing)} settings differ.", "soft")
    page = render("Comparison of runs", told, sections, style=_switches(comparison))
    return replace_file(path, page)


def _table_section(comparison: Comparison) -> Section:
    """The table of the runs."""
    content = table(comparison.table(), "Runs side by side", kinds=("sortable", "named"))
    return Section("runs", "Runs", content)


def _seeds(comparison: Comparison) -> list[Section]:
    """The spread over seeds, where runs were repeated."""
    spread = comparison.seeds()
    if spread is None:
        return []
    content = table(spread, "Mean and sample standard deviation over seeds")
    return [Section("seeds", "Spread over seeds", content)]


def _curves_section(comparison: Comparison) -> list[Section]:
    """All curves in one drawing, with a switch for each run."""
    named = [figures for figures in comparison.runs if len(figures.run.history)]
    if not named:
        return []
    figure = comparison.plot()
    for legend in list(figure.legends):
        legend.remove()  # the switches name the runs
    drawing = inline(figure)
    switches = "".join(
        f'<span><input type="checkbox" id="show-{number}" checked>'
        f'<label for="show-{number}">{html_text(short(figures.name, 60))}</label></span>\n'
        for number, figures in enumerate(named)
    )
    alternative = f"Losses and accuracies of {len(named)} runs by epoch"
    body = (
        '<div class="curves">\n'
        f"{switches}"
        f'<figure><div class="paper" role="img" aria-label="{html_text(alternative)}">'
        f"{drawing}</div><figcaption>Full lines: validation, smoothed where it was smoothed; "
        "dashed: training; the dot is the best epoch.</figcaption></figure></div>"
    )
    return [Section("curves", "Curves", body)]


def inline(figure: Figure) -> str:
    """A figure as an SVG element that a strict content policy lets pass.

    Style attributes become attributes of their own: the policy forbids the former. Declarations,
    comments and metadata are not needed inside a page.
    """
    text = convkit.plots.encode(figure, "svg").decode()
    bare = _BESIDE_DRAWING.sub("", text).strip()
    return _STYLE.sub(lambda match: _attributes(match[1]), bare)


def _attributes(declarations: str) -> str:
    """`stroke: red; fill: none` as ` stroke="red" fill="none"`."""
    pairs = (entry.partition(":") for entry in declarations.split(";") if ":" in entry)
    return "".join(f' {name.strip()}="{value.strip()}"' for name, _, value in pairs)


def _switches(comparison: Comparison) -> str:
    """The rules that hide a run whose box is not ticked, and show its colour beside its name."""
    named = {f.name: f.run.history for f in comparison.runs if len(f.run.history)}
    colours = _colours(convkit.plots.compare_curves(named)) if named else {}
    rules = [
        ".curves input { accent-color: var(--accent); margin: 0 .35rem 0 0; }",
        ".curves span { display: inline-block; }",
        ".curves label { margin-right: 1.1rem; overflow-wrap: anywhere; }",
        _SWATCH,
    ]
    for number, colour in colours.items():
        rules.append(f"#show-{number} + label::before {{ background: {colour}; }}")
        rules.append(
            f".curves:has(#show-{number}:not(:checked)) [id^='run-{number}-'] {{ display: none; }}"
        )
    return "\n".join(rules) + "\n"


def _colours(figure: Any) -> dict[int, str]:
    """The colour of each run's lines, which are named run-NUMBER-..."""
    found = {}
    for axes in figure.axes:
        for line in axes.lines:
            match = re.match(r"run-(\d+)-", line.get_gid() or "")
            if match and re.fullmatch(r"#[0-9A-Fa-f]{6}", str(line.get_color())):
                found[int(match[1])] = str(line.get_color())
    return found
