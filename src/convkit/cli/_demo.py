"""`convkit demo`: the whole path, from a table to a page with pictures, on figures drawn here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from convkit._files import replace_file
from convkit.cli._arguments import Commands, seed
from convkit.cli._terminal import show, show_confusion
from convkit.errors import RunError

if TYPE_CHECKING:
    import argparse

    from convkit.data import Sets
    from convkit.training import Trainer

TABLE = """
| layer | filters | kernel | padding | activation | output | parameters |
| --- | --- | --- | --- | --- | --- | --- |
| Conv2d | 16 | 3x3 | 1 | ReLU | 16x32x32 | 448 |
| MaxPool | | 2x2 | | | 16x16x16 | |
| Conv2d | 32 | 3x3 | 1 | ReLU | 32x16x16 | 4,640 |
| MaxPool | | 2x2 | | | 32x8x8 | |
| Conv2d | 64 | 3x3 | 1 | ReLU | 64x8x8 | 18,496 |
| MaxPool | | 2x2 | | | 64x4x4 | |
| Flatten | | | | | 1024 | |
| Linear | 64 | | | ReLU | 64 | 65,600 |
| Linear | 10 | | | | 10 | 650 |
"""
EPOCHS, BATCH_SIZE, LEARNING_RATE = 12, 64, 2e-3
FIRST_LAYERS = 2  # how many conv layers are looked into


def add_commands(commands: Commands) -> None:
    """Add `demo`."""
    demo = commands.add_parser(
        "demo",
        help="the whole tour on drawn figures: offline, under a minute on two cores",
        description="Build a network from a table, check it, train it, measure it, look inside.",
    )
    demo.add_argument("--out", help="where the run goes (default: convkit-demo, or the next free)")
    demo.add_argument(
        "--seed", type=seed, default=0, help="of figures, weights and order (default: 0)"
    )
    demo.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    began = time.perf_counter()
    directory = Path(arguments.out) if arguments.out else _free_directory(Path("convkit-demo"))
    if (directory / "configuration.json").exists():  # a demo begins anew, so this is no place
        raise RunError(f"{directory} already holds a training: choose another directory for --out")
    sets, trainer = _build_and_check(directory, arguments.seed)
    _train(trainer, sets, arguments.seed)
    _measure(trainer, sets)
    _look_inside(trainer, sets, directory)

    from convkit import report

    page = report.write(directory)
    print(f"\nDone in {time.perf_counter() - began:.0f} s. The page of this run:\n{page}")
    return 0


def _build_and_check(directory: Path, seed: int) -> tuple[Sets, Trainer]:
    """Read the table, compare what it states with what follows, overfit one batch."""
    import torch

    from convkit import data
    from convkit.architecture import Architecture
    from convkit.training import EarlyStopping, Trainer, overfit_batch

    architecture = Architecture.parse(TABLE)
    shape = (3, 32, 32)
    print("1. The table of layers, with what follows from it\n")
    show(architecture.summary(shape).table())
    findings = architecture.check(shape)
    agrees = "everything the table states agrees with what follows"
    print("   check:", "; ".join(map(str, findings)) or agrees)

    print("\n2. The drawn figures, and a first check: can the network learn one batch by heart?\n")
    sets = data.drawn_shapes(seed=seed)
    print(sets)
    torch.manual_seed(seed)
    model = architecture.build(shape)
    batch = next(iter(data.batches(sets.train, batch_size=BATCH_SIZE, seed=seed)))
    print(overfit_batch(model, batch))
    trainer = Trainer(
        model,
        optimizer="adamw",
        lr=LEARNING_RATE,
        early_stopping=EarlyStopping(patience=3, smoothing=0.5),
        directory=directory,
        seed=seed,
    )
    return sets, trainer


def _train(trainer: Trainer, sets: Sets, seed: int) -> None:
    """Train until the smoothed validation loss stops falling."""
    from convkit import data
    from convkit.training import StopReason

    print("\n3. Training until the smoothed validation loss stops falling\n", flush=True)
    batches = data.batches(
        sets.train, batch_size=BATCH_SIZE, augment=[data.HorizontalFlip()], seed=seed
    )
    history = trainer.fit(batches, sets.validation, epochs=EPOCHS, batch_size=BATCH_SIZE)
    if history.stop is not None and history.stop.reason is StopReason.INTERRUPTED:
        raise KeyboardInterrupt  # the best weights are back and written


def _measure(trainer: Trainer, sets: Sets) -> None:
    """How good, and how sure."""
    print("\n4. The test set\n")
    result = trainer.evaluate(sets.test)
    print(result)
    show_confusion(result.confusion)


def _look_inside(trainer: Trainer, sets: Sets, directory: Path) -> None:
    """Pair filters with the maps they make, and prove that they are pairs."""
    import io

    from convkit import data
    from convkit.features import FilterFeatureExtractor

    print("\n5. Filters beside the maps they make\n")
    shown = sets.test or sets.train
    images = next(iter(data.batches(shown, batch_size=8, shuffle=False)))[0]
    with FilterFeatureExtractor(trainer.model) as extractor:
        names = list(extractor.layers)[:FIRST_LAYERS]
        pairs = extractor.extract(images, layers=names)
    for name in names:
        strongest = max(pairs[name], key=lambda pair: float(pair.feature_map.clamp(min=0).mean()))
        same = "it is the same" if strongest.verify() else "IT DIFFERS"
        picture = io.BytesIO()
        pairs[name].plot(channels=range(8)).savefig(picture, format="png")
        path = replace_file(directory / f"filters-{name}.png", picture.getvalue())
        print(
            f"{name}, filter {strongest.index}: {strongest.describe().sentence}. "
            f"Its map is not positive at {100 * strongest.share_non_positive:.0f} % of the places; "
            f"recomputed from the filter, {same}. {path}"
        )


def _free_directory(wanted: Path) -> Path:
    """The wanted directory, or the first numbered one that does not exist: nothing is lost."""
    candidate, number = wanted, 1
    while candidate.exists():
        number += 1
        candidate = wanted.with_name(f"{wanted.name}-{number}")
    return candidate
