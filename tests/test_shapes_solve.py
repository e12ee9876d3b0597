"""Solving for the unknown: every answer, none too many, and what is said when there is none."""

from __future__ import annotations

import re

import pytest

from convkit import shapes
from convkit.errors import ShapeError


def test_the_calls_of_the_public_face() -> None:
    assert shapes.solve_kernel_size(512, 504) == (9,)
    assert shapes.solve_padding(32, 16, kernel_size=3, stride=2) == (1,)
    assert shapes.solve_stride(224, 112, kernel_size=7, padding=3) == (2,)
    assert shapes.solve_input_size(252, kernel_size=2, stride=2) == (504, 505)


def test_every_answer_is_given_smallest_first() -> None:
    assert shapes.solve_kernel_size(32, 16, stride=2, padding=1) == (3, 4)


def test_tuples_give_every_combination() -> None:
    answers = shapes.solve_kernel_size((32, 30), (16, 30), stride=(2, 1), padding=1)

    assert answers == ((3, 3), (4, 3))
    for kernel_size in answers:
        size = shapes.conv_output((32, 30), kernel_size=kernel_size, stride=(2, 1), padding=1)
        assert size == (16, 30)


def test_an_output_of_one_stops_at_strides_as_large_as_the_input() -> None:
    assert shapes.solve_stride(5, 1, kernel_size=3, padding=1) == (5, 6, 7)


def test_unequal_and_same_padding_may_be_given() -> None:
    assert shapes.solve_kernel_size(8, 8, padding=((1, 2),)) == (4,)
    assert shapes.solve_input_size((8, 9), kernel_size=4, padding="same") == ((8, 9),)


def test_answers_are_exact_however_large() -> None:
    size = 10**30

    assert shapes.solve_input_size(size, kernel_size=3, padding=1) == (size,)
    assert shapes.solve_kernel_size(size, size - 6) == (7,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: shapes.solve_kernel_size(512, 513),
            (
                "no kernel_size gives output_size=513 from size=512 with stride=1, padding=0, "
                "dilation=1: kernel_size=1 gives 512"
            ),
        ),
        (
            lambda: shapes.solve_kernel_size(32, 30, dilation=3),
            (
                "no kernel_size gives output_size=30 from size=32 with stride=1, padding=0, "
                "dilation=3: kernel_size=1 gives 32, kernel_size=2 gives 29"
            ),
        ),
        (
            lambda: shapes.solve_padding(32, 32, kernel_size=4),
            (
                "no padding gives output_size=32 from size=32 with kernel_size=4, stride=1, "
                "dilation=1: padding=1 gives 31, padding=2 gives 33; "
                "unequal sides would do, padding=((1, 2),)"
            ),
        ),
        (
            lambda: shapes.solve_padding(32, 8, kernel_size=3),
            (
                "no padding gives output_size=8 from size=32 with kernel_size=3, stride=1, "
                "dilation=1: padding=0 gives 30"
            ),
        ),
        (
            lambda: shapes.solve_stride(224, 100, kernel_size=7, padding=3),
            (
                "no stride gives output_size=100 from size=224 with kernel_size=7, padding=3, "
                "dilation=1: stride=2 gives 112, stride=3 gives 75"
            ),
        ),
        (
            lambda: shapes.solve_stride(5, 2, kernel_size=9),
            (
                "kernel_size=9 is larger than size=5 with padding=0 (5): "
                "kernel_size=5 or size=9 would do"
            ),
        ),
        (
            lambda: shapes.solve_input_size(1, kernel_size=1, padding=2),
            (
                "no input size gives output_size=1 with kernel_size=1, stride=1, padding=2, "
                "dilation=1: size=1 already gives 5"
            ),
        ),
        (
            lambda: shapes.solve_kernel_size(5, 5, padding="same"),
            (
                'padding="same" keeps every size at stride 1 with every kernel_size, '
                "so there is nothing to solve: give the padding as a number"
            ),
        ),
        (
            lambda: shapes.solve_kernel_size((8, 8), (6, 9)),
            (
                "width: no kernel_size gives output_size=9 from size=8 with stride=1, padding=0, "
                "dilation=1: kernel_size=1 gives 8"
            ),
        ),
    ],
)
def test_no_answer_says_what_the_nearest_values_give(call: object, message: str) -> None:
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        call()


def test_the_unequal_sides_that_are_suggested_do() -> None:
    assert shapes.conv_output(32, kernel_size=4, padding=((1, 2),)) == 32


def test_too_many_answers_are_refused_before_they_are_made() -> None:
    huge = 10**30
    message = (
        f"{huge} answers are more than the 1000000 that are listed: every number from 1 to {huge}"
    )

    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        shapes.solve_kernel_size(huge, 1, stride=huge)


def test_too_many_combinations_are_refused() -> None:
    message = "100000000 answers are more than the 1000000 that are listed"

    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        shapes.solve_kernel_size((10_000, 10_000), 1, stride=10_000)
