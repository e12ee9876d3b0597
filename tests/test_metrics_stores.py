"""Scores gathered batch by batch: exactly, or in bins."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from convkit import metrics
from convkit.errors import MetricError

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.dirichlet(np.ones(3), size=400).astype(np.float32)
TRUTH = RANDOM.integers(0, 3, 400)


def test_a_store_gives_back_what_came_bit_for_bit() -> None:
    store = metrics.ScoreStore(3)
    for i in range(0, 400, 64):
        store.update(torch.from_numpy(SCORES[i : i + 64]), TRUTH[i : i + 64].tolist())

    assert np.array_equal(store.scores, SCORES)
    assert store.scores.dtype == np.float32
    assert np.array_equal(store.truth, TRUTH)


def test_a_store_keeps_a_copy() -> None:
    """A loader may write its next batch into the same memory."""
    store, batch = metrics.ScoreStore(2), torch.tensor([[0.9, 0.1]])
    store.update(batch, [0])
    batch.zero_()

    assert store.scores.tolist() == torch.tensor([[0.9, 0.1]]).tolist()


@pytest.mark.parametrize(
    ("scores", "truth", "message"),
    [
        ([[0.5, 0.5]], [0], "scores must be (N, 3), got (1, 2)"),
        ([[0.2, 0.3, 0.5]], [0, 1], "scores has 1 samples and truth has 2: "),
        ([[0.2, 0.3, np.nan]], [0], "scores: 1 of 3 values are not finite (1 NaN, 0 infinite), "),
        ([[0.2, 0.3, 0.5]], [3], "truth: 1 of 1 labels lie outside 0 to 2, "),
        (np.empty((0, 3)), [], "scores is empty (shape (0, 3))"),
    ],
)
@pytest.mark.parametrize("kind", [metrics.ScoreStore, metrics.ScoreHistogram])
def test_a_refused_batch_leaves_nothing_behind(
    kind: type, scores: list[list[float]], truth: list[int], message: str
) -> None:
    store = kind(3)
    store.update(SCORES, TRUTH)

    with pytest.raises(MetricError, match=f"^{re.escape(message)}"):
        store.update(scores, truth)
    read = store.scores if kind is metrics.ScoreStore else store._all
    assert read.sum() == (SCORES.sum() if kind is metrics.ScoreStore else SCORES.size)


def test_an_empty_store_has_nothing_to_read() -> None:
    message = "the store is empty: update it with at least one sample"

    with pytest.raises(MetricError, match=f"^{message}$"):
        _ = metrics.ScoreStore(2).scores


@pytest.mark.parametrize("bins", [2, 10, 1000])
@pytest.mark.parametrize("batch", [7, 400])
def test_a_histogram_measures_the_scores_rounded_down_to_its_bins(bins: int, batch: int) -> None:
    histogram = metrics.ScoreHistogram(3, bins=bins)
    for i in range(0, 400, batch):
        histogram.update(SCORES[i : i + batch], TRUTH[i : i + batch])
    rounded = np.minimum(np.floor(SCORES.astype(np.float64) * bins), bins - 1)

    expected = metrics.average_precision(rounded, TRUTH)
    assert histogram.average_precision().per_class == pytest.approx(expected.per_class, abs=1e-12)
    assert histogram.average_precision().positives.tolist() == expected.positives.tolist()


@pytest.mark.parametrize("bins", [2, 10, 1000])
def test_the_roc_area_of_a_histogram_is_that_of_the_rounded_scores(bins: int) -> None:
    histogram = metrics.ScoreHistogram(3, bins=bins)
    histogram.update(SCORES, TRUTH)
    rounded = np.minimum(np.floor(SCORES.astype(np.float64) * bins), bins - 1)

    expected = metrics.roc_area(rounded, TRUTH).per_class
    assert histogram.roc_area().per_class == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", ["average_precision", "roc_area"])
def test_a_histogram_warns_where_it_is_asked(metric: str) -> None:
    histogram = metrics.ScoreHistogram(3)
    histogram.update([[0.2, 0.3, 0.5]], [2])

    with pytest.warns(metrics.UndefinedClassWarning) as caught:
        getattr(histogram, metric)()
    assert [warning.filename for warning in caught] == [__file__]


def test_histograms_merge_in_any_order() -> None:
    parts = []
    for i in range(0, 400, 100):
        parts.append(metrics.ScoreHistogram(3, bins=50))
        parts[-1].update(SCORES[i : i + 100], TRUTH[i : i + 100])
    whole = metrics.ScoreHistogram(3, bins=50)
    whole.update(SCORES, TRUTH)
    merged = metrics.ScoreHistogram(3, bins=50)
    for part in parts[::-1]:
        merged.merge(part)

    ours, theirs = merged.average_precision(), whole.average_precision()
    assert np.array_equal(ours.per_class, theirs.per_class)
    assert "50 bins" in ours.definition


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (metrics.ScoreHistogram(3, bins=20), "the histograms have 10 and 20 bins"),
        (
            metrics.ScoreHistogram(["a", "b", "c"], bins=10),
            "the classes differ: 3 and 3 of them, or names",
        ),
    ],
)
def test_histograms_that_do_not_fit_are_not_merged(
    other: metrics.ScoreHistogram, message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{message}$"):
        metrics.ScoreHistogram(3, bins=10).merge(other)


def test_histograms_take_probabilities() -> None:
    message = "scores: 2 of 2 lie outside 0 to 1, the first at sample 0, class 0: -2.0"

    with pytest.raises(MetricError, match=f"^{message}$"):
        metrics.ScoreHistogram(2).update([[-2.0, 3.0]], [0])


def test_bins_are_bounded() -> None:
    message = "bins must be 2 to 67,108,864 for 2 classes, got 1"

    with pytest.raises(MetricError, match=f"^{message}$"):
        metrics.ScoreHistogram(2, bins=1)
