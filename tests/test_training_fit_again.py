"""`fit` called again on the same trainer, after anything that may have happened before."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import torch
from small_training import CHECK, IMAGES, LABELS, assert_equal_weights, fit, network, weights
from torch.utils.data import DataLoader, TensorDataset

from convkit import Trainer
from convkit.errors import TrainingError
from convkit.training import Event, TrainingOptions


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
