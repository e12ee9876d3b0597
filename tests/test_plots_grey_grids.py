"""Grids of small grey images side by side."""

from __future__ import annotations

import re

import numpy as np
import pytest

from convkit import plots
from convkit.errors import PlotError


def test_each_tile_goes_from_its_least_value_to_its_greatest() -> None:
    tiles = np.array([[[0.0, 1.0], [2.0, 4.0]], [[-7.0, -6.0], [-5.0, -3.0]]])

    (axes,) = plots.grey_grids({"maps": tiles}, columns=2).axes
    drawn = np.asarray(axes.images[0].get_array())

    expected = np.array([[0, 0.25], [0.5, 1]])
    np.testing.assert_array_equal(drawn[:, :2], expected)
    np.testing.assert_array_equal(drawn[:, 3:], expected)
    assert np.isnan(drawn[:, 2].astype(float)).all()


def test_tiles_go_from_left_to_right_and_top_to_bottom() -> None:
    tiles = np.zeros((5, 2, 2))
    for number, tile in enumerate(tiles):
        tile[0, 0] = number + 1

    (axes,) = plots.grey_grids({"filters": tiles}, columns=3).axes
    drawn = np.asarray(axes.images[0].get_array(), dtype=float)

    assert drawn.shape == (5, 8)
    assert [(row, column) for row, column in np.argwhere(drawn == 1).tolist()] == [
        (0, 0), (0, 3), (0, 6), (3, 0), (3, 3),
    ]  # fmt: skip


def test_a_tile_of_one_value_is_black() -> None:
    (axes,) = plots.grey_grids({"maps": np.full((1, 3, 3), 5.0)}).axes

    assert np.asarray(axes.images[0].get_array()).tolist() == [[0.0] * 3] * 3


def test_grids_stand_side_by_side_with_their_sizes() -> None:
    figure = plots.grey_grids({"a": np.ones((64, 3, 3)), "b": np.ones((10, 13, 7))}, columns=None)

    assert [axes.get_title() for axes in figure.axes] == ["a, 64 of 3×3", "b, 10 of 13×7"]


@pytest.mark.parametrize(
    ("grids", "message"),
    [
        ({}, "there is no grid to draw: pass {name: tiles}"),
        (
            {"maps": np.ones((1, 64, 3, 3))},
            "grid maps: tiles have shape (N, H, W), received (1, 64, 3, 3)",
        ),
    ],
)
def test_what_is_no_grid_is_refused(grids: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(PlotError, match=f"^{re.escape(message)}$"):
        plots.grey_grids(grids)
