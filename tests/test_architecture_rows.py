"""Rows against the torch modules that they build."""

from __future__ import annotations

import math
import os
import random
import re
import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from convkit import architecture as arch
from convkit.architecture import (
    Activation,
    AdaptiveAvgPool,
    Architecture,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Counts,
    Custom,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    Linear,
    MaxPool,
    Repeat,
    Residual,
    Row,
    Stated,
    Upsample,
)
from convkit.errors import ArchitectureError, ConvkitError

CASES = 100_000 if os.environ.get("CONVKIT_MANY_CASES") else 1_200


def random_row(rng: random.Random) -> Row:
    """A row of any kind with settings of every sort, sensible or not."""
    size = rng.choice([rng.randint(1, 5), (rng.randint(1, 5), rng.randint(1, 5))])
    stride = rng.choice([1, 1, 2, 3, (1, 2)])
    dilation = rng.choice([1, 1, 1, 2, (2, 1)])
    groups = rng.choice([1, 1, 1, 2, 3])
    channels = rng.choice([1, 2, 3, 4, 6])
    bias = rng.random() < 0.7
    makers = [
        lambda: Conv(
            channels,
            kernel_size=size,
            stride=stride,
            padding=rng.choice([0, 1, 2, (1, 0), "same"]),
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding_mode=rng.choice(["zeros", "zeros", "circular", "replicate"]),
        ),
        lambda: ConvTranspose(
            channels,
            kernel_size=size,
            stride=stride,
            padding=rng.choice([0, 0, 1, (1, 0)]),
            output_padding=rng.choice([0, 0, 1]),
            dilation=dilation,
            groups=groups,
            bias=bias,
        ),
        lambda: MaxPool(
            size,
            stride=rng.choice([None, stride]),
            padding=rng.choice([0, 1]),
            dilation=dilation,
            ceil_mode=rng.random() < 0.5,
        ),
        lambda: AvgPool(
            size,
            stride=rng.choice([None, stride]),
            padding=rng.choice([0, 1]),
            ceil_mode=rng.random() < 0.5,
        ),
        lambda: AdaptiveAvgPool(size),
        GlobalAvgPool,
        Flatten,
        lambda: Linear(rng.randint(1, 9), bias=bias),
        lambda: BatchNorm(affine=bias),
        lambda: GroupNorm(groups),
        lambda: Activation(rng.choice(["relu", "gelu", "prelu", "leaky_relu", "softmax"])),
        lambda: Dropout(0.3, channels=bias),
        lambda: Upsample(rng.choice([2, (2, 3)]), mode=rng.choice(["nearest", "bilinear"])),
    ]
    return rng.choice(makers)()


def torch_answer(row: Row, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int] | None:
    """What torch says: output shape and parameters; None when it refuses."""
    try:
        module = row.build(shape).eval()
        out = module(torch.zeros(2, *shape))
    except (RuntimeError, ValueError, ConvkitError):
        return None
    return tuple(out.shape[1:]), sum(p.numel() for p in module.parameters())


def test_every_row_agrees_with_the_module_that_it_builds() -> None:
    rng = random.Random(0)
    accepted = 0
    for case in range(CASES):
        row = random_row(rng)
        shape = (rng.choice([1, 2, 3, 4, 6]), rng.randint(1, 9), rng.randint(1, 9))
        try:
            computed = row.shape_after(shape), row.count(shape).parameters
        except ConvkitError:
            continue
        with warnings.catch_warnings():
            # torch notes that an even "same" padding copies the input.
            warnings.simplefilter("ignore", UserWarning)
            answer = torch_answer(row, shape)
        assert computed == answer, f"case {case}: {row} on {shape}"
        accepted += 1

    assert accepted > CASES // 3


def test_rows_refuse_what_torch_refuses() -> None:
    """Torch's own layer, made without convkit's checks, refuses every shape that a row refuses."""
    rng = random.Random(1)
    refused = 0
    for _ in range(CASES):
        kernel, stride, padding = rng.randint(1, 6), rng.randint(1, 3), rng.randint(0, 3)
        ceil = rng.random() < 0.5
        shape = (2, rng.randint(1, 6), rng.randint(1, 6))
        row = MaxPool(kernel, stride=stride, padding=padding, ceil_mode=ceil)
        layer = nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)
        try:
            out: Any = tuple(layer(torch.zeros(1, *shape)).shape[1:])
        except RuntimeError:
            out = None
        try:
            computed: Any = row.shape_after(shape)
        except ConvkitError:
            computed = None
        assert computed == out, f"{row} on {shape}"
        refused += computed is None

    assert refused > CASES // 10


@pytest.mark.parametrize("shape", [(4, 9), (4, 9, 8), (4, 5, 6, 7)])
@pytest.mark.parametrize(
    "row",
    [
        Conv(6, kernel_size=3, stride=2, padding=1, groups=2, norm="batch", activation="relu"),
        ConvTranspose(6, kernel_size=3, stride=2, groups=2),
        MaxPool(2),
        AvgPool(2),
        AdaptiveAvgPool(2),
        GlobalAvgPool(),
        BatchNorm(),
        Dropout(0.5, channels=True),
        Upsample(2, mode="bilinear"),
    ],
    ids=lambda row: row.kind,
)
def test_rows_work_in_one_to_three_directions(row: Row, shape: tuple[int, ...]) -> None:
    model = Architecture([row]).build(shape).eval()
    summary = Architecture([row]).summary(shape)

    assert tuple(model(torch.zeros(2, *shape)).shape[1:]) == summary.output_shape
    assert sum(p.numel() for p in model.parameters()) == summary.parameters


def test_macs_of_a_convolution_are_the_products_written_out() -> None:
    row = Conv(8, kernel_size=(3, 2), stride=2, groups=2)
    out = row.shape_after((4, 9, 8))

    assert out == (8, 4, 4)
    assert row.count((4, 9, 8)).macs == 8 * 4 * 4 * (4 // 2) * 3 * 2


def test_rows_compare_equal_however_they_are_written() -> None:
    assert Conv(3, kernel_size=(5, 5), norm=BatchNorm()) == Conv(3, kernel_size=5, norm="batch")
    assert MaxPool(2, stride=2) == MaxPool(2)
    assert Conv(3, kernel_size=1, activation="ReLU") == Conv(
        3, kernel_size=1, activation=Activation("relu")
    )
    assert Activation("leaky-relu", setting=0.01) == Activation("LeakyReLU")
    assert Conv(3, kernel_size=5, stated=Stated(parameters=7)) == Conv(3, kernel_size=5)
    assert Conv(3, kernel_size=5) != Conv(3, kernel_size=5, padding=1)


def test_a_row_is_written_without_its_usual_settings() -> None:
    row = Residual([Conv(8, kernel_size=3, padding=1, activation="relu")], shortcut="identity")

    assert repr(row) == (
        "Residual((Conv(8, kernel_size=3, padding=1, activation='relu'),), shortcut='identity')"
    )


def test_conv_norm_activation_dropout_run_in_this_order() -> None:
    row = Conv(4, kernel_size=3, dropout=0.5, activation="relu", norm="batch")
    model = Architecture([row]).build((3, 8, 8))

    assert [type(layer).__name__ for layer in model] == ["Conv2d", "BatchNorm2d", "ReLU", "Dropout"]
    assert list(dict(model.named_children())) == ["conv1", "bn1", "relu1", "dropout1"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Conv(0, kernel_size=3),
            "out_channels must be a positive integer; got 0",
        ),
        (
            lambda: Conv(8, kernel_size=0),
            (
                "kernel_size must be an integer of at least 1, or a tuple (height, width) of them; "
                "got 0"
            ),
        ),
        (
            lambda: Conv(8, kernel_size=4, padding=((1, 2), (1, 2))),  # type: ignore[arg-type] # wrong on purpose
            (
                "padding must be an integer of at least 0, or a tuple (height, width) of them; got "
                "((1, 2), (1, 2))"
            ),
        ),
        (
            lambda: MaxPool(((3, 5), (3, 5))),  # type: ignore[arg-type] # wrong on purpose
            (
                "kernel_size must be an integer of at least 1, or a tuple (height, width) of them; "
                "got ((3, 5), (3, 5))"
            ),
        ),
        (
            lambda: Conv(8, kernel_size=3, padding=-1),
            "padding must be an integer of at least 0, or a tuple (height, width) of them; got -1",
        ),
        (
            lambda: Conv(8, kernel_size=3, padding_mode="zero"),  # type: ignore[arg-type] # wrong on purpose
            "padding_mode must be one of zeros, reflect, replicate, circular; got 'zero'",
        ),
        (
            lambda: Conv(8, kernel_size=3, norm="layer"),
            "norm must be \"batch\", a BatchNorm or GroupNorm row, or None; got 'layer'",
        ),
        (
            lambda: Linear(8, dropout=1.5),
            "dropout is the share of values set to zero, from 0 to below 1; got 1.5",
        ),
        (
            lambda: Activation("tanh", setting=0.1),
            "the activation tanh has no setting, got setting=0.1; leave it out",
        ),
        (
            lambda: Residual([Flatten()], shortcut="none"),
            'shortcut must be "auto", "identity", "projection" or a list of rows; got \'none\'',
        ),
        (lambda: Repeat(0, [Flatten()]), "n must be a positive integer; got 0"),
        (lambda: Repeat(10**6, [Flatten()]), "n may be at most 10000; got 1000000"),
        (
            lambda: Architecture([]),
            "an architecture holds no rows; give at least one, such as Flatten()",
        ),
        (
            lambda: Architecture([Flatten(), "relu"]),  # type: ignore[list-item] # wrong on purpose
            "an architecture, row 2: expected a row such as Conv(32, kernel_size=3), got 'relu'",
        ),
    ],
)
def test_a_row_refuses_what_it_cannot_be(make: Any, message: str) -> None:
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        make()


def test_an_unknown_activation_lists_those_that_exist() -> None:
    with pytest.raises(
        ArchitectureError, match=r"^there is no activation 'rleu'; choose from relu,"
    ):
        Activation("rleu")


def test_a_custom_row_builds_and_counts_its_module() -> None:
    made = Custom("twice", lambda: nn.Conv2d(3, 6, 1), lambda shape: (6, *shape[1:]))
    summary = Architecture([made, Flatten()]).summary((3, 4, 4))

    assert (summary.rows[0].parameters, summary.rows[0].macs) == (24, 3 * 6 * 16)
    assert summary.output_shape == (96,)
    assert isinstance(Architecture([made]).build((3, 4, 4)).twice, nn.Conv2d)


def test_a_custom_module_is_copied_for_each_network() -> None:
    module = nn.Conv2d(3, 3, 1)
    table = Architecture([Custom("own", module)])
    first, second = table.build((3, 4, 4)), table.build((3, 4, 4))

    assert first.own is not module
    assert first.own is not second.own
    assert torch.equal(first.own.weight, module.weight)


@dataclass(frozen=True, slots=True)
class ChannelShuffle(Row):
    """A kind of our own: the channels of each group dealt out in turn."""

    kind: ClassVar[str] = "channel shuffle"
    prefix: ClassVar[str] = "shuffle"

    groups: int = 2
    name: str | None = field(default=None, kw_only=True)
    stated: Stated = field(default_factory=Stated, compare=False, kw_only=True)

    def shape_after(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """What leaves: the same maps."""
        return input_shape

    def count(self, input_shape: tuple[int, ...]) -> Counts:
        """One gain for each channel."""
        return Counts(weights=math.prod(input_shape[:1]))

    def build(self, input_shape: tuple[int, ...]) -> nn.Module:
        """The module."""
        layer = nn.ChannelShuffle(self.groups)
        layer.gain = nn.Parameter(torch.ones(input_shape[0]))
        return layer


def test_a_registered_kind_works_in_every_calculation() -> None:
    arch.register(ChannelShuffle, words=("shuffle",))
    table = Architecture([Conv(4, kernel_size=1), ChannelShuffle(2), Flatten()])

    assert [row.name for row in table.summary((3, 2, 2)).rows] == ["conv1", "shuffle1", "flatten1"]
    assert table.summary((3, 2, 2)).parameters == 16 + 4
    assert isinstance(table.build((3, 2, 2)).shuffle1, nn.ChannelShuffle)


def test_a_registered_kind_is_read_from_a_table() -> None:
    arch.register(ChannelShuffle, words=("shuffle",))

    table = Architecture.parse("conv 4 k1, shuffle, flatten")

    assert table.rows[1] == ChannelShuffle()


def test_a_word_names_one_kind_only() -> None:
    arch.register(ChannelShuffle, words=("shuffle",))
    other = type("Other", (ChannelShuffle,), {"kind": "other", "__slots__": ()})

    with pytest.raises(
        ArchitectureError,
        match=r"^the word 'shuffle' already names ChannelShuffle; choose another word$",
    ):
        arch.register(other, words=("shuffle",))


def test_only_rows_can_be_registered() -> None:
    with pytest.raises(ArchitectureError, match=r"^register needs a class that derives from Row;"):
        arch.register(nn.Conv2d)  # type: ignore[type-var] # wrong on purpose


def test_no_shortcut_at_all_is_refused() -> None:
    message = 'shortcut must be "auto", "identity", "projection" or a list of rows; got None'

    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        Residual([Conv(8, kernel_size=3, padding=1)], shortcut=None)  # type: ignore[arg-type] # the mistake itself
