"""A script that reproduces published figures: its arguments, its tasks, its page."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from convkit.report._reproduction import Reproduction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    Task = Callable[[Reproduction, argparse.Namespace], None]


class ReproductionScript:
    """Reads the arguments, runs the tasks asked for, and writes their page.

    Every task is a function of the page and the settings. The settings have `task`, `data` and
    `out` (paths), `page` (the folder of the page), `weights` (a text or None), `seed`, `precision`
    and `quick`, and what the script added to `parser`. The script ends with a message as soon as
    a number that must come out exactly does not.

    Args:
        title: The heading of the page.
        tasks: Each task by its name, in their order.
        exact: What follows from arithmetic; it is always run first.
        data: The default of `--data`.
        weights: What `--weights` may be, for its help.
        optional: Tasks that are only run when they are named.
        pictures: Every picture of the tasks that are run by default, and how many panels it has;
            `--quick` ends with a message when one is missing or another.
        draw: Writes the images for `--quick` into a folder and returns what `--data` shall be;
            None when the tasks draw their own.

    Attributes:
        parser: The `argparse.ArgumentParser`, for arguments of the script's own.

    Examples:
        >>> def theory(page, settings):
        ...     page.compare("kernel from 512 to 504", reported=9, measured=9)
        >>> script = ReproductionScript("Base network", {"theory": theory})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = script.run(["--task", "theory", "--page", folder])  # doctest: +ELLIPSIS
        /...md
        1 exact
        >>> page.counts()
        '1 exact'
    """

    def __init__(
        self,
        title: str,
        tasks: Mapping[str, Task],
        *,
        exact: Callable[[Reproduction], None] | None = None,
        data: str = "downloads",
        weights: str = "a name of torchvision's, a file, or a run's directory",
        optional: Collection[str] = (),
        pictures: Mapping[str, int] | None = None,
        draw: Callable[[Path], Path] | None = None,
    ) -> None:
        self.title = title
        self.tasks = dict(tasks)
        self.exact = exact
        self.pictures = pictures
        self.default = [name for name in self.tasks if name not in optional]
        self.draw = draw
        self.name = Path(sys.argv[0]).stem or "reproduction"
        self.parser = argparse.ArgumentParser(description=title)
        add = self.parser.add_argument
        left_out = f"all but {', '.join(optional)}" if optional else "all"
        add("--task", nargs="+", choices=[*self.tasks], default=self.default, help=left_out)
        add("--data", type=Path, default=Path(data), help="folder of the images")
        add("--out", type=Path, help="folder of the trainings, which go on where they stopped")
        add("--page", type=Path, help="folder of the page; that of the trainings if left out")
        add("--weights", help=weights)
        add("--seed", type=int, default=0)
        add("--precision", choices=("float32", "bfloat16"), default="float32")
        add("--quick", action="store_true", help="seconds, on drawn figures")

    def run(self, arguments: Sequence[str] | None = None) -> Reproduction:
        """Run the tasks and write the page; print where it is, and how many agree.

        Args:
            arguments: Instead of those of the command line.

        Returns:
            The page that was written.

        Raises:
            SystemExit: When an exact number differs, or for arguments that cannot be.
        """
        settings = self.parser.parse_args(arguments)
        settings.out = settings.out or Path("runs", f"{self.name}{'-quick' * settings.quick}")
        page = Reproduction(self.title)
        if self.exact:
            self.exact(page)
            _stop_at_differences(page)
        with tempfile.TemporaryDirectory() as folder:
            if settings.quick and self.draw:
                settings.data = self.draw(Path(folder))
            for name in settings.task:
                page.stand_in = "drawn figures" if settings.quick else ""
                self.tasks[name](page, settings)
                _stop_at_differences(page)
        if left_out := [name for name in self.tasks if name not in settings.task]:
            page.section("Not run", f"Tasks that were not asked for: {', '.join(left_out)}.")
        if settings.quick and settings.task == self.default and self.pictures is not None:
            _check_pictures(page.pictures, self.pictures)
        written = page.write((settings.page or settings.out) / f"{self.name}.md")
        print(written, page.counts(), sep="\n")  # noqa: T201 - the answer of a script
        return page


def _stop_at_differences(page: Reproduction) -> None:
    """End the script when an exact number came out otherwise."""
    wrong = [figure for figure in page.comparisons if figure.verdict == "differs"]
    if wrong:
        raise SystemExit(
            "\n".join(f"{f.quantity}: {f.measured}, reported {f.reported}" for f in wrong)
        )


def _check_pictures(drawn: Mapping[str, int], expected: Mapping[str, int]) -> None:
    """End the script when a picture is missing, or has not the panels that it shall have."""
    wrong = [
        f"picture {name}: {drawn.get(name, 'no')} panels, not {expected.get(name, 'any')}"
        for name in sorted({*drawn, *expected})
        if drawn.get(name) != expected.get(name)
    ]
    if wrong:
        raise SystemExit("\n".join(wrong))
