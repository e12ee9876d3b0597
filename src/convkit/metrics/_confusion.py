"""Which class is taken for which?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from convkit._tables import Shown, Table
from convkit.errors import MetricError
from convkit.metrics._confused_pairs import Confusion, most_confused_pairs
from convkit.metrics._confusion_difference import ConfusionDifference
from convkit.metrics._inputs import (
    Floats,
    Integers,
    Numbers,
    as_array,
    read_classes,
)
from convkit.metrics._per_class import PerClass
from convkit.metrics._processes import sum_over_processes
from convkit.metrics._shares import Normalization, normalized_counts, share
from convkit.metrics._tally import DeviceTally, HostTally

if TYPE_CHECKING:
    from collections.abc import Iterable

# Wider matrices are told by their classes, not drawn with signs.
_WIDEST_TABLE = 20
_MOST_CLASSES = 10_000  # 0.8 GB of counts


class ConfusionMatrix(Shown):
    """Counts of true class (row) against predicted class (column), gathered batch by batch.

    Always C x C and int64, whichever classes occur. Batches on the CPU are checked at once and a
    refused one changes nothing. Batches on an accelerator are counted there without waiting for
    it, so a label outside the classes is refused when the counts are read.

    Args:
        classes: The class names, or the number of classes.

    Raises:
        MetricError: When a class name occurs twice or there is no class.

    Examples:
        >>> matrix = ConfusionMatrix(["cat", "dog"])
        >>> matrix.update(predicted=[0, 1, 1], truth=[0, 0, 1])
        >>> matrix.counts
        array([[1, 1],
               [0, 1]])
        >>> matrix.per_class().recall
        array([0.5, 1. ])
    """

    def __init__(self, classes: Iterable[str] | int) -> None:
        self._class_names = read_classes(classes)
        if len(self._class_names) > _MOST_CLASSES:
            raise MetricError(
                f"a confusion matrix takes at most {_MOST_CLASSES:,} classes, got"
                f" {len(self._class_names):,}"
            )
        self._host = HostTally(len(self._class_names))
        self._device: DeviceTally | None = None

    @classmethod
    def from_counts(
        cls, counts: Numbers, classes: Iterable[str] | int | None = None
    ) -> ConfusionMatrix:
        """Take counts that were made elsewhere, such as `matrix.counts.tolist()` of a file.

        Args:
            counts: Whole numbers (C, C), rows = truth.
            classes: The class names or their number; None numbers them.

        Returns:
            A new matrix.

        Raises:
            MetricError: When the counts are not C x C, not whole or negative.

        Examples:
            >>> matrix = ConfusionMatrix.from_counts([[3, 1], [0, 4]], ["cat", "dog"])
            >>> matrix.num_classes, matrix.total, matrix.normalized("truth").tolist()
            (2, 8, [[0.75, 0.25], [0.0, 1.0]])
            >>> matrix.gather() is matrix
            False
        """
        array = as_array(counts, "counts")
        if array.ndim != 2 or array.shape[0] != array.shape[1] or array.dtype.kind not in "iu":
            raise MetricError(
                f"counts must be whole numbers (C, C), got {array.dtype} {array.shape}"
            )
        matrix = cls(len(array) if classes is None else classes)
        if array.shape[0] != matrix.num_classes or (array < 0).any():
            raise MetricError(
                f"counts must be {matrix.num_classes} x {matrix.num_classes} and not negative,"
                f" got {array.shape} with the least {array.min()}"
            )
        matrix._host.add_counts(array.astype(np.int64))
        return matrix

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, in the order of rows and columns."""
        return self._class_names

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self._class_names)

    @property
    def counts(self) -> Integers:
        """The counts, int64 (C, C) on the host, rows = truth; a copy."""
        counts = self._host.counts()
        return counts if self._device is None else counts + self._device.counts()

    @property
    def total(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())

    @property
    def accuracy(self) -> float:
        """Share of samples predicted right; NaN before the first sample."""
        counts = self.counts
        return float(share(np.trace(counts), counts.sum()))

    def update(self, predicted: Numbers, truth: Numbers) -> None:
        """Count one batch.

        Args:
            predicted: Predicted class indices (N,), or scores (N, C) of which the greatest
                decides; equal ones are broken by the class index.
            truth: True class indices (N,).

        Raises:
            MetricError: When a label lies outside the classes, the lengths differ, or the batch
                is empty.
        """
        if isinstance(truth, torch.Tensor) and truth.device.type != "cpu":
            if self._device is None:
                self._device = DeviceTally(self.num_classes, truth.device)
            device = self._device.device
            self._device.add(torch.as_tensor(predicted, device=device), truth.to(device))
        else:
            self._host.add(predicted, truth)

    def merge(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Add another matrix's counts to this one's, in place.

        Args:
            other: Of the same classes.

        Returns:
            This matrix.

        Raises:
            MetricError: When the classes differ.
        """
        self._refuse_other_classes(other)
        self._host.add_counts(other.counts)
        return self

    def gather(self) -> ConfusionMatrix:
        """The counts of all processes of a distributed run added up, the same in each of them.

        Every process must call it, and no sample may have been given to two of them (samplers
        that repeat samples to fill the last batch do that). Alone, it is a copy.
        """
        return self.from_counts(sum_over_processes(self.counts), self._class_names)

    def __sub__(self, before: ConfusionMatrix) -> ConfusionDifference:
        """What changed since another matrix of the same classes.

        Raises:
            MetricError: When the classes differ.
        """
        self._refuse_other_classes(before)
        return ConfusionDifference(self._class_names, after=self.counts, before=before.counts)

    def normalized(self, by: Normalization) -> Floats:
        """The counts as shares, float64 (C, C).

        Args:
            by: `"truth"`: each row sums to 1 (the diagonal is the recall). `"prediction"`: each
                column sums to 1 (the diagonal is the precision). `"all"`: everything sums to 1.
                A row or column without a sample is NaN.

        Returns:
            float64 (C, C), rows = truth.

        Raises:
            MetricError: For another name.
        """
        return normalized_counts(self.counts, by)

    def per_class(self) -> PerClass:
        """Precision, recall, F1 and support of every class."""
        counts = self.counts
        return PerClass(
            self._class_names, np.diag(counts).copy(), counts.sum(axis=0), counts.sum(axis=1)
        )

    def most_confused(self, k: int = 10) -> tuple[Confusion, ...]:
        """The pairs of classes that are confused most often, by count.

        Args:
            k: How many at most; pairs never confused are left out. Equal counts are ordered by
                true, then predicted class.

        Returns:
            The pairs, the most frequent first.
        """
        return most_confused_pairs(self.counts, self._class_names, k)

    def table(self) -> Table:
        """The counts with class names; rows = truth."""
        rows = [
            (name, *row) for name, row in zip(self._class_names, self.counts.tolist(), strict=True)
        ]
        return Table(("truth \\ predicted", *self._class_names), tuple(rows))

    def plot(self, **options: Any) -> Any:
        """Draw the matrix as a `matplotlib.figure.Figure`.

        Args:
            options: Of `convkit.plots.confusion`, such as `normalize="truth"` or
                `order="clustered"`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import confusion

        return confusion(self, **options)

    def __str__(self) -> str:
        head = f"accuracy {self.accuracy:.4f} of {self.total:,} samples, {self.num_classes} classes"
        if self.num_classes <= _WIDEST_TABLE:
            return f"{head}\n{self.table()}"
        return "\n".join([head, *map(str, self.most_confused(10))])

    def __repr__(self) -> str:
        return f"<ConfusionMatrix of {self.num_classes} classes, {self.total:,} samples>"

    def _refuse_other_classes(self, other: ConfusionMatrix) -> None:
        """Raise unless rows and columns of both mean the same."""
        if self._class_names != other.class_names:
            raise MetricError(
                "the matrices are of other classes:"
                f" {_briefly(self._class_names)} and {_briefly(other.class_names)}"
            )


def confusion_matrix(predicted: Numbers, truth: Numbers, num_classes: int) -> ConfusionMatrix:
    """Count a whole set at once; `ConfusionMatrix` does it batch by batch.

    Args:
        predicted: Predicted class indices (N,), or scores (N, C).
        truth: True class indices (N,).
        num_classes: C; the matrix is C x C whichever classes occur.

    Returns:
        The matrix, rows = truth.

    Raises:
        MetricError: When a label lies outside the classes or the lengths differ.

    Examples:
        >>> confusion_matrix([0, 1, 1], [0, 0, 1], num_classes=2).accuracy
        0.6666666666666666
    """
    matrix = ConfusionMatrix(num_classes)
    matrix.update(predicted, truth)
    return matrix


def _briefly(names: tuple[str, ...]) -> str:
    """The number of classes and the first few names."""
    return f"{len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
