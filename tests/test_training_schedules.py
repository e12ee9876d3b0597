"""Schedules of the learning rate: by name, by function of the steps, and when they step."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, StepLR
from torch.utils.data import DataLoader, IterableDataset

from convkit import Trainer
from convkit.errors import TrainingError
from convkit.training import BackToBest, Event, TrainingOptions

PAIR = (torch.randn(22, 3), torch.arange(22) % 2)


def rates(epochs: int = 3, *, lr: float = 0.5, times: int = 1, **settings: Any) -> list[float]:
    """The learning rate at every step of a training, three steps in an epoch."""
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    found: list[float] = []
    optimizer.register_step_pre_hook(lambda *_: found.append(optimizer.param_groups[0]["lr"]))
    trainer = Trainer(model, optimizer=optimizer, **settings)
    for _ in range(times):
        trainer.fit(PAIR, epochs=epochs, batch_size=8, progress=False)
    return found


def by_hand(make: Any, steps: int, lr: float = 0.5) -> list[float]:
    """The rates that a scheduler of torch gives to so many steps."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    found = []
    for step in range(steps):
        if step:
            optimizer.step()
            scheduler.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


def test_one_cycle_rises_to_the_given_rate_and_falls_over_all_steps() -> None:
    found = rates(scheduler="one_cycle")

    assert found == pytest.approx(by_hand(lambda o: OneCycleLR(o, 0.5, total_steps=9), 9))
    assert max(found) == pytest.approx(0.5, rel=0.05)
    assert found[0] < 0.05 > found[-1]


def test_one_cycle_leaves_the_momentum_alone() -> None:
    model = nn.Linear(3, 2)
    seen = set()

    def note(event: Event) -> None:
        seen.add(event.trainer.optimizer.param_groups[0]["momentum"])

    options = TrainingOptions(validate_every=1)
    trainer = Trainer(
        model,
        optimizer="sgd",
        lr=0.1,
        momentum=0.7,
        scheduler="one_cycle",
        callbacks=[note],
        options=options,
    )
    trainer.fit(PAIR, PAIR, epochs=3, batch_size=8, progress=False)

    assert seen == {0.7}


def test_cosine_falls_from_the_given_rate_to_nothing() -> None:
    expected = [0.25 * (1 + math.cos(math.pi * step / 9)) for step in range(9)]

    assert rates(scheduler="cosine") == pytest.approx(expected)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_function_of_optimizer_and_steps_learns_how_many_there_are(accumulate: int) -> None:
    told = []

    def schedule(optimizer: Any, steps: int) -> Any:
        told.append(steps)
        return CosineAnnealingLR(optimizer, steps)

    found = rates(scheduler=schedule, options=TrainingOptions(accumulate=accumulate))

    assert told == [len(found)] == [9 if accumulate == 1 else 6]
    assert found == pytest.approx(by_hand(lambda o: CosineAnnealingLR(o, len(found)), len(found)))


@pytest.mark.parametrize(
    "scheduler",
    [partial(StepLR, step_size=1, gamma=0.5), lambda o, gamma=0.5: StepLR(o, 1, gamma)],
    ids=["partial", "with a default"],
)
def test_a_function_of_the_optimizer_alone_steps_with_the_epochs(scheduler: Any) -> None:
    assert rates(scheduler=scheduler) == [0.5] * 3 + [0.25] * 3 + [0.125] * 3


def test_fit_called_again_plans_anew() -> None:
    found = rates(2, scheduler="one_cycle", times=2)

    assert found == pytest.approx(2 * by_hand(lambda o: OneCycleLR(o, 0.5, total_steps=6), 6))


def test_fit_called_again_within_an_epoch_plans_over_whole_epochs() -> None:
    model = nn.Linear(3, 2)
    told, steps = [], []

    def schedule(optimizer: Any, count: int) -> Any:
        told.append(count)
        return LinearLR(optimizer, 1.0, 0.0, count)

    def stop(event: Event) -> None:
        if event.what == "validation" and not steps:
            steps.append(event.step)
            event.stop = "enough"

    options = TrainingOptions(validate_every=2)
    trainer = Trainer(model, scheduler=schedule, callbacks=[stop], options=options)
    trainer.fit(PAIR, PAIR, epochs=3, batch_size=8, progress=False)
    history = trainer.fit(PAIR, PAIR, epochs=2, batch_size=8, progress=False)

    assert (steps, told) == ([2], [9, 6])
    assert history["step"] == [2, 4, 6, 8]


def test_a_return_to_the_best_lowers_the_rest_of_a_cycle() -> None:
    class Worse(nn.Module):
        """Ever worse, whatever it learns."""

        def __init__(self) -> None:
            super().__init__()
            self.weight, self.calls = nn.Parameter(torch.zeros(())), 0

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.calls += not self.training
            return self.weight * 0 + images[:, :1] * 0 + self.calls

    optimizers = []

    def make(parameters: Any) -> Any:
        optimizers.append(torch.optim.SGD(parameters, lr=0.5))
        return optimizers[-1]

    trainer = Trainer(
        Worse(),
        optimizer=make,
        loss=lambda outputs, _targets: outputs.mean(),
        scheduler="one_cycle",
        options=TrainingOptions(back_to_best=BackToBest(1, rate_factor=0.5)),
    )
    history = trainer.fit(PAIR, PAIR, epochs=3, batch_size=8, progress=False)
    plan = by_hand(lambda o: OneCycleLR(o, 0.5, total_steps=9), 10)

    assert history["learning_rate"] == pytest.approx([plan[3], plan[6], plan[9] / 2])


class Endless(IterableDataset[tuple[torch.Tensor, int]]):
    """Samples that nobody has counted."""

    def __iter__(self) -> Any:
        return iter([(torch.randn(3), 0)] * 4)


@pytest.mark.parametrize(
    ("scheduler", "options", "message"),
    [
        (
            "sine",
            {},
            (
                "there is no scheduler 'sine': one of cosine, one_cycle, or a function of the "
                "optimizer"
            ),
        ),
        (
            5,
            {},
            (
                "scheduler= is a int: give a name, a function of the optimizer or a scheduler of "
                "torch.optim.lr_scheduler"
            ),
        ),
        (
            lambda _o, _n: None,
            {},
            (
                "scheduler= returned a NoneType: give a function of the optimizer that returns a "
                "scheduler of torch.optim.lr_scheduler"
            ),
        ),
        (
            "cosine",
            {"scheduler_per": "epoch"},
            "the scheduler is planned over all steps: leave scheduler_per='epoch' out",
        ),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    scheduler: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        rates(scheduler=scheduler, options=TrainingOptions(**options))


def test_a_plan_needs_data_that_know_their_length() -> None:
    message = (
        "scheduler='cosine' is planned over all steps, and this loader does not know its length: "
        "give a scheduler that needs no end"
    )
    trainer = Trainer(nn.Linear(3, 2), scheduler="cosine")

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        trainer.fit(DataLoader(Endless(), batch_size=2), epochs=1, progress=False)
