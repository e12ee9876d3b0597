"""Confusion matrices, and the curves and bars of metrics."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from convkit import metrics, plots
from convkit.errors import PlotError
from convkit.plots._order import by_recall, clustered

COUNTS = np.array([[8, 2, 0], [1, 9, 0], [0, 5, 5]])


def random_counts(classes: int, seed: int = 0) -> np.ndarray:
    """A matrix with a strong diagonal."""
    rng = np.random.default_rng(seed)
    return rng.poisson(0.3, (classes, classes)) + np.diag(rng.integers(20, 60, classes))


def cells(figure) -> np.ndarray:
    """The values that are drawn."""
    return np.ma.filled(figure.axes[0].images[0].get_array(), 0)


@pytest.mark.parametrize(
    ("normalize", "expected"),
    [
        (None, COUNTS),
        ("truth", COUNTS / 10),
        ("prediction", COUNTS / np.array([9, 16, 5])),
        ("all", COUNTS / 30),
    ],
)
def test_cells_are_counts_or_shares(normalize: str | None, expected: np.ndarray) -> None:
    assert_allclose(cells(plots.confusion(COUNTS, normalize=normalize)), expected)


@pytest.mark.parametrize("normalize", ["truth", "prediction", "all"])
def test_shares_are_coloured_from_0_to_1(normalize: str) -> None:
    image = plots.confusion(COUNTS, normalize=normalize).axes[0].images[0]

    assert image.get_clim() == (0, 1)


def test_rows_are_the_truth() -> None:
    matrix = metrics.ConfusionMatrix(["cat", "dog"])
    matrix.update([1, 1, 0], [0, 0, 0])  # three cats, two taken for dogs
    figure = plots.confusion(matrix)

    assert cells(figure).tolist() == [[1, 2], [0, 0]]
    assert figure.axes[0].get_ylabel() == "true class"
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["cat", "dog"]


def test_a_class_without_samples_has_an_empty_row() -> None:
    figure = plots.confusion([[3, 1], [0, 0]], normalize="truth")

    assert cells(figure).tolist() == [[0.75, 0.25], [0, 0]]


def test_a_single_mistake_among_thousands_is_tinted() -> None:
    counts = [[100_000, 1], [0, 100_000]]
    image = plots.confusion(counts, normalize="truth").axes[0].images[0]
    colours = image.cmap(image.norm(image.get_array()))

    assert colours[0, 1, :3].tolist() != [1, 1, 1]
    assert colours[1, 0, :3].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("classes", "numbers"), [(2, True), (10, True), (101, False), (200, False)]
)
def test_numbers_are_hidden_when_they_no_longer_fit(classes: int, numbers: bool) -> None:
    figure = plots.confusion(random_counts(classes), normalize="truth")

    assert bool(figure.axes[0].texts) == numbers


@pytest.mark.parametrize("classes", [2, 10, 101, 200])
def test_class_names_do_not_run_into_each_other(classes: int) -> None:
    names = [f"a class called {index}" for index in range(classes)]
    figure = plots.confusion(random_counts(classes), class_names=names)
    figure.draw_without_rendering()
    for axis in (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()):
        boxes = [label.get_window_extent() for label in axis]
        overlaps = sum(
            a.x0 < b.x1 - 1 and b.x0 < a.x1 - 1 and a.y0 < b.y1 - 1 and b.y0 < a.y1 - 1
            for a, b in itertools.pairwise(boxes)
        )

        assert overlaps == 0
        assert min(label.get_fontsize() for label in axis) >= 5


def test_numbers_stay_inside_their_cells() -> None:
    figure = plots.confusion(COUNTS * 12_345)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    cell = np.ptp(axes.transData.transform([[0, 0], [1, 0]])[:, 0])

    assert all(text.get_window_extent().width < cell for text in axes.texts)


def test_differences_are_signed_about_white() -> None:
    image = plots.confusion(np.array([[2, -3], [0, 1]])).axes[0].images[0]

    assert image.get_clim() == (-3, 3)


def test_the_difference_of_two_matrices_is_drawn_in_shares_of_each() -> None:
    names = ("cat", "dog", "owl")
    before = metrics.ConfusionMatrix.from_counts([[2, 2, 0], [1, 3, 0], [0, 0, 0]], names)
    after = metrics.ConfusionMatrix.from_counts([[9, 1, 0], [2, 6, 0], [0, 1, 3]], names)
    figure = plots.confusion(after - before, normalize="truth")
    expected = np.array([[9, 1, 0], [2, 6, 0]]) / [[10], [8]] - np.array([[2, 2, 0], [1, 3, 0]]) / 4

    assert_allclose(cells(figure), [*expected, [0, 0, 0]])
    assert figure.axes[0].images[0].get_clim() == (-1, 1)
    assert len(figure.axes[0].texts) == 6  # of owls there were none before: nothing is said


def test_shares_of_small_floats_sum_to_one() -> None:
    figure = plots.confusion(np.array([[0.2, 0.2], [0.1, 0.3]]), normalize="truth")

    assert_allclose(cells(figure), [[0.5, 0.5], [0.25, 0.75]])


def test_by_recall_sets_a_class_without_samples_last() -> None:
    assert by_recall(np.array([[0, 0, 0], [1, 9, 0], [0, 5, 5]])).tolist() == [2, 1, 0]


def test_by_recall_sets_the_hardest_class_first() -> None:
    assert by_recall(COUNTS).tolist() == [2, 0, 1]


def test_clustered_is_an_order_of_all_classes() -> None:
    for seed in range(200):
        classes = 1 + seed % 12

        assert sorted(clustered(random_counts(classes, seed))) == list(range(classes))


def test_clustered_sets_the_most_confused_pair_side_by_side() -> None:
    for seed in range(200):
        counts = random_counts(9, seed)
        shares = counts / counts.sum(axis=1, keepdims=True)
        both = np.triu(shares + shares.T, k=1)
        one, other = np.unravel_index(both.argmax(), both.shape)
        order = clustered(counts).tolist()

        assert abs(order.index(one) - order.index(other)) == 1


def test_clustered_keeps_the_given_order_when_nothing_is_confused() -> None:
    assert clustered(np.diag([3, 4, 5])).tolist() == [0, 1, 2]


def test_cells_and_names_move_together() -> None:
    figure = plots.confusion(COUNTS, class_names=("a", "b", "c"), order="recall")

    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["c", "a", "b"]
    assert cells(figure).tolist() == [[5, 0, 5], [0, 8, 2], [0, 1, 9]]


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (np.zeros((2, 3)), {}, "a confusion matrix has shape (C, C), received (2, 3)"),
        (COUNTS, {"class_names": "ab"}, "3 classes need as many names, received 2"),
        (COUNTS, {"order": "size"}, "order is one of given, recall, clustered, received 'size'"),
        (
            COUNTS,
            {"normalize": "rows"},
            'normalize is None, "truth", "prediction" or "all", received \'rows\'',
        ),
        (
            np.array([[2, -3], [0, 1]]),
            {"normalize": "truth"},
            (
                "shares of negative counts mean nothing: give the difference of two "
                "convkit.metrics.ConfusionMatrix, or normalize=None"
            ),
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(matrix: object, options: dict, message: str) -> None:
    with pytest.raises(PlotError, match=f"^{re.escape(message)}$"):
        plots.confusion(matrix, **options)


def test_the_area_under_the_drawn_steps_is_the_average_precision() -> None:
    rng = np.random.default_rng(1)
    scores, truth = rng.random((60, 3)).round(1), rng.integers(0, 3, 60)
    curves = metrics.precision_recall_curve(scores, truth)
    axes = plots.precision_recall(curves).axes[0]
    expected = metrics.average_precision(scores, truth).per_class
    for line, value in zip(axes.lines, expected, strict=True):
        recall, precision = np.array(line.get_xdata()), np.array(line.get_ydata())
        area = float((np.diff(recall) * precision[1:]).sum())  # "pre": the later value holds

        assert line.get_drawstyle() == "steps-pre"
        assert_allclose(area, value, atol=1e-12)


def test_many_classes_are_a_cloud_with_the_least_and_the_greatest_named() -> None:
    curve = SimpleNamespace(precision=[0.5, 1.0], recall=[1.0, 0.0])
    values = np.linspace(0, 1, 101)
    figure = plots.precision_recall([curve] * 101, average_precision=values)
    named = [text.get_text() for text in figure.legends[0].get_texts()]

    assert named == ["0  0.000", "1  0.010", "2  0.020", "98  0.980", "99  0.990", "100  1.000"]
    assert len(figure.axes[0].lines) == 101


def test_counts_of_each_split_stand_in_their_own_panel() -> None:
    labels = {"train": [0, 0, 1], "validation": [1], "test": None}
    sets = SimpleNamespace(
        class_names=("cat", "dog"),
        **{
            split: None if values is None else SimpleNamespace(labels=np.array(values))
            for split, values in labels.items()
        },
    )
    figure = plots.class_counts(sets, total=True)

    assert [axes.get_ylabel() for axes in figure.axes] == ["all\n4", "train\n3", "validation\n1"]
    assert [bar.get_height() for bar in figure.axes[0].patches] == [2, 2]


def test_intervals_reach_from_low_to_high() -> None:
    figure = plots.bars({"v1": 0.5}, errors={"v1": (0.4, 0.7)})
    segment = figure.axes[0].collections[0].get_segments()[0]

    assert_allclose(segment[:, 0], [0.4, 0.7])


def test_a_search_fills_what_was_kept() -> None:
    trials = [{"setting": "lr", "value": lr, "result": lr, "kept": lr == 0.1} for lr in (0.01, 0.1)]
    dots = plots.search(trials).axes[0].lines[1:]

    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [True, False]
