"""Which table builds this very network? What is kept of a network must not describe another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from convkit.architecture import Architecture
from convkit.errors import ConvkitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


def table_text(model: nn.Module, input_shape: Sequence[int]) -> str | None:
    """The table that a network was built from, in one line.

    None where there is none, where a row cannot be written as words, and where layers were changed
    since: a network built from the line would be another one.

    Args:
        model: The network.
        input_shape: Channels, height and width of an image.
    """
    table: Architecture | None = getattr(model, "convkit_architecture", None)
    if table is None:
        return None
    try:
        text = table.to_text()
        return text if describes(Architecture.parse(text), model, input_shape) else None
    except ConvkitError:
        return None


def describes(table: Architecture, model: nn.Module, input_shape: Sequence[int]) -> bool:
    """Whether a table builds just the layers, settings and weights that a network has."""
    try:
        with torch.device("meta"):  # shapes alone: no memory, no random numbers
            built = table.build(tuple(input_shape))
    except (ConvkitError, RuntimeError, TypeError):
        return False
    return _layers(built) == _layers(model) and _shapes(built) == _shapes(model)


def _layers(model: nn.Module) -> list[tuple[str, type, str]]:
    """Every layer in its order: name, kind and settings."""
    return [(name, type(layer), layer.extra_repr()) for name, layer in model.named_modules()]


def _shapes(model: nn.Module) -> dict[str, Any]:
    return {name: tensor.shape for name, tensor in model.state_dict().items()}
