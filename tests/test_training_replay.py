"""Stop rules on finished curves."""

from __future__ import annotations

import random
from dataclasses import fields
from math import nan

import pytest

from convkit import EarlyStopping
from convkit.errors import TrainingError
from convkit.training import Flatness, Smoothing

CURVE = [1.0, 0.8, 0.9, 0.9, 0.5, 0.6]


def test_a_replay_tells_stop_best_waste_and_what_was_missed() -> None:
    replay = EarlyStopping.replay(CURVE, [EarlyStopping(2, smoothing=None)])

    (row,) = replay.rows
    assert (row.stop_epoch, row.best_epoch, row.epochs_wasted) == (4, 2, 2)
    assert (row.best_value, row.loss_missed) == (0.8, pytest.approx(0.3))
    assert row.reason == "patience"


def test_the_loss_missed_is_of_the_raw_curve() -> None:
    rule = EarlyStopping(None, smoothing=Smoothing.moving_average(2))

    # means of two: 1, .9, .85, .9, .7, .55: the last is the best, and its raw loss is 0.6
    (row,) = EarlyStopping.replay(CURVE, {"mean": rule}).rows

    assert (row.name, row.best_epoch, row.best_value) == ("mean", 6, 0.6)
    assert row.loss_missed == pytest.approx(0.1)


def test_a_rule_that_never_stops_says_so() -> None:
    (row,) = EarlyStopping.replay(CURVE, [EarlyStopping(50)]).rows

    assert (row.stop_epoch, row.reason) == (6, "last epoch")


def test_accuracies_are_missed_upwards() -> None:
    rule = EarlyStopping(1, smoothing=None, monitor="validation_accuracy")

    (row,) = EarlyStopping.replay([0.5, 0.4, 0.9], [rule]).rows

    assert (row.best_value, row.loss_missed) == (0.5, pytest.approx(0.4))


def test_nan_is_missed_by_nobody() -> None:
    (row,) = EarlyStopping.replay([1.0, nan, 0.1], [EarlyStopping(5)]).rows

    assert (row.stop_epoch, row.best_epoch, row.reason) == (2, 1, "not finite")
    assert row.loss_missed == pytest.approx(0.9)


def test_replaying_leaves_a_rule_in_use_alone() -> None:
    rule = EarlyStopping(2)
    rule.update(3.0)

    EarlyStopping.replay(CURVE, [rule])

    assert rule.values == [3.0]


def test_two_rules_alike_have_a_row_each() -> None:
    assert len(EarlyStopping.replay(CURVE, [EarlyStopping(2), EarlyStopping(2)]).rows) == 2


def test_the_table_names_each_rule() -> None:
    rules = [EarlyStopping(2), EarlyStopping.count(3), EarlyStopping.savitzky_golay(5, 2)]

    assert EarlyStopping.replay(CURVE, rules).table().to_markdown().splitlines()[2:] == [
        "| patience 2, exponential mean, weight 0.6 | 4 | 2 | 2 | 0.3000 | patience |",
        "| patience 2, no smoothing | 4 | 2 | 2 | 0.3000 | patience |",
        (
            "| rising over 5, Savitzky-Golay, window 5, order 2, from 100 on "
            "| 6 | 6 | 0 | 0.1000 | last epoch |"
        ),
    ]


def test_rules_that_differ_in_anything_have_different_names() -> None:
    rules = {
        "patience": EarlyStopping(3),
        "smoothing": EarlyStopping(2, smoothing=0.5),
        "min_delta": EarlyStopping(2, min_delta=0.1),
        "relative": EarlyStopping(2, min_delta=0.1, relative=True),
        "first": EarlyStopping(2, first=3),
        "minimum": EarlyStopping(2, minimum=3),
        "flatness": EarlyStopping(2, flatness=Flatness(3)),
        "a relative flatness": EarlyStopping(2, flatness=Flatness(3, relative=True)),
        "rising": EarlyStopping(2, rising=3),
        "not_finite": EarlyStopping(2, not_finite="ignore"),
        "monitor": EarlyStopping(2, monitor="validation_accuracy"),
    }
    rows = EarlyStopping.replay(CURVE, [EarlyStopping(2), *rules.values()]).rows

    assert {f.name for f in fields(EarlyStopping) if f.init} <= set(rules)
    assert len({row.name for row in rows}) == len(rules) + 1
    assert [row.name for row in (rows[5], rows[-2], rows[-1])] == [
        "patience 2, exponential mean, weight 0.6, first value 3",
        "patience 2, exponential mean, weight 0.6, not finite ignored",
        "patience 2, exponential mean, weight 0.6, of the accuracy",
    ]


def test_every_row_follows_from_its_rule_on_random_curves() -> None:
    rng = random.Random(0)
    for _ in range(500):
        values = [rng.random() for _ in range(rng.randrange(1, 30))]
        patience = rng.randrange(1, 5)
        (row,) = EarlyStopping.replay(values, [EarlyStopping(patience, smoothing=None)]).rows
        seen = values[: row.stop_epoch]
        assert row.best_epoch == seen.index(min(seen)) + 1
        assert row.loss_missed == min(seen) - min(values)
        assert row.stop_epoch == min(row.best_epoch + patience, len(values))


def test_an_empty_curve_is_refused() -> None:
    message = "^there is nothing to replay: the curve has no values$"
    with pytest.raises(TrainingError, match=message):
        EarlyStopping.replay([], [EarlyStopping()])


def test_a_replay_is_drawn() -> None:
    figure = EarlyStopping.replay(CURVE, [EarlyStopping(2), EarlyStopping.count()]).plot()

    assert len(figure.axes) == 2
