from __future__ import annotations

import re

import pytest

from convkit.architecture import Activation, Architecture, Conv
from convkit.architecture._cells import tokens
from convkit.architecture._cells_sizes import StatedCount, read_count, read_sizes, says_nothing
from convkit.architecture._cells_words import closest_word, meaning_of
from convkit.errors import TableError


@pytest.mark.parametrize(
    ("cell", "kinds"),
    [
        ("3x3x64 /2", ["size", "mark", "number"]),
        ("11 × 11", ["size"]),
        ("64 x2", ["number", "word"]),
        ("conv3-64", ["word", "dash", "number"]),
        ("4,096", ["thousands"]),
        ("(32,128)", ["open", "number", "separator", "number", "close"]),
        ("2048 -> 64", ["number", "arrow", "number"]),
        ("2D conv", ["word"]),
        ("5\u00a0×\u00a05\u200b", ["size"]),
        ('name="a \\" b"', ["word", "mark", "string"]),
    ],
)
def test_tokens_of_a_cell(cell: str, kinds: list[str]) -> None:
    assert [token.kind for token in tokens(cell)] == kinds


@pytest.mark.parametrize(
    ("cell", "sizes"),
    [
        ("32x16x8", [(32, 16, 8)]),
        ("3*128*128", [(3, 128, 128)]),
        ("(None, 26, 26, 32)", [(26, 26, 32)]),
        ("[-1, 64, 112, 112]", [(64, 112, 112)]),
        ("torch.Size([1, 64, 56, 56])", [(64, 56, 56)]),
        ("6@28x28", [(6, 28, 28)]),
        ("64x12x12 = 9216", [(64, 12, 12)]),
        ("32x32x32 -> 32x16x16", [(32, 32, 32), (32, 16, 16)]),
        ("13,456", [(13456,)]),
        ("8,126,126", [(8, 126, 126)]),
        ("None, 126, 126, 8", [(126, 126, 8)]),
        ("112 × 112", [(112, 112)]),
        ("4096 neurons", [(4096,)]),
        ("1x1x4096", [(1, 1, 4096)]),
    ],
)
def test_sizes_as_tables_write_them(cell: str, sizes: list[tuple[int, ...]]) -> None:
    assert read_sizes(cell) == sizes


@pytest.mark.parametrize("cell", ["big", "3x0x3", "1 2 3 4 5", "0.5", "/2", "->"])
def test_what_is_no_size_is_refused(cell: str) -> None:
    message = f"{cell!r} is no size; write channels x height x width, as 32x16x16"

    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        read_sizes(cell)


@pytest.mark.parametrize(
    ("cell", "value", "slack"),
    [
        ("2,432", 2432, 0),
        ("2432", 2432, 0),
        ("**390,410**", 390410, 0),
        ("2 432", 2432, 0),
        ("2.432", 2432, 0),
        ("1.2M", 1_200_000, 50_000),
        ("1.234M", 1_234_000, 500),
        ("138M", 138_000_000, 500_000),
        ("12K params", 12_000, 500),
        ("0", 0, 0),
    ],
)
def test_counts_as_tables_write_them(cell: str, value: int, slack: int) -> None:
    assert read_count(cell) == StatedCount(value, slack)


@pytest.mark.parametrize("cell", ["", "-", "–", " — ", "n/a", "None", "**-**", "\u00a0", "N.A."])
def test_cells_that_say_nothing(cell: str) -> None:
    assert says_nothing(cell)


def test_words_are_known_in_every_spelling() -> None:
    kinds = {meaning_of(word).kind for word in ("Max-Pooling", "max pool", "MaxPool2d", "maxpool")}  # type: ignore[union-attr] # all are known

    assert len(kinds) == 1
    assert closest_word("convolutoin") == "convolution"


def solved(row: str, before: str, after: str) -> str:
    table = f"| layer | output |\n|-|-|\n| input | {before} |\n| {row} | {after} |"
    return Architecture.parse(table).to_text()


@pytest.mark.parametrize(
    ("row", "before", "after", "expected"),
    [
        ("conv 4 k? p0", "1x512x512", "504x504", "conv 4 k9"),
        ("conv 4 k3 s2 p?", "3x32x32", "16x16", "conv 4 k3 s2 p1"),
        ("conv 4 k7 s? p3", "3x224x224", "112x112", "conv 4 k7 s2 p3"),
        ("conv 4 k(3, 5) p?", "3x32x32", "32x32", "conv 4 k3x5 p1x2"),
        ("conv 4 k3 d2 p?", "3x32x32", "32x32", "conv 4 k3 p2 d2"),
        ("maxpool k? s2", "8x32x32", "16x16", "maxpool 2"),
        ("maxpool", "8x30x30", "10x10", "maxpool 3"),
        ("maxpool 3", "8x32x32", "16x16", "maxpool 3 s2 p1"),
        ("maxpool 3", "8x33x33", "16x16", "maxpool 3 s2"),
        ("maxpool 3", "8x30x30", "10x10", "maxpool 3"),
        ("avgpool 3", "8x32x32", "32x32", "avgpool 3 s1 p1"),
        ("maxpool 3 ceil", "8x28x28", "10x10", "maxpool 3 ceil"),
        ("maxpool 3", "8x26x26", "10x10", "maxpool 3"),
        ("maxpool 2", "8x32x32", "8x8", "maxpool 2"),
        ("conv k5 p2", "3x32x32", "64x32x32", "conv 64 k5 p2"),
        ("conv 64 k7", "3x224x224", "64x112x112", "conv 64 k7 s2 p3"),
        ("linear", "100", "10", "linear 10"),
    ],
)
def test_blanks_are_solved_from_the_sizes_around_them(
    row: str, before: str, after: str, expected: str
) -> None:
    assert solved(row, before, after) == expected


def test_a_missing_kernel_follows_from_the_weights() -> None:
    table = "| layer | output | weights |\n|-|-|-|\n| input | 3x32x32 | |\n| conv 32 | 32x32x32 | 2,400 |"  # noqa: E501 - a written table, as it stands
    architecture = Architecture.parse(table)

    assert architecture.to_text() == "conv 32 k5 p2"
    assert architecture.readings[1:] == (
        (
            "row 2, line 4: the kernel is not given; 5 is taken, since it makes the stated 2,400 "
            "weights"
        ),
        "row 2, line 4: padding 2: not stated, and taken so for the stated size 32x32",
    )


@pytest.mark.parametrize(
    ("row", "output", "expected"),
    [
        ("conv 16 k? s1 p0", "16x28x28", "conv 16 k5"),
        ("conv 16 k3 s? p1", "16x16x16", "conv 16 k3 s2 p1"),
        ("conv 16 k5 s1 p?", "16x32x32", "conv 16 k5 p2"),
    ],
)
def test_a_blank_is_solved_from_the_stated_size_above_it_even_where_its_row_makes_another(
    row: str, output: str, expected: str
) -> None:
    table = (
        "| layer | output |\n|-|-|\n| input | 3x32x32 |\n| conv 8 k3 s1 p2 | 8x32x32 |\n"
        f"| {row} | {output} |"
    )
    architecture = Architecture.parse(table)

    assert architecture.to_text() == f"conv 8 k3 p2, {expected}"
    assert [str(finding) for finding in architecture.check((3, 32, 32))] == [
        (
            "row 1 (conv; row 2, line 4 of the table): output size stated 8x32x32, computed "
            "8x34x34; padding 1 would give 8x32x32"
        )
    ]


def test_the_stride_of_a_pool_that_the_sizes_tell_is_told() -> None:
    table = "| layer | output |\n|-|-|\n| input | 3x32x32 |\n| maxpool 3 | 3x16x16 |"

    assert Architecture.parse(table).readings == (
        "sizes such as 3x32x32 are read as channels x height x width",
        "row 2, line 4: stride 2, padding 1: not stated, and taken so for the stated size 16x16",
    )


def test_the_features_of_a_vector_may_have_two_commas() -> None:
    table = (
        "| layer | output |\n|-|-|\n| input | 8,448,448 |\n| conv 8 k1 | 8,448,448 |\n"
        "| flatten | 1,605,632 |\n| linear 10 | 10 |"
    )

    assert Architecture.parse(table).check((8, 448, 448)) == []


def test_rows_given_to_a_layer_that_has_none_are_not_spelled_out() -> None:
    text = "residual (conv 64 k3 p1, shortcut=(conv 64 k1))"
    with pytest.raises(TableError) as caught:
        Architecture.parse(text)

    assert str(caught.value).endswith("conv has no shortcut, but (...) is given; leave it out")


def test_an_activation_or_norm_may_be_written_as_a_call() -> None:
    for text in ("activation=leaky_relu(0.2)", "activation=LeakyReLU(negative_slope=0.2)"):
        assert Architecture.parse(f"conv 8 k3 {text}").rows == (
            Conv(8, kernel_size=3, activation=Activation("leaky_relu", setting=0.2)),
        )
    assert Architecture.parse("conv 8 k3 norm=GroupNorm(4) relu").to_text() == (
        "conv 8 k3 norm=(group norm 4) relu"
    )
