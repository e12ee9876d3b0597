"""`convkit train`, `evaluate` and `predict`: a run from the command is a run from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit.cli._arguments import (
    Commands,
    add_data,
    device,
    number,
    positive,
    read_architecture,
    read_data,
    read_part,
    seed,
)
from convkit.cli._terminal import show, show_confusion, show_json
from convkit.errors import DataError

if TYPE_CHECKING:
    import argparse


def add_commands(commands: Commands) -> None:
    """Add `train`, `evaluate` and `predict`."""
    _add_train(commands)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a trained run on a data set",
        epilog="example: convkit evaluate runs/first --data photos/",
    )
    evaluate.add_argument("run_directory", metavar="RUN", help="the directory of a run")
    add_data(evaluate)
    evaluate.add_argument("--split", choices=("train", "validation", "test"), default="test")
    evaluate.add_argument("--json", action="store_true", help="for a program to read")
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser(
        "predict",
        help="predict the classes of images",
        epilog="example: convkit predict runs/first holiday/*.jpg --csv predictions.csv",
    )
    predict.add_argument("run_directory", metavar="RUN", help="the directory of a run")
    predict.add_argument("images", nargs="+", help="image files, or folders with them below")
    form = predict.add_mutually_exclusive_group()
    form.add_argument("--csv", help="write name and predicted class here instead of printing")
    form.add_argument("--json", action="store_true", help="for a program to read")
    predict.set_defaults(run=_predict)


def _add_train(commands: Commands) -> None:
    train = commands.add_parser(
        "train",
        help="train a table of layers on a data set",
        description="Train until the smoothed validation loss stops falling.",
        epilog="examples:\n"
        '  convkit train "conv 16 k3 p1 relu, maxpool 2, flatten, linear 10" --data drawn --out '
        "runs/first\n"
        "  convkit train network.md --data photos/ --size 64 --flip --out runs/second\n"
        "  convkit train network.md --data photos/ --size 64 --flip --out runs/second --resume",
    )
    train.add_argument("table", help="the file of a table, or layers in one line")
    add_data(train)
    train.add_argument("--out", required=True, help="the directory of the run")
    train.add_argument("--epochs", type=positive, default=50, help="at most (default: %(default)s)")
    train.add_argument("--batch-size", type=positive, default=64, help="default: %(default)s")
    train.add_argument("--optimizer", default="adamw", help="default: %(default)s")
    train.add_argument(
        "--lr", type=number(0), default=1e-3, help="learning rate (default: %(default)s)"
    )
    train.add_argument("--weight-decay", type=number(0), default=0.0, help="default: %(default)s")
    train.add_argument("--patience", type=positive, default=5, help="default: %(default)s epochs")
    train.add_argument(
        "--smoothing",
        type=number(0, 1),
        default=0.6,
        help="of the validation loss, from 0 on and below 1 (default: %(default)s)",
    )
    train.add_argument("--flip", action="store_true", help="mirror half of the training images")
    train.add_argument(
        "--rotate", type=number(0, 180), default=0.0, help="by up to so many degrees"
    )
    train.add_argument(
        "--seed", type=seed, default=0, help="of weights, split and order (default: 0)"
    )
    train.add_argument("--device", type=device, default="auto", help="such as cpu or cuda:1")
    train.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    train.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> int:
    architecture = read_architecture(arguments.table)
    sets = read_data(arguments, seed=arguments.seed)

    import torch

    from convkit import data, training

    torch.manual_seed(arguments.seed)
    channels, height, width = sets.train.images.shape[1:]
    trainer = training.Trainer(
        architecture.build((int(channels), int(height), int(width))),
        optimizer=arguments.optimizer,
        lr=arguments.lr,
        weight_decay=arguments.weight_decay,
        early_stopping=training.EarlyStopping(
            patience=arguments.patience, smoothing=arguments.smoothing
        ),
        directory=arguments.out,
        seed=arguments.seed,
        device=arguments.device,
    )
    augment: list[data.Augmentation[Any]] = []
    if arguments.flip:
        augment.append(data.HorizontalFlip())
    if arguments.rotate:
        augment.append(data.Rotate(arguments.rotate))
    batches = data.batches(
        sets.train, batch_size=arguments.batch_size, augment=augment, seed=arguments.seed
    )
    history = trainer.fit(
        batches,
        sets.validation,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        resume=arguments.resume,
    )
    if history.stop is not None and history.stop.reason is training.StopReason.INTERRUPTED:
        raise KeyboardInterrupt  # the best weights are back and written
    if sets.test is not None:
        print(trainer.evaluate(sets.test))
    print(arguments.out)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from convkit import training

    trainer = training.Trainer.load(arguments.run_directory)
    result = trainer.evaluate(read_part(arguments))
    if arguments.json:
        show_json(training.read_run(arguments.run_directory).evaluations[arguments.split])
    else:
        print(result)
        show_confusion(result.confusion)
    return 0


def _predict(arguments: argparse.Namespace) -> int:
    from convkit import training

    trainer = training.Trainer.load(arguments.run_directory)
    predictions = trainer.predict(_image_files(arguments.images))
    if arguments.csv:
        predictions.to_csv(arguments.csv)
        print(arguments.csv)
    elif arguments.json:
        show_json(
            [
                {
                    "image": name,
                    "class": predictions.class_names[label],
                    "label": label,
                    "probabilities": dict(zip(predictions.class_names, shares, strict=True)),
                }
                for name, label, shares in zip(
                    predictions.names,
                    predictions.labels.tolist(),
                    predictions.probabilities.tolist(),
                    strict=True,
                )
            ]
        )
    else:
        show(predictions.table())
    return 0


def _image_files(names: list[str]) -> list[Path]:
    """The files named, and those below the folders named, in the order of their names."""
    return [
        file
        for path in map(Path, names)
        for file in (_files_below(path) if path.is_dir() else [path])
    ]


def _files_below(folder: Path) -> list[Path]:
    """Every file in a folder and in the folders in it, hidden ones left out."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise DataError(f"{folder} holds no images, nor does a folder in it")
    return files
