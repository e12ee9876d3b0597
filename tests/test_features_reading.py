"""Filters that were planted are read for what they are."""

from __future__ import annotations

import itertools
import math
import os
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from convkit import FilterFeatureExtractor
from convkit.errors import FeatureError

if TYPE_CHECKING:
    from convkit.features import Reading

MANY = os.environ.get("CONVKIT_MANY_CASES") == "1"
Weights = NDArray[np.float64]


def read(weights: Weights) -> Reading:
    """Plant one filter in a conv layer and read it there."""
    layer = nn.Conv2d(len(weights), 2, weights.shape[1:])
    layer.weight.data[1] = torch.tensor(weights)
    images = torch.zeros(1, len(weights), 16, 16)
    return FilterFeatureExtractor(nn.Sequential(layer)).extract(images)["0"][1].describe()


def gabor(size: int, degrees: float, frequency: float, phase: float, window: float) -> Weights:
    """Stripes that lie at `degrees` counter-clockwise from horizontal, written out."""
    rows = np.zeros((size, size))
    for row, column in itertools.product(range(size), repeat=2):
        x, up = column - (size - 1) / 2, (size - 1) / 2 - row
        across = -x * math.sin(math.radians(degrees)) + up * math.cos(math.radians(degrees))
        bell = math.exp(-(x * x + up * up) / (2 * window**2))
        rows[row, column] = bell * math.cos(2 * math.pi * frequency * across + phase)
    return rows


@pytest.mark.parametrize("size", [5, 7, 11])
@pytest.mark.parametrize("cycles", [1.0, 1.5, 2.0])
def test_gabors_are_read_within_10_degrees_and_20_per_cent(size: int, cycles: float) -> None:
    frequency = cycles / size
    for degrees in range(0, 180, 5 if MANY else 30):
        for phase in (0.0, 1.0, math.pi / 2):
            pattern = gabor(size, degrees, frequency, phase, size / 4)

            reading = read(np.stack([pattern, 0.8 * pattern, 1.2 * pattern]))

            apart = abs((reading.orientation - degrees + 90) % 180 - 90)
            assert apart < 10, (degrees, phase, reading)
            assert abs(reading.frequency / frequency - 1) < 0.2, (degrees, phase, reading)


def test_a_vertical_edge_is_said_with_its_polarity() -> None:
    sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])

    reading = read(np.stack([sobel] * 3))

    assert (reading.kind, reading.orientation) == ("edge", pytest.approx(90))
    assert reading.sentence == "vertical edges, dark left, light right, about 2 px wide"
    assert read(np.stack([-sobel.T] * 3)).sentence.startswith("horizontal edges, light above")


@pytest.mark.parametrize(
    ("degrees", "name"),
    [(0, "horizontal"), (45, "rising diagonal"), (90, "vertical"), (135, "falling diagonal")],
)
def test_the_strongest_edge_response_is_that_of_the_direction(degrees: int, name: str) -> None:
    reading = read(np.stack([gabor(11, degrees, 0.1, math.pi / 2, 3.0)] * 3))

    edges = {key: value for key, value in reading.responses.items() if key.endswith("edges")}
    assert max(edges, key=lambda key: edges[key]) == f"{name} edges"
    assert reading.kind == "edge"


def test_a_blob_is_read_with_its_sign() -> None:
    y, x = np.mgrid[:9, :9] - 4
    bell = np.exp(-(x**2 + y**2) / 8.0)
    wide = np.exp(-(x**2 + y**2) / 32.0)
    blob = bell / bell.sum() - wide / wide.sum()

    assert read(np.stack([blob] * 3)).sentence.startswith("blob, light on dark")
    assert read(np.stack([-blob] * 3)).sentence.startswith("blob, dark on light")
    assert read(blob[None]).kind == "blob"


@pytest.mark.parametrize(
    ("mixture", "name"),
    [
        ((1, -0.5, -0.5), "red against cyan"),
        ((-1, -1, 2), "blue against yellow"),
        ((-1, 2, -1), "green against magenta"),
        ((1, 1, -2), "yellow against blue"),
    ],
)
def test_a_colour_is_read_and_named(mixture: tuple[float, ...], name: str) -> None:
    reading = read(np.array(mixture)[:, None, None] * np.ones((3, 7, 7)))

    assert (reading.kind, reading.colour) == ("colour", name)


def test_brightness_is_no_colour() -> None:
    assert read(np.ones((3, 5, 5))).sentence == "even brightness: answers to light areas"
    assert read(-np.ones((3, 5, 5))).sentence == "even brightness: answers to dark areas"


def test_noise_is_not_read_into() -> None:
    noise = np.random.default_rng(0).standard_normal((15, 3, 7, 7))

    assert sum(read(weights).kind == "mixed" for weights in noise) >= 14


def test_zeros_and_single_pixels_have_no_direction() -> None:
    assert read(np.zeros((3, 3, 3))).kind == "zero"
    point = read(np.random.default_rng(0).standard_normal((16, 1, 1)))
    assert point.kind == "point"
    assert math.isnan(point.orientation)


def test_a_row_of_pixels_can_only_be_vertical() -> None:
    reading = read(np.array([[[-1.0, -1, -1, 0, 1, 1, 1]]]))

    assert (reading.kind, reading.orientation) == ("edge", pytest.approx(90))


def test_weights_that_are_not_finite_are_refused() -> None:
    message = "the filter has weights that are not finite; there is nothing to read"
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        read(np.full((3, 3, 3), np.inf))
