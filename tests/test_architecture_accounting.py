"""Nothing that is written in a line is lost: what changes in the text changes what is read."""

from __future__ import annotations

import os
import random
import re

import pytest

from convkit.architecture import Architecture
from convkit.errors import ArchitectureError

CASES = 30_000 if os.environ.get("CONVKIT_MANY_CASES") else 3_000
LAYERS = (
    "conv", "conv 8 k3", "conv 8 k5 p2 relu", "conv3-64", "deconv 6 k3 s2 p1 op1", "maxpool",
    "maxpool 3 s2", "M", "avgpool 2", "flatten", "linear", "linear 64", "linear 10 tanh", "relu",
    "bn", "dropout", "dropout 0.2", "gap", "16 16 M", "32 M", "64", "10", "512 relu", "3x3", "k5",
    "stride 2", "residual (conv 8 k3 p1)", "repeat 2 (conv 8 k3, relu)", "input 3x32x32",
    "[3x3, 64; 3x3, 64]", "[64, 'M']", "leaky relu 0.2", "group norm 4", "upsample 2",
    "adaptive avg pool 6", "conv1 8 k3", "block2", "64 filters", "Linear(64 -> 10)",
    "Conv2d(3, 8, 5, 2)", "BatchNorm2d(8)", "(k3 p1 relu)",
)  # fmt: skip
PIECES = ("7", "5", "0.3", "4x5", "k3", "s2", "p1", "x2", "relu", "bn", "conv", "M", "-", "*", "+",
          "/2", "%", "d2", "g2", "op1", "64", "-3", "2nd", "(5)", "name=a", "->",
          "same")  # fmt: skip
NUMBER = re.compile(r"(?<![\d.])\d+(?![\d.])")


def random_line(chance: random.Random) -> str:
    """Layers and pieces of them, in any order, with any marks between them."""
    words = [chance.choice(LAYERS) for _ in range(chance.randint(1, 6))]
    for _ in range(chance.choice((0, 0, 1, 2))):
        words.insert(chance.randrange(len(words) + 1), chance.choice(PIECES))
    line = words[0]
    for word in words[1:]:
        line += chance.choice((", ", ", ", ", ", "; ", "\n", " ", " ", " -> ", " + ")) + word
    return chance.choice(("", "", "", "k3 p0 relu: ", "relu: ")) + line


def outcome(text: str) -> str | None:
    """All that reading gives, what tables state included; None when it is refused."""
    try:
        architecture = Architecture.parse(text)
    except ArchitectureError:
        return None
    stated = [row.stated for row in architecture.rows]
    return f"{architecture.to_text()} {stated} {architecture.readings}"


def read_lines() -> list[tuple[str, str]]:
    """Random lines that can be read, each with its outcome."""
    chance = random.Random(0)
    lines = (random_line(chance) for _ in range(CASES))
    found = [(line, outcome(line)) for line in lines]
    return [(line, read) for line, read in found if read is not None]


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    return read_lines()


def test_every_number_of_a_line_is_kept_told_or_refused(lines: list[tuple[str, str]]) -> None:
    lost = [
        f"{line!r} reads the same with {found.group()} as {other}"
        for line, read in lines
        for found in NUMBER.finditer(line)
        for other in (f"{line[: found.start()]}97{line[found.end() :]}",)
        if outcome(other) == read
    ]

    assert lost == []
    assert len(lines) > CASES // 10


def test_a_number_put_into_a_line_changes_what_is_read(lines: list[tuple[str, str]]) -> None:
    chance = random.Random(1)
    lost = []
    for line, read in lines:
        gap = chance.choice([i for i, c in enumerate(line + " ") if c in " ,"])
        other = f"{line[:gap]} 97 {line[gap:]}"
        if outcome(other) == read:
            lost.append(f"97 is lost in {other!r}")

    assert lost == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("flatten, 4096", "flatten, linear 4096"),
        ("deconv 6 k3 s2 p1 op1", "transposed conv 6 k3 s2 p1 output_padding=1"),
        ("deconv 6 k3 s2 output_padding 1", "transposed conv 6 k3 s2 output_padding=1"),
        ("32 M 64 M", "conv 32 k3 p1, maxpool 2, conv 64 k3 p1, maxpool 2"),
        (
            "16 16 M, 32 M, 512 relu, 10",
            (
                "conv 16 k3 p1, conv 16 k3 p1, maxpool 2, conv 32 k3 p1, maxpool 2, flatten, "
                "linear 512 relu, linear 10"
            ),
        ),
        (
            "16 M, 32, flatten, 64, 10",
            "conv 16 k3 p1, maxpool 2, conv 32 k3 p1, flatten, linear 64, linear 10",
        ),
        ("64, M, 128", "conv 64 k3 p1, maxpool 2, conv 128 k3 p1"),
        ("64 relu, M, 128", "conv 64 k3 p1 relu, maxpool 2, conv 128 k3 p1"),
        ("64, M, 128 (k5 relu)", "conv 64 k5 relu, maxpool 2, conv 128 k5 relu"),
        (
            "k3 p0 relu: 16 M 8, linear 3",
            "conv 16 k3 relu, maxpool 2, conv 8 k3 relu, flatten, linear 3",
        ),
        ("[64, 'M', 32], 10", "conv 64 k3 p1, maxpool 2, conv 32 k3 p1, flatten, linear 10"),
        ("conv 8 k3 * 2", "repeat 2 (conv 8 k3)"),
        ("conv 8 k3 bn 8 relu", "conv 8 k3 bn relu"),
    ],
)
def test_numbers_without_a_name(text: str, meant: str) -> None:
    assert Architecture.parse(text).to_text() == meant


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("flatten, 4096", "'4096' after a flatten row is taken as a linear row"),
        ("16 16 M, 10", "'10' after the last M of a list is taken as a linear row"),
        (
            "16 16 M",
            (
                "the list of 3 channels and pools is read as VGG's: a convolution for each number, "
                "3x3 with padding 1 unless stated; a 2x2 max pool for each M"
            ),
        ),
        ("16 8 M relu", "'relu' after channels holds for each of their convolutions"),
        (
            "conv 8, k5",
            "'k5' after a comma names no layer: it is taken as a setting of 'conv' before it",
        ),
        ("conv2 8 k5", "the number in 'conv2' is taken as a label that only counts layers"),
        ("conv 8 3 1", "the numbers 8, 3, 1 of 'conv' are read as filters, kernel, stride"),
        ("maxpool 3 2", "the numbers 3, 2 of 'maxpool' are read as kernel, stride"),
        ("block2 conv 8 k5", "'block2' is taken as a label that only counts layers"),
    ],
)
def test_what_was_chosen_is_told(text: str, reading: str) -> None:
    assert reading in Architecture.parse(text).readings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "conv 16, 16, M",
            (
                "row 2, '16': '16' stands alone and names no layer; write conv 16 k3 or linear 16 for "  # noqa: E501 - one written text, one line
                "a row of its own, or k16 if it is the kernel of the row before"
            ),
        ),
        (
            "conv 8 k3 relu 2",
            (
                "row 1, 'conv 8 k3 relu 2': '2' after 'relu' says not what it is; name it, such as "
                "k3, or put it before"
            ),
        ),
        (
            "conv 8 k3 x2 x3",
            (
                "row 1, 'conv 8 k3 x2 x3': 'x3' says a second time how often the layer stands; "
                "keep one"
            ),
        ),
        (
            "16 16 M linear 10",
            (
                "row 1, '16 16 M linear 10': '16' before 'M' is no setting of a pool; write a comma "  # noqa: E501 - one written text, one line
                "after the list"
            ),
        ),
        (
            "Linear(64 -> 10), 10 -> 512 relu",
            "row 2, '10 relu': input -> output is given twice for one layer; keep one",
        ),
        ("linear -5", "row 1, 'linear -5': -5 is below zero; write 5"),
        ("conv 64 k-5", "row 1, 'conv 64 k-5': -5 is below zero; write 5"),
        ("conv 64 p-1 k3", "row 1, 'conv 64 p-1 k3': -1 is below zero; write 1"),
        ("maxpool 3 s-2", "row 1, 'maxpool 3 s-2': -2 is below zero; write 2"),
        ("avgpool 3 p-1", "row 1, 'avgpool 3 p-1': -1 is below zero; write 1"),
        (
            "[3x3, 64; 3x3, 64] x2",
            (
                "row 1, '[... x2': a block in brackets does not say its stride and its shortcut; "
                "write repeat 2 (residual (conv 64 k3 p1 bn relu, conv 64 k3 p1 bn))"
            ),
        ),
        (
            "k3 relu: 16, flatten",
            (
                "row 1, '16': '16' stands alone and names no layer; write conv 16 k3 or linear 16 for "  # noqa: E501 - one written text, one line
                "a row of its own"
            ),
        ),
    ],
)
def test_what_fits_nowhere_is_refused(text: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        Architecture.parse(text)
