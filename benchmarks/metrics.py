"""How fast are the metrics beside torchmetrics and scikit-learn?

Every task runs in all libraries in turns, in one process on one thread; the ratios are medians of
paired rounds. The results are compared first: a fast wrong answer would be worth nothing.

    python benchmarks/metrics.py [--quick]
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from convkit import metrics
from convkit._tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = {"torchmetrics": "torchmetrics", "scikit-learn": "sklearn"}
BATCH = 256


@dataclass(frozen=True, slots=True)
class Task:
    """One measurement: a name, and how each library does it."""

    name: str
    ways: dict[str, Callable[[], Any]]
    tolerance: float


def confusion_whole(samples: int, classes: int) -> Task:
    """The matrix of all labels at once."""
    predicted, truth = labels(samples, classes)
    arrays = predicted.numpy(), truth.numpy()

    def peer() -> Any:
        from torchmetrics.functional.classification import multiclass_confusion_matrix

        return multiclass_confusion_matrix(predicted, truth, classes)

    def scikit() -> Any:
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(arrays[1], arrays[0], labels=range(classes))

    ours = lambda: metrics.confusion_matrix(predicted, truth, classes).counts  # noqa: E731 - one of three alike
    name = f"confusion matrix, {samples:,} labels, {classes:,} classes, whole"
    return Task(name, {"convkit": ours, "torchmetrics": peer, "scikit-learn": scikit}, 0)


def confusion_in_batches(samples: int, classes: int) -> Task:
    """The matrix batch by batch; scikit-learn adds up the matrices of the batches."""
    pairs = list(zip(*(x.split(BATCH) for x in labels(samples, classes)), strict=True))

    def ours() -> Any:
        matrix = metrics.ConfusionMatrix(classes)
        for predicted, truth in pairs:
            matrix.update(predicted, truth)
        return matrix.counts

    def peer() -> Any:
        from torchmetrics.classification import MulticlassConfusionMatrix

        matrix = MulticlassConfusionMatrix(classes)
        for predicted, truth in pairs:
            matrix.update(predicted, truth)
        return matrix.compute()

    def scikit() -> Any:
        from sklearn.metrics import confusion_matrix

        total = np.zeros((classes, classes), dtype=np.int64)
        for predicted, truth in pairs:
            total += confusion_matrix(truth.numpy(), predicted.numpy(), labels=range(classes))
        return total

    name = f"confusion matrix, {samples:,} labels, {classes:,} classes, batches of {BATCH}"
    return Task(name, {"convkit": ours, "torchmetrics": peer, "scikit-learn": scikit}, 0)


def average_precision(samples: int, classes: int) -> Task:
    """Macro average precision of float32 softmax scores."""
    generator = torch.Generator().manual_seed(0)
    # Every class occurs: of one that does not, each library says something else.
    truth = torch.randperm(samples, generator=generator) % classes
    logits = torch.randn(samples, classes, generator=generator)
    logits[torch.arange(samples), truth] += 2.0
    scores = logits.softmax(dim=1)
    marks = torch.nn.functional.one_hot(truth, classes).numpy()
    array = scores.numpy()

    def peer() -> Any:
        from torchmetrics.functional.classification import multiclass_average_precision

        return multiclass_average_precision(scores, truth, classes, average="macro")

    def scikit() -> Any:
        from sklearn.metrics import average_precision_score

        return average_precision_score(marks, array, average="macro")

    ours = lambda: metrics.average_precision(scores, truth).mean  # noqa: E731 - one of three alike
    name = f"macro average precision, {samples:,} x {classes:,}"
    # torchmetrics adds up in float32.
    return Task(name, {"convkit": ours, "torchmetrics": peer, "scikit-learn": scikit}, 1e-5)


def labels(samples: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Predicted and true labels, two thirds right."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(classes, (samples,), generator=generator)
    other = torch.randint(classes, (samples,), generator=generator)
    right = torch.rand(samples, generator=generator) < 2 / 3
    return torch.where(right, truth, other), truth


def available(names: list[str]) -> list[str]:
    """The libraries that are installed."""
    found = []
    for name in names:
        try:
            importlib.import_module(PEERS.get(name, name))
        except ImportError:
            print(f"{name} is missing: not measured")
        else:
            found.append(name)
    return found


def measure(task: Task, libraries: list[str], rounds: int) -> dict[str, float]:
    """Median over paired rounds of each peer's time divided by ours."""
    results = {name: np.asarray(task.ways[name]()) for name in libraries}  # also warms up
    for name, result in results.items():
        difference = np.abs(result.astype(np.float64) - results["convkit"]).max()
        if difference > task.tolerance:
            raise SystemExit(f"{task.name}: {name} differs from convkit by {difference}")
    ratios: dict[str, list[float]] = {name: [] for name in libraries[1:]}
    for _ in range(rounds):
        seconds = {}
        for name in libraries:
            start = time.perf_counter()
            task.ways[name]()
            seconds[name] = time.perf_counter() - start
        for name, values in ratios.items():
            values.append(seconds[name] / seconds["convkit"])
    return {name: statistics.median(values) for name, values in ratios.items()}


def main() -> None:
    """Print the table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples, 3 rounds")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    scale, rounds = (10, 3) if quick else (1, 7)
    million = 1_000_000 // scale
    tasks = [
        confusion_whole(million, 10),
        confusion_whole(million, 1_000),
        confusion_in_batches(million, 10),
        confusion_in_batches(million // 10, 1_000),
        average_precision(100_000 // scale, 10),
        average_precision(20_000 // scale, 1_000),
    ]
    libraries = available(["convkit", *PEERS])
    rows = []
    for task in tasks:
        ratios = measure(task, libraries, rounds)
        cells = (f"{ratios[name]:.1f} x" if name in ratios else "-" for name in PEERS)
        rows.append((task.name, *cells))
    header = ("task", *(f"{name} / convkit" for name in PEERS))
    versions = ", ".join(
        f"{name} {importlib.import_module(PEERS.get(name, name)).__version__}"
        for name in [*libraries, "numpy", "torch"]
    )
    note = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one thread used"
    print(Table(header, tuple(rows), notes=(f"{versions}; {note}.",)).to_markdown())


if __name__ == "__main__":
    main()
