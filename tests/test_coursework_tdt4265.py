"""Every exact number of the TDT4265 coursework, through the public face alone."""

from __future__ import annotations

import math

import pytest
import torchvision

from convkit import Architecture, shapes, summarize, training

BASE = """
| Layer Type | Filters | Kernel | Padding | Activation |
| --- | --- | --- | --- | --- |
| Conv2D | 32 | 5x5 | 2 | ReLU |
| MaxPool2D | - | 2x2 | - | - |
| Conv2D | 64 | 5x5 | 2 | ReLU |
| MaxPool2D | - | 2x2 | - | - |
| Conv2D | 128 | 5x5 | 2 | ReLU |
| MaxPool2D | - | 2x2 | - | - |
| Flatten | - | - | - | - |
| Fully-Connected | 64 | - | - | ReLU |
| Fully-Connected | 10 | - | - | - |
"""
IMAGE = [[1, 0, 2, 3, 1], [3, 2, 0, 7, 0], [0, 6, 1, 1, 4]]
KERNEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


@pytest.mark.parametrize(
    ("flip", "padding_mode", "expected"),
    [
        (False, "zeros", [[2, -1, 11, -2, -13], [10, -4, 8, 2, -18], [14, -1, -5, 6, -9]]),
        (True, "zeros", [[-2, 1, -11, 2, 13], [-10, 4, -8, -2, 18], [-14, 1, 5, -6, 9]]),
        (True, "reflect", [[0, 4, -16, 2, 0], [0, 4, -8, -2, 0], [0, 4, 0, -6, 0]]),
        (False, "replicate", [[-4, 0, 14, -3, -13], [3, -4, 8, 2, -13], [17, 0, -10, 9, 2]]),
        (False, "circular", [[2, 0, 6, 1, -9], [5, -4, 8, 2, -11], [5, 0, -2, 5, -8]]),
    ],
)
def test_task_1a_gives_the_five_matrices(
    flip: bool, padding_mode: str, expected: list[list[int]]
) -> None:
    worked = shapes.explain_convolution(
        IMAGE, KERNEL, padding=1, padding_mode=padding_mode, flip=flip
    )

    assert worked.result == expected


def test_tasks_1c_to_1f() -> None:
    assert shapes.same_padding(5) == 2
    assert shapes.solve_kernel_size(512, 504) == (9,)
    assert shapes.pool_output(504, kernel_size=2, stride=2) == 252
    assert shapes.conv_output(252, kernel_size=3) == 250


def test_task_1g_counts_the_base_network() -> None:
    summary = Architecture.parse(BASE).summary((3, 32, 32))

    assert [row.parameters for row in summary.rows if row.parameters] == [
        2_432,
        51_264,
        204_928,
        131_136,
        650,
    ]
    assert summary.parameters == 390_410


def test_task_1g_has_the_stated_maps_and_weights() -> None:
    summary = Architecture.parse(BASE).summary((3, 32, 32))
    maps = [row.output_shape for row in summary.rows if row.kind in {"conv", "max pool"}]
    model = Architecture.parse(BASE).build((3, 32, 32))
    weights = sum(p.numel() for name, p in model.named_parameters() if name.endswith("weight"))

    assert maps == [
        (32, 32, 32),
        (32, 16, 16),
        (64, 16, 16),
        (64, 8, 8),
        (128, 8, 8),
        (128, 4, 4),
    ]
    assert (weights, 390_410 - weights) == (390_112, 298)


def test_model_1_has_588810_parameters() -> None:
    block = "conv 64 k5 p2 bn relu, conv 64 k5 p2 bn relu, maxpool 2"
    text = f"{block}, {block}, {block}, flatten, linear 64 relu, linear 10"
    text = text.replace("k5 p2", "k7 p3", 1)
    summary = Architecture.parse(text).summary((3, 32, 32))

    assert summary.parameters == 9_472 + 5 * 102_464 + 6 * 128 + 65_600 + 650 == 588_810
    assert (64, 4, 4) in [row.output_shape for row in summary.rows]


@pytest.mark.parametrize(("padding", "flat", "parameters"), [(1, 256, 185_674), (2, 576, 206_154)])
def test_model_2_needs_padding_1(padding: int, flat: int, parameters: int) -> None:
    text = (
        "conv 32 k5 p2 relu, maxpool 2, "
        + "".join(f"conv {c} k3 p{padding} relu, maxpool 2, " for c in (64, 128, 64))
        + "flatten, linear 64 relu, linear 10"
    )
    summary = Architecture.parse(text).summary((3, 32, 32))

    assert summary.parameters == parameters
    assert (flat,) in [row.output_shape for row in summary.rows]


def test_transfer_trains_layer4_and_the_head() -> None:
    model = torchvision.models.resnet18(weights=None)
    training.transfer.replace_head(model, 10)
    training.transfer.freeze(model)
    training.transfer.unfreeze(model, "layer4")
    training.transfer.unfreeze(model, "fc")

    summary = summarize(model, (3, 224, 224))

    assert (summary.parameters, summary.trainable_parameters) == (11_181_642, 8_398_858)
    assert sum(p.numel() for p in model.layer4.parameters()) == 8_393_728


def test_the_settings_give_the_stated_numbers_of_steps() -> None:
    images = math.floor(50_000 * 0.9)

    assert (images, images // 64, images // 32) == (45_000, 703, 1_406)
    assert (images // 64 // 2, images // 32 // 2) == (351, 703)


@pytest.mark.parametrize(
    ("loss", "accuracy"),
    [(0.8413, 71.22), (0.8652, 70.58), (0.5240, 82.34), (0.5177, 82.76), (0.7283, 76.09)],
)
def test_printed_pairs_obey_the_bound_of_a_wrong_answer(loss: float, accuracy: float) -> None:
    """A wrong arg-max has p(true) of at most 1/2, so the mean loss is at least (1 - a) ln 2."""
    assert loss >= (1 - accuracy / 100) * math.log(2)


def test_the_worked_position_is_minus_five() -> None:
    worked = shapes.explain_convolution(IMAGE, KERNEL, padding=1)

    assert 2 * -1 + 7 * 1 + 6 * -2 + 1 * 2 == -5
    assert worked.result[2][2] == -5
