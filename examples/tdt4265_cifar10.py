"""TDT4265 assignment 3: convolution theory, CNNs on CIFAR-10, and transfer.

    python examples/tdt4265_cifar10.py --data downloads --out runs/tdt4265
    python examples/tdt4265_cifar10.py --task better-base --data downloads --out runs/tdt4265

`--data` is a folder with `train/CLASS/*` and `test/CLASS/*`, or the folder in which torchvision
keeps CIFAR-10 (`--download` fetches it). `--weights` is torchvision's name or file of a ResNet-18,
or the directory of a run that trained one. `--quick` runs every task in seconds on drawn figures.
The page sets every reported figure beside the measured one.
"""

# %% Settings
from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
import torchvision
from PIL import Image

from convkit import (
    Architecture,
    EarlyStopping,
    FilterFeatureExtractor,
    Trainer,
    data,
    plots,
    report,
    shapes,
)
from convkit.training import TrainingOptions, read_run, transfer

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
VALIDATION_SHARE = 0.1
EPOCHS, QUICK_EPOCHS, ABLATION_EPOCHS, TRANSFER_EPOCHS = 10, 2, 2, 5
STOP_COUNT = 4  # validations, two of them in an epoch
LOSS_BAND = 0.05  # our choice: published losses are from one run each
FILTERS = {14: "vertical edges", 26: "horizontal edges", 32: "blue (sky)", 49: "diagonal edges",
           52: "green (grass)"}  # fmt: skip
STAND_IN_IMAGES = 10_000  # of the training images, for weights that are not ImageNet's
COURSE = data.Preprocessing((224, 224), mean=data.IMAGENET_MEAN, std=data.IMAGENET_STD)

# Task 1a: an image and a Sobel kernel.
IMAGE = [[1, 0, 2, 3, 1], [3, 2, 0, 7, 0], [0, 6, 1, 1, 4]]
KERNEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
CORRELATION = [[2, -1, 11, -2, -13], [10, -4, 8, 2, -18], [14, -1, -5, 6, -9]]
CONVOLUTION = [[-2, 1, -11, 2, 13], [-10, 4, -8, -2, 18], [-14, 1, 5, -6, 9]]
REFLECTED = [[0, 4, -16, 2, 0], [0, 4, -8, -2, 0], [0, 4, 0, -6, 0]]
REPLICATED = [[-4, 0, 14, -3, -13], [3, -4, 8, 2, -13], [17, 0, -10, 9, 2]]
CIRCULAR = [[2, 0, 6, 1, -9], [5, -4, 8, 2, -11], [5, 0, -2, 5, -8]]

# Task 1g and task 2, in the assignment's own table.
BASE = """
| Layer | Layer Type | Number of Hidden Units / Filters | Kernel | Padding | Activation |
| --- | --- | --- | --- | --- | --- |
| 1 | Conv2D | 32 | 5x5 | 2 | ReLU |
| 1 | MaxPool2D | - | 2x2 | - | - |
| 2 | Conv2D | 64 | 5x5 | 2 | ReLU |
| 2 | MaxPool2D | - | 2x2 | - | - |
| 3 | Conv2D | 128 | 5x5 | 2 | ReLU |
| 3 | MaxPool2D | - | 2x2 | - | - |
|   | Flatten | - | - | - | - |
| 4 | Fully-Connected | 64 | - | - | ReLU |
| 5 | Fully-Connected | 10 | - | - | - |
"""

# Task 3. The text gives model 2's 3x3 convs padding 2 and final maps of 2x2, which need padding 1.
CONV = "| Conv2D | 64 | 5x5 | 2 | yes | ReLU |"
POOL = "| MaxPool2D | - | 2x2 | - | - | - |"
HEADER = (
    "| Layer Type | Filters | Kernel | Padding | BatchNorm | Activation |\n" + "| --- " * 6 + "|"
)
TAIL = "| Flatten | - | - | - | - | - |\n| Fully-Connected | 64 | - | - | - | ReLU |\n"
TAIL += "| Fully-Connected | 10 | - | - | - | - |"
FIRST = CONV.replace("5x5 | 2", "7x7 | 3")
MODEL_1 = "\n".join([HEADER, FIRST, CONV, POOL, CONV, CONV, POOL, CONV, CONV, POOL, TAIL])
MODEL_2 = "\n".join(
    [HEADER]
    + [
        f"| Conv2D | {filters} | {kernel} | {padding} | - | ReLU |\n{POOL}"
        for filters, kernel, padding in (
            (32, "5x5", 2),
            (64, "3x3", 1),
            (128, "3x3", 1),
            (64, "3x3", 1),
        )
    ]
    + [TAIL]
)


# %% Task 1: theory
def theory(page: report.Reproduction) -> None:
    """Tasks 1a to 1g, and what else follows from arithmetic."""
    page.section(
        "Task 1: theory",
        "A framework's conv layer is a cross-correlation; a true convolution turns the kernel by "
        "180 degrees. The published matrix is the cross-correlation.",
    )
    for name, matrix, flip, mode in (
        ("cross-correlation, zeros", CORRELATION, False, "zeros"),
        ("convolution, zeros", CONVOLUTION, True, "zeros"),
        ("convolution, reflect", REFLECTED, True, "reflect"),
        ("cross-correlation, replicate", REPLICATED, False, "replicate"),
        ("cross-correlation, circular", CIRCULAR, False, "circular"),
    ):
        worked = shapes.explain_convolution(IMAGE, KERNEL, padding=1, padding_mode=mode, flip=flip)
        page.compare(f"1a, {name}", reported=str(matrix), measured=str(worked.result))
        if name == "cross-correlation, zeros":
            page.text("Every product of every output position of the cross-correlation:")
            page.code(str(worked))
    page.compare("1a, position (2, 2)", reported=-5, measured=CORRELATION[2][2], note="text: -1")
    page.compare("1c, padding that keeps the size", reported=2, measured=shapes.same_padding(5))
    page.compare("1d, kernel", reported=9, measured=shapes.solve_kernel_size(512, 504)[0])
    page.compare(
        "1e, after the pool", reported=252, measured=shapes.pool_output(504, kernel_size=2)
    )
    page.compare("1f, second conv", reported=250, measured=shapes.conv_output(252, kernel_size=3))
    page.code(str(shapes.explain(shapes.solve_kernel_size, 512, 504)))
    pooling_tolerates_shifts(page)
    summary = Architecture.parse(BASE).summary((3, 32, 32))
    page.text("1g, the network:")
    page.text(summary.to_markdown())
    for task, table, parameters in (
        ("1g, base network", BASE, 390_410),
        ("3, model 1", MODEL_1, 588_810),
        ("3, model 2", MODEL_2, 185_674),
    ):
        counted = Architecture.parse(table).summary((3, 32, 32)).parameters
        page.compare(f"{task}, parameters", reported=parameters, measured=counted)
    with torch.device("meta"):  # counts without memory for weights
        model = torchvision.models.resnet18(weights=None)
        prepare(model, statistics=True)
        counted = transfer.report(model)
        first, last = model.conv1(torch.empty(1, 3, 224, 224)), maps_of(model, (1, 3, 224, 224))
    for quantity, reported, measured in (
        ("parameters", 11_181_642, counted.total),
        ("trainable", 8_398_858, counted.trainable),
        ("frozen", 2_782_784, counted.total - counted.trainable),
        ("filters of the first conv layer", "64x3x7x7", by(model.conv1.weight.shape)),
        ("its activation at 224", "64x112x112", by(first.shape[1:])),
        ("maps of the last stage at 224", "512x7x7", by(last.shape[1:])),
    ):
        page.compare(f"4, ResNet-18, {quantity}", reported=reported, measured=measured)


def pooling_tolerates_shifts(page: report.Reproduction) -> None:
    """Task 1b: what happens to a conv map, its ReLU and its max-pool when the image moves."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, 33, 33, generator=generator)
    image = torch.nn.functional.avg_pool2d(image, 5, stride=1, padding=2)
    kernel = torch.tensor(KERNEL, dtype=torch.float32)[None, None]
    moved = image.roll(1, dims=3)
    change = {}
    before, after = (torch.nn.functional.conv2d(x, kernel)[..., 1:-1] for x in (image, moved))
    for name, layer in (
        ("conv", torch.nn.Identity()),
        ("conv, ReLU", torch.nn.ReLU()),
        ("conv, ReLU, max-pool 4", torch.nn.Sequential(torch.nn.ReLU(), torch.nn.MaxPool2d(4))),
    ):
        difference = (layer(after) - layer(before)).norm() / layer(before).norm()
        change[name] = f"{name} {100 * float(difference):.0f} %"
    page.text(
        "1b, the image moved by one pixel changes the maps by (relative L2 norm): "
        + ", ".join(change.values())
        + ". The conv layer is only equivariant, its map moves along; max-pooling gives the "
        "tolerance."
    )


# %% Tasks 2 and 3: training
@dataclass(frozen=True)
class Run:
    """One network with its settings, and what was published of it."""

    name: str
    table: str
    batch_size: int
    optimizer: Callable[..., torch.optim.Optimizer]
    settings: str  # in words
    reported: dict[str, tuple[float | None, float]]  # split: loss, accuracy in percent
    band: tuple[float, float]  # of the test accuracy
    augment: Sequence[data.Augmentation] = ()
    initialise: Callable[[torch.nn.Module], None] | None = None
    epochs: int = EPOCHS
    cycle: bool = False  # of the learning rate, by step, up to the given one; and no stop rule
    smoothing: float = 0.0  # of the labels
    void: tuple[str, ...] = ()  # splits whose published loss does not fit its accuracy


def xavier(model: torch.nn.Module) -> None:
    """Initial weights that suit tanh."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.xavier_uniform_(layer.weight)


SGD, AdamW = torch.optim.SGD, torch.optim.AdamW
FLIP, LIGHT = data.HorizontalFlip(), (data.HorizontalFlip(), data.Rotate(3))
RUNS = {
    "base": Run(
        "Task 2: the base network", BASE, 64, partial(SGD, lr=5e-2),
        "SGD without momentum, learning rate 5e-2; the course's own run: test accuracy 72.1 %",
        {"train": (0.7095, 75.91), "validation": (0.8413, 71.22), "test": (0.8652, 70.58)},
        (68, 72),
    ),
    "model1": Run(
        "Task 3: model 1", MODEL_1, 32, partial(AdamW, lr=3e-4, weight_decay=0.05),
        "AdamW, learning rate 3e-4, weight decay 0.05, flips and rotations up to 3 degrees; the "
        "course's own run, of another network: test accuracy 82.3 %",
        {"train": (0.1348, 89.00), "validation": (0.5240, 82.34), "test": (0.5177, 82.76)},
        (80.76, 84.76), LIGHT, void=("train",),
    ),
    "model2": Run(
        "Task 3: model 2", MODEL_2, 64, partial(AdamW, lr=1e-3, weight_decay=0.01),
        "AdamW, learning rate 1e-3, weight decay 0.01, flips, hue and saturation by 0.05",
        {"train": (0.6392, 82.37), "validation": (0.7404, 76.04), "test": (0.7283, 76.09)},
        (74.09, 78.09), (data.ColorJitter(hue=0.05, saturation=0.05), FLIP),
    ),
    "tanh": Run(
        "Task 3: model 1 with tanh", MODEL_1.replace("ReLU", "Tanh"), 32,
        partial(AdamW, lr=3e-4, weight_decay=0.05),
        "as model 1, with tanh and Xavier's initial weights",
        {"test": (None, 76.59)}, (74.59, 78.59), LIGHT, xavier,
    ),
}  # fmt: skip
TRANSFERRED = Run(
    "Task 4: transfer", "", 32, partial(torch.optim.Adam, lr=5e-4),
    "ResNet-18, its last stage and a new head trained; Adam, learning rate 5e-4, no augmentation; "
    "the course's own run: test accuracy 88.7 %",
    {"train": (0.0174, 98.93), "validation": (0.3730, 89.92), "test": (0.3683, 90.13)},
    (88, 92.13), epochs=TRANSFER_EPOCHS, void=("train",),
)  # fmt: skip


def train(
    run: Run, model: torch.nn.Module, sets: Any, name: str, settings: argparse.Namespace
) -> Trainer:
    """Train a network, or find its training finished in the folder of that name."""
    epochs = QUICK_EPOCHS if settings.quick else run.epochs
    batches = sets.train
    if isinstance(batches, data.ImageSet):
        batches = data.batches(
            batches, run.batch_size, augment=run.augment, drop_last=True, seed=settings.seed
        )
    trainer = Trainer(
        model,
        optimizer=run.optimizer,
        scheduler="one_cycle" if run.cycle else None,
        early_stopping=None if run.cycle else EarlyStopping.count(STOP_COUNT),
        options=TrainingOptions(validations_per_epoch=2, label_smoothing=run.smoothing),
        directory=settings.out / name,
        seed=settings.seed,
        precision=settings.precision,
    )
    trainer.fit(batches, sets.validation, epochs=epochs, batch_size=run.batch_size, resume=True)
    return trainer


def build(run: Run, seed: int) -> torch.nn.Module:
    """The network of a table with fresh weights."""
    torch.manual_seed(seed)
    model = Architecture.parse(run.table).build(input_shape=(3, 32, 32))
    if run.initialise:
        run.initialise(model)
    return model


def network(page: report.Reproduction, settings: argparse.Namespace, name: str) -> None:
    """Train one network with its settings and measure on the whole of each set."""
    run, sets = RUNS[name], read_sets(settings)
    measure(page, run, name, train(run, build(run, settings.seed), sets, name, settings), sets)


def measure(
    page: report.Reproduction, run: Run, name: str, trainer: Trainer, sets: Any, note: str = ""
) -> None:
    """Accuracies and losses of the whole sets beside the published ones, and the pictures."""
    page.trained(trainer)
    page.section(
        run.name,
        f"{run.settings}. Batch {run.batch_size}, seed {trainer.seed}, {trainer.precision}, "
        f"{trainer.history['seconds'][-1] / 60:.1f} minutes; {trainer.history.stop_reason}. {note}",
    )
    for split, (loss, accuracy) in run.reported.items():
        result = trainer.evaluate(getattr(sets, split), split)
        low, high = 100 * result.accuracy_interval.low, 100 * result.accuracy_interval.high
        page.compare(
            f"{split} accuracy (%)",
            reported=accuracy,
            measured=round(100 * result.accuracy, 2),
            band=run.band if split == "test" else (accuracy - 2, accuracy + 2),
            note=f"95 % interval {low:.1f} to {high:.1f}",
        )
        if loss:
            unfit = split in run.void
            page.compare(
                f"{split} loss",
                reported=loss,
                measured=round(result.loss, 4),
                band=(loss - LOSS_BAND, loss + LOSS_BAND),
                lower_is_better=True,
                void=unfit,
                note="published: probably of the last batch, it does not fit the accuracy"
                if unfit
                else "",
            )
    figure = plots.curves(trainer.history, steps=True)
    page.picture(figure, f"{name}_curves", f"{run.name}: loss and accuracy")
    page.picture(result.confusion.plot(), f"{name}_confusion", f"{run.name}: test set")


def together(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Models 1 and 2 in one picture, ReLU against tanh in another."""
    page.section("Task 3: side by side")
    runs = {name: read_run(settings.out / name) for name in ("model1", "model2", "tanh")}
    relu, tanh = (100 * runs[name].evaluations["test"]["accuracy"] for name in ("model1", "tanh"))
    page.compare(
        "ReLU above tanh, test accuracy (points)", reported=5.28, measured=round(relu - tanh, 2),
        band=(0.01, 10), note="published: 81.87 % of a shorter run of model 1, 76.59 %",
    )  # fmt: skip
    for picture, names in (("models", ("model1", "model2")), ("tanh", ("model1", "tanh"))):
        histories = {RUNS[name].name: runs[name].history for name in names}
        caption = " and ".join(histories)
        page.picture(plots.compare_curves(histories), f"together_{picture}", caption)


# %% Task 3, optional: what helped, what hurt
LEAKY, SILU = (MODEL_1.replace("ReLU", name) for name in ("LeakyReLU", "SiLU"))
WIDER = MODEL_1.replace("| 64 | 5x5", "| {} | 5x5").replace("| 64 | 7x7", "| {} | 7x7")
DROPOUT = "| Dropout | 0.5 | - | - | - | - |\n| Flatten"
HEAD = "| Fully-Connected | 64 | - | - | - |"
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "model 1 itself": ("", {}),
    "batch 64": ("lower", {"batch_size": 64}),
    "filters 32, 64, 128": ("lower", {"table": WIDER.format(32, 32, 64, 64, 128, 128)}),
    "no augmentation": ("lower", {"augment": ()}),
    "no BatchNorm": ("lower", {"table": MODEL_1.replace("yes", "-")}),
    "SGD at 5e-2": ("lower", {"optimizer": partial(SGD, lr=5e-2)}),
    "tanh": ("lower", {"table": RUNS["tanh"].table, "initialise": xavier}),
    "rotations up to 90 degrees": ("lower", {"augment": (FLIP, data.Rotate(90))}),
    "Adam at 5e-2": ("lower", {"optimizer": partial(torch.optim.Adam, lr=5e-2)}),
    "dropout 0.5": (
        "lower",
        {"table": MODEL_1.replace("| Flatten", DROPOUT)},
    ),
    "BatchNorm1d": ("lower", {"table": MODEL_1.replace(HEAD, HEAD[:-3] + "yes |")}),
    "LeakyReLU": ("no gain", {"table": LEAKY}),
    "SiLU": ("no gain", {"table": SILU}),
    "Gaussian noise": ("no gain", {"augment": (*LIGHT, data.GaussianNoise(0.05))}),
    "a cycle of rates": ("no gain", {"cycle": True}),
}


def ablations(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Model 1 with one change each, for a few epochs: did the accuracy go where it was said to?"""
    sets, plain = read_sets(settings), 0.0
    page.section(
        "Task 3: ablations",
        f"Validation accuracy (%) after {ABLATION_EPOCHS} epochs, one seed; published are only "
        "directions, of trainings to the end: a change that needs time may differ here.",
    )
    for name, (direction, changes) in ABLATIONS.items():
        run = replace(RUNS["model1"], epochs=ABLATION_EPOCHS, **changes)
        folder = f"ablation-{name.replace(' ', '-')}"
        trainer = train(run, build(run, settings.seed), sets, folder, settings)
        page.trained(trainer)
        best = 100 * max(trainer.history["validation_accuracy"])
        plain = plain or best
        page.compare(
            name,
            reported=direction or "-",
            measured=round(best - plain, 2),
            band=(-100, 0.5 if direction != "lower" else 0),
            lower_is_better=True,
            note=f"points above model 1 itself; {best:.2f} %",
        )


# %% Better than reported
CROP = (FLIP, data.RandomCrop(32, padding=4))
BETTER = {  # epochs, highest rate, seeds
    "base": (16, 2e-3, (0, 1, 2)),
    "model1": (20, 2e-3, (0,)),
    "model2": (16, 3e-3, (0, 1, 2)),
}


def better(page: report.Reproduction, settings: argparse.Namespace, name: str) -> None:
    """The same network, trained better in no more time."""
    epochs, peak, seeds = BETTER[name]
    run = replace(
        RUNS[name], epochs=epochs, cycle=True, smoothing=0.05, batch_size=128, augment=CROP,
        optimizer=partial(AdamW, lr=peak, weight_decay=0.05, fused=True),
    )  # fmt: skip
    page.section(
        f"Better than reported: {name}",
        f"AdamW, weight decay 0.05, one cycle of the learning rate by step up to {peak}, batch "
        f"{run.batch_size}, flips, crops shifted by up to 4 pixels, labels smoothed by "
        f"{run.smoothing}, bfloat16, {epochs} epochs; rates chosen on validation images.",
    )
    sets, accuracies, minutes = read_sets(settings), [], []
    for seed in seeds:
        own = argparse.Namespace(**{**vars(settings), "seed": seed, "precision": "bfloat16"})
        trainer = train(run, build(run, seed), sets, f"better-{name}-{seed}", own)
        page.trained(trainer)
        accuracies.append(100 * trainer.evaluate(sets.test).accuracy)
        minutes.append(trainer.history["seconds"][-1] / 60)
    page.compare(
        "test accuracy (%)",
        reported=run.reported["test"][1],
        measured=round(mean(accuracies), 2),
        band=run.band,
        note=f"seeds {seeds}: {', '.join(f'{a:.2f}' for a in accuracies)}; "
        f"{mean(minutes):.1f} minutes each{plainly(settings.out / name)}",
    )


def plainly(directory: Path) -> str:
    """What the plain settings gave, where they were run."""
    if not (directory / "evaluation-test.json").exists():
        return ""
    run = read_run(directory)
    accuracy, minutes = 100 * run.evaluations["test"]["accuracy"], run.history["seconds"][-1] / 60
    return f"; the plain settings gave {accuracy:.2f} in {minutes:.1f} minutes"


# %% Task 4: transfer
def start(settings: argparse.Namespace) -> tuple[torch.nn.Module, data.Preprocessing, str]:
    """A trained ResNet-18, how its images are prepared, and what its weights stand in for."""
    if settings.quick:
        torch.manual_seed(settings.seed)
        small = replace(COURSE, size=(64, 64))
        return torchvision.models.resnet18(weights=None), small, "random weights, drawn figures"
    model, transform = transfer.pretrained("resnet18", weights=settings.weights)
    if isinstance(transform, data.Preprocessing):
        name = Path(settings.weights).name
        return model, transform, f"weights of the run {name}, {STAND_IN_IMAGES:,} images"
    return model, COURSE, ""


def prepare(model: torch.nn.Module, *, statistics: bool) -> None:
    """A new head; nothing but it and the last stage learns."""
    transfer.replace_head(model, 10)
    transfer.freeze(model, statistics=statistics)
    transfer.unfreeze(model, "layer4", "fc")


def transferred(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Train the last stage and a new head on CIFAR-10, enlarged."""
    sets = read_sets(settings)
    try:
        model, preprocessing, page.stand_in = start(settings)
    except OSError as error:
        page.section(TRANSFERRED.name)
        page.compare("test accuracy (%)", reported=90.13, measured=None, band=(88, 92.13),
                     note=f"there are no weights ({error})")  # fmt: skip
        return
    if page.stand_in and not settings.quick:
        few = torch.randperm(len(sets.train), generator=torch.Generator().manual_seed(0))
        sets = replace(sets, train=sets.train.subset(few[:STAND_IN_IMAGES]))
    prepare(model, statistics=settings.frozen_statistics)
    enlarged = argparse.Namespace(
        **{split: getattr(sets, split).with_transform(preprocessing)
           for split in ("train", "validation", "test")}
    )  # fmt: skip
    trainer = train(TRANSFERRED, model, enlarged, "transfer", settings)
    note = (
        f"Images enlarged to {by(preprocessing.size)}; the statistics of frozen batch norms are "
        f"{'kept' if settings.frozen_statistics else 'updated, as in the original'}."
    )
    measure(page, TRANSFERRED, "transfer", trainer, enlarged, note)
    page.stand_in = "drawn figures" if settings.quick else ""


def looks(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Five filters and their maps, and the first maps of the last stage, over the image too."""
    page.section("Task 4: filters and maps")
    try:
        model, preprocessing, stand_in = start(settings)
    except OSError as error:
        page.text(f"Not drawn: there are no weights ({error}).")
        return
    preprocessing = replace(preprocessing, size=(224, 224), resize=None)
    first = read_sets(settings).test.images[0].permute(1, 2, 0).numpy()
    image = Image.open(settings.image) if settings.image else Image.fromarray(first)
    page.text(f"On {stand_in}." if stand_in else "With the weights of ImageNet.")
    with FilterFeatureExtractor(model, preprocessing=preprocessing) as extractor:
        pairs = extractor.extract(preprocessing(image), ["conv1"])["conv1"]
    figure = plots.filters_above_maps(pairs.filters, pairs.feature_maps[0], list(FILTERS))
    page.picture(figure, "filters", "Filters of the first conv layer, and the map of each below")
    readings = (f"| {k} | {read} | {pairs[k].describe().sentence} |" for k, read in FILTERS.items())
    header = "| filter | the course's reading | measured from the weights |\n| --- | --- | --- |"
    page.text("\n".join([header, *readings]))
    with torch.no_grad():
        maps = maps_of(model.eval(), preprocessing(image)[None])[0]
    shown = image.convert("RGB").resize((224, 224))
    for name, alpha, caption in (("", 1.0, "enlarged"), ("_half", 0.5, "at 50 % over the image")):
        figure = plots.overlay(shown, maps, alpha, channels=range(10), columns=5, smooth=True)
        page.picture(figure, f"maps{name}_over", f"First ten maps of the last stage, {caption}")
    figure = plots.feature_maps(maps, channels=range(10), columns=5)
    page.picture(figure, "maps", "First ten maps of the last stage")


def maps_of(model: torch.nn.Module, images: Any) -> torch.Tensor:
    """The maps of the last conv stage: through all children but the last two."""
    images = torch.empty(images) if isinstance(images, tuple) else images
    return torch.nn.Sequential(*list(model.children())[:-2])(images)


def by(sizes: Iterator[int]) -> str:
    """Sizes as people write them."""
    return "x".join(map(str, sizes))


# %% The script
@cache
def cifar10(folder: Path, *, download: bool) -> data.Sets:
    """CIFAR-10 with 5,000 of its training images set aside; the split has a seed of its own."""
    return data.cifar10(
        folder, download=download, validation=VALIDATION_SHARE, seed=0, mean=MEAN, std=STD
    )


def read_sets(settings: argparse.Namespace) -> data.Sets:
    """CIFAR-10, or drawn figures."""
    if settings.quick:
        return data.drawn_shapes(train=300, validation=100, test=100)
    return cifar10(settings.data, download=settings.download)


def images(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """The data card."""
    sets = read_sets(settings)
    jpeg = any((settings.data / "train").glob("*/*.jpg")) and not settings.quick
    source = "CIFAR-10 (JPEG): the images are re-encoded, not the official lossless ones.\n\n"
    page.section("Data", f"{source if jpeg else ''}```text\n{sets}\n```")


TASKS = {
    "images": images,
    **{name: partial(network, name=name) for name in RUNS},
    "together": together,
    "transfer": transferred,
    "looks": looks,
    "ablations": ablations,
    **{f"better-{name}": partial(better, name=name) for name in BETTER},
}
OPTIONAL = ("ablations", *(f"better-{name}" for name in BETTER))
PICTURES = {  # and their panels
    **{f"{name}_curves": 2 for name in (*RUNS, "transfer")},
    **{f"{name}_confusion": 2 for name in (*RUNS, "transfer")},
    "together_models": 2,
    "together_tanh": 2,
    "filters": 10,
    "maps": 2,
    "maps_over": 1,
    "maps_half_over": 1,
}


def main() -> None:
    """Run the tasks asked for and write the page."""
    script = report.ReproductionScript(
        "TDT4265: convolution theory and CNNs on CIFAR-10", TASKS,
        exact=theory, optional=OPTIONAL, pictures=PICTURES,
    )  # fmt: skip
    add = script.parser.add_argument
    add("--download", action="store_true", help="let torchvision fetch CIFAR-10")
    add("--image", type=Path, help="a photograph for the filters; else the first test image")
    add("--frozen-statistics", action="store_true", help="frozen batch norms keep theirs")
    script.run()


if __name__ == "__main__":
    main()
