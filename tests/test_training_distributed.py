"""Training in several processes: every sample once, one decision, one writer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import training_workers as workers

from convkit.training import read_run
from convkit.training._processes import Processes, share_of

MANY = bool(os.environ.get("CONVKIT_MANY_CASES"))
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the groups write."""
    return tmp_path_factory.mktemp("group")


@pytest.fixture(scope="module")
def report(directory: Path) -> Any:
    """What several groups of processes did."""
    return workers.run("group_report", str(directory), MANY, timeout=240)


def results(members: list[Any]) -> list[Any]:
    """What each process of a group returned."""
    assert all("result" in member for member in members), members
    return [member["result"] for member in members]


def flat(weights: Any) -> Any:
    """All weights in one row."""
    return np.concatenate([np.ravel(part) for part in weights])


@pytest.mark.parametrize("least", [1, 2])
def test_shares_hold_every_sample_once_and_weigh_up_to_the_mean(least: int) -> None:
    for count in range(1, 9):
        for total in range(least, 40):
            shares = [share_of(total, Processes(rank, count), least) for rank in range(count)]
            taken = [i for part, weight in shares if weight for i in range(total)[part]]
            assert taken == list(range(total))
            assert sum(weight for _, weight in shares) == pytest.approx(count)
            assert all(len(range(total)[part]) >= least for part, _ in shares)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_measures_of_1_to_33_samples_are_exact(report: Any, count: int) -> None:
    (alone,) = results(report["measured"]["1"])
    alike = {len(one["truth"]): one for one in alone}
    group = report["measured by 4"] if count == 4 else report["measured"][str(count)]
    for member in results(group):
        for together in member:
            one = alike[len(together["truth"])]
            assert together["confusion"] == one["confusion"]
            assert together["truth"] == one["truth"]
            assert together["loss"] == pytest.approx(one["loss"], abs=1e-6)
            np.testing.assert_allclose(together["probabilities"], one["probabilities"], atol=1e-6)


@pytest.mark.parametrize("count", ["2", "3"])
def test_training_learns_what_one_process_learns(report: Any, count: str) -> None:
    (alone,) = results(report["trained"]["1"])
    for member in results(report["trained"][count]):
        for one, together in zip(alone, member, strict=True):
            np.testing.assert_allclose(flat(together["weights"]), flat(one["weights"]), atol=1e-6)
            ours, other = together["history"], one["history"]
            assert ours["columns"]["step"] == other["columns"]["step"]
            assert ours["columns"]["training_accuracy"] == other["columns"]["training_accuracy"]
            np.testing.assert_allclose(ours["step_losses"], other["step_losses"], atol=1e-6)


def test_all_processes_hold_the_same_weights(report: Any) -> None:
    first, *others = results(report["norm"])
    for other in others:
        for one, same in zip(first, other, strict=True):
            assert one.get("weights") == same.get("weights")
            assert one.get("error") == same.get("error")


def test_averaged_weights_are_those_of_one_process(report: Any) -> None:
    (alone,) = results(report["averaged"]["1"])
    for member in results(report["averaged"]["2"]):
        np.testing.assert_allclose(flat(member[0]["weights"]), flat(alone[0]["weights"]), atol=1e-6)


def test_all_processes_hold_the_same_network_without_a_validation_set(report: Any) -> None:
    first, other = results(report["unmeasured"])

    assert other == first


def test_one_sample_cannot_train_batch_norm_and_all_processes_say_so(report: Any) -> None:
    for member in results(report["norm"]):
        assert member[0]["error"].startswith("the first epoch had no batch to learn from")


def test_every_sample_of_a_shuffled_loader_is_loaded(report: Any) -> None:
    members = results(report["asked"])
    for epoch in (0, 1):
        assert set().union(*(member[epoch] for member in members)) == set(range(20))


def test_a_stream_is_shared_sample_by_sample(report: Any) -> None:
    (alone,) = results(report["streamed"]["1"])
    for member in results(report["streamed"]["2"]):
        np.testing.assert_allclose(flat(member["weights"]), flat(alone["weights"]), atol=1e-6)
        np.testing.assert_allclose(member["losses"], alone["losses"], atol=1e-6)


def test_all_processes_stop_together(report: Any) -> None:
    first, *others = results(report["patience"])

    assert first[0].startswith("no improvement in 2 validations")
    assert others == [first, first]


def test_nobody_hangs_when_one_process_fails(report: Any) -> None:
    members = report["failure"]

    assert members[1] == {"error": "ValueError: this process fails"}
    assert all("error" in member for member in members)


def test_a_full_disk_is_told_to_all_processes(report: Any) -> None:
    errors = {member["error"] for member in report["disk"]}

    (error,) = errors
    assert "could not be written: File too large" in error


def test_a_checkpoint_goes_on_with_another_number_of_processes(
    report: Any, directory: Path
) -> None:
    for several, one in zip(report["resumed"], report["alone"], strict=True):
        expected = results(one)[0]
        for member in results(several):
            np.testing.assert_allclose(
                flat(member["weights"]), flat(expected["weights"]), atol=1e-6
            )
            np.testing.assert_allclose(member["losses"], expected["losses"], atol=1e-6)
    assert len(read_run(directory / "resumed").history) == 3


def test_torchrun_runs_the_same_script(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        f"""
import atexit, gc, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import training_workers as workers
gc.disable()  # nothing frees a cycle by chance
@atexit.register  # first, so it runs last
def tell():
    for name in Path("/proc/self/task").glob("*/comm"):
        print("thread", name.read_text().strip())
from convkit import Trainer
trainer = Trainer(workers.network(), optimizer="sgd", lr=0.1, directory={str(tmp_path / "run")!r})
trainer.fit(workers.samples(21), workers.samples(9, 1), epochs=2, batch_size=8)
trainer.evaluate(workers.samples(11, 2))
"""
    )
    done = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=2",
            script,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )

    assert done.returncode == 0, done.stderr
    run = read_run(tmp_path / "run")
    assert len(run.history) == 2
    assert run.evaluations["test"]["n"] == 11
    assert done.stderr.count("epoch 1/2") == 1  # only the first process tells
    # A thread of the group that outlives it can crash the process as the interpreter ends.
    assert "gloo" not in done.stdout
    assert "thread" in done.stdout or sys.platform != "linux"
