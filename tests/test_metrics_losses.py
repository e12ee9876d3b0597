"""Log loss, the greatest mistakes, calibration and top-k, by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from convkit import metrics
from convkit.errors import MetricError

PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
TRUTH = np.array([0, 0, 1, 1])


def test_guessing_costs_the_logarithm_of_the_classes() -> None:
    assert metrics.log_loss(np.full((5, 101), 1 / 101), [0] * 5) == pytest.approx(4.6151205)


def test_log_loss_is_torchs_cross_entropy_of_the_logits() -> None:
    logits = torch.randn(64, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    truth = torch.arange(64) % 7

    expected = torch.nn.functional.cross_entropy(logits, truth).item()
    assert metrics.log_loss(logits.softmax(1), truth) == pytest.approx(expected, rel=1e-12)


def test_a_truth_of_probability_zero_costs_infinitely_much() -> None:
    assert metrics.log_loss([[1.0, 0.0]], [1]) == np.inf


def test_half_precision_rows_are_probabilities() -> None:
    logits = torch.randn(50, 100, generator=torch.Generator().manual_seed(0))

    half = metrics.log_loss(logits.softmax(1).half(), [0] * 50)
    assert half == pytest.approx(metrics.log_loss(logits.softmax(1), [0] * 50), rel=1e-2)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (
            [[0.5, 0.5], [2.0, -1.0]],
            (
                "probabilities: 1 of 2 rows have values outside 0 to 1, the first at sample 1:"
                " -1.0 to 2.0; are these logits? Give torch.softmax(logits, dim=1)"
            ),
        ),
        (
            [[0.5, 0.3], [0.5, 0.5]],
            (
                "probabilities: 1 of 2 rows do not sum to 1, the first at sample 0: 0.8; give"
                " torch.softmax(logits, dim=1)"
            ),
        ),
        (
            [[0.5, np.nan], [0.5, 0.5]],
            (
                "probabilities: 1 of 4 values are not finite (1 NaN, 0 infinite),"
                " the first at sample 0, class 1: nan"
            ),
        ),
    ],
)
@pytest.mark.parametrize("measure", [metrics.log_loss, metrics.mistakes, metrics.calibration])
def test_rows_that_are_no_probabilities_are_refused(
    measure: type, probabilities: list[list[float]], message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        measure(probabilities, [0, 1])


def test_mistakes_are_the_greatest_losses_with_all_that_belongs_to_them() -> None:
    worst = metrics.mistakes(PROBABILITIES, TRUTH, k=3)

    assert worst.indices.tolist() == [1, 2, 3]
    assert worst.losses.tolist() == pytest.approx([np.log(5), np.log(2.5), np.log(2)])
    assert worst.truth.tolist() == [0, 1, 1]
    assert worst.predicted.tolist() == [1, 0, 0]
    assert worst.probabilities.tolist() == PROBABILITIES[1:].tolist()
    assert len(worst) == 3


def test_equal_losses_stand_by_index_and_no_more_than_there_are() -> None:
    worst = metrics.mistakes([[0.5, 0.5]] * 3, [0, 1, 0], k=99)

    assert worst.indices.tolist() == [0, 1, 2]


def test_a_loss_of_nothing_has_no_sign() -> None:
    table = metrics.mistakes([[1.0, 0.0]], [0], k=1).table()

    assert table.rows == (("0", "0", "0", "1.0000", "1.0000", "0.0000"),)


def test_the_table_of_mistakes_names_samples_and_classes() -> None:
    names = ["a.jpg", "b.jpg", "=c", "d.jpg"]

    table = metrics.mistakes(PROBABILITIES, TRUTH, k=2).table(names, ["cat", "dog"])

    assert table.to_csv() == (
        "sample,truth,predicted,p(truth),p(predicted),loss (nats)\n"
        "b.jpg,cat,dog,0.2000,0.8000,1.6094\n"
        "'=c,dog,cat,0.4000,0.6000,0.9163\n"
    )


@pytest.mark.parametrize(
    ("names", "class_names", "message"),
    [
        (None, ["cat"], "class_names: 2 classes need as many names, got 1"),
        (None, ["cat", "dog", "owl"], "class_names: 2 classes need as many names, got 3"),
        (["a.jpg"], None, "names: sample 2 is beyond the 1 names"),
    ],
)
def test_mistakes_need_a_name_for_each_class_and_sample(
    names: list[str] | None, class_names: list[str] | None, message: str
) -> None:
    worst = metrics.mistakes(PROBABILITIES, TRUTH, k=2)

    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        worst.table(names, class_names)


def test_mistakes_are_drawn_with_their_truth_and_prediction() -> None:
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)

    figure = metrics.mistakes(PROBABILITIES, TRUTH, k=2).plot(images, ["cat", "dog"])

    titles = [text.get_text() for axes in figure.axes for text in [axes.title, *axes.texts]]
    assert any("cat" in title and "taken for dog (0.8000)" in title for title in titles)


def test_a_calibration_is_drawn() -> None:
    figure = metrics.calibration(PROBABILITIES, TRUTH).plot()

    assert len(figure.axes) == 2


def test_mistakes_need_a_place() -> None:
    with pytest.raises(MetricError, match=r"^k must be at least 1, got 0$"):
        metrics.mistakes(PROBABILITIES, TRUTH, k=0)


def test_calibration_by_hand() -> None:
    """Confidences 0.5, 0.6 | 0.8, 0.9 in two bins (0, 0.7], (0.7, 1]: here four of width 1/4."""
    result = metrics.calibration(PROBABILITIES, TRUTH, bins=4)

    assert result.counts.tolist() == [0, 1, 1, 2]
    assert result.correct.tolist() == [0, 0, 0, 1]
    np.testing.assert_allclose(result.confidence, [np.nan, 0.5, 0.6, 0.85])
    np.testing.assert_allclose(result.accuracy, [np.nan, 0.0, 0.0, 0.5])
    assert result.expected_error == pytest.approx(0.25 * 0.5 + 0.25 * 0.6 + 0.5 * 0.35)
    assert result.greatest_error == pytest.approx(0.6)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    result = metrics.calibration([[0.5, 0.5], [1.0, 0.0]], [0, 0], bins=2)

    assert result.counts.tolist() == [1, 1]


def test_calibration_follows_its_definition_on_random_problems() -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        probabilities = random.dirichlet(np.ones(4), size=int(random.integers(1, 100)))
        truth = random.integers(0, 4, len(probabilities))
        result, expected = metrics.calibration(probabilities, truth, bins=10), 0.0
        confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
        for low, high in zip(result.edges[:-1], result.edges[1:], strict=True):
            inside = (confidence > low) & (confidence <= high)
            if inside.any():
                gap = abs(right[inside].mean() - confidence[inside].mean())
                expected += inside.mean() * gap

        assert result.expected_error == pytest.approx(expected, abs=1e-12)


def test_a_calibrated_network_has_hardly_an_error() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 1, 200_000)
    truth = (random.random(200_000) > confidence).astype(int)

    result = metrics.calibration(np.stack([confidence, 1 - confidence], axis=1), truth)

    assert result.expected_error < 0.005


def test_the_printed_calibration_states_its_bins() -> None:
    assert str(metrics.calibration(PROBABILITIES, TRUTH, bins=4)).splitlines()[-1] == (
        "Expected calibration error 0.4500 over 4 bins of equal width, of the greatest probability."
    )


def test_bins_are_bounded() -> None:
    with pytest.raises(MetricError, match=r"^bins must be 1 to 10,000, got 0$"):
        metrics.calibration(PROBABILITIES, TRUTH, bins=0)


def test_equal_scores_are_broken_by_the_class_index() -> None:
    scores = torch.zeros(4, 4)

    assert metrics.top_k_accuracy(scores, [0, 1, 2, 3], k=1) == 0.25
    assert metrics.top_k_accuracy(scores, [0, 1, 2, 3], k=3) == 0.75
    assert metrics.top_k_accuracy(scores, [1, 1, 1, 1], k=1) == 0.0


@pytest.mark.parametrize("k", [0, 3, 5])
def test_a_k_that_says_nothing_is_refused(k: int) -> None:
    message = f"k must be at least 1 and below the number of classes, 3, got {k}"

    with pytest.raises(MetricError, match=f"^{message}$"):
        metrics.top_k_accuracy([[0.1, 0.2, 0.3]], [0], k=k)


def test_samples_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, truth = np.random.default_rng(0).random((50, 6)), np.arange(50) % 6
    expected = metrics.top_k_accuracy(scores, truth, 2)
    monkeypatch.setattr("convkit.metrics._top_k._COMPARED_AT_ONCE", 20)

    assert metrics.top_k_accuracy(scores, truth, 2) == expected
