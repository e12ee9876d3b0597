"""What is minimised, as a mean for a step and as a sum for a whole set."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from convkit.errors import TrainingError

LossFunction = Callable[[Tensor, Tensor], Tensor]
_FAULTS = (IndexError, RuntimeError, ValueError, TypeError, AttributeError)


class CrossEntropy:
    """Cross-entropy of logits (N, C) and class indices (N,), or shares of the classes (N, C).

    Shares are what MixUp and CutMix make of labels; they are for training.

    Args:
        class_weights: A weight for each class (C,).
        label_smoothing: The share of the target that is spread over all classes.
    """

    def __init__(self, class_weights: Tensor | None = None, label_smoothing: float = 0.0) -> None:
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over the samples, by the weights of their classes."""
        try:
            return functional.cross_entropy(
                outputs, targets, self.class_weights, label_smoothing=self.label_smoothing
            )
        except _FAULTS:
            self.check(outputs, targets)
            raise

    def total(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | float]:
        """The sum over the samples, and what to divide it by for the mean."""
        try:
            loss = functional.cross_entropy(
                outputs,
                targets,
                self.class_weights,
                reduction="sum",
                label_smoothing=self.label_smoothing,
            )
        except _FAULTS:
            self.check(outputs, targets)
            raise
        return loss, self.weight(targets)

    def weight(self, targets: Tensor) -> Tensor | float:
        """What the mean over these targets counts for beside others: its divisor in torch."""
        if self.class_weights is None or targets.is_floating_point():
            return float(len(targets))
        return self.class_weights[targets].sum()

    def check(self, outputs: object, targets: Tensor) -> None:
        """Say what is wrong when the loss cannot be computed.

        Raises:
            TrainingError: When outputs and targets are not logits and class indices.
        """
        if not isinstance(outputs, Tensor):
            raise TrainingError(
                f"the network returns a {type(outputs).__name__}, cross-entropy needs one tensor "
                "(N, classes): give loss= a function of what the network returns"
            )
        count = len(targets)
        if outputs.ndim != 2 or len(outputs) != count:
            raise TrainingError(
                f"the network returns {tuple(outputs.shape)} for {count} labels, cross-entropy "
                f"needs ({count}, classes): end the network with Flatten and Linear(classes)"
            )
        if targets.shape == outputs.shape and targets.is_floating_point():
            _check_shares(targets)
            return
        if targets.ndim != 1 or targets.is_floating_point():
            raise TrainingError(
                f"the labels are {str(targets.dtype).removeprefix('torch.')} of shape "
                f"{tuple(targets.shape)}, cross-entropy needs whole class indices of shape (N,)"
            )
        check_labels(targets, outputs.shape[1])
        if self.class_weights is not None and len(self.class_weights) != outputs.shape[1]:
            raise TrainingError(
                f"class_weights has {len(self.class_weights)} weights, the network "
                f"{outputs.shape[1]} outputs: one weight for each class"
            )


def _check_shares(shares: Tensor) -> None:
    """Refuse shares of the classes that are negative or do not add up to one.

    Raises:
        TrainingError: Naming the first such sample.
    """
    if not are_shares(shares):
        sums = shares.sum(dim=1)
        first = int(_no_shares(shares).nonzero()[0])
        raise TrainingError(
            f"the labels are shares of the classes, but those of sample {first} add up to "
            f"{float(sums[first]):.4g} or are negative: each row needs shares from 0 that add up "
            "to 1"
        )


def are_shares(targets: Tensor) -> bool:
    """Whether targets are shares of several classes: rows (N, C) from 0 that add up to one."""
    if targets.ndim != 2 or targets.shape[1] < 2 or not targets.is_floating_point():
        return False
    return not bool(_no_shares(targets).any())


def _no_shares(targets: Tensor) -> Tensor:
    """Which rows are negative somewhere or do not add up to one, to what float16 holds."""
    return (targets < 0).any(dim=1) | ~((targets.sum(dim=1) - 1).abs() <= 1e-3)


def check_labels(labels: Tensor, classes: int) -> None:
    """Refuse a label that is no class.

    Raises:
        TrainingError: Naming the label.
    """
    if not labels.numel():
        return
    low, high = (int(bound) for bound in torch.aminmax(labels))
    if low < 0:
        raise TrainingError(
            f"label {low} is below 0: the classes are numbered from 0 to {classes - 1}"
        )
    if high >= classes:
        raise TrainingError(
            f"label {high} is outside the {classes} classes 0 to {classes - 1} that the network "
            f"has outputs for: give its last layer {high + 1} outputs, or mend the label"
        )


class CustomLoss:
    """A loss of the user's own: a function of outputs and targets that returns their mean.

    Args:
        mean: The function.
    """

    def __init__(self, mean: LossFunction) -> None:
        self._mean = mean

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What the function says.

        Raises:
            TrainingError: When that is not one number.
        """
        loss = self._mean(outputs, targets)
        if not isinstance(loss, Tensor) or loss.ndim:
            found = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else "no tensor"
            raise TrainingError(
                f"the function given as loss= returns {found}: let it return the mean over the "
                "samples, one number"
            )
        return loss

    def total(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | float]:
        """The sum over the samples, and their number."""
        return self.mean(outputs, targets) * len(targets), self.weight(targets)

    def weight(self, targets: Tensor) -> float:
        """The number of samples."""
        return float(len(targets))

    def check(self, outputs: object, targets: Tensor) -> None:
        """What such a loss takes is the user's to say."""


Objective = CrossEntropy | CustomLoss
