"""Arguments that several commands share, and how their text is read."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convkit._escaping import plain
from convkit._files import names_table_file
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from convkit.architecture import Architecture
    from convkit.data import DecodingOptions, ImageSet, Preprocessing, Sets

Commands = Any  # argparse keeps the type of its sub-parsers to itself
_HELD_OUT = 0.1  # of the training images, when `--validation` is not given
_FIXED = {  # what a data set decides itself: by its name and the option
    ("drawn", "size"): "the figures are drawn at 32x32",
    ("drawn", "validation"): "its validation images are drawn beside those for training",
    ("cifar10", "size"): "its images are 32x32",
}


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


def seed(text: str) -> int:
    """Read a whole number of at least 0.

    Examples:
        >>> seed("0")
        0
    """
    if not text.isdecimal() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def number(low: float, high: float = math.inf) -> Callable[[str], float]:
    """A reader of numbers from `low` on and below `high`.

    Examples:
        >>> number(0, 1)("0.6")
        0.6
    """

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value < high:
            below = "" if high == math.inf else f" and below {high:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} on{below}")
        return value

    return read


def device(text: str) -> str:
    """Read the name of a device, as torch knows it.

    Examples:
        >>> device("cpu")
        'cpu'
    """
    import torch

    if text != "auto":
        try:
            torch.empty(0, device=text)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).split("\n")[0]
            raise argparse.ArgumentTypeError(f"{text!r} is no device here: {reason}") from None
    return text


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
        "--validation",
        type=number(0, 1),
        help="share of the training images held out, where no part is set aside for it "
        f"(default: {_HELD_OUT})",
    )
    parser.add_argument(
        "--downloads", default="downloads", help="where cifar10 is kept (default: %(default)s)"
    )
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave unreadable files out, and say which on standard error",
    )
    parser.set_defaults(parser=parser)


def read_data(
    arguments: argparse.Namespace, *, seed: int, preprocessing: Preprocessing | None = None
) -> Sets:
    """Load the data set that `--data` names; an option that it cannot heed is wrong usage.

    Args:
        arguments: The parsed arguments of `add_data`, with their `parser`.
        seed: Of drawn figures, and of the split that holds validation images out.
        preprocessing: How files are cut and in which channels; `--size` comes before its sizes.
    """
    from convkit import data

    for (name, option), reason in _FIXED.items():
        if arguments.data == name and getattr(arguments, option) is not None:
            arguments.parser.error(f"--{option} does not go with {name}: {reason}")
    validation = _HELD_OUT if arguments.validation is None else arguments.validation
    wanted = preprocessing or data.Preprocessing()
    if arguments.size is not None:
        wanted = replace(wanted, size=arguments.size, resize=None)
    if arguments.data == "drawn":
        return data.drawn_shapes(seed=seed)
    options: DecodingOptions = {"on_unreadable": "skip" if arguments.skip_unreadable else "raise"}
    if arguments.data == "cifar10":
        sets = data.cifar10(arguments.downloads, validation=validation, seed=seed, **options)
    else:
        read = data.image_list if arguments.data.lower().endswith(".csv") else data.image_folder
        sets = read(
            arguments.data,
            size=wanted.size,
            resize=wanted.resize,
            channels=wanted.channels,
            **options,
        )
        if sets.validation is not None and arguments.validation is not None:
            arguments.parser.error(
                f"--validation does not go with {plain(arguments.data)}: "
                "it has validation images of its own"
            )
        if sets.validation is None and validation > 0:
            sets = sets.hold_out(validation, seed=seed)
    for path, reason in sets.report.unreadable:
        print(f"convkit: left out: {plain(path)} {plain(reason)}", file=sys.stderr)
    return sets


def read_part(arguments: argparse.Namespace) -> ImageSet:
    """The images of `--split` for a run to answer: cut as its own were, held out by its seed.

    Args:
        arguments: The parsed arguments, with `run_directory`.

    Raises:
        DataError: When the data set has no such part.
    """
    from convkit.data import Preprocessing
    from convkit.training import read_run

    configuration = read_run(arguments.run_directory).configuration
    noted = configuration.get("preprocessing")
    preprocessing = Preprocessing.from_dict(noted) if noted else None
    # The seed of the run: the same images are held out again, and the same figures are drawn.
    seed_of_run = (configuration.get("settings") or {}).get("seed") or 0
    sets = read_data(arguments, seed=seed_of_run, preprocessing=preprocessing)
    part: ImageSet | None = getattr(sets, arguments.split)
    if part is None:
        raise DataError(f"{arguments.data} has no {arguments.split} images")
    return part


def read_architecture(text_or_path: str) -> Architecture:
    """Read a table from a file, or from the argument itself when it names none."""
    from convkit.architecture import Architecture

    if names_table_file(text_or_path):
        return Architecture.read(text_or_path)
    return Architecture.parse(text_or_path)
