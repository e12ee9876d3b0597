"""The rows of a summary, from the calls of a network's modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convkit.architecture._activation import ACTIVATIONS
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._operations import Cost
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool
from convkit.architecture._summary import SummaryRow
from convkit.architecture._upsample import Upsample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from convkit.architecture._recording import Run
    from convkit.architecture._seeing import Seen

_KINDS = {
    **{name: function for function, name in ACTIVATIONS.items()},
    **{
        f"{name}{n}d": kind
        for n in (1, 2, 3)
        for name, kind in {
            "Conv": Conv.kind,
            "ConvTranspose": ConvTranspose.kind,
            "BatchNorm": BatchNorm.kind,
            "MaxPool": MaxPool.kind,
            "AvgPool": AvgPool.kind,
            "AdaptiveAvgPool": AdaptiveAvgPool.kind,
        }.items()
    },
    **{f"Dropout{n}": "dropout" for n in ("", "1d", "2d", "3d")},
    "Linear": Linear.kind,
    "Flatten": Flatten.kind,
    "GroupNorm": GroupNorm.kind,
    "Upsample": Upsample.kind,
    "ResidualBlock": "residual",
}


def tabulate(model: nn.Module, runs: Sequence[Run]) -> tuple[SummaryRow, ...]:
    """One row for each call of a layer, and for each module that holds or costs something itself.

    Parameters stand in the row where they run first; those of modules that did not run stand in
    rows at the end.
    """
    counted: set[int] = set()
    rows = [_row_of(run, counted) for run in runs if _has_row(run)]
    for name, module in model.named_modules():
        if any(p is not None and id(p) not in counted for p in module._parameters.values()):
            rows.append(_row(module, name, counted))
    return tuple(rows)


def _has_row(run: Run) -> bool:
    module = run.module
    leaf = not module._modules
    return leaf or run.cost != Cost() or any(p is not None for p in module._parameters.values())


def _row_of(run: Run, counted: set[int]) -> SummaryRow:
    return _row(
        run.module,
        run.name,
        counted,
        input_shape=run.input_shape,
        output_shape=run.output_shape,
        cost=run.cost,
        seen=run.seen,
    )


def _row(
    module: nn.Module,
    name: str,
    counted: set[int],
    *,
    input_shape: Any = None,
    output_shape: Any = None,
    cost: Cost | None = None,
    seen: Seen | None = None,
) -> SummaryRow:
    held = {"weights": 0, "biases": 0, "trainable_parameters": 0}
    for parameter_name, parameter in module._parameters.items():
        if parameter is not None and id(parameter) not in counted:
            counted.add(id(parameter))
            held["biases" if "bias" in parameter_name else "weights"] += parameter.numel()
            held["trainable_parameters"] += parameter.numel() * parameter.requires_grad
    costs = cost or Cost()
    kind = type(module).__name__
    return SummaryRow(
        name=name or kind,
        kind=_KINDS.get(kind, kind),
        input_shape=input_shape,
        output_shape=output_shape,
        macs=costs.macs,
        bias_additions=costs.bias_additions,
        norm_macs=costs.norm_macs,
        product_macs=costs.product_macs,
        receptive_field=None if seen is None else seen.field,
        **held,
    )
