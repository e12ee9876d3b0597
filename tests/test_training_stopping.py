"""When the Trainer validates, when it stops, and which weights it gives back."""

from __future__ import annotations

import math
import os
import signal
from typing import Any

import pytest
import torch
from small_training import CHECK, IMAGES, LABELS, assert_equal_weights, fit, network, weights
from torch import nn
from torch.nn import functional

from convkit import EarlyStopping, Trainer
from convkit.training import BackToBest, Event, Smoothing, StopReason, TrainingOptions


def test_validations_are_spread_over_the_epoch() -> None:
    history = fit(Trainer(network(), options=TrainingOptions(validations_per_epoch=3)), 2)

    assert history["step"] == [2, 4, 6, 8, 10, 12]  # 6 steps in an epoch
    assert history["epoch"] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])


def test_validating_every_n_steps_counts_through_the_epochs() -> None:
    history = fit(Trainer(network(), options=TrainingOptions(validate_every=4)), 2)

    assert history["step"] == [4, 8, 12]
    assert history["epoch"] == pytest.approx([4 / 6, 8 / 6, 2])


class Scripted(nn.Module):
    """A network whose validation losses are written out, whatever it learns."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.layer = nn.Linear(72, 3)
        self.register_buffer("epochs", torch.zeros(()))
        self.losses = losses

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            return self.layer(images.flatten(1))
        return torch.full((len(images), 1), self.losses[int(self.epochs)])


def scripted_loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The written-out loss while validating."""
    if outputs.shape[1] == 1:
        return outputs.mean()
    return functional.cross_entropy(outputs, targets)


def scripted(losses: list[float], rule: EarlyStopping | None, **more: Any) -> tuple[Any, Any]:
    """Train on written-out validation losses; the weights after each epoch, and the history."""
    model = Scripted(losses)
    after: list[dict[str, torch.Tensor]] = []

    def note(event: Event) -> None:
        if event.what == "validation":
            after.append(weights(model))
            model.epochs += 1

    trainer = Trainer(model, loss=scripted_loss, early_stopping=rule, callbacks=[note], **more)
    history = trainer.fit((IMAGES, LABELS), CHECK, epochs=len(losses), progress=False)
    return (model, after), history


def test_training_stops_and_gives_back_what_the_smoothed_rule_says() -> None:
    losses = [1.0, 0.8, 0.9, 0.85, 0.7, 0.75, 0.74, 0.73]
    (model, after), history = scripted(
        losses, EarlyStopping(2, smoothing=Smoothing.moving_average(2))
    )

    assert history["smoothed_validation_loss"] == pytest.approx(
        [1, 0.9, 0.85, 0.875, 0.775, 0.725, 0.745, 0.735]
    )
    assert (history.best_epoch, len(history), history.stop.reason) == (6, 8, "patience")
    assert_equal_weights(
        {k: v for k, v in after[5].items() if k != "epochs"},
        {k: v for k, v in weights(model).items() if k != "epochs"},
    )


def test_a_validation_loss_of_nan_ends_training_with_that_reason() -> None:
    _, history = scripted([1.0, math.nan, 0.5], EarlyStopping(5))

    assert (len(history), history.best_epoch) == (2, 1)
    assert history.stop.reason == StopReason.NOT_FINITE
    assert history.stop_reason == "the validation loss of validation 2 is nan"


def test_back_to_the_best_when_stuck_restores_weights_and_lowers_the_rate() -> None:
    options = TrainingOptions(back_to_best=BackToBest(2, rate_factor=0.1))
    returns = []
    model = Scripted([0.5, 0.9, 0.8, 0.7, 0.6, 0.4])
    after: list[torch.Tensor] = []

    def note(event: Event) -> None:
        if event.what == "validation":
            after.append(model.layer.weight.detach().clone())
            model.epochs += 1
        if event.what == "back_to_best":
            returns.append((event.epoch, torch.equal(model.layer.weight, after[0])))
            model.epochs += len(after) - model.epochs

    trainer = Trainer(
        model, loss=scripted_loss, optimizer="sgd", lr=1.0, callbacks=[note], options=options
    )
    history = trainer.fit((IMAGES, LABELS), CHECK, epochs=6, progress=False)

    assert returns == [(3.0, True), (5.0, True)]
    assert history["learning_rate"] == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01])
    assert history.best_epoch == 6


@pytest.mark.parametrize("how", ["patience", "last epoch", "interrupt", "signal", "exception"])
def test_the_best_weights_are_those_of_a_run_of_exactly_best_epochs(how: str) -> None:
    """Buffers of batch norm too, however training ended."""
    torch.manual_seed(0)
    check = (torch.randn(17, 2, 6, 6), torch.randint(0, 3, (17,)))  # nothing that can be learned

    def trouble(event: Event) -> None:
        if event.what == "epoch" and event.epoch == 9:
            if how == "interrupt":
                raise KeyboardInterrupt
            if how == "signal":
                os.kill(os.getpid(), signal.SIGINT)
            if how == "exception":
                raise ZeroDivisionError("in the ninth epoch")

    model = network()
    rule = EarlyStopping(3 if how == "patience" else 50, smoothing=0.3)
    trainer = Trainer(
        model, optimizer="sgd", lr=0.3, early_stopping=rule, callbacks=[trouble], seed=3
    )
    if how == "exception":
        with pytest.raises(ZeroDivisionError, match=r"^in the ninth epoch$"):
            fit(trainer, 12, check=check)
    else:
        fit(trainer, 40 if how == "patience" else 12, check=check)

    history = trainer.history
    expected = {"interrupt": "interrupted", "signal": "interrupted", "exception": "error"}
    assert history.stop is not None
    assert history.stop.reason == expected.get(how, how)
    assert history.best_epoch < len(history)
    fresh = network()
    rule = EarlyStopping(None, smoothing=0.3)
    final: dict[str, torch.Tensor] = {}

    def keep(event: Event) -> None:
        if event.what == "epoch":
            final.update(weights(fresh))

    again = Trainer(fresh, optimizer="sgd", lr=0.3, early_stopping=rule, callbacks=[keep], seed=3)
    fit(again, int(history.best_epoch), check=check)
    assert_equal_weights(weights(model), final)


def test_a_second_ctrl_c_ends_at_once() -> None:
    def impatient(event: Event) -> None:
        if event.what == "validation":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    history = fit(Trainer(network(), callbacks=[impatient]), 5)

    assert (len(history), history.stop_reason) == (1, "interrupted by Ctrl-C")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_fit_called_again_trains_so_many_epochs_more() -> None:
    once, twice = network(), network()
    fit(Trainer(once, optimizer="sgd", lr=0.01), 4)
    trainer = Trainer(twice, optimizer="sgd", lr=0.01)
    fit(trainer, 2)
    history = fit(trainer, 2)

    assert history["epoch"] == [1, 2, 3, 4]
    assert history.best_epoch == 4  # the loss falls throughout, so nothing was given back
    assert_equal_weights(weights(once), weights(twice))


def test_a_callback_may_end_training() -> None:
    def enough(event: Event) -> None:
        if event.what == "validation" and event.history["training_loss"][-1] < 10:
            event.stop = "good enough"

    history = fit(Trainer(network(), callbacks=[enough]), 5)

    assert (len(history), history.stop_reason) == (1, "good enough")
    assert history.stop.reason == StopReason.CALLBACK


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_evaluating_in_a_callback_changes_nothing(optimizer: str) -> None:
    """The inner call must not lay out anew the weights that the optimizer's moments belong to."""
    images, labels = torch.randn(32, 2, 6, 6), torch.arange(32) % 3

    def evaluate(event: Event) -> None:
        if event.what == "validation":
            event.trainer.evaluate((images, labels))

    results = []
    for callbacks in ((), (evaluate,)):
        model = network()
        trainer = Trainer(
            model,
            optimizer=optimizer,
            lr=0.05,
            momentum=0.9 if optimizer == "sgd" else None,
            callbacks=callbacks,
            options=TrainingOptions(channels_last=True),
        )
        fit(trainer, 3)
        results.append(weights(model))

    assert_equal_weights(*results)


def test_callbacks_hear_everything_in_order() -> None:
    heard: list[str] = []
    fit(Trainer(network(), callbacks=[lambda event: heard.append(event.what)]), 2)

    assert heard == ["begin", "validation", "epoch", "validation", "epoch", "end"]


def test_callbacks_hear_of_the_epoch_at_whose_end_the_rule_stops() -> None:
    heard: list[tuple[str, float]] = []
    rule = EarlyStopping(1, smoothing=None, min_delta=100.0)
    trainer = Trainer(
        network(),
        early_stopping=rule,
        callbacks=[lambda event: heard.append((event.what, event.epoch))],
    )

    assert fit(trainer, 5).stop.reason == "patience"
    ends = [("validation", 1), ("epoch", 1), ("validation", 2), ("epoch", 2), ("end", 2)]
    assert heard == [("begin", 0), *ends]
