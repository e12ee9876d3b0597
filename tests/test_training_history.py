"""The columns of a training."""

from __future__ import annotations

import json
import re
from math import inf, isnan, nan
from pathlib import Path

import pytest

from convkit import History
from convkit.errors import RunError, TrainingError
from convkit.training import Stop, StopReason


def history_of(losses: list[float], smoothed: list[float] | None = None) -> History:
    """A history with these validation losses."""
    history = History()
    for epoch, loss in enumerate(losses, 1):
        more = {} if smoothed is None else {"smoothed_validation_loss": smoothed[epoch - 1]}
        history.append(epoch=epoch, step=10 * epoch, validation_loss=loss, **more)
    return history


def test_columns_are_lists_of_equal_length() -> None:
    history = history_of([1.0, 0.5])

    assert history["epoch"] == [1.0, 2.0]
    assert history["step"] == [10.0, 20.0]
    assert {len(history[name]) for name in history.columns} == {2} == {len(history)}
    assert all(map(isnan, history["training_loss"]))


def test_the_best_epoch_is_the_least_smoothed_loss_and_the_earlier_of_two() -> None:
    assert history_of([1.0, 0.2, 0.9, 0.4], [1.0, 0.8, 0.5, 0.5]).best_epoch == 3


def test_without_smoothing_the_raw_loss_decides() -> None:
    history = history_of([1.0, 0.2, 0.9])

    assert (history.best_epoch, history["smoothed_validation_loss"]) == (2, [1.0, 0.2, 0.9])


def test_nan_and_infinity_are_never_the_best() -> None:
    assert history_of([nan, 0.7, -inf, nan]).best_epoch == 2
    assert history_of([nan, inf]).best_row is None
    assert isnan(History().best_epoch)


def test_without_validation_the_last_epoch_is_kept() -> None:
    history = History()
    for epoch in (1, 2, 3):
        history.append(epoch=epoch, training_loss=1 / epoch)

    assert history.best_epoch == 3


def test_a_whole_epoch_is_an_int_and_a_part_a_float() -> None:
    history = History()
    history.append(epoch=0.5, validation_loss=1.0)

    assert repr(history.best_epoch) == "0.5"
    history.append(epoch=1.0, validation_loss=0.5)
    assert repr(history.best_epoch) == "1"


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(KeyError, match=r"no column 'loss'; its columns are epoch, step"):
        History()["loss"]
    with pytest.raises(TrainingError, match=r"^history has no column loss$"):
        History().append(loss=1.0)


def test_json_is_strict_and_comes_back_bit_for_bit() -> None:
    history = history_of([0.1 + 0.2, nan, inf, -inf, 1e-320])
    history.step_losses = [1 / 3, nan]
    history.stop = Stop(StopReason.PATIENCE, "enough")

    text = history.to_json()
    back = History.from_json(text)

    assert json.loads(text, parse_constant=pytest.fail)["stop"]["reason"] == "patience"
    assert repr(back["validation_loss"]) == repr(history["validation_loss"])
    assert (back, back.stop_reason, back.best_epoch) == (history, "enough", history.best_epoch)


def test_csv_holds_every_digit_and_leaves_nan_empty(tmp_path: Path) -> None:
    path = history_of([0.1 + 0.2]).to_csv(tmp_path / "h.csv")

    lines = path.read_text().splitlines()
    assert lines[0] == ",".join(History().columns)
    assert lines[1] == "1.0,10.0,,,0.30000000000000004,,0.30000000000000004,,"


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text('{"columns": 3}')

    with pytest.raises(RunError, match=f"^{re.escape(str(path))} is not a history: "):
        History.read(path)


def test_it_prints_as_a_table() -> None:
    history = history_of([0.5])
    history.stop = Stop(StopReason.LAST_EPOCH, "all 1 epochs are done")

    assert str(history).splitlines()[-1] == "all 1 epochs are done"
    assert "validation loss" in str(history)


def test_it_is_drawn() -> None:
    history = history_of([1.0, 0.5])

    assert history.plot().axes
