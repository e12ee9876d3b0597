"""Intervals hold the true value as often as they say."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from convkit import metrics
from convkit.errors import MetricError


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_wilson_is_scipys(confidence: float) -> None:
    for total in (1, 2, 7, 100, 10_000_000):
        for correct in {0, 1, total // 3, total - 1, total}:
            ours = metrics.accuracy_interval(correct, total, confidence)
            theirs = stats.binomtest(correct, total).proportion_ci(confidence, "wilson")

            assert ours.low == pytest.approx(theirs.low, abs=1e-12)
            assert ours.high == pytest.approx(theirs.high, abs=1e-12)


@pytest.mark.parametrize("samples", [100, 10_000])
def test_wilson_holds_the_true_accuracy_95_times_in_100(samples: int) -> None:
    """Simulated over networks of every accuracy."""
    random = np.random.default_rng(0)
    accuracies = random.random(40_000)
    correct = random.binomial(samples, accuracies)
    intervals = {c: metrics.accuracy_interval(int(c), samples) for c in np.unique(correct)}
    held = np.mean([p in intervals[c] for p, c in zip(accuracies, correct, strict=True)])

    assert held == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("accuracy", [0.5, 0.7, 0.9, 0.99])
def test_wilson_holds_each_accuracy_of_10_000_samples_95_times_in_100(accuracy: float) -> None:
    """Not simulated: the probability of every count, summed where the interval holds.

    Of 100 samples there are so few counts that a single accuracy may be 1.4 points off (0.7 is);
    the mean over accuracies, above, is not.
    """
    samples = 10_000
    counts = np.arange(samples + 1)
    held = [accuracy in metrics.accuracy_interval(int(c), samples) for c in counts]

    assert stats.binom.pmf(counts, samples, accuracy)[held].sum() == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("correct", "bound"), [(0, "low"), (50, "high")])
def test_nothing_and_everything_right_reach_the_very_end(correct: int, bound: str) -> None:
    assert getattr(metrics.accuracy_interval(correct, 50), bound) == correct / 50


@pytest.mark.parametrize(("correct", "total"), [(-1, 5), (6, 5), (0, 0), (2.5, 5)])
def test_counts_that_cannot_be(correct: int, total: int) -> None:
    message = (
        "accuracy_interval needs whole numbers 0 <= correct <= total with total >= 1, got"
        f" correct={correct}, total={total}"
    )

    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.accuracy_interval(correct, total)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95, float("nan")])
def test_a_confidence_is_a_share(confidence: float) -> None:
    message = f"confidence must lie between 0 and 1, exclusive, got {confidence}"

    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.accuracy_interval(1, 2, confidence)


def test_an_interval_is_printed_with_its_method() -> None:
    assert str(metrics.accuracy_interval(7, 10)) == "0.3968 to 0.8922 (95 %, Wilson)"


def test_the_bootstrap_holds_the_true_mean_95_times_in_100() -> None:
    random = np.random.default_rng(0)
    held = [
        0.0 in metrics.bootstrap_interval(np.mean, random.normal(size=100), resamples=300, seed=i)
        for i in range(400)
    ]

    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def test_the_bootstrap_is_scipys() -> None:
    """Two seeds of 20,000 draws differ by less than a hundredth of the interval's width."""
    values = np.random.default_rng(0).exponential(size=60)
    ours = metrics.bootstrap_interval(np.median, values, resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.median, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval

    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.02)


def test_the_same_seed_draws_the_same() -> None:
    one, same, other = (
        metrics.bootstrap_interval(np.mean, range(30), resamples=200, seed=seed)
        for seed in (3, 3, 4)
    )

    assert one == same != other


def test_draws_that_leave_the_metric_undefined_are_told() -> None:
    interval = metrics.bootstrap_interval(
        lambda s, t: metrics.average_precision(s, t).mean, [0.9, 0.1, 0.2], [1, 0, 0], resamples=300
    )

    assert re.fullmatch(
        r"percentile bootstrap of 300 draws, \d+ undefined ones left out", interval.method
    )


def test_a_metric_that_is_never_defined_has_no_interval() -> None:
    with pytest.raises(MetricError, match=r"^the metric is undefined \(NaN\) in all 100 draws$"):
        metrics.bootstrap_interval(lambda _: np.nan, [1, 2], resamples=100)


@pytest.mark.parametrize(
    ("samples", "resamples", "message"),
    [
        ((), 200, "a bootstrap needs samples: bootstrap_interval(metric, scores, truth)"),
        (([],), 200, "samples[0] is empty (shape (0,)): at least one sample is needed"),
        (([1],), 5, "resamples must be 100 to 1,000,000, got 5"),
        (
            ([1, 2], [1]),
            200,
            (
                "samples[0] has 2 samples and samples[1] has 1: they must be of the same samples in"
                " the same order"
            ),
        ),
    ],
)
def test_bootstraps_that_cannot_be(
    samples: tuple[list[int], ...], resamples: int, message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.bootstrap_interval(np.mean, *samples, resamples=resamples)


def test_the_spread_over_seeds_divides_by_one_less() -> None:
    spread = metrics.over_seeds([0.70, 0.72, 0.74])

    assert spread.mean == pytest.approx(np.mean(spread.values))
    assert spread.deviation == pytest.approx(np.std(spread.values, ddof=1))
    assert str(spread) == "0.7200 ± 0.0200 (3 seeds, 0.7000 to 0.7400)"


def test_one_seed_has_no_deviation() -> None:
    assert str(metrics.over_seeds([0.5])) == "0.5000 ± nan (1 seed, 0.5000 to 0.5000)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "over_seeds needs at least one value"),
        ([0.5, float("inf")], "1 of 2 values are not finite, the first at 1: inf"),
    ],
)
def test_spreads_that_cannot_be(values: list[float], message: str) -> None:
    with pytest.raises(MetricError, match=f"^{message}$"):
        metrics.over_seeds(values)
