"""How fast a network is summed up: convkit beside torchinfo, fvcore and torchlens.

    python benchmarks/architecture.py [--quick]

All run in this process in turns, and the table holds medians of ratios: how many times longer a
peer takes than convkit. Peers that are not installed are said to be missing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import io
import logging
import os
import platform
import statistics
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING

import torch
import torchvision

from convkit._tables import Table
from convkit.architecture import summarize, zoo

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

SHAPE = (3, 224, 224)
PEERS = ("torchinfo", "fvcore", "torchlens")


def installed(package: str) -> bool:
    """Whether a peer is there."""
    return importlib.util.find_spec(package) is not None


def run_torchinfo(model: nn.Module) -> int:
    """MACs by torchinfo, which runs the network."""
    import torchinfo

    return int(torchinfo.summary(model, (1, *SHAPE), verbose=0).total_mult_adds)


def run_fvcore(model: nn.Module) -> int:
    """MACs by fvcore, which traces the network."""
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(model, torch.zeros(1, *SHAPE))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    by_operator = analysis.by_operator()
    return int(by_operator["conv"] + by_operator["linear"])


def run_torchlens(model: nn.Module) -> int:
    """MACs by torchlens, which logs every operation of a run."""
    import torchlens

    return int(torchlens.trace(model, torch.zeros(1, *SHAPE)).total_macs or 0)


RUN = {"torchinfo": run_torchinfo, "fvcore": run_fvcore, "torchlens": run_torchlens}


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes; what it prints is swallowed."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        begin = time.perf_counter()
        call()
        return time.perf_counter() - begin


def ratios(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, inner: int
) -> list[float]:
    """Their time over ours, measured in turns; ours is the mean of `inner` calls each time."""
    seconds(ours), seconds(theirs)
    measured = []
    for _ in range(rounds):
        mine = sum(seconds(ours) for _ in range(inner)) / inner
        measured.append(seconds(theirs) / mine)
    return measured


def rows_of(name: str, rounds: int) -> list[tuple[str, ...]]:
    """One line for each peer: how many times longer it takes than our two ways."""
    table = getattr(zoo, name)()
    model = getattr(torchvision.models, name)().eval()
    counted = table.summary(SHAPE)
    assert summarize(model, SHAPE).macs == counted.macs  # noqa: S101 - equal counts or no benchmark
    lines = []
    for peer in PEERS:
        if not installed(peer):
            lines.append((name, peer, "not installed", "not installed", ""))
            continue
        try:
            answer = RUN[peer](model)
            theirs = partial(RUN[peer], model)
            arithmetic = ratios(lambda: table.summary(SHAPE), theirs, rounds, 5)
            run = ratios(lambda: summarize(model, SHAPE), theirs, rounds, 2)
        except Exception as error:  # noqa: BLE001 - a peer that fails is part of the result
            lines.append((name, peer, "failed", "failed", type(error).__name__))
            continue
        lines.append((name, peer, shown(arithmetic), shown(run), verdict(answer, counted.macs)))
    return lines


def verdict(answer: int, exact: int) -> str:
    """Whether the peer counts what we count."""
    if not answer:
        return "gives no total"
    return "the same" if answer == exact else f"{answer:,}; exact is {exact:,}"


def shown(measured: list[float]) -> str:
    """Median, and the range of the rounds."""
    return f"{statistics.median(measured):.1f} ({min(measured):.1f} to {max(measured):.1f})"


def main(quick: bool = False) -> str:
    """Run the benchmark and give its Markdown table."""
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    names = ("resnet18",) if quick else ("vgg16", "resnet50")
    lines = [line for name in names for line in rows_of(name, rounds=3 if quick else 7)]
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}"
        for package in ("torch", "torchvision", *filter(installed, PEERS))
    )
    machine = platform.processor() or platform.machine()
    python = f"Python {platform.python_version()}"
    notes = (
        "Median (range) of how many times longer the peer takes, for one image of 3x224x224.",
        f"{versions}.",
        f"{machine}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {python}.",
    )
    header = ("network", "peer", "beside Architecture.summary", "beside summarize", "its MACs")
    return Table(header, tuple(lines), notes=notes).to_markdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small network, few rounds")
    print(main(quick=parser.parse_args().quick))
