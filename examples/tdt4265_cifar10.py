"""TDT4265 assignment 3: convolution theory, and a CNN on CIFAR-10.

    python examples/tdt4265_cifar10.py --data downloads --out runs/tdt4265
    python examples/tdt4265_cifar10.py --task theory --out runs/tdt4265

`--data` is a folder with `train/CLASS/*` and `test/CLASS/*`, or the folder in which torchvision
keeps CIFAR-10 (`--download` fetches it). `--quick` runs every task in seconds on drawn figures.
The page in `--out` sets every reported figure beside the measured one.
"""

# %% Settings
from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from convkit import Architecture, EarlyStopping, History, Trainer, data, plots, report, shapes
from convkit.training import TrainingOptions

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
VALIDATION_SHARE = 0.1
EPOCHS = 10
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


# Task 3. The text gives model 2's 3x3 convs padding 2 and final maps of 2x2, which need padding 1.
CONV = "| Conv2D | 64 | 5x5 | 2 | yes | ReLU |"
POOL = "| MaxPool2D | - | 2x2 | - | - | - |"
HEADER = (
    "| Layer Type | Filters | Kernel | Padding | BatchNorm | Activation |\n" + "| --- " * 6 + "|"
)
TAIL = "| Flatten | - | - | - | - | - |\n| Fully-Connected | 64 | - | - | - | ReLU |\n"
TAIL += "| Fully-Connected | 10 | - | - | - | - |"
FIRST = CONV.replace("5x5 | 2", "7x7 | 3")
MODEL_1 = "\n".join([HEADER, FIRST, CONV, POOL, CONV, CONV, POOL, CONV, CONV, POOL, TAIL])
MODEL_2 = "\n".join(
    [HEADER]
    + [
        f"| Conv2D | {filters} | {kernel} | {padding} | - | ReLU |\n{POOL}"
        for filters, kernel, padding in (
            (32, "5x5", 2),
            (64, "3x3", 1),
            (128, "3x3", 1),
            (64, "3x3", 1),
        )
    ]
    + [TAIL]
)


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
        worked = shapes.explain_convolution(IMAGE, KERNEL, padding=1, padding_mode=mode, flip=flip)
        page.compare(f"1a, {name}", reported=str(matrix), measured=str(worked.result))
        if name == "cross-correlation, zeros":
            page.text("Every product of every output position of the cross-correlation:")
            page.code(str(worked))
    page.compare("1a, position (2, 2)", reported=-5, measured=CORRELATION[2][2], note="text: -1")
    page.compare("1c, padding that keeps the size", reported=2, measured=shapes.same_padding(5))
    page.compare("1d, kernel", reported=9, measured=shapes.solve_kernel_size(512, 504)[0])
    page.compare(
        "1e, after the pool", reported=252, measured=shapes.pool_output(504, kernel_size=2)
    )
    page.compare("1f, second conv", reported=250, measured=shapes.conv_output(252, kernel_size=3))
    page.code(str(shapes.explain(shapes.solve_kernel_size, 512, 504)))
    pooling_tolerates_shifts(page)
    summary = Architecture.parse(BASE).summary((3, 32, 32))
    page.text("1g, the network:")
    page.text(summary.to_markdown())
    for task, table, parameters in (
        ("1g, base network", BASE, 390_410),
        ("3, model 1", MODEL_1, 588_810),
        ("3, model 2", MODEL_2, 185_674),
    ):
        counted = Architecture.parse(table).summary((3, 32, 32)).parameters
        page.compare(f"{task}, parameters", reported=parameters, measured=counted)


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


# %% Tasks 2 and 3: training
@dataclass(frozen=True)
class Run:
    """One network with its settings, and what was published of it."""

    name: str
    table: str
    batch_size: int
    optimizer: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]
    settings: str  # the optimizer in words
    reported: dict[str, tuple[float | None, float]]  # split: loss, accuracy in percent
    band: tuple[float, float]  # of the test accuracy
    augment: Sequence[data.Augmentation] = ()
    initialise: Callable[[torch.nn.Module], None] | None = None


def xavier(model: torch.nn.Module) -> None:
    """Initial weights that suit tanh."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.xavier_uniform_(layer.weight)


LIGHT = (data.HorizontalFlip(), data.Rotate(3))
RUNS = {
    "base": Run(
        "Task 2: the base network",
        BASE,
        64,
        lambda parameters: torch.optim.SGD(parameters, lr=5e-2),
        "SGD without momentum, learning rate 5e-2",
        {"train": (0.7095, 75.91), "validation": (0.8413, 71.22), "test": (0.8652, 70.58)},
        (68, 72),
    ),
    "model1": Run(
        "Task 3: model 1",
        MODEL_1,
        32,
        lambda parameters: torch.optim.AdamW(parameters, lr=3e-4, weight_decay=0.05),
        "AdamW, learning rate 3e-4, weight decay 0.05, flips and rotations up to 3 degrees",
        {"train": (0.1348, 89.00), "validation": (0.5240, 82.34), "test": (0.5177, 82.76)},
        (80.76, 84.76),
        LIGHT,
    ),
    "model2": Run(
        "Task 3: model 2",
        MODEL_2,
        64,
        lambda parameters: torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01),
        "AdamW, learning rate 1e-3, weight decay 0.01, flips, hue and saturation by 0.05",
        {"train": (0.6392, 82.37), "validation": (0.7404, 76.04), "test": (0.7283, 76.09)},
        (74.09, 78.09),
        (data.ColorJitter(hue=0.05, saturation=0.05), data.HorizontalFlip()),
    ),
    "tanh": Run(
        "Task 3: model 1 with tanh",
        MODEL_1.replace("ReLU", "Tanh"),
        32,
        lambda parameters: torch.optim.AdamW(parameters, lr=3e-4, weight_decay=0.05),
        "as model 1, with tanh and Xavier's initial weights",
        {"test": (None, 76.59)},
        (74.59, 78.59),
        LIGHT,
        xavier,
    ),
}


def train(
    page: report.Reproduction, sets: data.Sets, name: str, out: Path, *, epochs: int, seed: int
) -> History:
    """Train one network with its settings and measure on the whole of each set."""
    run = RUNS[name]
    torch.manual_seed(seed)
    model = Architecture.parse(run.table).build(input_shape=(3, 32, 32))
    if run.initialise:
        run.initialise(model)
    trainer = Trainer(
        model,
        optimizer=run.optimizer,
        early_stopping=EarlyStopping.count(STOP_COUNT),
        options=TrainingOptions(validations_per_epoch=2),
        directory=out / name,
        seed=seed,
    )
    batches = data.batches(
        sets.train, batch_size=run.batch_size, augment=run.augment, drop_last=True, seed=seed
    )
    history = trainer.fit(batches, sets.validation, epochs=epochs, resume=True)
    page.section(
        run.name,
        f"{run.settings}, batch {run.batch_size}, seed {seed}, validated twice an epoch; "
        f"{history.stop_reason}.",
    )
    quick = len(sets.train) < QUICK_BELOW
    for split, (loss, accuracy) in run.reported.items():
        result = trainer.evaluate(getattr(sets, split))
        low, high = 100 * result.accuracy_interval.low, 100 * result.accuracy_interval.high
        page.compare(
            f"{split} accuracy (%)",
            reported=accuracy,
            measured=None if quick else round(100 * result.accuracy, 2),
            band=run.band if split == "test" else (accuracy - 2, accuracy + 2),
            note=f"95 % interval {low:.1f} to {high:.1f}; loss {result.loss:.4f}"
            + (f", reported {loss}" if loss else ""),
        )
    page.picture(plots.curves(history), f"{name}_curves", f"{run.name}: loss and accuracy")
    page.picture(result.confusion.plot(), f"{name}_confusion", f"{run.name}: test set")
    return history


# %% The script
def main() -> None:
    """Run the tasks asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", nargs="+", choices=("theory", *RUNS), default=["theory", *RUNS])
    parser.add_argument("--data", type=Path, default=Path("downloads"))
    parser.add_argument("--download", action="store_true", help="let torchvision fetch CIFAR-10")
    parser.add_argument("--out", type=Path, default=Path("runs/tdt4265_cifar10"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="seconds, on drawn figures")
    arguments = parser.parse_args()

    page = report.Reproduction("TDT4265: convolution theory and CNNs on CIFAR-10")
    if "theory" in arguments.task:
        theory(page)
    if trained := [name for name in arguments.task if name in RUNS]:
        sets = read_sets(arguments)
        jpeg = any((arguments.data / "train").glob("*/*.jpg")) and not arguments.quick
        source = "CIFAR-10 (JPEG): the images are re-encoded, not the official lossless ones.\n\n"
        page.section("Data", f"{source if jpeg else ''}```text\n{sets}\n```")
        epochs = 2 if arguments.quick else EPOCHS
        histories = {
            RUNS[name].name: train(
                page, sets, name, arguments.out, epochs=epochs, seed=arguments.seed
            )
            for name in trained
        }
        page.section("Together")
        page.picture(plots.compare_curves(histories), "together", "The networks beside one another")
    print(page.write(arguments.out / f"{Path(__file__).stem}.md"), page.counts(), sep="\n")


def read_sets(arguments: argparse.Namespace) -> data.Sets:
    """CIFAR-10 with 5,000 of its training images set aside, or drawn figures."""
    if arguments.quick:
        return data.drawn_shapes(train=300, validation=100, test=100, seed=arguments.seed)
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
