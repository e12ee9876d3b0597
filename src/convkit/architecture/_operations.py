"""What one operation of PyTorch costs, read from the shapes of its tensors.

`torch.utils.flop_counter` counts the same operations; its totals are twice the MACs counted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

aten = torch.ops.aten


@dataclass(slots=True)
class Cost:
    """What has been counted so far inside one module."""

    macs: int = 0
    bias_additions: int = 0
    norm_macs: int = 0
    product_macs: int = 0


def _convolution(cost: Cost, arguments: tuple[Any, ...], out: Any) -> None:
    image, weight, bias, _, _, _, transposed = arguments[:7]
    # A filter meets every output pixel; a transposed one every pixel that arrives.
    pixels = image.numel() if transposed else out.numel()
    cost.macs += pixels * (weight.numel() // weight.shape[0])
    cost.bias_additions += 0 if bias is None else out.numel()


def _linear(cost: Cost, arguments: tuple[Any, ...], out: Any) -> None:
    cost.macs += out.numel() * arguments[1].shape[-1]
    cost.bias_additions += out.numel() if len(arguments) > 2 and arguments[2] is not None else 0


def _norm(cost: Cost, arguments: tuple[Any, ...], _: Any) -> None:
    cost.norm_macs += arguments[0].numel()


def _attention(cost: Cost, arguments: tuple[Any, ...], _: Any) -> None:
    query, key, value = arguments[:3]
    scores = query.numel() * key.shape[-2]
    cost.product_macs += (
        scores + query.numel() // query.shape[-1] * value.shape[-2] * (value.shape[-1])
    )


# Products whose operands may both be inputs; the number is where the left operand stands.
PRODUCTS = {aten.mm: 0, aten.addmm: 1, aten.bmm: 0, aten.baddbmm: 1}
COSTS: dict[Any, Callable[[Cost, tuple[Any, ...], Any], None]] = {
    aten.convolution: _convolution,
    aten._convolution: _convolution,
    aten.linear: _linear,
    aten.native_batch_norm: _norm,
    aten._native_batch_norm_legit: _norm,
    aten._native_batch_norm_legit_no_training: _norm,
    aten.cudnn_batch_norm: _norm,
    aten.native_layer_norm: _norm,
    aten.native_group_norm: _norm,
    aten._scaled_dot_product_flash_attention: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_efficient_attention: _attention,
    aten._scaled_dot_product_cudnn_attention: _attention,
    aten._scaled_dot_product_attention_math: _attention,
}
