"""What changed between two confusion matrices?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convkit._escaping import plain
from convkit._tables import Shown
from convkit.metrics._shares import Normalization, normalized_counts

if TYPE_CHECKING:
    from convkit.metrics._inputs import Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionDifference(Shown):
    """One confusion matrix minus another of the same classes, made by `after - before`.

    Args:
        class_names: Name of each class.
        after: Counts (C, C) of the first operand.
        before: Counts (C, C) of the second.

    Examples:
        >>> import numpy as np
        >>> change = ConfusionDifference(
        ...     ("cat", "dog"), after=np.array([[3, 1], [0, 4]]), before=np.array([[2, 2], [0, 4]])
        ... )
        >>> print(change)
        cat taken for dog: 2 before, 1 after (-25.0 points of cat)
        cat taken for cat: 2 before, 3 after (+25.0 points of cat)

        >>> change.counts.tolist(), change.normalized("truth")[0].tolist(), change.largest(1)
        ([[1, -1], [0, 0]], [0.25, -0.25], ((0, 1),))
    """

    class_names: tuple[str, ...]
    after: Integers
    before: Integers

    @property
    def counts(self) -> Integers:
        """After minus before, int64 (C, C), rows = truth."""
        return self.after - self.before

    def normalized(self, by: Normalization) -> Floats:
        """Difference of the shares, float64 (C, C), which may be compared for unequal totals.

        Args:
            by: `"truth"`, `"prediction"` or `"all"`: what each share is of.
        """
        return normalized_counts(self.after, by) - normalized_counts(self.before, by)

    def largest(self, k: int = 10) -> tuple[tuple[int, int], ...]:
        """The cells (truth, predicted) whose share of the truth changed most, at most k.

        Of equal changes a fall comes first, then the smaller indices. Cells without a change,
        or of classes that one of the matrices has no sample of, are left out.

        Args:
            k: How many at most.
        """
        change = np.nan_to_num(self.normalized("truth"))
        order = np.lexsort((change.ravel(), -np.abs(change).ravel()))[: max(k, 0)]
        cells = [divmod(int(cell), len(self.class_names)) for cell in order]
        return tuple(cell for cell in cells if change[cell])

    def __str__(self) -> str:
        change = self.normalized("truth")
        names = tuple(map(plain, self.class_names))
        lines = [
            f"{names[i]} taken for {names[j]}: {self.before[i, j]:,} before, {self.after[i, j]:,}"
            f" after ({100 * change[i, j]:+.1f} points of {names[i]})"
            for i, j in self.largest()
        ]
        return "\n".join(lines) or "no change"
