"""How fast is the calculator beside asking PyTorch or torchinfo for the same numbers?

PyTorch is asked in the cheapest way it has, on the meta device, where layers hold no weights and a
forward pass moves no data. Every task runs in all libraries in turns, in one process on one thread;
the ratios are medians of paired rounds. The results are compared first.

    python benchmarks/shapes.py [--quick]
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import statistics
import time
from dataclasses import dataclass
from os import cpu_count
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from convkit import shapes
from convkit._tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = ("PyTorch, meta device", "torchinfo")
VGG16 = [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3]


@dataclass(frozen=True, slots=True)
class Task:
    """One measurement: a name, and how each library does it."""

    name: str
    ways: dict[str, Callable[[], Any]]


def output_size(name: str, make: Callable[[], nn.Module], ours: Callable[[], Any]) -> Task:
    """The size of one map."""
    return Task(
        f"output size, {name}",
        {
            "convkit": ours,
            PEERS[0]: lambda: meta_size(make()),
            PEERS[1]: lambda: tuple(torchinfo_summary(make()).summary_list[-1].output_size[2:]),
        },
    )


def parameters() -> Task:
    """The parameters of one convolution."""

    def make() -> nn.Module:
        return nn.Conv2d(3, 64, 7, device="meta")

    return Task(
        "parameters, Conv2d",
        {
            "convkit": lambda: shapes.conv_parameters(3, 64, kernel_size=7).total,
            PEERS[0]: lambda: sum(p.numel() for p in make().parameters()),
            PEERS[1]: lambda: torchinfo_summary(make()).total_params,
        },
    )


def vgg16_sizes() -> Task:
    """The last map of VGG-16's thirteen convolutions and five poolings."""

    def ours() -> tuple[int, ...]:
        size: tuple[int, ...] = (224, 224)
        for block in VGG16:
            for _ in block:
                size = shapes.conv_output(size, kernel_size=3, padding=1)
            size = shapes.pool_output(size, kernel_size=2)
        return size

    def make() -> nn.Module:
        layers: list[nn.Module] = []
        channels = 3
        for block in VGG16:
            for out_channels in block:
                layers.append(nn.Conv2d(channels, out_channels, 3, padding=1, device="meta"))
                channels = out_channels
            layers.append(nn.MaxPool2d(2))
        return nn.Sequential(*layers)

    return output_size("VGG-16's 18 layers", make, ours)


def meta_size(module: nn.Module) -> tuple[int, ...]:
    """The size of the map of a module on the meta device."""
    return tuple(module(torch.empty(1, 3, 224, 224, device="meta")).shape[2:])


def torchinfo_summary(module: nn.Module) -> Any:
    """What torchinfo says, which runs the module."""
    from torchinfo import summary

    return summary(module, (1, 3, 224, 224), verbose=0, device="meta")


def tasks() -> list[Task]:
    """Everything that is measured."""
    return [
        output_size(
            "Conv2d",
            lambda: nn.Conv2d(3, 64, 7, 2, 3, device="meta"),
            lambda: shapes.conv_output((224, 224), kernel_size=7, stride=2, padding=3),
        ),
        output_size(
            "MaxPool2d",
            lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            lambda: shapes.pool_output(
                (224, 224), kernel_size=3, stride=2, padding=1, ceil_mode=True
            ),
        ),
        parameters(),
        vgg16_sizes(),
    ]


def measured(task: Task, rounds: int, calls: int) -> dict[str, float]:
    """How many times as long as convkit each peer takes, the median of paired rounds."""
    ways = {n: w for n, w in task.ways.items() if n != "torchinfo" or has_torchinfo()}
    results = {name: way() for name, way in ways.items()}
    if len(set(results.values())) != 1:
        raise SystemExit(f"{task.name}: the results differ: {results}")
    ratios: dict[str, list[float]] = {name: [] for name in ways if name != "convkit"}
    for _ in range(rounds):
        seconds = {name: timed(way, calls) for name, way in ways.items()}
        for name, collected in ratios.items():
            collected.append(seconds[name] / seconds["convkit"])
    return {name: statistics.median(collected) for name, collected in ratios.items()}


def timed(way: Callable[[], Any], calls: int) -> float:
    """Seconds of so many calls."""
    start = time.perf_counter()
    for _ in range(calls):
        way()
    return time.perf_counter() - start


def has_torchinfo() -> bool:
    """Whether the peer is installed."""
    return importlib.util.find_spec("torchinfo") is not None


def main() -> None:
    """Measure, and print the table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 5 if parser.parse_args().quick else 41
    torch.set_num_threads(1)
    rows = []
    for task in tasks():
        ratios = measured(task, rounds, calls=10)
        cells = (f"{ratios[peer]:,.0f}" if peer in ratios else "not installed" for peer in PEERS)
        rows.append((task.name, *cells))
    header = ("times as long as convkit", *PEERS)
    print(Table(header, tuple(rows)).to_markdown())
    machine = f"{platform.processor() or platform.machine()}, {cpu_count()} cores"
    print(f"\n{machine}; Python {platform.python_version()}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
