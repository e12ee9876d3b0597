"""From a table to its network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import convkit
from convkit.architecture import (
    Architecture,
    Conv,
    Custom,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    Linear,
    MaxPool,
    Repeat,
    Residual,
    Row,
    build,
)
from convkit.errors import ArchitectureError

BASE = "conv 32 k5 p2 relu, maxpool 2, conv 64 k5 p2 relu, maxpool 2, flatten, linear 10"


def test_modules_are_named_and_numbered_by_kind() -> None:
    model = Architecture(
        [
            Conv(8, kernel_size=3, norm="batch", activation="relu"),
            MaxPool(2),
            Conv(8, kernel_size=3, norm=GroupNorm(2), activation="tanh"),
            Flatten(),
            Linear(16, activation="relu", dropout=0.5),
            Linear(10),
        ]
    ).build((3, 32, 32))

    assert list(dict(model.named_children())) == [
        *("conv1", "bn1", "relu1", "pool1", "conv2", "gn1", "tanh1"),
        *("flatten1", "fc1", "relu2", "dropout1", "fc2"),
    ]


def test_the_network_notes_its_table_and_input() -> None:
    table = Architecture([Flatten(), Linear(10)])
    model = table.build([3, 8, 8])

    assert model.convkit_architecture is table
    assert model.convkit_input_shape == (3, 8, 8)
    assert list(model.state_dict()) == ["fc1.weight", "fc1.bias"]


def test_own_names_are_kept_and_do_not_shift_the_others() -> None:
    rows = [Conv(8, kernel_size=3, name="stem", activation="relu"), Conv(8, kernel_size=3)]

    assert list(dict(Architecture(rows).build((3, 9, 9)).named_children())) == [
        *("stem", "relu1", "conv1")
    ]


def test_a_repeat_has_weights_of_its_own_each_time() -> None:
    model = Architecture([Repeat(3, [Conv(3, kernel_size=1, name="mix")])]).build((3, 4, 4))

    assert list(dict(model.named_children())) == ["mix", "mix_2", "mix_3"]
    assert model.mix.weight is not model.mix_2.weight


def test_relu_before_pool_is_built_in_the_order_of_the_table() -> None:
    torch.manual_seed(0)
    model = Architecture([Conv(4, kernel_size=3, activation="relu"), MaxPool(2)]).build((3, 9, 9))
    x = torch.randn(5, 3, 9, 9)

    expected = nn.functional.max_pool2d(torch.relu(model.conv1(x)), 2)
    assert torch.equal(model(x), expected)


def block(**settings: Any) -> Residual:
    conv = Conv(8, kernel_size=3, padding=1, bias=False, norm="batch")
    first = Conv(8, kernel_size=3, stride=2, padding=1, bias=False, norm="batch", activation="relu")
    return Residual([first, conv], **settings)


def test_a_block_adds_its_projected_input() -> None:
    torch.manual_seed(0)
    model = Architecture([block()]).build((4, 9, 9)).eval()
    x = torch.randn(2, 4, 9, 9)
    b = model.block1

    expected = torch.relu(b.body(x) + b.shortcut.bn1(b.shortcut.conv1(x)))
    assert torch.equal(model(x), expected)
    assert b.shortcut.conv1.stride == (2, 2)
    assert b.shortcut.conv1.bias is None


def test_a_block_that_keeps_its_shape_has_no_projection() -> None:
    rows = [Conv(4, kernel_size=3, padding=1)]
    model = Architecture([Residual(rows, activation=None)]).build((4, 9, 9))
    x = torch.randn(2, 4, 9, 9)

    assert isinstance(model.block1.shortcut, nn.Identity)
    assert torch.equal(model(x), model.block1.body(x) + x)


def test_a_projection_can_be_asked_for_or_written_out() -> None:
    rows = [Conv(4, kernel_size=3, padding=1)]
    asked = Architecture([Residual(rows, shortcut="projection")])
    written = Architecture([Residual(rows, shortcut=[Conv(4, kernel_size=1)])])

    assert asked.summary((4, 9, 9)).parameters == written.summary((4, 9, 9)).parameters
    assert list(asked.build((4, 9, 9)).state_dict()) == list(written.build((4, 9, 9)).state_dict())


def test_which_shortcut_a_block_has_does_not_depend_on_the_size() -> None:
    """At one pixel a stride changes no size, and still the block has its projection."""
    rows = [Conv(8, kernel_size=3, stride=2, padding=1)]
    table = Architecture([Residual(rows)])

    assert table.summary((8, 1, 1)).parameters == table.summary((8, 32, 32)).parameters


def test_blocks_stand_in_blocks() -> None:
    inner = Residual([Conv(4, kernel_size=3, padding=1)])
    table = Architecture([Residual([inner, Conv(6, kernel_size=1)]), GlobalAvgPool()])
    model = table.build((4, 8, 8))
    names = [row.name for row in table.summary((4, 8, 8)).rows]

    assert "block1.body.block1.body.conv1" in names
    assert all(model.get_submodule(name) is not None for name in names)
    assert model(torch.zeros(2, 4, 8, 8)).shape == (2, 6, 1, 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [Conv(3, kernel_size=5), MaxPool(2), Conv(3, kernel_size=20)],
            (
                "row 3 (conv), where 3x14x14 arrives: height: kernel_size=20 is larger than "
                "size=14 with padding=0 (14): kernel_size=14 or size=20 would do"
            ),
        ),
        (
            [Linear(10)],
            (
                "row 1 (linear), where 3x32x32 arrives: linear needs a vector of features, but "
                "maps of 3x32x32 arrive; put a flatten row before it (3072 features)"
            ),
        ),
        (
            [Flatten(), Conv(8, kernel_size=3)],
            (
                "row 2 (conv), where 3072 arrives: conv needs maps (channels, height, width), "
                "but a vector of 3072 features arrives; put it before the flatten row"
            ),
        ),
        (
            [Conv(8, kernel_size=3, in_channels=4)],
            (
                "row 1 (conv), where 3x32x32 arrives: in_channels=4 is stated, but 3 channels "
                "arrive; in_channels=3 would fit"
            ),
        ),
        (
            [Flatten(), Linear(8, in_features=100)],
            (
                "row 2 (linear), where 3072 arrives: in_features=100 is stated, but 3072 "
                "features arrive; in_features=3072 would fit"
            ),
        ),
        (
            [Conv(8, kernel_size=3), Conv(9, kernel_size=3, groups=4)],
            (
                "row 2 (conv), where 8x30x30 arrives: groups=4 must divide both the 8 channels "
                "that arrive and out_channels=9; any divisor of 1 would"
            ),
        ),
        (
            [Conv(10, kernel_size=3, norm=GroupNorm(4))],
            (
                "row 1 (conv, its group norm), where 10x30x30 arrives: groups=4 does not "
                "divide the 10 channels that arrive; groups=5 would"
            ),
        ),
        (
            [Residual([Conv(3, kernel_size=3)])],
            (
                "row 1 (residual), where 3x32x32 arrives: its rows make 3x30x30 but its "
                "shortcut makes 3x32x32, which cannot be added; padding that keeps the size in "
                "the rows (1 for a 3x3 kernel) would fit"
            ),
        ),
        (
            [Residual([Conv(8, kernel_size=1)], shortcut="identity")],
            (
                "row 1 (residual), where 3x32x32 arrives: its rows make 8x32x32 but its "
                'shortcut makes 3x32x32, which cannot be added; shortcut="projection" or '
                '"auto" would fit them together'
            ),
        ),
        (
            [Residual([Flatten(), Conv(8, kernel_size=1)])],
            (
                "row 1 (residual), where 3x32x32 arrives: in its body, row 2 (conv), where "
                "3072 arrives: conv needs maps (channels, height, width), but a vector of 3072 "
                "features arrives; put it before the flatten row"
            ),
        ),
        (
            [Conv(3, kernel_size=1, name="stem"), Conv(3, kernel_size=1, name="stem")],
            (
                "row 2 (conv), where 3x32x32 arrives: the name 'stem' is taken by an earlier "
                "layer; choose another, such as 'stem_2'"
            ),
        ),
        (
            [Conv(3, kernel_size=1, name="my conv")],
            (
                "row 1 (conv), where 3x32x32 arrives: 'my conv' cannot name a layer; use "
                "letters, digits and _, such as 'conv_a'"
            ),
        ),
        (
            [Conv(3, kernel_size=1, name="train")],
            (
                "row 1 (conv): the name 'train' is a method of torch.nn.Module; choose "
                "another, such as 'train_layer'"
            ),
        ),
        (
            [Conv(3, kernel_size=40, padding=20, padding_mode="circular"), Flatten()],
            None,
        ),
        (
            [Conv(3, kernel_size=3, padding=40, padding_mode="reflect")],
            (
                "row 1 (conv), where 3x32x32 arrives: padding=40 with padding_mode='reflect' "
                "copies more pixels than the 32 that arrive hold; padding=31 or "
                "padding_mode='zeros' would do"
            ),
        ),
        (
            [Custom("nothing", None)],
            (
                "the row 'nothing' has no module; give module=, a torch module or a function "
                "that makes one"
            ),
        ),
    ],
)
def test_a_row_that_does_not_fit_is_named(rows: list[Row], message: str | None) -> None:
    table = Architecture(rows)
    if message is None:
        assert table.build((3, 32, 32))(torch.zeros(1, 3, 32, 32)).shape == (1, 3 * 33 * 33)
        return
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        table.build((3, 32, 32))


def test_a_network_larger_than_the_memory_is_refused_before_it_is_made() -> None:
    table = Architecture([Flatten(), Linear(10**9), Linear(10**9)])

    with pytest.raises(
        ArchitectureError,
        match=r"^row 3 \(linear\), where 1000000000 arrives, holds 1,000,000,001,000,000,000 of "
        r"the network's 1,000,003,074,000,000,000 parameters: 3,725,301,750 GiB of weights for "
        r"[\d,]+ GiB of memory; pool before it, or make it smaller$",
    ):
        table.build((3, 32, 32))


def test_repeats_of_repeats_end_before_the_machine_does() -> None:
    row: Row = Conv(3, kernel_size=1)
    for _ in range(6):
        row = Repeat(1000, [row])

    with pytest.raises(
        ArchitectureError,
        match=r"the table stands for more than 20000 layers; repeat fewer times$",
    ):
        Architecture([row]).summary((3, 8, 8))


def test_blocks_in_blocks_end_at_some_depth() -> None:
    row: Row = Conv(3, kernel_size=1)
    for _ in range(60):
        row = Residual([row])

    with pytest.raises(ArchitectureError, match=r"blocks stand in blocks more than 20 deep"):
        Architecture([row]).summary((3, 8, 8))


@pytest.mark.parametrize("shape", [(), (3, 0, 4), (3.5, 4, 4), "3,32,32", (1, 2, 3, 4, 5), None])
def test_an_input_shape_that_is_none_is_refused(shape: Any) -> None:
    message = (
        "input_shape is (channels, height, width) of one image, such as (3, 32, 32), or "
        f"(features,) of a vector; got {shape!r}"
    )
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        Architecture([Flatten()]).build(shape)


def test_build_takes_text_rows_dictionaries_paths_and_tables(tmp_path: Path) -> None:
    table = Architecture.parse(BASE)
    path = tmp_path / "network.md"
    path.write_text(table.to_markdown(), encoding="utf-8")
    sources: list[Any] = [BASE, table, table.rows, path, str(path)]

    for source in sources:
        model = convkit.build(source, input_shape=(3, 32, 32))
        assert list(dict(model.named_children())) == [
            *("conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "flatten1", "fc1")
        ]


def test_build_takes_rows_of_dictionaries() -> None:
    model = build([{"layer": "conv", "filters": 8, "kernel": 3}, {"layer": "flatten"}], (3, 8, 8))

    assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 8 * 36)


def test_building_leaves_modes_and_gradients_usual() -> None:
    model = Architecture.parse(BASE).build((3, 32, 32))

    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_line_longer_than_any_file_name_is_built() -> None:
    line = ", ".join(["conv 4 k3 p1 relu"] * 60)

    assert len(build(line, (3, 8, 8))) == 120
