"""The networks of five courseworks: every exact number that they state."""

from __future__ import annotations

import pytest
import torch

from convkit.architecture import (
    Architecture,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    Linear,
    MaxPool,
    Row,
    zoo,
)

IMAGE = (3, 128, 128)


def stack(text: str, *, norm: str | None = None) -> list[Row]:
    """Unpadded 3x3 convolutions with ReLU, from "16 16 M 32": M is a 2x2 pool."""
    return [
        MaxPool(2) if word == "M" else Conv(int(word), kernel_size=3, norm=norm, activation="relu")
        for word in text.split()
    ]


def head(*widths: int, norm: str | None = None) -> list[Row]:
    """Flatten, hidden layers with ReLU, and the last layer without."""
    hidden = [Linear(width, norm=norm, activation="relu") for width in widths[:-1]]
    return [Flatten(), *hidden, Linear(widths[-1])]


def small(norm_last: bool) -> list[Row]:
    """Network S of the second ImageNet10 solution, or F with its dropouts and batch norm."""
    return [
        Conv(32, kernel_size=3, padding=1, activation="relu"),
        MaxPool(4, stride=2),
        Conv(40, kernel_size=2, activation="relu"),
        MaxPool(2),
        *([Dropout(0.05)] if norm_last else []),
        Conv(56, kernel_size=3, stride=2, activation="relu"),
        MaxPool(3, stride=2),
        *([Dropout(0.1)] if norm_last else []),
        Flatten(),
        Linear(1024, activation="relu", norm="batch", dropout=0.1)
        if norm_last
        else Linear(1024, activation="relu"),
        Linear(512, activation="relu"),
        Linear(10),
    ]


V5 = "32 32 M 64 64 64 M 128 128 M 256 256 M"
FIVE = {"kernel_size": 5, "padding": 2, "activation": "relu"}
NETWORKS: dict[str, tuple[list[Row], tuple[int, ...], int, int]] = {
    # name: rows, input, parameters, length of the nn.Sequential
    "linear": (head(10), IMAGE, 491_530, 2),
    "v1": (
        [
            Conv(8, kernel_size=5, activation="relu"),
            MaxPool(2),
            Conv(16, kernel_size=5, activation="relu"),
            MaxPool(2),
            *head(64, 10),
        ],
        IMAGE,
        865_722,
        10,
    ),
    "v3": (
        [*stack("16 16 M 32 32 32 M 64 64 M"), *head(4096, 512, 10)],
        IMAGE,
        39_936_954,
        23,
    ),
    "v4": (
        [*stack("16 16 M 32 32 32 M 64 64 M 128 128 M"), *head(4096, 4096, 10)],
        IMAGE,
        25_517_754,
        28,
    ),
    "v5": (
        [*stack(V5, norm="batch"), *head(4096, 4096, 10, norm="batch")],
        IMAGE,
        34_831_210,
        39,
    ),
    "v7": (
        [*stack(V5 + " 256 256", norm="batch"), *head(4096, 4096, 10, norm="batch")],
        (3, 192, 192),
        36_012_394,
        45,
    ),
    "base": (
        [
            *[row for n in (32, 64, 128) for row in (Conv(n, **FIVE), MaxPool(2))],  # type: ignore[arg-type] # plain settings
            *head(64, 10),
        ],
        (3, 32, 32),
        390_410,
        13,
    ),
    "model 1": (
        [
            Conv(64, kernel_size=7, padding=3, norm="batch", activation="relu"),
            Conv(64, norm="batch", **FIVE),  # type: ignore[arg-type] # plain settings
            MaxPool(2),
            *[Conv(64, norm="batch", **FIVE), Conv(64, norm="batch", **FIVE), MaxPool(2)] * 2,  # type: ignore[arg-type] # plain settings
            *head(64, 10),
        ],
        (3, 32, 32),
        588_810,
        25,
    ),
    "model 2": (
        [
            Conv(32, **FIVE),  # type: ignore[arg-type] # plain settings
            MaxPool(2),
            *[
                row
                for n in (64, 128, 64)
                for row in (Conv(n, kernel_size=3, padding=1, activation="relu"), MaxPool(2))
            ],
            *head(64, 10),
        ],
        (3, 32, 32),
        185_674,
        16,
    ),
    "S": (small(norm_last=False), IMAGE, 3_367_082, 15),
    "F": (small(norm_last=True), IMAGE, 3_369_130, 19),
}
NETWORKS["v2"] = NETWORKS["v1"]
NETWORKS["v6"] = NETWORKS["v5"]


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_layers_are_exact(name: str) -> None:
    rows, input_shape, parameters, length = NETWORKS[name]
    summary = Architecture(rows).summary(input_shape)

    assert (summary.parameters, len(summary.rows)) == (parameters, length)
    assert summary.output_shape == (10,)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_built_network_has_the_same_sizes_and_counts(name: str) -> None:
    rows, input_shape, parameters, length = NETWORKS[name]
    table = Architecture(rows)
    with torch.device("meta"):
        model = table.build(input_shape).eval()
        shapes = []
        x = torch.empty(1, *input_shape)
        for layer in model:
            x = layer(x)
            shapes.append(tuple(x.shape[1:]))

    assert len(model) == length
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert shapes == [row.output_shape for row in table.summary(input_shape).rows]


def sizes_of(name: str) -> list[int]:
    """Heights after each convolution and pool."""
    rows, input_shape, _, _ = NETWORKS[name]
    summary = Architecture(rows).summary(input_shape)
    return [
        row.output_shape[1]
        for row in summary.rows
        if row.kind in {"conv", "max pool"} and row.output_shape
    ]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("v1", [124, 62, 58, 29]),
        ("v3", [126, 124, 62, 60, 58, 56, 28, 26, 24, 12]),
        ("v4", [126, 124, 62, 60, 58, 56, 28, 26, 24, 12, 10, 8, 4]),
        ("v5", [126, 124, 62, 60, 58, 56, 28, 26, 24, 12, 10, 8, 4]),
        ("v7", [190, 188, 94, 92, 90, 88, 44, 42, 40, 20, 18, 16, 8, 6, 4]),
        ("base", [32, 16, 16, 8, 8, 4]),
        ("model 1", [32, 32, 16, 16, 16, 8, 8, 8, 4]),
        ("model 2", [32, 16, 16, 8, 8, 4, 4, 2]),
        ("S", [128, 63, 62, 31, 15, 7]),
        ("F", [128, 63, 62, 31, 15, 7]),
    ],
)
def test_map_sizes_are_exact(name: str, sizes: list[int]) -> None:
    assert sizes_of(name) == sizes


def parameters_of(name: str, *kinds: str) -> list[int]:
    """Parameters of the layers of some kinds, in order."""
    rows, input_shape, _, _ = NETWORKS[name]
    summary = Architecture(rows).summary(input_shape)
    return [row.parameters for row in summary.rows if row.kind in kinds]


@pytest.mark.parametrize(
    ("name", "conv", "linear"),
    [
        ("v1", [608, 3_216], [861_248, 650]),
        (
            "v5",
            [896, 9_248, 18_496, 36_928, 36_928, 73_856, 147_584, 295_168, 590_080],
            [16_781_312, 16_781_312, 40_970],
        ),
        ("base", [2_432, 51_264, 204_928], [131_136, 650]),
        ("model 1", [9_472, *[102_464] * 5], [65_600, 650]),
        ("S", [896, 5_160, 20_216], [2_810_880, 524_800, 5_130]),
    ],
)
def test_parameters_of_each_layer_are_exact(name: str, conv: list[int], linear: list[int]) -> None:
    assert parameters_of(name, "conv") == conv
    assert parameters_of(name, "linear") == linear


def test_batch_norms_are_exact() -> None:
    assert sum(parameters_of("v5", BatchNorm.kind)) == 18_432
    assert sum(parameters_of("model 1", BatchNorm.kind)) == 6 * 128
    assert sum(parameters_of("F", BatchNorm.kind)) == 2_048


def test_version_7_is_version_5_and_two_convolutions() -> None:
    assert NETWORKS["v7"][2] - NETWORKS["v5"][2] == 1_181_184 == 2 * (590_080 + 512)


def test_the_base_network_splits_into_weights_and_biases() -> None:
    rows, input_shape, _, _ = NETWORKS["base"]
    summary = Architecture(rows).summary(input_shape)

    assert sum(row.weights for row in summary.rows) == 390_112
    assert sum(row.biases for row in summary.rows) == 298
    assert summary.rows[9].output_shape == (2048,)


def test_model_2_with_the_padding_of_its_text_is_another_network() -> None:
    rows = [
        Conv(row.out_channels, kernel_size=3, padding=2, activation="relu")
        if isinstance(row, Conv) and row.kernel_size == 3
        else row
        for row in NETWORKS["model 2"][0]
    ]
    summary = Architecture(rows).summary((3, 32, 32))

    assert summary.parameters == 206_154
    assert summary.rows[-5].output_shape == (64, 3, 3)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet18", 11_179_590),
        ("resnet34", 21_287_750),
        ("resnet50", 23_520_326),
        ("resnet101", 42_512_454),
        ("resnet152", 58_156_102),
    ],
)
def test_resnets_with_six_classes_are_exact(name: str, parameters: int) -> None:
    table = getattr(zoo, name)(num_classes=6)

    assert table.summary((3, 80, 80)).parameters == parameters


@pytest.mark.parametrize(
    ("size", "stages"), [(80, [20, 10, 5, 3]), (150, [38, 19, 10, 5]), (224, [56, 28, 14, 7])]
)
def test_stages_of_a_resnet_are_exact(size: int, stages: list[int]) -> None:
    blocks = [
        row.output_shape
        for row in zoo.resnet18(6).summary((3, size, size)).rows
        if row.kind == "residual"
    ]

    assert blocks[1::2] == [(c, s, s) for c, s in zip((64, 128, 256, 512), stages, strict=True)]


@pytest.mark.parametrize(
    ("size", "maps"),
    [
        ((256, 256), [(63, 63), (31, 31), (15, 15)]),
        ((224, 224), [(55, 55), (27, 27), (13, 13)]),
        ((375, 500), [(93, 124), (46, 61), (22, 30)]),
        ((300, 348), [(74, 86), (36, 42), (17, 20)]),
        ((333, 500), [(82, 124), (40, 61), (19, 30)]),
        ((128, 128), [(31, 31), (15, 15), (7, 7)]),
    ],
)
def test_maps_of_alexnet_are_exact(size: tuple[int, int], maps: list[tuple[int, int]]) -> None:
    convs = [r.output_shape for r in zoo.alexnet().summary((3, *size)).rows if r.kind == "conv"]
    expected = [*maps, maps[2], maps[2]]

    assert convs == [(c, *m) for c, m in zip((64, 192, 384, 256, 256), expected, strict=True)]


def test_alexnets_map_of_63_arises_for_inputs_of_255_to_258_only() -> None:
    def first_map(size: int) -> int:
        shape = zoo.alexnet().rows[0].shape_after((3, size, size))
        return shape[1]

    assert [size for size in range(64, 400) if first_map(size) == 63] == [255, 256, 257, 258]


def test_networks_with_101_classes_are_exact() -> None:
    alexnet = zoo.alexnet(101).summary((3, 224, 224))

    assert alexnet.parameters == 57_417_637
    assert [r.parameters for r in alexnet.rows if r.kind == "linear"] == [
        37_752_832,
        16_781_312,
        413_797,
    ]
    assert sum(r.parameters for r in alexnet.rows if r.kind == "conv") == 2_469_696
    assert zoo.resnet50(101).summary((3, 224, 224)).parameters == 23_714_981
    assert zoo.vgg16(101).summary((3, 224, 224)).parameters == 134_674_341
