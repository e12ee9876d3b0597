"""Smoothing against hand-computed lists, SciPy and literal formulas."""

from __future__ import annotations

import os
import random
import re
from fractions import Fraction
from statistics import median

import numpy as np
import pytest
from scipy.signal import savgol_filter

from convkit.errors import TrainingError
from convkit.training import Smoothing

CASES = 3000 if os.environ.get("CONVKIT_MANY_CASES") else 300


def test_no_smoothing_gives_the_values_back() -> None:
    assert Smoothing.none().causal([3.0, 1.0, 2.0]) == [3.0, 1.0, 2.0]


def test_exponential_is_the_hand_computed_debiased_mean() -> None:
    # weight 0.5: m = 2, 2, 2.5; divided by 1/2, 3/4, 7/8
    smoothed = Smoothing.exponential(0.5).causal([4.0, 2.0, 3.0])

    assert smoothed == [4.0, pytest.approx(8 / 3, abs=1e-15), pytest.approx(20 / 7, abs=1e-15)]


def test_exponential_of_a_constant_is_the_constant() -> None:
    assert Smoothing.exponential(0.9).causal([0.7] * 50) == pytest.approx([0.7] * 50, abs=1e-15)


def test_exponential_of_weight_zero_is_no_smoothing() -> None:
    assert Smoothing.exponential(0.0).causal([3.0, 1.0]) == [3.0, 1.0]


def test_moving_average_takes_fewer_values_at_the_start() -> None:
    assert Smoothing.moving_average(3).causal([6.0, 2.0, 1.0, 3.0]) == [6.0, 4.0, 3.0, 2.0]


def test_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    assert Smoothing.median(4).causal([5.0, 1.0, 9.0, 3.0, 2.0]) == [5.0, 3.0, 5.0, 4.0, 2.5]


def test_savitzky_golay_of_five_points_has_the_published_weights() -> None:
    # Savitzky and Golay (1964): quadratic, five points, (-3, 12, 17, 12, -3) / 35 in the middle.
    for position, weight in enumerate([-3, 12, 17, 12, -3]):
        values = [float(i == position) for i in range(5)]
        assert Smoothing.savitzky_golay(5, 2).curve(values)[2] == pytest.approx(weight / 35)


def test_savitzky_golay_leaves_a_polynomial_of_its_order_alone() -> None:
    values = [0.5 * x**3 - 2 * x**2 + 1 for x in range(30)]

    assert Smoothing.savitzky_golay(7, 3).curve(values) == pytest.approx(values, abs=1e-9)


def test_savitzky_golay_equals_scipy_on_random_curves() -> None:
    rng = random.Random(0)
    for _ in range(CASES):
        window = 2 * rng.randrange(1, 30) + 1
        order = rng.randrange(min(window, 4))
        values = [rng.gauss(0, 1) for _ in range(window + rng.randrange(80))]

        curve = Smoothing.savitzky_golay(window, order).curve(values)

        assert curve == pytest.approx(savgol_filter(values, window, order).tolist(), abs=1e-10)


def test_causal_savitzky_golay_is_the_end_of_scipys_curve_so_far() -> None:
    rng = random.Random(1)
    values = [rng.gauss(0, 1) for _ in range(90)]

    causal = Smoothing.savitzky_golay(55, 2).causal(values)

    for end in range(55, 91):
        assert causal[end - 1] == pytest.approx(savgol_filter(values[:end], 55, 2)[-1], abs=1e-12)


def test_savitzky_golay_below_its_window_is_one_polynomial_through_all() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0]

    curve = Smoothing.savitzky_golay(9, 2).curve(values)

    fitted = np.polyval(np.polyfit(range(6), values, 2), range(6))
    assert curve == pytest.approx(fitted.tolist(), abs=1e-12)


def test_high_orders_stay_exact_where_a_power_basis_would_not() -> None:
    values = [float(x % 7) for x in range(31)]
    powers = np.array([[float(Fraction(x - 15, 15) ** k) for k in range(11)] for x in range(31)])
    fitted = powers @ np.linalg.lstsq(powers, np.array(values), rcond=None)[0]

    assert Smoothing.savitzky_golay(31, 10).curve(values) == pytest.approx(
        fitted.tolist(), abs=1e-9
    )


@pytest.mark.parametrize("window", [1, 2, 5])
def test_median_and_average_equal_their_definitions_on_random_curves(window: int) -> None:
    rng = random.Random(window)
    values = [rng.gauss(0, 1) for _ in range(200)]
    windows = [values[max(0, end - window) : end] for end in range(1, 201)]

    assert Smoothing.median(window).causal(values) == [median(w) for w in windows]
    assert Smoothing.moving_average(window).causal(values) == pytest.approx(
        [float(np.mean(w)) for w in windows]
    )


@pytest.mark.parametrize(
    "smoothing",
    [
        Smoothing.none(),
        Smoothing.exponential(0.8),
        Smoothing.moving_average(4),
        Smoothing.median(3),
        Smoothing.savitzky_golay(7, 2),
    ],
    ids=lambda smoothing: smoothing.kind,
)
def test_a_causal_value_never_depends_on_later_ones(smoothing: Smoothing) -> None:
    rng = random.Random(2)
    values = [rng.gauss(0, 1) for _ in range(40)]
    whole = smoothing.causal(values)

    for end in range(1, 41):
        assert smoothing.causal(values[:end]) == whole[:end]
        assert smoothing.last(values[:end]) == whole[end - 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Smoothing.exponential(1.0),
            "the weight of exponential smoothing lies from 0 to below 1, not 1.0",
        ),
        (lambda: Smoothing.moving_average(0), "a window holds at least one value, not 0"),
        (
            lambda: Smoothing.savitzky_golay(54, 2),
            "the window of Savitzky-Golay is an odd number, not 54: use 55",
        ),
        (
            lambda: Smoothing.savitzky_golay(3, 3),
            "the order of Savitzky-Golay lies from 0 to below its window 3, not 3",
        ),
    ],
)
def test_a_smoothing_that_cannot_be_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        make()
