"""The drawn figures are the same everywhere and as they are said to be."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
import torch

from convkit import data
from convkit.data._figures import FIGURES
from convkit.errors import DataError

MEANS_OF_SEED_0 = [81.2015723, 83.8122363, 83.4887988]


def test_every_class_has_an_equal_share_of_every_split() -> None:
    sets = data.drawn_shapes(seed=0, train=200, validation=50, test=30)

    assert [each.counts() for each in sets] == [(20,) * 10, (5,) * 10, (3,) * 10]
    assert sets.class_names == tuple(sorted(FIGURES))


def test_the_seed_decides_everything() -> None:
    one, same, other = (
        data.drawn_shapes(seed=s, train=30, validation=0, test=0) for s in (5, 5, 6)
    )

    assert torch.equal(one.train.images, same.train.images)
    assert not torch.equal(one.train.images, other.train.images)


def test_an_image_does_not_depend_on_how_many_are_drawn() -> None:
    few = data.drawn_shapes(seed=0, train=25, validation=5, test=0)
    many = data.drawn_shapes(seed=0, train=640, validation=15, test=20)

    assert torch.equal(few.train.images, many.train.images[:25])
    assert few.validation is not None
    assert many.validation is not None
    assert torch.equal(few.validation.images, many.validation.images[:5])


def test_the_pixels_have_not_changed_since_they_were_first_drawn() -> None:
    images = data.drawn_shapes(seed=0, train=100, validation=0, test=0).train.images
    means = images.to(torch.float64).mean((0, 2, 3)).tolist()

    assert means == pytest.approx(MEANS_OF_SEED_0, abs=0.01)


def test_no_random_state_is_touched() -> None:
    before = torch.random.get_rng_state(), hashlib.sha256(np.random.get_state()[1]).digest()  # noqa: NPY002 - left alone?

    data.drawn_shapes(train=20, validation=0, test=0)

    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == hashlib.sha256(np.random.get_state()[1]).digest()  # noqa: NPY002 - as above


def inside(name: str, angle: float) -> np.ndarray:
    """Whether each point of a fine grid lies in a figure turned by an angle."""
    line = np.linspace(-1.2, 1.2, 121, dtype=np.float32)
    x, y = (v.reshape(1, -1) for v in np.meshgrid(line, line))
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return FIGURES[name](c * x + s * y, c * y - s * x) < 0


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_figure_fits_its_circle_and_is_no_other_figure_turned(name: str) -> None:
    line = np.linspace(-1.2, 1.2, 121)
    x, y = (v.reshape(1, -1) for v in np.meshgrid(line, line))
    figure = inside(name, 0.0)

    assert not np.any(figure & (x**2 + y**2 > 1.02**2))
    for other in set(FIGURES) - {name}:
        for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
            turned = inside(other, angle)
            overlap = (figure & turned).sum() / (figure | turned).sum()
            assert overlap < 0.9, (name, other, angle)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_distances_are_negative_inside_and_grow_by_at_most_the_way(name: str) -> None:
    generator = np.random.default_rng(0)
    points = generator.uniform(-1.5, 1.5, (2, 1, 2000)).astype(np.float32)
    step = generator.uniform(-0.05, 0.05, (2, 1, 2000)).astype(np.float32)

    there = FIGURES[name](points[0], points[1])
    moved = FIGURES[name](points[0] + step[0], points[1] + step[1])

    way = np.sqrt((step**2).sum(0))
    assert np.all(np.abs(there - moved) <= way * 1.001 + 1e-4)


def test_counts_are_checked() -> None:
    message = "train=0: a count is a whole number from 1 to 1,000,000"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        data.drawn_shapes(train=0)
