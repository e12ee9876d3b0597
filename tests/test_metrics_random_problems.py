"""Thousands of random problems against scikit-learn, and the rules where it has none or another.

Half of them have equal scores; classes are missing from truth or prediction; some have 1 sample or
1 class. Each problem asks scikit-learn, which is slow, for one of the classes that occur.
CONVKIT_MANY_CASES=1 runs 20,000 problems instead of 2,000.
"""

from __future__ import annotations

import functools
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import sklearn
from sklearn import metrics as sklearn_metrics

from convkit import metrics
from convkit.metrics import UndefinedClassWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY = bool(os.environ.get("CONVKIT_MANY_CASES"))
PROBLEMS = 20_000 if MANY else 2_000
EXACT = 1e-12

pytestmark = [
    pytest.mark.filterwarnings("ignore::convkit.metrics.UndefinedClassWarning"),
    # scikit-learn's own words for classes that it calls 0 and we call undefined.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
    pytest.mark.filterwarnings("ignore:A single label was found:UserWarning"),
]


@dataclass(frozen=True)
class Problem:
    """Scores, truth and predictions that do not follow from the scores."""

    scores: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray

    @property
    def classes(self) -> int:
        """C."""
        return self.scores.shape[1]

    @property
    def present(self) -> np.ndarray:
        """The classes that occur."""
        return np.unique(self.truth)

    @property
    def one_present(self) -> int:
        """One of them, another in each problem."""
        return int(self.truth[0])


@functools.cache
def problems(one_class_too: bool = True) -> tuple[Problem, ...]:
    """The same problems in every run and every test."""
    return tuple(drawn_problems(one_class_too))


def some_problems(one_class_too: bool = True) -> tuple[Problem, ...]:
    """A fifth of them, for what follows nearly from another test; all when many are asked for."""
    return problems(one_class_too)[:: 1 if MANY else 5]


def drawn_problems(one_class_too: bool) -> Iterator[Problem]:
    """Problem after problem, each from its own seed."""
    for seed in range(PROBLEMS):
        random = np.random.default_rng(seed)
        samples = 1 if random.random() < 0.03 else int(random.integers(2, 80))
        classes = 1 if one_class_too and random.random() < 0.03 else int(random.integers(2, 8))
        scores = random.normal(size=(samples, classes)).astype(random.choice(["f4", "f8"]))
        if seed % 2:  # equal scores, and few different ones
            scores = np.round(scores * random.integers(1, 4))
        shown = random.choice(classes, size=random.integers(1, classes + 1), replace=False)
        guessed = random.choice(classes, size=random.integers(1, classes + 1), replace=False)
        yield Problem(scores, random.choice(shown, samples), random.choice(guessed, samples))


@pytest.fixture(autouse=True)
def _only_the_arithmetic() -> Iterator[None]:
    """Most of scikit-learn's time goes into checking its arguments."""
    with sklearn.config_context(skip_parameter_validation=True, assume_finite=True):
        yield


def close(ours: object, theirs: object) -> bool:
    """Equal within 1e-12, NaN where the other is."""
    return np.allclose(ours, theirs, rtol=0, atol=EXACT, equal_nan=True)  # type: ignore[arg-type]


def test_average_precision_of_a_class_is_scikit_learns() -> None:
    for p in problems():
        ours, k = metrics.average_precision(p.scores, p.truth), p.one_present
        theirs = sklearn_metrics.average_precision_score(p.truth == k, p.scores[:, k])

        assert close(ours.per_class[k], theirs)


def test_means_are_over_the_classes_that_occur() -> None:
    for p in problems():
        ours = metrics.average_precision(p.scores, p.truth)
        support = np.bincount(p.truth, minlength=p.classes)
        defined = ours.per_class[p.present]

        assert not np.isnan(defined).any()
        assert np.isnan(ours.per_class[support == 0]).all()
        assert ours.undefined == tuple(np.flatnonzero(support == 0))
        assert ours.positives.tolist() == support.tolist()
        assert close(ours.mean, defined.mean())
        assert close(ours.weighted, np.average(defined, weights=support[p.present]))


def test_roc_area_of_a_class_is_scikit_learns_where_positives_and_negatives_exist() -> None:
    for p in problems():
        ours, k = metrics.roc_area(p.scores, p.truth), p.one_present
        theirs = np.nan
        if len(p.present) > 1:
            theirs = sklearn_metrics.roc_auc_score(p.truth == k, p.scores[:, k])

        assert close(ours.per_class[k], theirs)
        assert np.isnan(ours.per_class).sum() == (
            p.classes - len(p.present) if len(p.present) > 1 else p.classes
        )


def test_precision_recall_curves_are_scikit_learns() -> None:
    for p in some_problems():
        curves = metrics.precision_recall_curve(p.scores, p.truth)
        k = p.one_present
        precision, recall, thresholds = sklearn_metrics.precision_recall_curve(
            p.truth == k, p.scores[:, k]
        )

        assert close(curves[k].precision, precision)
        assert close(curves[k].recall, recall)
        assert np.array_equal(curves[k].thresholds, thresholds)


def test_roc_curves_are_scikit_learns_with_every_threshold_kept() -> None:
    for p in some_problems():
        curves, k = metrics.roc_curve(p.scores, p.truth), p.one_present
        false_rate, true_rate, thresholds = sklearn_metrics.roc_curve(
            p.truth == k, p.scores[:, k], drop_intermediate=False
        )

        assert close(curves[k].false_positive_rate, false_rate)
        assert close(curves[k].true_positive_rate, true_rate)
        assert np.array_equal(curves[k].thresholds, thresholds)


def test_the_areas_of_the_curves_are_the_areas_without_curves() -> None:
    for p in some_problems():
        precisions = metrics.precision_recall_curve(p.scores, p.truth)
        rocs = metrics.roc_curve(p.scores, p.truth)

        ap = metrics.average_precision(p.scores, p.truth).per_class
        assert close([curve.average_precision for curve in precisions], ap)
        assert close([c.area for c in rocs], metrics.roc_area(p.scores, p.truth).per_class)


def test_interpolated_average_precisions_follow_their_definition() -> None:
    """The definition, at every threshold and every tenth, without our shortcut."""
    for p in problems():
        eleven = metrics.average_precision(p.scores, p.truth, interpolation="11-point").per_class
        every = metrics.average_precision(p.scores, p.truth, interpolation="all-point").per_class
        for k in p.present:
            marks, column = p.truth == k, p.scores[:, k]
            called = column[:, None] >= np.unique(column)[::-1]
            hits, alarms = (called & marks[:, None]).sum(0), called.sum(0)
            best = np.maximum.accumulate((hits / alarms)[::-1])[::-1]
            steps = np.diff(np.append(0, hits)) / marks.sum()
            tenths = [best[hits * 10 >= tenth * marks.sum()][0] for tenth in range(11)]

            assert close(every[k], (steps * best).sum())
            assert close(eleven[k], np.mean(tenths))


def test_confusion_matrices_and_their_shares_are_scikit_learns() -> None:
    for p in problems():
        ours = metrics.confusion_matrix(p.predicted, p.truth, p.classes)
        theirs = sklearn_metrics.confusion_matrix(p.truth, p.predicted, labels=range(p.classes))

        assert np.array_equal(ours.counts, theirs)
        assert close(ours.accuracy, (p.truth == p.predicted).mean())
        with np.errstate(invalid="ignore"):
            assert close(ours.normalized("truth"), theirs / theirs.sum(1, keepdims=True))
            assert close(ours.normalized("prediction"), theirs / theirs.sum(0, keepdims=True))
        assert close(ours.normalized("all"), theirs / len(p.truth))


def test_precision_recall_and_f1_are_scikit_learns_with_nan_for_undefined() -> None:
    for p in problems():
        ours = metrics.confusion_matrix(p.predicted, p.truth, p.classes).per_class()
        theirs = sklearn_metrics.precision_recall_fscore_support(
            p.truth, p.predicted, labels=range(p.classes), zero_division=np.nan
        )

        assert close([ours.precision, ours.recall, ours.f1, ours.support], theirs)


def test_averages_are_scikit_learns_with_undefined_classes_left_out() -> None:
    for number, p in enumerate(some_problems()):
        kind = ("macro", "weighted", "micro")[number % 3]
        per_class = metrics.confusion_matrix(p.predicted, p.truth, p.classes).per_class()
        ours = per_class.average(kind)
        theirs = sklearn_metrics.precision_recall_fscore_support(
            p.truth, p.predicted, labels=range(p.classes), zero_division=np.nan, average=kind
        )
        precision = theirs[0]
        if kind == "weighted" and np.isnan(per_class.precision[p.present]).all():
            precision = np.nan  # no class has both a weight and a value; theirs is then 0

        assert close([ours.precision, ours.recall, ours.f1], [precision, *theirs[1:3]])


def test_log_loss_is_scikit_learns() -> None:
    for p in some_problems(one_class_too=False):
        exponentials = np.exp(p.scores.astype(np.float64))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        theirs = sklearn_metrics.log_loss(p.truth, probabilities, labels=range(p.classes))

        assert close(metrics.log_loss(probabilities, p.truth), theirs)


def test_top_k_counts_the_classes_before_the_true_one_in_a_stable_order() -> None:
    for p in problems(one_class_too=False):
        order = np.argsort(-p.scores, axis=1, kind="stable")
        for k in range(1, p.classes):
            right = (order[:, :k] == p.truth[:, None]).any(axis=1).mean()

            assert close(metrics.top_k_accuracy(p.scores, p.truth, k), right)


def test_top_k_is_scikit_learns_without_equal_scores() -> None:
    for p in some_problems(one_class_too=False):
        if p.classes < 3 or np.unique(p.scores).size < p.scores.size:
            continue
        theirs = sklearn_metrics.top_k_accuracy_score(
            p.truth, p.scores, k=2, labels=range(p.classes)
        )

        assert close(metrics.top_k_accuracy(p.scores, p.truth, 2), theirs)


ORDERLESS: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
    "average precision": lambda s, t: metrics.average_precision(s, t).per_class,
    "11-point": lambda s, t: metrics.average_precision(s, t, interpolation="11-point").per_class,
    "ROC area": lambda s, t: metrics.roc_area(s, t).per_class,
    "confusion": lambda s, t: metrics.confusion_matrix(s, t, s.shape[1]).counts,
    "curve": lambda s, t: metrics.precision_recall_curve(s, t)[0].precision,
}


@pytest.mark.parametrize("name", ORDERLESS)
def test_the_order_of_the_samples_does_not_change_a_bit(name: str) -> None:
    for seed, p in enumerate(problems()):
        order = np.random.default_rng(seed).permutation(len(p.truth))
        first = ORDERLESS[name](p.scores, p.truth)

        assert np.array_equal(first, ORDERLESS[name](p.scores[order], p.truth[order]), True)


def test_the_cut_into_batches_and_their_merging_do_not_change_a_bit() -> None:
    for seed, p in enumerate(problems()):
        cuts = np.sort(np.random.default_rng(seed).integers(1, len(p.truth) + 1, size=3))
        parts = [part for part in np.split(np.arange(len(p.truth)), cuts) if part.size]
        matrices = [metrics.confusion_matrix(p.predicted[i], p.truth[i], p.classes) for i in parts]
        store = metrics.ScoreStore(p.classes)
        for i in parts[::-1]:
            store.merge(filled(metrics.ScoreStore(p.classes), p, i))
        merged = metrics.ConfusionMatrix(p.classes)
        for matrix in matrices[::-1]:
            merged.merge(matrix)

        whole = metrics.average_precision(p.scores, p.truth).per_class
        parted = metrics.average_precision(store.scores, store.truth).per_class
        assert np.array_equal(whole, parted, equal_nan=True)
        one = metrics.confusion_matrix(p.predicted, p.truth, p.classes)
        assert np.array_equal(one.counts, merged.counts)


def filled(store: metrics.ScoreStore, p: Problem, part: np.ndarray) -> metrics.ScoreStore:
    """The store with some of the samples."""
    store.update(p.scores[part], p.truth[part])
    return store


def test_there_is_one_warning_exactly_when_a_class_is_undefined() -> None:
    for p in problems():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            metrics.average_precision(p.scores, p.truth)

        expected = [UndefinedClassWarning] * (len(p.present) < p.classes)
        assert [warning.category for warning in caught] == expected
