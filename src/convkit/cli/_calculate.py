"""`convkit shapes` and `convkit table`: arithmetic only, nothing heavy is loaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from convkit.cli._arguments import Commands, read_architecture, size
from convkit.cli._terminal import FORMS, show, show_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def add_commands(commands: Commands) -> None:
    """Add `shapes` and `table`."""
    shapes = commands.add_parser(
        "shapes",
        help="the size, parameters and multiplications of every layer",
        description="Say what size comes out of every layer, and what it costs.",
        epilog='example: convkit shapes "conv 8 k5, maxpool 2, conv 16 k5" --input 3,128,128',
    )
    shapes.add_argument("layers", help="layers in one line, or the file of a table")
    shapes.add_argument("--input", type=size, required=True, help="one image: 3,128,128")
    shapes.add_argument("--explain", action="store_true", help="the formulas, with numbers put in")
    shapes.add_argument("--json", action="store_true", help="for a program to read")
    shapes.set_defaults(run=_shapes)

    table = commands.add_parser(
        "table",
        help="read, check and convert a table of layers",
        description="Read a table of layers, check what it states, write it in another form.",
        epilog="example: convkit table network.md --input 3,32,32 --check",
    )
    table.add_argument("table", help="a Markdown, CSV, TSV or LaTeX file, or layers in one line")
    table.add_argument("--input", type=size, help="one image: 3,32,32")
    table.add_argument("--check", action="store_true", help="what it states against what follows")
    table.add_argument(
        "--to", choices=("markdown", "latex", "csv", "code", "text"), help="the form to write"
    )
    table.add_argument("--json", action="store_true", help="for a program to read")
    table.set_defaults(run=_table, parser=table)


def _shapes(arguments: argparse.Namespace) -> int:
    architecture = read_architecture(arguments.layers)
    summary = architecture.summary(arguments.input)
    if arguments.json:
        show_json(
            [
                {
                    "layer": row.name,
                    "kind": row.kind,
                    "output_shape": row.output_shape,
                    "parameters": row.parameters,
                    "macs": row.macs,
                }
                for row in summary.rows
            ]
        )
        return 0
    show(summary.table())
    if arguments.explain:
        for explanation in architecture.explain(arguments.input):
            print(f"\n{explanation}")
    return 0


def _table(arguments: argparse.Namespace) -> int:
    if arguments.check and arguments.input is None:
        arguments.parser.error("--check needs --input, the shape of one image: --input 3,32,32")
    architecture = read_architecture(arguments.table)
    findings = architecture.check(arguments.input) if arguments.check else []
    if arguments.json:
        show_json(
            {
                "text": architecture.to_text(),
                "readings": list(architecture.readings),
                "findings": [asdict(finding) for finding in findings],
            }
        )
    elif arguments.to in FORMS[1:]:
        print(getattr(architecture, f"to_{arguments.to}")(arguments.input).rstrip("\n"))
    elif arguments.to == "code":
        print(architecture.to_code(arguments.input).rstrip("\n"))
    elif arguments.to == "text" or arguments.input is None:
        print(architecture.to_text())
    else:
        show(architecture.summary(arguments.input).table())
    if arguments.check and not arguments.json:
        _print_check(architecture.readings, findings)
    return 1 if findings else 0


def _print_check(readings: tuple[str, ...], findings: Sequence[object]) -> None:
    for reading in readings:
        print(f"read: {reading}")
    for finding in findings:
        print(f"differs: {finding}")
    if not findings:
        print("everything that the table states agrees with what follows")
