"""The counts themselves, kept where the labels are, without a C x C matrix for each batch."""

from __future__ import annotations

import numpy as np
import torch

from convkit.errors import MetricError
from convkit.metrics._inputs import (
    Integers,
    Numbers,
    read_labels,
    read_predicted,
    refuse_empty,
    refuse_other_length,
    refuse_other_width,
    refuse_outside,
)

_NAMES = ("predicted", "truth")
_NEVER = torch.iinfo(torch.int64).max


def count_into(tally: Integers, cells: Integers) -> None:
    """Add 1 to each cell as often as it occurs; a few cells cost nothing for the others."""
    if cells.size < tally.size:
        np.add.at(tally, cells, 1)
    else:
        tally += np.bincount(cells, minlength=tally.size)


class HostTally:
    """Counts on the host; a refused batch leaves them as they were."""

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self._flat = np.zeros(num_classes * num_classes, dtype=np.int64)

    def add(self, predicted: Numbers, truth: Numbers) -> None:
        """Count one batch."""
        truth_labels = read_labels(truth, "truth")
        predicted_labels = read_predicted(predicted, num_classes=self.num_classes)
        refuse_other_length(predicted_labels.size, truth_labels.size, _NAMES)
        refuse_outside(predicted_labels, self.num_classes, "predicted")
        refuse_outside(truth_labels, self.num_classes, "truth")
        cells = truth_labels * self.num_classes + predicted_labels
        count_into(self._flat, cells)

    def add_counts(self, counts: Integers) -> None:
        """Add a C x C matrix of counts."""
        self._flat += counts.ravel()

    def counts(self) -> Integers:
        """The C x C counts, a copy."""
        return self._flat.reshape(self.num_classes, self.num_classes).copy()


class DeviceTally:
    """Counts on an accelerator, which is never waited for while batches come in.

    A label outside the classes is counted in a cell of its own and refused when the counts are
    read: looking at every batch would stop the device each time.
    """

    def __init__(self, num_classes: int, device: torch.device) -> None:
        self.num_classes = num_classes
        self.device = device
        self._flat = torch.zeros(num_classes**2 + 1, dtype=torch.int64, device=device)
        self._first_refused = torch.full((), _NEVER, dtype=torch.int64, device=device)
        self._seen = 0

    def add(self, predicted: torch.Tensor, truth: torch.Tensor) -> None:
        """Count one batch."""
        truth = _device_labels(truth, "truth")
        inside = (truth >= 0) & (truth < self.num_classes)
        if predicted.ndim == 2:
            refuse_other_width(tuple(predicted.shape), "predicted", self.num_classes)
            refuse_empty(tuple(predicted.shape), "predicted")
            inside &= predicted.isfinite().all(dim=1)
            predicted = predicted.argmax(dim=1)  # of equal scores the first, as on the host
        predicted = _device_labels(predicted, "predicted")
        refuse_other_length(predicted.numel(), truth.numel(), _NAMES)
        inside &= (predicted >= 0) & (predicted < self.num_classes)
        cells = torch.where(inside, truth * self.num_classes + predicted, self.num_classes**2)
        self._flat.scatter_add_(0, cells, torch.ones_like(cells))
        place = torch.arange(self._seen, self._seen + truth.numel(), device=truth.device)
        first = torch.where(inside, _NEVER, place).min()
        self._first_refused = torch.minimum(self._first_refused, first)
        self._seen += truth.numel()

    def counts(self) -> Integers:
        """The C x C counts, copied to the host once."""
        flat = self._flat.cpu().numpy()
        if flat[-1]:
            raise MetricError(
                f"{flat[-1]:,} of {self._seen:,} samples have a label outside 0 to"
                f" {self.num_classes - 1} or scores that are not finite, the first at sample"
                f" {int(self._first_refused)} of those counted on {self.device}"
            )
        return np.array(flat[:-1].reshape(self.num_classes, self.num_classes))


def _device_labels(labels: torch.Tensor, what: str) -> torch.Tensor:
    """Class indices as int64 (N,), still on their device."""
    refuse_empty(tuple(labels.shape), what)
    if labels.ndim != 1:
        raise MetricError(f"{what} must have the shape (N,), got {tuple(labels.shape)}")
    if labels.is_floating_point() or labels.is_complex():
        raise MetricError(f"{what} must be whole numbers (class indices), got {labels.dtype}")
    return labels.detach().long()
