"""Which classes are confused most, and in which samples?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convkit._escaping import plain
from convkit._tables import Shown
from convkit.errors import MetricError
from convkit.metrics._inputs import (
    classes_of,
    read_labels,
    read_predicted,
    refuse_other_length,
    refuse_outside,
)

if TYPE_CHECKING:
    from convkit.metrics._inputs import Integers, Numbers


@dataclass(frozen=True, slots=True)
class Confusion(Shown):
    """How often one class was taken for another.

    Args:
        truth: Index of the true class.
        predicted: Index of the class it was taken for.
        count: Number of samples.
        share: Their share of the samples of the true class.
        names: Names of the true and the predicted class.

    Examples:
        >>> print(Confusion(0, 1, 3, 0.25, ("cat", "dog")))
        cat taken for dog: 3 (25.0 % of cat)
    """

    truth: int
    predicted: int
    count: int
    share: float
    names: tuple[str, str]

    def __str__(self) -> str:
        true, other = map(plain, self.names)
        return f"{true} taken for {other}: {self.count:,} ({100 * self.share:.1f} % of {true})"


def most_confused_pairs(
    counts: Integers, class_names: tuple[str, ...], k: int
) -> tuple[Confusion, ...]:
    """The greatest counts beside the diagonal, at most k; equal ones by true, predicted class."""
    support = counts.sum(axis=1)
    mistaken = counts.copy()
    np.fill_diagonal(mistaken, 0)
    greatest = np.argsort(-mistaken, axis=None, kind="stable")[: max(k, 0)]
    cells = [divmod(int(cell), len(class_names)) for cell in greatest]
    return tuple(
        Confusion(
            i,
            j,
            int(counts[i, j]),
            float(counts[i, j] / support[i]),
            (class_names[i], class_names[j]),
        )
        for i, j in cells
        if mistaken[i, j]
    )


def samples_of_cell(
    predicted: Numbers, truth: Numbers, *, true_class: int, predicted_class: int
) -> Integers:
    """Which samples stand behind a cell of the confusion matrix: `images[samples]` shows them.

    Args:
        predicted: Predicted class indices (N,), or scores (N, C).
        truth: True class indices (N,).
        true_class: Row of the cell.
        predicted_class: Column of the cell.

    Returns:
        Their indices, ascending, int64.

    Raises:
        MetricError: When the lengths differ, there is no sample, or a label or the cell lies
            outside the classes (without scores: below 0).

    Examples:
        >>> samples_of_cell([0, 1, 1, 1], [0, 0, 1, 0], true_class=0, predicted_class=1)
        array([1, 3])
    """
    guessed, true = read_predicted(predicted), read_labels(truth, "truth")
    refuse_other_length(guessed.size, true.size, ("predicted", "truth"))
    classes = classes_of(predicted=predicted)
    refuse_outside(true, classes, "truth")
    refuse_outside(guessed, classes, "predicted")
    for what, index in (("true_class", true_class), ("predicted_class", predicted_class)):
        if not 0 <= index < classes:
            raise MetricError(f"{what} must be a class, 0 to {classes - 1}, got {index}")
    return np.flatnonzero((guessed == predicted_class) & (true == true_class))
