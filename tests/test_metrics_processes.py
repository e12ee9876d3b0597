"""Two processes that exchange their counts and scores measure what one would."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from convkit import metrics

if TYPE_CHECKING:
    from pathlib import Path

WORKER = """
import json, sys
import numpy as np, torch.distributed as dist
from convkit import metrics

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
data = np.load(f"{folder}/data.npz")
scores, truth = data["scores"], data["truth"]
mine = slice(0, 37) if rank == 0 else slice(37, None)        # unequal shares
matrix, store = metrics.ConfusionMatrix(3), metrics.ScoreStore(3)
histogram, idle = metrics.ScoreHistogram(3), metrics.ScoreStore(3)
for gatherer in (matrix, store, histogram):
    gatherer.update(scores[mine], truth[mine])
if rank == 0:
    idle.update(scores, truth)                               # the other has no sample at all
store, idle = store.gather(), idle.gather()
json.dump({
    "counts": matrix.gather().counts.tolist(),
    "own": matrix.total,
    "ap": metrics.average_precision(store.scores, store.truth).per_class.tolist(),
    "idle": metrics.average_precision(idle.scores, idle.truth).per_class.tolist(),
    "type": str(idle.scores.dtype),
    "binned": histogram.gather().average_precision().per_class.tolist(),
}, open(f"{folder}/{rank}.json", "w"))
dist.destroy_process_group()
"""


def test_two_processes_measure_what_one_would(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    scores = random.dirichlet(np.ones(3), size=100).astype(np.float32)
    truth = random.integers(0, 3, 100)
    np.savez(tmp_path / "data.npz", scores=scores, truth=truth)
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(rank), str(tmp_path)])  # noqa: S603 - our own code
        for rank in range(2)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]

    whole = metrics.average_precision(scores, truth).per_class.tolist()
    histogram = metrics.ScoreHistogram(3)
    histogram.update(scores, truth)
    for rank, own in ((0, 37), (1, 63)):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found["counts"] == metrics.confusion_matrix(scores, truth, 3).counts.tolist()
        assert found["own"] == own
        assert found["ap"] == found["idle"] == whole
        assert found["type"] == "float32"
        assert found["binned"] == histogram.average_precision().per_class.tolist()


def test_alone_gathering_is_a_copy() -> None:
    matrix = metrics.confusion_matrix([0, 1], [0, 0], 2)
    gathered = matrix.gather()
    gathered.update([0], [0])

    assert matrix.counts.tolist() == [[1, 1], [0, 0]]
    assert gathered.counts.tolist() == [[2, 1], [0, 0]]
