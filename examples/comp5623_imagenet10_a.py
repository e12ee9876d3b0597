"""COMP5623 coursework 1: from an over-fitting net to a VGG-like net of 36 million parameters.

    python examples/comp5623_imagenet10_a.py --data imagenet10 --out runs/imagenet10_a
    python examples/comp5623_imagenet10_a.py --task v5 --validation basic --data imagenet10

`--data` is a folder with `train_set/CLASS/*` and `test_set/*`, or with class folders; ten classes
of other photographs serve as a stand-in, and the page says so. `--quick` runs every task in seconds
on drawn figures, with thinner linear layers. Runs in `--out` go on where they stopped.
The page in `--out` sets every reported figure beside the measured one.
"""

# %% Settings
from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
import torchvision
from PIL import Image

from convkit import Architecture, EarlyStopping, Trainer, data, plots, report, shapes
from convkit.architecture import zoo
from convkit.features import FilterFeatureExtractor
from convkit.training import AlsoMeasure, transfer

CLASSES = "baboon, banana, canoe, cat, desk, drill, dumbbell, football, mug, orange"
MEAN, STD = (0.52283615, 0.47988218, 0.40605107), (0.29770654, 0.2888402, 0.31178293)
VALIDATION_SHARE = 0.2
MOST_EPOCHS = 400  # where the stop rule decides
QUICK_EPOCHS = 2
COLUMNS = "parameters batch_size epochs training_loss_low validation_loss_low "
COLUMNS += "validation_accuracy_high minutes"
CHOSEN = {"features.0": 14, "features.6": 26, "features.10": 32}  # AlexNet's 1st, 3rd, 5th conv

LINEAR = "flatten, linear 10"
V1 = """
| layer | output | parameters |
| --- | --- | --- |
| Conv 3->8, k5, pad 0, ReLU | 8x124x124 | 608 |
| M | 8x62x62 | |
| Conv 8->16, k5, pad 0, ReLU | 16x58x58 | 3,216 |
| M | 16x29x29 | |
| Flatten | 13,456 | |
| Linear 64, ReLU | 64 | 861,248 |
| Linear 10 | 10 | 650 |
"""


def vgg(convs: str, linears: str, norm: str = "") -> str:
    """A network in the notation of the coursework: widths of 3x3 convs, M for a pool."""
    rows = ["M" if word == "M" else f"conv {word} k3 {norm} relu" for word in convs.split()]
    rows += ["flatten", *(f"linear {units} {norm} relu" for units in linears.split())]
    return ", ".join([*rows, "linear 10"])


V3 = vgg("16 16 M 32 32 32 M 64 64 M", "4096 512")
V4 = vgg("16 16 M 32 32 32 M 64 64 M 128 128 M", "4096 4096")
V5 = vgg("32 32 M 64 64 64 M 128 128 M 256 256 M", "4096 4096", "bn")
V7 = vgg("32 32 M 64 64 64 M 128 128 M 256 256 M 256 256", "4096 4096", "bn")

FLIP = (data.RandomResizedCrop(128), data.HorizontalFlip())
BENT = (*FLIP, data.Perspective(), data.Rotate(5), data.ColorJitter(0.1, 0.1, 0.1, 0.1))
# The two additions of v6 are not known; these are ours.
MORE = (*BENT, data.Greyscale(0.1), data.Erasing())


@dataclass(frozen=True)
class Version:
    """One row of the coursework's table, and what was published of it."""

    table: str
    parameters: int
    modules: int  # with Flatten
    sides: Sequence[int]  # of the maps after each conv and pool
    epochs: int | None  # None: the stop rule decides
    augment: Sequence[data.Augmentation]
    augmented_validation: bool  # what was published was measured on augmented images
    reported: tuple[float, float, float, float]  # training and validation loss, accuracy, minutes
    size: int = 128
    batch_size: int = 64


V1_SIDES = [124, 62, 58, 29]
V3_SIDES = [126, 124, 62, 60, 58, 56, 28, 26, 24, 12]
V4_SIDES = [*V3_SIDES, 10, 8, 4]
V7_SIDES = [190, 188, 94, 92, 90, 88, 44, 42, 40, 20, 18, 16, 8, 6, 4]
VERSIONS = {
    "v1": Version(V1, 865_722, 10, V1_SIDES, 20, (), False, (0.022, 1.439, 51.3, 5.63)),
    "v2": Version(V1, 865_722, 10, V1_SIDES, 50, FLIP[:1], True, (1.103, 1.144, 61.9, 13.85)),
    "v3": Version(V3, 39_936_954, 23, V3_SIDES, 50, FLIP[:1], True, (0.843, 1.076, 64.3, 20.53)),
    "v4": Version(V4, 25_517_754, 28, V4_SIDES, None, FLIP, True, (0.951, 1.027, 66.3, 38.59)),
    "v5": Version(V5, 34_831_210, 39, V4_SIDES, None, BENT, True, (0.581, 0.782, 75.1, 90.40)),
    "v6": Version(V5, 34_831_210, 39, V4_SIDES, None, MORE, False, (0.685, 0.594, 80.4, 86.72)),
}
LARGE = (data.RandomResizedCrop(192), *MORE[1:])
REPORTED = (0.640, 0.510, 83.8, 412.35)
VERSIONS["v7"] = Version(V7, 36_012_394, 45, V7_SIDES, None, LARGE, False, REPORTED, 192, 32)
ALEXNET_MAPS = [(64, 63, 63), (192, 31, 31), (384, 15, 15), (256, 15, 15), (256, 15, 15)]
FILTER_BANKS = [(64, 3, 11, 11), (192, 64, 5, 5), (384, 192, 3, 3), (256, 384, 3, 3)]
FILTER_BANKS += [(256, 256, 3, 3)]


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Sizes, parameters and layers of every network; ends the script when one differs."""
    page.section("Exact numbers", "The published layer counts leave Flatten out, but for v1.")
    linear = Architecture.parse(LINEAR).summary((3, 128, 128))
    page.compare("linear model, parameters", reported=491_530, measured=linear.parameters)
    for name, version in VERSIONS.items():
        summary = Architecture.parse(version.table).summary((3, version.size, version.size))
        sides = [row.output_shape[1] for row in summary.rows if row.kind in {"conv", "max pool"}]
        for quantity, reported, measured in (
            ("parameters", version.parameters, summary.parameters),
            ("modules with Flatten", version.modules, len(summary.rows)),
            ("sides of the maps", version.sides, sides),
        ):
            page.compare(f"{name}, {quantity}", reported=reported, measured=measured)
    minutes = [VERSIONS[name].reported[3] for name in ("v6", "v7")]
    alexnet = zoo.alexnet().summary((3, 256, 256))
    maps = [row.output_shape for row in alexnet.rows if row.kind == "conv"]
    inputs = shapes.solve_input_size(63, kernel_size=11, stride=4, padding=2)
    for quantity, reported, measured in (
        ("v1, stated cells that are wrong", [], Architecture.parse(V1).check((3, 128, 128))),
        ("v7, minutes as a multiple of v6's", 4.75, round(minutes[1] / minutes[0], 2)),
        ("AlexNet at 256, maps", ALEXNET_MAPS, maps),
        ("AlexNet, inputs that give 63", (255, 256, 257, 258), inputs),
    ):
        page.compare(quantity, reported=reported, measured=measured)
    if wrong := [c for c in page.comparisons if c.verdict != "exact"]:
        raise SystemExit("\n".join(map(str, wrong)))


# %% Tasks 1 and 2: one batch
def single_batch(page: report.Reproduction, name: str, settings: argparse.Namespace) -> None:
    """Train on one batch of 64, one update an epoch; measure on the whole validation set."""
    sets = read_sets(settings.data, 128, settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    batch = sets.train.subset(torch.randperm(len(sets.train), generator=generator)[:64])
    table = {"linear": LINEAR, "conv": V1}[name]
    trainer = make_trainer(table, 128, settings.out / name, settings)
    epochs = QUICK_EPOCHS if settings.quick else 15
    history = trainer.fit(batch, sets.validation, epochs=epochs, batch_size=64, resume=True)
    page.section(f"A single batch, {name} model", f"Adam, learning rate 1e-3, {epochs} updates.")
    for split, reported in (("training", "falls"), ("validation", "rises")):
        losses = history[f"{split}_loss"]
        least = losses.index(min(losses)) + 1
        falls = losses[-1] < losses[0] / 10 or least == len(losses)
        page.compare(
            f"{name}, {split} loss",
            reported=reported,
            measured=None if settings.quick else "falls" if falls else "rises",
            note=f"{losses[0]:.4f}, {min(losses):.4f} at update {least}, at last {losses[-1]:.4f}",
        )
    page.picture(plots.curves(history), f"{name}_curves", f"One batch, {name} model")


def make_trainer(table: str, size: int, directory: Path, settings: argparse.Namespace) -> Trainer:
    """A new network with the settings that all tasks share."""
    torch.manual_seed(settings.seed)
    thin = table.replace("4096", "64") if settings.quick else table
    model = Architecture.parse(thin).build((3, size, size))
    return Trainer(
        model,
        optimizer="adam",
        lr=1e-3,
        directory=directory,
        seed=settings.seed,
        precision=settings.precision,
    )


# %% Task 3: the versions
def train(page: report.Reproduction, name: str, settings: argparse.Namespace) -> None:
    """Train one version to its stop, and set its extrema beside the published ones."""
    version = VERSIONS[name]
    sets = read_sets(settings.data, version.size, settings.seed)
    # The course cut random windows from whole photographs, here from squares half as large again.
    larger = read_sets(settings.data, version.size * 3 // 2, settings.seed)
    trainer = make_trainer(version.table, version.size, run_of(name, settings), settings)
    trainer.preprocessing = sets.train.preprocessing
    if version.epochs is None:
        trainer.early_stopping = EarlyStopping.savitzky_golay(55, 2, minimum=100, rising=5)
    published = "augmented" if version.augmented_validation else "basic"
    images = (settings.validation or published) if version.augment else "basic"
    if images == "augmented":
        trainer.callbacks = (AlsoMeasure(basic_validation=sets.validation),)
    history = trainer.fit(
        larger.train if version.augment else sets.train,
        sets.validation
        if images == "basic"
        else data.batches(larger.validation, 128, augment=version.augment, shuffle=False),
        epochs=QUICK_EPOCHS
        if settings.quick
        else settings.epochs.get(name) or version.epochs or MOST_EPOCHS,
        batch_size=version.batch_size,
        augment=version.augment,
        resume=True,
    )
    page.section(
        f"Full training, {name}",
        f"Adam, learning rate 1e-3, batch {version.batch_size}, validated on {images} images; "
        f"{history.stop_reason}. Best weights, basic images: {trainer.evaluate(sets.validation)}.",
    )
    best, losses = 100 * max(history["validation_accuracy"]), history["validation_loss"]
    pairs = zip(losses, history["training_loss"], strict=True)
    real = ", ".join(sets.class_names) == CLASSES
    page.compare(
        f"{name}, highest validation accuracy (%)",
        reported=version.reported[2],
        measured=round(best, 2) if real else None,
        band=(version.reported[2] - 2, version.reported[2] + 2),
        note=f"{'here' if real else 'other images:'} {best:.1f} %, "
        f"losses {min(history['training_loss']):.3f} and {min(losses):.3f}, validation below "
        f"training in {sum(v < t for v, t in pairs)} of {len(history)} epochs; reported losses "
        f"{version.reported[0]} and {version.reported[1]}",
    )
    page.picture(plots.curves(history), f"{name}_curves", f"{name}: loss and accuracy")


def run_of(name: str, settings: argparse.Namespace) -> Path:
    """Where a version is kept; other validation images make another run."""
    return settings.out / (f"{name}-{settings.validation}" if settings.validation else name)


def together(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """The table of versions, from the runs that there are."""
    runs = [run_of(name, settings) for name in VERSIONS]
    comparison = report.compare([r for r in runs if r.exists()], columns=COLUMNS.split())
    page.section("The versions", comparison.to_markdown())
    page.text(
        "The original measured v5 to v7 with the statistics of the batch; here evaluation mode is "
        "used, and augmented validation images are drawn once, the same for every epoch. v5 and v6 "
        "are one network: v6 was validated on images without augmentation."
    )
    page.picture(comparison.plot(training=False), "versions", "Validation of the versions")


# %% Tasks 4 and 5: confusion matrices and predictions
def measure(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Confusion matrices of the whole training and validation sets, and the CSV of predictions."""
    name = settings.measured
    trainer = Trainer.load(run_of(name, settings))
    sets = read_sets(settings.data, VERSIONS[name].size, settings.seed)
    page.section(f"Confusion matrices and predictions of {name}", "Rows are the true class.")
    for image_set in (sets.train, sets.validation):
        result = trainer.evaluate(image_set)
        page.text(f"{result}. {'; '.join(map(str, result.confusion.most_confused(3)))}.")
        matrix = result.confusion.plot(normalize="truth")
        page.picture(matrix, f"confusion_{result.name}", f"{name}, whole {result.name} set")
    unseen = sets.test or sets.validation  # a stand-in may have no test images
    predictions = trainer.predict(unseen, batch_size=32)
    predictions = replace(predictions, names=tuple(Path(name).name for name in predictions.names))
    written = predictions.to_csv(settings.out / "test_preds.csv", ("file_name", "class_index"))
    page.text(f"`{written.name}` has {len(predictions):,} predictions of the {unseen.split} set.")


# %% Task 6: AlexNet
def explore(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Filters beside the maps that they made: filter k belongs to map k."""
    if settings.quick:
        torch.manual_seed(settings.seed)
        model: torch.nn.Module = torchvision.models.alexnet(weights=None)
    else:
        model, _ = transfer.pretrained("alexnet", weights=settings.weights)
    names = read_sets(settings.data, 128, settings.seed).validation.names
    spread = [settings.data / name for name in names[:: max(len(names) // 3, 1)][:3]]
    preprocessing = data.Preprocessing(256, mean=data.IMAGENET_MEAN, std=data.IMAGENET_STD)
    with FilterFeatureExtractor(model, preprocessing=preprocessing) as extractor:
        pairs = extractor.extract(settings.images or spread)
    weights = "random weights" if settings.quick else "ImageNet weights"
    page.section("AlexNet", f"With {weights}; every filter stands beside the map that it made.")
    held = sum(bool(pairs[layer][index].verify()) for layer, index in CHOSEN.items())
    for quantity, reported, measured in (
        ("maps", ALEXNET_MAPS, [tuple(each.feature_maps.shape[1:]) for each in pairs.values()]),
        ("filter banks", FILTER_BANKS, [tuple(each.filters.shape) for each in pairs.values()]),
        ("filters that recompute their maps", len(CHOSEN), held),
    ):
        page.compare(f"AlexNet, {quantity}", reported=reported, measured=measured)
    page.picture(pairs.plot_table(CHOSEN), "alexnet_pairs", "1st, 3rd and 5th conv layer")
    for layer in CHOSEN:
        page.picture(pairs[layer].plot(), f"alexnet_{layer}", f"The first filters of {layer}")


# %% Data
@cache
def read_sets(folder: Path, size: int, seed: int) -> data.Sets:
    """The shorter side resized, a square cut from the middle; 80 % of the images train."""
    own = any((folder / name).is_dir() for name in ("val", "validation"))
    share = None if own else VALIDATION_SHARE
    return data.image_folder(
        folder, size, validation=share, stratified=False, seed=seed, mean=MEAN, std=STD
    )


def draw_images(folder: Path) -> Path:
    """Ten classes of drawn figures as files, for `--quick`."""
    drawn = data.drawn_shapes(train=10, validation=10, test=3)
    for image_set, split in zip(drawn, ("train_set", "val", "test_set"), strict=True):
        for k, label in enumerate(image_set.labels.tolist()):
            inner = "" if split == "test_set" else image_set.class_names[label]
            path = folder / split / inner / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(image_set.images[k].permute(1, 2, 0).numpy())
            image.resize((240, 200)).save(path)
    return folder


# %% The script
TASKS = {
    **{n: lambda page, settings, n=n: single_batch(page, n, settings) for n in ("linear", "conv")},
    **{n: lambda page, settings, n=n: train(page, n, settings) for n in VERSIONS},
    "together": together,
    "measure": measure,
    "alexnet": explore,
}


def main() -> None:
    """Run the tasks asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--data", type=Path, default=Path("imagenet10"))
    parser.add_argument("--out", type=Path, default=Path("runs/comp5623_imagenet10_a"))
    parser.add_argument("--validation", choices=("basic", "augmented"), help="else as published")
    parser.add_argument("--measured", choices=VERSIONS, default="v7", help="in the task measure")
    parser.add_argument("--weights", type=Path, help="AlexNet's file; else torchvision's download")
    parser.add_argument("--images", type=Path, nargs="+", help="photographs for AlexNet")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--epochs", nargs="+", default=[], metavar="VERSION=N", help="at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="seconds, on drawn figures")
    settings = parser.parse_args()
    pairs = (pair.partition("=") for pair in settings.epochs)
    settings.epochs = {name: int(number) for name, _, number in pairs}

    page = report.Reproduction("COMP5623 ImageNet10, A: from over-fitting to 36 million parameters")
    exact(page)
    with tempfile.TemporaryDirectory() as folder:
        if settings.quick:
            settings.data = draw_images(Path(folder))
        for task in settings.task:
            TASKS[task](page, settings)
        print(page.write(settings.out / f"{Path(__file__).stem}.md"), page.counts(), sep="\n")


if __name__ == "__main__":
    main()
