"""The outputs of the commonest operations on tensors without values, made from their shapes.

PyTorch derives them by rules written in Python that take longer than the rest of a summary. Every
function here gives None where its simple rule may not hold, and PyTorch is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

aten = torch.ops.aten


def _convolution(arguments: tuple[Any, ...]) -> Any:
    image, weight, _, strides, paddings, dilations, transposed, _, groups = arguments[:9]
    batch, channels, *sizes = image.shape
    filters, per_group, *kernel = weight.shape
    if transposed or channels != per_group * groups or len(sizes) != len(kernel):
        return None
    windows = zip(sizes, kernel, strides, paddings, dilations, strict=True)
    after = [(s + 2 * p - d * (k - 1) - 1) // stride + 1 for s, k, stride, p, d in windows]
    if min(after) < 1 or not image.is_contiguous():
        return None
    return image.new_empty((batch, filters, *after))


def _addmm(arguments: tuple[Any, ...]) -> Any:
    _, left, right = arguments[:3]
    if left.shape[1] != right.shape[0]:
        return None
    return left.new_empty((left.shape[0], right.shape[1]))


def _like(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of the same shape and order; `empty_like` alone would take several times longer."""
    return tensor.new_empty(tensor.shape) if tensor.is_contiguous() else torch.empty_like(tensor)


def _same(arguments: tuple[Any, ...]) -> Any:
    return _like(arguments[0])


def _in_place(arguments: tuple[Any, ...]) -> Any:
    return arguments[0]


def _normed(arguments: tuple[Any, ...]) -> Any:
    """The statistics that come along are used by nobody in evaluation mode."""
    image = arguments[0]
    return _like(image), image.new_empty(0), image.new_empty(0)


def _batch_norm(arguments: tuple[Any, ...]) -> Any:
    weight = arguments[1]
    if weight is None or weight.shape[0] != arguments[0].shape[1]:
        return None
    return _normed(arguments)


def _layer_norm(arguments: tuple[Any, ...]) -> Any:
    image, shape = arguments[:2]
    return _normed(arguments) if [*image.shape[-len(shape) :]] == [*shape] else None


def _combined(arguments: tuple[Any, ...]) -> Any:
    left, right = arguments[:2]
    if not isinstance(right, torch.Tensor) or left.dtype != right.dtype:
        return None
    if left.shape == right.shape:
        return _like(left)
    if left.dim() != right.dim() or left.device != right.device:
        return None
    pairs = [*zip(left.shape, right.shape, strict=True)]
    if any(a != b and 1 not in (a, b) for a, b in pairs):
        return None
    return left.new_empty([max(pair) for pair in pairs])


def _combined_in_place(arguments: tuple[Any, ...]) -> Any:
    left, right = arguments[:2]
    same = isinstance(right, torch.Tensor) and left.shape == right.shape
    return left if same and left.dtype == right.dtype else None


def _cat(arguments: tuple[Any, ...]) -> Any:
    tensors = arguments[0]
    dimension = arguments[1] if len(arguments) > 1 else 0
    first = tensors[0]
    if dimension < 0 or any(t.dim() != first.dim() or t.dtype != first.dtype for t in tensors):
        return None
    shapes = [[*t.shape] for t in tensors]
    joined = sum(shape.pop(dimension) for shape in shapes)
    if any(shape != shapes[0] for shape in shapes):
        return None
    return first.new_empty((*shapes[0][:dimension], joined, *shapes[0][dimension:]))


# Functions of single values, as PyTorch's operations are called.
FUNCTIONS = (
    *("relu", "gelu", "silu", "sigmoid", "tanh", "elu", "leaky_relu"),
    *("hardtanh", "mish", "hardswish", "hardsigmoid"),
)

QUICK_OUTPUTS: dict[Any, Callable[[tuple[Any, ...]], Any]] = {
    aten.convolution.default: _convolution,
    aten.addmm.default: _addmm,
    aten.cat.default: _cat,
    aten.native_batch_norm.default: _batch_norm,
    aten.native_layer_norm.default: _layer_norm,
    aten.add.Tensor: _combined,
    aten.mul.Tensor: _combined,
    aten.add_.Tensor: _combined_in_place,
    aten.mul_.Tensor: _combined_in_place,
    **{getattr(aten, name).default: _same for name in FUNCTIONS},
    **{getattr(aten, f"{name}_").default: _in_place for name in FUNCTIONS if name != "gelu"},
}
