"""The confusion matrix: rows are the truth, always C x C, refused batches leave nothing behind."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from convkit import metrics
from convkit.errors import MetricError

PREDICTED, TRUTH = [0, 1, 1, 2, 0, 0], [0, 0, 1, 2, 2, 2]
COUNTS = [[1, 1, 0], [0, 1, 0], [2, 0, 1]]


@pytest.mark.parametrize(
    "form",
    [
        list,
        tuple,
        np.array,
        torch.tensor,
        lambda x: np.array(x, dtype=np.uint8),
        lambda x: torch.tensor(x, dtype=torch.int32),
        lambda x: np.array(x)[::-1][::-1],
        lambda x: [torch.tensor(value) for value in x],
    ],
)
def test_rows_are_the_truth_whatever_holds_the_labels(form: type) -> None:
    matrix = metrics.confusion_matrix(form(PREDICTED), form(TRUTH), num_classes=3)

    assert matrix.counts.tolist() == COUNTS
    assert matrix.counts.dtype == np.int64


def test_labels_of_read_only_memory_are_counted() -> None:
    predicted = np.array(PREDICTED)
    predicted.setflags(write=False)

    assert metrics.confusion_matrix(predicted, TRUTH, 3).counts.tolist() == COUNTS


def test_classes_that_never_occur_keep_their_row_and_column() -> None:
    assert metrics.confusion_matrix([1], [1], num_classes=4).counts.shape == (4, 4)


def test_scores_predict_the_first_of_their_greatest() -> None:
    scores = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.2, 0.1, 0.7]])

    matrix = metrics.confusion_matrix(scores, [0, 1, 2], num_classes=3)

    assert matrix.accuracy == 1.0


def test_batches_add_up_without_a_matrix_for_each() -> None:
    matrix = metrics.ConfusionMatrix(3)
    for predicted, truth in zip(PREDICTED, TRUTH, strict=True):
        matrix.update([predicted], [truth])

    assert matrix.counts.tolist() == COUNTS
    assert matrix.total == 6


def test_few_and_many_labels_are_counted_alike() -> None:
    """Batches smaller and larger than the matrix take different ways."""
    random = np.random.default_rng(0)
    predicted, truth = random.integers(0, 40, (2, 5000))
    whole, parts = metrics.ConfusionMatrix(40), metrics.ConfusionMatrix(40)
    whole.update(predicted, truth)
    for i in range(0, 5000, 250):
        parts.update(predicted[i : i + 250], truth[i : i + 250])

    assert np.array_equal(whole.counts, parts.counts)


def test_a_batch_does_not_touch_the_whole_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `np.bincount` would make a C x C of each batch; small batches do without."""
    matrix = metrics.ConfusionMatrix(1000)
    monkeypatch.setattr(np, "bincount", None)
    matrix.update(np.arange(256), np.arange(256))

    assert matrix.total == 256


def test_counts_are_a_copy() -> None:
    matrix = metrics.confusion_matrix(PREDICTED, TRUTH, 3)
    matrix.counts[0, 0] = 99

    assert matrix.counts.tolist() == COUNTS


@pytest.mark.parametrize(
    ("predicted", "truth", "message"),
    [
        (
            [0, 3, 5],
            [0, 1, 2],
            ("predicted: 2 of 3 labels lie outside 0 to 2, the first at sample 1: 3"),
        ),
        (
            [0, 1, 2],
            [0, 1, -1],
            ("truth: 1 of 3 labels lie outside 0 to 2, the first at sample 2: -1"),
        ),
        (
            [0, 1],
            [0, 1, 2],
            (
                "predicted has 2 samples and truth has 3: they must be of the same samples"
                " in the same order"
            ),
        ),
        ([], [], "truth is empty (shape (0,)): at least one sample is needed"),
        ([0.0], [0], "predicted must be whole numbers (class indices), got float64"),
        (0, [0], "predicted must have the shape (N,), got ()"),
        (
            [[0.1, 0.9]],
            [0],
            "predicted must be class indices (N,) or scores (N, 3), got (1, 2)",
        ),
        (["cat"], [0], "predicted must be whole or real numbers of at most 64 bits, got <U3"),
        (
            [[0.1, float("nan"), float("inf")]],
            [0],
            (
                "predicted: 2 of 3 values are not finite (1 NaN, 1 infinite),"
                " the first at sample 0, class 1: nan"
            ),
        ),
    ],
)
def test_a_refused_batch_says_why_and_changes_nothing(
    predicted: list[int], truth: list[int], message: str
) -> None:
    matrix = metrics.confusion_matrix(PREDICTED, TRUTH, 3)

    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        matrix.update(predicted, truth)
    assert matrix.counts.tolist() == COUNTS


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (0, "the number of classes must be 1 to 1,000,000, got 0"),
        ([], "the number of classes must be 1 to 1,000,000, got 0"),
        (["a", "b", "a"], "the class name 'a' occurs more than once"),
        ("cat", "classes must be class names or their number, got 'cat'"),
        (20_000, "a confusion matrix takes at most 10,000 classes, got 20,000"),
    ],
)
def test_classes_that_cannot_be(classes: object, message: str) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.ConfusionMatrix(classes)  # type: ignore[arg-type]  # that is what is tested


def test_merging_matrices_of_other_classes_is_refused() -> None:
    message = "the matrices are of other classes: 2 (cat, dog) and 2 (dog, cat)"

    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.ConfusionMatrix(["cat", "dog"]).merge(metrics.ConfusionMatrix(["dog", "cat"]))


def test_merging_a_matrix_into_itself_doubles_it() -> None:
    matrix = metrics.confusion_matrix(PREDICTED, TRUTH, 3)

    assert matrix.merge(matrix).counts.tolist() == (2 * np.array(COUNTS)).tolist()


def test_a_matrix_comes_back_from_its_counts() -> None:
    matrix = metrics.ConfusionMatrix.from_counts(COUNTS, ["a", "b", "c"])

    assert matrix.counts.tolist() == COUNTS
    assert matrix.class_names == ("a", "b", "c")
    assert metrics.ConfusionMatrix.from_counts(torch.tensor(COUNTS)).class_names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[1, 2]], "counts must be whole numbers (C, C), got int64 (1, 2)"),
        ([[0.5]], "counts must be whole numbers (C, C), got float64 (1, 1)"),
        ([[1, -1], [0, 1]], "counts must be 2 x 2 and not negative, got (2, 2) with the least -1"),
    ],
)
def test_counts_that_cannot_be(counts: object, message: str) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.ConfusionMatrix.from_counts(counts, 2)  # type: ignore[arg-type]  # tested


def test_a_name_that_is_no_normalization_is_refused() -> None:
    message = "normalized by 'truth', 'prediction' or 'all', got 'rows'"

    with pytest.raises(MetricError, match=f"^{message}$"):
        metrics.ConfusionMatrix(2).normalized("rows")  # type: ignore[arg-type]  # tested


def test_before_the_first_sample_the_accuracy_is_undefined() -> None:
    assert np.isnan(metrics.ConfusionMatrix(2).accuracy)
    assert np.isnan(metrics.ConfusionMatrix(2).normalized("all")).all()


def test_most_confused_pairs_are_ordered_by_count_then_class() -> None:
    matrix = metrics.ConfusionMatrix.from_counts([[5, 2, 2], [0, 1, 3], [2, 0, 9]])

    pairs = [(c.truth, c.predicted, c.count) for c in matrix.most_confused(10)]

    assert pairs == [(1, 2, 3), (0, 1, 2), (0, 2, 2), (2, 0, 2)]
    assert matrix.most_confused(1)[0].share == 0.75
    assert matrix.most_confused(0) == ()


def test_the_printed_matrix_names_its_classes() -> None:
    matrix = metrics.ConfusionMatrix.from_counts([[2, 1], [0, 3]], ["cat", "dog"])

    assert str(matrix) == (
        "accuracy 0.8333 of 6 samples, 2 classes\n"
        "truth \\ predicted   cat   dog\n"
        "─────────────────────────────\n"
        "cat                   2     1\n"
        "dog                   0     3"
    )
    assert repr(matrix) == "<ConfusionMatrix of 2 classes, 6 samples>"


def test_a_wide_matrix_is_told_by_its_confusions() -> None:
    matrix = metrics.confusion_matrix([1, 1, 2], [0, 0, 2], num_classes=30)

    assert str(matrix) == (
        "accuracy 0.3333 of 3 samples, 30 classes\n0 taken for 1: 2 (100.0 % of 0)"
    )


def test_the_difference_is_after_minus_before() -> None:
    before = metrics.ConfusionMatrix.from_counts([[2, 2], [1, 3]], ["cat", "dog"])
    after = metrics.ConfusionMatrix.from_counts([[6, 2], [2, 6]], ["cat", "dog"])

    change = after - before

    assert change.counts.tolist() == [[4, 0], [1, 3]]
    assert change.normalized("truth").tolist() == [[0.25, -0.25], [0.0, 0.0]]
    assert change.largest() == ((0, 1), (0, 0))
    assert change.normalized("prediction")[0].tolist() == [6 / 8 - 2 / 3, 2 / 8 - 2 / 5]
    assert str(before - before) == "no change"


def test_a_difference_prints_no_control_character_of_a_name() -> None:
    before = metrics.ConfusionMatrix.from_counts([[1, 1], [0, 2]], ["a\x1b[31m", "b"])
    after = metrics.ConfusionMatrix.from_counts([[2, 0], [0, 2]], ["a\x1b[31m", "b"])

    assert "\x1b" not in str(after - before)


def test_the_samples_of_a_cell_are_those_that_it_counts() -> None:
    matrix = metrics.confusion_matrix(PREDICTED, TRUTH, 3)

    samples = metrics.samples_of_cell(PREDICTED, TRUTH, true_class=2, predicted_class=0)

    assert samples.tolist() == [4, 5]
    assert len(samples) == matrix.counts[2, 0]


def test_a_million_counts_are_exact() -> None:
    """Past 2**24 a float32 count would stand still."""
    matrix = metrics.ConfusionMatrix.from_counts([[2**53, 0], [0, 1]])
    matrix.update([0], [0])

    assert matrix.counts[0, 0] == 2**53 + 1


def test_a_matrix_is_drawn_with_its_class_names() -> None:
    figure = metrics.ConfusionMatrix.from_counts([[2, 1], [0, 3]], ["cat", "dog"]).plot(
        normalize="truth"
    )

    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["cat", "dog"]
