"""What the running sums say: of a layer at one stage, and of each of its filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convkit.features._tally import Counts, Floats, Tally


@dataclass(frozen=True, slots=True)
class FilterFigures:
    """One figure for each filter of a layer at one stage; arrays of shape (out_channels,).

    Args:
        share_non_positive: The share of values that are zero or below, 0 to 1.
        share_zero: The share of values that are exactly zero.
        mean: The mean of the values.
        deviation: Their standard deviation (divided by n).
        lowest: The lowest value.
        highest: The highest value.
        share_silent: The share of images on which the filter never fires: no value above zero.
        not_finite: How many values are NaN or infinite.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import features
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> statistics = features.activation_statistics(model, torch.rand(8, 3, 8, 8))
        >>> figures = statistics["0"].per_filter
        >>> figures.mean.shape, figures.share_non_positive.shape, figures.not_finite.tolist()
        ((4,), (4,), [0, 0, 0, 0])
    """

    share_non_positive: Floats
    share_zero: Floats
    mean: Floats
    deviation: Floats
    lowest: Floats
    highest: Floats
    share_silent: Floats
    not_finite: Counts


@dataclass(frozen=True, slots=True)
class StageFigures:
    """The figures of a layer at one stage, over all its filters.

    Args:
        images: How many maps of each filter were seen: images, times the calls of the layer.
        values: How many values of each filter were seen.
        share_non_positive: The share of values that are zero or below, 0 to 1.
        share_zero: The share of values that are exactly zero.
        mean: The mean of the values.
        deviation: Their standard deviation (divided by n).
        lowest: The lowest value.
        highest: The highest value.
        share_silent: The share of (image, filter) on which the filter never fires.
        not_finite: How many values are NaN or infinite.
        per_filter: The same for each filter.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import features
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> statistics = features.activation_statistics(model, torch.rand(8, 3, 8, 8))
        >>> figures = statistics["0"].before_norm
        >>> figures.images, figures.values, figures.constant
        (8, 288, array([False, False, False, False]))
    """

    images: int
    values: int
    share_non_positive: float
    share_zero: float
    mean: float
    deviation: float
    lowest: float
    highest: float
    share_silent: float
    not_finite: int
    per_filter: FilterFigures

    @property
    def constant(self) -> NDArray[np.bool_]:
        """For each filter, whether it gave one and the same value everywhere."""
        return np.equal(self.per_filter.lowest, self.per_filter.highest)


def figures(tally: Tally) -> StageFigures:
    """Read the figures off the running sums."""
    filters = len(tally.sums)
    per_filter = FilterFigures(
        tally.non_positive / tally.values,
        tally.zeros / tally.values,
        tally.sums / tally.values,
        _deviation(tally.sums, tally.squares, tally.values),
        tally.lowest,
        tally.highest,
        tally.silent_images / tally.images,
        tally.not_finite.copy(),  # the tally goes on counting in place
    )
    values = tally.values * filters
    return StageFigures(
        tally.images,
        tally.values,
        int(tally.non_positive.sum()) / values,
        int(tally.zeros.sum()) / values,
        float(tally.sums.sum()) / values,
        float(_deviation(tally.sums.sum(), tally.squares.sum(), values)),
        float(tally.lowest.min()),
        float(tally.highest.max()),
        int(tally.silent_images.sum()) / (tally.images * filters),
        int(tally.not_finite.sum()),
        per_filter,
    )


def _deviation(sums: Floats, squares: Floats, values: int) -> Floats:
    """The root of the mean square minus the squared mean."""
    mean = sums / values
    with np.errstate(invalid="ignore"):  # infinite values have no deviation: it is NaN
        return np.asarray(np.sqrt(np.maximum(squares / values - mean**2, 0.0)))
