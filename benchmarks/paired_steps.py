"""Small networks, the loop that everybody writes, and two steps timed side by side.

What `benchmarks/training.py` measures with; nothing runs here.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

Step = Callable[[Tensor, Tensor], object]
Model = Callable[[], nn.Module]


def tiny() -> nn.Sequential:
    """One convolution and one linear layer."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 256, 10)
    )


def base(pair: tuple[Model, Model] = (nn.ReLU, lambda: nn.MaxPool2d(2))) -> nn.Sequential:
    """Three convolutions of 5x5 for 32x32 images; 390,410 parameters."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, after, 5, padding=2), *(make() for make in pair)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 10))


def pool_first() -> nn.Sequential:
    """The base network with max-pooling before ReLU."""
    return base((lambda: nn.MaxPool2d(2), nn.ReLU))


def plain_step(
    model: nn.Module, *, channels_last: bool = False, fused: bool = False, flush: bool = False
) -> Step:
    """A step of the loop that everybody writes."""
    if channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, fused=fused)
    model.train()

    def step(images: Tensor, labels: Tensor) -> None:
        if channels_last:
            images = images.to(memory_format=torch.channels_last)
        torch.set_flush_denormal(flush)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    return step


class Paired:
    """Batches; between two of them a partner takes the same step, and both are timed."""

    def __init__(self, partner: Step, steps: int, batch_size: int, size: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self._batches = [
            (
                torch.randn(batch_size, 3, size, size, generator=generator),
                torch.randint(0, 10, (batch_size,), generator=generator),
            )
            for _ in range(20)
        ]
        self._partner, self._steps = partner, steps
        self.batch_size = batch_size
        self.pairs: list[tuple[float, float]] = []

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.pairs = []
        clock = time.perf_counter
        for number in range(self._steps):
            batch = self._batches[number % len(self._batches)]
            begun = clock()
            self._partner(*batch)
            between = clock()
            yield batch
            self.pairs.append((between - begun, clock() - between))

    def result(self) -> tuple[float, float]:
        """Medians over the steps: microseconds above the partner, and times the partner."""
        steps = self.pairs[len(self.pairs) // 10 :]
        return (
            statistics.median(theirs - mine for mine, theirs in steps) * 1e6,
            statistics.median(theirs / mine for mine, theirs in steps),
        )
