"""What a training step costs above a loop written by hand, and what each default is worth.

    python benchmarks/training.py [--quick]

Everything is paired: the data that a trainer reads come from a generator which, between two of its
steps, takes one step of the plain loop and times both. So each step has its partner a millisecond
away, and what else the machine does falls on both. The tables hold medians of differences and
ratios. Peers that are not installed are said to be missing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import logging
import os
import platform
import statistics
import time
import warnings
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import torch
from paired_steps import Model, Paired, base, plain_step, pool_first, tiny
from torch import Tensor, nn
from torch.nn import functional

import convkit
from convkit._tables import Table
from convkit.training import Trainer, TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = {
    "lightning": "lightning",
    "accelerate": "accelerate",
    "ignite": "pytorch-ignite",
    "skorch": "skorch",
    "keras": "keras",
}
Settings = dict[str, Any]


# --- the trainers ------------------------------------------------------------------------------


def run_plain(loader: Paired, make: Callable[[], nn.Module]) -> None:
    """The plain loop against itself: the noise of the measurement."""
    step = plain_step(make())
    for batch in loader:
        step(*batch)


def run_convkit(loader: Paired, make: Callable[[], nn.Module], **options: Any) -> None:
    """Trainer.fit with its defaults."""
    trainer = Trainer(make(), optimizer="sgd", lr=0.01, options=TrainingOptions(**options))
    trainer.fit(loader, epochs=1, progress=False)


def run_lightning(loader: Paired, make: Callable[[], nn.Module]) -> None:
    """Lightning without logger, checkpoints and bars."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = make()

        def training_step(self, batch: Any, _index: int) -> Tensor:
            return functional.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Module(), loader)


def run_accelerate(loader: Paired, make: Callable[[], nn.Module]) -> None:
    """The loop of accelerate."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model, optimizer = accelerator.prepare(model, optimizer)
    for images, labels in loader:
        optimizer.zero_grad()
        accelerator.backward(functional.cross_entropy(model(images), labels))
        optimizer.step()


def run_ignite(loader: Paired, make: Callable[[], nn.Module]) -> None:
    """The supervised trainer of ignite."""
    from ignite.engine import create_supervised_trainer

    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    create_supervised_trainer(model, optimizer, functional.cross_entropy).run(loader, max_epochs=1)


def run_skorch(loader: Paired, make: Callable[[], nn.Module]) -> None:
    """A skorch net; its history of batches is a part of it."""
    from skorch import NeuralNet

    net = NeuralNet(
        make(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=0.01,
        max_epochs=1,
        train_split=None,
        iterator_train=lambda *_, **__: loader,
        verbose=0,
    )
    net.fit(loader._batches[0][0], loader._batches[0][1])


def run_keras(loader: Paired, make: Callable[[], nn.Module]) -> None:
    """The same tiny network in Keras, on torch."""
    import keras

    del make  # Keras has layers of its own
    keras.config.set_image_data_format("channels_first")
    model = keras.Sequential(
        [
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=loss, jit_compile=False)
    model.fit(iter(loader), steps_per_epoch=len(loader) - 2, epochs=1, verbose=0)


RUNS: dict[str, Callable[[Paired, Callable[[], nn.Module]], None]] = {
    "plain loop": run_plain,
    "convkit": run_convkit,
    "lightning": run_lightning,
    "accelerate": run_accelerate,
    "ignite": run_ignite,
    "skorch": run_skorch,
    "keras": run_keras,
}


# --- the tables -----------------------------------------------------------------------------------


def step_table(steps: int, turns: int) -> Table:
    """Every trainer beside the plain loop on the tiny network."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in RUNS}
    missing = {name for name in PEERS if importlib.util.find_spec(name) is None}
    for _ in range(turns):
        for name, run in RUNS.items():
            if name in missing:
                continue
            loader = Paired(plain_step(tiny()), steps, batch_size=8, size=16)
            run(loader, tiny)
            found[name].append(loader.result())
    rows = [
        (name, "missing", "missing")
        if name in missing
        else (
            name,
            f"{statistics.median(above for above, _ in results):.0f}",
            f"{statistics.median(ratio for _, ratio in results):.2f}",
        )
        for name, results in found.items()
    ]
    return Table(
        ("tiny network, batch 8", "microseconds above the plain loop", "times the plain loop"),
        tuple(rows),
    )


def base_table(steps: int, turns: int) -> Table:
    """The base network: convkit beside the plain loop and beside the best loop written by hand."""
    rows = []
    for name, make, layout in (
        ("plain loop, NCHW", base, False),
        ("the table's best loop: NHWC, fused", base, True),
        ("the same, max-pool before ReLU", pool_first, True),
    ):
        results = []
        for _ in range(turns):
            partner = plain_step(make(), channels_last=layout, fused=layout)
            loader = Paired(partner, steps, batch_size=64, size=32)
            run_convkit(loader, base)
            results.append(loader.result()[1])
        rows.append((name, f"{statistics.median(results):.3f}"))
    return Table(("base network, batch 64: beside", "convkit takes times as long"), tuple(rows))


def defaults_table(steps: int, turns: int) -> Table:
    """What each default is worth: the loop with it, times the loop without."""
    last = {"channels_last": True}
    cases: dict[str, tuple[Model, Settings, Model, Settings]] = {
        "channels_last, base network": (base, {}, base, last),
        "channels_last, tiny network (left out by default)": (tiny, {}, tiny, last),
        "fused optimizer, base network": (base, {}, base, {"fused": True}),
        "fused optimizer, tiny network": (tiny, {}, tiny, {"fused": True}),
        "max-pool before ReLU, base network, NCHW": (base, {}, pool_first, {}),
        "max-pool before ReLU, base network, NHWC": (base, last, pool_first, last),
        "denormals flushed, base network at its start": (base, {}, base, {"flush": True}),
    }
    rows = []
    for name, (without, settings, with_it, more) in cases.items():
        results = []
        for _ in range(turns):
            size = (8, 16) if with_it is tiny else (64, 32)
            loader = Paired(plain_step(without(), **settings), steps, *size)
            step = plain_step(with_it(), **more)
            for batch in loader:
                step(*batch)
            results.append(loader.result()[1])
        rows.append((name, f"{statistics.median(results):.3f}"))
    rows.append(("denormals flushed, activations near 1e-39", f"{flushing(steps):.3f}"))
    return Table(("default", "times without it"), tuple(rows))


def flushing(steps: int) -> float:
    """A convolution over numbers below 1e-38, with and without taking them as zero."""
    torch.set_flush_denormal(False)
    layer, images = nn.Conv2d(32, 32, 3), torch.full((8, 32, 16, 16), 1e-39)
    ratios = []
    for _ in range(steps):
        times = []
        for flush in (False, True):
            torch.set_flush_denormal(flush)
            begun = time.perf_counter()
            layer(images)
            times.append(time.perf_counter() - begun)
        ratios.append(times[1] / times[0])
    torch.set_flush_denormal(False)
    return statistics.median(ratios)


def hardware() -> str:
    """What it ran on."""
    versions = [f"torch {torch.__version__}", f"convkit {convkit.__version__}"]
    for name, package in PEERS.items():
        if importlib.util.find_spec(name) is not None:
            versions.append(f"{package} {importlib.metadata.version(package)}")
    machine = platform.processor() or platform.machine()
    return f"{machine}, {os.cpu_count()} cores, 1 thread, {', '.join(versions)}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    steps, turns = (200, 1) if quick else (1500, 3)
    for table in (
        step_table(steps, turns),
        base_table(steps // 25, turns),
        defaults_table(steps // 25, turns),
    ):
        print(table.to_markdown(), end="\n\n", flush=True)
    print(hardware())


if __name__ == "__main__":
    main()
