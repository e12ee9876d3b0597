"""`convkit export`: a trained run as one file that runs elsewhere, checked on images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from convkit._escaping import plain
from convkit.cli._arguments import Commands, number, read_part

if TYPE_CHECKING:
    import argparse

_ENDINGS = {"onnx": "model.onnx", "torch": "model.pt2"}


def add_commands(commands: Commands) -> None:
    """Add `export`."""
    export = commands.add_parser(
        "export",
        help="a trained run as one ONNX or torch.export file",
        description="Write a trained network with its normalisation, classes and table into one "
        "file that takes uint8 images, and compare its answers with those of the run.",
        epilog="example: convkit export runs/first --to onnx --check photos/",
    )
    export.add_argument("run_directory", metavar="RUN", help="the directory of a run")
    export.add_argument("--to", choices=tuple(_ENDINGS), default="onnx", help="default: onnx")
    export.add_argument(
        "--out", metavar="FILE", help="default: model.onnx or model.pt2 in the run's directory"
    )
    export.add_argument("--logits", action="store_true", help="no softmax at the end")
    export.add_argument(
        "--check",
        dest="data",
        metavar="DIR|FILE.csv|cifar10|drawn",
        help="run the file on these images, and say how its answers differ",
    )
    export.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    export.add_argument(
        "--validation",
        type=number(0, 1),
        help="share of the training images held out, as it was in the training (default: 0.1)",
    )
    export.add_argument("--downloads", default="downloads", help="where cifar10 is kept")
    export.set_defaults(run=_export, parser=export, size=None, skip_unreadable=False)


def _export(arguments: argparse.Namespace) -> int:
    from convkit import training

    trainer = training.Trainer.load(arguments.run_directory)
    path = arguments.out or Path(arguments.run_directory) / _ENDINGS[arguments.to]
    if Path(path).suffix != Path(_ENDINGS[arguments.to]).suffix:
        arguments.parser.error(
            f"{plain(path)} does not end in {Path(_ENDINGS[arguments.to]).suffix}, "
            f"as --to {arguments.to} wants"
        )
    part = read_part(arguments) if arguments.data else None
    outputs: Literal["logits", "probabilities"] = "logits" if arguments.logits else "probabilities"
    network = training.export(trainer, path, outputs=outputs)
    print(network)
    if part is not None:
        print(network.check(trainer, part))
    return 0
