"""How much does a result change with the seed?"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit._tables import Shown
from convkit.errors import MetricError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Spread(Shown):
    """Mean and standard deviation of one result over several trainings.

    Args:
        values: The results, one for each seed.

    Examples:
        >>> print(Spread((0.70, 0.72, 0.74)))
        0.7200 ± 0.0200 (3 seeds, 0.7000 to 0.7400)

        >>> from convkit import metrics
        >>> spread = metrics.over_seeds([0.70, 0.72, 0.71])
        >>> spread.minimum, spread.maximum
        (0.7, 0.72)
    """

    values: tuple[float, ...]

    @property
    def count(self) -> int:
        """Number of seeds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """Sample standard deviation (divided by count - 1); NaN for one seed."""
        return statistics.stdev(self.values) if self.count > 1 else math.nan

    @property
    def minimum(self) -> float:
        """The least result."""
        return min(self.values)

    @property
    def maximum(self) -> float:
        """The greatest result."""
        return max(self.values)

    def __str__(self) -> str:
        seeds = f"{self.count} seed{'s' if self.count > 1 else ''}"
        bounds = f"{self.minimum:.4f} to {self.maximum:.4f}"
        return f"{self.mean:.4f} ± {self.deviation:.4f} ({seeds}, {bounds})"


def over_seeds(values: Iterable[float]) -> Spread:
    """Mean and deviation of the same measurement over trainings that differ in their seed.

    Args:
        values: One result for each seed.

    Returns:
        Mean, deviation and range; `print` shows them.

    Raises:
        MetricError: When there is no value or one is not finite.

    Examples:
        >>> spread = over_seeds([0.81, 0.83, 0.82])
        >>> round(spread.mean, 4), round(spread.deviation, 4)
        (0.82, 0.01)
    """
    numbers = tuple(map(float, values))
    if not numbers:
        raise MetricError("over_seeds needs at least one value")
    bad = [i for i, value in enumerate(numbers) if not math.isfinite(value)]
    if bad:
        raise MetricError(
            f"{len(bad)} of {len(numbers)} values are not finite, the first at {bad[0]}:"
            f" {numbers[bad[0]]}"
        )
    return Spread(numbers)
