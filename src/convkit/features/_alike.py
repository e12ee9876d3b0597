"""Filters of a layer that are nearly the same, and filters that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional as F  # noqa: N812 - the name that PyTorch itself gives it

from convkit.errors import FeatureError

if TYPE_CHECKING:
    from torch import Tensor

_NOTHING = 1e-6


class Duplicate(NamedTuple):
    """Two filters of a layer that point in nearly the same direction.

    Args:
        first: The one.
        second: The other, a later one.
        similarity: The cosine between their weights, at most 1.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> conv = nn.Conv2d(3, 3, kernel_size=3)
        >>> with torch.no_grad():
        ...     _ = conv.weight[2].copy_(2 * conv.weight[0])
        >>> with FilterFeatureExtractor(nn.Sequential(conv)) as extractor:
        ...     found = extractor.extract(torch.rand(1, 3, 8, 8), layers="0")["0"].duplicates()[0]
        >>> found.first, found.second, round(found.similarity, 6)
        (0, 2, 1.0)
    """

    first: int
    second: int
    similarity: float


def duplicates(filters: Tensor, threshold: float) -> tuple[Duplicate, ...]:
    """The pairs of filters whose cosine is at least `threshold`, the most alike first."""
    if not 0 < threshold <= 1:
        raise FeatureError(f"a similarity threshold is above 0 and at most 1; got {threshold}")
    directions = F.normalize(filters.flatten(1).double(), dim=1)
    cosines = (directions @ directions.T).triu(1)
    places = (cosines >= threshold - 1e-12).nonzero().tolist()
    found = [Duplicate(i, j, min(float(cosines[i, j]), 1.0)) for i, j in places]
    return tuple(sorted(found, key=lambda pair: -pair.similarity))


def silent(filters: Tensor, maps: Tensor) -> tuple[int, ...]:
    """The filters whose weights are nothing beside the others', or whose map never varies."""
    norms = filters.flatten(1).double().norm(dim=1)
    weightless = norms <= _NOTHING * norms.median()
    values = maps.transpose(0, 1).flatten(1)
    constant = values.amin(1) == values.amax(1)
    return tuple(torch.nonzero(weightless | constant.to(weightless.device)).flatten().tolist())
