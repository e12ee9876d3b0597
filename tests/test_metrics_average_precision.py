"""Average precision: its rules, by hand; thousands of random problems stand in another file."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from convkit import metrics
from convkit.errors import MetricError
from convkit.metrics import UndefinedClassWarning

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_value_of_the_coursework() -> None:
    ap = metrics.average_precision([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])

    assert ap.per_class.tolist() == [(1 + 2 / 3) / 2]


def test_equal_scores_are_one_threshold() -> None:
    """All equal: one threshold, at which precision is the share of positives."""
    assert metrics.average_precision([0.5] * 4, [1, 0, 0, 0]).mean == 0.25


def test_one_sample_and_one_class_are_perfect() -> None:
    assert metrics.average_precision([[0.3]], [0]).mean == 1.0


def test_float64_scores_that_float32_would_make_equal_are_told_apart() -> None:
    above = np.nextafter(0.5, 1.0)

    assert metrics.average_precision([above, 0.5], [1, 0]).mean == 1.0
    assert metrics.average_precision([0.5, above], [1, 0]).mean == 0.5
    assert metrics.average_precision(np.float32([above, 0.5]), [1, 0]).mean == 0.5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_measured_as_it_is(dtype: torch.dtype) -> None:
    scores = torch.rand(300, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    truth = torch.arange(300) % 4

    half = metrics.average_precision(scores, truth).per_class
    assert np.array_equal(half, metrics.average_precision(scores.double(), truth).per_class)


def test_whole_numbers_beyond_float64_are_told_apart() -> None:
    assert metrics.average_precision(np.array([2**53 + 1, 2**53]), [1, 0]).mean == 1.0
    assert metrics.average_precision(np.array([2**53, 2**53 + 1]), [1, 0]).mean == 0.5


def test_negative_and_positive_zero_are_equal_scores() -> None:
    assert metrics.average_precision([-0.0, 0.0], [1, 0]).mean == 0.5


def test_scores_of_any_scale_and_sign_are_ranked() -> None:
    scores = np.array([-3e300, -1e-300, 0.0, 5e-324, 2.0, 3e300])

    assert metrics.average_precision(scores, [0, 0, 0, 1, 1, 1]).mean == 1.0


@pytest.mark.parametrize(
    "form",
    [
        np.ndarray.tolist,
        torch.from_numpy,
        np.asfortranarray,
        lambda s: torch.from_numpy(s).requires_grad_(),
    ],
)
def test_lists_tensors_and_strided_arrays_give_the_same(form: type) -> None:
    scores = np.random.default_rng(0).random((50, 3))
    truth = np.arange(50) % 3

    expected = metrics.average_precision(scores, truth).per_class
    assert np.array_equal(metrics.average_precision(form(scores), truth).per_class, expected)  # type: ignore[arg-type]  # each form is a callable


def test_the_scores_given_are_not_changed() -> None:
    scores = np.random.default_rng(0).random((50, 1))
    before = scores.copy()
    metrics.average_precision(scores, np.zeros(50, dtype=int))

    assert np.array_equal(scores, before)


def test_samples_may_be_of_several_classes() -> None:
    marks = np.array([[1, 1], [0, 1], [0, 0]])

    ap = metrics.average_precision([[0.9, 0.2], [0.1, 0.8], [0.3, 0.1]], marks)

    assert ap.per_class.tolist() == [1.0, 1.0]
    assert ap.positives.tolist() == [1, 2]


def test_more_classes_than_are_sorted_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, truth = np.random.default_rng(0).random((40, 7)), np.arange(40) % 7
    expected = metrics.average_precision(scores, truth).per_class
    monkeypatch.setattr("convkit.metrics._positives._SORTED_AT_ONCE", 100)

    assert np.array_equal(metrics.average_precision(scores, truth).per_class, expected)


def test_a_class_without_positives_is_nan_listed_and_left_out_with_one_warning() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ap = metrics.average_precision(np.eye(4)[:2], [0, 1], class_names=["a", "b", "c", "d"])

    assert ap.undefined == (2, 3)
    assert ap.mean == 1.0
    assert [str(w.message) for w in caught] == [
        (
            "average precision is undefined for 2 of 4 classes (no positives): c, d;"
            " left out of the mean"
        )
    ]
    assert caught[0].filename == __file__


def test_no_positives_at_all_have_no_mean() -> None:
    with pytest.warns(UndefinedClassWarning):
        assert np.isnan(metrics.average_precision([0.1, 0.2], [0, 0]).mean)


def test_interpolated_variants_by_hand() -> None:
    """Precisions 1, 1/2, 2/3, 1/2 at recalls 1/2, 1/2, 1, 1."""
    scores, marks = [0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]
    later = [0, 1, 1, 0]  # precisions 0, 1/2, 2/3 at recalls 0, 1/2, 1

    eleven = metrics.average_precision(scores, marks, interpolation="11-point").mean
    assert eleven == pytest.approx((6 * 1 + 5 * 2 / 3) / 11, abs=1e-15)
    assert metrics.average_precision(scores, later).mean == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert metrics.average_precision(scores, later, interpolation="all-point").mean == 2 / 3


def test_the_printed_result_states_definition_positives_and_what_is_left_out() -> None:
    with pytest.warns(UndefinedClassWarning):
        ap = metrics.average_precision(
            [[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]], [0, 1], class_names=["cat", "dog", "owl"]
        )

    assert str(ap) == (
        "class             average precision   positives\n"
        "───────────────────────────────────────────────\n"
        "cat                          1.0000           1\n"
        "dog                          1.0000           1\n"
        "owl                             nan           0\n"
        "(macro mean)                 1.0000           2\n"
        "(weighted mean)              1.0000           2\n"
        "Not interpolated: AP = sum over thresholds of (R_n - R_n-1) P_n, equal scores are one"
        " threshold.\n"
        "Means over 2 of 3 classes; left out: owl."
    )


@pytest.mark.parametrize(
    ("scores", "truth", "message"),
    [
        (
            [[0.1, np.nan], [np.inf, 0.2]],
            [0, 1],
            (
                "scores: 2 of 4 values are not finite (1 NaN, 1 infinite),"
                " the first at sample 0, class 1: nan"
            ),
        ),
        (
            [0.1, -np.inf],
            [0, 1],
            "scores: 1 of 2 values are not finite (0 NaN, 1 infinite), the first at sample 1: -inf",
        ),
        (
            [[0.1, 0.9]],
            [2],
            "truth: 1 of 1 labels lie outside 0 to 1, the first at sample 0: 2",
        ),
        (
            [[0.1, 0.9]],
            [0, 1],
            (
                "scores has 1 samples and truth has 2: they must be of the same samples"
                " in the same order"
            ),
        ),
        (np.empty((0, 3)), [], "scores is empty (shape (0, 3)): at least one sample is needed"),
        (0.5, 1, "scores must have the shape (N, C) or (N,), got ()"),
        ([0.5, 0.1], [0, 2], "truth marks each positive with 1 and everything else with 0"),
        (
            [[0.5, 0.1]],
            [[0, 1, 0]],
            "truth must be class indices (N,) or marks (1, 2), got (1, 3)",
        ),
        ([[0.5, 0.1]], [0.0], "truth must be whole numbers (class indices), got float64"),
        ([[1j]], [0], "scores must be whole or real numbers of at most 64 bits, got complex128"),
    ],
)
def test_what_is_refused_says_how_many_and_where(
    scores: list[float], truth: list[int], message: str
) -> None:
    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.average_precision(scores, truth)


def test_lists_of_unequal_rows_are_refused() -> None:
    with pytest.raises(MetricError, match=r"^scores could not be read as an array: .*$"):
        metrics.average_precision([[0.1, 0.2], [0.3]], [0, 1])


def test_an_unknown_interpolation_is_refused() -> None:
    message = "interpolation must be one of ['none', 'all-point', '11-point'], got 'voc'"

    with pytest.raises(MetricError, match=f"^{re.escape(message)}$"):
        metrics.average_precision([0.5], [1], interpolation="voc")  # type: ignore[arg-type]


def test_infinite_thresholds_and_nan_rates_of_curves_without_positives() -> None:
    curve = metrics.precision_recall_curve([0.1, 0.2], [0, 0])[0]
    roc = metrics.roc_curve([0.1, 0.2], [0, 0])[0]

    assert np.isnan(curve.recall[:-1]).all()
    assert np.isnan(curve.average_precision)
    assert np.isnan(roc.area)
    assert roc.thresholds.tolist() == [np.inf, 0.2, 0.1]


def test_random_state_is_untouched() -> None:
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())  # noqa: NPY002 - watched, not used
    metrics.bootstrap_interval(np.mean, [1.0, 2.0], resamples=100)
    metrics.average_precision([0.5, 0.1], [1, 0])

    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002 - watched, not used
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.parametrize("names", [["cat"], ["cat", "dog", "owl"]], ids=len)
@pytest.mark.parametrize(
    "measure",
    [
        metrics.average_precision,
        metrics.roc_area,
        metrics.precision_recall_curve,
        metrics.roc_curve,
    ],
)
def test_class_names_of_another_number_are_refused(
    measure: Callable[..., object], names: list[str]
) -> None:
    message = f"class_names: 2 classes need as many names, got {len(names)}"
    with pytest.raises(MetricError, match=f"^{message}$"):
        measure([[0.9, 0.1], [0.4, 0.6]], [0, 1], class_names=names)
