"""`convkit --print-completion bash`: what a shell reads to complete commands, options and files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from convkit.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHELLS = ("bash", "zsh", "tcsh")
_FILES = {"table", "layers", "images", "image", "csv", "weights", "page", "data"}
_FOLDERS = {"run_directory", "runs", "out", "downloads", "network"}


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add `--print-completion`."""
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=_SHELLS,
        help="print what completes the command in that shell, and end",
    )


class _PrintCompletion(argparse.Action):
    """Prints and ends, as `--version` does; shtab is loaded only here."""

    @override
    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, values: Any, option: object = None
    ) -> None:
        try:
            import shtab
        except ImportError:
            raise MissingExtraError("--print-completion", "shtab", "completion") from None
        for action in _actions(parser):
            if action.dest in _FILES | _FOLDERS:
                kind = shtab.FILE if action.dest in _FILES else shtab.DIRECTORY
                action.complete = kind  # type: ignore[attr-defined]  # where shtab looks for it
        print(shtab.complete(parser, values))
        parser.exit()


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of the command and of its commands."""
    for action in parser._actions:  # argparse has no public way to walk a parser
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _actions(inner)
