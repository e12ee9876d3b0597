"""MLDL homework 2: AlexNet on Caltech-101, from scratch and from ImageNet's weights.

    python examples/mldl_caltech101.py --data caltech101 --weights weights
    python examples/mldl_caltech101.py --task scratch --rows 1 3 --data caltech101

`--data` holds `101_ObjectCategories/CLASS/*.jpg`, `train.txt` and `test.txt` as the course's own
repository does. `--weights` is a folder of weights by the names of the networks: torchvision's
files (`alexnet-owt-7be5be79.pth`), or runs on other images, which `pretrain.py` trains; without it
torchvision downloads its own. `--rows` trains only these rows of a task's table, `--report` none:
the page then says what is in `--out`.
"""

# %% Settings
from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mldl_alexnet import ALEXNET, PUBLISHED, exact
from torch import nn
from torch.optim.lr_scheduler import StepLR

from convkit import Architecture, EarlyStopping, Trainer, data, plots, report
from convkit.errors import CheckpointError, TrainingError
from convkit.training import BackToBest, Run, TrainingOptions, read_run, search, transfer

EPOCHS, BATCH = 30, 256
BACK_AFTER = 5  # epochs without a better validation accuracy; which quantity decides is our choice
THIN = "conv 8 k3 relu, maxpool 2, flatten, linear 16 relu, linear 10"  # for --quick
BENT = (data.HorizontalFlip(), data.VerticalFlip(), data.Rotate(30), data.Perspective())
JITTER = data.ColorJitter(0.4, 0.4, 0.4, 0.1)  # torchvision's defaults would change nothing
AUGMENTATIONS = {0: (), 1: BENT, 2: (*BENT, JITTER), 3: (*BENT, data.Greyscale(1.0), JITTER)}
KINDS = {"conv": nn.Conv2d, "linear": nn.Linear}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One training of a table, and what was published of it."""

    lr: float
    step: int
    decay: float
    gamma: float
    start: str  # "scratch" or "pretrained"
    title: str = ""
    net: str = "alexnet"
    batch_size: int = BATCH
    frozen: str = ""  # the kind of layer that keeps its weights
    augment: int = 0
    loss: float | None = None  # on validation
    accuracy: float | None = None
    test: float | None = None

    def __str__(self) -> str:
        settings = f"lr {self.lr:g}, step {self.step}, decay {self.decay:g}, gamma {self.gamma:g}"
        return f"{self.title}, {settings}" if self.title else settings


TABLES = {
    name: [Row(**table["settings"], **row) for row in table["rows"]]
    for name, table in PUBLISHED["tables"].items()
}
HOW = f"SGD, momentum 0.9; {BACK_AFTER} epochs without a better validation accuracy lead back."


# %% Task 1: the images
@cache
def read_sets(folder: Path, *, quick: bool) -> data.Sets:
    """The course's lists; half of each class's training images validate. Mean and std 0.5."""
    if quick:
        return data.drawn_shapes(train=40, validation=40, test=40)
    return data.caltech101(folder, 224, resize=256, seed=0, download=False, mean=0.5, std=0.5)


def images(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Class histograms, counts of the lists, a grid of training images."""
    sets = read_sets(settings.data, quick=settings.quick)
    page.section("Task 1: the images", f"```text\n{sets}\n```")
    counts = np.array(sets.train.counts()) + sets.validation.counts()
    shares = counts / counts.sum()
    measured = {
        "classes": len(sets.class_names),
        "training images": int(counts.sum()),
        "test images": len(sets.test),
        "training and validation": [len(sets.train), len(sets.validation)],
        "lines of the background class": len(sets.report.ignored),
        "largest and smallest class": [int(counts.max()), int(counts.min())],
        "test images of the largest class": max(sets.test.counts()),
        "entropy of the classes (nats)": round(-float(shares @ np.log(shares)), 3),
        "steps in an epoch": len(sets.train) // BATCH,
    }
    other = page.stand_in
    for quantity, reported in PUBLISHED["images"].items():
        page.compare(quantity, reported=reported, measured=measured[quantity], stand_in=other)
    picture = plots.class_counts(sets, total=True)
    page.picture(picture, "classes", "Images of each class: all, training, validation, test")
    page.picture(sets.plot_samples(16), "samples", "Random training images")


# %% Tasks 2 to 12: training
def network(row: Row, sets: data.Sets, settings: argparse.Namespace) -> nn.Module:
    """AlexNet from the table, or a network with trained weights and a fresh head."""
    torch.manual_seed(settings.seed)
    if settings.quick or row.start == "scratch":
        table = THIN if settings.quick else ALEXNET
        return Architecture.parse(table).build(tuple(sets.train.images.shape[1:]))
    model, _ = transfer.pretrained(row.net, weights=weights_of(row, settings))
    transfer.replace_head(model, len(sets.class_names))
    return model


def weights_of(row: Row, settings: argparse.Namespace) -> Path | None:
    """A file or a run of its name in the folder; None lets torchvision fetch its own."""
    if row.start == "scratch" or settings.quick or not settings.weights:
        return None
    folder = Path(settings.weights)
    return next(iter(sorted(folder.glob(f"*{row.net}*"))), folder / row.net)


def directory_of(row: Row, settings: argparse.Namespace) -> Path:
    """One directory for each combination of settings: tables and searches share their runs."""
    weights = weights_of(row, settings)
    start = f"{row.start}_from_{weights.name}" if weights and weights.is_dir() else row.start
    return settings.out / start / re.sub(r"[^\w.-]+", "_", str(row))


def finished(row: Row, settings: argparse.Namespace) -> Run | None:
    """The run with these settings, when it was trained and measured."""
    directory = directory_of(row, settings)
    measured = (directory / "evaluation-validation.json").exists()
    return read_run(directory) if measured else None


def train(row: Row, settings: argparse.Namespace) -> Run | None:
    """Train with one combination of settings, unless it was; None when it shall not be."""
    run, epochs = finished(row, settings), 1 if settings.quick else settings.epochs
    if settings.report or (run and len(run.history) >= epochs):
        return run
    sets = read_sets(settings.data, quick=settings.quick)
    model = network(row, sets, settings)
    if row.frozen:
        kind, named = KINDS[row.frozen], model.named_modules()
        transfer.freeze(model, *(name for name, layer in named if isinstance(layer, kind)))
    trainer = Trainer(
        model, optimizer="sgd", lr=row.lr, momentum=0.9, weight_decay=row.decay,
        scheduler=lambda optimizer: StepLR(optimizer, row.step, row.gamma),
        early_stopping=EarlyStopping(None, smoothing=None, monitor="validation_accuracy"),
        options=TrainingOptions(back_to_best=BackToBest(BACK_AFTER)),
        directory=directory_of(row, settings), seed=settings.seed, precision=settings.precision,
    )  # fmt: skip
    imagenet = row.start == "pretrained"
    normal = (data.IMAGENET_MEAN, data.IMAGENET_STD) if imagenet else (0.5, 0.5)
    training, validation, test = (each.with_normalization(*normal) for each in sets)
    size = 16 if settings.quick else row.batch_size
    batches = data.batches(
        training, size, augment=AUGMENTATIONS[row.augment], drop_last=True, seed=settings.seed
    )
    trainer.fit(batches, validation, epochs=epochs, resume=True)
    trainer.evaluate(test)
    trainer.evaluate(validation)  # the last file of a run that is finished
    return finished(row, settings)


def attempt(row: Row, settings: argparse.Namespace) -> tuple[Run | None, str]:
    """The run of a row, or why there is none."""
    try:
        return train(row, settings), "not trained here"
    except OSError as error:
        return None, f"there are no weights ({error})"
    except CheckpointError as error:  # an unfinished run in --out has other settings
        raise SystemExit(str(error)) from error
    except TrainingError as error:
        return None, f"diverged: {error}"


def compare(
    page: report.Reproduction, title: str, reported: float, run: Run | None, split: str, note: str
) -> None:
    """A published accuracy beside that of a run."""
    other = run and "_from_" in run.directory.parent.name
    page.compare_evaluation(
        run and run.evaluations[split], name=f"{title}: {split}", accuracy=round(100 * reported),
        note=note, stand_in="the weights of a run on other images" if other else "",
    )  # fmt: skip


def table(page: report.Reproduction, settings: argparse.Namespace, name: str) -> None:
    """Train the rows of one table, and set them beside the published ones."""
    described = PUBLISHED["tables"][name]
    page.section(described["heading"], f"{HOW} {described['remark']}")
    rates: dict[float, float] = {}
    for number, row in enumerate(TABLES[name], 1):
        left_out = settings.rows and number not in settings.rows
        run, note = (None, "left out") if left_out else attempt(row, settings)
        if run:
            page.picture(run.history.plot(title=str(row)), f"{name}_{number}", f"{row}")
            found = run.evaluations["validation"]
            rates.setdefault(row.lr, found["accuracy"])
            note = f"epoch {run.history.best_epoch} of {len(run.history)}, {page.trained(run)}; "
            note += f"validation loss {found['loss']:.2f}, reported {row.loss}"
        compare(page, str(row), row.accuracy, run, "validation", note)
        if row.test is not None:
            compare(page, str(row), row.test, run, "test", note)
    if name == "scratch" and len(rates) == 3:
        page.compare("validation accuracy of rates: 1e-3 < 1e-2 <= 1e-1", reported=1, band=(1, 1),
                     measured=int(rates[1e-3] < rates[1e-2] <= rates[1e-1]))  # fmt: skip


def greedy(page: report.Reproduction, settings: argparse.Namespace, start: str) -> None:
    """One setting at a time: keep the best on validation, go on."""

    def run_one(values: dict[str, Any]) -> dict[str, float]:
        run, _ = attempt(Row(**values, start=start), settings)
        if run is None:
            return {"accuracy": math.nan}  # such a score is never kept
        found = {**run.evaluations["validation"], "epoch": run.history.best_epoch}
        return {name: found[name] for name in ("accuracy", "loss", "epoch")}

    page.section(f"One setting at a time, {start}", f"{HOW} NaN: not trained here.")
    grid = PUBLISHED["grids"][start]
    try:
        found = search.coordinate(grid, run_one, score="accuracy", minimize=False)
    except TrainingError:
        page.text("Not run: none of the rates was trained to a finite score.")
        return
    page.code(str(found))
    best = finished(Row(**found.best, start=start), settings)
    page.text(f"Its test accuracy: {best.evaluations['test']['accuracy']:.2%}.")
    page.picture(found.plot(label="validation accuracy"), f"search_{start}", "What was kept")


# %% Task 13
def summary(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Of each kind, the test accuracy of the run that was best on validation."""
    page.section("Task 13: summary of test accuracies")
    if settings.report:
        runs = [run for row in TABLES["scratch"] if (run := finished(row, settings))]
        minutes = [f"{run.history['seconds'][-1] / 60:.0f}" for run in runs]
        page.text(
            "Rows without a figure were not trained where this page was written: those from "
            f"scratch that were took {', '.join(minutes) or 'no'} minutes, and ImageNet's weights "
            "need a download."
        )
    shown = {}
    for title, published in PUBLISHED["summary"].items():
        rows = TABLES[published["table"]][slice(*published["rows"])]
        runs = [run for row in rows if (run := finished(row, settings))]
        best = max(runs, key=lambda run: run.evaluations["validation"]["accuracy"], default=None)
        note = f"best of {len(runs)} of {len(rows)} runs"
        compare(page, title, published["accuracy"], best, "test", note)
        if best:
            shown[title] = best.evaluations["test"]["accuracy"]
    if shown:
        page.picture(plots.bars(shown, share=True, label="test accuracy"), "summary", "Summary")


# %% The script
TASKS = {
    "images": images,
    **{name: partial(table, name=name) for name in TABLES},
    **{f"{start}-search": partial(greedy, start=start) for start in PUBLISHED["grids"]},
    "summary": summary,
}

if __name__ == "__main__":
    script = report.ReproductionScript(
        "MLDL: AlexNet on Caltech-101", TASKS, exact=exact, pictures=PUBLISHED["pictures"],
        data="caltech101", weights="folder of weights",
    )  # fmt: skip
    add = script.parser.add_argument
    add("--rows", nargs="+", type=int, help="train only these rows of the tables, from 1")
    add("--epochs", type=int, default=EPOCHS, help="fewer are said on the page")
    add("--report", action="store_true", help="train nothing: a page of what is in --out")
    script.run()
