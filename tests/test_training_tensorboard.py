"""The TensorBoard callback, read back by TensorBoard's own reader."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convkit import History, Trainer
from convkit.errors import MissingExtraError
from convkit.training import Event, TensorBoard, TrainingOptions

PAIR = (torch.randn(22, 3, generator=torch.Generator().manual_seed(0)), torch.arange(22) % 2)


def read_back(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag, over all event files of a directory."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(directory))
    events.Reload()
    return {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


def fit(directory: Path, **more: Any) -> tuple[Trainer, History]:
    """Train three epochs of three steps with the callback."""
    torch.manual_seed(0)
    trainer = Trainer(nn.Linear(3, 2), callbacks=[TensorBoard(directory)], **more)
    return trainer, trainer.fit(PAIR, PAIR, epochs=3, batch_size=8, progress=False)


@pytest.fixture(autouse=True)
def _needs_tensorboard() -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")


def test_every_row_of_the_history_is_read_back(tmp_path: Path) -> None:
    _, history = fit(tmp_path, options=TrainingOptions(validations_per_epoch=3))

    found = read_back(tmp_path)
    assert set(found) == set(history.columns) - {"epoch", "step"}
    for name, pairs in found.items():
        assert [step for step, _ in pairs] == history["step"] == list(range(1, 10))
        stored = np.array(history[name], dtype=np.float32)  # TensorBoard keeps float32
        np.testing.assert_array_equal([value for _, value in pairs], stored)


def test_a_number_that_does_not_exist_is_not_written(tmp_path: Path) -> None:
    trainer = Trainer(nn.Linear(3, 2), callbacks=[TensorBoard(tmp_path)])
    trainer.fit(PAIR, epochs=1, batch_size=8, progress=False)

    assert set(read_back(tmp_path)) == {
        "training_loss",
        "training_accuracy",
        "learning_rate",
        "seconds",
    }


def test_fit_called_again_goes_on_in_the_same_directory(tmp_path: Path) -> None:
    trainer, _ = fit(tmp_path)
    history = trainer.fit(PAIR, PAIR, epochs=2, batch_size=8, progress=False)

    steps = [step for step, _ in read_back(tmp_path)["validation_loss"]]
    assert steps == history["step"] == [3, 6, 9, 12, 15]


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    history = History()
    history.append(epoch=1, step=3, training_loss=1.0)
    TensorBoard(tmp_path)(Event("validation", None, history, 1.0, 3, first_process=False))

    assert list(tmp_path.iterdir()) == []


def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)

    message = (
        'TensorBoard logging needs the package tensorboard: pip install "<convkit>[tensorboard]"'
    )
    with pytest.raises(MissingExtraError, match=f"^{re.escape(message)}$"):
        TensorBoard(tmp_path)
