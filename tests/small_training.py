"""Images, a network and a quiet `fit` that the tests of the trainer share."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from convkit import Trainer

IMAGES = torch.randn(42, 2, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(42) % 3
CHECK = (IMAGES[:17] + 0.1, LABELS[:17])


def network(*, norm: bool = True, dropout: float = 0.2) -> nn.Sequential:
    """A small network."""
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


def fit(trainer: Trainer, epochs: int = 3, *, check: Any = CHECK, **more: Any) -> Any:
    """Train quietly."""
    return trainer.fit((IMAGES, LABELS), check, epochs=epochs, batch_size=8, progress=False, **more)


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of weights and buffers."""
    return copy.deepcopy(model.state_dict())


def assert_equal_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name
