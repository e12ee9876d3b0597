"""`fit` called again on the same trainer, after anything that may have happened before."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from small_training import CHECK, IMAGES, LABELS, assert_equal_weights, fit, network, weights
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

from convkit import Trainer
from convkit.errors import TrainingError
from convkit.training import Event, TrainingOptions, transfer


def test_after_a_bad_label_the_mended_data_are_trained_on_in_whole_epochs() -> None:
    """More steps were done before the label than the mended epoch has."""
    labels = LABELS.clone()
    labels[40] = 3
    trainer = Trainer(network())
    with pytest.raises(TrainingError, match=r"^step 6, batch 6 of epoch 1: label 3 is outside"):
        trainer.fit(DataLoader(TensorDataset(IMAGES, labels), 8), CHECK, epochs=2, progress=False)

    history = trainer.fit((IMAGES, LABELS), CHECK, epochs=1, batch_size=14, progress=False)

    assert (history["epoch"], history["step"]) == ([1], [5 + 3])
    assert history.stop_reason == "all 1 epochs are done"
    assert len(history.step_losses) == 8


def test_a_training_cut_by_an_error_goes_on_from_its_seed_and_a_new_epoch() -> None:
    """As one that had the same weights and moments, and was never cut."""

    class Broken(TensorDataset):
        whole = False

        def __getitem__(self, index: int) -> Any:
            if index == 20 and not self.whole:
                raise OSError("no such image")
            return super().__getitem__(index)

    results = []
    for broken in (True, False):
        source = Broken(IMAGES, LABELS)
        first = source if broken else TensorDataset(IMAGES[:16], LABELS[:16])
        model = network(dropout=0.0, norm=False)
        trainer = Trainer(model, optimizer="sgd", lr=0.1, momentum=0.9)
        if broken:
            with pytest.raises(OSError, match=r"^no such image$"):
                trainer.fit(DataLoader(first, 8), CHECK, epochs=1, progress=False)
        else:
            trainer.fit(DataLoader(first, 8), epochs=1, progress=False)
        source.whole = True
        history = trainer.fit(DataLoader(source, 8), epochs=2, progress=False)
        results.append((weights(model), history["training_loss"][-2:]))

    assert_equal_weights(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


def test_after_ctrl_c_another_batch_size_begins_a_new_epoch() -> None:
    def interrupt(event: Event) -> None:
        if event.what == "validation" and event.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    trainer = Trainer(
        network(), callbacks=[interrupt], options=TrainingOptions(validate_every=5), seed=3
    )
    assert fit(trainer, 2).stop_reason == "interrupted by Ctrl-C"

    history = trainer.fit((IMAGES, LABELS), CHECK, epochs=2, batch_size=21, progress=False)

    assert trainer._state is not None
    assert (trainer._state.epoch, trainer._state.step) == (2, 6 + 4)
    assert history.stop_reason == "all 2 epochs are done"


def test_a_training_cut_before_its_first_checkpoint_goes_on_with_its_seed() -> None:
    """Not with whatever random numbers the caller has drawn."""

    def stumble(event: Event) -> None:
        if event.what == "begin":
            raise ZeroDivisionError

    results = []
    for drawn in (0, 5):
        model = network(dropout=0.5)
        trainer = Trainer(model, callbacks=[stumble], seed=3)
        with pytest.raises(ZeroDivisionError):
            fit(trainer, 1)
        trainer.callbacks = ()
        torch.rand(drawn)
        fit(trainer, 1)
        results.append(weights(model))

    assert_equal_weights(*results)


def held(trainer: Trainer) -> set[int]:
    """The parameters that the optimizer in use updates."""
    assert trainer.optimizer is not None
    return {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}


@pytest.mark.parametrize("optimizer", ["adamw", lambda p: torch.optim.AdamW(p, lr=1e-3)])
def test_what_was_unfrozen_learns_and_the_others_keep_moments_and_rate(optimizer: Any) -> None:
    model = network()
    transfer.freeze(model, "0")
    trainer = Trainer(
        model, optimizer=optimizer, scheduler=lambda o: StepLR(o, 1, 0.5), callbacks=[]
    )
    fit(trainer, 1)
    before, steps = weights(model), trainer.optimizer.state[model[5].bias]["step"].item()
    transfer.unfreeze(model)

    history = fit(trainer, 2)

    assert held(trainer) == {id(p) for p in model.parameters()}
    assert not torch.equal(model[0].weight, before["0.weight"])
    assert trainer.optimizer.state[model[5].bias]["step"].item() == steps + 12
    assert trainer.optimizer.state[model[0].bias]["step"].item() == 12
    assert history["learning_rate"] == pytest.approx([1e-3, 5e-4, 2.5e-4])


def test_a_new_head_learns_and_is_not_compared_with_the_old_one(tmp_path: Path) -> None:
    """Of five classes, untrained, it is worse than the old one of three."""
    model = network()
    trainer = Trainer(model, lr=0.05, directory=tmp_path, scheduler="one_cycle")
    fit(trainer, 4)
    transfer.replace_head(model, 5)
    before = weights(model)

    history = fit(trainer, 1)

    assert not torch.equal(model[5].weight, before["5.weight"])
    assert held(trainer) == {id(p) for p in model.parameters()}
    assert history["validation_loss"][4] > min(history["validation_loss"][:4])
    assert (history.best_epoch, history.best_row) == (5, 4)
    assert_equal_weights(torch.load(tmp_path / "best.pt", weights_only=True), weights(model))


def refused(names: str) -> str:
    """The whole message, as a pattern."""
    message = (
        f"the optimizer does not hold {names}, which would never learn: give "
        "optimizer=lambda parameters: ..., which is called with all that are not frozen, or "
        "freeze what shall not learn by transfer.freeze"
    )
    return f"^{re.escape(message)}$"


def test_an_optimizer_that_leaves_a_parameter_out_is_refused() -> None:
    model = network()
    own = torch.optim.AdamW(model.parameters())
    transfer.replace_head(model, 3)
    before = weights(model)
    for optimizer in (own, lambda _: torch.optim.SGD(model[:5].parameters(), lr=0.1)):
        with pytest.raises(TrainingError, match=refused("5.weight and 1 more")):
            fit(Trainer(model, optimizer=optimizer))
    assert_equal_weights(weights(model), before)

    transfer.freeze(model, "5")
    fit(Trainer(model, optimizer=own), 1)
    assert torch.equal(model[5].weight, before["5.weight"])


def test_what_was_unfrozen_under_an_optimizer_given_as_it_is_is_refused() -> None:
    model = network()
    transfer.freeze(model, "0.weight")
    own = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    trainer = Trainer(model, optimizer=own)
    fit(trainer, 1)
    transfer.unfreeze(model)

    with pytest.raises(TrainingError, match=refused("0.weight")):
        fit(trainer, 1)
    assert len(trainer.history) == 1


@pytest.mark.parametrize("resume", [False, True])
def test_without_validation_the_last_weights_are_kept_although_there_was_a_best(
    tmp_path: Path, resume: bool
) -> None:
    model, last = network(), {}

    def note(event: Event) -> None:
        if event.what == "epoch":
            last.update(weights(model))

    trainer = Trainer(model, directory=tmp_path, callbacks=[note])
    fit(trainer, 1)
    assert (tmp_path / "best.pt").exists()

    history = fit(trainer, 3 if resume else 2, check=None, resume=resume)

    assert (len(history), history.best_epoch, history.best_row) == (3, 3, None)
    assert_equal_weights(weights(model), last)
    assert_equal_weights(weights(Trainer.load(tmp_path, network()).model), last)

    history = fit(trainer, 1)  # judged anew, whatever was the best before
    assert history.best_row == 3
    assert_equal_weights(torch.load(tmp_path / "best.pt", weights_only=True), weights(model))
