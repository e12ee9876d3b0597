"""How much did each sample cost, and which cost most?"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit._tables import Shown, Table
from convkit.errors import MetricError
from convkit.metrics._inputs import read_names
from convkit.metrics._top_k import read_scores_and_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.metrics._inputs import Array, Floats, Integers, Numbers

# By so much the rounding of a softmax may exceed 1.
ROUNDING = 1e-5
# Softmax in half precision is this far from a sum of 1, a row of logits much farther.
_SUM_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class Mistakes(Shown):
    """The k samples with the greatest loss, the greatest first; equal losses by their index.

    Args:
        indices: Which samples, int64 (k,).
        losses: -ln of the probability of the true class, float64 (k,).
        truth: True class indices, int64 (k,).
        predicted: Predicted class indices, int64 (k,); some may be right though unsure.
        probabilities: All classes' probabilities (k, C).

    Examples:
        >>> worst = mistakes([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], truth=[0, 0, 1], k=2)
        >>> worst.indices, worst.predicted
        (array([1, 2]), array([1, 0]))
    """

    indices: Integers
    _: KW_ONLY
    losses: Floats
    truth: Integers
    predicted: Integers
    probabilities: Array

    def __len__(self) -> int:
        return len(self.indices)

    def table(
        self, names: Sequence[str] | None = None, class_names: Sequence[str] | None = None
    ) -> Table:
        """One row for each sample.

        Args:
            names: Names of all N samples, such as file names; None gives their indices.
            class_names: Names of the C classes; None gives their indices.

        Returns:
            One row for each mistake.

        Raises:
            MetricError: When there are not as many names as classes, or fewer names than samples.
        """
        last = int(self.indices.max())
        if names is not None and len(names) <= last:
            raise MetricError(f"names: sample {last} is beyond the {len(names):,} names")
        called = read_names(class_names, int(self.probabilities.shape[1]))
        rows = [
            (
                str(i) if names is None else names[i],
                called[true],
                called[guess],
                f"{p[true]:.4f}",
                f"{p[guess]:.4f}",
                f"{loss:z.4f}",
            )
            for i, true, guess, p, loss in zip(
                self.indices.tolist(),
                self.truth.tolist(),
                self.predicted.tolist(),
                self.probabilities,
                self.losses,
                strict=True,
            )
        ]
        header = ("sample", "truth", "predicted", "p(truth)", "p(predicted)", "loss (nats)")
        return Table(header, tuple(rows))

    def plot(self, images: Sequence[Any], class_names: Sequence[str] | None = None) -> Any:
        """Draw them as a grid, a `matplotlib.figure.Figure`: truth, prediction and probability.

        Args:
            images: All N images, (N, C, H, W) or a sequence of images, of which these are drawn.
            class_names: Names of the C classes; None gives their indices.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import image_grid

        rows = self.table(class_names=class_names).rows
        return image_grid(
            [images[i] for i in self.indices.tolist()],
            titles=[f"{row[1]}\ntaken for {row[2]} ({row[4]})" for row in rows],
            right=(self.truth == self.predicted).tolist(),
        )

    def __str__(self) -> str:
        return str(self.table())


def log_loss(probabilities: Numbers, truth: Numbers) -> float:
    r"""Mean cross-entropy \(-\ln p(\text{truth})\) in nats; ln C is guessing among C classes.

    Nothing is clipped: a true class of probability 0 makes it infinite.

    Args:
        probabilities: (N, C), each row summing to 1 (softmax of the logits).
        truth: Class indices (N,).

    Returns:
        The mean, in nats.

    Raises:
        MetricError: For rows that are no probabilities, labels outside, lengths that differ, or
            no samples.

    Examples:
        >>> round(log_loss([[0.5, 0.5], [0.25, 0.75]], truth=[0, 1]), 4)
        0.4904
    """
    return float(_sample_losses(*read_probabilities(probabilities, truth)).mean())


def mistakes(probabilities: Numbers, truth: Numbers, k: int = 24) -> Mistakes:
    """The samples with the greatest loss: what to look at first.

    Args:
        probabilities: (N, C), each row summing to 1.
        truth: Class indices (N,).
        k: How many at most.

    Returns:
        The worst mistakes, the worst first; `print` shows them.

    Raises:
        MetricError: As `log_loss`, or when k is below 1.

    Examples:
        >>> print(mistakes([[0.9, 0.1], [0.2, 0.8]], truth=[0, 0], k=1).table(["a.jpg", "b.jpg"]))
        sample   truth   predicted   p(truth)   p(predicted)   loss (nats)
        ──────────────────────────────────────────────────────────────────
        b.jpg        0           1     0.2000         0.8000        1.6094
    """
    if k < 1:
        raise MetricError(f"k must be at least 1, got {k}")
    rows, labels = read_probabilities(probabilities, truth)
    losses = _sample_losses(rows, labels)
    worst = np.argsort(-losses, kind="stable")[:k]
    return Mistakes(
        worst,
        losses=losses[worst],
        truth=labels[worst],
        predicted=rows[worst].argmax(axis=1),
        probabilities=rows[worst],
    )


def read_probabilities(probabilities: Numbers, truth: Numbers) -> tuple[Array, Integers]:
    """Probabilities (N, C) with their labels (N,), checked."""
    rows, labels = read_scores_and_labels(probabilities, truth, "probabilities")
    outside = np.flatnonzero(((rows < 0) | (rows > 1 + ROUNDING)).any(axis=1))
    sums = rows.sum(axis=1, dtype=np.float64)
    unequal = np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)
    if outside.size:
        first = int(outside[0])
        raise MetricError(
            f"probabilities: {outside.size:,} of {len(rows):,} rows have values outside 0 to 1, the"
            f" first at sample {first}: {rows[first].min()} to {rows[first].max()};"
            " are these logits? Give torch.softmax(logits, dim=1)"
        )
    if unequal.size:
        first = int(unequal[0])
        raise MetricError(
            f"probabilities: {unequal.size:,} of {len(rows):,} rows do not sum to 1, the first at"
            f" sample {first}: {sums[first]:.6g}; give torch.softmax(logits, dim=1)"
        )
    return rows, labels


def _sample_losses(rows: Array, labels: Integers) -> Floats:
    """-ln of the probability of the true class, infinite for 0."""
    of_truth = rows[np.arange(labels.size), labels].astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(of_truth))
