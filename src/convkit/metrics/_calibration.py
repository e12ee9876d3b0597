"""When the network says 80 %, is it right in 80 of 100 cases?"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit._tables import Shown, Table
from convkit.errors import MetricError
from convkit.metrics._interval import accuracy_interval
from convkit.metrics._losses import read_probabilities
from convkit.metrics._shares import share

if TYPE_CHECKING:
    from convkit.metrics._inputs import Floats, Integers, Numbers

_MOST_BINS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Calibration(Shown):
    """Confidence against accuracy, in bins of equal width (low, high].

    Args:
        edges: Bounds of the B bins from 0 to 1, float64 (B + 1,).
        counts: Samples in each bin, int64 (B,).
        correct: Of these, the right ones, int64 (B,).
        confidence: Mean confidence in each bin, float64 (B,); NaN in an empty one.

    Examples:
        >>> result = calibration([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]], truth=[0, 1, 1], bins=2)
        >>> round(result.expected_error, 4)         # |2/3 - 2.3/3|
        0.1

        >>> round(result.greatest_error, 2)
        0.1
    """

    edges: Floats
    _: KW_ONLY
    counts: Integers
    correct: Integers
    confidence: Floats

    @property
    def accuracy(self) -> Floats:
        """Share of right predictions in each bin, float64 (B,); NaN in an empty one."""
        return share(self.correct, self.counts)

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean of |accuracy - confidence|, bins weighted by samples."""
        return float(np.nansum(self._gaps() * share(self.counts, self.counts.sum())))

    @property
    def greatest_error(self) -> float:
        """Maximum calibration error: the greatest |accuracy - confidence| of a bin."""
        return float(np.nanmax(self._gaps()))

    def _gaps(self) -> Floats:
        return np.abs(self.accuracy - self.confidence)

    def table(self) -> Table:
        """One row for each bin that holds samples, the accuracy with its 95 % interval."""
        rows = []
        for b in np.flatnonzero(self.counts).tolist():
            sure = accuracy_interval(int(self.correct[b]), int(self.counts[b]))
            rows.append(
                (
                    f"{self.edges[b]:.3f} to {self.edges[b + 1]:.3f}",
                    int(self.counts[b]),
                    f"{self.confidence[b]:.4f}",
                    f"{self.accuracy[b]:.4f}",
                    f"{sure.low:.4f} to {sure.high:.4f}",
                )
            )
        return Table(
            ("confidence", "samples", "mean confidence", "accuracy", "95 % interval"),
            tuple(rows),
            notes=(
                (
                    f"Expected calibration error {self.expected_error:.4f} over"
                    f" {len(self.counts)} bins of equal width, of the greatest probability."
                ),
            ),
        )

    def plot(self) -> Any:
        """Draw the reliability picture as a `matplotlib.figure.Figure`."""
        from convkit.plots import reliability

        return reliability(self.confidence, self.accuracy, self.counts, error=self.expected_error)

    def __str__(self) -> str:
        return str(self.table())


def calibration(probabilities: Numbers, truth: Numbers, bins: int = 15) -> Calibration:
    """Compare the greatest probability of each sample with how often it is right.

    Source: Guo et al. (2017), "On calibration of modern neural networks"; a bin holds the
    confidences above its lower bound up to and with its upper one.

    Args:
        probabilities: (N, C), each row summing to 1; of equal greatest ones the first class
            is the prediction.
        truth: Class indices (N,).
        bins: How many of equal width; the error depends on it, so it is told with it.

    Returns:
        The bins, their errors, and the expected error; `print` shows them.

    Raises:
        MetricError: For rows that are no probabilities, labels outside, lengths that differ, or
            no samples.

    Examples:
        >>> calibration([[1.0, 0.0], [1.0, 0.0]], truth=[0, 1]).expected_error
        0.5
    """
    if not 1 <= bins <= _MOST_BINS:
        raise MetricError(f"bins must be 1 to {_MOST_BINS:,}, got {bins}")
    rows, labels = read_probabilities(probabilities, truth)
    confidence = rows.max(axis=1).astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.searchsorted(edges[1:-1], confidence, "left")
    counts = np.bincount(bin_of, minlength=bins)
    return Calibration(
        edges,
        counts=counts,
        correct=np.bincount(bin_of[rows.argmax(axis=1) == labels], minlength=bins),
        confidence=share(np.bincount(bin_of, weights=confidence, minlength=bins), counts),
    )
