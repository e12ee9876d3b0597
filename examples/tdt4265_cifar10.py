"""TDT4265 assignment 3: convolution theory, CNNs on CIFAR-10, and transfer.

    python examples/tdt4265_cifar10.py --data downloads --out runs/tdt4265
    python examples/tdt4265_cifar10.py --data downloads --out runs/tdt4265 --task base tanh

`--data` is a folder with `train/CLASS/*` and `test/CLASS/*`, or the folder in which torchvision
keeps CIFAR-10 (`--download` fetches it). `--weights` is torchvision's name or file of a ResNet-18,
or the directory of a run that trained one. `--quick` runs every task in seconds on drawn figures.
What was published stands in the file beside this one; ablations, other seeds and better recipes
are in `tdt4265_cifar10_beyond.py`.
"""

# %% Settings
from __future__ import annotations

import tomllib
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
import torchvision
from PIL import Image
from tdt4265_theory import BASE, table, theory
from torch.optim import SGD, Adam, AdamW, Optimizer
from torchvision.transforms.functional import to_pil_image

from convkit import (
    Architecture,
    EarlyStopping,
    FilterFeatureExtractor,
    Trainer,
    data,
    plots,
    report,
)
from convkit.training import TrainingOptions, read_run, transfer

PUBLISHED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
EPOCHS, TRANSFER_EPOCHS, QUICK_EPOCHS = 10, 5, 2
STOP_COUNT, LATER_STOP_COUNT = 4, 8  # validations, two of them in an epoch
STAND_IN_IMAGES = 10_000  # training images, with other weights than ImageNet's

# %% The networks, as tables
DEEP = "64x7 64x5 M 64x5 64x5 M 64x5 64x5 M"
MODEL_1, MODEL_2 = table(DEEP, "yes"), table("32x5 M 64x3 M 128x3 M 64x3 M")


def exact(page: report.Reproduction) -> None:
    """Task 1, and the counts of the later tasks."""
    theory(page)
    counted = [Architecture.parse(rows).summary((3, 32, 32)) for rows in (MODEL_1, MODEL_2)]
    with torch.device("meta"):  # no memory for weights
        model = prepared(torchvision.models.resnet18(weights=None))
        image = torch.empty(1, 3, 224, 224)
        first, last = model.conv1(image), maps_of(model, image)
    frozen = transfer.report(model)
    page.section("Counts")
    for quantity, reported, measured in (
        ("3, model 1, parameters", 588_810, counted[0].parameters),
        ("3, model 2, parameters", 185_674, counted[1].parameters),
        ("4, ResNet-18, parameters", 11_181_642, frozen.total),
        ("4, trainable", 8_398_858, frozen.trainable),
        ("4, frozen", 2_782_784, frozen.total - frozen.trainable),
        ("4, filters of the first conv layer", (64, 3, 7, 7), tuple(model.conv1.weight.shape)),
        ("4, its activation at 224", (64, 112, 112), tuple(first.shape[1:])),
        ("4, maps of the last stage at 224", (512, 7, 7), tuple(last.shape[1:])),
    ):
        page.compare(quantity, reported=reported, measured=measured)


# %% Tasks 2 and 3: training
@dataclass(frozen=True)
class Run:
    """One network with its settings."""

    table: str
    batch_size: int
    optimizer: Callable[..., Optimizer]
    augment: Sequence[data.Augmentation] = ()
    initialise: Callable[[torch.nn.Module], None] | None = None
    epochs: int = EPOCHS
    stop_count: int = LATER_STOP_COUNT  # not published; 4 ended model 1 once in its fifth epoch
    other: dict[str, Any] = field(default_factory=dict)  # arguments of the trainer


def xavier(model: torch.nn.Module) -> None:
    """Initial weights that suit tanh."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.xavier_uniform_(layer.weight)


FLIP, JITTER = data.HorizontalFlip(), data.ColorJitter(hue=0.05, saturation=0.05)
LIGHT = (FLIP, data.Rotate(3))
ADAMW = partial(AdamW, lr=3e-4, weight_decay=0.05)
RUNS = {
    "base": Run(BASE, 64, partial(SGD, lr=5e-2), stop_count=STOP_COUNT),
    "model1": Run(MODEL_1, 32, ADAMW, LIGHT),
    "model2": Run(MODEL_2, 64, partial(AdamW, lr=1e-3, weight_decay=0.01), (JITTER, FLIP)),
    "tanh": Run(table(DEEP, "yes", "Tanh"), 32, ADAMW, LIGHT, xavier),
}
TRANSFER = Run("", 32, partial(Adam, lr=5e-4), epochs=TRANSFER_EPOCHS)


def train(
    page: report.Reproduction,
    settings: Namespace,
    run: Run,
    name: str,
    model: torch.nn.Module | None = None,
    sets: Iterable[data.ImageSet] = (),
) -> Trainer:
    """Train a network, or find its training finished in the folder of that name."""
    training, validation, _ = sets or read_sets(settings)
    how = {
        "early_stopping": EarlyStopping.count(run.stop_count),
        "options": TrainingOptions(validations_per_epoch=2),
        "precision": settings.precision,
        **run.other,
    }
    trainer = Trainer(
        model or build(run, settings.seed),
        optimizer=run.optimizer,
        directory=settings.out / name,
        seed=settings.seed,
        **how,
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


def network(page: report.Reproduction, settings: Namespace, name: str) -> None:
    """Train one network with its settings and measure on the whole of each set."""
    trainer = train(page, settings, RUNS[name], name)
    measure(page, RUNS[name], name, trainer, read_sets(settings))


def measure(
    page: report.Reproduction,
    run: Run,
    name: str,
    trainer: Trainer,
    sets: Iterable[data.ImageSet],
) -> None:
    """Accuracies and losses of the whole sets beside the published ones, and the pictures."""
    published, history = PUBLISHED["runs"][name], trainer.history
    title = published["title"]
    page.section(
        title,
        f"{published['settings']}. Batch {run.batch_size}, {page.trained(trainer)}; "
        f"{history.stop_reason}.",
    )
    parts = {each.split: each for each in sets}
    kept = Trainer.load(trainer.directory, trainer.model)  # in the precision of its training
    for split, accuracy in published["accuracy"].items():
        result = kept.evaluate(parts[split], split)
        page.compare_evaluation(
            result,
            accuracy=accuracy,
            loss=published.get("loss", {}).get(split),
            band=published["band"] if split == "test" else None,
            void_loss=published.get("void_loss", "") if split == "train" else "",
        )
    page.picture(plots.curves(history, steps=True), f"{name}_curves", f"{title}: loss and accuracy")
    page.picture(result.confusion.plot(), f"{name}_confusion", f"{title}: test set")


def together(page: report.Reproduction, settings: Namespace) -> None:
    """Models 1 and 2 in one picture, ReLU against tanh in another."""
    page.section("Task 3: side by side")
    runs = {name: read_run(settings.out / name) for name in ("model1", "model2", "tanh")}
    relu, tanh = (100 * runs[name].evaluations["test"]["accuracy"] for name in ("model1", "tanh"))
    published = PUBLISHED["runs"]["tanh"]
    page.compare(
        "ReLU above tanh, test accuracy (points)",
        reported=round(published["relu"] - published["accuracy"]["test"], 2),
        measured=round(relu - tanh, 2),
        band=(0.01, 10),
        note=f"published: {published['relu']} % of a shorter run, "
        f"{published['accuracy']['test']} %; here {relu:.2f} % and {tanh:.2f} %",
    )
    for picture, names in (("models", ("model1", "model2")), ("tanh", ("model1", "tanh"))):
        histories = {PUBLISHED["runs"][name]["title"]: runs[name].history for name in names}
        caption = " and ".join(histories)
        page.picture(plots.compare_curves(histories), f"together_{picture}", caption)


# %% Task 4: transfer
def prepared(model: torch.nn.Module, *, statistics: bool = False) -> torch.nn.Module:
    """A new head; nothing but it and the last stage learns."""
    transfer.replace_head(model, 10)
    transfer.freeze(model, statistics=statistics)
    transfer.unfreeze(model, "layer4", "fc")
    return model


def transferred(page: report.Reproduction, settings: Namespace) -> None:
    """Train the last stage and a new head on CIFAR-10, enlarged."""
    page.section("Task 4: ResNet-18")
    try:
        model, preprocessing = report.trained_network(page, settings, "resnet18")
    except OSError as error:
        reported = PUBLISHED["runs"]["transfer"]["accuracy"]["test"]
        note = f"no weights: {error}"
        page.compare("test accuracy (%)", reported=reported, measured=None, note=note)
        return
    training, *others = read_sets(settings)
    if settings.quick:
        preprocessing = replace(preprocessing, size=(64, 64))
    elif page.stand_in:
        page.stand_in += f", {STAND_IN_IMAGES:,} training images"
        training = training.sample(STAND_IN_IMAGES)
    enlarged = [image_set.with_transform(preprocessing) for image_set in (training, *others)]
    torch.manual_seed(settings.seed)
    model = prepared(model, statistics=settings.frozen_statistics)
    trainer = train(page, settings, TRANSFER, "transfer", model, enlarged)
    measure(page, TRANSFER, "transfer", trainer, enlarged)
    kept = "kept" if settings.frozen_statistics else "updated, as in the original"
    height, width = enlarged[0][0][0].shape[1:]
    page.text(f"Images at {height}x{width}; statistics of the frozen batch norms are {kept}.")


def looks(page: report.Reproduction, settings: Namespace) -> None:
    """Five filters and their maps; the first maps of the last stage, and these over the image."""
    page.section("Task 4: filters and maps")
    try:
        model, preprocessing = report.trained_network(page, settings, "resnet18")
    except OSError as error:
        page.text(f"Not drawn, there are no weights: {error}")
        return
    test, filters = read_sets(settings).test, {int(k): r for k, r in PUBLISHED["filters"].items()}
    picture = Image.open(settings.image) if settings.image else to_pil_image(test.images[0])
    image = replace(preprocessing, size=(224, 224), resize=None)(picture)
    with FilterFeatureExtractor(model.eval(), preprocessing=preprocessing) as extractor:
        pairs = extractor.extract(image, ["conv1"])["conv1"]
    figure = plots.filters_above_maps(pairs.filters, pairs.feature_maps[0], list(filters))
    page.picture(figure, "filters", "Filters of the first conv layer, and the map of each below")
    header = "| filter | the course's reading | measured from the weights |\n| --- | --- | --- |"
    rows = [f"| {k} | {read} | {pairs[k].describe().sentence} |" for k, read in filters.items()]
    page.text("\n".join([header, *rows]))
    with torch.no_grad():
        maps, look = maps_of(model, image[None])[0], {"channels": range(10), "columns": 5}
    seen = picture.convert("RGB").resize((224, 224))
    page.picture(plots.feature_maps(maps, **look), "maps", "First ten maps of the last stage")
    for name, alpha in (("maps_enlarged", 1.0), ("maps_over", 0.5)):
        figure = plots.overlay(seen, maps, alpha, smooth=True, **look)
        page.picture(figure, name, f"These maps enlarged over the image, at {100 * alpha:.0f} %")


def maps_of(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The maps of the last conv stage: through all children but the last two."""
    return torch.nn.Sequential(*list(model.children())[:-2])(images)


# %% The data and the script
@cache
def sets_of(folder: Path, *, download: bool) -> data.Sets:
    """CIFAR-10 with 5,000 of its training images set aside (seed 0)."""
    return data.cifar10(folder, download=download, validation=0.1, seed=0, mean=MEAN, std=STD)


def read_sets(settings: Namespace) -> data.Sets:
    """CIFAR-10, or drawn figures."""
    if settings.quick:
        return data.drawn_shapes(train=160, validation=60, test=60)
    return sets_of(settings.data, download=settings.download)


def images(page: report.Reproduction, settings: Namespace) -> None:
    """The data card."""
    jpeg = any((settings.data / "train").glob("*/*.jpg")) and not settings.quick
    source = "CIFAR-10 (JPEG): the images are re-encoded, not the official lossless ones.\n\n"
    note = "Validated on images as they are; the course augmented those too.\n\n"
    page.section("Data", f"{source if jpeg else ''}{note}```text\n{read_sets(settings)}\n```")


TASKS = {
    "images": images,
    **{name: partial(network, name=name) for name in RUNS},
    "together": together,
    "transfer": transferred,
    "looks": looks,
}


def script(title: str, tasks: dict[str, Any], **how: Any) -> report.ReproductionScript:
    """A script on these images, with the arguments that they have."""
    made = report.ReproductionScript(title, tasks, **how)
    made.parser.add_argument("--download", action="store_true", help="torchvision fetches CIFAR-10")
    return made


if __name__ == "__main__":
    title = "TDT4265: convolution theory and CNNs on CIFAR-10"
    main = script(title, TASKS, exact=exact, pictures=PUBLISHED["pictures"])
    add = main.parser.add_argument
    add("--image", type=Path, help="a photograph for the filters; else the first test image")
    add("--frozen-statistics", action="store_true", help="frozen batch norms keep theirs")
    main.run()
