"""Arguments that several commands share, and how their text is read."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convkit._tables import Table
    from convkit.architecture import Architecture
    from convkit.data import Sets

Commands = Any  # argparse keeps the type of its sub-parsers to itself
FORMS = ("text", "markdown", "latex", "csv")


def size(text: str) -> tuple[int, ...]:
    """Read `3,32,32` (or `3x32x32`) as the shape of one image.

    Examples:
        >>> size("3,32,32")
        (3, 32, 32)
    """
    parts = text.lower().replace("x", ",").replace("×", ",").split(",")
    if not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape; write it as 3,32,32")
    return tuple(int(part) for part in parts)


def positive(text: str) -> int:
    """Read a whole number of at least 1.

    Examples:
        >>> positive("64")
        64
    """
    if not text.isdecimal() or len(text) > 12 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def image_size(text: str) -> int | tuple[int, int]:
    """Read `64` (shorter side and centre crop) or `48,64` (height, width).

    Examples:
        >>> image_size("48,64")
        (48, 64)
    """
    read = size(text)
    if len(read) == 1:
        return read[0]
    if len(read) == 2:
        return (read[0], read[1])
    raise argparse.ArgumentTypeError(f"{text!r} is no image size; write 64, or 48,64")


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a data set."""
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR|FILE.csv|cifar10|drawn",
        help="a folder with one folder per class, a CSV of path,label, cifar10, or drawn figures",
    )
    parser.add_argument("--size", type=image_size, help="image size: 64, or height,width")
    parser.add_argument(
        "--downloads", default="downloads", help="where cifar10 is kept (default: %(default)s)"
    )
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="leave unreadable files out, and say which"
    )


def read_data(
    arguments: argparse.Namespace, *, validation: float, seed: int, image: Any = None
) -> Sets:
    """Load the data set that `--data` names.

    Args:
        arguments: The parsed arguments of `add_data`.
        validation: The share of the training images that is set aside.
        seed: The seed of that split.
        image: The image size when `--size` is not given.
    """
    from convkit import data

    wanted = arguments.size or image
    if arguments.data == "drawn":
        return data.drawn_shapes(seed=seed)
    if arguments.data == "cifar10":
        return data.cifar10(arguments.downloads, validation=validation, seed=seed)
    read = data.image_list if arguments.data.lower().endswith(".csv") else data.image_folder
    return read(
        arguments.data,
        size=wanted,
        validation=validation,
        seed=seed,
        on_unreadable="skip" if arguments.skip_unreadable else "raise",
    )


def read_architecture(text_or_path: str) -> Architecture:
    """Read a table from a file, or from the argument itself when no such file exists."""
    from convkit.architecture import Architecture

    if Path(text_or_path).suffix or Path(text_or_path).exists():
        return Architecture.read(text_or_path)
    return Architecture.parse(text_or_path)


def show(table: Table, form: str = "text") -> None:
    """Print a table in one of `FORMS`; as text it is folded to fit the terminal."""
    if form == "text":
        width = shutil.get_terminal_size((10_000, 24)).columns if sys.stdout.isatty() else None
        print(table.to_text(width=width))
    else:
        print(getattr(table, f"to_{form}")().rstrip("\n"))


def show_json(value: object) -> None:
    """Print one strict JSON document."""
    print(json.dumps(value, allow_nan=False, ensure_ascii=False))
