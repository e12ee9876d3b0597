"""Precision, recall and F1 of each class, and their averages by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from convkit._tables import Cell, Shown, Table
from convkit.errors import MetricError
from convkit.metrics._shares import defined_mean, share

if TYPE_CHECKING:
    from convkit.metrics._inputs import Floats, Integers

Average: TypeAlias = Literal["macro", "weighted", "micro"]


@dataclass(frozen=True, slots=True)
class Averages:
    """Precision, recall and F1 of all classes in one number each.

    Args:
        kind: `"macro"`, `"weighted"` or `"micro"`.
        precision: Averaged precision.
        recall: Averaged recall.
        f1: Averaged F1.

    Examples:
        >>> Averages("macro", 0.5, 0.75, 0.6).recall
        0.75
    """

    kind: Average
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class PerClass(Shown):
    """Precision, recall and F1 of each class against the rest, as arrays of length C.

    With the true positives TP, false positives FP and false negatives FN of a class:
    precision = TP / (TP + FP), recall = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN).
    What would be 0 / 0 is undefined and NaN: the precision of a class never predicted, the recall
    of a class without a sample, the F1 of a class that is neither.

    Args:
        class_names: Name of each class.
        true_positives: Samples of the class that were predicted as it.
        predicted: Samples that were predicted as the class, TP + FP.
        support: Samples of the class, TP + FN.

    Examples:
        >>> import numpy as np
        >>> per_class = PerClass(("cat", "dog"), *np.array([[3, 1], [4, 1], [3, 2]]))
        >>> per_class.precision, per_class.recall
        (array([0.75, 1.  ]), array([1. , 0.5]))

        >>> from convkit import metrics
        >>> matrix = metrics.confusion_matrix([0, 0, 1], [0, 1, 1], num_classes=2)
        >>> matrix.per_class().f1.round(2).tolist()
        [0.67, 0.67]
    """

    class_names: tuple[str, ...]
    true_positives: Integers
    predicted: Integers
    support: Integers

    @property
    def precision(self) -> Floats:
        """Of the samples predicted as the class, the share that are of it."""
        return share(self.true_positives, self.predicted)

    @property
    def recall(self) -> Floats:
        """Of the samples of the class, the share predicted as it (the "per-class accuracy")."""
        return share(self.true_positives, self.support)

    @property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall, from the counts."""
        return share(2 * self.true_positives, self.predicted + self.support)

    def average(self, kind: Average) -> Averages:
        """Average over the classes.

        Args:
            kind: `"macro"`: every class counts the same. `"weighted"`: every class counts as its
                support. Both leave undefined classes out. `"micro"`: every sample counts the
                same; all three values are then the accuracy.

        Raises:
            MetricError: For another name.
        """
        if kind == "micro":
            accuracy = float(share(self.true_positives.sum(), self.support.sum()))
            return Averages(kind, accuracy, accuracy, accuracy)
        if kind not in {"macro", "weighted"}:
            raise MetricError(f"average must be 'macro', 'weighted' or 'micro', got {kind!r}")
        weights = np.ones(len(self.support)) if kind == "macro" else self.support
        return Averages(
            kind, *(defined_mean(v, weights) for v in (self.precision, self.recall, self.f1))
        )

    def table(self) -> Table:
        """One row for each class, then the macro and weighted averages and the micro average."""
        total = int(self.support.sum())
        columns = (self.precision, self.recall, self.f1)
        rows: list[tuple[Cell, ...]] = [
            (name, *(f"{column[k]:.4f}" for column in columns), int(self.support[k]))
            for k, name in enumerate(self.class_names)
        ]
        averages = [self.average(kind) for kind in ("macro", "weighted", "micro")]
        rows += [
            (f"({a.kind})", f"{a.precision:.4f}", f"{a.recall:.4f}", f"{a.f1:.4f}", total)
            for a in averages
        ]
        return Table(
            ("class", "precision", "recall", "F1", "support"),
            tuple(rows),
            notes=("nan: undefined (0 / 0), left out of the macro and weighted averages.",),
        )

    def __str__(self) -> str:
        return str(self.table())
