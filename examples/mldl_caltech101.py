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
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

from convkit import Architecture, EarlyStopping, Trainer, data, plots, report
from convkit.architecture import zoo
from convkit.errors import TrainingError
from convkit.training import BackToBest, Run, TrainingOptions, read_run, search, transfer

EPOCHS, BATCH = 30, 256
BACK_AFTER = 5  # epochs without a better validation accuracy; which quantity decides is our choice
LARGEST, TEST_IMAGES = 266, 2893  # test images of airplanes, and of all classes

ALEXNET = """
| layer | output | parameters |
| --- | --- | --- |
| Conv 3->64, k11, s4, pad 2, ReLU | 64x55x55 | 23,296 |
| MaxPool 3, s2 | 64x27x27 | |
| Conv 64->192, k5, pad 2, ReLU | 192x27x27 | 307,392 |
| MaxPool 3, s2 | 192x13x13 | |
| Conv 192->384, k3, pad 1, ReLU | 384x13x13 | 663,936 |
| Conv 384->256, k3, pad 1, ReLU | 256x13x13 | 884,992 |
| Conv 256->256, k3, pad 1, ReLU | 256x13x13 | 590,080 |
| MaxPool 3, s2 | 256x6x6 | |
| Adaptive average pool 6 | 256x6x6 | |
| Flatten | 9216 | |
| Dropout 0.5 | 9216 | |
| Linear 4096, ReLU, dropout 0.5 | 4096 | 37,752,832 |
| Linear 4096, ReLU | 4096 | 16,781,312 |
| Linear 101 | 101 | 413,797 |
"""
THIN = "conv 8 k3 relu, maxpool 2, flatten, linear 16 relu, linear 10"  # for --quick


@dataclass(frozen=True)
class Row:
    """One training of a table, and what was published of it."""

    lr: float
    step: int
    decay: float
    gamma: float
    loss: float | None = None  # on validation
    accuracy: float | None = None
    test: float | None = None
    _: KW_ONLY
    start: str = "pretrained"  # or "scratch"
    title: str = ""
    net: str = "alexnet"
    batch_size: int = BATCH
    frozen: type[nn.Module] | None = None  # the kind of layer that keeps its weights
    augment: Sequence[data.Augmentation] = ()

    def __str__(self) -> str:
        settings = f"lr {self.lr:g}, step {self.step}, decay {self.decay:g}, gamma {self.gamma:g}"
        return f"{self.title}, {settings}" if self.title else settings


D = 5e-5  # the default weight decay
new = partial(Row, start="scratch")
SCRATCH = [
    new(1e-3, 20, D, 0.1, 4.55, 0.09, 0.09),
    new(1e-2, 20, D, 0.1, 3.24, 0.31),
    new(1e-1, 20, D, 0.1, 2.85, 0.40, 0.41),
    new(1e-2, 15, D, 0.1, 3.49, 0.26),
    new(1e-2, 10, D, 0.1, 4.18, 0.15),
    new(1e-2, 5, D, 0.1, 4.24, 0.09),
    new(1e-2, 20, 5e-4, 0.1, 3.34, 0.28),
    new(1e-2, 20, 5e-6, 0.1, 3.35, 0.29),
    new(1e-2, 20, D, 0.2, 3.31, 0.30),
    new(1e-2, 20, D, 0.3, 3.16, 0.30),
    new(1e-2, 20, D, 0.5, 2.95, 0.35, 0.37),
]
PRETRAINED = [
    Row(1e-3, 20, D, 0.1, 0.75, 0.81, 0.81),  # task 8 has 0.7162 / 0.82 for the same settings
    Row(1e-2, 20, D, 0.1, 0.75, 0.82, 0.81),  # and the test table 0.71
    Row(1e-1, 20, D, 0.1, 0.72, 0.82),
    Row(1e-2, 15, D, 0.1, 0.77, 0.82),
    Row(1e-2, 5, D, 0.1, 0.74, 0.84, 0.82),
    Row(1e-2, 20, 5e-4, 0.1, 0.73, 0.81),
    Row(1e-2, 20, 5e-6, 0.1, 0.75, 0.81),
    Row(1e-2, 20, D, 0.3, 0.75, 0.82),
    Row(1e-2, 20, D, 0.5, 0.83, 0.78),
]
# The settings of tasks 10 to 12 are not all known; these are the first of the pre-trained ones.
near = partial(Row, 1e-3, 20, D, 0.1)
FROZEN = [
    near(0.72, 0.82),
    near(0.60, 0.84, 0.84, title="convs frozen", frozen=nn.Conv2d),
    near(2.03, 0.56, title="linear layers frozen", frozen=nn.Linear),
]
BENT = (data.HorizontalFlip(), data.VerticalFlip(), data.Rotate(30), data.Perspective())
JITTER = data.ColorJitter(0.4, 0.4, 0.4, 0.1)  # torchvision's defaults would change nothing
GREY = (*BENT, data.Greyscale(1.0), JITTER)
AUGMENTATION = [
    near(1.21, 0.69, title="(1) flips, rotation, perspective", augment=BENT),
    near(1.27, 0.69, title="(2) with ColorJitter", augment=(*BENT, JITTER)),
    near(0.76, 0.81, 0.82, title="(3) with Grayscale too", augment=GREY),
]
NETS = [
    near(0.34, 0.92, 0.91, title="ResNet-50", net="resnet50", batch_size=16),
    near(0.66, 0.84, 0.84, title="VGG-16", net="vgg16", batch_size=8),
]
TABLES = {  # each task's heading, rows and remark
    "scratch": ("Tasks 2 to 7: from scratch", SCRATCH, ""),
    "pretrained": ("Tasks 8 and 9: from ImageNet's weights", PRETRAINED,
     "The default's published loss, 0.7162, stands in the row of 1e-1: probably swapped rows."),
    "frozen": ("Task 10: frozen parts", FROZEN, ""),
    "augmentation": ("Task 11: augmentation", AUGMENTATION,
     "(3) contains (2), yet was published 12 points above it; rotation 30, jitter 0.4 are ours."),
    "nets": ("Task 12: other networks", NETS, ""),
}  # fmt: skip
HOW = f"SGD, momentum 0.9; {BACK_AFTER} epochs without a better validation accuracy lead back."
RATES, DECAYS = [1e-3, 1e-2, 1e-1], [D, 5e-4, 5e-6]
GRIDS = {  # one setting at a time, in this order
    "scratch": {
        "lr": RATES,
        "step": [20, 15, 10, 5],
        "decay": DECAYS,
        "gamma": [0.1, 0.2, 0.3, 0.5],
    },
    "pretrained": {"lr": RATES, "step": [20, 15, 5], "decay": DECAYS, "gamma": [0.1, 0.3, 0.5]},
}
SUMMARY = [  # of these rows the one that is best on validation counts; published test accuracy
    ("AlexNet", SCRATCH[:1], 0.09),
    ("tuned", SCRATCH, 0.41),
    ("transfer", PRETRAINED[:1], 0.81),
    ("transfer, tuned", PRETRAINED, 0.82),
    ("convs frozen", FROZEN[1:2], 0.84),
    ("augmentation", AUGMENTATION, 0.82),
]


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Parameters and sizes of the networks."""
    page.section("Exact numbers", "The published 4096 flattened features are 9216.")
    alexnet, shape = Architecture.parse(ALEXNET), (3, 224, 224)
    summary = alexnet.summary(shape)
    kinds = {row.kind: row.output_shape for row in summary.rows}
    count = {k: sum(row.parameters for row in summary.rows if row.kind == k) for k in kinds}
    for quantity, reported, measured in (
        ("stated cells that are wrong", [], alexnet.check(shape)),
        ("AlexNet, 1000 outputs", 61_100_840, zoo.alexnet().summary(shape).parameters),
        ("flattened features", (9216,), kinds["flatten"]),
        ("nothing frozen, trained parameters", 57_417_637, summary.parameters),
        ("convs frozen, trained parameters", 54_947_941, count["linear"]),
        ("linear layers frozen, trained parameters", 2_469_696, count["conv"]),
        ("ResNet-50, 101 outputs", 23_714_981, zoo.resnet50(101).summary(shape).parameters),
        ("VGG-16, 101 outputs", 134_674_341, zoo.vgg16(101).summary(shape).parameters),
        ("one class always answered (%)", 9.19, round(100 * LARGEST / TEST_IMAGES, 2)),
        ("loss of a net that knows nothing, ln 101", 4.615, round(math.log(101), 3)),
    ):
        page.compare(quantity, reported=reported, measured=measured)


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
    for quantity, reported, measured in (
        ("classes", 101, len(sets.class_names)),
        ("training images", 5784, int(counts.sum())),
        ("test images", TEST_IMAGES, len(sets.test)),
        ("training and validation", [2892, 2892], [len(sets.train), len(sets.validation)]),
        ("lines of the background class", 468, len(sets.report.ignored)),
        ("largest and smallest class", [534, 21], [int(counts.max()), int(counts.min())]),
        ("test images of the largest class", LARGEST, max(sets.test.counts())),
        ("entropy of the classes (nats)", 4.186, round(-float(shares @ np.log(shares)), 3)),
        ("steps in an epoch", 11, len(sets.train) // BATCH),
    ):
        page.compare(quantity, reported=reported, measured=measured, stand_in=page.stand_in)
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
        named = model.named_modules()
        transfer.freeze(model, *(name for name, layer in named if isinstance(layer, row.frozen)))
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
    batches = data.batches(training, size, augment=row.augment, drop_last=True, seed=settings.seed)
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
    except TrainingError as error:
        return None, f"diverged: {error}"


def compare(
    page: report.Reproduction, title: str, reported: float, run: Run | None, split: str, note: str
) -> None:
    """A published accuracy beside that of a run."""
    other = "_from_" in run.directory.parent.name if run else False
    if run:
        low, high = (100 * end for end in run.evaluations[split]["accuracy_interval"])
        note = f"95 % interval {low:.1f} to {high:.1f}; {note}"
    page.compare(
        f"{title}: {split} accuracy (%)", reported=round(100 * reported), note=note,
        measured=run and round(100 * run.evaluations[split]["accuracy"], 2),
        band=(100 * reported - 2, 100 * reported + 2),
        stand_in="the weights of a run on other images" if other else "",
    )  # fmt: skip


def table(page: report.Reproduction, settings: argparse.Namespace, name: str) -> None:
    """Train the rows of one table, and set them beside the published ones."""
    title, rows, remark = TABLES[name]
    page.section(title, f"{HOW} {remark}")
    rates: dict[float, float] = {}
    for number, row in enumerate(rows, 1):
        left_out = settings.rows and number not in settings.rows
        run, note = (None, "left out") if left_out else attempt(row, settings)
        if run:
            page.trained(run)
            page.picture(run.history.plot(title=str(row)), f"{name}_{number}", f"{row}")
            found, minutes = run.evaluations["validation"], run.history["seconds"][-1] / 60
            rates.setdefault(row.lr, found["accuracy"])
            note = f"epoch {run.history.best_epoch} of {len(run.history)}, {minutes:.0f} minutes; "
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
    try:
        found = search.coordinate(GRIDS[start], run_one, score="accuracy", minimize=False)
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
        runs = [run for row in SCRATCH if (run := finished(row, settings))]
        minutes = [f"{run.history['seconds'][-1] / 60:.0f}" for run in runs]
        page.text(
            "Rows without a figure were not trained where this page was written: those from "
            f"scratch that were took {', '.join(minutes) or 'no'} minutes, and ImageNet's weights "
            "need a download."
        )
    shown = {}
    for title, rows, reported in SUMMARY:
        runs = [run for row in rows if (run := finished(row, settings))]
        best = max(runs, key=lambda run: run.evaluations["validation"]["accuracy"], default=None)
        compare(page, title, reported, best, "test", f"best of {len(runs)} of {len(rows)} runs")
        if best:
            shown[title] = best.evaluations["test"]["accuracy"]
    if shown:
        page.picture(plots.bars(shown, share=True, label="test accuracy"), "summary", "Summary")


# %% The script
TASKS = {
    "images": images,
    **{name: partial(table, name=name) for name in TABLES},
    **{f"{start}-search": partial(greedy, start=start) for start in GRIDS},
    "summary": summary,
}


PICTURES = {  # and their panels
    **{f"{name}_{k}": 2 for name, (_, rows, _) in TABLES.items() for k in range(1, len(rows) + 1)},
    **dict.fromkeys(("classes", "search_scratch", "search_pretrained"), 4),
    **dict.fromkeys(("samples", "summary"), 1),
}

if __name__ == "__main__":
    script = report.ReproductionScript(
        "MLDL: AlexNet on Caltech-101", TASKS, exact=exact, pictures=PICTURES,
        data="caltech101", weights="folder of weights",
    )  # fmt: skip
    add = script.parser.add_argument
    add("--rows", nargs="+", type=int, help="train only these rows of the tables, from 1")
    add("--epochs", type=int, default=EPOCHS, help="fewer are said on the page")
    add("--report", action="store_true", help="train nothing: a page of what is in --out")
    script.run()
