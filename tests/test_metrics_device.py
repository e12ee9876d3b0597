"""Labels and scores on an accelerator; the tally that counts there runs on the CPU too."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from convkit import metrics
from convkit.errors import MetricError
from convkit.metrics._tally import DeviceTally

PREDICTED, TRUTH = torch.tensor([0, 1, 1, 2, 0, 0]), torch.tensor([0, 0, 1, 2, 2, 2])
COUNTS = [[1, 1, 0], [0, 1, 0], [2, 0, 1]]
CPU = torch.device("cpu")

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def test_a_device_counts_as_the_host_does() -> None:
    tally = DeviceTally(3, CPU)
    for i in range(0, 6, 2):
        tally.add(PREDICTED[i : i + 2], TRUTH[i : i + 2].to(torch.uint8))

    assert tally.counts().tolist() == COUNTS


def test_scores_on_a_device_predict_the_first_of_their_greatest() -> None:
    tally = DeviceTally(2, CPU)
    tally.add(torch.tensor([[0.5, 0.5], [0.1, 0.9]]), torch.tensor([0, 1]))

    assert tally.counts().tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("predicted", "truth"),
    [
        (torch.tensor([0, 7, 1]), torch.tensor([0, 1, -1])),
        (torch.tensor([[1.0, 0.0], [float("nan"), 0.0], [0.0, 1.0]]), torch.tensor([0, 1, 2])),
    ],
)
def test_what_a_device_refuses_is_told_when_the_counts_are_read(
    predicted: torch.Tensor, truth: torch.Tensor
) -> None:
    tally = DeviceTally(2, CPU)
    tally.add(torch.tensor([0, 1]), torch.tensor([0, 1]))
    tally.add(predicted, truth)
    message = (
        "2 of 5 samples have a label outside 0 to 1 or scores that are not finite, the first at"
        " sample 3 of those counted on cpu"
    )

    with pytest.raises(MetricError, match=f"^{message}$"):
        tally.counts()


@pytest.mark.parametrize(
    ("predicted", "truth", "message"),
    [
        ([0], [0.0], "truth must be whole numbers (class indices), got torch.float32"),
        ([0], [[0]], "truth must have the shape (N,), got (1, 1)"),
        ([], [], "truth is empty (shape (0,)): at least one sample is needed"),
        ([[0.5]], [0], "predicted must be class indices (N,) or scores (N, 2), got (1, 1)"),
        (
            [0],
            [0, 1],
            (
                "predicted has 1 samples and truth has 2: they must be of the same samples"
                " in the same order"
            ),
        ),
    ],
)
def test_shapes_and_kinds_are_refused_at_once(
    predicted: list[float], truth: list[float], message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        DeviceTally(2, CPU).add(torch.tensor(predicted), torch.tensor(truth))


@on_a_gpu
def test_a_matrix_counts_batches_of_host_and_device_together() -> None:
    matrix = metrics.ConfusionMatrix(3)
    matrix.update(PREDICTED[:3].cuda(), TRUTH[:3].cuda())
    matrix.update(PREDICTED[3:].tolist(), TRUTH[3:])

    assert matrix.counts.tolist() == COUNTS


@on_a_gpu
def test_counting_on_a_device_never_waits_for_it() -> None:
    matrix = metrics.ConfusionMatrix(3)
    predicted, truth = PREDICTED.cuda(), TRUTH.cuda()
    matrix.update(predicted, truth)
    torch.cuda.set_sync_debug_mode("error")
    try:
        matrix.update(predicted, truth)
        matrix.update(torch.eye(3, device="cuda"), truth[:3])
    finally:
        torch.cuda.set_sync_debug_mode("default")

    assert matrix.total == 15


@on_a_gpu
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scores_of_a_device_measure_as_those_of_the_host(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(500, 5, generator=generator).softmax(1).to(dtype)
    truth = torch.randint(5, (500,), generator=generator)
    store = metrics.ScoreStore(5)
    store.update(scores.cuda(), truth.cuda())

    host, device = (metrics.average_precision(s, truth) for s in (scores, scores.cuda()))
    assert np.array_equal(host.per_class, device.per_class)
    kept = metrics.average_precision(store.scores, store.truth)
    assert np.array_equal(host.per_class, kept.per_class)
    assert metrics.top_k_accuracy(scores.cuda(), truth.cuda(), 2) == metrics.top_k_accuracy(
        scores, truth, 2
    )
