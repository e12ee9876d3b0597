"""COMP5623 coursework 1, another solution: a small net with dropout on ImageNet10.

    python examples/comp5623_imagenet10_b.py --data imagenet10 --out runs/imagenet10_b
    python examples/comp5623_imagenet10_b.py --task replay --out runs/imagenet10_b

`--data` is a folder with `train_set/CLASS/*` and `test_set/*`, or with class folders; ten classes
of other photographs serve as a stand-in, and the page says so. `--quick` runs every task in seconds
on drawn figures. Runs in `--out` go on where they stopped. The page in `--out` sets
every reported figure beside the measured one.
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

from convkit import Architecture, EarlyStopping, Trainer, data, plots, report
from convkit.architecture import zoo
from convkit.features import FilterFeatureExtractor
from convkit.training import AlsoMeasure, Flatness, transfer

CLASSES = "baboon, banana, canoe, cat, desk, drill, dumbbell, football, mug, orange"
MEAN, STD = (0.52283615, 0.47988218, 0.40605107), (0.29770654, 0.2888402, 0.31178293)
SIZE, BATCH_SIZE, VALIDATION_SHARE = 128, 48, 0.2
QUICK_EPOCHS = 2
AUGMENT = (
    data.ColorJitter(brightness=0.2, saturation=0.2, hue=0.2),
    data.Affine(10, translate=(0.1, 0.1), scale=(0.9, 1.1)),
    data.HorizontalFlip(0.5),
)

LINEAR = "flatten, linear 10"
S = """
| layer | output | parameters |
| --- | --- | --- |
| Conv 3->32, k3, pad 1, stride 1, ReLU | 32x128x128 | 896 |
| MaxPool k4, stride 2 | 32x63x63 | |
| Conv 32->40, k2, pad 0, ReLU | 40x62x62 | 5,160 |
| MaxPool k2, stride 2 | 40x31x31 | |
| Conv 40->56, k3, pad 0, stride 2, ReLU | 56x15x15 | 20,216 |
| MaxPool k3, stride 2 | 56x7x7 | |
| Flatten | 2744 | |
| Linear 1024, ReLU | 1024 | 2,810,880 |
| Linear 512, ReLU | 512 | 524,800 |
| Linear 10 | 10 | 5,130 |
| total | | 3,367,082 |
"""
# F adds dropout, and a batch norm in the linear part.
F = """
| layer | output | parameters |
| --- | --- | --- |
| Conv 3->32, k3, pad 1, stride 1, ReLU | 32x128x128 | 896 |
| MaxPool k4, stride 2 | 32x63x63 | |
| Conv 32->40, k2, pad 0, ReLU | 40x62x62 | 5,160 |
| MaxPool k2, stride 2 | 40x31x31 | |
| Dropout 0.05 | | |
| Conv 40->56, k3, pad 0, stride 2, ReLU | 56x15x15 | 20,216 |
| MaxPool k3, stride 2 | 56x7x7 | |
| Dropout 0.1 | | |
| Flatten | 2744 | |
| Linear 1024 | 1024 | 2,810,880 |
| BatchNorm1d | 1024 | 2,048 |
| ReLU | | |
| Dropout 0.1 | | |
| Linear 512, ReLU | 512 | 524,800 |
| Linear 10 | 10 | 5,130 |
| total | | 3,369,130 |
"""


@dataclass(frozen=True)
class Run:
    """One training, and what was published of its last epoch or, for F, of its best ones."""

    title: str
    table: str
    epochs: int
    accuracies: tuple[float, float]  # training, validation, in percent
    losses: str
    validation_losses: Sequence[float]  # as logged, epoch by epoch
    one_batch: bool = True


# fmt: off
RUNS = {
    "linear": Run("A single batch, linear model", LINEAR, 20, (100, 13.16), "0.0005 and 41.2632", (
        18.3225, 25.5245, 29.3966, 31.3202, 32.8066, 36.0638, 38.0536, 38.3361, 37.5193, 38.6971,
        37.6200, 37.0957, 39.4311, 40.1329, 41.2002, 39.7169, 40.8549, 39.3309, 39.8164, 41.2632)),
    "s": Run("A single batch, network S", S, 30, (100, 21.27), "0.0237 and 4.4972", (
        2.3138, 2.5484, 2.3209, 2.2722, 2.2296, 2.2634, 2.2101, 2.1615, 2.1813, 2.2826,
        2.2305, 2.2656, 2.5495, 2.5682, 3.0460, 3.4735, 4.1470, 3.6489, 4.0402, 4.2379,
        4.3378, 4.9936, 5.4383, 4.5784, 4.1861, 4.2994, 4.3500, 4.3195, 4.4505, 4.4972)),
    "f": Run("Full training, network F", F, 35, (84.60, 70.46), "0.4454 and 0.9295", (
        1.6366, 1.5124, 1.4676, 1.3040, 1.4134, 1.2154, 1.1921, 1.1353, 1.1632, 1.1269,
        1.0338, 1.1717, 1.0608, 1.1249, 1.0780, 1.0406, 1.0001, 1.0772, 1.0831, 1.0528,
        1.0224, 1.0158, 0.9547, 1.2269, 1.0481, 0.9755, 0.9295, 0.9843, 1.0268, 0.9965,
        0.9486, 1.0133, 1.0686, 0.9814, 1.1698), one_batch=False),
}
ALEXNET_SIDES = {
    (224, 224): [(55, 55), (27, 27), (13, 13), (13, 13), (13, 13)],
    (375, 500): [(93, 124), (46, 61), (22, 30), (22, 30), (22, 30)],
    (300, 348): [(74, 86), (36, 42), (17, 20), (17, 20), (17, 20)],
    (333, 500): [(82, 124), (40, 61), (19, 30), (19, 30), (19, 30)],
    (128, 128): [(31, 31), (15, 15), (7, 7), (7, 7), (7, 7)],
}
# fmt: on
COUNTS = {(180, 1801): 9.9944, (1223, 1801): 67.9067, (5916, 7200): 82.1667}
EXPLORED = ((0, 6, 10), (3, 8, 10), (0, 6, 10))  # for each of three images, layers of `features`
RULES = {
    "raw, patience 3": EarlyStopping(3, smoothing=None),
    "smoothed, patience 3": EarlyStopping(3, smoothing=0.6),
    "raw, patience 5": EarlyStopping(5, smoothing=None),
    "smoothed, patience 5": EarlyStopping(5, smoothing=0.6),
    "smoothed, flat": EarlyStopping(None, smoothing=0.6, flatness=Flatness(8, tolerance=5e-3)),
}


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Sizes, parameters and accuracies as counts; ends the script when one differs."""
    page.section("Exact numbers")
    shape = (3, SIZE, SIZE)
    for name, table, parameters in (("S", S, 3_367_082), ("F", F, 3_369_130)):
        architecture = Architecture.parse(table)
        summary = architecture.summary(shape)
        sides = [row.output_shape[1] for row in summary.rows if row.kind in {"conv", "max pool"}]
        for quantity, reported, measured in (
            ("parameters", parameters, summary.parameters),
            ("stated cells that are wrong", [], architecture.check(shape)),
            ("sides of the maps", [128, 63, 62, 31, 15, 7], sides),
        ):
            page.compare(f"{name}, {quantity}", reported=reported, measured=measured)
    for (right, total), percent in COUNTS.items():
        measured = round(100 * right / total, 4)
        page.compare(f"{right} of {total}, in percent", reported=percent, measured=measured)
    for size, sides in ALEXNET_SIDES.items():
        rows = [row for row in zoo.alexnet().summary((3, *size)).rows if row.kind == "conv"]
        maps = [row.output_shape[1:] for row in rows]
        page.compare(f"AlexNet at {size[0]}x{size[1]}, maps", reported=sides, measured=maps)
    if wrong := [c for c in page.comparisons if c.verdict != "exact"]:
        raise SystemExit("\n".join(map(str, wrong)))


# %% Tasks 1 to 3: training
def train(page: report.Reproduction, name: str, settings: argparse.Namespace) -> None:
    """Train one network, measured on the whole validation set after each epoch."""
    run, sets = RUNS[name], read_sets(settings.data, settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    chosen = torch.randperm(len(sets.train), generator=generator)[:BATCH_SIZE]
    augment = () if run.one_batch else AUGMENT
    augmented = augment and settings.validation == "augmented"
    training = sets.train.subset(chosen) if run.one_batch else sets.train
    also = {"training_again": data.batches(training, 128, augment=augment, shuffle=False)}
    if augmented:
        also["basic_validation"] = sets.validation
    torch.manual_seed(settings.seed)
    trainer = Trainer(
        Architecture.parse(run.table).build((3, SIZE, SIZE)),
        optimizer="adam",
        lr=1e-3,
        directory=run_of(name, settings),
        seed=settings.seed,
        precision=settings.precision,
        callbacks=[AlsoMeasure(**also)],
    )
    history = trainer.fit(
        training,
        data.batches(sets.validation, 128, augment=augment, shuffle=False, seed=settings.seed)
        if augmented
        else sets.validation,
        epochs=QUICK_EPOCHS if settings.quick else settings.epochs or run.epochs,
        batch_size=BATCH_SIZE,
        augment=augment,
        resume=True,
    )
    page.section(
        run.title,
        f"Adam, learning rate 1e-3, batch {BATCH_SIZE}, validated on "
        f"{'augmented' if augmented else 'basic'} images; {history.stop_reason}. Training figures "
        "are taken while training, before each update; the published ones after the epoch.",
    )
    real = ", ".join(sets.class_names) == CLASSES
    which = "after the last epoch" if run.one_batch else "highest"
    for split, reported in zip(("training", "validation"), run.accuracies, strict=True):
        known = real or (run.one_batch and split == "training" and not settings.quick)
        accuracies, losses = history[f"{split}_accuracy"], history[f"{split}_loss"]
        percent = 100 * (accuracies[-1] if run.one_batch else max(accuracies))
        page.compare(
            f"{name}, {split} accuracy {which} (%)",
            reported=reported,
            measured=round(percent, 2) if known else None,
            band=(reported - 2, reported + 2),
            note=f"{'here' if known else 'other images:'} {percent:.2f} %, loss at last "
            f"{losses[-1]:.4f}, at least {min(losses):.4f}; reported losses {run.losses}",
        )
    page.text(f"The log, epoch by epoch:\n\n{history.table().to_markdown()}")
    history.to_csv(settings.out / f"{name}_log.csv")
    page.picture(plots.curves(history), f"{name}_curves", f"{run.title}: loss and accuracy")
    epochs = range(1, run.epochs + 1)
    published = {"epoch": epochs, "validation_loss": run.validation_losses}
    pair = {"published": published, "here": history}
    figure = plots.compare_curves(pair, training=False, accuracy=False)
    page.picture(figure, f"{name}_published", f"{run.title}: beside the published validation loss")


def run_of(name: str, settings: argparse.Namespace) -> Path:
    """Where a run is kept; other validation images make another run."""
    basic = name == "f" and settings.validation == "basic"
    return settings.out / (f"{name}-basic" if basic else name)


# %% Tasks 4 and 5: confusion matrices and predictions
def measure(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Confusion matrices of the whole training and validation sets, and the CSV of predictions."""
    trainer, sets = Trainer.load(run_of("f", settings)), read_sets(settings.data, settings.seed)
    page.section(
        "Confusion matrices and predictions of F",
        "Rows are the true class. The published matrices came from a split drawn anew, and their "
        "counts do not add up to the images of a class: they are not compared.",
    )
    real = ", ".join(sets.class_names) == CLASSES
    for image_set, reported in ((sets.train, 82.61), (sets.validation, 68.18)):
        result = trainer.evaluate(image_set)
        page.compare(
            f"F, {result.name} accuracy, measured again (%)",
            reported=reported,
            measured=round(100 * result.accuracy, 2) if real else None,
            band=(reported - 2, reported + 2),
            note=str(result),
        )
        picture = result.confusion.plot()
        page.picture(picture, f"confusion_{result.name}", f"F, whole {result.name} set, counts")
    unseen = sets.test or sets.validation  # a stand-in may have no test images
    predictions = trainer.predict(unseen)
    predictions = replace(predictions, names=tuple(Path(name).name for name in predictions.names))
    written = predictions.to_csv(settings.out / "test_preds.csv")
    page.text(f"`{written.name}` has {len(predictions):,} predictions of the {unseen.split} set.")


# %% Task 6: AlexNet
def explore(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """The first 64 filters and maps of AlexNet's layers, for images in their own size."""
    if settings.quick:
        torch.manual_seed(settings.seed)
        model: torch.nn.Module = torchvision.models.alexnet(weights=None)
    else:
        model, _ = transfer.pretrained("alexnet", weights=settings.weights)
    page.section("AlexNet", f"With {'random' if settings.quick else 'ImageNet'} weights.")
    names = read_sets(settings.data, settings.seed).validation.names
    spread = [settings.data / name for name in names[:: max(len(names) // 3, 1)][:3]]
    preprocessing = data.Preprocessing(mean=data.IMAGENET_MEAN, std=data.IMAGENET_STD)
    extractor = FilterFeatureExtractor(model, preprocessing=preprocessing)
    look = {"channels": range(16 if settings.quick else 64), "columns": 8}
    drawn = set()
    for image, (path, indices) in enumerate(zip(settings.images or spread, EXPLORED, strict=True)):
        layers = [f"features.{index}" for index in indices]
        for layer, pairs in extractor.extract(path, layers, stages="activation").items():
            if layer not in drawn:
                figure = plots.filters(pairs.filters, input_channel=0, **look)
                page.picture(figure, f"filters_{layer}", f"Filters of {layer}, input channel 0")
                drawn.add(layer)
            for stage, maps in (("conv", pairs.feature_maps), ("relu", pairs.after_activation)):
                figure = plots.feature_maps(maps[0], signed=stage == "conv", **look)
                caption = f"Image {image}, {layer}, {stage}, {maps.shape[2]}x{maps.shape[3]}"
                page.picture(figure, f"maps_{image}_{layer}_{stage}", caption)


# %% What would other stop rules have done?
def replay(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Stop rules on the published curves: raw patience against smoothed, and flatness."""
    del settings
    page.section(
        "Stop rules on the published curves",
        "Epochs count from 1; what a rule misses is the validation loss of its best epoch less the "
        "lowest of the curve. Smoothing is an exponential mean of weight 0.6.",
    )
    for name, run in RUNS.items():
        outcome = EarlyStopping.replay(run.validation_losses, RULES)
        page.text(f"{run.title}:\n\n{outcome.table().to_markdown()}")
        page.picture(outcome.plot(), f"replay_{name}", f"{run.title}: what each rule would keep")


# %% Data
@cache
def read_sets(folder: Path, seed: int) -> data.Sets:
    """The shorter side resized, a square cut from the middle; 80 % of the images train."""
    own = any((folder / name).is_dir() for name in ("val", "validation"))
    share = None if own else VALIDATION_SHARE
    return data.image_folder(
        folder, SIZE, validation=share, stratified=False, seed=seed, mean=MEAN, std=STD
    )


def draw_images(folder: Path) -> Path:
    """Ten classes of drawn figures as files, for `--quick`."""
    drawn = data.drawn_shapes(train=20, validation=10, test=3)
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
    **{n: lambda page, settings, n=n: train(page, n, settings) for n in RUNS},
    "measure": measure,
    "alexnet": explore,
    "replay": replay,
}


def main() -> None:
    """Run the tasks asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--data", type=Path, default=Path("imagenet10"))
    parser.add_argument("--out", type=Path, default=Path("runs/comp5623_imagenet10_b"))
    parser.add_argument("--validation", choices=("augmented", "basic"), default="augmented")
    parser.add_argument("--weights", type=Path, help="AlexNet's file; else torchvision's download")
    parser.add_argument("--images", type=Path, nargs=3, help="photographs for AlexNet")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--epochs", type=int, help="of each training; else as published")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="seconds, on drawn figures")
    settings = parser.parse_args()

    page = report.Reproduction("COMP5623 ImageNet10, B: a small net with dropout")
    exact(page)
    with tempfile.TemporaryDirectory() as folder:
        if settings.quick:
            settings.data = draw_images(Path(folder))
        for task in settings.task:
            TASKS[task](page, settings)
        print(page.write(settings.out / f"{Path(__file__).stem}.md"), page.counts(), sep="\n")


if __name__ == "__main__":
    main()
