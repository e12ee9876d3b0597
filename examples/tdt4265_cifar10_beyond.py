"""TDT4265 assignment 3, and on from it: other seeds, what helped and hurt, better recipes.

    python examples/tdt4265_cifar10_beyond.py --data downloads --out runs/tdt4265 --task seeds
    python examples/tdt4265_cifar10_beyond.py --data downloads --out runs/tdt4265 --task better

Networks, settings and images are those of `tdt4265_cifar10.py`; with the same `--out` its trainings
are found finished. `--only` takes some networks of a task, such as `--only model1`.
"""

# %% Settings
from __future__ import annotations

import math
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from statistics import mean
from typing import Any

import torch
from tdt4265_cifar10 import (
    DEEP,
    FLIP,
    LIGHT,
    PUBLISHED,
    RUNS,
    Run,
    build,
    read_sets,
    script,
    train,
    xavier,
)
from tdt4265_theory import TAIL, table
from torch.optim import SGD, Adam
from torchvision.io import decode_jpeg, encode_jpeg

from convkit import Trainer, data, report
from convkit.training import Muon, TrainingOptions, read_run

ABLATION_EPOCHS = 2
SEEDS = {"base": (0, 1, 2), "model1": (0, 1, 2), "model2": (0, 1, 2)}
BETTER = {  # epochs, highest rate, seeds
    "base": (12, 0.02, (0, 1, 2)),
    "model1": (10, 0.02, (0,)),
    "model2": (12, 0.02, (0, 1, 2)),
}
CROP = (FLIP, data.RandomCrop(32, padding=4))
SMOOTHING = 0.05  # of the labels
TIMED_IMAGES, ROUNDS = 6_400, 2
QUALITIES, ENCODED_SEEDS = (50, 25), (0, 1)  # of JPEG


# %% One network from several seeds
def several(
    page: report.Reproduction,
    settings: Namespace,
    run: Run,
    folders: dict[int, str],
    sets: Sequence[data.ImageSet] = (),
) -> tuple[list[float], list[float]]:
    """Test accuracies in percent and minutes, a training from each seed in its folder."""
    accuracies, minutes = [], []
    sets = sets or list(read_sets(settings))
    for seed, folder in [*folders.items()][: 1 if settings.quick else None]:
        own = Namespace(**{**vars(settings), "seed": seed})
        trainer = train(page, own, run, folder, sets=sets)
        kept = Trainer.load(trainer.directory, trainer.model)  # in the precision of its training
        accuracies.append(100 * kept.evaluate(sets[-1]).accuracy)
        minutes.append(trainer.history["seconds"][-1] / 60)
    return accuracies, minutes


def compare(
    page: report.Reproduction,
    name: str,
    accuracies: Sequence[float],
    note: str,
) -> None:
    """Set the mean of the seeds beside the published accuracy."""
    published = PUBLISHED["runs"][name]
    each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
    page.compare(
        f"{name}, mean test accuracy (%)",
        reported=published["accuracy"]["test"],
        measured=round(mean(accuracies), 2),
        band=published["band"],
        note=f"by seed: {each}; {note}",
    )


def seeds(page: report.Reproduction, settings: Namespace) -> None:
    """The stated settings, from further seeds."""
    page.section("The stated settings from several seeds", "One seed stands for little.")
    for name in settings.only:
        folders = {seed: f"{name}-{seed}" if seed else name for seed in SEEDS[name]}
        accuracies, minutes = several(page, settings, RUNS[name], folders)
        compare(page, name, accuracies, f"{mean(minutes):.1f} minutes each")


# %% What lossy images cost
def encoded(page: report.Reproduction, settings: Namespace) -> None:
    """Model 2 on the images encoded once more: how much does a network lose by JPEG?"""
    page.section(
        "What lossy images cost",
        "Model 2 with the stated settings, training, validation and test images encoded as JPEG "
        "once more than they are already. PSNR is that of the training images beside those given. "
        "Where those are JPEG themselves, such a loss lies between them and the official ones too.",
    )
    rows = ["| images | PSNR | test accuracy by seed (%) | mean |", "| --- " * 4 + "|"]
    given = list(read_sets(settings))
    for quality in (None, *QUALITIES):
        sets = given if quality is None else [encoded_again(each, quality) for each in given]
        name = f"model2-quality-{quality}" if quality else "model2"
        numbers = ENCODED_SEEDS if quality else SEEDS["model2"]
        folders = {seed: f"{name}-{seed}" if quality or seed else name for seed in numbers}
        accuracies, _ = several(page, settings, RUNS["model2"], folders, sets)
        difference = (sets[0].images.float() - given[0].images).square().mean().item()
        psnr = f"{10 * math.log10(255**2 / difference):.1f} dB" if difference else ""
        each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        title = f"quality {quality}" if quality else "as given"
        rows.append(f"| {title} | {psnr} | {each} | {mean(accuracies):.2f} |")
    page.text("\n".join(rows))


def encoded_again(images: data.ImageSet, quality: int) -> data.ImageSet:
    """The same images after JPEG of a quality, colours at half the resolution."""
    passed = [decode_jpeg(encode_jpeg(image, quality)) for image in images.images]
    return data.ImageSet(
        torch.stack(passed),
        images.labels,
        class_names=images.class_names,
        names=images.names,
        split=images.split,
        preprocessing=images.preprocessing,
    )


# %% Better than reported
def better_run(name: str) -> Run:
    """The network with the better recipe."""
    epochs, peak, _ = BETTER[name]
    return replace(
        RUNS[name],
        batch_size=128,
        optimizer=partial(Muon, lr=peak),
        augment=CROP,
        epochs=epochs,
        other={
            "scheduler": "one_cycle",
            "early_stopping": None,
            "options": TrainingOptions(validations_per_epoch=2, label_smoothing=SMOOTHING),
            "precision": "bfloat16",
        },
    )


def better(page: report.Reproduction, settings: Namespace) -> None:
    """The same networks, trained better in no more time."""
    page.section(
        "Better than reported",
        "Muon, one cycle of the learning rate by step, batch 128, flips, crops shifted by up to 4 "
        f"pixels, labels smoothed by {SMOOTHING}, bfloat16; the rate was chosen on validation "
        "images.",
    )
    for name in settings.only:
        run, (epochs, peak, chosen) = better_run(name), BETTER[name]
        folders = {seed: f"muon-{name}-{seed}" for seed in chosen}
        accuracies, minutes = several(page, settings, run, folders)
        note = f"{epochs} epochs up to {peak}, {mean(minutes):.1f} minutes each"
        if (settings.out / name / "history.json").exists():
            plain = read_run(settings.out / name)
            note += f"; the stated settings took {plain.history['seconds'][-1] / 60:.1f}"
        compare(page, name, accuracies, note)


def times(page: report.Reproduction, settings: Namespace) -> None:
    """Seconds that an epoch takes with the stated settings and the better ones, in turns."""
    images = read_sets(settings).train
    part = images.sample(TIMED_IMAGES)
    page.section(
        "What an epoch costs",
        f"Seconds for {len(images):,} images without validation, from {len(part):,} of them, the "
        f"least of {ROUNDS} rounds in turns; minutes above depend on what else the machine did.",
    )
    rows = [
        "| network | stated, float32 | stated, bfloat16 | better, bfloat16 |",
        "| --- " * 4 + "|",
    ]
    for name in settings.only:
        stated, least = RUNS[name], [math.inf] * 3
        kinds = (stated, "float32"), (stated, "bfloat16"), (better_run(name), "bfloat16")
        for _ in range(ROUNDS):
            for kind, (run, precision) in enumerate(kinds):
                batches = data.batches(part, run.batch_size, augment=run.augment, drop_last=True)
                trainer = Trainer(build(run, 0), optimizer=run.optimizer, precision=precision)
                began = time.perf_counter()
                trainer.fit(batches, epochs=1, progress=False)
                least[kind] = min(least[kind], time.perf_counter() - began)
        seconds = (f"{len(images) / len(part) * each:.1f}" for each in least)
        rows.append(f"| {name} | {' | '.join(seconds)} |")
    page.text("\n".join(rows))


# %% Task 3, optional: what helped, and what hurt
GROWING = "32x7 32x5 M 64x5 64x5 M 128x5 128x5 M"
DROPOUT = "| Dropout | 0.5 | - | - | - | - |\n" + TAIL
NORMED = TAIL.replace("64 | - | - | -", "64 | - | - | yes")
CYCLE = {"scheduler": "one_cycle", "early_stopping": None}
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {  # published direction, and the change
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
    "a cycle of rates": ("no gain", {"other": CYCLE}),
}


def ablations(page: report.Reproduction, settings: Namespace) -> None:
    """Model 1 with one change each, for a few epochs: did the accuracy go where it was said to?"""

    def best(folder: str, **changes: Any) -> float:
        run = replace(RUNS["model1"], epochs=ABLATION_EPOCHS, **changes)
        trainer = train(page, settings, run, f"ablation-{folder.replace(' ', '-')}")
        return 100 * max(trainer.history["validation_accuracy"])

    plain = best("nothing")
    page.section(
        "Task 3: ablations",
        f"Points of validation accuracy above model 1 itself after {ABLATION_EPOCHS} epochs, which "
        f"has {plain:.2f} % then; one seed. Published are directions alone, of long trainings: "
        "what needs time may differ here.",
    )
    for name, (direction, changes) in ABLATIONS.items():
        accuracy = best(name, **changes)
        page.compare(
            name,
            reported=direction,
            measured=round(accuracy - plain, 2),
            band=(-100, 0 if direction == "lower" else 0.5),
            lower_is_better=True,
            note=f"{accuracy:.2f} %",
        )


if __name__ == "__main__":
    title = "TDT4265, on from it: seeds, ablations, better recipes"
    tasks = {"seeds": seeds, "encoded": encoded, "better": better, "times": times}
    main = script(title, {**tasks, "ablations": ablations})
    add = main.parser.add_argument
    add("--only", nargs="+", choices=BETTER, default=[*BETTER], help="of seeds, better and times")
    main.run()
