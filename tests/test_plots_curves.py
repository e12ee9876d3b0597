"""Curves of training: what is drawn is what was measured."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from convkit import History, plots
from convkit.errors import PlotError
from convkit.plots._style import TRAINING, VALIDATION


def history_of(**columns: list[float]) -> dict[str, list[float]]:
    """A history with epochs."""
    rows = len(next(iter(columns.values())))
    return {"epoch": [float(row) for row in range(1, rows + 1)], **columns}


def lines_of(axes) -> dict[str, object]:
    """The lines of a panel by their labels."""
    return {line.get_label(): line for line in axes.lines}


FULL = history_of(
    training_loss=[2.0, 1.0, 0.5],
    validation_loss=[2.1, 1.2, 1.4],
    smoothed_validation_loss=[2.1, 1.5, 1.45],
    training_accuracy=[0.2, 0.6, 0.9],
    validation_accuracy=[0.1, 0.5, 0.4],
)


def test_losses_are_drawn_as_measured_and_accuracies_in_percent() -> None:
    loss, accuracy = plots.curves(FULL).axes
    lines = lines_of(loss)

    assert_allclose(lines["training"].get_ydata(), [2.0, 1.0, 0.5])
    assert_allclose(lines["validation"].get_ydata(), [2.1, 1.2, 1.4])
    assert_allclose(lines["validation, smoothed"].get_ydata(), [2.1, 1.5, 1.45])
    assert_allclose(lines_of(accuracy)["validation"].get_ydata(), [10, 50, 40])


def test_training_and_validation_have_one_colour_each_in_both_panels() -> None:
    for panel in plots.curves(FULL).axes:
        lines = lines_of(panel)

        assert lines["training"].get_color() == TRAINING
        assert lines["validation"].get_color() == VALIDATION


def test_measured_losses_are_paler_and_thinner_than_smoothed_ones() -> None:
    lines = lines_of(plots.curves(FULL).axes[0])
    raw, smoothed = lines["validation"], lines["validation, smoothed"]

    assert raw.get_linewidth() < smoothed.get_linewidth()
    assert raw.get_alpha() < smoothed.get_alpha() == 1.0


def test_a_loss_that_was_not_smoothed_is_drawn_once() -> None:
    same = {**FULL, "smoothed_validation_loss": FULL["validation_loss"]}
    lines = lines_of(plots.curves(same).axes[0])

    assert "validation, smoothed" not in lines
    assert lines["validation"].get_alpha() == 1.0


def test_the_best_and_the_last_epoch_are_marked_and_named() -> None:
    history = History()
    for epoch, loss in enumerate((1.0, 0.5, 0.7), start=1):
        history.append(epoch=epoch, step=10 * epoch, validation_loss=loss)
    figure = plots.curves(history)
    lines = lines_of(figure.axes[0])

    assert list(lines["best: epoch 2"].get_xdata()) == [2, 2]
    assert not any(str(label).startswith("end") for label in lines)


def test_the_reason_of_the_stop_stands_below() -> None:
    figure = plots.curves({**FULL, "best_epoch": 2, "stop_reason": "no improvement in 1 epoch"})

    assert figure.get_supxlabel() == "no improvement in 1 epoch"
    assert list(lines_of(figure.axes[0])["end: epoch 3"].get_xdata()) == [3, 3]


def test_validation_within_epochs_is_drawn_by_step() -> None:
    halves = {
        "epoch": [0.5, 1.0],
        "step": [351.0, 702.0],
        "validation_loss": [2.0, 1.0],
        "best_epoch": 1.0,
    }
    (axes,) = plots.curves(halves).axes

    assert axes.get_xlabel() == "training step"
    assert list(lines_of(axes)["validation"].get_xdata()) == [351, 702]
    assert list(lines_of(axes)["best: epoch 1"].get_xdata()) == [702, 702]


def test_step_losses_are_means_of_ten_with_a_band_of_one_deviation() -> None:
    losses = np.random.default_rng(0).normal(2, 0.5, 95).tolist()
    history = {"epoch": [1.0], "step": [95.0], "validation_loss": [2.0], "step_losses": losses}
    (axes,) = plots.curves(history, by="step", steps=True).axes
    line = lines_of(axes)["training, mean of 10 steps ± deviation"]
    groups = [losses[start : start + 10] for start in range(0, 90, 10)]
    means = [sum(group) / 10 for group in groups]
    deviations = [
        math.sqrt(sum((x - mean) ** 2 for x in group) / 10)
        for group, mean in zip(groups, means, strict=True)
    ]
    band = axes.collections[0].get_paths()[0].vertices[:, 1]

    assert_allclose(line.get_ydata(), means)
    assert_allclose(line.get_xdata(), range(10, 100, 10))
    assert_allclose(band.max(), max(m + d for m, d in zip(means, deviations, strict=True)))
    assert_allclose(band.min(), min(m - d for m, d in zip(means, deviations, strict=True)))


def test_fewer_than_ten_steps_are_one_mean() -> None:
    history = {"epoch": [1.0], "step": [4.0], "step_losses": [4.0, 2.0, 1.0, 1.0]}
    (axes,) = plots.curves(history, by="step", steps=True).axes

    assert list(lines_of(axes)["training, mean of 4 steps ± deviation"].get_ydata()) == [2.0]


def test_a_loss_that_is_not_finite_is_a_gap() -> None:
    broken = history_of(training_loss=[1.0, float("nan"), float("inf")], validation_loss=[1, 2, 3])
    drawn = lines_of(plots.curves(broken).axes[0])["training"].get_ydata()

    assert np.isfinite(drawn).tolist() == [True, False, False]


def test_a_logarithmic_axis_has_plain_numbers() -> None:
    figure = plots.curves(history_of(training_loss=[10.0, 0.1]), log=True)
    figure.draw_without_rendering()
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels() if label.get_text()]

    assert figure.axes[0].get_yscale() == "log"
    assert {"0.1", "1", "10"} <= set(shown)


def test_one_epoch_is_a_dot() -> None:
    (axes,) = plots.curves(history_of(training_loss=[2.0])).axes

    assert lines_of(axes)["training"].get_marker() == "o"


def test_epochs_are_whole_numbers_on_the_axis() -> None:
    figure = plots.curves(history_of(training_loss=[2.0, 1.0]))
    figure.draw_without_rendering()

    assert all(float(place).is_integer() for place in figure.axes[0].get_xticks())


@pytest.mark.parametrize(
    ("history", "options", "message"),
    [
        ({}, {}, "the history has no epoch to draw: it has no row, or no column 'epoch'"),
        (
            {"epoch": [1.0]},
            {},
            "the history has neither training_loss nor validation_loss to draw",
        ),
        (
            history_of(training_loss=[1.0]),
            {"by": "batch"},
            'by is "auto", "epoch" or "step", received \'batch\'',
        ),
        (
            history_of(training_loss=[1.0]),
            {"steps": True},
            "the history has no step_losses: draw it with steps=False",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(history: dict, options: dict, message: str) -> None:
    with pytest.raises(PlotError, match=f"^{re.escape(message)}$"):
        plots.curves(history, **options)


def test_runs_differ_in_colour_and_kinds_in_line() -> None:
    loss = plots.compare_curves({"relu": FULL, "tanh": FULL}).axes[0]
    styles = {(line.get_color(), line.get_linestyle()) for line in loss.lines}

    assert len(styles) == 4
    assert {line.get_gid() for line in loss.lines} == {
        f"run-{run}-0-{kind}" for run in (0, 1) for kind in ("training", "validation")
    }


def test_ten_runs_can_be_told_apart() -> None:
    loss = plots.compare_curves({str(run): FULL for run in range(10)}, training=False).axes[0]

    assert len({(line.get_color(), line.get_marker()) for line in loss.lines}) == 10


def test_compared_runs_are_drawn_smoothed_with_a_dot_at_the_best_epoch() -> None:
    loss = plots.compare_curves({"a": {**FULL, "best_epoch": 2}}, training=False).axes[0]
    line, dot = loss.lines

    assert_allclose(line.get_ydata(), [2.1, 1.5, 1.45])
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (2.0, 1.5)


def test_a_replay_shows_each_rule_from_its_best_to_its_stop() -> None:
    rules = [
        SimpleNamespace(name="patience 1", stop_epoch=3, best_epoch=2, smoothed=[3, 1, 2]),
        SimpleNamespace(name="never", stop_epoch=4, best_epoch=None, smoothed=[]),
    ]
    above, below = plots.replay(SimpleNamespace(values=[3, 1, 2, 2], rows=rules)).axes

    assert list(below.lines[0].get_xdata()) == [2, 3]
    assert list(below.lines[3].get_xdata()) == [4, 4]
    assert_allclose(above.lines[1].get_ydata(), [3, 1, 2])
