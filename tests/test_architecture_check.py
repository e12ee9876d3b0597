"""Tables of published reports: their exact counts and sizes, and what is wrong in them."""

from __future__ import annotations

import pytest

from convkit.architecture import Architecture, Conv, Linear, Stated
from convkit.architecture._checking_finding import Finding


def findings(text: str, input_shape: tuple[int, ...]) -> list[str]:
    return [str(finding) for finding in Architecture.parse(text).check(input_shape)]


LINEAR = "| layer | parameters |\n|-|-|\n| Flatten | |\n| Linear 10 | 491,530 |"
V1 = """
| layer | output | parameters |
|---|---|---|
| Conv 3->8, k5, pad 0, ReLU | 8x124x124 | 608 |
| M | 8x62x62 | |
| Conv 8->16, k5, pad 0, ReLU | 16x58x58 | 3,216 |
| M | 16x29x29 | |
| Flatten | 13,456 | |
| Linear 64, ReLU | 64 | 861,248 |
| Linear 10 | 10 | 650 |
| Total | | 865,722 |
"""
V3 = (
    "16 16 M 32 32 32 M 64 64 M (k3 p0 relu), Flatten, Linear 4096 ReLU, Linear 512 ReLU, Linear 10"
)
V4 = (
    "16 16 M 32 32 32 M 64 64 M 128 128 M (k3 p0 relu), flatten, linear 4096 relu, "
    "linear 4096 relu, linear 10"
)
V5 = (
    "32 32 M 64 64 64 M 128 128 M 256 256 M (3x3, padding 0, batch norm, relu), flatten, "
    "linear 4096 bn relu, linear 4096 bn relu, linear 10"
)
V7 = (
    "32 32 M 64 64 64 M 128 128 M 256 256 M 256 256 (3x3 no padding + BN + ReLU), flatten, "
    "linear 4096 bn relu, linear 4096 bn relu, linear 10"
)
BASE = """
| layer | output | weights | biases | parameters |
|---|---|---|---|---|
| input | 3x32x32 | | | |
| Conv 32, ReLU, M | 32x32x32 -> 32x16x16 | 2,400 | 32 | 2,432 |
| Conv 64, ReLU, M | 64x16x16 -> 64x8x8 | 51,200 | 64 | 51,264 |
| Conv 128, ReLU, M | 128x8x8 -> 128x4x4 | 204,800 | 128 | 204,928 |
| Flatten, Linear 64, ReLU | 2048 -> 64 | 131,072 | 64 | 131,136 |
| Linear 10 | 10 | 640 | 10 | 650 |
| total | | 390,112 | 298 | **390,410** |
"""
BASE_COURSE = """
| Layer | Layer Type | Number of Hidden Units / Number of Filters | Activation | Kernel | Padding |
|:-:|:-:|:-:|:-:|:-:|:-:|
| 1 | Conv2D | 32 | ReLU | 5x5 | 2 |
| 1 | MaxPool2D | – | – | 2×2 | – |
| 2 | Conv2D | 64 | ReLU | 5 × 5 | 2 |
| 2 | MaxPool2D | – | – | 2x2 | – |
| 3 | Conv2D | 128 | ReLU | 5*5 | 2 |
| 3 | MaxPool2D | – | – | 2x2 | – |
| | Flatten | – | – | | |
| 4 | Fully-Connected | 64 | ReLU | | |
| 5 | Fully-Connected | 10 | Softmax | | |
"""
MODEL_1 = """
| Layer | Layer type | Filters | Kernel size | Padding | Stride | Activation |
|---|---|---|---|---|---|---|
| 1 | Conv2d | 64 | 7x7 | 3 | 1 | |
| 1 | BatchNorm2d | | | | | ReLU |
| 1 | Conv2d | 64 | 5x5 | 2 | 1 | |
| 1 | BatchNorm2d | | | | | ReLU |
| 1 | MaxPool2d | | 2x2 | 0 | 2 | |
| 2 | Conv2d, BatchNorm2d, ReLU | 64 | 5x5 | 2 | 1 | |
| 2 | Conv2d, BatchNorm2d, ReLU | 64 | 5x5 | 2 | 1 | |
| 2 | MaxPool2d | | 2x2 | 0 | 2 | |
| 3 | Conv2d, BatchNorm2d, ReLU | 64 | 5x5 | 2 | 1 | |
| 3 | Conv2d, BatchNorm2d, ReLU | 64 | 5x5 | 2 | 1 | |
| 3 | MaxPool2d | | 2x2 | 0 | 2 | |
| | Flatten | | | | | |
| 4 | Fully-connected | 64 | | | | ReLU |
| 5 | Fully-connected | 10 | | | | Softmax |
"""
MODEL_2 = """
| Layer | Filters | Kernel | Padding | Output | Parameters |
|---|---|---|---|---|---|
| Conv2d, ReLU | 32 | 5x5 | 2 | 32x32 | 2,432 |
| MaxPool2d | | 2x2 | | 16x16 | |
| Conv2d, ReLU | 64 | 3x3 | {padding} | | 18,496 |
| MaxPool2d | | 2x2 | | 8x8 | |
| Conv2d, ReLU | 128 | 3x3 | {padding} | | 73,856 |
| MaxPool2d | | 2x2 | | 4x4 | |
| Conv2d, ReLU | 64 | 3x3 | {padding} | | 73,792 |
| MaxPool2d | | 2x2 | | 2x2 | |
| Flatten | | | | 256 | |
| Linear, ReLU | 64 | | | | 16,448 |
| Linear | 10 | | | | 650 |
| Total | | | | | 185,674 |
"""
NETWORK_S = """
| layer | S output | parameters |
|---|---|---|
| Conv 3->32, k3, pad 1, stride 1, ReLU | 32x128x128 | 896 |
| MaxPool k4, stride 2 | 32x63x63 | |
| Conv 32->40, k2, pad 0, ReLU | 40x62x62 | 5,160 |
| MaxPool k2, stride 2 | 40x31x31 | |
| Conv 40->56, k3, pad 0, stride 2, ReLU | 56x15x15 | 20,216 |
| MaxPool k3, stride 2 | 56x7x7 | |
| Flatten | 2744 | |
| Linear 1024, ReLU | 1024 | 2,810,880 |
| Linear 512, ReLU | 512 | 524,800 |
| Linear 10 | 10 | 5,130 |
| total | | **3,367,082** |
"""
NETWORK_F = """
Layer; Filters; Kernel size; Stride; Padding; Add. info
Conv2d, ReLU; 32; 3x3; 1; 1;
MaxPool; ; 4; 2; 0;
Conv2d, ReLU; 40; 2x2; 1; 0;
MaxPool; ; 2; 2; 0; Dropout 0.05
Conv2d, ReLU; 56; 3x3; 2; 0;
MaxPool; ; 3; 2; 0; Dropout 0.1
Flatten; ; ; ; ;
Linear; 1024; ; ; ; BatchNorm1d, ReLU, Dropout 0.1
Linear; 512; ; ; ; ReLU
Linear; 10; ; ; ;
"""


@pytest.mark.parametrize(
    ("text", "input_shape", "parameters", "flattened"),
    [
        (LINEAR, (3, 128, 128), 491_530, 49_152),
        (V1, (3, 128, 128), 865_722, 13_456),
        (V3, (3, 128, 128), 39_936_954, 9_216),
        (V4, (3, 128, 128), 25_517_754, 2_048),
        (V5, (3, 128, 128), 34_831_210, 4_096),
        (V7, (3, 192, 192), 36_012_394, 4_096),
        (BASE, (3, 32, 32), 390_410, 2_048),
        (BASE_COURSE, (3, 32, 32), 390_410, 2_048),
        (MODEL_1, (3, 32, 32), 588_810, 1_024),
        (MODEL_2.format(padding=1), (3, 32, 32), 185_674, 256),
        (NETWORK_S, (3, 128, 128), 3_367_082, 2_744),
        (NETWORK_F, (3, 128, 128), 3_369_130, 2_744),
    ],
    ids=["linear", "v1", "v3", "v4", "v5", "v7", "base", "course", "model1", "model2", "S", "F"],
)
def test_published_tables_give_their_exact_counts(
    text: str, input_shape: tuple[int, ...], parameters: int, flattened: int
) -> None:
    architecture = Architecture.parse(text)
    summary = architecture.summary(input_shape)
    flatten = next(row for row in summary.rows if row.kind == "flatten")

    assert summary.parameters == parameters
    assert flatten.output_shape == (flattened,)
    assert architecture.check(input_shape) == []


@pytest.mark.parametrize(
    ("text", "input_shape", "sizes"),
    [
        (V3, 128, "126 124 62 60 58 56 28 26 24 12"),
        (V4, 128, "126 124 62 60 58 56 28 26 24 12 10 8 4"),
        (V7, 192, "190 188 94 92 90 88 44 42 40 20 18 16 8 6 4"),
        (NETWORK_S, 128, "128 63 62 31 15 7"),
    ],
)
def test_published_map_sizes(text: str, input_shape: int, sizes: str) -> None:
    rows = Architecture.parse(text).summary((3, input_shape, input_shape)).rows
    heights = [str(row.output_shape[1]) for row in rows if row.kind in {"conv", "max pool"}]

    assert " ".join(heights) == sizes


def test_the_padding_that_contradicts_its_maps_is_found() -> None:
    """The published table says padding 2 and final maps of 2x2; padding 1 gives them."""
    assert findings(MODEL_2.format(padding=2), (3, 32, 32)) == [
        f"row {row} (max pool; row {row}, line {row + 3} of the table): output size stated {size}, "
        f"computed {wrong}; padding 1 would give {size}, set in row {row - 1} (conv)"
        for row, size, wrong in [(4, "8x8", "64x9x9"), (6, "4x4", "128x5x5"), (8, "2x2", "64x3x3")]
    ] + [
        (
            "total: parameters stated 185,674, computed 206,154; the sizes stated in the rows give "
            "it, their settings do not; see the rows above"
        )
    ]


def test_only_the_last_size_stated_still_finds_the_padding() -> None:
    table = (
        "layer,filters,kernel,padding,output\nconv relu,32,5,2,\nmaxpool,,2,,\nconv relu,64,3,2,\n"
        "maxpool,,2,,\nconv relu,128,3,2,\nmaxpool,,2,,\nconv relu,64,3,2,\nmaxpool,,2,,2x2\n"
    )
    finding = Architecture.parse(table).check((3, 32, 32))[0]

    assert (finding.row, finding.quantity, finding.stated) == (8, "output size", "2x2")
    assert finding.computed == "64x3x3"
    assert finding.suggestion == "padding 1 would give 2x2, set in row 7 (conv)"


def test_a_padding_of_zero_that_cannot_be_built_is_told() -> None:
    text = findings(MODEL_2.format(padding=0), (3, 32, 32))

    assert "padding 1 would give 8x8" in text[0]


def test_the_flattened_width_of_alexnet_is_corrected() -> None:
    """Published as 4096, which is the width of the next layer; 256x6x6 is 9216."""
    table = (
        "| layer | output |\n|-|-|\n| adaptive average pool 6 | 256x6x6 |\n| flatten | 4096 |\n"
        "| linear 101 | 101 |"
    )

    assert findings(table, (256, 13, 13)) == [
        (
            "row 2 (flatten; row 2, line 4 of the table): output size stated 4096, computed 9216; "
            "9216 is what its settings give"
        )
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("| layer | parameters |\n|-|-|\n| conv 8 k5 bn | 608 |",
         "parameters stated 608, computed 624; the 16 parameters of the norm are left out of it"),
        ("| layer | parameters |\n|-|-|\n| conv 8 k5 | 600 |",
         "parameters stated 600, computed 608; these are the weights alone, without the 8 biases"),
        ("| layer | MACs |\n|-|-|\n| conv 8 k5 | 940,800 |",
         ("macs stated 940,800, computed 470,400; these are operations: a multiplication and an "
         "addition counted as two")),
        ("| layer | weights |\n|-|-|\n| conv 8 k5 | 216 |",
         "weights stated 216, computed 600; kernel 3 would give it"),
        ("| layer | biases |\n|-|-|\n| conv 8 k5 | 0 |",
         "biases stated 0, computed 8; bias=False would give none"),
        ("| layer | weights |\n|-|-|\n| conv 8 k5 | 200 |",
         "weights stated 200, computed 600; 1 channels arriving would give it"),
        ("| layer | output |\n|-|-|\n| conv 8 k5 | 9x28x28 |",
         "output size stated 9x28x28, computed 8x28x28; out_channels 9 would give 9x28x28"),
        ("| layer | output |\n|-|-|\n| conv 8 k5 s1 | 8x14x14 |",
         "output size stated 8x14x14, computed 8x28x28; stride 2 would give 8x14x14"),
        ("| layer | in channels |\n|-|-|\n| conv 8 k5 | 1 |",
         "in_channels stated 1, computed 3; in_channels=3 would fit what arrives"),
        ("| layer | input |\n|-|-|\n| conv 8 k5 | 3x28x28 |",
         "input size stated 3x28x28, computed 3x32x32; the table is made for an input of 3x28x28"),
        ("| layer | channels |\n|-|-|\n| maxpool 2 | 8 |",
         "channels stated 8, computed 3; 3 would agree with the rows before"),
        ("| layer | output |\n|-|-|\n| conv 8 k50 | 8x9x9 |",
         ("output size stated 8x9x9, nothing can follow; height: kernel_size=50 is larger than "
         "size=32 with padding=0 (32): kernel_size=32 or size=50 would do")),
    ],
)  # fmt: skip
def test_each_disagreement_has_its_smallest_change(table: str, expected: str) -> None:
    found = Architecture.parse(table).check((3, 32, 32))

    assert [str(finding).partition("): ")[2] for finding in found] == [expected]


def test_rounded_counts_agree_within_their_last_digit() -> None:
    table = "| layer | parameters |\n|-|-|\n| flatten | |\n| linear 10 | {} |"

    assert findings(table.format("30.7K"), (3, 32, 32)) == []
    assert len(findings(table.format("30.8K"), (3, 32, 32))) == 1


def test_one_slip_is_told_once() -> None:
    table = (
        "layer,output,parameters\nconv 8 k5,8x28x28,608\nmaxpool 2 p0,8x15x15,\n"
        "conv 8 k3,8x13x13,584\nflatten,1352,\nlinear 10,10,13530\n"
    )

    assert [finding.row for finding in Architecture.parse(table).check((3, 32, 32))] == [2]


def test_architectures_made_by_hand_are_checked_too() -> None:
    architecture = Architecture(
        [Conv(8, kernel_size=3, stated=Stated(parameters=225))],
        stated_total=Stated(parameters=224),
    )

    assert [str(finding) for finding in architecture.check((3, 8, 8))] == [
        "row 1 (conv): parameters stated 225, computed 224; 224 is what its settings give"
    ]


def test_what_states_nothing_has_no_findings() -> None:
    assert Architecture([Linear(3)]).check((8,)) == []


def test_a_finding_reads_as_one_sentence() -> None:
    finding = Finding(
        row=None, quantity="parameters", stated="10", computed="12", suggestion="2 too few"
    )

    assert str(finding) == "total: parameters stated 10, computed 12; 2 too few"
