"""Under `torchrun`, a training that was cut or killed ends with the bits of one that never was."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MANY = bool(os.environ.get("CONVKIT_MANY_CASES"))
SCRIPT = Path(__file__).parent / "training_torchrun.py"
# The rank that kills itself and the step before which it does, of fifteen.
KILLS = [random.Random(seed).choice(range(30)) for seed in range(20 if MANY else 1)]


@pytest.fixture(scope="module", params=KILLS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the two processes found after one of them killed itself and both were started anew."""
    rank, step = divmod(request.param, 15)
    folder = tmp_path_factory.mktemp("elastic")
    agent = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(  # noqa: S603 - our own file in our own interpreter
        [
            *agent,
            "--nproc-per-node=2",
            "--max-restarts=1",
            SCRIPT,
            folder,
            str(rank),
            str(step + 1),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_a_killed_worker_is_started_anew_and_goes_on_bit_for_bit(found: Any) -> None:
    for process in found:
        assert (process["life"], process["steps"], process["killed"]) == (1, 15, True)


@pytest.mark.parametrize("options", ["plain", "averaged"])
@pytest.mark.parametrize("where", ["middle", "end"])
def test_cut_within_an_epoch_or_at_its_end_it_goes_on_bit_for_bit(
    found: Any, where: str, options: str
) -> None:
    assert [process[f"{where} {options}"] for process in found] == [True, True]


def test_without_its_random_state_it_would_differ(found: Any) -> None:
    """The negative control: each comparison can fail."""
    controls = [value for name, value in found[0].items() if name.endswith("state dropped")]

    assert len(controls) >= 4
    assert not any(controls)
