"""One value for each class, with what it means, what was left out, and the means."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np

from convkit._tables import Shown, Table
from convkit.metrics._shares import defined_mean

if TYPE_CHECKING:
    from convkit.metrics._inputs import Floats, Integers


class UndefinedClassWarning(UserWarning):
    """Some classes have no value of a metric and are left out of its mean.

    Silence it with `warnings.simplefilter("ignore", metrics.UndefinedClassWarning)`; the classes
    stay listed in `undefined` and in what is printed.

    Examples:
        >>> import warnings
        >>> from convkit import metrics
        >>> scores, truth = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]], [0, 1]
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", metrics.UndefinedClassWarning)
        ...     found = metrics.average_precision(scores, truth)
        >>> found.undefined
        (2,)
    """


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores(Shown):
    """A metric of each class against the rest.

    Args:
        metric: Its name.
        definition: What exactly was computed, in a sentence.
        per_class: Its values, float64 (C,); NaN where it is undefined.
        positives: Number of samples of each class, int64 (C,).
        class_names: Name of each class.

    Examples:
        >>> import numpy as np
        >>> scores = ClassScores("AP", definition="AP", per_class=np.array([0.5, np.nan, 1.0]),
        ...                      positives=np.array([3, 0, 1]), class_names=("a", "b", "c"))
        >>> scores.mean, scores.weighted, scores.undefined
        (0.75, 0.625, (1,))
    """

    metric: str
    _: KW_ONLY
    definition: str
    per_class: Floats
    positives: Integers
    class_names: tuple[str, ...]

    @property
    def undefined(self) -> tuple[int, ...]:
        """Indices of the classes for which it is undefined."""
        return tuple(np.flatnonzero(np.isnan(self.per_class)).tolist())

    @property
    def mean(self) -> float:
        """Mean over the defined classes, each counting the same (macro); NaN when there is none."""
        return defined_mean(self.per_class, np.ones(len(self.per_class)))

    @property
    def weighted(self) -> float:
        """Mean over the defined classes, each counting as its positives."""
        return defined_mean(self.per_class, self.positives)

    def table(self) -> Table:
        """One row for each class, then the means, with the definition below."""
        defined = len(self.per_class) - len(self.undefined)
        rows = [
            (name, f"{value:.4f}", int(positives))
            for name, value, positives in zip(
                self.class_names, self.per_class, self.positives, strict=True
            )
        ]
        total = int(self.positives.sum())
        rows += [("(macro mean)", f"{self.mean:.4f}", total)]
        rows += [("(weighted mean)", f"{self.weighted:.4f}", total)]
        left_out = ", ".join(self.class_names[k] for k in self.undefined) or "none"
        return Table(
            ("class", self.metric, "positives"),
            tuple(rows),
            notes=(
                f"{self.definition}",
                f"Means over {defined} of {len(self.per_class)} classes; left out: {left_out}.",
            ),
        )

    def __str__(self) -> str:
        return str(self.table())


def warn_of_undefined(scores: ClassScores, reason: str, stacklevel: int = 3) -> ClassScores:
    """Say once which classes are left out of the means."""
    undefined = scores.undefined
    if undefined:
        names = ", ".join(scores.class_names[k] for k in undefined[:5])
        more = f" and {len(undefined) - 5} more" if len(undefined) > 5 else ""
        warnings.warn(
            f"{scores.metric} is undefined for {len(undefined)} of {len(scores.per_class)} classes"
            f" ({reason}): {names}{more}; left out of the mean",
            UndefinedClassWarning,
            stacklevel=stacklevel,
        )
    return scores
