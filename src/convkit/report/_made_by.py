"""By what was a page made? Command, hardware, versions, time."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from convkit._escaping import plain
from convkit.training import Run, read_run

if TYPE_CHECKING:
    from convkit.training import Trainer


@dataclass(frozen=True, slots=True)
class Training:
    """What one training took.

    Args:
        minutes: Of training and validation, interruptions not counted.
        precision: What the network computed in.
        seed: Of order and augmentation; None for none.
    """

    minutes: float
    precision: str
    seed: int | None

    def __str__(self) -> str:
        return f"{self.precision}, seed {self.seed}, {self.minutes:.1f} minutes"


def training_of(trainer: Trainer | Run) -> Training:
    """What the training of a trainer took; its directory knows how it was done."""
    seconds = trainer.history["seconds"]
    minutes = seconds[-1] / 60 if seconds else 0.0
    if isinstance(trainer, Run):
        run = trainer
    elif trainer.directory is None:
        return Training(minutes, trainer.precision, trainer.seed)
    else:
        run = read_run(trainer.directory)
    settings = run.configuration["settings"]
    return Training(minutes, settings["precision"], settings["seed"])


def made_by(trainings: list[Training], minutes: float) -> list[str]:
    """The lines of a page that say what made it."""
    program = Path(sys.argv[0]).name
    script = f"examples/{program}" if program.endswith(".py") else program
    command = " ".join(["python", script, *map(_argument, sys.argv[1:])])
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "numpy"))
    lines = [
        "This page was written by the run that it describes.",
        "",
        f"- command: `{plain(command)}`",
        f"- hardware: {hardware()}",
        f"- versions: Python {platform.python_version()}, {versions}",
    ]
    if trainings:
        precisions = ", ".join(sorted({training.precision for training in trainings}))
        seeds = ", ".join(sorted({str(training.seed) for training in trainings}))
        total = sum(training.minutes for training in trainings)
        runs = f"{len(trainings)} run{'s' if len(trainings) > 1 else ''}"
        lines.append(
            f"- training: {total:.1f} minutes in {runs}, {precisions}, "
            f"seed{'s' if ',' in seeds else ''} {seeds}"
        )
    lines.append(f"- this call: {minutes:.1f} minutes; finished trainings are not repeated")
    return lines


def hardware() -> str:
    """Name the processor, the cores this process may use, and the accelerator, if there is one.

    Returns:
        One line.

    Examples:
        >>> "cores" in hardware()
        True
    """
    import torch

    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [
            line.partition(":")[2].strip()
            for line in information.read_text(encoding="utf-8", errors="replace").splitlines()
            if line.startswith("model name")
        ]
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = torch.get_num_threads()
    accelerator = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{name}, {cores} cores, threads of PyTorch: {threads}{accelerator}"


def _argument(text: str) -> str:
    """One argument of the command; of an absolute path the name, the rest is one machine's."""
    return shlex.quote(Path(text).name if Path(text).is_absolute() else text)
