"""`convkit shapes` and `convkit table`: arithmetic only, nothing heavy is loaded."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from convkit.cli._arguments import Commands, read_architecture, size
from convkit.cli._terminal import FORMS, as_typed, show, show_json

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
    findings = architecture.check(arguments.input) if arguments.check else None
    if arguments.json:
        show_json(
            {
                "text": architecture.to_text(),
                "readings": list(architecture.readings),
                # Nothing found is not the same as nothing checked.
                "findings": None if findings is None else [asdict(each) for each in findings],
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
    if findings is not None and not arguments.json:
        # Where a table is converted, standard output holds it alone, for a file or a program.
        stream = sys.stderr if arguments.to else sys.stdout
        _print_check(architecture.readings, findings, stream)
    return 1 if findings else 0


def _print_check(readings: Sequence[str], findings: Sequence[object], stream: TextIO) -> None:
    for reading in readings:
        print(f"read: {as_typed(reading)}", file=stream)
    for finding in findings:
        print(f"differs: {finding}", file=stream)
    if not findings:
        print("everything that the table states agrees with what follows", file=stream)
