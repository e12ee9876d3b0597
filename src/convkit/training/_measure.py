"""What does the network answer on a whole set, in evaluation mode?"""

from __future__ import annotations

from math import fsum, nan
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from convkit.errors import TrainingError
from convkit.training._meter import Means, Sums, count_correct, exact_sum, means_of
from convkit.training._place import evaluation_mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convkit.training._feed import Feed
    from convkit.training._loss import Objective
    from convkit.training._place import Place


def answers(model: nn.Module, feed: Feed, place: Place) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs (float32) and targets of this process's batches, in order, on the device."""
    context = place.context
    for images, targets in feed.every(place.processes.count, place.processes.rank):
        with context:
            outputs = model(place.take(images))
        if isinstance(outputs, Tensor):
            outputs = outputs.float()
        yield outputs, targets.to(place.device, non_blocking=True)


def measure(model: nn.Module, feed: Feed, objective: Objective, place: Place) -> Means:
    """Mean loss and accuracy over all samples, each counted once."""
    losses: list[Tensor] = []
    weights: list[Tensor | float] = []
    right: list[Tensor] = []
    samples = 0
    with evaluation_mode(model):
        for outputs, targets in answers(model, feed, place):
            loss, weight = objective.total(outputs, targets)
            losses.append(loss)
            weights.append(weight)
            right.append(count_correct([outputs], [targets]))
            samples += len(targets)
    # Only now is the device asked for numbers.
    sums = Sums(
        exact_sum([float(loss) for loss in losses]),
        fsum(float(weight) for weight in weights),
        sum(float(count) for count in right),
        samples,
    )
    return means_of(sums, place.processes)


def all_answers(
    model: nn.Module, feed: Feed, objective: Objective | None, place: Place
) -> tuple[Tensor, Tensor, float]:
    """Outputs and targets of all samples in the order of the set, and the mean loss.

    On the processor, alike in every process. The loss is NaN without an objective.
    """
    outputs, targets, losses, weights = [], [], [], []
    with evaluation_mode(model):
        for output, target in answers(model, feed, place):
            if objective is not None:
                loss, weight = objective.total(output, target)
                losses.append(float(loss))
                weights.append(float(weight))
            outputs.append(output.cpu())
            targets.append(target.cpu())
    everyone = place.processes.gathered((outputs, targets, losses, weights))
    if not everyone[0][0]:
        raise TrainingError("the set is empty: there is nothing to measure")
    mean = nan
    if objective is not None:
        total = exact_sum([loss for part in everyone for loss in part[2]])
        mean = total / fsum(weight for part in everyone for weight in part[3])
    return (
        torch.cat(_in_order([part[0] for part in everyone])),
        torch.cat(_in_order([part[1] for part in everyone])),
        mean,
    )


def _in_order(parts: list[list[Tensor]]) -> list[Tensor]:
    """The batches as they were dealt out: first one to each process, then the next."""
    return [
        batches[turn] for turn in range(len(parts[0])) for batches in parts if turn < len(batches)
    ]
