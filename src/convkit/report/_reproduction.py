"""Does a published figure come out again? A page of reported figures beside measured ones."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from convkit._escaping import markdown_cell, plain
from convkit._files import replace_file
from convkit._tables import Table

if TYPE_CHECKING:
    from convkit.plots import Figure

Verdict = Literal["exact", "reproduced", "better", "below", "differs", "void", "not run"]


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """One reported figure beside the measured one.

    Args:
        quantity: What was measured, such as `"test accuracy (%)"`.
        reported: The published figure; None when nothing was published.
        measured: The figure obtained here; None when it was not run.
        band: The lowest and the highest value that count as agreement; None asks for equality.
        note: What the reader must know beside it.
        void: Whether the published figure does not measure what it claims.
    """

    quantity: str
    reported: object
    measured: object
    band: tuple[float, float] | None = None
    note: str = ""
    void: bool = False

    @property
    def verdict(self) -> Verdict:
        """What may be said: equality without a band, place in the band with one."""
        if self.measured is None:
            return "not run"
        if self.void:
            return "void"
        if self.band is None:
            return "exact" if self.measured == self.reported else "differs"
        low, high = self.band
        measured = float(str(self.measured))
        if not measured >= low:  # NaN too: a run that diverged
            return "below"
        return "reproduced" if measured <= high else "better"


class Reproduction:
    """A page in Markdown: sections with text, comparisons and pictures, in the order of the calls.

    Args:
        title: The heading of the page.

    Examples:
        >>> page = Reproduction("Base network")
        >>> page.section("Theory")
        >>> page.compare("kernel from 512 to 504", reported=9, measured=9)
        'exact'
        >>> page.compare("test accuracy (%)", reported=70.58, measured=71.2, band=(68, 72))
        'reproduced'
        >>> print(page.counts())
        1 exact, 1 reproduced
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._began = time.perf_counter()
        self._blocks: list[str | ReportedFigure | tuple[Figure, str, str]] = []

    @property
    def comparisons(self) -> list[ReportedFigure]:
        """Every comparison made so far, in order."""
        return [block for block in self._blocks if isinstance(block, ReportedFigure)]

    def section(self, heading: str, text: str = "") -> None:
        """Begin a section; `text` is Markdown and is written as it is."""
        self._blocks.append(f"## {plain(heading)}")
        if text:
            self.text(text)

    def text(self, text: str) -> None:
        """Add a paragraph, list or table in Markdown, written as it is."""
        self._blocks.append(text.strip("\n"))

    def code(self, text: str) -> None:
        """Add a block of preformatted text, such as a printed table or a worked step."""
        lines = "\n".join("    " + plain(line) for line in text.splitlines())
        self._blocks.append(lines)

    def compare(
        self,
        quantity: str,
        *,
        reported: object,
        measured: object,
        band: tuple[float, float] | None = None,
        note: str = "",
        void: bool = False,
    ) -> Verdict:
        """Set a reported figure beside the measured one; the arguments are `ReportedFigure`'s.

        Returns:
            `"exact"` or `"differs"` without a band; `"below"`, `"reproduced"` or `"better"` with
            one (higher counts as better); `"void"` and `"not run"` as given.
        """
        comparison = ReportedFigure(quantity, reported, measured, band, note, void)
        self._blocks.append(comparison)
        return comparison.verdict

    def picture(self, figure: Figure, name: str, caption: str) -> None:
        """Add a picture, written as `<page>/<name>.png` beside the page when the page is."""
        self._blocks.append((figure, name, caption))

    def counts(self) -> str:
        """How many comparisons ended in each verdict."""
        verdicts = Counter(comparison.verdict for comparison in self.comparisons)
        return ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page and its pictures.

        Args:
            path: The Markdown file; pictures go into the folder of the same name beside it.

        Returns:
            The path of the page.
        """
        target = Path(path)
        parts = [f"# {plain(self._title)}", self._made_by()]
        waiting: list[ReportedFigure] = []
        for block in [*self._blocks, ""]:
            if isinstance(block, ReportedFigure):
                waiting.append(block)
                continue
            if waiting:
                parts.append(_comparison_table(waiting))
                waiting = []
            parts.append(block if isinstance(block, str) else _write_picture(target, *block))
        return replace_file(target, "\n\n".join(filter(None, parts)) + "\n")

    def _made_by(self) -> str:
        """The command, the hardware, the versions, the time: what a reader needs to judge."""
        program = Path(sys.argv[0]).name
        script = f"examples/{program}" if program.endswith(".py") else program
        command = " ".join(["python", script, *map(_argument, sys.argv[1:])])
        versions = ", ".join(
            f"{name} {version(name)}" for name in ("torch", "torchvision", "numpy")
        )
        minutes = (time.perf_counter() - self._began) / 60
        lines = [
            "This page was written by the run that it describes.",
            "",
            f"- command: `{plain(command)}`",
            f"- hardware: {hardware()}",
            f"- versions: Python {platform.python_version()}, {versions}",
            f"- time: {minutes:.1f} minutes",
        ]
        if self.comparisons:
            lines.append(f"- verdicts: {self.counts()}")
        return "\n".join(lines)


def hardware() -> str:
    """Name the processor, the cores this process may use, and the accelerator, if there is one.

    Examples:
        >>> "cores" in hardware()
        True
    """
    import torch

    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [
            line.partition(":")[2].strip()
            for line in information.read_text(encoding="utf-8", errors="replace").splitlines()
            if line.startswith("model name")
        ]
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    accelerator = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{name}, {cores} cores{accelerator}"


def _argument(text: str) -> str:
    """One argument of the command; of an absolute path the name, the rest is one machine's."""
    return shlex.quote(Path(text).name if Path(text).is_absolute() else text)


def _comparison_table(comparisons: list[ReportedFigure]) -> str:
    """Comparisons that stand next to one another, as one table."""
    rows = tuple(
        (c.quantity, _shown(c.reported), _shown(c.measured), c.verdict, c.note) for c in comparisons
    )
    return Table(("quantity", "reported", "measured here", "verdict", "note"), rows).to_markdown()


def _shown(value: object) -> str:
    """A figure as people write it."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _write_picture(page: Path, figure: Figure, name: str, caption: str) -> str:
    """Write one picture beside the page and return the Markdown that shows it."""
    import io

    output = io.BytesIO()
    figure.savefig(output, format="png", dpi=110)
    replace_file(page.with_suffix("") / f"{name}.png", output.getvalue())
    return f"![{markdown_cell(caption)}]({page.stem}/{name}.png)\n\n*{markdown_cell(caption)}*"
