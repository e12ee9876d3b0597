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
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
import torchvision

from convkit import Architecture, EarlyStopping, Trainer, data, plots, report
from convkit.architecture import zoo
from convkit.features import FilterFeatureExtractor
from convkit.training import Flatness, MeasureEpochs, transfer

CLASSES = "baboon banana canoe cat desk drill dumbbell football mug orange"
MEAN, STD = (0.52283615, 0.47988218, 0.40605107), (0.29770654, 0.2888402, 0.31178293)
SIZE, BATCH_SIZE = 128, 48
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

# The published logs, epoch by epoch; F's figures are those of the full training set.
# fmt: off
LOGS = {
    "linear": """
        training_loss 2.8423 2.1669 1.3379 1.0000 0.7635 0.4280 0.0682 0.0216 0.0008 0.0021
        0.0059 0.0060 0.0031 0.0013 0.0005 0.0003 0.0002 0.0001 0.0002 0.0005
        training_accuracy 68.75 85.42 95.83 97.92 97.92 97.92 95.83 100.00 100.00 100.00 100.00
        100.00 100.00 100.00 100.00 100.00 100.00 100.00 100.00 100.00
        validation_loss 18.3225 25.5245 29.3966 31.3202 32.8066 36.0638 38.0536 38.3361 37.5193
        38.6971 37.6200 37.0957 39.4311 40.1329 41.2002 39.7169 40.8549 39.3309 39.8164 41.2632
        validation_accuracy 15.94 17.10 16.82 16.21 14.27 13.71 13.10 12.83 12.94 13.21 13.44
        13.55 13.27 13.27 13.49 13.27 13.05 13.05 13.05 13.16""",
    "S": """
        training_loss 2.2291 2.2461 2.1735 2.1331 2.0353 1.9335 1.8000 1.6778 1.5489 1.4040
        1.2209 1.0097 0.8079 0.6609 0.6320 0.4683 0.5843 0.4766 0.6254 0.4411 0.1433 0.1690
        0.2762 0.1092 0.0616 0.0817 0.1090 0.0923 0.0485 0.0237
        training_accuracy 18.75 18.75 39.58 56.25 35.42 25.00 41.67 50.00 56.25 62.50 70.83
        77.08 85.42 81.25 81.25 87.50 70.83 79.17 87.50 89.58 97.92 95.83 87.50 95.83 100.00
        97.92 100.00 100.00 100.00 100.00
        validation_loss 2.3138 2.5484 2.3209 2.2722 2.2296 2.2634 2.2101 2.1615 2.1813 2.2826
        2.2305 2.2656 2.5495 2.5682 3.0460 3.4735 4.1470 3.6489 4.0402 4.2379 4.3378 4.9936
        5.4383 4.5784 4.1861 4.2994 4.3500 4.3195 4.4505 4.4972
        validation_accuracy 9.99 9.99 15.27 17.77 12.27 10.27 15.21 17.99 18.27 19.71 20.71
        19.82 19.38 20.04 19.38 18.55 17.43 22.10 22.04 21.21 21.38 20.16 18.49 19.93 20.66
        21.10 20.82 20.88 20.99 21.27""",
    "F": """
        training_loss 1.6810 1.5107 1.3809 1.2580 1.2855 1.1128 1.1178 1.0203 0.9964 0.9772
        0.9227 0.9603 0.8675 0.9403 0.8389 0.7601 0.7525 0.7451 0.7966 0.6996 0.6389 0.6816
        0.6370 0.7804 0.6720 0.5488 0.5403 0.5556 0.5847 0.5208 0.4836 0.4551 0.4454 0.4627
        0.5162
        training_accuracy 40.26 47.74 51.26 56.51 55.43 61.00 61.65 64.78 65.99 66.15 68.42
        66.60 69.50 68.85 70.46 73.92 73.76 73.96 72.82 75.21 77.72 76.11 77.90 72.71 76.65
        80.74 81.76 81.10 79.76 81.92 83.36 84.60 84.56 84.12 82.17
        validation_loss 1.6366 1.5124 1.4676 1.3040 1.4134 1.2154 1.1921 1.1353 1.1632 1.1269
        1.0338 1.1717 1.0608 1.1249 1.0780 1.0406 1.0001 1.0772 1.0831 1.0528 1.0224 1.0158
        0.9547 1.2269 1.0481 0.9755 0.9295 0.9843 1.0268 0.9965 0.9486 1.0133 1.0686 0.9814
        1.1698
        validation_accuracy 41.42 45.20 49.58 53.25 52.30 57.36 59.13 60.36 60.58 61.47 62.63
        61.41 65.08 61.52 63.02 66.02 66.74 64.96 64.74 66.63 67.85 66.57 67.46 62.85 65.46
        70.07 68.52 68.41 67.18 67.07 70.13 70.46 69.68 68.96 67.91""",
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
AGAIN = {"train": (0.5031, 82.61), "validation": (1.0261, 68.18)}  # F, measured once more
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
    columns: dict[str, list[float]] = {}
    for word in LOGS[name].split():
        if word[0].isalpha():
            column, scale = columns.setdefault(word, []), 0.01 if "accuracy" in word else 1
        else:
            column.append(float(word) * scale)
    return {"epoch": [*range(1, len(column) + 1)], **columns}


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Sizes, parameters and accuracies as counts."""
    page.section("Exact numbers")
    for name, table, parameters in (("S", S, 3_367_082), ("F", F, 3_369_130)):
        architecture = Architecture.parse(table)
        summary = architecture.summary((3, SIZE, SIZE))
        sides = [row.output_shape[1] for row in summary.rows if row.kind in {"conv", "max pool"}]
        wrong = architecture.check((3, SIZE, SIZE))
        page.compare(f"{name}, parameters", reported=parameters, measured=summary.parameters)
        page.compare(f"{name}, stated cells that are wrong", reported=[], measured=wrong)
        page.compare(f"{name}, sides", reported=[128, 63, 62, 31, 15, 7], measured=sides)
    for (right, total), percent in COUNTS.items():
        measured = round(100 * right / total, 4)
        page.compare(f"{right} of {total}, in percent", reported=percent, measured=measured)
    for size, sides in ALEXNET_SIDES.items():
        rows = [row for row in zoo.alexnet().summary((3, *size)).rows if row.kind == "conv"]
        maps = [row.output_shape[1:] for row in rows]
        page.compare(f"AlexNet at {size[0]}x{size[1]}, maps", reported=sides, measured=maps)


# %% Tasks 1 to 3: training
def train(page: report.Reproduction, settings: Namespace, *, name: str) -> None:
    """Train on one batch, or F on all images, augmented as published; set the logs side by side."""
    one_batch, log = name != "F", published(name)
    sets = read_sets(page, settings)
    training, validation, also = sets.train, sets.validation, {}
    if one_batch:
        generator = torch.Generator().manual_seed(settings.seed)
        chosen = torch.randperm(len(training), generator=generator)[:BATCH_SIZE]
        training = also["training_again"] = training.subset(chosen)
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
    ours = {column: column.replace("training", "training_again") for column in log}
    here = {column: history[ours[column]] for column in log}
    reported = {f"{ours[c]}_last": line[-1] for c, line in log.items() if c != "epoch"}
    if not one_batch:
        reported["validation_loss_low"] = min(log["validation_loss"])
        reported["validation_accuracy_high"] = max(log["validation_accuracy"])
        best = 100 * max(history["basic_validation_accuracy"])
        page.text(
            f"Highest accuracy on validation images that are not augmented: {best:.2f} %. The "
            "published text has 69 % and 1.1 for the last epoch, its log 67.91 % and 1.1698."
        )
    percent = {f: round(100 * v, 2) for f, v in reported.items() if "accuracy" in f}
    report.compare_run(page, name, history, {**reported, **percent})
    if one_batch:
        losses = here["training_loss"], here["validation_loss"]
        risen = [line[-1] > line[0] for line in losses]
        what = f"{name}, loss of training and of validation ends above its beginning"
        page.compare(what, reported=[False, True], measured=risen)
    lines = (f"{column} {' '.join(f'{v:.4g}' for v in line)}" for column, line in here.items())
    page.code("\n".join(textwrap.fill(line, 96, subsequent_indent="  ") for line in lines))
    figure = plots.compare_curves({"published": log, "here": here})
    page.picture(figure, f"{name.lower()}_curves", f"{name}: the published log beside ours")


# %% Tasks 4 and 5: confusion matrices and predictions
def measure(page: report.Reproduction, settings: Namespace) -> None:
    """Confusion matrices of the whole training and validation sets, and the CSV of predictions."""
    trainer, sets = Trainer.load(settings.out / "f"), read_sets(page, settings)
    page.section(
        "Confusion matrices and predictions of F",
        "The published matrices came from a split drawn anew, and their counts do not add up to "
        "the images of a class: they are not compared.",
    )
    for result in report.confusions(page, trainer, (sets.train, sets.validation)):
        loss, accuracy = AGAIN[result.name]
        page.compare_evaluation(result, accuracy=accuracy, loss=loss, loss_margin=0.1 * loss)
    unseen = sets.test or sets.validation  # a stand-in may have no test images
    predictions = trainer.predict(unseen)
    predictions = replace(predictions, names=[Path(name).name for name in predictions.names])
    written = predictions.to_csv(settings.out / "test_preds.csv")
    page.text(f"`{written.name}` has the {len(unseen):,} images of the {unseen.split} set.")


# %% Task 6: AlexNet
def alexnet(settings: Namespace) -> tuple[torch.nn.Module, data.Preprocessing, str]:
    """AlexNet, how its images are prepared, and in words which weights it has."""
    prepared = data.Preprocessing(mean=data.IMAGENET_MEAN, std=data.IMAGENET_STD)
    torch.manual_seed(settings.seed)
    if settings.quick:
        return torchvision.models.alexnet(weights=None), prepared, "random"
    model, transform = transfer.pretrained("alexnet", weights=settings.weights)
    if not isinstance(transform, data.Preprocessing):
        return model, prepared, "ImageNet's"
    prepared = replace(transform, size=None, resize=None)
    return model, prepared, f"those of the run {Path(settings.weights).name} instead of ImageNet's"


def explore(page: report.Reproduction, settings: Namespace) -> None:
    """The first 64 filters and maps of AlexNet's layers, for images in their own size."""
    model, preprocessing, weights = alexnet(settings)
    page.section("AlexNet", f"Weights: {weights}. Each tile has its own scale of grey.")
    names = read_sets(page, settings).validation.names
    spread = [settings.data / name for name in names[:: max(len(names) // 3, 1)][:3]]
    extractor = FilterFeatureExtractor(model, preprocessing=preprocessing)
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
def replay(page: report.Reproduction, settings: Namespace) -> None:
    """Stop rules on the published curves: raw patience against smoothed, and flatness."""
    del settings
    page.section(
        "Stop rules on the published curves",
        "Epochs count from 1; what a rule misses is the validation loss of its best epoch less the "
        "lowest of the curve. Smoothing is an exponential mean of weight 0.6.",
    )
    for name in LOGS:
        outcome = EarlyStopping.replay(published(name)["validation_loss"], RULES)
        page.text(f"{name}:\n\n{outcome.table().to_markdown()}")
        page.picture(outcome.plot(), f"replay_{name.lower()}", f"{name}: what each rule would keep")


# %% Data
def read_sets(page: report.Reproduction, settings: Namespace) -> data.Sets:
    """The shorter side resized, a square cut from the middle; 80 % of the images train."""
    folder, seed = settings.data, settings.seed
    how = {"validation": None if (folder / "val").is_dir() else 0.2, "stratified": False}
    sets = data.image_folder(folder, SIZE, mean=MEAN, std=STD, seed=seed, **how)
    if list(sets.class_names) != CLASSES.split() and not settings.quick:
        page.stand_in = folder.name
    return sets


def draw_images(folder: Path) -> Path:
    """Ten classes of drawn figures as files, for `--quick`."""
    drawn = data.drawn_shapes(train=60, validation=20, test=10)
    for image_set, split in zip(drawn, ("train_set", "val", "test_set"), strict=True):
        image_set.write_images(folder / split, size=(200, 240))
    return folder


# %% The script
TASKS = {
    **{name.lower(): partial(train, name=name) for name in TABLES},
    "measure": measure,
    "alexnet": explore,
    "replay": replay,
}
PICTURES = {  # and their panels
    **{f"{name.lower()}_curves": 2 for name in TABLES},
    **{f"replay_{name.lower()}": 2 for name in TABLES},
    **{f"image_{k}_features.{layer}": 3 for k, layers in enumerate(EXPLORED) for layer in layers},
    **{f"confusion_{split}": 2 for split in AGAIN},
}
TITLE = "COMP5623 ImageNet10, B: a small net with dropout"

if __name__ == "__main__":
    script = report.ReproductionScript(
        TITLE, TASKS, exact=exact, data="imagenet10", pictures=PICTURES, draw=draw_images
    )
    add = script.parser.add_argument
    add("--images", type=Path, nargs=3, help="photographs for AlexNet; else of --data")
    script.run()
