"""Channel statistics are exact."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from convkit import data
from convkit.errors import DataError


@pytest.mark.parametrize("shape", [(7, 3, 5, 9), (1, 1, 1, 1), (300, 3, 32, 32), (2, 3, 20, 400)])
def test_statistics_equal_numpys_in_float64(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    found = data.channel_statistics(torch.from_numpy(images))

    values = images.astype(np.float64) / 255
    assert found.mean == pytest.approx(values.mean((0, 2, 3)), rel=1e-14)
    assert found.std == pytest.approx(values.std((0, 2, 3)), rel=1e-12, abs=1e-14)


def test_extremes_lose_nothing() -> None:
    images = torch.full((500, 3, 64, 250), 255, dtype=torch.uint8)

    assert data.channel_statistics(images) == ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def test_the_order_of_the_images_changes_nothing() -> None:
    images = torch.randint(
        256, (50, 3, 9, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )

    assert data.channel_statistics(images) == data.channel_statistics(images.flip(0))


def test_floats_are_refused() -> None:
    message = "statistics need uint8 images of shape (N, C, H, W), got torch.float32 (1, 3, 2, 2)"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        data.channel_statistics(torch.zeros(1, 3, 2, 2))
