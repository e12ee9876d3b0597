"""Whether a filter and a map belong together: the map computed again, in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from convkit._tables import Shown
from convkit.features._operands import Operands, in_double

# Rounding errors add up like a random walk: with the square root of the number of products,
# times a factor that makes a larger error practically impossible (Higham & Mary 2019, their λ).
_WALK = 4.0
_TF32 = 2.0**-11
_VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Verification(Shown):
    """The answer to "are this filter and this map a pair?"; true when they are.

    With `u` the unit roundoff of the type computed in, `n` the products of one value and `S` the
    sum of their magnitudes (with the bias), a value may differ by

        4 * sqrt(n) * u * S  +  2 * u_map * |value|

    where `u_map` is the unit roundoff of the type in which the map is kept.

    Args:
        holds: Whether every value agrees within its tolerance, and the filter is still the layer's.
        largest_difference: The largest absolute difference between the map and its recomputation.
        tolerance: The tolerance at the value that used up most of its own.
        used: The largest difference as a share of its tolerance; above 1 when they disagree.
        values: How many values were compared.
        sentence: The outcome in words.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> images = torch.rand(2, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     pairs = extractor.extract(images, layers="0")
        >>> checked = pairs["0"][3].verify()
        >>> checked.holds, checked.used <= 1, checked.values
        (True, True, 72)
    """

    holds: bool
    largest_difference: float
    tolerance: float
    used: float
    values: int
    sentence: str

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return self.sentence


@dataclass(slots=True)
class _Tally:
    """Differences gathered over chunks of images."""

    difference: float = 0.0
    tolerance: float = 0.0
    used: float = 0.0
    wrong: int = 0
    values: int = 0

    def add(self, difference: Tensor, tolerance: Tensor) -> None:
        """Compare some values with their tolerances; what is not finite never agrees."""
        share = torch.where(difference == 0, 0.0, difference / tolerance)
        share = share.nan_to_num(nan=math.inf)
        worst = int(share.argmax())
        if self.values == 0 or float(share.flatten()[worst]) > self.used:
            self.used = float(share.flatten()[worst])
            self.tolerance = float(tolerance.flatten()[worst])
        self.difference = max(self.difference, float(difference.nan_to_num(nan=math.inf).max()))
        self.wrong += int((share > 1).sum())
        self.values += difference.numel()


def verify(
    operands: Operands, index: int, one_filter: Tensor, feature_map: Tensor, *, tf32: bool
) -> Verification:
    """Recompute a map from its filter, its bias and the layer's input, and compare.

    Args:
        operands: What the layer computed with.
        index: Which filter.
        one_filter: The filter, (in_channels / groups, kernel_height, kernel_width).
        feature_map: Its map, (N, height, width).
        tf32: Whether float32 products were allowed to be rounded to TF32 (on a GPU).
    """
    channels = operands.channels_of(index)
    weights = in_double(_as_computed(one_filter, feature_map))
    unit = _TF32 if tf32 else _unit(operands.input.dtype, accumulated=True)
    grown = _WALK * math.sqrt(weights.numel() + 1) * unit
    tally = _Tally()
    bias = operands.bias_of(index)
    at_once = _images_at_once(operands, channels)
    for start in range(0, len(feature_map), at_once):
        rows = slice(start, start + at_once)
        images = operands.input[rows, channels.start : channels.stop]
        doubles = in_double(_as_computed(images, feature_map))
        exact = operands.apply(doubles, weights, bias)
        magnitudes = operands.apply(doubles.abs(), weights.abs(), abs(bias))
        found = in_double(feature_map[rows])
        if found.shape != exact.shape:
            return _other_size(found, exact)
        kept = 2 * _unit(feature_map.dtype, accumulated=False) * exact.abs()
        tiny = torch.finfo(feature_map.dtype).tiny
        tally.add((found - exact).abs(), grown * magnitudes + kept + tiny)
    return _judged(tally, index)


def _as_computed(tensor: Tensor, feature_map: Tensor) -> Tensor:
    """Under autocast a layer rounds its operands to the type of its output first."""
    return tensor.to(feature_map.dtype)


def _unit(dtype: torch.dtype, *, accumulated: bool) -> float:
    """The unit roundoff; half types add up in float32."""
    info = torch.finfo(dtype)
    if accumulated and info.bits < 32:
        info = torch.finfo(torch.float32)
    return info.eps / 2


def _images_at_once(operands: Operands, channels: range) -> int:
    """So many that a chunk in float64 stays small."""
    per_image = len(channels) * operands.input.shape[2] * operands.input.shape[3]
    return max(1, _VALUES_AT_ONCE // max(per_image, 1))


def _other_size(found: Tensor, exact: Tensor) -> Verification:
    sizes = f"{tuple(found.shape)}, its recomputation {tuple(exact.shape)}"
    return Verification(
        False, math.inf, 0.0, math.inf, found.numel(), f"not a pair: the map is {sizes}"
    )


def _judged(tally: _Tally, index: int) -> Verification:
    holds = tally.wrong == 0
    if holds:
        sentence = (
            f"filter {index} and its map are a pair: {tally.values} values recomputed, the largest "
            f"difference {tally.difference:.3g} is within rounding"
        )
    else:
        sentence = (
            f"filter {index} and this map are not a pair: {tally.wrong} of {tally.values} values "
            f"differ by more than rounding, by up to {tally.difference:.3g}"
        )
    return Verification(
        holds, tally.difference, tally.tolerance, tally.used, tally.values, sentence
    )
