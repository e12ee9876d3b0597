"""What were the mean loss and the accuracy, without waiting for the device at every step?"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from convkit.errors import TrainingError
from convkit.training._loss import are_shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convkit.training._processes import Processes

_STEPS = 32
_ELEMENTS = 1 << 22


@dataclass(frozen=True, slots=True)
class Means:
    """Mean loss and accuracy over so many samples; NaN where there is none."""

    loss: float
    accuracy: float
    samples: int


class Sums(NamedTuple):
    """What the means of one process are made of.

    Attributes:
        loss: The sum of the losses.
        weight: What it is divided by.
        correct: Right answers.
        samples: Samples.
    """

    loss: float
    weight: float
    correct: float
    samples: int


NOTHING = Means(nan, nan, 0)


class _Kept(NamedTuple):
    loss: Tensor
    weight: Tensor | float
    outputs: Tensor
    targets: Tensor
    step: int
    batch: int


class Meter:
    """Adds up losses and right answers while the numbers stay on the device.

    Asking a device for a number makes the processor wait for it, so the losses and outputs of up
    to 32 steps are kept and read together.
    """

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._elements = 0
        self._steps: dict[int, tuple[float, float]] = {}
        self.reset()

    def reset(self) -> None:
        """Begin a new mean."""
        self._loss_sum, self._weight, self._correct, self._samples = 0.0, 0.0, 0.0, 0

    def add(
        self,
        loss: Tensor,
        weight: Tensor | float,
        outputs: Tensor,
        targets: Tensor,
        step: int,
        batch: int,
    ) -> bool:
        """Take one batch, its tensors without their graph; whether it is time to `read`.

        Args:
            loss: The mean loss of the batch.
            weight: What that mean counts for: the samples, or the weights of their classes.
            outputs: Of the network.
            targets: What they should be.
            step: The optimizer step, from 1.
            batch: The batch of the epoch.
        """
        self._kept.append(_Kept(loss, weight, outputs, targets, step, batch))
        self._elements += outputs.numel()
        return len(self._kept) >= _STEPS or self._elements >= _ELEMENTS

    def read(self) -> None:
        """Add up what is kept.

        Raises:
            TrainingError: When a loss is NaN or infinite.
        """
        if not self._kept:
            return
        kept, self._kept, self._elements = self._kept, [], 0
        losses = _numbers([one.loss for one in kept])
        weights = _numbers([one.weight for one in kept])
        for loss, weight, one in zip(losses, weights, kept, strict=True):
            if not isfinite(loss):
                raise TrainingError(
                    f"the training loss of step {one.step}, batch {one.batch} of its epoch, is "
                    f"{loss}: lower the learning rate, or look for values in the images that are "
                    "not finite"
                )
            self._add_step(one.step, loss, weight)
            self._samples += len(one.targets)
        self._correct += float(
            count_correct([one.outputs for one in kept], [one.targets for one in kept])
        )

    def _add_step(self, step: int, loss: float, weight: float) -> None:
        self._loss_sum += loss * weight
        self._weight += weight
        total, weights = self._steps.get(step, (0.0, 0.0))
        self._steps[step] = total + loss * weight, weights + weight

    def settle(self, processes: Processes) -> list[float]:
        """Put the losses of each step since the last time together, over all processes."""
        self.read()
        steps, self._steps = self._steps, {}
        if processes.count == 1:
            return [total / weight for total, weight in steps.values()]
        everyone = processes.gathered(steps)
        together = []
        for step in sorted(set().union(*everyone)):
            parts = [steps[step] for steps in everyone if step in steps]
            together.append(fsum(t for t, _ in parts) / fsum(w for _, w in parts))
        return together

    def means(self, processes: Processes) -> Means:
        """The means of what was read since `reset`, over the samples of all processes."""
        sums = Sums(self._loss_sum, self._weight, self._correct, self._samples)
        return means_of(sums, processes)

    def state_dict(self, processes: Processes) -> dict[str, Any]:
        """The sums over all processes, as plain values; call `settle` first."""
        sums = Sums(self._loss_sum, self._weight, self._correct, self._samples)
        parts = processes.gathered(sums)
        return {
            "loss": fsum(part.loss for part in parts),
            "weight": fsum(part.weight for part in parts),
            "correct": sum(part.correct for part in parts),
            "samples": sum(part.samples for part in parts),
        }

    def load_state_dict(self, state: Mapping[str, Any], processes: Processes) -> None:
        """Go on from `state_dict()`; the first process carries the sums."""
        self._kept, self._elements, self._steps = [], 0, {}
        self.reset()
        if processes.first:
            self._loss_sum, self._correct = state["loss"], state["correct"]
            self._samples = state["samples"]
            # Checkpoints from before the weights were counted weigh each sample alike.
            self._weight = state.get("weight", float(self._samples))


def _numbers(values: Sequence[Tensor | float]) -> list[float]:
    """Plain numbers; the device is asked once for those that it has."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    asked = iter(torch.stack(tensors).double().tolist() if tensors else [])
    return [next(asked) if isinstance(value, Tensor) else value for value in values]


def means_of(sums: Sums, processes: Processes) -> Means:
    """Means out of the sums of all processes, alike on every one."""
    parts = processes.gathered(sums)
    samples = sum(part.samples for part in parts)
    if not samples:
        return NOTHING
    loss = exact_sum([part.loss for part in parts]) / fsum(part.weight for part in parts)
    return Means(loss, sum(part.correct for part in parts) / samples, samples)


def exact_sum(values: list[float]) -> float:
    """The sum without rounding on the way; NaN or infinite as the values are."""
    return fsum(values) if all(map(isfinite, values)) else sum(values)


def count_correct(outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """How many outputs are greatest at their target; of equal ones the first class counts.

    Of shares of the classes (N, C), the greatest is the target. NaN when these are not class
    scores (N, C) with class indices (N,) or such shares.
    """
    first = targets[0]
    shares = first.shape == outputs[0].shape and are_shares(first)
    if outputs[0].ndim != 2 or not (shares or (first.ndim == 1 and not first.is_floating_point())):
        return torch.tensor(nan)
    guessed, truth = torch.cat(list(outputs)).argmax(1), torch.cat(list(targets))
    return (guessed == (truth.argmax(1) if shares else truth)).sum()
