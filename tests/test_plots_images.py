"""Pictures of images, filters and feature maps."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from convkit import plots, shapes
from convkit.errors import PlotError
from convkit.plots._arrays import to_image

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (3, 12, 10), dtype=np.uint8)


def titles(figure) -> list[str]:
    """What stands above the tiles."""
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize(
    ("image", "shape"),
    [
        (IMAGE, (12, 10, 3)),
        (IMAGE.transpose(1, 2, 0), (12, 10, 3)),
        (IMAGE[0], (12, 10, 3)),
        (IMAGE[:1], (12, 10, 3)),
        (torch.from_numpy(IMAGE), (12, 10, 3)),
        (torch.from_numpy(IMAGE)[None].float().div(255).bfloat16(), (12, 10, 3)),
        (np.zeros((3, 3, 3)), (3, 3, 3)),
    ],
)
def test_images_of_every_layout_become_height_width_colour(image: object, shape: tuple) -> None:
    found = to_image(image)

    assert found.shape == shape
    assert found.min() >= 0
    assert found.max() <= 1


def test_bytes_are_shown_as_they_are() -> None:
    assert_allclose(to_image(IMAGE) * 255, IMAGE.transpose(1, 2, 0))


def test_normalised_images_are_stretched_and_gaps_filled() -> None:
    image = np.array([[[-2.0, 0.0], [2.0, np.nan]]])

    assert_allclose(to_image(image)[:, :, 0], [[0, 0.5], [1, 0.5]])


def test_a_tensor_with_a_gradient_is_drawn() -> None:
    weights = torch.zeros(2, 3, 3, 3, requires_grad=True)

    assert titles(plots.filters(weights)) == ["0", "1"]


def test_each_image_has_its_title_and_keeps_its_proportions() -> None:
    images = [np.zeros((3, 10, 20)), np.zeros((3, 10, 10))]
    figure = plots.image_grid(images, titles=("wide", "square"), columns=2)
    ratios = [
        (right - left) / (bottom - top)
        for left, right, bottom, top in (i.get_extent() for i in figure.axes[0].images)
    ]

    assert titles(figure) == ["wide", "square"]
    assert_allclose(ratios, [2, 1])


def test_tiles_do_not_overlap() -> None:
    images = [np.zeros((3, *size)) for size in RNG.integers(5, 60, (17, 2))]
    extents = [image.get_extent() for image in plots.image_grid(images).axes[0].images]
    for number, (left, right, bottom, top) in enumerate(extents):
        for other_left, other_right, other_bottom, other_top in extents[:number]:
            assert (
                right <= other_left or other_right <= left or bottom <= other_top
                or other_bottom <= top
            )  # fmt: skip


def test_right_and_wrong_are_told_by_mark_and_colour() -> None:
    figure = plots.image_grid([IMAGE] * 2, titles=("cat", "dog"), right=(True, False))
    colours = {text.get_color() for text in figure.axes[0].texts}

    assert titles(figure) == ["✓ cat", "✗ dog"]
    assert len(colours) == 2


def test_filters_of_three_channels_are_coloured_with_zero_grey() -> None:
    weights = np.zeros((1, 3, 2, 2))
    weights[0, 0, 0, 0], weights[0, 2, 1, 1] = 2, -2
    drawn = plots.filters(weights).axes[0].images[0].get_array()

    assert_allclose(drawn[0, 0], [1, 0.5, 0.5])
    assert_allclose(drawn[1, 1], [0.5, 0.5, 0])
    assert_allclose(drawn[0, 1], [0.5, 0.5, 0.5])


def test_other_filters_show_their_channel_of_greatest_norm_or_the_one_asked_for() -> None:
    weights = np.zeros((1, 5, 3, 3))
    weights[0, 2], weights[0, 4] = 1, -3
    greatest = plots.filters(weights).axes[0].images[0].get_array()
    asked = plots.filters(weights, input_channel=2).axes[0].images[0].get_array()

    assert_allclose(greatest, -1)
    assert_allclose(asked, 1)


def test_a_shared_scale_compares_and_an_own_one_stretches() -> None:
    maps = np.stack([np.full((2, 2), value) for value in (0.0, 1.0)]) + np.eye(2)
    shared = plots.feature_maps(maps).axes[0].images
    own = plots.feature_maps(maps, shared_scale=False).axes[0].images

    assert [image.get_clim() for image in shared] == [(0, 2), (0, 2)]
    assert [image.get_clim() for image in own] == [(0, 1), (1, 2)]


def test_signed_maps_are_centred_on_zero() -> None:
    image = plots.feature_maps(np.array([[[-1.0, 3.0]]]), signed=True).axes[0].images[0]

    assert image.get_clim() == (-3, 3)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_maps_of_one_value_and_of_no_number_are_drawn(value: float) -> None:
    assert plots.encode(plots.feature_maps(np.full((2, 3, 3), value)), dpi=20)


def test_layers_have_a_row_and_channels_a_column_each_row_on_its_own_scale() -> None:
    maps = {"layer1": RNG.normal(size=(8, 6, 6)), "layer2": 9 * RNG.normal(size=(8, 3, 3))}
    axes = plots.layers_by_channels(maps, channels=(0, 5, 7)).axes
    limits = [panel.images[0].get_clim() for panel in axes]

    assert len(axes) == 6
    assert len(set(limits[:3])) == len(set(limits[3:])) == 1
    assert_allclose(axes[4].images[0].get_array(), maps["layer2"][5])


def test_a_pair_shows_its_filter_and_its_map() -> None:
    weights, response = RNG.normal(size=(20, 3, 3)), RNG.normal(size=(7, 8))
    figure = plots.filter_pair(weights, response, image=IMAGE, activated=np.maximum(response, 0))
    image, slices, before, after = figure.axes[:4]
    order = np.argsort(-np.sqrt((weights**2).sum(axis=(1, 2))), kind="stable")[:16]

    assert [text.get_text() for text in slices.texts] == [str(index) for index in order]
    assert_allclose(before.images[0].get_array(), response)
    assert_allclose(after.images[0].get_array(), np.maximum(response, 0))
    assert image.get_title() == "image 12×10"


def test_filters_stand_above_the_maps_of_the_same_index() -> None:
    weights, maps = RNG.normal(size=(60, 3, 7, 7)), RNG.normal(size=(60, 5, 5))
    axes = plots.filters_above_maps(weights, maps, [14, 26, 52]).axes

    assert [panel.get_title() for panel in axes[:3]] == ["14", "26", "52"]
    assert_allclose(axes[4].images[0].get_array(), maps[26])
    assert len({panel.images[0].get_clim() for panel in axes[3:]}) == 1


def test_filters_and_maps_may_each_have_their_own_scale_which_is_written_below() -> None:
    weights = np.array([1.0, 10.0])[:, None, None, None] * np.ones((2, 1, 2, 2))
    maps = np.array([[[0.0, 1.0]], [[0.0, 50.0]]])
    axes = plots.filters_above_maps(weights, maps, [0, 1], shared_scale=False).axes

    assert [panel.get_xlabel() for panel in axes] == ["±1", "±10", "0 to 1", "0 to 50"]
    assert [panel.images[0].get_clim() for panel in axes[2:]] == [(0, 1), (0, 50)]


def test_the_table_of_pairs_applies_relu_unless_the_activated_map_is_there() -> None:
    response = np.array([[-1.0, 2.0]])
    plain = SimpleNamespace(filter=np.ones((3, 2, 2)), feature_map=response, index=7)
    given = SimpleNamespace(
        filter=np.ones((4, 2, 2)), feature_map=response, after_activation=response + 5
    )
    axes = plots.pair_table([IMAGE], [{"a": plain, "b": given}]).axes

    assert_allclose(axes[3].images[0].get_array(), [[0, 2]])
    assert_allclose(axes[6].images[0].get_array(), [[4, 7]])
    assert axes[1].get_xlabel() == "7, ±1"
    assert axes[3].get_title() == "\nReLU applied"
    assert axes[6].get_title() == "\nactivated"


def test_a_layer_without_an_activation_has_no_activated_map_in_the_table() -> None:
    pair = SimpleNamespace(
        filter=np.ones((3, 2, 2)), feature_map=np.array([[-1.0, 2.0]]), after_activation=None
    )
    axes = plots.pair_table([IMAGE], [{"a": pair}]).axes

    assert len(axes[3].images) == 0
    assert [text.get_text() for text in axes[3].texts] == ["none"]
    assert axes[3].get_title() == "\nactivated"


def test_the_maps_of_one_filter_have_one_scale_in_the_table_and_others_their_own() -> None:
    def pair(index: int, high: float) -> SimpleNamespace:
        response = np.array([[-high, high]])
        return SimpleNamespace(filter=np.ones((3, 2, 2)), feature_map=response, index=index)

    rows = [{"a": pair(3, 1), "b": pair(3, 1)}, {"a": pair(3, 5), "b": pair(4, 5)}]
    axes = plots.pair_table([IMAGE] * 2, rows).axes

    assert [axes[place].get_xlabel() for place in (2, 9)] == ["-5 to 5"] * 2
    assert [axes[place].images[0].get_clim() for place in (2, 9)] == [(-5, 5)] * 2
    assert [axes[place].get_xlabel() for place in (3, 10)] == ["0 to 5"] * 2
    assert [axes[place].get_xlabel() for place in (5, 12)] == ["-1 to 1", "-5 to 5"]


def test_an_overlay_covers_the_image_or_the_part_that_it_is_told() -> None:
    whole = plots.overlay(IMAGE, np.ones((3, 3))).axes[0].images
    part = plots.overlay(IMAGE, np.ones((3, 3)), extent=(5, 10, 12, 6)).axes[0].images
    left, right, bottom, top = part[0].get_extent()

    assert whole[1].get_extent() == whole[0].get_extent()
    assert whole[1].get_alpha() == 0.5
    assert_allclose(part[1].get_extent(), [(left + right) / 2, right, bottom, (top + bottom) / 2])


def test_several_maps_are_laid_over_the_image_each() -> None:
    figure = plots.overlay(IMAGE, RNG.normal(size=(10, 3, 3)), channels=range(4), smooth=True)

    assert titles(figure) == ["0", "1", "2", "3"]
    assert len(figure.axes[0].images) == 8


def test_the_box_of_a_receptive_field_is_drawn_where_it_lies() -> None:
    field = shapes.receptive_field([(7, 2, 0)])
    figure = plots.receptive_field(np.zeros((3, 32, 32)), field.box(2, 0))
    (box,) = figure.axes[0].patches

    assert (box.get_x(), box.get_y(), box.get_width(), box.get_height()) == (0, 4, 7, 7)
    assert figure.axes[0].get_xlabel() == "rows 4 to 10, columns 0 to 6: 7×7"


def test_a_box_in_the_padding_is_seen_whole() -> None:
    axes = plots.receptive_field(IMAGE, (-5, -4, 3, 4)).axes[0]

    assert axes.get_xlim()[0] < -4
    assert axes.get_ylim()[1] < -5


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: plots.image_grid([]),
            "1 to 1024 images can be drawn at once, received 0: choose some",
        ),
        (
            lambda: plots.image_grid([IMAGE] * 2, titles=("a",)),
            "2 images need as many titles, received 1",
        ),
        (
            lambda: plots.image_grid([np.zeros((5, 5, 5))]),
            (
                "an image has shape (C, H, W), (H, W, C) or (H, W) with 1 or 3 channels, "
                "received (5, 5, 5)"
            ),
        ),
        (
            lambda: plots.filters(np.zeros((2, 2))),
            (
                "filters of shape (out_channels, in_channels, height, width) are drawn, "
                "received shape (2, 2)"
            ),
        ),
        (
            lambda: plots.filters(np.zeros((2, 1, 3, 3)), channels=[2]),
            "filter 2 does not exist: there are 0 to 1",
        ),
        (
            lambda: plots.filters(np.zeros((2000, 1, 3, 3))),
            "1 to 1024 filters can be drawn at once, received 2000: choose some",
        ),
        (
            lambda: plots.feature_maps(np.zeros((4, 8, 5, 5))),
            (
                "feature maps of one image have shape (C, H, W), "
                "received (4, 8, 5, 5): choose an image"
            ),
        ),
        (
            lambda: plots.filters_above_maps(np.zeros((4, 3, 5, 5)), np.zeros((3, 5, 5)), [0]),
            "4 filters need as many maps, received 3",
        ),
        (
            lambda: plots.overlay(IMAGE, np.zeros((2, 2)), alpha=50),
            "alpha is an opacity between 0 and 1, received 50",
        ),
        (
            lambda: plots.receptive_field(IMAGE, (4, 0, 4, 5)),
            (
                "a box is (top, left, bottom, right) with bottom > top and right > left, "
                "received (4, 0, 4, 5)"
            ),
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(draw: object, message: str) -> None:
    with pytest.raises(PlotError, match=f"^{re.escape(message)}$"):
        draw()
