"""Checkpoints: whole or not there, whatever happens while they are written."""

from __future__ import annotations

import os
import random
import re
import sys
import time
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import training_workers as workers

from convkit import History, Trainer
from convkit.errors import CheckpointError, RunError
from convkit.training import Event, _fit
from convkit.training._checkpoint import read_newest, read_tensors, write_tensors
from convkit.training._directory import RunDirectory

MANY = bool(os.environ.get("CONVKIT_MANY_CASES"))
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

VALUES = {"weights": torch.arange(200.0).reshape(20, 10), "plain": [1, 2.5, "x", None, {"a": True}]}


def run_in(directory: Path, epochs: int = 2, *, resume: bool = False) -> Trainer:
    """A small training."""
    trainer = Trainer(workers.network(), optimizer="sgd", lr=0.1, directory=directory)
    pair = workers.samples(16)
    trainer.fit(pair, pair, epochs=epochs, batch_size=8, resume=resume, progress=False)
    return trainer


def test_a_file_comes_back_and_torch_reads_it_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    write_tensors(path, VALUES)

    for found in (read_tensors(path), torch.load(path, weights_only=True)):
        assert torch.equal(found["weights"], VALUES["weights"])  # type: ignore[arg-type]  # a tensor
        assert found["plain"] == VALUES["plain"]


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path, rng = tmp_path / "a.pt", random.Random(0)
    write_tensors(path, VALUES)
    content = path.read_bytes()
    for _ in range(1000):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="damaged"):
            read_tensors(path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path, rng = tmp_path / "a.pt", random.Random(1)
    write_tensors(path, VALUES)
    content = path.read_bytes()
    for _ in range(200):
        path.write_bytes(content[: rng.randrange(len(content))])
        with pytest.raises(CheckpointError, match="damaged"):
            read_tensors(path)


def test_a_damaged_checkpoint_is_named_and_the_previous_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in(tmp_path, 3)
    last = tmp_path / "last.pt"
    last.write_bytes(last.read_bytes()[:-1])
    whole = run_in(tmp_path.with_name("whole"), 4)

    trainer = Trainer(workers.network(), optimizer="sgd", lr=0.1, directory=tmp_path)
    pair = workers.samples(16)
    trainer.fit(pair, pair, epochs=4, batch_size=8, resume=True)

    notice = f"{last} is damaged: its checksum does not fit its content; going on from previous.pt"
    assert notice in capsys.readouterr().err.splitlines()
    assert trainer.history["training_loss"] == whole.history["training_loss"]


def test_two_damaged_checkpoints_are_an_error(tmp_path: Path) -> None:
    for name in ("last.pt", "previous.pt"):
        (tmp_path / name).write_bytes(b"nothing")
    last, previous = tmp_path / "last.pt", tmp_path / "previous.pt"
    message = (
        f"{last} is damaged: its checksum does not fit its content; "
        f"{previous} is damaged: its checksum does not fit its content; "
        "delete the directory or train into another one"
    )

    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        read_newest(last, previous, print)


@pytest.mark.parametrize("name", ["last.pt", "previous.pt", "best.pt", "samples.pt"])
def test_every_file_is_read_with_weights_only(tmp_path: Path, name: str) -> None:
    from convkit import data

    pixels = torch.zeros(8, 2, 6, 6, dtype=torch.uint8)[:, :1]
    image_set = data.ImageSet(pixels, torch.arange(8) % 3, class_names="abc")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
    trainer = Trainer(
        model,
        directory=tmp_path,
        scheduler=lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 3]),
    )
    trainer.fit(image_set, image_set, epochs=2, batch_size=4, progress=False)

    assert torch.load(tmp_path / name, weights_only=True)


def test_the_best_weights_are_a_plain_state_dictionary(tmp_path: Path) -> None:
    trainer = run_in(tmp_path)
    fresh = workers.network()

    fresh.load_state_dict(torch.load(tmp_path / "best.pt", weights_only=True))

    assert all(
        torch.equal(a, b)
        for a, b in zip(
            fresh.state_dict().values(), trainer.model.state_dict().values(), strict=True
        )
    )


@pytest.mark.parametrize("reason", ["Read-only file system", "Permission denied"])
def test_a_directory_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    run_in(tmp_path, 1)
    before = (tmp_path / "last.pt").read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, reason)

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    message = (
        f"{tmp_path / 'configuration.json'} could not be written: {reason}; "
        "what was there before is unchanged"
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        run_in(tmp_path, 2, resume=True)
    assert (tmp_path / "last.pt").read_bytes() == before


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    message = f"{tmp_path / 'file' / 'run'} cannot be written: Not a directory"
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        run_in(tmp_path / "file" / "run")


@forks
def test_a_full_disk_leaves_the_earlier_checkpoint_unchanged() -> None:
    found = workers.run("full_disk", 5000)

    assert re.fullmatch(
        rf"CheckpointError: {re.escape(found['folder'])}/run/\w+\.(pt|json) could not be written: "
        "File too large; what was there before is unchanged",
        found["error"],
    )
    assert found["kept"] == {"last.pt": True, "best.pt": True}
    assert found["new"] == []


@forks
def test_killed_at_random_moments_training_goes_on_bit_for_bit() -> None:
    kills = 500 if MANY else 50
    found = workers.run("killed_at_random", kills, 0, timeout=1800)

    assert (found["kills"], found["unequal"]) == (kills, 0)


@forks
def test_killed_at_any_write_flush_fsync_or_rename_training_goes_on_bit_for_bit() -> None:
    found = workers.run("killed_at_every_call", 1 if MANY else 12, 5, timeout=1800)

    assert found["unequal"] == 0
    assert found["kills"] >= (100 if MANY else 8)


@forks
def test_a_failing_write_flush_fsync_or_rename_is_told_and_loses_nothing() -> None:
    found = workers.run("failed_at_every_call", 1 if MANY else 8, 0, timeout=1800)

    assert (found["unequal"], found["untold"], found["lost"]) == (0, 0, 0)
    assert found["calls"] >= 100


def test_checkpoints_that_take_long_are_not_written_after_every_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, rows = [], []
    save = RunDirectory.save

    def slow(self: RunDirectory, history: History, state: dict[str, object]) -> None:
        time.sleep(0.5)
        saved.append(len(history))
        save(self, history, state)

    def look(event: Event) -> None:
        if event.what == "epoch":
            written = tmp_path / "history.json"
            rows.append(len(History.read(written)) if written.exists() else 0)

    monkeypatch.setattr(RunDirectory, "save", slow)
    monkeypatch.setattr(_fit, "_CHEAP", 0.1)
    trainer = Trainer(workers.network(), directory=tmp_path, callbacks=[look])
    pair = workers.samples(16)
    trainer.fit(pair, pair, epochs=5, batch_size=8, progress=False)

    assert saved == [1, 5]
    assert rows == [0, 1, 2, 3, 4]  # the history is on disk after every epoch all the same
    again = Trainer(workers.network(), directory=tmp_path)
    assert len(again.fit(pair, pair, epochs=6, batch_size=8, resume=True, progress=False)) == 6


def test_quick_checkpoints_are_written_after_every_epoch(tmp_path: Path) -> None:
    saved: list[int] = []

    def count(event: Event) -> None:
        if event.what == "checkpoint":
            saved.append(len(event.history))

    trainer = Trainer(workers.network(), directory=tmp_path, callbacks=[count])
    pair = workers.samples(16)
    trainer.fit(pair, pair, epochs=4, batch_size=8, progress=False)

    assert saved == [1, 2, 3, 4]
