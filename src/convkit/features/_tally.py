"""Running sums over feature maps, from which every figure follows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Tally:
    """Sums over every value that a layer's filters gave, one entry for each filter.

    All sums are float64 or int64 and of constant size, so any number of images fits in memory;
    two tallies of the same filters add up to the tally of both.
    """

    def __init__(self, filters: int) -> None:
        self.images = 0
        self.values = 0
        self.non_positive: Counts = np.zeros(filters, np.int64)
        self.zeros: Counts = np.zeros(filters, np.int64)
        self.not_finite: Counts = np.zeros(filters, np.int64)
        self.silent_images: Counts = np.zeros(filters, np.int64)
        self.sums: Floats = np.zeros(filters)
        self.squares: Floats = np.zeros(filters)
        self.lowest: Floats = np.full(filters, np.inf)
        self.highest: Floats = np.full(filters, -np.inf)

    def add(self, maps: Tensor) -> None:
        """Add the maps of some images, (N, filters, height, width); none is kept."""
        flat = maps.detach().flatten(2)
        if flat.device.type == "mps":
            flat = flat.cpu()  # no float64 there
        highest = flat.amax(2)
        norms = torch.linalg.vector_norm(flat, dim=2, dtype=torch.float64)
        self.images += flat.shape[0]
        self.values += flat.shape[0] * flat.shape[2]
        self.non_positive += _counts((flat <= 0).sum((0, 2)))
        self.zeros += _counts((flat == 0).sum((0, 2)))
        self.not_finite += _counts((~flat.isfinite()).sum((0, 2)))
        self.silent_images += _counts((highest <= 0).sum(0))
        self.sums += _floats(flat.sum((0, 2), dtype=torch.float64))
        self.squares += _floats(norms.square().sum(0))
        self.lowest = np.minimum(self.lowest, _floats(flat.amin((0, 2))))
        self.highest = np.maximum(self.highest, _floats(highest.amax(0)))


def _counts(tensor: Tensor) -> Counts:
    return tensor.cpu().numpy()


def _floats(tensor: Tensor) -> Floats:
    return tensor.double().cpu().numpy()
