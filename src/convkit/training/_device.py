"""On what does training run, in which precision, and how is the network put there and back?"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import nn

from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

Precision = Literal["float32", "bfloat16", "float16"]


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that is meant; `"auto"` is the first accelerator, else the processor."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that does not exist or that the device does not have."""
    if precision not in get_args(Precision):
        raise TrainingError(
            f"precision is one of {', '.join(get_args(Precision))}, not {precision!r}"
        )
    if precision == "float16" and device.type != "cuda":
        raise TrainingError(
            f"precision 'float16' needs a CUDA device, this is {device.type}: use 'bfloat16', "
            "which has the range of float32 and needs no loss scaling"
        )
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise TrainingError(
            f"{torch.cuda.get_device_name(device)} has no bfloat16: use precision='float16'"
        )


def autocast(precision: str, device: torch.device) -> Any:
    """A context, used for every step, in which the network computes in this precision."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, precision))


def pays_channels_last(model: nn.Module) -> bool:
    """Whether images laid out as (N, H, W, C) make this network faster: it has convolutions."""
    return any(isinstance(layer, nn.Conv2d) for layer in model.modules())


@contextmanager
def placed(model: nn.Module, device: torch.device, *, channels_last: bool) -> Iterator[None]:
    """The network on the device while inside; device, layout and modes come back after."""
    modes = [(module, module.training) for module in model.modules()]
    home = next((tensor.device for tensor in _tensors(model)), device)
    try:
        _move(model, device, channels_last=channels_last)
        yield
    finally:
        _move(model, home, channels_last=False)
        for module, training in modes:
            module.training = training


def _move(model: nn.Module, device: torch.device, *, channels_last: bool) -> None:
    model.to(device)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for tensor in model.parameters():
        if tensor.ndim == 4 and not tensor.is_contiguous(memory_format=layout):
            tensor.data = tensor.data.contiguous(memory_format=layout)


def _tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    yield from model.parameters()
    yield from model.buffers()


def train_mode(model: nn.Module) -> None:
    """Training mode for all but the modules that are marked `convkit_frozen`."""
    model.train()
    for module in model.modules():
        if getattr(module, "convkit_frozen", False):
            module.eval()


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; every module's mode comes back after."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def denormals_flushed(flush: bool) -> Iterator[None]:
    """Numbers below 1e-38 count as zero while inside."""
    before = _flushes_denormals()
    if flush:
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _flushes_denormals() -> bool:
    """Torch can set this but not tell it: half of the smallest normal number shows it."""
    return not bool((torch.tensor([1.1754944e-38]) * 0.5).item())
