"""Does a published figure come out again? A page of reported figures beside measured ones."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit._escaping import plain
from convkit._files import replace_file
from convkit.report._made_by import Training, made_by, training_of
from convkit.report._reported_figure import ReportedFigure, Verdict
from convkit.report._reproduction_writing import count_verdicts, figures_json, write_blocks

if TYPE_CHECKING:
    import os

    from convkit.plots import Figure
    from convkit.report._reproduction_writing import Block
    from convkit.training import Evaluation, Run, Trainer


class Reproduction:
    """A page in Markdown: sections with text, comparisons and pictures, in the order of the calls.

    Args:
        title: The heading of the page.

    Attributes:
        stand_in: On what figures with a band are measured from here on, when not on what the
            published ones were; empty when on the same.

    Examples:
        >>> page = Reproduction("Base network")
        >>> page.section("Theory")
        >>> page.compare("kernel from 512 to 504", reported=9, measured=9)
        'exact'
        >>> page.compare("test accuracy (%)", reported=70.58, measured=71.2, band=(68, 72))
        'reproduced'
        >>> print(page.counts())
        1 exact, 1 reproduced

        >>> page.text("The bands are those of the paper.")
        >>> page.code("9 = 512 - 504 + 1")
        >>> [figure.verdict for figure in page.comparisons]
        ['exact', 'reproduced']
        >>> from convkit import plots
        >>> page.picture(plots.bars({"cat": 1.0}), "classes", "images of each class")
        >>> page.pictures
        {'classes': 1}
        >>> page.write("base.md").name
        'base.md'
    """

    def __init__(self, title: str) -> None:
        self.stand_in = ""
        self._title = title
        self._section = ""
        self._began = time.perf_counter()
        self._trained: dict[object, Training] = {}
        self._blocks: list[Block] = []

    @property
    def comparisons(self) -> list[ReportedFigure]:
        """Every comparison made so far, in order."""
        return [block for block in self._blocks if isinstance(block, ReportedFigure)]

    def section(self, heading: str, text: str = "") -> None:
        """Begin a section; `text` is Markdown and is written as it is.

        Args:
            heading: Written as a heading of the second level.
            text: Markdown, written as it is.
        """
        self._section = heading
        self._blocks.append(f"## {plain(heading)}")
        if text:
            self.text(text)

    def text(self, text: str) -> None:
        """Add a paragraph, list or table in Markdown, written as it is.

        Args:
            text: Markdown.
        """
        self._blocks.append(text.strip("\n"))

    def code(self, text: str) -> None:
        """Add a block of preformatted text, such as a printed table or a worked step.

        Args:
            text: Written line by line, each indented.
        """
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
        stand_in: str = "",
        lower_is_better: bool = False,
    ) -> Verdict:
        """Set a reported figure beside the measured one; the arguments are `ReportedFigure`'s.

        Args:
            quantity: What was measured, with its unit.
            reported: As it was published.
            measured: As it is here.
            band: From where to where a value counts as reproduced; None for values that must be
                equal.
            note: What a reader should know.
            void: Whether the published value is known to be wrong.
            stand_in: On what was measured instead; the page's own when left out.
            lower_is_better: Whether values below the band are better.

        Returns:
            `"exact"` or `"differs"` without a band; `"below"`, `"reproduced"` or `"better"` with
            one; `"void"`, `"stand-in"` and `"not run"` as given.
        """
        comparison = ReportedFigure(
            quantity,
            reported,
            measured,
            band,
            note,
            void,
            stand_in=stand_in or (self.stand_in if band else ""),
            lower_is_better=lower_is_better,
            section=self._section,
        )
        self._blocks.append(comparison)
        return comparison.verdict

    def compare_evaluation(
        self,
        evaluation: Evaluation | Mapping[str, Any] | None,
        *,
        accuracy: float,
        loss: float | None = None,
        name: str = "",
        band: tuple[float, float] | None = None,
        loss_margin: float = 0.05,
        void_loss: str = "",
        note: str = "",
        stand_in: str = "",
    ) -> None:
        """Set the published accuracy and loss of a whole set beside the measured ones.

        Args:
            evaluation: Of `Trainer.evaluate`, or as a run directory holds it
                (`Run.evaluations["test"]`, `Run.epochs("test")[0]`); None when it was not run.
            accuracy: As published, in percent.
            loss: As published; None when it was not.
            name: It begins every row; that of the evaluation when left out.
            band: Of the accuracy, in percent; two points to either side when left out.
            loss_margin: How far the loss may lie from the published one.
            void_loss: Why the published loss does not measure what it claims, if so.
            note: What a reader should know of the accuracy, behind its interval.
            stand_in: On what was measured instead; the page's own when left out.

        Examples:
            >>> page = Reproduction("Base network")
            >>> measured = {"accuracy": 0.7112, "accuracy_interval": [0.702, 0.72], "loss": 0.85}
            >>> page.compare_evaluation(measured, accuracy=70.58, name="test", note="epoch 9")
            >>> page.comparisons[0].quantity, page.comparisons[0].note
            ('test accuracy (%)', '95 % interval 70.2 to 72.0; epoch 9')
        """
        found = evaluation if isinstance(evaluation, Mapping | None) else evaluation.to_dict()
        name = name or (found["name"] if found else "")
        if found:
            low, high = (100 * end for end in found["accuracy_interval"])
            note = "; ".join(filter(None, [f"95 % interval {low:.1f} to {high:.1f}", note]))
        self.compare(
            f"{name} accuracy (%)",
            reported=accuracy,
            measured=found and round(100 * found["accuracy"], 2),
            band=(band or (accuracy - 2, accuracy + 2)) if found else None,
            note=note,
            stand_in=stand_in,
        )
        if loss is not None:
            self.compare(
                f"{name} loss",
                reported=loss,
                measured=found and round(_finite_or_nan(found["loss"]), 4),
                band=(loss - loss_margin, loss + loss_margin) if found else None,
                note=void_loss,
                void=bool(void_loss),
                stand_in=stand_in,
                lower_is_better=True,
            )

    def trained(self, trainer: Trainer | Run) -> str:
        """Count a training: its minutes from its history, resumed or not, precision and seed.

        A training that was finished before had the precision and seed that its directory says.

        Args:
            trainer: The trainer, or a finished run as `convkit.training.read_run` gives it.

        Returns:
            The same in words, such as `"float32, seed 0, 5.7 minutes"`.

        Examples:
            >>> from torch import nn
            >>> from convkit import Trainer
            >>> page = Reproduction("Base network")
            >>> page.trained(Trainer(nn.Linear(2, 2)))
            'float32, seed 0, 0.0 minutes'
        """
        training = training_of(trainer)
        self._trained[trainer.directory or id(trainer)] = training
        return str(training)

    def picture(self, figure: Figure, name: str, caption: str) -> None:
        """Add a picture, written as `<page>/<name>.png` beside the page when the page is.

        Args:
            figure: Written when the page is.
            name: Of the file, without its ending.
            caption: The alternative text too.
        """
        self._blocks.append((figure, name, caption))

    @property
    def pictures(self) -> dict[str, int]:
        """Every picture so far by its name, and how many panels it has."""
        drawn = [block for block in self._blocks if isinstance(block, tuple)]
        return {name: len(figure.axes) for figure, name, _ in drawn}

    def counts(self) -> str:
        """How many comparisons ended in each verdict."""
        found = count_verdicts(self.comparisons)
        return ", ".join(f"{number} {verdict}" for verdict, number in found.items())

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, its pictures, and its figures for `ReproductionIndex`.

        Args:
            path: The Markdown file; pictures go into the folder of the same name beside it, the
                figures into the `.json` of the same name.

        Returns:
            The path of the page.
        """
        target = Path(path)
        parts = [f"# {plain(self._title)}", self._made_by(), *write_blocks(target, self._blocks)]
        figures = figures_json(self._title, self.comparisons, self.pictures)
        replace_file(target.with_suffix(".json"), figures)
        return replace_file(target, "\n\n".join(filter(None, parts)) + "\n")

    def _made_by(self) -> str:
        """The command, the hardware, the versions, the time: what a reader needs to judge."""
        minutes = (time.perf_counter() - self._began) / 60
        lines = made_by(list(self._trained.values()), minutes)
        if self.comparisons:
            lines.append(f"- verdicts: {self.counts()}")
        return "\n".join(lines)


def _finite_or_nan(value: float | None) -> float:
    """A measured value; on disk one that is not finite is None."""
    return math.nan if value is None else value
