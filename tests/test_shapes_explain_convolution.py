"""A convolution worked out, against written-out matrices and PyTorch's layer."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import torch
from torch import nn

from convkit import shapes
from convkit.errors import ShapeError
from convkit.shapes import explain_convolution

IMAGE = [[1, 0, 2, 3, 1], [3, 2, 0, 7, 0], [0, 6, 1, 1, 4]]
KERNEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


@pytest.mark.parametrize(
    ("mode", "flip", "expected"),
    [
        ("zeros", False, [[2, -1, 11, -2, -13], [10, -4, 8, 2, -18], [14, -1, -5, 6, -9]]),
        ("zeros", True, [[-2, 1, -11, 2, 13], [-10, 4, -8, -2, 18], [-14, 1, 5, -6, 9]]),
        ("reflect", True, [[0, 4, -16, 2, 0], [0, 4, -8, -2, 0], [0, 4, 0, -6, 0]]),
        ("replicate", False, [[-4, 0, 14, -3, -13], [3, -4, 8, 2, -13], [17, 0, -10, 9, 2]]),
        ("circular", False, [[2, 0, 6, 1, -9], [5, -4, 8, 2, -11], [5, 0, -2, 5, -8]]),
    ],
)
def test_the_matrices_of_a_written_exercise(
    mode: str, flip: bool, expected: list[list[int]]
) -> None:
    explanation = explain_convolution(IMAGE, KERNEL, padding=1, padding_mode=mode, flip=flip)

    assert explanation.result == expected


def test_every_product_of_a_position_is_written() -> None:
    position = explain_convolution(IMAGE, KERNEL, padding=1).steps[2][2]

    assert str(position) == (
        "(2, 2): 2*(-1) + 0*0 + 7*1 + 6*(-2) + 1*0 + 1*2 + 0*(-1) + 0*0 + 0*1 = -5"
    )
    assert [(p.row, p.column) for p in position.products][:4] == [(1, 1), (1, 2), (1, 3), (2, 1)]


def test_the_text_holds_the_matrices_and_every_position() -> None:
    text = str(explain_convolution([[1, 2], [3, 4]], [[1, 0], [0, -1]], padding=((0, 1), 0)))

    assert text == (
        "cross-correlation, zeros padding: 1 below\n\n"
        "image:\n1 2\n3 4\n\n"
        "kernel:\n 1  0\n 0 -1\n\n"
        "result:\n-3\n 3\n\n"
        "(row, column): pixel*weight + ... = value\n"
        "(0, 0): 1*1 + 2*0 + 3*0 + 4*(-1) = -3\n"
        "(1, 0): 3*1 + 4*0 + 0*0 + 0*(-1) = 3"
    )


def test_the_turned_kernel_is_shown() -> None:
    explanation = explain_convolution([[1, 2]], [[3, 4]], flip=True)

    assert "turned kernel:\n4 3" in str(explanation)
    assert explanation.result == [[1 * 4 + 2 * 3]]


def test_markdown_and_latex_hold_every_position() -> None:
    explanation = explain_convolution([[1, 2, 3]], [[1, -1]])

    assert r"| (0, 1) | 2\*1 + 3\*(-1) | -1 |" in explanation.to_markdown()
    assert r"O_{0,1} &= 2 \cdot 1 + 3 \cdot (-1) = -1" in explanation.to_latex()
    assert r"\begin{bmatrix} 1 & 2 & 3 \end{bmatrix}" in explanation.to_latex()


def test_arrays_and_tensors_are_taken() -> None:
    lists = explain_convolution(IMAGE, KERNEL).result

    assert explain_convolution(np.array(IMAGE), torch.tensor(KERNEL)).result == lists
    assert explain_convolution(map_rows(np.int64), KERNEL).result == lists


def map_rows(number: type) -> list[list[object]]:
    """The image with every number of another type."""
    return [[number(value) for value in row] for row in IMAGE]


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch on its even kernels
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_random_convolutions_are_pytorchs(mode: str) -> None:
    rng = random.Random(mode)
    torch.manual_seed(0)
    for _ in range(50):
        layer = {"padding": rng.choice([(1, 0), 2, (2, 1), "same"]), "dilation": rng.randint(1, 2)}
        layer["stride"] = 1 if layer["padding"] == "same" else rng.randint(1, 3)
        kernel = torch.randint(-9, 9, (rng.randint(1, 3), rng.randint(1, 3))).double()
        image = torch.randint(-9, 9, (rng.randint(5, 8), rng.randint(5, 8))).double()
        conv = nn.Conv2d(
            1, 1, tuple(kernel.shape), padding_mode=mode, bias=False, dtype=torch.double, **layer
        )
        conv.weight.data[0, 0] = kernel

        explanation = explain_convolution(image, kernel, padding_mode=mode, **layer)

        assert explanation.result == conv(image[None, None])[0, 0].tolist()


@pytest.mark.parametrize(
    ("image", "kernel", "options", "message"),
    [
        ([1, 2], [[1]], {}, "image must hold rows of numbers, got the row 1"),
        ([], [[1]], {}, "image must be a matrix, a list of rows of numbers, got []"),
        ([[1, 2], [3]], [[1]], {}, "the rows of image must be equally long, got 2 and 1"),
        ([[1, "2"]], [[1]], {}, "image must hold numbers, got '2'"),
        (
            [[[1, 2]]],
            [[1]],
            {},
            "image must hold numbers, got [1, 2]: pass one channel, such as image[0]",
        ),
        (
            [[1, 2]],
            [[1], [1]],
            {},
            (
                "height: kernel_size=2 is larger than size=1 with padding=0 (1): "
                "kernel_size=1 or size=2 would do"
            ),
        ),
        (
            [[1, 2]],
            [[1]],
            {"padding": (0, 2), "padding_mode": "reflect"},
            (
                'width: padding=2 is too much for padding_mode="reflect" on 2 pixels: '
                "padding=1 or less would do"
            ),
        ),
        (
            [[1, 2]],
            [[1]],
            {"padding": (0, 3), "padding_mode": "circular"},
            (
                'width: padding=3 is too much for padding_mode="circular" on 2 pixels: '
                "padding=2 or less would do"
            ),
        ),
        (
            [[1, 2]],
            [[1]],
            {"padding_mode": "zero"},
            "height: padding_mode must be one of zeros, reflect, replicate, circular, got 'zero'",
        ),
        (
            [[1] * 100] * 100,
            [[1] * 20] * 20,
            {},
            (
                "2624400 products are more than the 1000000 that are worked out: "
                "give a smaller part of the image"
            ),
        ),
    ],
)
def test_what_is_no_convolution_is_named(
    image: object, kernel: object, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        shapes.explain_convolution(image, kernel, **options)
