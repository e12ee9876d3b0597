"""What does the network answer on a whole set, in evaluation mode?"""

from __future__ import annotations

from math import fsum, nan
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from convkit.errors import TrainingError
from convkit.training._device import evaluation_mode
from convkit.training._meter import Means, count_correct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convkit.training._feed import Feed
    from convkit.training._loss import Objective


def answers(
    model: nn.Module, feed: Feed, device: torch.device, context: Any, *, channels_last: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """The outputs (float32) and targets of every batch, in order, on the device."""
    layout = torch.channels_last if channels_last else torch.preserve_format
    for images, targets in feed.epoch(0):
        spread = layout if images.ndim == 4 else torch.preserve_format
        images = images.to(device, non_blocking=True, memory_format=spread)
        with context:
            outputs = model(images)
        yield (
            outputs.float() if isinstance(outputs, Tensor) else outputs,
            targets.to(device, non_blocking=True),
        )


def measure(
    model: nn.Module,
    feed: Feed,
    objective: Objective,
    device: torch.device,
    context: Any,
    *,
    channels_last: bool,
) -> Means:
    """Mean loss and accuracy over all samples, each counted once."""
    losses: list[Tensor] = []
    weights: list[Tensor | float] = []
    right: list[float] = []
    samples = 0
    with evaluation_mode(model):
        for outputs, targets in answers(model, feed, device, context, channels_last=channels_last):
            loss, weight = total_loss(objective, outputs, targets)
            losses.append(loss)
            weights.append(weight)
            right.append(count_correct([outputs], [targets]))
            samples += len(targets)
    if not samples:
        return Means(nan, nan, 0)
    total = fsum_or_nan([float(loss) for loss in losses])
    return Means(total / fsum(float(w) for w in weights), sum(right) / samples, samples)


def total_loss(
    objective: Objective, outputs: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor | float]:
    """The loss summed over the batch; what cannot be computed is explained."""
    try:
        return objective.total(outputs, targets)
    except (IndexError, RuntimeError, ValueError, TypeError) as error:
        objective.check(outputs, targets)
        raise TrainingError(f"the loss could not be computed: {error}") from error


def fsum_or_nan(values: list[float]) -> float:
    """The exact sum; NaN or infinity as they come."""
    try:
        return fsum(values)
    except (OverflowError, ValueError):  # infinities of both signs, or too large a sum
        return sum(values)
