"""Parameters and multiply-accumulates, against PyTorch's layers and written-out numbers."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convkit import shapes
from convkit.errors import ShapeError
from convkit.shapes import Parameters


def numbers_of(layer: nn.Module) -> Parameters:
    """Weights and biases of a layer that PyTorch built."""
    counts = {name: parameter.numel() for name, parameter in layer.named_parameters()}
    return Parameters(counts.get("weight", 0), counts.get("bias", 0))


def macs_of(layer: nn.Module, *shape: int) -> int:
    """Half of the floating-point operations that PyTorch counts for one input."""
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, *shape))
    return counter.get_total_flops() // 2


def test_parameters_of_the_public_face() -> None:
    counted = shapes.conv_parameters(3, 32, kernel_size=5)

    assert counted == Parameters(weights=2400, biases=32)
    assert counted.total == 2432
    assert shapes.linear_parameters(2048, 64).total == 131136


def test_parameters_add_up() -> None:
    network = [
        shapes.conv_parameters(3, 32, kernel_size=5),
        shapes.conv_parameters(32, 64, kernel_size=5),
        shapes.conv_parameters(64, 128, kernel_size=5),
        shapes.linear_parameters(2048, 64),
        shapes.linear_parameters(64, 10),
    ]

    total = sum(network[1:], network[0])

    assert (total.weights, total.biases, total.total) == (390_112, 298, 390_410)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(("groups", "bias"), [(1, True), (2, False)])
def test_convolutions_have_the_parameters_of_pytorchs(
    dimensions: int, groups: int, bias: bool
) -> None:
    arguments = {"kernel_size": 3, "groups": groups, "bias": bias}
    conv = getattr(nn, f"Conv{dimensions}d")(4, 6, **arguments)
    transposed = getattr(nn, f"ConvTranspose{dimensions}d")(4, 6, **arguments)

    arguments["dimensions"] = dimensions

    assert shapes.conv_parameters(4, 6, **arguments) == numbers_of(conv)
    assert shapes.conv_transpose_parameters(4, 6, **arguments) == numbers_of(transposed)


def test_a_tuple_says_its_own_dimensions() -> None:
    layer = nn.Conv3d(2, 4, (1, 2, 3))

    assert shapes.conv_parameters(2, 4, kernel_size=(1, 2, 3)) == numbers_of(layer)


def test_normalisations_have_the_parameters_of_pytorchs() -> None:
    assert shapes.batch_norm_parameters(8) == numbers_of(nn.BatchNorm2d(8))
    assert shapes.batch_norm_parameters(8, affine=False) == Parameters(0, 0)
    assert shapes.group_norm_parameters(2, 8) == numbers_of(nn.GroupNorm(2, 8))
    assert shapes.layer_norm_parameters((8, 3)) == numbers_of(nn.LayerNorm((8, 3)))
    assert shapes.layer_norm_parameters(8, bias=False) == numbers_of(nn.LayerNorm(8, bias=False))


def test_linear_layers_have_the_parameters_of_pytorchs() -> None:
    assert shapes.linear_parameters(7, 5, bias=False) == numbers_of(nn.Linear(7, 5, bias=False))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_convolutions_cost_half_of_pytorchs_flops(dimensions: int) -> None:
    size = (5, 6, 7)[:dimensions]
    layer = getattr(nn, f"Conv{dimensions}d")(4, 6, 3, stride=2, padding=1, groups=2)
    output = shapes.conv_output(size, kernel_size=3, stride=2, padding=1)

    macs = shapes.conv_macs(4, 6, kernel_size=3, output_size=output, groups=2)

    assert macs == macs_of(layer, 4, *size)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_transposed_convolutions_cost_half_of_pytorchs_flops(dimensions: int) -> None:
    size = (5, 6, 7)[:dimensions]
    layer = getattr(nn, f"ConvTranspose{dimensions}d")(4, 6, 3, stride=2, padding=1)

    macs = shapes.conv_transpose_macs(4, 6, kernel_size=3, input_size=size)

    assert macs == macs_of(layer, 4, *size)


def test_costs_of_the_public_face() -> None:
    assert shapes.conv_macs(3, 32, kernel_size=5, output_size=32) == 2_457_600
    assert shapes.linear_macs(2048, 64) == 131_072


def test_counts_are_exact_however_large() -> None:
    huge = 10**20

    assert shapes.linear_parameters(huge, huge).total == 10**40 + huge


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: shapes.conv_parameters(64, 66, kernel_size=3, groups=4),
            "groups=4 does not divide out_channels=66: out_channels=64 or 68 would do",
        ),
        (
            lambda: shapes.conv_parameters(3, 8, kernel_size=3, groups=4),
            "groups=4 does not divide in_channels=3: in_channels=4 would do",
        ),
        (
            lambda: shapes.group_norm_parameters(3, 8),
            "num_groups=3 does not divide num_channels=8: num_channels=6 or 9 would do",
        ),
        (
            lambda: shapes.conv_parameters(3, 8, kernel_size=3, dimensions=4),
            "dimensions must be 1, 2 or 3, got 4",
        ),
        (lambda: shapes.linear_parameters(0, 8), "in_features must be at least 1, got 0"),
        (
            lambda: shapes.conv_macs(3, 8, kernel_size=(3, 3), output_size=(4, 4, 4)),
            (
                "output_size=(4, 4, 4) has 3 dimensions but kernel_size=(3, 3) has 2 dimensions: "
                "give both as many"
            ),
        ),
    ],
)
def test_impossible_arguments_are_named(call: object, message: str) -> None:
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        call()
