"""The stop rule, driven with written-out lists."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from math import inf, isnan, nan
from typing import Any

import pytest
from scipy.signal import savgol_filter

from convkit import EarlyStopping
from convkit.errors import TrainingError
from convkit.training import Flatness, Smoothing, StopReason


def stop_epoch(rule: EarlyStopping, values: list[float]) -> int | None:
    """After which value, from 1, the rule ends training."""
    rule.reset()
    return next((n for n, v in enumerate(values, 1) if rule.update(v).should_stop), None)


TABLE = [
    # raw 1.0 0.8 0.9 0.85 0.7 0.75 0.74 0.73: best 5, three without improvement at 8
    (EarlyStopping(3, smoothing=None), 8, 5),
    # two without improvement after the second
    (EarlyStopping(2, smoothing=None), 4, 2),
    # the improvement of 0.8 to 0.7 is not more than 0.15: three in a row after the second value
    (EarlyStopping(3, smoothing=None, min_delta=0.15), 5, 5),
    # 10 percent of 0.8 is 0.08: 0.7 is enough
    (EarlyStopping(3, smoothing=None, min_delta=0.1, relative=True), 8, 5),
    # means of two: 1, .9, .85, .875, .775, .725, .745, .735
    (EarlyStopping(2, smoothing=Smoothing.moving_average(2)), 8, 6),
    # medians of three: 1, .9, .9, .85, .85, .75, .74, .74
    (EarlyStopping(2, smoothing=Smoothing.median(3)), None, 7),
    # the first two do not count: .9 is the reference, .85 and .7 improve
    (EarlyStopping(2, smoothing=None, first=3), 7, 5),
    # patience would end it at 4, but not before 6
    (EarlyStopping(2, smoothing=None, minimum=6), 7, 5),
]
VALUES = [1.0, 0.8, 0.9, 0.85, 0.7, 0.75, 0.74, 0.73]


@pytest.mark.parametrize(("rule", "stop", "best"), TABLE)
def test_stop_and_best_epoch_equal_the_hand_computed_table(
    rule: EarlyStopping, stop: int | None, best: int
) -> None:
    assert (stop_epoch(rule, VALUES), rule.best_index) == (stop, best)


def test_the_default_rule_smooths_exponentially_with_0_6() -> None:
    rule = EarlyStopping()
    for value in VALUES:
        rule.update(value)

    # m = .6 m + .4 x from 0, divided by 1 - .6**t
    mean, expected = 0.0, []
    for t, value in enumerate(VALUES, 1):
        mean = 0.6 * mean + 0.4 * value
        expected.append(mean / (1 - 0.6**t))
    assert rule.smoothed == pytest.approx(expected, abs=1e-15)


def test_a_tie_goes_to_the_earlier_epoch() -> None:
    rule = EarlyStopping(5, smoothing=None)

    improved = [rule.update(value).improved for value in [1.0, 0.5, 0.5, 0.5]]

    assert (improved, rule.best_index) == ([True, True, False, False], 2)


def test_a_stop_tells_the_last_improvement_that_counted_beside_a_newer_best() -> None:
    rule = EarlyStopping(3, smoothing=None, min_delta=0.01, relative=True)
    for value in (1.0, 0.5, 0.499, 0.498, 0.497):
        decision = rule.update(value)

    assert str(decision.stop) == (
        "no improvement in 3 validations by more than min_delta, since 0.5 at validation 2: "
        "the best is 0.497 at validation 5"
    )


def test_the_best_epoch_may_improve_by_less_than_min_delta() -> None:
    rule = EarlyStopping(3, smoothing=None, min_delta=0.5)
    decisions = [rule.update(value) for value in [1.0, 0.9, 0.8, 0.7]]

    assert [d.waited for d in decisions] == [0, 1, 2, 3]
    assert (rule.best_index, decisions[-1].should_stop) == (4, True)


def test_a_relative_min_delta_works_for_losses_below_zero() -> None:
    rule = EarlyStopping(2, smoothing=None, min_delta=0.1, relative=True)

    # from -1.0 an improvement lies below -1.1
    assert [rule.update(v).waited for v in [-1.0, -1.05, -1.2, -1.3]] == [0, 1, 0, 1]


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_value_that_is_not_finite_ends_training(value: float) -> None:
    rule = EarlyStopping(5)
    rule.update(1.0)

    decision = rule.update(value)

    assert decision.reason == StopReason.NOT_FINITE == "not finite"
    assert str(decision.stop) == f"the validation loss of validation 2 is {value}"
    assert not decision.improved
    assert rule.best_index == 1


def test_a_value_that_is_not_finite_can_be_passed_over() -> None:
    rule = EarlyStopping(3, smoothing=Smoothing.moving_average(2), not_finite="ignore")

    decisions = [rule.update(value) for value in [1.0, nan, 0.8, -inf, inf]]

    assert [d.waited for d in decisions] == [0, 1, 0, 1, 2]
    assert isnan(rule.smoothed[1])
    assert rule.smoothed[2] == 0.9  # the mean of 1.0 and 0.8: NaN never enters
    assert rule.best_index == 3


def test_patience_counts_from_the_start_when_nothing_is_finite() -> None:
    rule = EarlyStopping(2, not_finite="ignore")

    assert [rule.update(nan).should_stop for _ in range(2)] == [False, True]
    assert str(rule.stop) == "no improvement in 2 validations: none of them is finite"
    assert rule.best_index is None
    assert isnan(rule.best)


def test_the_reason_is_a_value_and_a_sentence() -> None:
    rule = EarlyStopping(1, smoothing=None)
    rule.update(0.5)

    decision = rule.update(0.75)

    assert decision.reason is StopReason.PATIENCE
    assert str(decision.stop) == ("no improvement in 1 validation: the best is 0.5 at validation 1")


def test_of_accuracies_the_greatest_is_the_best() -> None:
    rule = EarlyStopping(2, smoothing=None, monitor="validation_accuracy")

    assert stop_epoch(rule, [0.5, 0.7, 0.6, 0.7]) == 4
    assert (rule.best_index, rule.best, rule.smoothed) == (2, 0.7, [0.5, 0.7, 0.6, 0.7])


def test_no_patience_never_ends() -> None:
    assert stop_epoch(EarlyStopping(None), [1.0] * 500) is None


# --- flatness --------------------------------------------------------------------------------


def test_a_flat_curve_ends_training() -> None:
    rule = EarlyStopping(None, smoothing=None, flatness=Flatness(3, tolerance=0.15))

    # slopes of the last three: -.5, -.3, -.125
    assert stop_epoch(rule, [2.0, 1.5, 1.0, 0.9, 0.75]) == 5
    assert str(rule.stop) == (
        "the smoothed validation loss improved by 0.125 per validation over the last 3, "
        "less than 0.15"
    )


def test_a_rising_curve_is_flatter_than_flat() -> None:
    rule = EarlyStopping(None, smoothing=None, flatness=Flatness(2, tolerance=0.0))

    assert stop_epoch(rule, [1.0, 0.5, 0.4, 0.41]) == 4


def test_a_relative_tolerance_is_a_share_of_the_best() -> None:
    rule = EarlyStopping(None, smoothing=None, flatness=Flatness(2, tolerance=0.1, relative=True))

    # falls of 20 and 1 percent
    assert stop_epoch(rule, [100.0, 80.0, 79.0]) == 3


# --- the rules of courses --------------------------------------------------------------------


def test_the_count_rule_is_the_literal_one_on_random_curves() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        count = rng.randrange(2, 7)
        values = [rng.randrange(6) / 2 for _ in range(30)]
        literal = next(
            (
                end
                for end in range(count, 31)
                if values[end - count] == min(values[end - count : end])
            ),
            None,
        )
        assert stop_epoch(EarlyStopping.count(count), values) == literal


def test_the_savitzky_golay_rule_is_the_literal_one_on_random_curves() -> None:
    rng = random.Random(1)
    for _ in range(20):
        level = [2.5 * 0.98**n + 0.002 * n for n in range(220)]
        values = [v + rng.gauss(0, 0.05) for v in level]
        literal = None
        for end in range(100, 221):
            smooth = savgol_filter(values[:end], 55, 2)
            if smooth[-1] > smooth[-5]:
                literal = end
                break
        rule = EarlyStopping.savitzky_golay()
        assert stop_epoch(rule, values) == literal
        assert literal is not None
        assert rule.stop is not None
        assert rule.stop.reason == StopReason.RISING


# --- cutting and going on --------------------------------------------------------------------

RULES: dict[str, Any] = {
    "patience": lambda: EarlyStopping(3, min_delta=0.01, relative=True),
    "ignore": lambda: EarlyStopping(3, not_finite="ignore", smoothing=Smoothing.median(3)),
    "flat": lambda: EarlyStopping(None, flatness=Flatness(4, 0.02), first=3),
    "count": EarlyStopping.count,
    "savitzky-golay": lambda: EarlyStopping.savitzky_golay(7, 2, minimum=9, rising=3),
}


@pytest.mark.parametrize("name", RULES)
def test_cut_after_any_value_the_rule_goes_on_alike(name: str) -> None:
    rng = random.Random(3)
    values = [2 / (n + 1) + rng.gauss(0, 0.1) for n in range(25)]
    if name == "ignore":
        values[4] = nan
    whole = RULES[name]()
    expected = [whole.update(value) for value in values]

    for cut in range(len(values)):
        first, second = RULES[name](), RULES[name]()
        decisions = [first.update(value) for value in values[:cut]]
        second.load_state_dict(first.state_dict())
        decisions += [second.update(value) for value in values[cut:]]
        assert repr(decisions) == repr(expected)
        assert repr(second.smoothed) == repr(whole.smoothed)


def test_a_rule_is_plain_python() -> None:
    code = "import sys; from convkit import EarlyStopping, History; print('torch' in sys.modules)"
    run = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert run.stdout == "False\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patience": 0}, "patience is a whole number from 1 on or None, not 0"),
        ({"min_delta": -0.1}, "min_delta is 0 or above, not -0.1"),
        ({"first": 0}, "first is a whole number from 1 on, not 0"),
        ({"rising": 1}, "rising is a whole number from 2 on or None, not 1"),
        ({"not_finite": "raise"}, "not_finite is 'stop' or 'ignore', not 'raise'"),
        (
            {"monitor": "loss"},
            "monitor is 'validation_loss' or 'validation_accuracy', not 'loss'",
        ),
        ({"smoothing": 1.5}, "the weight of exponential smoothing lies from 0 to below 1, not 1.5"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        EarlyStopping(**arguments)
