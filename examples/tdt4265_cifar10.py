"""TDT4265 assignment 3: convolution theory, CNNs on CIFAR-10, and transfer.

    python examples/tdt4265_cifar10.py --data downloads --out runs/tdt4265
    python examples/tdt4265_cifar10.py --data downloads --out runs/tdt4265 --task better-base

`--data` is a folder with `train/CLASS/*` and `test/CLASS/*`, or the folder in which torchvision
keeps CIFAR-10 (`--download` fetches it). `--weights` is torchvision's name or file of a ResNet-18,
or the directory of a run that trained one. `--quick` runs every task in seconds on drawn figures.
The page sets every reported figure beside the measured one.
"""

# %% Settings
from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
import torchvision
from PIL import Image
from torch.optim import SGD, Adam, AdamW, Optimizer

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
COURSE = data.Preprocessing((224, 224), mean=data.IMAGENET_MEAN, std=data.IMAGENET_STD)
SPLITS = ("train", "validation", "test")
EPOCHS, TRANSFER_EPOCHS, ABLATION_EPOCHS, QUICK_EPOCHS = 10, 5, 2, 2
STOP_COUNT = 4  # validations, two of them in an epoch
STAND_IN_IMAGES = 10_000  # training images, with other weights than ImageNet's
FILTERS = {14: "vertical edges", 26: "horizontal edges", 32: "blue (sky)", 49: "diagonal edges",
           52: "green (grass)"}  # fmt: skip

# %% Task 1: theory, every number of which follows from arithmetic
IMAGE = [[1, 0, 2, 3, 1], [3, 2, 0, 7, 0], [0, 6, 1, 1, 4]]
KERNEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
MATRICES = {  # by whether the kernel is turned, and by padding
    (False, "zeros"): [[2, -1, 11, -2, -13], [10, -4, 8, 2, -18], [14, -1, -5, 6, -9]],
    (True, "zeros"): [[-2, 1, -11, 2, 13], [-10, 4, -8, -2, 18], [-14, 1, 5, -6, 9]],
    (True, "reflect"): [[0, 4, -16, 2, 0], [0, 4, -8, -2, 0], [0, 4, 0, -6, 0]],
    (False, "replicate"): [[-4, 0, 14, -3, -13], [3, -4, 8, 2, -13], [17, 0, -10, 9, 2]],
    (False, "circular"): [[2, 0, 6, 1, -9], [5, -4, 8, 2, -11], [5, 0, -2, 5, -8]],
}
HEADER = "| Layer Type | Filters | Kernel | Padding | BatchNorm | Activation |\n" + 6 * "| --- "
CONV, POOL = "| Conv2D | {} | {}x{} | {} | {} | {} |", "| MaxPool2D | - | 2x2 | - | - | - |"
TAIL = """| Flatten | - | - | - | - | - |
| Fully-Connected | 64 | - | - | - | {} |
| Fully-Connected | 10 | - | - | - | - |"""


def table(convs: str, norm: str = "-", activation: str = "ReLU", tail: str = TAIL) -> str:
    """The assignment's table of layers; a conv is given as FILTERSxKERNEL, M is a pool."""
    rows = [f"{HEADER}|"]
    for conv in convs.split():
        filters, _, kernel = conv.partition("x")
        # The text gives model 2 padding 2 and maps of 2x2 at the end, which need padding 1.
        padding = int(kernel or 0) // 2
        full = CONV.format(filters, kernel, kernel, padding, norm, activation)
        rows.append(full if kernel else POOL)
    return "\n".join([*rows, tail.format(activation)])


DEEP = "64x7 64x5 M 64x5 64x5 M 64x5 64x5 M"
BASE, MODEL_1 = table("32x5 M 64x5 M 128x5 M"), table(DEEP, "yes")
MODEL_2 = table("32x5 M 64x3 M 128x3 M 64x3 M")


def theory(page: report.Reproduction) -> None:
    """Tasks 1a to 1g, and the counts of the later tasks."""
    page.section(
        "Task 1: theory",
        "A framework's conv layer is a cross-correlation; a true convolution turns the kernel by "
        "180 degrees. The published matrix is the cross-correlation, all of whose products are:",
    )
    page.code(str(shapes.explain_convolution(IMAGE, KERNEL, padding=1)))
    for (flip, mode), matrix in MATRICES.items():
        worked = shapes.explain_convolution(IMAGE, KERNEL, padding=1, padding_mode=mode, flip=flip)
        kind = "convolution" if flip else "cross-correlation"
        page.compare(f"1a, {kind}, {mode}", reported=str(matrix), measured=str(worked.result))
    centre = shapes.explain_convolution(IMAGE, KERNEL, padding=1).result[2][2]
    counted = [Architecture.parse(t).summary((3, 32, 32)) for t in (BASE, MODEL_1, MODEL_2)]
    with torch.device("meta"):  # no memory for weights
        model = prepared(torchvision.models.resnet18(weights=None))
        first, last = model.conv1(torch.empty(1, 3, 224, 224)), maps_of(model, (1, 3, 224, 224))
    frozen = transfer.report(model)
    for quantity, reported, measured in (
        ("1a, position (2, 2), in the text -1", -5, centre),
        ("1c, padding that keeps the size", 2, shapes.same_padding(5)),
        ("1d, kernel", 9, shapes.solve_kernel_size(512, 504)[0]),
        ("1e, after the pool", 252, shapes.pool_output(504, kernel_size=2)),
        ("1f, second conv", 250, shapes.conv_output(252, kernel_size=3)),
        ("1g, base network, parameters", 390_410, counted[0].parameters),
        ("3, model 1, parameters", 588_810, counted[1].parameters),
        ("3, model 2, parameters", 185_674, counted[2].parameters),
        ("4, ResNet-18, parameters", 11_181_642, frozen.total),
        ("4, trainable", 8_398_858, frozen.trainable),
        ("4, frozen", 2_782_784, frozen.total - frozen.trainable),
        ("4, filters of the first conv layer", "64x3x7x7", by(model.conv1.weight.shape)),
        ("4, its activation at 224", "64x112x112", by(first.shape[1:])),
        ("4, maps of the last stage at 224", "512x7x7", by(last.shape[1:])),
    ):
        page.compare(quantity, reported=reported, measured=measured)
    page.code(str(shapes.explain(shapes.solve_kernel_size, 512, 504)))
    page.text(f"1b: {tolerance()}\n\n1g, the network:\n\n{counted[0].to_markdown()}")


def tolerance() -> str:
    """Task 1b: by how much a conv map, its ReLU and its max-pool change when the image moves."""
    image = torch.rand(1, 1, 33, 33, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.avg_pool2d(image, 5, stride=1, padding=2)
    kernel = torch.tensor(KERNEL, dtype=torch.float32)[None, None]
    images = image, image.roll(1, dims=3)
    maps = [torch.nn.functional.conv2d(x, kernel)[..., 1:-1] for x in images]
    rectified = [x.relu() for x in maps]
    pooled = [torch.nn.functional.max_pool2d(x, 4) for x in rectified]
    changes = (float((b - a).norm() / a.norm()) for a, b in (maps, rectified, pooled))
    conv, relu, pool = (f"{100 * change:.0f} %" for change in changes)
    return (
        f"the image moved by one pixel changes the conv map by {conv}, its ReLU by {relu}, the "
        f"max-pool 4 of that by {pool} (relative L2 norm). The conv layer is only equivariant, its "
        "map moves along; max-pooling gives the tolerance."
    )


# %% Tasks 2 and 3: training
@dataclass(frozen=True)
class Run:
    """One network with its settings, and what was published of it."""

    name: str
    table: str
    batch_size: int
    optimizer: Callable[..., Optimizer]
    settings: str  # in words
    accuracies: tuple[float, ...]  # of test, validation and training set, as far as published
    losses: tuple[float | None, ...]
    band: tuple[float, float]  # of the test accuracy
    augment: Sequence[data.Augmentation] = ()
    initialise: Callable[[torch.nn.Module], None] | None = None
    epochs: int = EPOCHS
    cycle: bool = False  # of the learning rate, by step, up to the given one; and no stop rule
    smoothing: float = 0.0  # of the labels
    precision: str = ""  # else as asked for
    void_loss: str = ""  # why the published training loss says nothing


def xavier(model: torch.nn.Module) -> None:
    """Initial weights that suit tanh."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.xavier_uniform_(layer.weight)


FLIP = data.HorizontalFlip()
LIGHT = (FLIP, data.Rotate(3))
ADAMW = partial(AdamW, lr=3e-4, weight_decay=0.05)
VOID = "published: probably of the last batch, it does not fit the accuracy"
RUNS = {
    "base": Run(
        "Task 2: the base network", BASE, 64, partial(SGD, lr=5e-2),
        "SGD without momentum, learning rate 5e-2; the course's own run: accuracies 83.4, 74.0 "
        "and 72.1 %, losses 0.485, 0.768 and 0.819",
        (70.58, 71.22, 75.91), (0.8652, 0.8413, 0.7095), (68, 72)),
    "model1": Run(
        "Task 3: model 1", MODEL_1, 32, ADAMW,
        "AdamW, learning rate 3e-4, weight decay 0.05, flips and rotations up to 3 degrees; the "
        "course's own run, of another network: accuracies 87.6, 81.0 and 82.3 %, losses 0.362, "
        "0.573 and 0.55",
        (82.76, 82.34, 89.00), (0.5177, 0.5240, 0.1348), (80.76, 84.76), LIGHT, void_loss=VOID),
    "model2": Run(
        "Task 3: model 2", MODEL_2, 64, partial(AdamW, lr=1e-3, weight_decay=0.01),
        "AdamW, learning rate 1e-3, weight decay 0.01, flips, hue and saturation by 0.05",
        (76.09, 76.04, 82.37), (0.7283, 0.7404, 0.6392), (74.09, 78.09),
        (data.ColorJitter(hue=0.05, saturation=0.05), FLIP)),
    "tanh": Run(
        "Task 3: model 1 with tanh", table(DEEP, "yes", "Tanh"), 32, ADAMW,
        "as model 1, with tanh and Xavier's initial weights",
        (76.59,), (None,), (74.59, 78.59), LIGHT, xavier),
}  # fmt: skip


def train(
    page: report.Reproduction, run: Run, name: str, settings: argparse.Namespace, **transferred: Any
) -> Trainer:
    """Train a network, or find its training finished in the folder of that name."""
    training, validation, _ = transferred.get("sets") or read_sets(settings)
    trainer = Trainer(
        transferred.get("model") or build(run, settings.seed),
        optimizer=run.optimizer,
        scheduler="one_cycle" if run.cycle else None,
        early_stopping=None if run.cycle else EarlyStopping.count(STOP_COUNT),
        options=TrainingOptions(validations_per_epoch=2, label_smoothing=run.smoothing),
        directory=settings.out / name,
        seed=settings.seed,
        precision=run.precision or settings.precision,
    )
    batches = data.batches(
        training, run.batch_size, augment=run.augment, drop_last=True, seed=settings.seed
    )
    epochs = QUICK_EPOCHS if settings.quick else run.epochs
    trainer.fit(batches, validation, epochs=epochs, resume=True)
    page.trained(trainer)
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
    trainer = train(page, RUNS[name], name, settings)
    measure(page, RUNS[name], name, trainer, list(read_sets(settings)))


def measure(page: report.Reproduction, run: Run, name: str, trainer: Trainer, sets: Any) -> None:
    """Accuracies and losses of the whole sets beside the published ones, and the pictures."""
    history = trainer.history
    page.section(
        run.name,
        f"{run.settings}. Batch {run.batch_size}, {page.trained(trainer)}; {history.stop_reason}.",
    )
    published = list(zip(SPLITS[::-1], run.accuracies, run.losses, strict=False))[::-1]
    for split, accuracy, loss in published:
        result = trainer.evaluate(sets[SPLITS.index(split)], split)
        band = run.band if split == "test" else None
        void = run.void_loss if split == "train" else ""
        page.compare_evaluation(result, accuracy=accuracy, loss=loss, band=band, void_loss=void)
    figure = plots.curves(history, steps=True)
    page.picture(figure, f"{name}_curves", f"{run.name}: loss and accuracy")
    page.picture(result.confusion.plot(), f"{name}_confusion", f"{run.name}: test set")


def together(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Models 1 and 2 in one picture, ReLU against tanh in another."""
    page.section("Task 3: side by side")
    runs = {name: read_run(settings.out / name) for name in ("model1", "model2", "tanh")}
    relu, tanh = (100 * runs[name].evaluations["test"]["accuracy"] for name in ("model1", "tanh"))
    note = f"published: 81.87 % of a shorter run, 76.59 %; here {relu:.2f} % and {tanh:.2f} %"
    page.compare("ReLU above tanh, test accuracy (points)", reported=5.28,
                 measured=round(relu - tanh, 2), band=(0.01, 10), note=note)  # fmt: skip
    for picture, names in (("models", ("model1", "model2")), ("tanh", ("model1", "tanh"))):
        histories = {RUNS[name].name: runs[name].history for name in names}
        caption = " and ".join(histories)
        page.picture(plots.compare_curves(histories), f"together_{picture}", caption)


# %% Task 3, optional: what helped, and what hurt
GROWING = "32x7 32x5 M 64x5 64x5 M 128x5 128x5 M"
DROPOUT = "| Dropout | 0.5 | - | - | - | - |\n" + TAIL
NORMED = TAIL.replace("64 | - | - | -", "64 | - | - | yes")
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {  # published direction, and the change
    "nothing": ("", {}),
    "batch 64": ("lower", {"batch_size": 64}),
    "filters 32, 64, 128": ("lower", {"table": table(GROWING, "yes")}),
    "no augmentation": ("lower", {"augment": ()}),
    "no BatchNorm": ("lower", {"table": table(DEEP)}),
    "SGD at 5e-2": ("lower", {"optimizer": partial(SGD, lr=5e-2)}),
    "tanh": ("lower", {"table": RUNS["tanh"].table, "initialise": xavier}),
    "rotations up to 90 degrees": ("lower", {"augment": (FLIP, data.Rotate(90))}),
    "Adam at 5e-2": ("lower", {"optimizer": partial(Adam, lr=5e-2)}),
    "dropout 0.5": ("lower", {"table": table(DEEP, "yes", tail=DROPOUT)}),
    "BatchNorm1d": ("lower", {"table": table(DEEP, "yes", tail=NORMED)}),
    "LeakyReLU": ("no gain", {"table": table(DEEP, "yes", "LeakyReLU")}),
    "SiLU": ("no gain", {"table": table(DEEP, "yes", "SiLU")}),
    "Gaussian noise": ("no gain", {"augment": (*LIGHT, data.GaussianNoise(0.05))}),
    "a cycle of rates": ("no gain", {"cycle": True}),
}  # fmt: skip


def ablations(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Model 1 with one change each, for a few epochs: did the accuracy go where it was said to?"""
    page.section(
        "Task 3: ablations",
        f"Points of validation accuracy above model 1 itself after {ABLATION_EPOCHS} epochs, one "
        "seed. Published are directions alone, of long trainings: what needs time may differ here.",
    )
    plain = 0.0
    for name, (direction, changes) in ABLATIONS.items():
        run = replace(RUNS["model1"], epochs=ABLATION_EPOCHS, **changes)
        trainer = train(page, run, f"ablation-{name.replace(' ', '-')}", settings)
        best = 100 * max(trainer.history["validation_accuracy"])
        if not direction:
            plain = best
            page.text(f"Model 1 itself: {plain:.2f} %.")
            continue
        page.compare(name, reported=direction, measured=round(best - plain, 2),
                     band=(-100, 0 if direction == "lower" else 0.5), lower_is_better=True,
                     note=f"{best:.2f} %")  # fmt: skip


# %% Better than reported
CROP = (FLIP, data.RandomCrop(32, padding=4))
BETTER = {  # epochs, highest rate, seeds
    "base": (12, 2e-3, (0, 1, 2)),
    "model1": (8, 2e-3, (0,)),
    "model2": (12, 3e-3, (0,)),
}


def better(page: report.Reproduction, settings: argparse.Namespace, name: str) -> None:
    """The same network, trained better in no more time."""
    epochs, peak, seeds = BETTER[name]
    run = replace(RUNS[name], epochs=epochs, cycle=True, smoothing=0.05, batch_size=128,
                  optimizer=partial(AdamW, lr=peak, weight_decay=0.05, fused=True),
                  augment=CROP, precision="bfloat16")  # fmt: skip
    accuracies, minutes = [], []
    for seed in seeds:
        own = argparse.Namespace(**{**vars(settings), "seed": seed})
        trainer = train(page, run, f"better-{name}-{seed}", own)
        accuracies.append(100 * trainer.evaluate(read_sets(settings).test).accuracy)
        minutes.append(trainer.history["seconds"][-1] / 60)
    page.section(
        f"Better than reported: {name}",
        f"AdamW, weight decay 0.05, one cycle of the learning rate by step up to {peak}, batch "
        f"{run.batch_size}, flips, crops shifted by up to 4 pixels, labels smoothed by "
        f"{run.smoothing}, bfloat16, {epochs} epochs; rates chosen on validation images.",
    )
    each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
    note = f"seeds {seeds}: {each}; {mean(minutes):.1f} minutes each"
    if (settings.out / name / "history.json").exists():
        plain = read_run(settings.out / name)
        note += f"; the plain settings took {plain.history['seconds'][-1] / 60:.1f}"
    page.compare("mean test accuracy (%)", reported=run.accuracies[0],
                 measured=round(mean(accuracies), 2), band=run.band, note=note)  # fmt: skip


# %% Task 4: transfer
TRANSFERRED = Run(
    "Task 4: transfer", "", 32, partial(Adam, lr=5e-4),
    "ResNet-18, its last stage and a new head trained; Adam, learning rate 5e-4, no augmentation; "
    "the course's own run: accuracies 93.0, 88.0 and 88.7 %, losses 0.212, 0.362 and 0.343",
    (90.13, 89.92, 98.93), (0.3683, 0.3730, 0.0174), (88, 92.13), epochs=TRANSFER_EPOCHS,
    void_loss=VOID)  # fmt: skip


def start(
    page: report.Reproduction, settings: argparse.Namespace
) -> tuple[torch.nn.Module, data.Preprocessing] | None:
    """A trained ResNet-18, and how its images are prepared; the page learns of a stand-in."""
    if settings.quick:
        torch.manual_seed(settings.seed)
        return torchvision.models.resnet18(weights=None), replace(COURSE, size=(64, 64))
    try:
        model, prepare = transfer.pretrained("resnet18", weights=settings.weights)
    except OSError as error:
        page.compare(
            "test accuracy (%)", reported=90.13, measured=None, note=f"no weights: {error}"
        )
        return None
    if not isinstance(prepare, data.Preprocessing):
        return model, COURSE
    page.stand_in = f"weights of the run {Path(settings.weights).name}"
    return model, prepare


def prepared(model: torch.nn.Module, *, statistics: bool = False) -> torch.nn.Module:
    """A new head; nothing but it and the last stage learns."""
    transfer.replace_head(model, 10)
    transfer.freeze(model, statistics=statistics)
    transfer.unfreeze(model, "layer4", "fc")
    return model


def transferred(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Train the last stage and a new head on CIFAR-10, enlarged."""
    if not (started := start(page, settings)):
        return
    (training, *others), (model, prepare) = read_sets(settings), started
    if page.stand_in and not settings.quick:
        page.stand_in += f", {STAND_IN_IMAGES:,} training images"
        order = torch.randperm(len(training), generator=torch.Generator().manual_seed(0))
        training = training.subset(order[:STAND_IN_IMAGES])
    enlarged = [image_set.with_transform(prepare) for image_set in (training, *others)]
    torch.manual_seed(settings.seed)
    model = prepared(model, statistics=settings.frozen_statistics)
    trainer = train(page, TRANSFERRED, "transfer", settings, model=model, sets=enlarged)
    measure(page, TRANSFERRED, "transfer", trainer, enlarged)
    kept = "kept" if settings.frozen_statistics else "updated, as in the original"
    page.text(f"Images at {by(prepare.size)}; statistics of the frozen batch norms are {kept}.")


def looks(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Five filters and their maps; the first maps of the last stage, and these over the image."""
    page.section("Task 4: filters and maps")
    if not (started := start(page, settings)):
        return
    model, prepare = started[0].eval(), replace(started[1], size=(224, 224), resize=None)
    first = read_sets(settings).test.images[0].permute(1, 2, 0).numpy()
    picture = Image.open(settings.image) if settings.image else Image.fromarray(first)
    image = prepare(picture)
    with FilterFeatureExtractor(model, preprocessing=prepare) as extractor:
        pairs = extractor.extract(image, ["conv1"])["conv1"]
    page.text(f"With {page.stand_in or 'the weights of ImageNet'}.")
    figure = plots.filters_above_maps(pairs.filters, pairs.feature_maps[0], list(FILTERS))
    page.picture(figure, "filters", "Filters of the first conv layer, and the map of each below")
    readings = [f"| {k} | {read} | {pairs[k].describe().sentence} |" for k, read in FILTERS.items()]
    header = "| filter | the course's reading | measured from the weights |\n| --- | --- | --- |"
    page.text("\n".join([header, *readings]))
    with torch.no_grad():
        maps, look = maps_of(model, image[None])[0], {"channels": range(10), "columns": 5}
    seen = picture.convert("RGB").resize((224, 224))
    page.picture(plots.feature_maps(maps, **look), "maps", "First ten maps of the last stage")
    for name, alpha in (("maps_enlarged", 1.0), ("maps_over", 0.5)):
        figure = plots.overlay(seen, maps, alpha, smooth=True, **look)
        page.picture(figure, name, f"These maps enlarged over the image, at {100 * alpha:.0f} %")


def maps_of(model: torch.nn.Module, images: torch.Tensor | tuple[int, ...]) -> torch.Tensor:
    """The maps of the last conv stage: through all children but the last two."""
    images = torch.empty(images) if isinstance(images, tuple) else images
    return torch.nn.Sequential(*list(model.children())[:-2])(images)


def by(sizes: Iterable[int]) -> str:
    """Sizes as people write them."""
    return "x".join(map(str, sizes))


# %% The data and the script
def read_sets(settings: argparse.Namespace) -> data.Sets:
    """CIFAR-10 with 5,000 of its training images set aside (seed 0), or drawn figures."""
    if "sets" not in settings:
        settings.sets = (
            data.drawn_shapes(train=160, validation=60, test=60)
            if settings.quick
            else data.cifar10(settings.data, download=settings.download, validation=0.1, seed=0,
                              mean=MEAN, std=STD)
        )  # fmt: skip
    return settings.sets


def images(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """The data card."""
    jpeg = any((settings.data / "train").glob("*/*.jpg")) and not settings.quick
    source = "CIFAR-10 (JPEG): the images are re-encoded, not the official lossless ones.\n\n"
    note = "Validated on images as they are; the course augmented those too.\n\n"
    page.section("Data", f"{source if jpeg else ''}{note}```text\n{read_sets(settings)}\n```")


MAIN = {
    "images": images,
    **{name: partial(network, name=name) for name in RUNS},
    "together": together,
    "transfer": transferred,
    "looks": looks,
}
OPTIONAL = {
    "ablations": ablations,
    **{f"better-{name}": partial(better, name=name) for name in BETTER},
}
PICTURES = {  # and their panels
    **{f"{name}_curves": 2 for name in (*RUNS, "transfer")},
    **{f"{name}_confusion": 2 for name in (*RUNS, "transfer")},
    "together_models": 2, "together_tanh": 2, "filters": 10, "maps": 2, "maps_enlarged": 1,
    "maps_over": 1,
}  # fmt: skip


def main() -> None:
    """Run the tasks asked for and write the page."""
    title = "TDT4265: convolution theory and CNNs on CIFAR-10"
    script = report.ReproductionScript(
        title, {**MAIN, **OPTIONAL}, exact=theory, optional=OPTIONAL, pictures=PICTURES
    )
    add = script.parser.add_argument
    add("--download", action="store_true", help="let torchvision fetch CIFAR-10")
    add("--image", type=Path, help="a photograph for the filters; else the first test image")
    add("--frozen-statistics", action="store_true", help="frozen batch norms keep theirs")
    script.run()


if __name__ == "__main__":
    main()
