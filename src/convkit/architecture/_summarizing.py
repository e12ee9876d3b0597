"""The summary of any network, from one run without values."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from convkit.architecture._plan import require_shape, written
from convkit.architecture._summary import Summary
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

    from convkit.architecture._recording import Run
    from convkit.architecture._row import Shape


def summarize(
    model: nn.Module, input_shape: Sequence[int] | Sequence[Sequence[int] | torch.Tensor]
) -> Summary:
    """Sizes and counts of any network, layer by layer.

    The network is run once, in evaluation mode, on tensors that have shapes but no values; only
    where that is not possible (a forward pass that looks at values) on real ones. Functional calls
    are counted in the module that makes them, a module that runs twice has two rows and its
    parameters in the first, shared weights count once. Weights, statistics, modes, attributes,
    hooks and random states are afterwards as they were, also when the run fails; forward hooks
    are silent meanwhile.

    Args:
        model: The network.
        input_shape: Channels and sizes of one image, `(C, H, W)`; for several inputs a list of
            such shapes, in which a tensor (its first item is taken) stands for an input that is no
            image.

    Returns:
        The summary; `.parameters` counts every distinct tensor once, also those that did not run.

    Raises:
        ArchitectureError: When the network does not run on such an input, naming the layer.

    Examples:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 5), nn.Flatten(), nn.Linear(6272, 10))
        >>> summarize(model, (3, 32, 32)).macs
        533120
    """
    from torch import nn

    from convkit.architecture._tabulating import tabulate

    if not isinstance(model, nn.Module):
        raise ArchitectureError(f"summarize needs an nn.Module; got {type(model).__name__}")
    model = _unwrapped(model)
    _require_made(model)
    shapes = _several(input_shape)
    runs, output_shape = _record(model, shapes)
    rows = tabulate(model, runs)
    described = [_described(shape) for shape in shapes]
    return Summary(
        rows,
        input_shape=described[0] if len(described) == 1 else tuple(described),
        output_shape=output_shape,
        title=type(model).__name__,
    )


def _unwrapped(model: nn.Module) -> nn.Module:
    """The network inside `torch.compile` or a wrapper for several devices."""
    inner = getattr(model, "_orig_mod", None)
    if inner is None and type(model).__name__ in {"DataParallel", "DistributedDataParallel"}:
        inner = model.module
    return model if inner is None else inner


def _require_made(model: nn.Module) -> None:
    from torch.nn.parameter import is_lazy

    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise ArchitectureError(
                f"{name} is not made before the first batch; run one batch through the network"
            )


def _several(input_shape: Any) -> list[Any]:
    """One entry for each input: a shape, or a tensor of one item."""
    import torch

    several = isinstance(input_shape, (tuple, list)) and any(
        isinstance(value, (tuple, list, torch.Tensor)) for value in input_shape
    )
    inputs = list(input_shape) if several else [input_shape]
    return [
        value[:1] if isinstance(value, torch.Tensor) else require_shape(value) for value in inputs
    ]


def _described(value: Any) -> Shape:
    return value if isinstance(value, tuple) else tuple(value.shape[1:])


def _record(model: nn.Module, inputs: list[Any]) -> tuple[Sequence[Run], Any]:
    """The runs of the network's modules and what left it: without values, or with, if need be."""
    from convkit.architecture._running import run_once

    # The cheapest first; a network that makes tensors of its own, or looks at values, needs more.
    for everywhere in (False, True):
        with suppress(Exception):
            return run_once(model, inputs, "meta", everywhere=everywhere)
    try:
        return run_once(model, inputs, None)
    except Exception as error:
        sizes = ", ".join(written(_described(value)) for value in inputs)
        where = getattr(error, "convkit_layer", "")
        raise ArchitectureError(
            f"{type(model).__name__} does not run on an input of {sizes}"
            f"{f', layer {where!r}' if where else ''}: {error}"
        ) from error
