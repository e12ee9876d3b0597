"""`convkit compare` and `convkit report`: what runs have left behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from convkit._escaping import plain
from convkit.cli._terminal import FORMS, show, show_json

if TYPE_CHECKING:
    import argparse

    from convkit.cli._arguments import Commands


def add_commands(commands: Commands) -> None:
    """Add `compare` and `report`."""
    compare = commands.add_parser(
        "compare",
        help="runs beside one another: what differs, and what came of it",
        epilog="example: convkit compare runs/* --to markdown",
    )
    compare.add_argument("runs", nargs="+", metavar="RUN", help="directories of runs")
    compare.add_argument("--to", choices=FORMS, default="text", help="default: text")
    compare.add_argument("--json", action="store_true", help="for a program to read")
    compare.add_argument("--page", metavar="FILE.html", help="write a page with the curves, too")
    compare.set_defaults(run=_compare)

    report = commands.add_parser(
        "report",
        help="one self-contained page about a run",
        epilog="example: convkit report runs/first",
    )
    report.add_argument("run_directory", metavar="RUN", help="the directory of a run")
    report.set_defaults(run=_report)


def _compare(arguments: argparse.Namespace) -> int:
    from convkit import report

    runs = _trained([Path(run) for run in arguments.runs])
    comparison = report.compare(runs)
    if arguments.json:
        show_json(comparison.to_dict())
    else:
        show(comparison.table(), arguments.to, records=True)
    if arguments.page:
        print(report.write_comparison(runs, arguments.page))
    return 0


def _trained(given: list[Path]) -> list[Path]:
    """The runs among what a pattern such as `runs/*` gave; all where there is none, to be refused.

    A path that is not there is no run either, but a slip that should be told.
    """
    other = [run for run in given if run.exists() and not (run / "configuration.json").exists()]
    if len(other) == len(given):
        return given
    for run in other:
        print(f"convkit: {plain(str(run))} holds no training and is left out", file=sys.stderr)
    return [run for run in given if run not in other]


def _report(arguments: argparse.Namespace) -> int:
    from convkit import report

    print(report.write(arguments.run_directory))
    return 0
