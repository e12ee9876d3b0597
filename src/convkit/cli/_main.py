"""From arguments to an exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from convkit._escaping import plain
from convkit._version import __version__
from convkit.cli import _calculate, _demo, _export, _inspect, _runs, _train
from convkit.cli._completion import add_completion
from convkit.cli._terminal import as_typed, drop_output, prepare_streams
from convkit.errors import ConvkitError

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPILOG = """\
examples:
  convkit demo
  convkit shapes "conv 8 k5, maxpool 2, conv 16 k5" --input 3,128,128
  convkit table network.md --input 3,32,32 --check
  convkit train network.md --data photos/ --size 64 --out runs/first
  convkit evaluate runs/first --data photos/
  convkit predict runs/first holiday/*.jpg --csv predictions.csv
  convkit explore runs/first --image cat.jpg --out filters/
  convkit compare runs/* --page comparison.html
  convkit report runs/first
  convkit export runs/first --to onnx --check photos/

`convkit COMMAND --help` tells the rest.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows `convkit` on the command line; None takes it from there.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    Examples:
        >>> main(["shapes", "conv 8 k5", "--input", "3,128,128", "--json"])  # doctest: +ELLIPSIS
        [{"layer": "conv1", ...
        0
    """
    prepare_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()  # the reader has seen enough, as `head` does
        return 0
    except KeyboardInterrupt:
        print("convkit: interrupted; what was written stays usable", file=sys.stderr)
        return 130
    except (ConvkitError, OSError) as error:
        message = "\n".join(plain(line) for line in as_typed(str(error)).splitlines())
        print(f"convkit: {message}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:  # the disk that it goes to is full
            drop_output()
        return 1
    return code


def _run(arguments: Sequence[str] | None) -> int:
    """Read the arguments and do what they ask for."""
    try:
        parsed = _parser().parse_args(arguments)
        code: int = parsed.run(parsed)
    except SystemExit as stop:  # argparse has said why, or has shown the help
        return stop.code if isinstance(stop.code, int) else 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="convkit",
        description="From a table of layers to a trained, measured and explained image CNN.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"convkit {__version__}")
    add_completion(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for room in (_demo, _calculate, _train, _inspect, _runs, _export):
        room.add_commands(commands)
    for command in commands.choices.values():  # examples stand as they are typed
        command.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser
