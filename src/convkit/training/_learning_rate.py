"""Which learning rate should training begin with? A sweep over all of them tells."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from convkit.data import Batches
from convkit.errors import TrainingError
from convkit.training._given import is_whole
from convkit.training._inputs import training_feed
from convkit.training._loss import CrossEntropy, CustomLoss
from convkit.training._place import Place
from convkit.training._processes import Processes
from convkit.training._random import random_state_kept
from convkit.training._rate_curve import RateCurve, smoothed, suggest
from convkit.training._twin import device_of, dtype_of, optimizer_of_twin, twin_of

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from convkit.training._feed import Feed, Pair
    from convkit.training._loss import LossFunction, Objective
    from convkit.training._optimizers import OptimizerLike

_RUNNING = 0.9  # weight of the past in the mean that notices divergence
_DIVERGED = 1.0  # times the first loss above the best one
_MOST_STEPS = 100_000


def find_learning_rate(
    model: nn.Module,
    data: Any,
    *,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    optimizer: OptimizerLike = "adamw",
    loss: LossFunction | None = None,
    batch_size: int = 64,
    seed: int = 0,
) -> RateCurve:
    """Train a copy of the model with a learning rate that rises from step to step.

    The range test of L. N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017,
    first given in 2015). Step i of n uses the rate `low * (high / low)**(i / (n - 1))`. The
    suggestion is the rate at which the smoothed loss falls fastest on the logarithmic axis, the
    least of

        (s[i+1] - s[i-1]) / (log10 rate[i+1] - log10 rate[i-1]),

    at a rate of at most a third of that of the lowest smoothed loss. `s` is the mean of each loss
    with those on both sides, weighted by `exp(-distance / 0.4)`, the distance in powers of ten of
    the rate. The sweep ends early when the loss is no number, or when its running mean lies above
    the best one by more than the first loss.

    Model, optimizer, modes, gradients, hooks, random states and the position of the data are as
    before, whatever happens: an exception and Ctrl-C too.

    Args:
        model: Any module; a copy of it is trained, in training mode, on the device of its weights.
        data: To learn from, as for `Trainer.fit`: an image set, batches, a data set, a loader, or a
            pair (images, labels). Not an iterator, which would be used up.
        low: The first learning rate.
        high: The last.
        steps: Optimizer steps at most.
        optimizer: A name, a function of the parameters, or an optimizer of the model, which is
            copied with its state. Groups with rates of their own keep their ratios.
        loss: A function of outputs and targets that returns their mean; cross-entropy by default.
        batch_size: Samples in a step, where the data have no batches of their own.
        seed: Of the order of the data.

    Returns:
        The curve: `.rates`, `.losses`, `.smoothed`, `.suggestion`, `.reason`, `.plot()`.

    Raises:
        TrainingError: For a range that is none, data that cannot be fed, or a loss that is no
            number from the start.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> _ = torch.manual_seed(0)
        >>> images, labels = torch.randn(256, 3, 4, 4), torch.arange(256) % 2
        >>> images[labels == 1] += 1
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
        >>> 1e-4 < find_learning_rate(model, (images, labels)).suggestion < 1
        True
    """
    _check_range(low, high, steps)
    if isinstance(data, Iterator):
        raise TrainingError(
            f"the data are an iterator ({type(data).__name__}), which the sweep would use up: "
            "give the loader itself"
        )
    rates = [low * (high / low) ** (i / (steps - 1)) for i in range(steps)]
    objective: Objective = CustomLoss(loss) if loss else CrossEntropy()
    with random_state_kept(), torch.inference_mode(False), torch.enable_grad():
        twin, optimizer = twin_of(model, optimizer)
        twin.train()
        place = Place(device_of(twin), dtype_of(twin), "float32", False, Processes())
        # Batches know their own position: a copy of them leaves it alone.
        source = copy.copy(data) if isinstance(data, Batches) else data
        feed = training_feed(source, batch_size, seed, (), place, 1)
        updating = optimizer_of_twin(optimizer, twin, place.device, None)
        with _position_kept(data, feed):
            losses, end = _sweep(twin, updating, _endless(feed, twin), rates, objective)
    rates = rates[: len(losses)]
    curve = smoothed(rates, losses)
    suggestion, reason = suggest(rates, losses, curve)
    return RateCurve(
        tuple(rates),
        tuple(losses),
        smoothed=tuple(curve),
        suggestion=suggestion,
        reason=reason,
        end=end,
    )


def _sweep(
    twin: nn.Module,
    optimizer: Optimizer,
    batches: Iterator[Pair],
    rates: list[float],
    objective: Objective,
) -> tuple[list[float], str]:
    """The losses, and why the sweep ended."""
    groups = optimizer.param_groups
    largest = max(float(group["lr"]) for group in groups) or 1.0
    shares = [float(group["lr"]) / largest or 1.0 for group in groups]
    device, dtype = device_of(twin), dtype_of(twin)
    losses: list[float] = []
    mean = weight = 0.0
    best = math.inf
    for rate in rates:
        images, targets = next(batches)
        outputs = twin(images.to(device, dtype))
        loss = objective.mean(outputs, targets.to(device))
        value = float(loss.detach())
        if not math.isfinite(value):
            break
        losses.append(value)
        mean, weight = _RUNNING * mean + (1 - _RUNNING) * value, _RUNNING * weight + 1 - _RUNNING
        best = min(best, mean / weight)
        if mean / weight > best + _DIVERGED * abs(losses[0]):
            return losses, f"The loss diverged at {rate:.2g}, where the sweep ended."
        for group, share in zip(groups, shares, strict=True):
            group["lr"] = rate * share
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()
    else:
        return losses, f"It did not diverge up to {rates[-1]:.2g}."
    if len(losses) < 3:
        raise TrainingError(
            f"the loss is no number at step {len(losses) + 1} of the sweep, at the learning rate "
            f"{rates[len(losses)]:.2g}: look at the images, the labels and the loss"
        )
    return losses, f"The loss was no number at {rates[len(losses)]:.2g}."


def _endless(feed: Feed, twin: nn.Module) -> Iterator[Pair]:
    """Batch after batch, epoch after epoch."""
    norm = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in twin.modules())
    epoch = 0
    while True:
        usable = 0
        for images, targets in feed.pairs(epoch):
            if len(targets) > 1 or not norm:  # a batch norm cannot learn from one sample
                usable += 1
                yield images, targets
        if not usable:
            raise TrainingError("the data have no batch that can be learned from")
        epoch += 1


@contextmanager
def _position_kept(data: Any, feed: Feed) -> Iterator[None]:
    """Generators, epochs and positions of the user's loader are as before afterwards."""
    holders = [data, getattr(data, "sampler", None), getattr(data, "batch_sampler", None)]
    epochs = [(h, h.epoch) for h in holders if hasattr(h, "epoch") and hasattr(h, "set_epoch")]
    generators = [(generator, generator.get_state()) for generator in feed.generators()]
    stateful = hasattr(data, "load_state_dict") and not isinstance(data, Batches)
    position = copy.deepcopy(data.state_dict()) if stateful else None
    try:
        yield
    finally:
        for holder, epoch in epochs:
            holder.set_epoch(epoch)
        for generator, state in generators:
            generator.set_state(state)
        if stateful:
            data.load_state_dict(position)


def _check_range(low: float, high: float, steps: int) -> None:
    if not 0 < low < high < math.inf:
        raise TrainingError(f"the rates rise from low above 0 to high, not from {low} to {high}")
    if not is_whole(steps, 10) or steps > _MOST_STEPS:
        raise TrainingError(f"steps is a whole number from 10 to {_MOST_STEPS:,}, not {steps!r}")
