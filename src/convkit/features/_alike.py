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
