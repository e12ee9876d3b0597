"""TDT4265 assignment 3: convolution theory, and a CNN on CIFAR-10.

    python examples/tdt4265_cifar10.py --data downloads --out runs/tdt4265
    python examples/tdt4265_cifar10.py --task theory --out runs/tdt4265

`--data` is a folder with `train/CLASS/*` and `test/CLASS/*`, or the folder in which torchvision
keeps CIFAR-10 (`--download` fetches it). `--quick` runs every task in seconds on drawn figures.
The page `results.md` in `--out` sets every reported figure beside the measured one.
"""

# %% Settings
from __future__ import annotations

import argparse
from pathlib import Path

import torch

from convkit import Architecture, EarlyStopping, Trainer, data, plots, report, shapes
from convkit.training import TrainingOptions

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
VALIDATION_SHARE = 0.1
EPOCHS, BATCH_SIZE, LEARNING_RATE = 10, 64, 5e-2
QUICK_BELOW = 10_000  # training images: with fewer, accuracies are not comparable
STOP_COUNT = 4  # validations, two of them in an epoch

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


# %% Task 1: theory
def theory(page: report.Reproduction) -> None:
    """Tasks 1a to 1g: every number follows from arithmetic."""
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
        worked = shapes.explain_convolution(
            IMAGE, KERNEL, padding=1, padding_mode=mode, flip=flip
        )
        page.compare(f"1a, {name}", reported=str(matrix), measured=str(worked.result))
        if name == "cross-correlation, zeros":
            page.text("Every product of every output position of the cross-correlation:")
            page.code(str(worked))
    page.compare("1a, position (2, 2)", reported=-5, measured=CORRELATION[2][2], note="text: -1")
    page.compare("1c, padding that keeps the size", reported=2, measured=shapes.same_padding(5))
    page.compare("1d, kernel", reported=9, measured=shapes.solve_kernel_size(512, 504)[0])
    page.compare("1e, after the pool", reported=252, measured=shapes.pool_output(504, kernel_size=2))
    page.compare("1f, second conv", reported=250, measured=shapes.conv_output(252, kernel_size=3))
    page.code(str(shapes.explain(shapes.solve_kernel_size, 512, 504)))
    pooling_tolerates_shifts(page)
    summary = Architecture.parse(BASE).summary((3, 32, 32))
    page.text("1g, the network:")
    page.text(summary.to_markdown())
    page.compare("1g, parameters", reported=390_410, measured=summary.parameters)


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


# %% Task 2: the base network
def base(page: report.Reproduction, sets: data.Sets, out: Path, *, epochs: int, seed: int) -> None:
    """Train with the assignment's settings and measure on the whole of each set."""
    torch.manual_seed(seed)
    model = Architecture.parse(BASE).build(input_shape=(3, 32, 32))
    trainer = Trainer(
        model,
        optimizer="sgd",
        lr=LEARNING_RATE,
        early_stopping=EarlyStopping.count(STOP_COUNT),
        options=TrainingOptions(validations_per_epoch=2),
        directory=out / "base",
        seed=seed,
    )
    batches = data.batches(sets.train, batch_size=BATCH_SIZE, drop_last=True, seed=seed)
    history = trainer.fit(batches, sets.validation, epochs=epochs, batch_size=BATCH_SIZE)
    page.section(
        "Task 2: the base network",
        f"SGD without momentum, learning rate {LEARNING_RATE}, batch {BATCH_SIZE}, validated "
        f"twice an epoch. {history.stop_reason}",
    )
    quick = len(sets.train) < QUICK_BELOW
    reported = {
        "train": (0.7095, 75.91),
        "validation": (0.8413, 71.22),
        "test": (0.8652, 70.58),
    }
    for split, (loss, accuracy) in reported.items():
        result = trainer.evaluate(getattr(sets, split))
        low, high = 100 * result.accuracy_interval.low, 100 * result.accuracy_interval.high
        page.compare(
            f"{split} accuracy (%)",
            reported=accuracy,
            measured=None if quick else round(100 * result.accuracy, 2),
            band=(68, 72) if split == "test" else (accuracy - 2, accuracy + 2),
            note=f"95 % interval {low:.1f} to {high:.1f}; reported loss {loss}, "
            f"measured {result.loss:.4f}",
        )
    page.picture(plots.curves(history), "base_curves", "Loss and accuracy of the base network")
    page.picture(result.confusion.plot(), "base_confusion", "Confusion matrix of the test set")


# %% The script
def main() -> None:
    """Run the tasks asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=("all", "theory", "base"), default="all")
    parser.add_argument("--data", type=Path, default=Path("downloads"))
    parser.add_argument("--download", action="store_true", help="let torchvision fetch CIFAR-10")
    parser.add_argument("--out", type=Path, default=Path("runs/tdt4265_cifar10"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="seconds, on drawn figures")
    arguments = parser.parse_args()

    page = report.Reproduction("TDT4265: convolution theory and CNNs on CIFAR-10")
    if arguments.task in {"all", "theory"}:
        theory(page)
    if arguments.task in {"all", "base"}:
        sets = read_sets(arguments)
        page.section("Data", f"```text\n{sets}\n```")
        epochs = 2 if arguments.quick else EPOCHS
        base(page, sets, arguments.out, epochs=epochs, seed=arguments.seed)
    print(page.write(arguments.out / "results.md"), page.counts(), sep="\n")


def read_sets(arguments: argparse.Namespace) -> data.Sets:
    """CIFAR-10 with 5,000 of its training images set aside, or drawn figures."""
    if arguments.quick:
        return data.drawn_shapes(train=600, validation=200, test=200, seed=arguments.seed)
    return data.cifar10(
        arguments.data,
        download=arguments.download,
        validation=VALIDATION_SHARE,
        seed=arguments.seed,
        mean=MEAN,
        std=STD,
    )


if __name__ == "__main__":
    main()
