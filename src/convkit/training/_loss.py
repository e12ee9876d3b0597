"""What is minimised, as a mean for a step and as a sum for a whole set."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from convkit.errors import TrainingError

LossFunction = Callable[[Tensor, Tensor], Tensor]


class CrossEntropy:
    """Cross-entropy of logits (N, C) and class indices (N,).

    Args:
        class_weights: A weight for each class (C,).
        label_smoothing: The share of the target that is spread over all classes.
    """

    def __init__(self, class_weights: Tensor | None = None, label_smoothing: float = 0.0) -> None:
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over the samples, by their weights."""
        return functional.cross_entropy(
            outputs, targets, self.class_weights, label_smoothing=self.label_smoothing
        )

    def total(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | float]:
        """The sum over the samples, and what to divide it by for the mean."""
        loss = functional.cross_entropy(
            outputs,
            targets,
            self.class_weights,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        if self.class_weights is None:
            return loss, float(len(targets))
        return loss, self.class_weights[targets].sum()

    def check(self, outputs: object, targets: Tensor) -> None:
        """Say what is wrong when the loss cannot be computed."""
        if not isinstance(outputs, Tensor):
            raise TrainingError(
                f"the network returns a {type(outputs).__name__}, cross-entropy needs one tensor "
                "(N, classes): give loss= a function of what the network returns"
            )
        count = len(targets)
        if outputs.ndim != 2 or len(outputs) != count:
            raise TrainingError(
                f"the network returns {tuple(outputs.shape)} for {count} images, cross-entropy "
                f"needs ({count}, classes): end the network with Flatten and Linear(classes)"
            )
        if targets.ndim != 1 or targets.is_floating_point():
            raise TrainingError(
                f"the labels are {str(targets.dtype).removeprefix('torch.')} of shape "
                f"{tuple(targets.shape)}, cross-entropy needs whole class indices of shape (N,)"
            )
        classes = outputs.shape[1]
        low, high = (int(v) for v in torch.aminmax(targets)) if count else (0, 0)
        if low < 0 or high >= classes:
            wrong = low if low < 0 else high
            raise TrainingError(
                f"label {wrong} is outside the {classes} classes 0 to {classes - 1} that the "
                f"network has outputs for: give the last layer {high + 1} outputs or mend the label"
                if low >= 0
                else f"label {wrong} is below 0: classes are numbered from 0 to {classes - 1}"
            )


class CustomLoss:
    """A loss given by the user: a function of outputs and targets that returns their mean."""

    class_weights = None

    def __init__(self, function: LossFunction) -> None:
        self.mean = function

    def total(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, float]:
        """The sum over the samples, and their number."""
        return self.mean(outputs, targets) * len(targets), float(len(targets))

    def check(self, outputs: object, targets: Tensor) -> None:
        """What a loss of the user's own takes is the user's to say."""


Objective = CrossEntropy | CustomLoss
