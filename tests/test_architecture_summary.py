"""Sizes and counts of a table, by arithmetic alone."""

from __future__ import annotations

import json
import os
import random
import re
from typing import Any

import pytest
import torch
from torch import nn

from convkit.architecture import (
    AdaptiveAvgPool,
    Architecture,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Residual,
    Row,
    zoo,
)

NETWORKS = 300 if os.environ.get("CONVKIT_MANY_CASES") else 40

BASE = Architecture(
    [
        Conv(32, kernel_size=5, padding=2, activation="relu"),
        MaxPool(2),
        Conv(64, kernel_size=5, padding=2, activation="relu"),
        MaxPool(2),
        Flatten(),
        Linear(10),
    ]
)


def test_rows_name_the_modules_of_the_network() -> None:
    summary, model = BASE.summary((3, 32, 32)), BASE.build((3, 32, 32))

    assert [row.name for row in summary.rows] == list(dict(model.named_children()))
    assert [row.kind for row in summary.rows[:3]] == ["conv", "relu", "max pool"]
    assert [row.number for row in summary.rows] == [1, 1, 2, 3, 3, 4, 5, 6]


def test_totals_are_sums_written_out() -> None:
    summary = BASE.summary((3, 32, 32))
    conv1, conv2 = 32 * 3 * 25 * 32 * 32, 64 * 32 * 25 * 16 * 16

    assert summary.macs == conv1 + conv2 + 4096 * 10
    assert summary.parameters == 32 * 75 + 32 + 64 * 800 + 64 + 40960 + 10
    assert summary.trainable_parameters == summary.parameters
    assert summary.output_shape == (10,)


def test_totals_by_other_rules_reconcile() -> None:
    table = Architecture([Conv(8, kernel_size=3, norm="batch"), Flatten(), Linear(4)])
    summary = table.summary((3, 6, 6))
    macs, biases, norms = 8 * 27 * 16 + 128 * 4, 8 * 16 + 4, 8 * 16

    assert summary.macs == summary.total().value == macs
    assert summary.total(biases=True).value == macs + biases
    assert summary.total(norms=True).value == macs + norms
    assert summary.total(flops=True).value == 2 * macs
    assert summary.total(biases=True, norms=True, flops=True).value == 2 * (macs + norms) + biases


def test_every_total_says_its_rule() -> None:
    summary = BASE.summary((3, 32, 32))

    assert str(summary.total(norms=True)) == (
        "15,605,760 MACs: one for each multiplication with its addition, in conv, transposed conv "
        "and linear layers, in norm layers (one for each value), biases not counted; one image"
    )
    assert str(summary).splitlines()[-1] == (
        "Input 3x32x32. MAC: one multiplication with its addition, in conv, transposed conv and "
        "linear layers, biases not counted; one image."
    )


def test_a_summary_is_printed_as_a_table() -> None:
    table = Architecture([Conv(8, kernel_size=5, activation="relu"), Flatten(), Linear(10)])

    assert str(table.summary((3, 32, 32))).splitlines()[:7] == [
        "layer      kind      output    parameters      MACs   receptive field",
        "─────────────────────────────────────────────────────────────────────",
        "conv1      conv      8x28x28          608   470,400                 5",
        "relu1      relu      8x28x28                                        5",
        "flatten1   flatten   6272                                           5",
        "fc1        linear    10            62,730    62,720                32",
        "total                10            63,338   533,120",
    ]


def test_a_summary_is_written_for_a_report() -> None:
    summary = BASE.summary((3, 32, 32))

    assert "| conv1 | conv | 32x32x32 | 2,432 | 2,457,600 | 5 |" in summary.to_markdown()
    assert r"conv1 & conv & 32x32x32 & 2,432 & 2,457,600 & 5 \\" in summary.to_latex()
    assert "conv1,conv,32x32x32,2432,2457600,5" in summary.to_csv()
    assert "<td>conv1</td><td>conv</td>" in summary._repr_html_()


def test_a_summary_is_plain_values() -> None:
    values = json.loads(json.dumps(BASE.summary((3, 32, 32)).to_dict(), allow_nan=False))

    assert values["parameters"] == BASE.summary((3, 32, 32)).parameters
    assert values["rows"][0]["output_shape"] == [32, 32, 32]
    assert values["rows"][0]["receptive_field"] == {"size": 5, "stride": 1, "start": 0}


def test_counts_are_exact_however_large() -> None:
    table = Architecture([Flatten(), Linear(10**12), Linear(10**12)])

    assert table.summary((3, 1, 1)).parameters == 10**24 + 10**12 + 3 * 10**12 + 10**12


def support(model: nn.Module, shape: tuple[int, ...], layer: int) -> list[tuple[int, int]]:
    """First and last pixel, in each direction, that a unit in the middle of a map depends on."""
    x = torch.zeros(1, *shape, requires_grad=True)
    out: Any = x
    for module in list(model)[: layer + 1]:  # type: ignore[call-overload] # a Sequential
        out = module(out)
    middle = tuple(size // 2 for size in out.shape[2:])
    out[(0, slice(None), *middle)].sum().backward()
    assert x.grad is not None
    touched = x.grad[0].abs().sum(0).nonzero()
    return [(int(a), int(b)) for a, b in zip(touched.amin(0), touched.amax(0), strict=True)]


def random_rows(rng: random.Random) -> list[Row]:
    rows: list[Row] = []
    for _ in range(rng.randint(1, 4)):
        kernel = (rng.randint(1, 4), rng.randint(1, 4))
        conv = Conv(
            2,
            kernel_size=kernel,
            stride=rng.randint(1, 2),
            padding=rng.randint(0, 2),
            dilation=rng.randint(1, 2),
        )
        inner = Conv(2, kernel_size=3, padding=2, dilation=2)
        rows.append(rng.choice([conv, conv, AvgPool(rng.randint(1, 3)), Residual([inner, inner])]))
    return rows


def test_receptive_fields_are_the_support_of_the_gradient() -> None:
    rng = random.Random(0)
    compared = 0
    while compared < NETWORKS:
        table, shape = Architecture(random_rows(rng)), (1, 61, 67)
        model = table.build(shape)
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.ones_(module.weight)
        # Identity in place of ReLU: every path counts, whatever the signs.
        for name, child in list(model.named_children()):
            if isinstance(child, nn.ReLU):
                model.add_module(name, nn.Identity())
        rows = [row for row in table.summary(shape).rows if "." not in row.name]
        field = rows[-1].receptive_field
        assert field is not None
        _, *sizes = rows[-1].output_shape or ()
        box = field.box(sizes[0] // 2, sizes[1] // 2)
        if min(box) < 0 or box.bottom > shape[1] or box.right > shape[2]:
            continue  # it reaches into the padding, where no gradient arrives
        seen = support(model, shape, len(rows) - 1)
        assert [(box.top, box.bottom - 1), (box.left, box.right - 1)] == seen, repr(table)
        compared += 1


def test_units_after_a_global_layer_see_what_the_whole_map_sees() -> None:
    field = zoo.resnet18().summary((3, 224, 224)).rows[-1].receptive_field

    assert field is not None
    assert (field.size, field.stride) == (435 + 6 * 32, 32)


@pytest.mark.parametrize(
    "rows",
    [
        [ConvTranspose(4, kernel_size=2, stride=2), Conv(4, kernel_size=3)],
        [AdaptiveAvgPool(3), Conv(4, kernel_size=2)],
    ],
)
def test_units_without_a_common_window_have_no_receptive_field(rows: list[Row]) -> None:
    assert [row.receptive_field for row in Architecture(rows).summary((3, 8, 8)).rows] == [
        None,
        None,
    ]


def test_together_the_uneven_windows_of_a_pool_see_everything() -> None:
    rows = [Conv(4, kernel_size=3), AdaptiveAvgPool(4), Flatten(), Linear(2)]
    field = Architecture(rows).summary((3, 12, 12)).rows[-1].receptive_field

    assert field is not None
    assert field.size == 12


def test_a_vector_has_no_receptive_field() -> None:
    table = Architecture([Linear(8, norm="batch"), GlobalAvgPool()][:1])

    assert [row.receptive_field for row in table.summary((16,)).rows] == [None, None]
    assert table.summary((16,)).rows[1].kind == BatchNorm.kind


def test_frozen_is_said_below_the_table() -> None:
    from convkit.architecture import summarize

    model = BASE.build((3, 32, 32))
    model.conv1.requires_grad_(False)
    lines = str(summarize(model, (3, 32, 32))).splitlines()

    assert lines[-2] == "Trainable parameters: 92,234 (2,432 frozen)."


def test_the_message_of_a_row_that_does_not_fit_is_the_same_as_in_build() -> None:
    message = (
        "row 2 (linear), where 32x28x28 arrives: linear needs a vector of features, but maps of "
        "32x28x28 arrive; put a flatten row before it (25088 features)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Architecture([Conv(32, kernel_size=5), Linear(10)]).summary((3, 32, 32))
