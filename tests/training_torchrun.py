"""Trains under `torchrun`: killed once at a chosen step, cut at chosen validations, gone on with.

Not a test file: the tests start it by `torchrun`, and each process leaves what it found as JSON.
The two processes draw noise from all three global generators, so a process that went on with the
random numbers of another, or with fresh ones, would end with other weights.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed, nn
from torch.utils.data import DataLoader, Dataset

import convkit.training._fit as fit_module
from convkit import EarlyStopping, Trainer
from convkit.training import Event, TrainingOptions

EPOCHS, SAMPLES, BATCH = 3, 20, 4  # fifteen steps
IMAGES = torch.randn(SAMPLES, 2, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(SAMPLES) % 3
Outcome = tuple[dict[str, torch.Tensor], list[Any], Any]


class Noisy(Dataset[tuple[torch.Tensor, int]]):
    """Images with noise from torch, NumPy and `random`."""

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        noise = torch.rand(1).item() + np.random.rand() + random.random()  # noqa: NPY002 - meant
        return IMAGES[index] + noise, int(LABELS[index])


def network() -> nn.Sequential:
    """A small network with batch norm and dropout."""
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def train(
    directory: Path, *, kill_at: int | None = None, cut: int | None = None, **more: Any
) -> Outcome:
    """Weights, moments and history of a training that goes on where the directory says.

    Args:
        directory: Of the run.
        kill_at: The step before which this process kills itself.
        cut: After how many validations a callback ends it.
        **more: Settings of the options.
    """
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
    steps = iter(range(1, 1000))

    def before_step(*_: object) -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    optimizer.register_step_pre_hook(before_step)

    def stop(event: Event) -> None:
        if event.what == "validation" and len(event.history) == cut:
            event.stop = "cut"

    trainer = Trainer(
        model,
        optimizer=optimizer,
        scheduler="one_cycle",
        early_stopping=EarlyStopping(9),
        directory=directory,
        callbacks=[stop],
        options=TrainingOptions(validations_per_epoch=2, checkpoint_every_steps=2, **more),
    )
    history = trainer.fit(
        DataLoader(Noisy(), batch_size=BATCH, shuffle=True),
        (IMAGES[:7] + 1, LABELS[:7]),
        epochs=EPOCHS,
        resume=True,
        progress=False,
    )
    plain = history.to_dict()
    del plain["columns"]["seconds"]
    moments = [v for state in optimizer.state_dict()["state"].values() for v in state.values()]
    return model.state_dict(), moments, plain


def same(one: Outcome, other: Outcome) -> bool:
    """Whether weights, buffers, moments and history are equal bit for bit."""
    return (
        one[2] == other[2]
        and all(torch.equal(one[0][name], other[0][name]) for name in one[0])
        and all(map(torch.equal, one[1], other[1]))
    )


def without_random_state(directory: Path, **more: Any) -> Outcome:
    """Go on with whatever random numbers come: the negative control."""
    restore = fit_module.set_random_state
    fit_module.set_random_state = lambda _state: None
    try:
        return train(directory, **more)
    finally:
        fit_module.set_random_state = restore


def copied(directory: Path) -> Path:
    """The run as it lies there, in another directory; made once, by the first process."""
    target = directory.with_name(f"{directory.name} again")
    if distributed.get_rank() == 0:
        shutil.copytree(directory, target)
    distributed.barrier()
    return target


def main(folder: Path, rank_killed: int, kill_at: int) -> dict[str, Any]:
    """The killed training first; what follows runs in the second life only."""
    rank, life = int(os.environ["RANK"]), int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    if life == 0:
        train(folder / "killed", kill_at=kill_at if rank == rank_killed else None)
        return {}
    again = folder / "killed again"
    if rank == 0 and (folder / "killed" / "last.pt").exists():
        shutil.copytree(folder / "killed", again)
    killed, whole = train(folder / "killed"), train(folder / "whole")
    found = {"life": life, "killed": same(whole, killed), "steps": whole[2]["columns"]["step"][-1]}
    if again.exists():
        found["killed, random state dropped"] = same(whole, without_random_state(again))
    for options in ({}, {"average_weights": 0.9, "accumulate": 2}):
        expected = train(folder / f"whole {options}", **options)
        for cut, where in ((3, "middle"), (4, "end")):
            directory = folder / f"{where} {options}"
            train(directory, cut=cut, **options)
            control = copied(directory)
            name = f"{where} {'averaged' if options else 'plain'}"
            found[name] = same(expected, train(directory, **options))
            found[f"{name}, random state dropped"] = same(
                expected, without_random_state(control, **options)
            )
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    found = main(folder, int(sys.argv[2]), int(sys.argv[3]))
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(found))
