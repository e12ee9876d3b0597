"""What the rarely changed settings do."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from convkit import EarlyStopping, Trainer
from convkit.errors import TrainingError
from convkit.training import BackToBest, Event, TrainingOptions, transfer
from convkit.training._checkpoint import read_tensors

IMAGES = torch.randn(42, 2, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(42) % 3
PAIR = (IMAGES, LABELS)


def network() -> nn.Sequential:
    """A small network."""
    torch.manual_seed(7)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def fit(trainer: Trainer, epochs: int = 2, check: Any = PAIR, **more: Any) -> Any:
    """Train quietly, six steps in an epoch."""
    return trainer.fit(PAIR, check, epochs=epochs, batch_size=8, progress=False, **more)


def checkpoints(directory: Path, **options: Any) -> list[int]:
    """The steps after which a checkpoint was written."""
    steps: list[int] = []

    def note(event: Event) -> None:
        if event.what == "checkpoint":
            steps.append(event.step)
            assert read_tensors(directory / "last.pt")["step"] == event.step

    options = TrainingOptions(**options)
    fit(Trainer(network(), directory=directory, callbacks=[note], options=options))
    return steps


def test_checkpoints_are_written_at_the_end_of_every_epoch(tmp_path: Path) -> None:
    assert checkpoints(tmp_path) == [6, 12]


def test_checkpoints_every_n_steps_count_through_the_epochs(tmp_path: Path) -> None:
    assert checkpoints(tmp_path, checkpoint_every_steps=4) == [4, 6, 8, 12, 12]


def test_checkpoints_every_n_minutes_count_from_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that goes on by nineteen hours with every step."""
    import convkit.training._fit as module

    class Clock:
        now = time.perf_counter()

        @classmethod
        def perf_counter(cls) -> float:
            return cls.now

    def go_on(*_: Any) -> None:
        Clock.now += 19 * 3600

    monkeypatch.setattr(module, "time", Clock)
    hook = register_optimizer_step_post_hook(go_on)
    try:
        # Sixty hours are past after four steps, counted from the one at the end of the epoch too.
        assert checkpoints(tmp_path, checkpoint_every_minutes=60 * 60) == [4, 6, 10, 12]
    finally:
        hook.remove()


def test_without_a_minute_gone_there_is_none_within_the_epoch(tmp_path: Path) -> None:
    assert checkpoints(tmp_path, checkpoint_every_minutes=60) == [6, 12]


@pytest.mark.parametrize(("epochs", "expected"), [(5, [2, 4, 5]), (4, [2, 4])])
def test_validating_every_n_epochs_ends_with_the_last(epochs: int, expected: list[int]) -> None:
    history = fit(Trainer(network(), options=TrainingOptions(epochs_per_validation=2)), epochs)

    assert history["epoch"] == expected
    two = sum(s * n for s, n in zip(history.step_losses[:12], 2 * ([8] * 5 + [2]), strict=True))
    assert history["training_loss"][0] == pytest.approx(two / 84)


def test_a_compiled_network_learns_the_same_and_keeps_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_, compiled = torch.compile, []

    def eagerly(model: nn.Module) -> Any:
        compiled.append(model)
        return compile_(model, backend="eager")  # needs no compiler on the machine

    monkeypatch.setattr(torch, "compile", eagerly)
    plain, model = network(), network()
    fit(Trainer(plain))
    fit(Trainer(model, directory=tmp_path, options=TrainingOptions(compile=True)))

    assert len(compiled) == 1
    assert read_tensors(tmp_path / "last.pt")["model"].keys() == plain.state_dict().keys()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_layer_wise_rates_follow_the_schedule_and_stop_at_frozen_parts() -> None:
    model = network()
    transfer.freeze(model, "0.bias")
    before = [parameter.detach().clone() for parameter in model.parameters()]
    seen: list[list[float]] = []

    def note(event: Event) -> None:
        if event.what == "validation":
            seen.append([group["lr"] for group in event.trainer.optimizer.param_groups])

    trainer = Trainer(
        model,
        optimizer=lambda _: torch.optim.SGD(transfer.parameter_groups(model, 0.1, [("0", 0.01)])),
        scheduler="cosine",
        callbacks=[note],
    )
    fit(trainer, 4)

    for low, high in seen:
        assert low == pytest.approx(0.01 * high)
    assert seen[1] == pytest.approx([0.0005, 0.05])  # half way down
    changed = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert changed == [True, False, True, True]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: TrainingOptions(validate_every=1, validations_per_epoch=2),
            (
                "validate_every and validations_per_epoch both say when to validate: "
                "give one of them"
            ),
        ),
        (
            lambda: TrainingOptions(epochs_per_validation=0),
            "epochs_per_validation is a whole number from 1 on, not 0",
        ),
        (
            lambda: fit(
                Trainer(network(), options=TrainingOptions(back_to_best=BackToBest())), check=None
            ),
            "back_to_best looks at the validation loss: give fit a validation set",
        ),
        (
            lambda: fit(Trainer(network(), scheduler=plateau("max"))),
            (
                "ReduceLROnPlateau(mode='max') is shown the validation loss, as the stop rule is: "
                "give mode='min'"
            ),
        ),
        (
            lambda: fit(
                Trainer(
                    network(),
                    scheduler=plateau("min"),
                    early_stopping=EarlyStopping(monitor="validation_accuracy"),
                )
            ),
            (
                "ReduceLROnPlateau(mode='min') is shown the validation accuracy, as the stop rule "
                "is: give mode='max'"
            ),
        ),
    ],
)
def test_options_that_contradict_are_refused(action: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        action()


def plateau(mode: Any) -> Any:
    """A scheduler that waits for a plateau."""
    return lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, mode=mode, patience=0)


def test_a_plateau_is_shown_the_accuracy_that_the_rule_watches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[float] = []
    step = torch.optim.lr_scheduler.ReduceLROnPlateau.step

    def noted(scheduler: Any, watched: float) -> None:
        shown.append(watched)
        step(scheduler, watched)

    monkeypatch.setattr(torch.optim.lr_scheduler.ReduceLROnPlateau, "step", noted)
    rule = EarlyStopping(monitor="validation_accuracy")
    history = fit(Trainer(network(), scheduler=plateau("max"), early_stopping=rule), 3)

    assert shown == history["validation_accuracy"]
