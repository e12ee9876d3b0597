"""Precision, recall and F1 by hand, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest

from convkit import metrics
from convkit.errors import MetricError

# a: 8 right of 10, b: 6 of 10, c never occurs but is predicted once, d neither.
COUNTS = [[8, 1, 1, 0], [4, 6, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.fixture
def per_class() -> metrics.PerClass:
    return metrics.ConfusionMatrix.from_counts(COUNTS, ["a", "b", "c", "d"]).per_class()


def test_values_by_hand(per_class: metrics.PerClass) -> None:
    nan = np.nan

    np.testing.assert_array_equal(per_class.precision, [8 / 12, 6 / 7, 0.0, nan])
    np.testing.assert_array_equal(per_class.recall, [0.8, 0.6, nan, nan])
    np.testing.assert_array_equal(per_class.f1, [16 / 22, 12 / 17, 0.0, nan])
    np.testing.assert_array_equal(per_class.support, [10, 10, 0, 0])


def test_averages_leave_the_undefined_out(per_class: metrics.PerClass) -> None:
    macro, weighted = per_class.average("macro"), per_class.average("weighted")

    assert macro.recall == pytest.approx(0.7, abs=1e-15)
    assert macro.precision == pytest.approx((8 / 12 + 6 / 7 + 0) / 3, abs=1e-15)
    assert weighted.precision == pytest.approx((8 / 12 + 6 / 7) / 2, abs=1e-15)


def test_micro_is_the_accuracy(per_class: metrics.PerClass) -> None:
    assert per_class.average("micro") == metrics.Averages("micro", 0.7, 0.7, 0.7)


def test_an_average_without_name_is_refused(per_class: metrics.PerClass) -> None:
    message = "average must be 'macro', 'weighted' or 'micro', got 'mean'"

    with pytest.raises(MetricError, match=f"^{message}$"):
        per_class.average("mean")  # type: ignore[arg-type]  # that is what is tested


def test_the_printed_table_tells_what_nan_means(per_class: metrics.PerClass) -> None:
    lines = str(per_class).splitlines()

    assert lines[0].split() == ["class", "precision", "recall", "F1", "support"]
    assert lines[4].split() == ["c", "0.0000", "nan", "0.0000", "0"]
    assert lines[-1] == "nan: undefined (0 / 0), left out of the macro and weighted averages."
