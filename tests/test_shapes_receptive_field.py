"""Receptive fields: their numbers, growth, union and region."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from convkit import shapes
from convkit.errors import ShapeError
from convkit.shapes import Box, ReceptiveField

VGG16 = [
    row
    for convs in (2, 2, 3, 3, 3)
    for row in [*[(3, 1, 1)] * convs, (2, 2, 0)]
]  # fmt: skip


def test_the_field_of_the_public_face() -> None:
    field = shapes.receptive_field([(11, 4, 2), (3, 2, 0)])

    # First conv: pixels -2 to 8. The pool adds two strides of 4: -2 to 16, centre 7.
    assert field == ReceptiveField(size=19, stride=8, start=7)


def test_the_field_of_vgg16_is_the_published_one() -> None:
    field = shapes.receptive_field(VGG16)

    # Araujo, Norris, Sim (2019), table 1: VGG-16, 212 pixels, stride 32, padding 90.
    assert (field.size, field.stride, field.region(0)[0].start) == (212, 32, -90)


def test_no_layer_sees_one_pixel() -> None:
    assert shapes.receptive_field([]) == ReceptiveField(size=1, stride=1, start=0)


def test_even_kernels_are_centred_between_pixels() -> None:
    assert shapes.receptive_field([(2, 2, 0)]).start == 0.5


def test_tuples_give_tuples() -> None:
    field = shapes.receptive_field([((3, 5), (1, 2), 1), (3, 1, (0, 1), 2)])

    assert field == ReceptiveField(size=(7, 13), stride=(1, 2), start=(2, 3))


def test_unequal_and_same_padding_move_the_field() -> None:
    pairs = shapes.receptive_field([(4, 1, ((1, 2), (1, 2)))])

    assert pairs == shapes.receptive_field([((4, 4), 1, "same")])
    assert pairs.start == (0.5, 0.5)


def test_growing_layer_by_layer_is_the_chain() -> None:
    field = ReceptiveField()
    for row in VGG16:
        field = field.then(*row)

    assert field == shapes.receptive_field(VGG16)


def test_branches_see_what_either_sees() -> None:
    image = ReceptiveField()
    left = image.then(kernel_size=3, padding=2)  # pixels -2 to 0
    right = image.then(kernel_size=2)  # pixels 0 to 1

    assert left.merge(right) == ReceptiveField(size=4, stride=1, start=-0.5)
    assert right.merge(left, image) == left.merge(right)


def test_branches_of_unequal_stride_do_not_meet() -> None:
    image = ReceptiveField()
    message = "branches that meet need equal strides, got 1 and 2"

    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        image.merge(image.then(1, 2))


def test_a_branch_of_tuples_meets_one_of_ints() -> None:
    image = ReceptiveField()

    assert image.merge(image.then((1, 3), 1, (0, 1))).size == (1, 3)


def test_the_box_is_cut_to_the_image() -> None:
    field = ReceptiveField().then(kernel_size=7, stride=2, padding=3)

    assert field.box(0, 5) == Box(top=-3, left=7, bottom=4, right=14)
    assert field.box(0, 5, image_size=(32, 12)) == Box(top=0, left=7, bottom=4, right=12)


def test_a_region_of_a_volume_is_a_slice_for_each_dimension() -> None:
    field = ReceptiveField((3, 1, 1), (2, 1, 1), (1, 0, 0))

    assert field.region(1, 4, 0) == (slice(2, 5), slice(4, 5), slice(0, 1))


def test_a_unit_that_sees_only_padding_is_refused() -> None:
    field = ReceptiveField().then(kernel_size=1, padding=2)
    message = "the unit at (0, 3) sees only padding around an image of (8, 8)"

    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        field.box(0, 3, image_size=(8, 8))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(3, 1)], "row 1 must be (kernel_size, stride, padding[, dilation]), got (3, 1)"),
        ([(3, 1, 1), (3, 0, 1)], "row 2: stride must be at least 1, got 0"),
        ([((3, 3), 1, (1, -1))], "row 1: width: padding must be at least 0, got -1"),
        ([(3, 2, "same")], ('row 1: padding="same" needs stride=1, got stride=2: '
                           "padding=1 is the nearest number")),
    ],
)  # fmt: skip
def test_an_impossible_row_is_named(rows: list[tuple[object, ...]], message: str) -> None:
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        shapes.receptive_field(rows)


def test_rows_that_are_no_rows_are_refused() -> None:
    message = "rows must be a list of (kernel_size, stride, padding[, dilation]), got 3"

    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        shapes.receptive_field(3)


def test_a_start_that_is_no_middle_is_refused() -> None:
    message = "start=1 is not the middle of size=2 pixels: 0.5 would do"

    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        ReceptiveField(size=2, stride=1, start=1).box(0, 0)


def test_fields_are_exact_however_large() -> None:
    field = shapes.receptive_field([(2, 2, 0)] * 80)

    assert (field.size, field.stride) == (2**80, 2**80)
    assert field.start == Fraction(2**80 - 1, 2)
    assert field.region(1)[0] == slice(2**80, 2**81)
