"""COMP5623 coursework 1: from an over-fitting net to a VGG-like net of 36 million parameters.

    python examples/comp5623_imagenet10_a.py --data imagenet10 --out runs/imagenet10_a
    python examples/comp5623_imagenet10_a.py --task v4 v5 versions --epochs v5=36 --data imagenet10

`--data` is a folder with `train_set/CLASS/*` and `test_set/*`, or with `train/` and `val/`; ten
classes of other photographs are a stand-in, and the page says so. `--quick` runs every task in
seconds on drawn figures, with thin networks. Runs in `--out` go on where they stopped.
"""

# %% Settings
from __future__ import annotations

import re
import tomllib
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from convkit import Architecture, EarlyStopping, History, Trainer, data, plots, report, shapes
from convkit.architecture import zoo
from convkit.features import FilterFeatureExtractor
from convkit.training import MeasureEpochs

# The published figures, the images of the course, the pictures of the page.
PUBLISHED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
IMAGES = PUBLISHED["images"]  # classes, normalisation and split
UPDATES = 15  # on a single batch
RULE = EarlyStopping.savitzky_golay(55, 2, minimum=100, rising=5)
MOST_EPOCHS = 400  # where the rule decides
QUICK_EPOCHS, QUICK_IMAGES = 2, 16
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

CROP = (data.RandomResizedCrop(128),)
FLIP = (*CROP, data.HorizontalFlip())
BENT = (*FLIP, data.Perspective(), data.Rotate(5), data.ColorJitter(0.1, 0.1, 0.1, 0.1))
MORE = (*BENT, data.Greyscale(0.1), data.Erasing())  # v6's two additions are not known
LARGE = (data.RandomResizedCrop(192), *MORE[1:])


@dataclass(frozen=True)
class Version:
    """One row of the coursework's table."""

    table: str
    augment: Sequence[data.Augmentation] = ()
    augmented_validation: bool = False
    epochs: int | None = None  # None: the stop rule decides
    size: int = 128  # the shorter side resized, a square cut from the middle
    batch_size: int = 64


VERSIONS = {
    "v1": Version(V1, epochs=20),
    "v2": Version(V1, CROP, augmented_validation=True, epochs=50),
    "v3": Version(V3, CROP, augmented_validation=True, epochs=50),
    "v4": Version(V4, FLIP, augmented_validation=True),
    "v5": Version(V5, BENT, augmented_validation=True),
    "v6": Version(V5, MORE),
    "v7": Version(V7, LARGE, size=192, batch_size=32),
}


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Sizes, parameters and layers of every network."""
    page.section("Exact numbers", "The published layer counts leave Flatten out, but for v1.")
    linear = Architecture.parse(LINEAR).summary((3, 128, 128))
    measured = {"linear model, parameters": linear.parameters}
    for name, version in VERSIONS.items():
        summary = Architecture.parse(version.table).summary((3, version.size, version.size))
        flattened = next(row.output_shape[0] for row in summary.rows if row.kind == "flatten")
        sizes = [summary.parameters, len(summary.rows), flattened]
        measured[f"{name}, parameters, modules with Flatten, numbers after it"] = sizes
    measured["v1, stated cells that are wrong"] = Architecture.parse(V1).check((3, 128, 128))
    v6, v7 = (PUBLISHED["versions"][name]["minutes"] for name in ("v6", "v7"))
    measured["v7, minutes as a multiple of v6's"] = round(v7 / v6, 2)
    inputs = shapes.solve_input_size(63, kernel_size=11, stride=4, padding=2)
    measured["AlexNet, inputs that give 63"] = [*inputs]
    rows = zoo.alexnet().summary((3, 256, 256)).rows
    measured["AlexNet at 256, maps"] = [[*row.output_shape] for row in rows if row.kind == "conv"]
    for quantity, reported in PUBLISHED["exact"].items():
        page.compare(quantity, reported=reported, measured=measured[quantity])


# %% Tasks 1 and 2: one batch
def single_batch(page: report.Reproduction, settings: Namespace, *, name: str, table: str) -> None:
    """Train on one batch of 64, one update an epoch; measure on the whole validation set."""
    sets = report.image_sets(page, settings, 128, **IMAGES)
    batch = sets.train.sample(64, seed=settings.seed)
    trainer = make_trainer(table, sets, 128, settings.out / name, settings)
    history = trainer.fit(batch, sets.validation, epochs=UPDATES, batch_size=64, resume=True)
    page.trained(trainer)
    page.section(f"A single batch, {name} model", f"Adam, learning rate 1e-3, {UPDATES} updates.")
    for split, reported in (("training", "falls"), ("validation", "rises")):
        losses = history[f"{split}_loss"]
        first, least, last = losses[0], min(losses), losses[-1]
        measured = "falls" if last < first / 4 else "rises" if last > least else "stays"
        note = f"{first:.3f}, lowest {least:.4f}, at last {last:.4f}"
        page.compare(f"{name}, {split} loss", reported=reported, measured=measured, note=note)
    if name == "linear":
        validation = history["validation_loss"]
        lowest = validation.index(min(validation)) + 1
        page.compare("epoch from which validation rises", reported=3, measured=lowest, band=(2, 4))
    else:
        late = max(history["training_loss"][11:])
        page.compare("training loss from epoch 12 on", reported=0, measured=late, band=(0, 0.1))
    page.picture(plots.curves(history), f"{name}_curves", f"One batch, {name} model")


def make_trainer(
    table: str, sets: data.Sets, size: int, directory: Path, settings: Namespace
) -> Trainer:
    """A new network with the settings that all tasks share, for images like those of the sets."""
    torch.manual_seed(settings.seed)
    if settings.quick and table not in {LINEAR, V1}:  # an eighth of the widths, but 10 outputs
        table = re.sub(r"\b(?!10\b)\d\d+", lambda width: str(int(width[0]) // 8), table)
    model = Architecture.parse(table).build((3, size, size))
    seed, precision = settings.seed, settings.precision
    return Trainer(
        model,
        optimizer="adam",
        lr=1e-3,
        directory=directory,
        seed=seed,
        precision=precision,
        preprocessing=sets.train.preprocessing,
    )


# %% Task 3: the versions
def train(page: report.Reproduction, settings: Namespace, *, name: str) -> None:
    """Train one version to its stop, validated on the images of the published figures."""
    version = VERSIONS[name]
    sets = report.image_sets(page, settings, version.size, **IMAGES)
    # The course cut random windows from whole photographs, here from squares half as large again.
    room = version.size * 3 // 2 if version.augment else version.size
    larger = report.image_sets(page, settings, room, **IMAGES)
    training, validation = larger.train, sets.validation
    if settings.quick:
        training = training.subset(range(QUICK_IMAGES))
    trainer = make_trainer(version.table, sets, version.size, settings.out / name, settings)
    trainer.early_stopping = None if version.epochs else RULE
    if version.augmented_validation:
        trainer.callbacks = (MeasureEpochs(basic_validation=sets.validation),)
        validation = data.batches(larger.validation, 128, augment=version.augment, shuffle=False)
    given = dict(pair.split("=", 1) for pair in settings.epochs).get(name)
    epochs = QUICK_EPOCHS if settings.quick else int(given or version.epochs or MOST_EPOCHS)
    history = trainer.fit(
        training,
        validation,
        epochs=epochs,
        batch_size=version.batch_size,
        augment=version.augment,
        resume=True,
    )
    page.trained(trainer)
    page.section(
        f"Full training, {name}",
        f"Adam, learning rate 1e-3, batch {version.batch_size}; {history.stop_reason}"
        f"{', as many as it was given here' if given else ''}. "
        f"The weights kept, on images without augmentation: {trainer.evaluate(sets.validation)}.",
    )
    page.picture(plots.curves(history), f"{name}_curves", f"{name}: loss and accuracy")


def versions(page: report.Reproduction, settings: Namespace) -> None:
    """The published table beside the runs that there are."""
    report.image_sets(page, settings, 128, **IMAGES)  # tells the page when the images only stand in
    files = {name: settings.out / name / "history.json" for name in VERSIONS}
    found = {name: History.read(file) for name, file in files.items() if file.exists()}
    page.section(
        "The versions",
        "Each figure is its own extremum over the epochs. v2 to v5 were validated on augmented "
        "images, which are drawn once here, and also on basic ones. The original measured v5 to "
        "v7 with the statistics of the batch, here it is evaluation mode. v5 and v6 are one "
        "network; v5 on basic images was claimed to be slightly above v6, without a figure: v6's "
        "stands there. Minutes include the validations.",
    )
    for name, version in VERSIONS.items():
        macs = Architecture.parse(version.table).summary((3, version.size, version.size)).macs
        note = "" if name in found else f"left out for its {macs:,} MACs an image"
        report.compare_run(page, name, found.get(name), PUBLISHED["versions"][name], note=note)
    for name, history in found.items():
        basic = "basic_validation_loss" in history
        losses = history["basic_validation_loss" if basic else "validation_loss"]
        below = sum(v < t for t, v in zip(history["training_loss"], losses, strict=True))
        share = f"{below} of {len(losses)} epochs"
        page.text(f"- {name}: loss of basic validation below training in {share}")
    best = {name: max(history["validation_accuracy"]) for name, history in found.items()}
    order = ", ".join(f"{name} {100 * best[name]:.1f} %" for name in sorted(best, key=best.get))
    page.text(f"By highest validation accuracy: {order}; as published the order is v1 to v7.")
    figure = plots.compare_curves(found, training=False)
    page.picture(figure, "versions", "Validation of the versions")


# %% Tasks 4 and 5: confusion matrices and predictions
def measure(page: report.Reproduction, settings: Namespace) -> None:
    """Confusion matrices of the whole training and validation sets, and the CSV of predictions."""
    name = settings.measured
    trainer = Trainer.load(settings.out / name)
    sets = report.image_sets(page, settings, VERSIONS[name].size, **IMAGES)
    page.section(
        f"Confusion matrices and predictions of {name}",
        "Published of v7: drill (taken for desk or dumbbell) and dumbbell hardest, banana taken "
        "for orange, baboon and cat mixed.",
    )
    report.confusions(page, trainer, (sets.train, sets.validation), normalize="truth")
    unseen = sets.test or sets.validation  # a stand-in may have no test images
    predictions = trainer.predict(unseen, batch_size=32)
    columns = ("file_name", "class_index")
    written = predictions.to_csv(settings.out / "test_preds.csv", columns, folders=False)
    page.text(f"`{written.name}` has the {len(unseen):,} images of the {unseen.split} set.")


# %% Task 6: AlexNet
def explore(page: report.Reproduction, settings: Namespace) -> None:
    """Filters beside the maps that they made: filter k belongs to map k."""
    page.section("AlexNet", "Every filter stands beside the map it made.")
    names = report.image_sets(page, settings, 128, **IMAGES).validation.names
    spread = [settings.data / name for name in names[:: len(names) // 3][:3]]
    model, preprocessing = report.trained_network(page, settings, "alexnet")
    square = replace(preprocessing, size=256, resize=None)
    pairs = FilterFeatureExtractor(model, preprocessing=square).extract(settings.images or spread)
    known = PUBLISHED["alexnet"]
    maps = [[*each.feature_maps.shape[1:]] for each in pairs.values()]
    filters = [[*each.filters.shape] for each in pairs.values()]
    held = sum(bool(pairs[layer][index].verify()) for layer, index in CHOSEN.items())
    page.compare("AlexNet, maps", reported=known["maps"], measured=maps)
    page.compare("AlexNet, filter banks", reported=known["filter_banks"], measured=filters)
    page.compare("filters that recompute their maps", reported=len(CHOSEN), measured=held)
    page.picture(pairs.plot_table(CHOSEN), "alexnet_pairs", "1st, 3rd and 5th conv layer")


# %% The script
def draw(folder: Path) -> Path:
    """Ten classes of drawn figures as files, for `--quick`."""
    drawn = data.drawn_shapes(train=64, validation=20, test=10)
    return drawn.write_images(folder, size=(200, 240))


TASKS = {
    "linear": partial(single_batch, name="linear", table=LINEAR),
    "conv": partial(single_batch, name="conv", table=V1),
    **{name: partial(train, name=name) for name in VERSIONS},
    "versions": versions,
    "measure": measure,
    "alexnet": explore,
}
TITLE = "COMP5623 ImageNet10, A: from over-fitting to 36 million parameters"

if __name__ == "__main__":
    script = report.ReproductionScript(
        TITLE, TASKS, exact=exact, data="imagenet10", pictures=PUBLISHED["pictures"], draw=draw
    )
    add = script.parser.add_argument
    add("--epochs", nargs="+", default=[], metavar="VERSION=N", help="at most")
    add("--measured", choices=VERSIONS, default="v7", help="the version of the task measure")
    add("--images", type=Path, nargs="+", help="photographs for AlexNet; else of --data")
    script.run()
