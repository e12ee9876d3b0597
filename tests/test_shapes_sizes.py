"""Sizes: the calls of the public face, PyTorch's rules one by one, and the errors."""

from __future__ import annotations

import inspect
import random
import re

import numpy as np
import pytest

from convkit import shapes
from convkit.errors import ShapeError


def assert_refused(message: str, function: object, *args: object, **kwargs: object) -> None:
    """The call fails with exactly this message."""
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        function(*args, **kwargs)


def test_a_convolution_of_ints_gives_an_int() -> None:
    assert shapes.conv_output(128, kernel_size=5) == 124


def test_a_convolution_of_tuples_gives_a_tuple() -> None:
    size = shapes.conv_output(
        (37, 53), kernel_size=(3, 5), stride=(2, 3), padding=(1, 0), dilation=(2, 1)
    )

    assert size == (18, 17)


def test_one_tuple_is_enough_for_a_tuple() -> None:
    assert shapes.conv_output(32, kernel_size=(3, 5)) == (30, 28)


def test_same_padding_keeps_the_size_of_even_kernels_too() -> None:
    assert shapes.conv_output(32, kernel_size=4, padding="same") == 32


def test_valid_padding_is_none() -> None:
    assert shapes.conv_output((9, 9), kernel_size=3, padding="valid") == (7, 7)


def test_unequal_padding_is_given_as_pairs() -> None:
    assert shapes.conv_output((8, 8), kernel_size=4, padding=((1, 2), 0)) == (8, 5)


def test_one_pair_beside_ints_is_one_dimension() -> None:
    assert shapes.conv_output(8, kernel_size=4, padding=(shapes.same_padding(4),)) == 8


def test_numpy_integers_are_integers() -> None:
    assert shapes.conv_output(np.int64(128), kernel_size=np.int32(5)) == 124


def test_sizes_are_exact_however_large() -> None:
    size = 10**40 + 1

    assert shapes.conv_output(size, kernel_size=3, stride=2) == (10**40 - 2) // 2 + 1


def test_pooling_strides_by_its_kernel() -> None:
    assert shapes.pool_output((32, 33), kernel_size=2) == (16, 16)


def test_a_last_window_does_not_start_in_the_padding_behind() -> None:
    size = shapes.pool_output(5, kernel_size=2, stride=2, padding=1, ceil_mode=True)

    assert size == 3
    assert shapes.pool_output(4, kernel_size=2, stride=2, padding=1, ceil_mode=True) == 3
    assert shapes.pool_output(3, kernel_size=1, stride=3, ceil_mode=True) == 1


def test_ceil_mode_keeps_a_window_larger_than_the_input() -> None:
    assert shapes.pool_output(2, kernel_size=5, stride=5, ceil_mode=True) == 1


def test_transposed_convolution_of_the_public_face() -> None:
    size = shapes.conv_transpose_output(
        (5, 7), kernel_size=4, stride=3, padding=2, output_padding=2, dilation=2
    )

    assert size == (17, 23)


def test_a_transposed_convolution_turns_a_convolution_round() -> None:
    for size in range(8, 40):
        down = shapes.conv_output(size, kernel_size=5, stride=3, padding=2)
        rest = (size + 2 * 2 - 5) % 3
        up = shapes.conv_transpose_output(
            down, kernel_size=5, stride=3, padding=2, output_padding=rest
        )

        assert up == size


def test_adaptive_pooling_keeps_a_dimension_of_none() -> None:
    assert shapes.adaptive_pool_output((13, 9), output_size=(6, None)) == (6, 9)
    assert shapes.adaptive_pool_output(13, output_size=6) == 6


def test_upsampling_takes_a_factor_or_a_size() -> None:
    assert shapes.upsample_output((7, 8), scale_factor=2) == (14, 16)
    assert shapes.upsample_output((7, 8), scale_factor=(1.5, 0.5)) == (10, 4)
    assert shapes.upsample_output(7, output_size=20) == 20


def test_same_padding_puts_the_larger_half_behind() -> None:
    assert shapes.same_padding(5) == 2
    assert shapes.same_padding(4) == (1, 2)
    assert shapes.same_padding((3, 4), dilation=(2, 3)) == (2, (4, 5))


def test_a_kernel_that_does_not_fit_names_what_would() -> None:
    assert_refused(
        "width: kernel_size=7 is larger than size=5 with padding=0 (5): "
        "kernel_size=5 or size=7 would do",
        shapes.conv_output,
        (9, 5),
        kernel_size=7,
    )


def test_a_dilated_kernel_that_does_not_fit_says_how_much_it_spans() -> None:
    assert_refused(
        "kernel_size=3 with dilation=4 spans 9 and is larger than size=5 with padding=1 (7): "
        "kernel_size=2 or size=7 would do",
        shapes.conv_output,
        5,
        kernel_size=3,
        padding=1,
        dilation=4,
    )
    assert shapes.conv_output(5, kernel_size=2, padding=1, dilation=4) == 3
    assert shapes.conv_output(7, kernel_size=3, padding=1, dilation=4) == 1


def test_same_padding_with_a_stride_is_refused() -> None:
    assert_refused(
        'padding="same" needs stride=1, got stride=2: padding=1 is the nearest number',
        shapes.conv_output,
        32,
        kernel_size=3,
        stride=2,
        padding="same",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": 3, "stride": 0}, "stride must be at least 1, got 0"),
        ({"kernel_size": 3, "dilation": -1}, "dilation must be at least 1, got -1"),
        ({"kernel_size": 3, "padding": -1}, "padding must be at least 0, got -1"),
        ({"kernel_size": 3.0}, "kernel_size must be a whole number, got 3.0: 3 would do"),
        ({"kernel_size": 2.5}, "kernel_size must be a whole number, got 2.5"),
        ({"kernel_size": True}, "kernel_size must be a whole number, got True"),
        ({"kernel_size": "3"}, "kernel_size must be a whole number, got '3'"),
        (
            {"kernel_size": 3, "padding": "full"},
            'padding must be "same", "valid" or numbers, got \'full\'',
        ),
        (
            {"kernel_size": (3, 3), "stride": (1, 1, 1)},
            (
                "kernel_size=(3, 3) has 2 dimensions but stride=(1, 1, 1) has 3 dimensions: "
                "give both as many"
            ),
        ),
        (
            {"kernel_size": ()},
            "kernel_size must hold a number for each dimension, got an empty tuple",
        ),
        (
            {"kernel_size": 3, "padding": ((1, 2, 3),)},
            "padding of one dimension must be a number or (before, after), got (1, 2, 3)",
        ),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    assert_refused(message, shapes.conv_output, 32, **arguments)


def test_a_size_below_one_is_refused() -> None:
    assert_refused("size must be at least 1, got 0", shapes.conv_output, 0, kernel_size=1)


def test_more_than_half_of_the_window_as_padding_is_refused() -> None:
    assert_refused(
        "padding=2 is more than half of kernel_size=3: padding=1 or less would do",
        shapes.pool_output,
        32,
        kernel_size=3,
        padding=2,
    )


def test_average_pooling_has_no_dilation() -> None:
    assert_refused(
        "average pooling has no dilation, got 2: dilation=1 would do",
        shapes.pool_output,
        32,
        kernel_size=3,
        dilation=2,
        kind="average",
    )


def test_average_pooling_of_volumes_does_not_count_on_padding() -> None:
    assert shapes.pool_output((3, 3), kernel_size=4, padding=2, kind="average") == (1, 1)
    assert_refused(
        "depth: kernel_size=4 is larger than size=3, which average pooling in three dimensions "
        "refuses whatever the padding: kernel_size=3 or less would do",
        shapes.pool_output,
        (3, 9, 9),
        kernel_size=4,
        padding=2,
        kind="average",
    )


def test_a_window_that_never_fits_is_refused() -> None:
    assert_refused(
        "kernel_size=5 is larger than size=4 with padding=0 (4): kernel_size=4 or size=5 would do",
        shapes.pool_output,
        4,
        kernel_size=5,
    )


def test_output_padding_stays_below_the_stride_or_the_dilation() -> None:
    assert_refused(
        "output_padding=3 must be smaller than stride=2 or dilation=3: "
        "output_padding=2 or less would do",
        shapes.conv_transpose_output,
        8,
        kernel_size=3,
        stride=2,
        dilation=3,
        output_padding=3,
    )


def test_a_transposed_convolution_without_output_is_refused() -> None:
    assert_refused(
        "padding=2 takes 4 of the 4 pixels of the output: padding=1 or less would do",
        shapes.conv_transpose_output,
        2,
        kernel_size=3,
        padding=2,
    )


def test_upsampling_needs_exactly_one_of_factor_and_size() -> None:
    assert_refused(
        "give either scale_factor or output_size, got neither", shapes.upsample_output, 8
    )
    assert_refused(
        "give either scale_factor or output_size, got both",
        shapes.upsample_output,
        8,
        scale_factor=2,
        output_size=16,
    )


def test_upsampling_is_exact_however_large() -> None:
    assert shapes.upsample_output(10**400, scale_factor=1.5) == 3 * 10**400 // 2
    assert shapes.upsample_output(10**400, scale_factor=3) == 3 * 10**400


def test_a_factor_that_leaves_nothing_is_refused() -> None:
    assert_refused(
        "scale_factor=0.1 leaves 0 of 8 pixels: scale_factor=0.125 or more would do",
        shapes.upsample_output,
        8,
        scale_factor=0.1,
    )
    assert_refused(
        "scale_factor must be a finite number, got nan",
        shapes.upsample_output,
        8,
        scale_factor=float("nan"),
    )


JUNK = [
    None,
    True,
    2,
    0,
    -1,
    2.5,
    float("nan"),
    "same",
    "x",
    (),
    (1, 2, 3),
    ((1, 2), 0),
    [2, 2],
    {},
]
JUNK += [object(), 10**30, (None, 2), [[1, 2], [3, 4]], (0.5, 1.5), [(3, 1, 1)], 1j]


def test_arguments_of_any_kind_are_answered_or_refused() -> None:
    rng = random.Random(0)
    functions = [getattr(shapes, name) for name in shapes.__all__ if name[0].islower()]
    functions.remove(shapes.explain)
    outcomes = set()
    for _ in range(5_000):
        function = rng.choice(functions)
        parameters = inspect.signature(function).parameters.values()
        needed = [p.name for p in parameters if p.default is p.empty or rng.random() < 0.3]
        try:
            shapes.explain(function, **{name: rng.choice(JUNK) for name in needed})
            outcomes.add("answered")
        except ShapeError:
            outcomes.add("refused")

    assert outcomes == {"answered", "refused"}


def test_an_unknown_kind_of_pooling_is_refused() -> None:
    assert_refused(
        'kind must be "max" or "average", got \'median\'',
        shapes.pool_output,
        8,
        kernel_size=2,
        kind="median",
    )
    assert_refused(
        'kind must be "max" or "average", got []', shapes.pool_output, 8, kernel_size=2, kind=[]
    )
