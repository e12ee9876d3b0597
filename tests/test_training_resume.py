"""Going on from a checkpoint gives the bits of a training that was never cut."""

from __future__ import annotations

import itertools
import os
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

from convkit import EarlyStopping, Trainer, data
from convkit.errors import CheckpointError, RunError
from convkit.training import BackToBest, Event, TrainingOptions

MANY = bool(os.environ.get("CONVKIT_MANY_CASES"))
LABELS = torch.arange(20) % 3
IMAGES = torch.randn(20, 2, 6, 6, generator=torch.Generator().manual_seed(0))


class Augmented(Dataset[tuple[torch.Tensor, int]]):
    """Images with noise from one of the three global generators."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        noise = {
            "torch": lambda: torch.rand(1).item(),
            "numpy": np.random.rand,
            "random": random.random,
        }[self.source]()
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


lr = torch.optim.lr_scheduler
OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
}
SCHEDULERS: dict[str, Any] = {
    "none": None,
    "steps": lambda o: lr.StepLR(o, 2, 0.5),
    "one cycle": lambda o: lr.OneCycleLR(o, 0.05, total_steps=15),
    "plateau": lambda o: lr.ReduceLROnPlateau(o, patience=0),
}
Outcome = tuple[dict[str, torch.Tensor], Any]


def train(
    training: Any,
    directory: Path | None,
    *,
    cut: int | None = None,
    options: TrainingOptions | None = None,
    **settings: Any,
) -> Outcome:
    """Train for three epochs of five steps, perhaps cut after so many validations."""
    model = network()

    def stop(event: Event) -> None:
        if event.what == "validation" and len(event.history) == cut:
            event.stop = "cut"

    trainer = Trainer(
        model,
        directory=directory,
        callbacks=[stop],
        options=options or TrainingOptions(validations_per_epoch=2),
        **settings,
    )
    history = trainer.fit(
        training,
        (IMAGES[:7] + 1, LABELS[:7]),
        epochs=3,
        batch_size=4,
        resume=directory is not None,
        progress=False,
    )
    plain = history.to_dict()
    del plain["columns"]["seconds"]
    return model.state_dict(), plain


def same(one: Outcome, other: Outcome) -> bool:
    """Whether weights, buffers and histories are equal bit for bit."""
    return one[1] == other[1] and all(torch.equal(one[0][name], other[0][name]) for name in one[0])


def loader(source: str, workers: int) -> DataLoader[Any]:
    """A shuffled loader."""
    return DataLoader(Augmented(source), batch_size=4, shuffle=True, num_workers=workers)


GRID = list(
    itertools.product(
        (3, 4),  # validations: the middle of the second epoch, and its end
        ("torch", "numpy", "random"),
        OPTIMIZERS,
        SCHEDULERS,
        ("float32", "bfloat16"),
    )
)
# Without MANY every fourth setting, and a few with two workers, which are slow to start.
CASES = [(workers, *case) for workers in (0, 2) for case in GRID]
if not MANY:
    CASES = [*CASES[:96:4], *CASES[97::32]]


def test_resuming_equals_never_having_been_cut(tmp_path: Path) -> None:
    """Over the grid of settings: 27 of them, all 192 in the long run."""
    unequal = []
    for number, case in enumerate(CASES):
        workers, cut, source, optimizer, scheduler, precision = case
        settings: dict[str, Any] = {
            "optimizer": OPTIMIZERS[optimizer],
            "scheduler": SCHEDULERS[scheduler],
            "precision": precision,
        }
        whole = train(loader(source, workers), None, **settings)
        directory = tmp_path / str(number)
        train(loader(source, workers), directory, cut=cut, **settings)
        if not same(whole, train(loader(source, workers), directory, **settings)):
            unequal.append(case)

    assert (len(GRID), unequal) == (96, [])


@pytest.mark.parametrize("part", ["torch", "numpy", "random"])
@pytest.mark.parametrize("cut", [3, 4])
def test_without_its_random_state_it_would_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, cut: int
) -> None:
    """The negative control: the grid can fail."""
    import convkit.training._fit as module

    restore = module.set_random_state
    whole = train(loader(part, 0), None)
    train(loader(part, 0), tmp_path, cut=cut)
    name = {"random": "python"}.get(part, part)

    def forgetful(state: dict[str, Any]) -> None:
        restore({**state, name: module.random_state()[name]})

    monkeypatch.setattr(module, "set_random_state", forgetful)

    assert not same(whole, train(loader(part, 0), tmp_path))


def image_set() -> data.ImageSet:
    """Twenty made images."""
    pixels = (IMAGES[:, :1].clamp(0, 1) * 255).to(torch.uint8).expand(-1, 3, -1, -1).contiguous()
    return data.ImageSet(pixels, LABELS, class_names="abc")


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_an_augmented_image_set_goes_on_within_the_epoch(tmp_path: Path, cut: int) -> None:
    def run(directory: Path | None, stop_at: int | None) -> Outcome:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(108, 3))

        def stop(event: Event) -> None:
            if event.what == "validation" and len(event.history) == stop_at:
                event.stop = "cut"

        options = TrainingOptions(validations_per_epoch=2)
        trainer = Trainer(model, directory=directory, callbacks=[stop], options=options)
        trainer.fit(
            image_set(),
            image_set(),
            epochs=3,
            batch_size=4,
            augment=[data.HorizontalFlip(), data.ColorJitter(0.2)],
            resume=directory is not None,
            progress=False,
        )
        plain = trainer.history.to_dict()
        del plain["columns"]["seconds"]
        return model.state_dict(), plain

    whole = run(None, None)
    run(tmp_path, cut)

    assert same(whole, run(tmp_path, None))


def test_a_loader_with_a_generator_of_its_own_goes_on(tmp_path: Path) -> None:
    def fresh() -> DataLoader[Any]:
        generator = torch.Generator().manual_seed(3)
        sampler = RandomSampler(Augmented("torch"), generator=generator)
        return DataLoader(Augmented("torch"), batch_size=4, sampler=sampler, generator=generator)

    whole = train(fresh(), None)
    train(fresh(), tmp_path, cut=3)

    assert same(whole, train(fresh(), tmp_path))


@pytest.mark.parametrize(
    "options",
    [
        TrainingOptions(validations_per_epoch=2, back_to_best=BackToBest(1, rate_factor=0.5)),
        TrainingOptions(validate_every=2, clip_norm=0.5),
        TrainingOptions(validations_per_epoch=2, accumulate=2, label_smoothing=0.1),
        TrainingOptions(validations_per_epoch=2, channels_last=True),
        TrainingOptions(validations_per_epoch=2, channels_last=False),
        TrainingOptions(validations_per_epoch=2, average_weights=0.9),
        TrainingOptions(
            validations_per_epoch=2,
            average_weights=0.9,
            accumulate=2,
            channels_last=True,
            back_to_best=BackToBest(1, rate_factor=0.5),
        ),
    ],
    ids=[
        "back to best",
        "every n steps",
        "accumulated",
        "channels last",
        "channels first",
        "averaged",
        "averaged and all else",
    ],
)
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_every_option_goes_on(tmp_path: Path, options: TrainingOptions, cut: int) -> None:
    settings: dict[str, Any] = {"optimizer": OPTIMIZERS["adamw"], "options": options}
    whole = train((IMAGES, LABELS), None, **settings)
    train((IMAGES, LABELS), tmp_path, cut=cut, **settings)

    assert same(whole, train((IMAGES, LABELS), tmp_path, **settings))


@pytest.mark.parametrize(
    "scheduler", ["one_cycle", "cosine", lambda o, n: lr.LinearLR(o, 0.1, 1, n)]
)
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_planned_schedule_goes_on(tmp_path: Path, scheduler: Any, cut: int) -> None:
    settings = {"optimizer": "adamw", "lr": 0.01, "scheduler": scheduler}
    whole = train((IMAGES, LABELS), None, **settings)
    train((IMAGES, LABELS), tmp_path, cut=cut, **settings)

    assert same(whole, train((IMAGES, LABELS), tmp_path, **settings))


def test_a_planned_schedule_has_one_length(tmp_path: Path) -> None:
    pair = (IMAGES, LABELS)
    Trainer(network(), scheduler="cosine", directory=tmp_path).fit(pair, epochs=2, progress=False)
    message = (
        "the learning rate of the checkpoint is planned over 2 steps, that of this call over 3: "
        "go on with the same number of epochs and the same data, or train into another directory"
    )

    trainer = Trainer(network(), scheduler="cosine", directory=tmp_path)
    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        trainer.fit(pair, epochs=3, resume=True, progress=False)


def test_a_training_that_the_rule_ended_stays_ended(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "optimizer": lambda p: torch.optim.SGD(p, lr=2.0),
        "early_stopping": EarlyStopping(1, smoothing=None, min_delta=100.0),
    }
    ended = train((IMAGES, LABELS), tmp_path, **settings)

    assert ended[1]["stop"]["reason"] == "patience"
    assert same(ended, train((IMAGES, LABELS), tmp_path, **settings))


def test_cut_after_the_last_step_of_an_epoch_its_scheduler_goes_on_without_a_warning(
    tmp_path: Path,
) -> None:
    pair, options = (IMAGES, LABELS), TrainingOptions(validate_every=5)
    settings = {"scheduler": SCHEDULERS["steps"], "options": options}
    cut = train(pair, tmp_path, cut=1, **settings)[1]
    assert (cut["columns"]["step"], cut["columns"]["epoch"]) == ([5], [1])

    assert same(train(pair, tmp_path, **settings), train(pair, None, **settings))


def test_a_longer_patience_goes_on_as_if_it_had_been_there_from_the_start(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"optimizer": lambda p: torch.optim.SGD(p, lr=2.0)}
    short, long = (EarlyStopping(n, smoothing=None, min_delta=1e6) for n in (1, 4))
    ended = train((IMAGES, LABELS), tmp_path, early_stopping=short, **settings)
    assert (ended[1]["stop"]["reason"], len(ended[1]["columns"]["epoch"])) == ("patience", 2)

    longer = train((IMAGES, LABELS), tmp_path, early_stopping=long, **settings)

    assert len(longer[1]["columns"]["epoch"]) == 5
    assert same(longer, train((IMAGES, LABELS), None, early_stopping=long, **settings))


def test_more_epochs_than_before_go_on(tmp_path: Path) -> None:
    pair = (IMAGES, LABELS)
    whole = Trainer(network()).fit(pair, pair, epochs=4, progress=False)
    Trainer(network(), directory=tmp_path).fit(pair, pair, epochs=2, progress=False)

    history = Trainer(network(), directory=tmp_path).fit(
        pair, pair, epochs=4, resume=True, progress=False
    )

    assert history["training_loss"] == whole["training_loss"]
    assert history.stop_reason == "all 4 epochs are done"


def test_resume_without_a_checkpoint_begins(tmp_path: Path) -> None:
    assert same(train((IMAGES, LABELS), None), train((IMAGES, LABELS), tmp_path / "new"))


def test_two_runs_into_one_directory_are_refused(tmp_path: Path) -> None:
    pair = (IMAGES, LABELS)
    Trainer(network(), directory=tmp_path).fit(pair, epochs=1, progress=False)

    message = (
        f"{tmp_path} already holds a training: go on with it by fit(..., resume=True), "
        "or choose another directory"
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        Trainer(network(), directory=tmp_path).fit(pair, epochs=1, progress=False)


def test_two_runs_at_the_same_time_are_refused(tmp_path: Path) -> None:
    pair = (IMAGES, LABELS)
    messages = []

    def second(event: Event) -> None:
        if event.what == "validation":
            with pytest.raises(RunError) as caught:
                Trainer(network(), directory=tmp_path).fit(
                    pair, epochs=1, resume=True, progress=False
                )
            messages.append(str(caught.value))

    Trainer(network(), directory=tmp_path, callbacks=[second]).fit(pair, epochs=1, progress=False)

    assert messages == [
        f"another training is running in {tmp_path}: wait for its end, or choose another directory"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"scheduler": SCHEDULERS["steps"]},
            (
                "the checkpoint was written with scheduler None, this call has scheduler StepLR: "
                "go on with the same settings, or train into another directory"
            ),
        ),
        (
            {"optimizer": lambda p: torch.optim.AdamW([{"params": list(p)}, {"params": []}])},
            (
                "the checkpoint does not fit this network or optimizer: loaded state dict has a "
                "different number of parameter groups"
            ),
        ),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    train((IMAGES, LABELS), tmp_path, cut=1)

    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}"):
        train((IMAGES, LABELS), tmp_path, **change)
