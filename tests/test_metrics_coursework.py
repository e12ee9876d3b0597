"""A published "AP" table, recomputed as what it is: the recall of one mini-batch."""

from __future__ import annotations

import numpy as np
import pytest

from convkit import metrics

CLASSES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
TEST_BATCH, VALIDATION_BATCH = [2, 5, 6, 2, 6, 3], [1, 2, 4, 6, 1, 2]
# Run: samples of each class in the batch, those predicted right, the published row, its mean.
ROWS = {
    "C": (TEST_BATCH, [2, 3, 3, 2, 5, 3], [1, 0.6, 0.5, 1, 0.8333, 1], 0.82222),
    "B": (VALIDATION_BATCH, [1, 1, 3, 2, 1, 1], [1, 0.5, 0.75, 0.3333, 1, 0.5], 0.68056),
    "A": (TEST_BATCH, [2, 3, 3, 2, 6, 1], [1, 0.6, 0.5, 1, 1, 0.3333], 0.73889),
    "P": (TEST_BATCH, [2, 5, 5, 2, 4, 3], [1, 1, 0.8333, 1, 0.6667, 1], 0.91667),
}
RIGHT = {"C": (18, 24), "B": (9, 16), "A": (17, 24), "P": (21, 24)}


def labels_of_batch(samples: list[int], right: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and truth with so many right of each class; the others say the next class."""
    truth = np.repeat(np.arange(6), samples)
    place = np.concatenate([np.arange(n) for n in samples])
    return np.where(place < np.repeat(right, samples), truth, (truth + 1) % 6), truth


@pytest.mark.parametrize("run", ROWS)
def test_the_published_table_is_the_recall_of_a_batch(run: str) -> None:
    samples, right, published, mean = ROWS[run]
    matrix = metrics.ConfusionMatrix(CLASSES)
    matrix.update(*labels_of_batch(samples, right))

    per_class = matrix.per_class()
    assert per_class.recall.tolist() == pytest.approx(published, abs=5e-5)
    assert per_class.average("macro").recall == pytest.approx(mean, abs=5e-6)
    assert (matrix.counts.trace(), matrix.total) == RIGHT[run]


def test_the_average_precision_of_the_same_predictions_is_another_number() -> None:
    """Even a batch's AP, of scores that lead to the same predictions, is not its recall."""
    predicted, truth = labels_of_batch(*ROWS["C"][:2])
    scores = np.eye(6)[predicted] * 0.5 + np.random.default_rng(0).random((24, 6)) * 0.4

    ap = metrics.average_precision(scores, truth)

    assert scores.argmax(axis=1).tolist() == predicted.tolist()
    assert abs(ap.mean - ROWS["C"][3]) > 0.01


def test_the_recall_of_six_samples_tells_next_to_nothing() -> None:
    """Three of six right: between 19 and 81 percent."""
    interval = metrics.accuracy_interval(3, 6)

    assert (round(interval.low, 2), round(interval.high, 2)) == (0.19, 0.81)
