"""Is B better than A: the exact test against binomial arithmetic, and what may be concluded."""

from __future__ import annotations

import re
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats

from convkit import metrics
from convkit.errors import MetricError
from convkit.metrics._binomial import fair_tail


def predictions(only_a: int, only_b: int, both: int = 0) -> tuple[list[int], list[int], list[int]]:
    """Of A and of B for a truth of ones."""
    a = [1] * only_a + [0] * only_b + [1] * both
    b = [0] * only_a + [1] * only_b + [1] * both
    return a, b, [1] * len(a)


def test_mcnemar_is_the_binomial_test_for_every_small_table() -> None:
    for only_a in range(30):
        for only_b in range(30):
            ours = metrics.compare(*predictions(only_a, only_b, both=1)).p_value
            throws = only_a + only_b
            theirs = stats.binomtest(only_a, throws).pvalue if throws else 1.0

            assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("throws", [999, 1_000, 1_001, 2_500])
def test_tails_are_those_of_whole_numbers(throws: int) -> None:
    """Both sides of the change from counting to the series."""
    total = Fraction(0)
    for k in range((throws - 1) // 2 + 1):
        total += comb(throws, k)
        exact = float(total / 2**throws)
        if exact > 1e-300 and k % 7 == 0:
            assert fair_tail(k, throws) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("throws", [100_000, 10_000_000])
@pytest.mark.parametrize("deviations", [0.001, 0.5, 3, 20])
def test_tails_of_many_throws_are_scipys(throws: int, deviations: float) -> None:
    k = throws // 2 - 1 - int(deviations * throws**0.5 / 2)

    assert fair_tail(k, throws) == pytest.approx(stats.binom.cdf(k, throws, 0.5), rel=1e-10)


def test_a_tail_too_small_for_a_float_is_zero() -> None:
    assert fair_tail(0, 10_000_000) == 0.0
    assert fair_tail(1, 10_000_000) == 0.0


def test_the_difference_is_b_minus_a() -> None:
    """The interval by hand: 3/102 and 13/102, so 10/102 +- 1.96 sqrt((16/102 - (10/102)^2)/102)."""
    result = metrics.compare(*predictions(only_a=2, only_b=12, both=86))

    assert result.difference == pytest.approx(0.10)
    assert (result.only_a_right, result.only_b_right) == (2, 12)
    assert result.interval.low < 0.10 < result.interval.high
    assert result.significant
    assert result.sentence == (
        "B is better than A: accuracy 0.8800 (A) and 0.9800 (B) on 100 samples, difference +0.1000"
        " (95 % interval +0.0236 to +0.1725), p = 0.013 by the exact McNemar test."
    )


def test_exchanging_the_networks_turns_the_sign_alone() -> None:
    a, b, truth = predictions(only_a=2, only_b=12, both=86)
    one, other = metrics.compare(a, b, truth), metrics.compare(b, a, truth)

    assert other.p_value == one.p_value
    assert other.difference == -one.difference
    assert (other.interval.low, other.interval.high) == (-one.interval.high, -one.interval.low)
    assert other.sentence.startswith("A is better than B: ")


def test_a_network_is_not_better_than_itself() -> None:
    result = metrics.compare([0, 1], [0, 1], [0, 0])

    assert (result.p_value, result.difference, result.significant) == (1.0, 0.0, False)
    assert result.sentence.startswith("No difference can be concluded: ")


def test_equally_good_networks_are_called_different_in_at_most_5_of_100_cases() -> None:
    random = np.random.default_rng(0)
    truth = np.zeros(300, dtype=np.int64)
    found = []
    for _ in range(2_000):
        a, b = random.random((2, 300)) < 0.3
        found.append(metrics.compare(a.astype(int), b.astype(int), truth).significant)

    assert np.mean(found) <= 0.05


@pytest.mark.parametrize(("samples", "most"), [(100, 0.97), (1_000, 0.96)])
def test_the_interval_holds_the_true_difference_95_times_in_100(samples: int, most: float) -> None:
    """Of few samples it is a little wide, as its authors found."""
    random = np.random.default_rng(0)
    truth, held = np.zeros(samples, dtype=np.int64), []
    for kinds in random.choice(4, size=(3_000, samples), p=[0.6, 0.15, 0.05, 0.2]):
        a, b = np.isin(kinds, (1, 3)).astype(int), np.isin(kinds, (2, 3)).astype(int)
        held.append(0.15 - 0.05 in metrics.compare(a, b, truth).interval)

    assert 0.94 <= np.mean(held) <= most


def test_scores_are_compared_by_their_greatest() -> None:
    result = metrics.compare([[0.9, 0.1]] * 8, [[0.1, 0.9]] * 8, [1] * 8)

    assert result.difference == 1.0
    assert result.p_value == 2 / 2**8


def test_a_p_value_below_every_float_is_said_so() -> None:
    a, b = np.zeros(5_000, dtype=int), np.ones(5_000, dtype=int)

    assert "p < 1e-300 by" in metrics.compare(a, b, b).sentence


@pytest.mark.parametrize(
    ("samples_a", "samples_b", "message"),
    [
        (
            ["x", "y", "z"],
            ["x", "z", "y"],
            "A and B were measured on other samples: 2 of 3 differ, the first at 1: y and z",
        ),
        (["x", "y", "z"], None, "samples_a and samples_b are compared: give both or neither"),
        (
            ["x"],
            ["x"],
            (
                "samples_a has 1 samples and truth has 3: they must be of the same samples"
                " in the same order"
            ),
        ),
    ],
)
def test_other_samples_are_refused(
    samples_a: list[str], samples_b: list[str] | None, message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.compare([0, 0, 0], [0, 1, 0], [0, 0, 1], samples_a=samples_a, samples_b=samples_b)


def test_the_same_samples_are_taken() -> None:
    names = ["x", "y"]

    assert metrics.compare([0, 1], [0, 0], [0, 0], samples_a=names, samples_b=names).samples == 2


@pytest.mark.parametrize(
    ("a", "b", "truth", "message"),
    [
        ([0], [0, 1], [0, 1], "predicted_a has 1 samples and truth has 2: "),
        ([0, 1], [0], [0, 1], "predicted_b has 1 samples and truth has 2: "),
        ([], [], [], "truth is empty (shape (0,)): at least one sample is needed"),
        ([[0.5]], [0], [0], "predicted_a must be class indices (N,) or scores (N, C with C > 1)"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(
    a: list[int], b: list[int], truth: list[int], message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}"):
        metrics.compare(a, b, truth)


def mean_ap(scores: np.ndarray, truth: np.ndarray) -> float:
    """Any metric."""
    return metrics.average_precision(scores, truth).mean


def test_any_metric_is_compared_on_the_same_draws() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    weak, strong = truth + random.normal(size=200), 3 * truth + random.normal(size=200)

    result = metrics.compare_metric(mean_ap, weak, strong, truth, resamples=300, name="AP")

    assert result.difference == mean_ap(strong, truth) - mean_ap(weak, truth)
    assert 0 < result.interval.low < result.difference < result.interval.high
    assert result.p_value == 2 / 301
    assert result.sentence.startswith("B is better than A if more is better: AP 0.")
    assert result.sentence.endswith("by the paired bootstrap of 300 draws.")


def test_a_metric_does_not_tell_a_network_from_itself() -> None:
    scores, truth = [0.1, 0.7, 0.3, 0.9], [0, 1, 1, 0]

    result = metrics.compare_metric(mean_ap, scores, scores, truth, resamples=200)

    assert (result.difference, result.p_value) == (0.0, 1.0)
    assert result.sentence.startswith("No difference can be concluded: metric 0.")


SCORES = np.eye(3)[[0, 1, 2, 1]]
THREE = "1 of 4 labels lie outside 0 to 2, the first at sample"
MILLION = "1 of 4 labels lie outside 0 to 999999, the first at sample"


@pytest.mark.parametrize(
    ("a", "b", "truth", "message"),
    [
        (SCORES, SCORES, [0, 1, 3, 1], f"truth: {THREE} 2: 3"),
        (SCORES, [0, 5, 2, 1], [0, 1, 2, 1], f"predicted_b: {THREE} 1: 5"),
        ([0, 1, -1, 1], [0] * 4, [0] * 4, f"predicted_a: {MILLION} 2: -1"),
        ([0] * 4, [0] * 4, [0, -2, 0, 0], f"truth: {MILLION} 1: -2"),
        (
            SCORES,
            np.eye(4),
            [0, 1, 2, 1],
            (
                "the scores must be of the same classes: predicted_a has 3 and predicted_b has 4 "
                "of them"
            ),
        ),
    ],
)
def test_labels_outside_the_classes_are_refused(
    a: object, b: object, truth: list[int], message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.compare(a, b, truth)


@pytest.mark.parametrize(
    ("predicted", "cell", "message"),
    [
        (SCORES, (3, 0), "true_class must be a class, 0 to 2, got 3"),
        ([0, 1, 2, 1], (0, -1), "predicted_class must be a class, 0 to 999999, got -1"),
        ([0, 1, -2, 1], (0, 1), f"predicted: {MILLION} 2: -2"),
        (SCORES, (0, 1), f"truth: {THREE} 2: 5"),
    ],
)
def test_a_cell_outside_the_classes_is_refused(
    predicted: object, cell: tuple[int, int], message: str
) -> None:
    truth = [0, 1, 5 if "truth" in message else 2, 1]
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.samples_of_cell(predicted, truth, true_class=cell[0], predicted_class=cell[1])
