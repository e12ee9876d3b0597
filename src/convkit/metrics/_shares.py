"""Parts of wholes, where a whole of nothing has no part: 0 / 0 is NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from convkit.errors import MetricError

if TYPE_CHECKING:
    import numpy.typing as npt

    from convkit.metrics._inputs import Floats, Integers

Normalization: TypeAlias = Literal["truth", "prediction", "all"]

_SUMMED_AXIS = {"truth": 1, "prediction": 0, "all": None}


def share(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """Part / whole in float64; 0 / 0 is NaN without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.true_divide(part, whole), dtype=np.float64)


def defined_mean(values: Floats, weights: Floats | Integers) -> float:
    """Weighted mean of the values that are not NaN; NaN when none is left or has weight."""
    defined = ~np.isnan(values)
    return float(share((values[defined] * weights[defined]).sum(), weights[defined].sum()))


def normalized_counts(counts: Integers, by: Normalization) -> Floats:
    """Counts as shares of their row, their column or all."""
    if by not in _SUMMED_AXIS:
        raise MetricError(f"normalized by 'truth', 'prediction' or 'all', got {by!r}")
    return share(counts, counts.sum(axis=_SUMMED_AXIS[by], keepdims=True))
