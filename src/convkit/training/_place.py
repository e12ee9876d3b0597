"""Where does a network compute, in which precision, and how is it put there and back?"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import nn

from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from convkit.training._processes import Processes

Precision = Literal["float32", "bfloat16", "float16"]
_SPATIAL = (
    nn.Conv2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.BatchNorm2d,
    nn.GroupNorm,
)


@dataclass(frozen=True, slots=True)
class Place:
    """The device, precision and memory layout that a network computes in.

    Args:
        device: The device.
        dtype: Of the network's weights.
        precision: Of the network's arithmetic.
        channels_last: Whether images lie in memory as (N, H, W, C).
        processes: Those that train together.
    """

    device: torch.device
    dtype: torch.dtype
    precision: Precision
    channels_last: bool
    processes: Processes

    @property
    def context(self) -> Any:
        """The context in which the network computes in its precision."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.precision))

    @property
    def layout(self) -> torch.memory_format:
        """Of a batch of images."""
        return torch.channels_last if self.channels_last else torch.preserve_format

    def take(self, images: torch.Tensor) -> torch.Tensor:
        """The images, on the device, in the layout, fractions of the type of the weights."""
        layout = self.layout if images.ndim == 4 else torch.preserve_format
        dtype = self.dtype if images.is_floating_point() else images.dtype
        return images.to(self.device, dtype, non_blocking=True, memory_format=layout)

    @contextmanager
    def holding(self, model: nn.Module, *, flush_denormals: bool) -> Iterator[None]:
        """The network on the device while inside; device, layout and modes come back after.

        It can be held twice, as when a callback evaluates during training: the inner one gives
        back the layout of the outer, to which the optimizer's moments belong.
        """
        home = next((tensor.device for tensor in _tensors(model)), self.device)
        layouts = {name: _layout_of(tensor) for name, tensor in model.named_parameters()}
        inside = torch.channels_last if self.channels_last else torch.contiguous_format
        with ExitStack() as stack:
            stack.enter_context(modes_kept(model))
            stack.callback(_move, model, home, layouts)
            _move(model, self.device, dict.fromkeys(layouts, inside))
            stack.enter_context(_denormals_flushed(flush_denormals))
            yield


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that is meant; `"auto"` is the accelerator of this process, else the processor.

    Raises:
        TrainingError: When torch knows no such device, or this machine has none.
    """
    if str(device) != "auto":
        return _present(device)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _present(device: str | torch.device) -> torch.device:
    try:
        found = torch.device(device)
    except RuntimeError:
        raise TrainingError(
            f"there is no device {str(device)!r}: give 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'"
        ) from None
    missing = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    if missing.get(found.type, False):
        raise TrainingError(f"device {str(device)!r} is not on this machine: give 'auto' or 'cpu'")
    return found


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


def at_hand(precision: Precision, device: torch.device) -> Precision:
    """The precision, or `"float32"` where the device does not have it."""
    try:
        check_precision(precision, device)
    except TrainingError:
        return "float32"
    return precision


def pays_channels_last(model: nn.Module, device: torch.device, precision: Precision) -> bool:
    """Whether images laid out as (N, H, W, C) make this network faster.

    On a processor from two layers over images on: with a single one the change of layout costs more
    than it gains. On CUDA in half precision, where the tensor cores want it.
    """
    layers = sum(isinstance(layer, _SPATIAL) for layer in model.modules())
    convolutions = any(isinstance(layer, nn.Conv2d) for layer in model.modules())
    if device.type == "cpu":
        return convolutions and layers > 1 and not any(map(_crashes_channels_last, model.modules()))
    return convolutions and device.type == "cuda" and precision != "float32"


def _crashes_channels_last(layer: nn.Module) -> bool:
    """Whether PyTorch may crash in this layer's backward when its images are channels_last.

    Seen with torch 2.15 and its oneDNN kernels on two threads: a 1x1 convolution with a stride
    that takes 8 channels ends the process for some batch sizes; with 16, 64 or 256 it does not.
    """
    return (
        isinstance(layer, nn.Conv2d)
        and set(layer.kernel_size) == {1}
        and max(layer.stride) > 1
        and layer.in_channels % 16 != 0
    )


def _move(
    model: nn.Module, device: torch.device, layouts: Mapping[str, torch.memory_format]
) -> None:
    """Put the network on a device, and the weights of its convolutions into their layouts."""
    model.to(device)
    for name, tensor in model.named_parameters():
        if tensor.ndim == 4 and not tensor.is_contiguous(memory_format=layouts[name]):
            tensor.data = tensor.data.contiguous(memory_format=layouts[name])


def _layout_of(tensor: torch.Tensor) -> torch.memory_format:
    """How the weights of a convolution lie in memory; contiguous where both would do."""
    last = tensor.ndim == 4 and not tensor.is_contiguous()
    if last and tensor.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return torch.contiguous_format


def _tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    yield from model.parameters()
    yield from model.buffers()


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Every module is in training or evaluation mode as before, whatever happens inside."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; every module's mode comes back after."""
    with modes_kept(model), torch.no_grad():
        model.eval()
        yield


@contextmanager
def _denormals_flushed(flush: bool) -> Iterator[None]:
    """Numbers below 1e-38 count as zero while inside."""
    before = flushes_denormals()
    torch.set_flush_denormal(flush or before)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushes_denormals() -> bool:
    """Torch can set this but not tell it: half of the smallest normal number shows it."""
    return not bool((torch.tensor([1.1754944e-38]) * 0.5).item())
