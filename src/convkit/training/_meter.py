"""What were the mean loss and the accuracy, without waiting for the device at every step?"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STEPS = 32
_ELEMENTS = 1 << 22


@dataclass(frozen=True, slots=True)
class Means:
    """Mean loss and accuracy over so many samples; NaN where there is none."""

    loss: float
    accuracy: float
    samples: int


class Meter:
    """Adds up losses and right answers while the numbers stay on the device.

    Asking a device for a number makes the processor wait for it, so the losses and outputs of up
    to 32 steps are kept and read together.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Tensor, Tensor, Tensor, int, int]] = []
        self._elements = 0
        self.reset()

    def reset(self) -> None:
        """Begin a new mean."""
        self._loss_sum, self._correct, self._samples = 0.0, 0.0, 0

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor, step: int, batch: int) -> bool:
        """Take one batch, its tensors without their graph; whether it is time to `read`."""
        self._kept.append((loss, outputs, targets, step, batch))
        self._elements += outputs.numel()
        return len(self._kept) >= _STEPS or self._elements >= _ELEMENTS

    def read(self) -> list[float]:
        """Add up what is kept.

        Returns:
            The loss of each optimizer step since the last time.

        Raises:
            TrainingError: When a loss is NaN or infinite.
        """
        if not self._kept:
            return []
        kept, self._kept, self._elements = self._kept, [], 0
        losses = torch.stack([loss for loss, *_ in kept]).double().tolist()
        sizes = [len(targets) for _, _, targets, _, _ in kept]
        for loss, (_, _, _, step, batch) in zip(losses, kept, strict=True):
            if not isfinite(loss):
                raise TrainingError(
                    f"the training loss of step {step}, batch {batch} of its epoch, is {loss}: "
                    "lower the learning rate, or look for values in the images that are not finite"
                )
        self._loss_sum += sum(loss * size for loss, size in zip(losses, sizes, strict=True))
        self._samples += sum(sizes)
        self._correct += count_correct([k[1] for k in kept], [k[2] for k in kept])
        return _by_step([k[3] for k in kept], losses, sizes)

    def means(self) -> Means:
        """The means of what was read since `reset`."""
        if not self._samples:
            return Means(nan, nan, 0)
        count = self._samples
        return Means(self._loss_sum / count, self._correct / count, count)

    def state_dict(self) -> dict[str, Any]:
        """The sums, as plain values; call `read` first."""
        return {"loss": self._loss_sum, "correct": self._correct, "samples": self._samples}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`."""
        self._kept, self._elements = [], 0
        self._loss_sum, self._correct = state["loss"], state["correct"]
        self._samples = state["samples"]


def count_correct(outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> float:
    """How many outputs are greatest at their target; of equal ones the first class counts.

    NaN when these are not class scores (N, C) with class indices (N,).
    """
    if outputs[0].ndim != 2 or targets[0].ndim != 1 or targets[0].is_floating_point():
        return nan
    guessed = torch.cat(list(outputs)).argmax(1)
    return float((guessed == torch.cat(list(targets))).sum())


def _by_step(steps: list[int], losses: list[float], sizes: list[int]) -> list[float]:
    """The mean over the samples of each step's batches."""
    sums: dict[int, list[float]] = {}
    for step, loss, size in zip(steps, losses, sizes, strict=True):
        pair = sums.setdefault(step, [0.0, 0.0])
        pair[0] += loss * size
        pair[1] += size
    return [total / size for total, size in sums.values()]
