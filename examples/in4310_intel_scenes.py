"""IN4310 mandatory 1: ResNets of one's own on six classes of scenes.

    python examples/in4310_intel_scenes.py --data intel_scenes --out runs/in4310
    python examples/in4310_intel_scenes.py --task split C mismatch --data intel_scenes

`--data` is a folder with `CLASS/*.jpg` at any depth (the public archive's train and test folders
are pooled, as the course did). `--weights` is torchvision's ResNet-18 file, or the directory of a
run of a table's ResNet-18 on other images; without it torchvision downloads its own. `--quick` runs
every task in seconds on drawn figures with thin networks. Runs in `--out` go on where they stopped.
The page in `--out` sets every reported figure beside the measured one.
"""

# %% Settings
from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from convkit import Architecture, EarlyStopping, Trainer, data, features, metrics, plots, report
from convkit.features import FilterFeatureExtractor
from convkit.training import Evaluation, Event, read_run, transfer

CLASSES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
SPLIT_SEED = 42
ALL, TEST, VALIDATION = 17_034, 3_000, 2_000  # with other numbers of images in proportion
COUNTS = {
    "all": [2628, 2745, 2957, 3037, 2784, 2883],
    "train": [1856, 1940, 2089, 2145, 1967, 2037],
    "validation": [309, 322, 347, 357, 327, 338],
    "test": [463, 483, 521, 535, 490, 508],
}
SIDE, OTHER_SIDE, BATCH, QUICK_EPOCHS = 80, 224, 32, 2
STAGES = {80: [20, 10, 5, 3], 150: [38, 19, 10, 5], 224: [56, 28, 14, 7]}
WIDTHS, THIN = (64, 128, 256, 512), (8, 8, 12, 16)  # thin ones for --quick


# %% Task 2: the networks
BASIC = """residual (conv {width} k3 s{stride} p1 no-bias bn relu, conv {width} k3 p1 no-bias bn)"""
BOTTLENECK = """residual (conv {width} k1 no-bias bn relu,
 conv {width} k3 s{stride} p1 no-bias bn relu, conv {wide} k1 no-bias bn)"""
RESNETS = {  # the block, how often it stands in each stage, parameters
    18: (BASIC, (2, 2, 2, 2), 11_179_590),
    34: (BASIC, (3, 4, 6, 3), 21_287_750),
    50: (BOTTLENECK, (3, 4, 6, 3), 23_520_326),
    101: (BOTTLENECK, (3, 4, 23, 3), 42_512_454),
    152: (BOTTLENECK, (3, 8, 36, 3), 58_156_102),
}


def resnet(depth: int, widths: tuple[int, ...] = WIDTHS) -> Architecture:
    """The table of a ResNet; each stage but the first begins with stride 2."""
    block, repeats, _ = RESNETS[depth]
    rows = [f"conv {widths[0]} k7 s2 p3 no-bias bn relu, maxpool 3 s2 p1"]
    for stage, (width, times) in enumerate(zip(widths, repeats, strict=True)):
        strides = (min(stage, 1) + 1, *[1] * (times - 1))
        rows += [block.format(width=width, wide=4 * width, stride=s) for s in strides]
    text = ", ".join([*rows, "global average pool, flatten, linear 6"])
    return Architecture.parse(text.replace("\n", ""))


@dataclass(frozen=True)
class Run:
    """One training, and what was published of it."""

    settings: dict[str, Any]
    epochs: int
    accuracy: float  # best on validation, in percent
    ends: tuple[float, float]  # training and validation loss of the last epoch
    batch: tuple[int, ...]  # images of each class in the batch behind its published "AP"
    right: tuple[int, ...]  # and how many of them were right
    published: tuple[float, ...]
    mean: float  # of that row, exact
    losses: int  # points of its published test-loss curve
    band: tuple[float, float] = (0.85, 0.92)  # of the mAP that a sound run gives, our estimate


ADAM, SGD = {"optimizer": "adam", "lr": 1e-3}, {"optimizer": "sgd", "lr": 1e-3, "momentum": 0.9}
LAST_OF_TEST, LAST_OF_VALIDATION = (2, 5, 6, 2, 6, 3), (1, 2, 4, 6, 1, 2)
RUNS = {
    "A": Run(ADAM, 5, 76.6, (0.54, 0.68), LAST_OF_TEST, (2, 3, 3, 2, 6, 1),
             (1, 0.6, 0.5, 1, 1, 0.3333), 0.73889, 5),
    "B": Run(SGD, 10, 79.0, (0.09, 0.99), LAST_OF_VALIDATION, (1, 1, 3, 2, 1, 1),
             (1, 0.5, 0.75, 0.3333, 1, 0.5), 0.68056, 5),
    "C": Run({**SGD, "lr": 1e-2}, 10, 78.6, (0.43, 0.67), LAST_OF_TEST, (2, 3, 3, 2, 5, 3),
             (1, 0.6, 0.5, 1, 0.8333, 1), 0.82222, 9),
    "P": Run(ADAM, 10, 87.8, (0.10, 0.45), LAST_OF_TEST, (2, 5, 5, 2, 4, 3),
             (1, 1, 0.8333, 1, 0.6667, 1), 0.91667, 9, (0.92, 1.0)),
}  # fmt: skip
LOSSES = [0.3498, 0.5803, 0.4928, 0.4395, 0.2624, 0.2624, 0.2232, 0.5465, 0.4404]
MODULES = {  # torchvision's name: ours, and the published share of non-positive values
    "layer1.0.conv1": ("block1.body.conv1", 73.63),
    "layer2.0.conv1": ("block3.body.conv1", 66.76),
    "layer3.0.conv1": ("block5.body.conv1", 76.42),
    "layer4.0.conv1": ("block7.body.conv1", 79.90),
    "layer4.1.conv2": ("block8.body.conv2", 49.54),
}


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Splits, networks and the published table; ends the script when a number differs."""
    page.section("Exact numbers")
    labels = np.repeat(np.arange(6), COUNTS["all"])
    rest, test = data.stratified_split(labels, TEST, SPLIT_SEED)
    train, validation = data.stratified_split(labels[rest], VALIDATION, SPLIT_SEED)
    parts = {"train": rest[train], "validation": rest[validation], "test": test}
    for split, part in parts.items():
        counts = np.bincount(labels[part]).tolist()
        page.compare(f"{split} images of the archive", reported=COUNTS[split], measured=counts)
    for depth, (*_, parameters) in RESNETS.items():
        counted = resnet(depth).summary((3, SIDE, SIDE)).parameters
        page.compare(f"ResNet-{depth}, parameters", reported=parameters, measured=counted)
    for side, sides in STAGES.items():
        rows = [r for r in resnet(18).summary((3, side, side)).rows if r.kind == "residual"]
        found = [row.output_shape[1] for row in rows[1::2]]
        page.compare(f"stages of ResNet-18 at {side}", reported=sides, measured=found)
    for name, run in RUNS.items():
        recall = np.array(run.right) / run.batch
        shown = tuple(np.round(recall, 4).tolist())
        page.compare(f'"AP" of run {name}, as recall', reported=run.published, measured=shown)
        page.compare("its mean", reported=run.mean, measured=round(float(recall.mean()), 5))
    drawn = np.random.RandomState(42).uniform(0.2, 0.6, 9).round(4).tolist()
    page.compare("published test losses, as random numbers", reported=LOSSES, measured=drawn)
    ap = metrics.average_precision([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]).mean
    page.compare("AP of ranks + - + -", reported=0.8333, measured=round(ap, 4))
    if wrong := [c for c in page.comparisons if c.verdict != "exact"]:
        raise SystemExit("\n".join(map(str, wrong)))


# %% Tasks 1 and 2: the split and the networks
@cache
def read_sets(folder: Path, side: int = SIDE) -> data.Sets:
    """Every image pooled; first test images are taken, then validation. No normalisation."""
    return data.image_folder(
        folder, (side, side), pool=True, test=TEST / ALL, validation=VALIDATION / (ALL - TEST),
        seed=SPLIT_SEED, mean=0, std=1,
    )  # fmt: skip


def split(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Count the three parts and show that no image is in two of them; ResNet-18 layer by layer."""
    sets = read_sets(settings.data)
    settings.out.mkdir(parents=True, exist_ok=True)
    sets.write_manifest(settings.out / "split.csv")
    page.section("Task 1: the split", f"```text\n{sets}\n```")
    names = [name for each in sets for name in each.names]
    page.compare("images in two parts", reported=0, measured=len(names) - len(set(names)))
    page.picture(plots.class_counts(sets, total=True), "split", "Images of each class")
    page.picture(sets.plot_samples(24), "samples", "Training images")
    page.section("Task 2: ResNets from tables", resnet(18).summary((3, SIDE, SIDE)).to_markdown())


# %% Tasks 3 to 5: training and testing
def pretrained(settings: argparse.Namespace) -> torch.nn.Module:
    """The table's ResNet-18 with trained weights and a fresh head for six classes."""
    model = build(settings)
    if settings.quick:
        return model  # with random weights: there is nothing to fetch
    if settings.own:
        source = Trainer.load(settings.weights).model
    else:
        source, _ = transfer.pretrained("resnet18", weights=settings.weights)
    transfer.replace_head(source, len(CLASSES))
    # The layers of torchvision's ResNets stand in the order of the table's.
    values = source.state_dict().values()
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
    return model


def build(settings: argparse.Namespace) -> torch.nn.Module:
    """A new ResNet-18."""
    torch.manual_seed(settings.seed)
    return resnet(18, THIN if settings.quick else WIDTHS).build((3, SIDE, SIDE))


def measure_epochs(sets: data.Sets) -> Callable[[Event], None]:
    """A callback: after every epoch measure its weights, not only the best, on whole sets."""

    def measure(event: Event) -> None:
        if event.what == "validation":
            for image_set in (sets.validation, sets.test):
                event.trainer.evaluate(image_set, f"{image_set.split}-{event.epoch:02.0f}")

    return measure


def train(page: report.Reproduction, name: str, settings: argparse.Namespace) -> None:
    """Train one run, keep the best on validation, and measure on the whole test set."""
    run, sets = RUNS[name], read_sets(settings.data)
    page.section(f"Run {name}")
    try:
        model = pretrained(settings) if name == "P" else build(settings)
    except OSError as error:
        page.compare("best validation accuracy (%)", reported=run.accuracy, measured=None,
                     note=f"there are no weights ({error})")  # fmt: skip
        return
    trainer = Trainer(
        model,
        **run.settings,
        early_stopping=EarlyStopping(None, smoothing=None, monitor="validation_accuracy"),
        directory=settings.out / name,
        seed=settings.seed,
        precision=settings.precision,
        callbacks=[measure_epochs(sets)],
    )
    epochs = QUICK_EPOCHS if settings.quick else run.epochs
    history = trainer.fit(sets.train, sets.validation, epochs=epochs, batch_size=BATCH, resume=True)
    result = trainer.evaluate(sets.test)
    page.text(
        f"{', '.join(f'{key} {value}' for key, value in run.settings.items())}, batch {BATCH}, "
        f"{SIDE}x{SIDE}, {start_of(name, settings)}, seed {settings.seed}, "
        f"{len(sets.train):,} training images. Best epoch {history.best_epoch}; {result}."
    )
    best = 100 * max(history["validation_accuracy"])
    ends = history["training_loss"][-1], history["validation_loss"][-1]
    page.compare(
        "best validation accuracy (%)",
        reported=run.accuracy,
        measured=round(best, 2) if comparable(name, settings) else None,
        band=(run.accuracy - 2, run.accuracy + 2),
        note=f"here {best:.1f}; losses at the end {ends[0]:.2f} and {ends[1]:.2f}, "
        f"reported {run.ends[0]} and {run.ends[1]}",
    )
    real_average_precision(page, name, result, settings)
    scores_again(page, name, result, settings)
    page.picture(
        plots.curves(history, title=f"Best validation accuracy {best:.1f} %"),
        f"{name}_curves", f"Run {name}: loss and accuracy",
    )  # fmt: skip
    by_epoch(page, name, settings)


def start_of(name: str, settings: argparse.Namespace) -> str:
    """Where a run begins, in words."""
    if name != "P" or settings.quick:
        return "from scratch"
    return f"from the run `{settings.weights}`" if settings.own else "from ImageNet's weights"


def comparable(name: str, settings: argparse.Namespace) -> bool:
    """Whether figures may stand beside published ones: not drawn images, not others' weights."""
    return not settings.quick and not (name == "P" and settings.own)


def real_average_precision(
    page: report.Reproduction, name: str, result: Evaluation, settings: argparse.Namespace
) -> None:
    """The real AP of every class beside the published recall of one batch."""
    run, ap = RUNS[name], result.average_precision
    recall = result.confusion.per_class().average("macro").recall
    page.compare(
        "test mAP",
        reported=f"{run.band[0]} to {run.band[1]} (our estimate)",
        measured=round(ap.mean, 4) if comparable(name, settings) else None,
        band=run.band,
        note=f"here {ap.mean:.3f}, mean accuracy {recall:.3f}; "
        "left beside the published work, run unknown: 0.914 and 0.837",
    )
    for k, label in enumerate(CLASSES):
        page.compare(
            f"AP of {label}",
            reported=run.published[k],
            measured=None if settings.quick else round(float(ap.per_class[k]), 4),
            void=True,
            note=f"published: the recall of one batch, {run.right[k]} of {run.batch[k]}; "
            f"recall here {result.confusion.per_class().recall[k]:.3f} on the whole test set",
        )


def scores_again(
    page: report.Reproduction, name: str, result: Evaluation, settings: argparse.Namespace
) -> None:
    """Save the test scores, load them, predict again with the loaded run, and compare."""
    file = settings.out / name / "test-scores.pt"
    torch.save({"scores": result.probabilities, "truth": result.truth}, file)
    saved = torch.load(file, weights_only=True)["scores"]
    sets = read_sets(settings.data)
    again = Trainer.load(settings.out / name).predict(sets.test).probabilities
    page.compare(
        "saved scores predicted again, within 1e-5",
        reported=True,
        measured=torch.allclose(saved, again, rtol=0, atol=1e-5),
        note=f"largest difference {float((saved - again).abs().max()):.1e}",
    )


def by_epoch(page: report.Reproduction, name: str, settings: argparse.Namespace) -> None:
    """Validation mAP, accuracy of each class and test loss of the weights of every epoch."""
    found = read_run(settings.out / name).evaluations
    tests = [found[key] for key in found if key.startswith("test-")]
    validations = [found[key] for key in found if key.startswith("validation-")]
    losses = [each["loss"] for each in tests]
    precisions = [each["mean_average_precision"] for each in validations]
    counts = [np.array(each["confusion"]) for each in validations]
    recalls = [matrix.diagonal() / matrix.sum(1) for matrix in counts]
    page.compare(
        "test loss by epoch",
        reported=" ".join(f"{loss:.4f}" for loss in LOSSES[: RUNS[name].losses]),
        measured=None if settings.quick else " ".join(f"{loss:.4f}" for loss in losses),
        void=True,
        note="published: random numbers, uniform in [0.2, 0.6], seed 42",
    )
    columns = dict(zip(CLASSES, np.array(recalls).T.tolist(), strict=True))
    for quantity, values, best in (
        ("test loss", {name: losses}, "min"),
        ("validation mAP", {name: precisions}, "max"),
        ("validation accuracy of each class", columns, None),
    ):
        picture = plots.lines(values, label=quantity, best=best)
        page.picture(picture, f"{name}_{quantity.replace(' ', '_')}", f"Run {name}: {quantity}")


# %% Sizes that do not fit, feature maps, non-positive shares
def explored(settings: argparse.Namespace) -> tuple[str, Trainer]:
    """The fine-tuned run, or where there is none the last one from scratch."""
    found = [name for name in RUNS if (settings.out / name / "best.pt").exists()]
    if not found:
        raise SystemExit("train a run first: --task C")
    return found[-1], Trainer.load(settings.out / found[-1])


def mismatch(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Test at the size of training, and at the size at which the original tested."""
    name, trainer = explored(settings)
    same = trainer.evaluate(read_sets(settings.data).test)
    larger = read_sets(settings.data, OTHER_SIDE).test
    other = trainer.evaluate(larger, f"test_{OTHER_SIDE}", other_size=True)
    page.section(f"Trained at {SIDE}, tested at {OTHER_SIDE} (run {name})", f"- {same}\n- {other}")
    accuracies = {f"{SIDE}x{SIDE}": same.accuracy, f"{OTHER_SIDE}x{OTHER_SIDE}": other.accuracy}
    picture = plots.bars(accuracies, share=True, label="test accuracy")
    page.picture(picture, "mismatch", "The size of the test images matters")


def maps(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Ten images: the outputs of the four stages, 4 rows, channels 0 to 6."""
    name, trainer = explored(settings)
    test_images = read_sets(settings.data).test
    images = test_images.subset(torch.linspace(0, len(test_images) - 1, 10).long())
    # What leaves a stage is its last block's sum after the ReLU.
    last = {f"layer{stage}": f"block{2 * stage}.body.conv2" for stage in range(1, 5)}
    with FilterFeatureExtractor(trainer.model) as extractor:
        batch = images.preprocessing.normalize(images.images)
        pairs = extractor.extract(batch, list(last.values()), stages="activation")
    outputs = {stage: pairs[layer].after_activation for stage, layer in last.items()}
    page.section(f"Task 6: feature maps of run {name}")
    page.compare("stages' sides", reported=STAGES[SIDE],
                 measured=[maps.shape[-1] for maps in outputs.values()])  # fmt: skip
    for k, label in enumerate(images.labels.tolist()):
        rows = {stage: stage_maps[k] for stage, stage_maps in outputs.items()}
        picture = plots.layers_by_channels(rows, channels=range(7), image=images.images[k])
        page.picture(picture, f"maps_{k}", f"Image {k}, {CLASSES[label]}")


def shares(page: report.Reproduction, settings: argparse.Namespace) -> None:
    """Shares of zero or less in five modules, before and after norm, and after the ReLU."""
    name, trainer = explored(settings)
    images = read_sets(settings.data, OTHER_SIDE).train
    generator = torch.Generator().manual_seed(settings.seed)
    images = images.subset(torch.randperm(len(images), generator=generator)[:200])
    layers = [layer for layer, _ in MODULES.values()]
    statistics = features.activation_statistics(trainer.model, images, layers)
    page.section(f"Task 7: non-positive values of run {name}, {len(images)} training images")
    bars: dict[str, dict[str, float]] = {"before norm": {}, "after norm": {}, "after ReLU": {}}
    for module, (layer, reported) in MODULES.items():
        found = [figures.share_non_positive for figures in statistics[layer].stages.values()]
        for stage, share in zip(bars, found, strict=True):
            bars[stage][module] = share
        page.compare(
            f"{module}, before norm (%)",
            reported=reported,
            measured=round(100 * found[0], 2)
            if name == "P" and comparable(name, settings)
            else None,
            band=(reported - 5, reported + 5),
            note="here before norm {:.1f}, after norm {:.1f}, after ReLU {:.1f}".format(
                *(100 * share for share in found)
            ),
        )
    page.text(
        "The five outputs precede batch norm and ReLU, so nothing about dying ReLUs follows from "
        f"them. Dead filters: {[len(statistics[layer].dead_filters) for layer in layers]}."
    )
    page.picture(plots.bars(bars, share=True, label="zero or below"), "shares", "By stage")


# %% The script
TASKS = {
    "split": split,
    **{name: lambda page, settings, name=name: train(page, name, settings) for name in RUNS},
    "mismatch": mismatch,
    "maps": maps,
    "shares": shares,
}


def draw_images(folder: Path) -> Path:
    """Six classes of drawn figures as files, for `--quick`."""
    drawn = data.drawn_shapes(train=150, validation=0, test=0).train
    for k, label in enumerate(drawn.labels.tolist()):
        if label < len(CLASSES):
            path = folder / CLASSES[label] / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(drawn.images[k].permute(1, 2, 0).numpy()).resize((150, 150)).save(path)
    return folder


def main() -> None:
    """Run the tasks asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--data", type=Path, default=Path("intel_scenes"))
    parser.add_argument("--out", type=Path, default=Path("runs/in4310_intel_scenes"))
    parser.add_argument("--weights", type=Path, help="ResNet-18's file, or a run's directory")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--quick", action="store_true", help="seconds, on drawn figures")
    settings = parser.parse_args()
    settings.own = settings.weights is not None and settings.weights.is_dir()

    page = report.Reproduction("IN4310: ResNets of one's own on six classes of scenes")
    exact(page)
    with tempfile.TemporaryDirectory() as folder:
        if settings.quick:
            settings.data = draw_images(Path(folder))
            page.text("Drawn figures, a thin ResNet-18 and random instead of ImageNet weights.")
        for task in settings.task:
            TASKS[task](page, settings)
        print(page.write(settings.out / f"{Path(__file__).stem}.md"), page.counts(), sep="\n")


if __name__ == "__main__":
    main()
