"""COMP5623 coursework 1, another solution: a small net with dropout on ImageNet10.

    python examples/comp5623_imagenet10_b.py --data imagenet10 --out runs/imagenet10_b
    python examples/comp5623_imagenet10_b.py --task replay --out runs/imagenet10_b

`--data` is a folder with `train_set/CLASS/*` and `test_set/*`, or with `train/` and `val/`; ten
classes of other photographs are a stand-in, and the page says so. `--quick` runs every task in
seconds on drawn figures. Runs in `--out` go on where they stopped.
"""

# %% Settings
from __future__ import annotations

import textwrap
import tomllib
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from convkit import Architecture, EarlyStopping, Trainer, data, plots, report
from convkit.architecture import zoo
from convkit.features import FilterFeatureExtractor
from convkit.training import Flatness, MeasureEpochs

# The published figures and logs, the images of the course, the pictures of the page.
PUBLISHED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
IMAGES = PUBLISHED["images"]  # classes, normalisation and split
SIZE, BATCH_SIZE = 128, 48  # the shorter side resized, a square cut from the middle
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

TABLES = {"linear": LINEAR, "S": S, "F": F}

EXPLORED = ((0, 6, 10), (3, 8, 10), (0, 6, 10))  # for each of three images, layers of `features`
RULES = {
    "raw, patience 3": EarlyStopping(3, smoothing=None),
    "smoothed, patience 3": EarlyStopping(3, smoothing=0.6),
    "raw, patience 5": EarlyStopping(5, smoothing=None),
    "smoothed, patience 5": EarlyStopping(5, smoothing=0.6),
    "smoothed, flat": EarlyStopping(None, smoothing=0.6, flatness=Flatness(8, tolerance=5e-3)),
}


def published(name: str) -> dict[str, list[float]]:
    """A published log as the columns of a history, accuracies as shares."""
    log = PUBLISHED["logs"][name]
    scales = {column: 0.01 if "accuracy" in column else 1 for column in log}
    columns = {column: [scales[column] * value for value in log[column]] for column in log}
    return {"epoch": [*range(1, len(log["training_loss"]) + 1)], **columns}


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Sizes, parameters and accuracies as counts."""
    page.section("Exact numbers")
    for name, parameters in PUBLISHED["parameters"].items():
        architecture = Architecture.parse(TABLES[name])
        summary = architecture.summary((3, SIZE, SIZE))
        sides = [row.output_shape[1] for row in summary.rows if row.kind in {"conv", "max pool"}]
        wrong = architecture.check((3, SIZE, SIZE))
        page.compare(f"{name}, parameters", reported=parameters, measured=summary.parameters)
        page.compare(f"{name}, stated cells that are wrong", reported=[], measured=wrong)
        page.compare(f"{name}, sides", reported=PUBLISHED["sides"], measured=sides)
    for right, total, percent in PUBLISHED["counts"]:
        measured = round(100 * right / total, 4)
        page.compare(f"{right} of {total}, in percent", reported=percent, measured=measured)
    for size, sides in PUBLISHED["alexnet_maps"].items():
        rows = zoo.alexnet().summary((3, *map(int, size.split("x")))).rows
        maps = [[*row.output_shape[1:]] for row in rows if row.kind == "conv"]
        page.compare(f"AlexNet at {size}, maps", reported=sides, measured=maps)


# %% Tasks 1 to 3: training
def train(page: report.Reproduction, settings: Namespace, *, name: str) -> None:
    """Train on one batch, or F on all images, augmented as published; set the logs side by side."""
    one_batch, log = name != "F", published(name)
    sets = report.image_sets(page, settings, SIZE, **IMAGES)
    training, validation, also = sets.train, sets.validation, {}
    if one_batch:
        training = also["training_again"] = training.sample(BATCH_SIZE, seed=settings.seed)
    else:
        how = {"augment": AUGMENT, "shuffle": False, "seed": settings.seed}
        validation = data.batches(sets.validation, 128, **how)
        also["training_again"] = data.batches(training, 128, **how)
        also["basic_validation"] = sets.validation
    torch.manual_seed(settings.seed)
    trainer = Trainer(
        Architecture.parse(TABLES[name]).build((3, SIZE, SIZE)),
        optimizer="adam",
        lr=1e-3,
        directory=settings.out / name.lower(),
        seed=settings.seed,
        precision=settings.precision,
        callbacks=[MeasureEpochs(**also)],
    )
    history = trainer.fit(
        training,
        validation,
        epochs=2 if settings.quick and not one_batch else len(log["epoch"]),
        batch_size=BATCH_SIZE,
        augment=() if one_batch else AUGMENT,
        resume=True,
    )
    page.trained(trainer)
    page.section(
        f"{'A single batch' if one_batch else 'Full training'}, {name}",
        f"Adam, learning rate 1e-3, batch {BATCH_SIZE}; {history.stop_reason}. As published, the "
        "training images are measured again after each epoch, in evaluation mode; here losses are "
        "means over images, there over batches.",
    )
    printed = PUBLISHED["logs"][name]
    ours = {column: column.replace("training", "training_again") for column in log}
    here = {column: history[ours[column]] for column in log}
    reported = {f"{ours[column]}_last": line[-1] for column, line in printed.items()}
    if not one_batch:
        reported["validation_loss_low"] = min(printed["validation_loss"])
        reported["validation_accuracy_high"] = max(printed["validation_accuracy"])
        best = 100 * max(history["basic_validation_accuracy"])
        page.text(
            f"Highest accuracy on validation images that are not augmented: {best:.2f} %. The "
            "published text has 69 % and 1.1 for the last epoch, its log 67.91 % and 1.1698."
        )
    report.compare_run(page, name, history, reported)
    if one_batch:
        losses = here["training_loss"], here["validation_loss"]
        page.compare(
            f"{name}, loss of training and of validation ends above its beginning",
            reported=[False, True],
            measured=[line[-1] > line[0] for line in losses],
        )
    lines = (f"{column} {' '.join(f'{v:.4g}' for v in line)}" for column, line in here.items())
    page.code("\n".join(textwrap.fill(line, 96, subsequent_indent="  ") for line in lines))
    figure = plots.compare_curves({"published": log, "here": here})
    page.picture(figure, f"{name.lower()}_curves", f"{name}: the published log beside ours")


# %% Tasks 4 and 5: confusion matrices and predictions
def measure(page: report.Reproduction, settings: Namespace) -> None:
    """Confusion matrices of the whole training and validation sets, and the CSV of predictions."""
    trainer = Trainer.load(settings.out / "f")
    sets = report.image_sets(page, settings, SIZE, **IMAGES)
    page.section(
        "Confusion matrices and predictions of F",
        "The published matrices came from a split drawn anew, and their counts do not add up to "
        "the images of a class: they are not compared.",
    )
    for result in report.confusions(page, trainer, (sets.train, sets.validation)):
        again = PUBLISHED["again"][result.name]
        page.compare_evaluation(result, **again, loss_margin=0.1 * again["loss"])
    unseen = sets.test or sets.validation  # a stand-in may have no test images
    written = trainer.predict(unseen).to_csv(settings.out / "test_preds.csv", folders=False)
    page.text(f"`{written.name}` has the {len(unseen):,} images of the {unseen.split} set.")


# %% Task 6: AlexNet
def explore(page: report.Reproduction, settings: Namespace) -> None:
    """The first 64 filters and maps of AlexNet's layers, for images in their own size."""
    page.section("AlexNet", "Each tile has its own scale of grey.")
    names = report.image_sets(page, settings, SIZE, **IMAGES).validation.names
    spread = [settings.data / name for name in names[:: len(names) // 3][:3]]
    model, preprocessing = report.trained_network(page, settings, "alexnet")
    as_they_are = replace(preprocessing, size=None, resize=None)
    extractor = FilterFeatureExtractor(model, preprocessing=as_they_are)
    for image, (path, indices) in enumerate(zip(settings.images or spread, EXPLORED, strict=True)):
        layers = [f"features.{index}" for index in indices]
        for layer, pairs in extractor.extract(path, layers, stages="activation").items():
            grids = {
                "filters, input channel 0": pairs.filters[:64, 0],
                "before ReLU": pairs.feature_maps[0, :64],
                "after ReLU": pairs.after_activation[0, :64],
            }
            caption = f"Image {image}, {layer}: the first 64 filters and their maps"
            page.picture(plots.grey_grids(grids), f"image_{image}_{layer}", caption)


# %% What would other stop rules have done?
def replay(page: report.Reproduction, _: Namespace) -> None:
    """Stop rules on the published curves: raw patience against smoothed, and flatness."""
    page.section(
        "Stop rules on the published curves",
        "Epochs count from 1; what a rule misses is the validation loss of its best epoch less the "
        "lowest of the curve. Smoothing is an exponential mean of weight 0.6.",
    )
    for name in PUBLISHED["logs"]:
        outcome = EarlyStopping.replay(published(name)["validation_loss"], RULES)
        page.text(f"{name}:\n\n{outcome.table().to_markdown()}")
        page.picture(outcome.plot(), f"replay_{name.lower()}", f"{name}: what each rule would keep")


# %% The script
def draw(folder: Path) -> Path:
    """Ten classes of drawn figures as files, for `--quick`."""
    drawn = data.drawn_shapes(train=60, validation=20, test=10)
    return drawn.write_images(folder, size=(200, 240))


TASKS = {
    **{name.lower(): partial(train, name=name) for name in TABLES},
    "measure": measure,
    "alexnet": explore,
    "replay": replay,
}
TITLE = "COMP5623 ImageNet10, B: a small net with dropout"

if __name__ == "__main__":
    script = report.ReproductionScript(
        TITLE, TASKS, exact=exact, data="imagenet10", pictures=PUBLISHED["pictures"], draw=draw
    )
    add = script.parser.add_argument
    add("--images", type=Path, nargs=3, help="photographs for AlexNet; else of --data")
    script.run()
