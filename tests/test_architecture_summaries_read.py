"""What Keras, torchinfo and torchsummary print becomes the network that it was printed of."""

import re
from pathlib import Path

import pytest

from convkit import Architecture
from convkit.errors import TableError

KERAS_2, KERAS_3, TORCHINFO, TORCHSUMMARY = (
    Path(__file__).with_name("printed").joinpath(f"{name}.txt").read_text(encoding="utf-8")
    for name in ("keras_2", "keras_3", "torchinfo", "torchsummary")
)
NET = (
    "conv 16 k3 p1, batchnorm, relu, maxpool 2, conv 32 k5 s2, adaptive average pool 2, flatten, "
    "linear 10"
)


@pytest.mark.parametrize(
    ("printed", "expected", "input_shape"),
    [
        (KERAS_2, "conv 32 k3, maxpool 2, flatten, linear 10", (1, 28, 28)),
        (
            KERAS_3,
            (
                "conv 32 k3, batchnorm, conv 64 k5 s2, upsample 2, global average pool, "
                "flatten, linear 10"
            ),
            (3, 32, 32),
        ),
        (TORCHINFO, NET, (3, 32, 32)),
        (TORCHSUMMARY, "conv 32 k3, relu, maxpool 2, flatten, linear 10", (3, 32, 32)),
    ],
)
def test_a_summary_is_read_and_its_numbers_hold(
    printed: str, expected: str, input_shape: tuple[int, int, int]
) -> None:
    architecture = Architecture.parse(printed)

    assert architecture.to_text() == expected
    assert architecture.check(input_shape) == []


def test_a_wrong_count_in_a_summary_is_found() -> None:
    for printed in (KERAS_2.replace("54090", "54091"), KERAS_2.replace(": 54410", ": 54411")):
        findings = Architecture.parse(printed).check((1, 28, 28))

        assert "parameters" in {finding.quantity for finding in findings}


def test_what_a_summary_counts_otherwise_is_told() -> None:
    names, statistics, *_ = Architecture.parse(KERAS_3).readings
    first, *_ = Architecture.parse(TORCHINFO).readings

    assert names == "the names before the types, as in conv2d_1 (Conv2D), are left out"
    assert statistics == (
        "64 running means and variances of batch norms, which Keras counts as parameters, are "
        "taken off"
    )
    assert first == "Mult-Adds count the whole batch and the biases: they are left out"


def test_torchinfo_is_read_with_names_and_without_numbers() -> None:
    named = TORCHINFO.replace("Conv2d: 2-1    ", "Conv2d (0): 2-1")
    plain = re.sub(r": \d-\d", "     ", TORCHINFO).replace("(type:depth-idx)", "(type)")

    plain_marks = TORCHINFO.translate(str.maketrans({"│": "|", "├": "+", "└": "+", "─": " "}))

    assert Architecture.parse(plain_marks).to_text() == NET
    assert Architecture.parse(named).to_text() == NET
    assert Architecture.parse(plain).to_text() == NET


def test_a_block_in_a_summary_is_refused() -> None:
    printed = TORCHINFO.replace("Sequential: 2-5", "BasicBlock: 2-5")

    assert refusal(printed) == (
        "line 10: how the block 'BasicBlock' runs its layers cannot be seen in a summary; use "
        "Architecture.from_module(model)"
    )


def test_a_closed_container_in_a_summary_is_refused() -> None:
    printed = "\n".join(line for line in TORCHINFO.splitlines() if ": 3-" not in line)

    assert refusal(printed) == (
        "line 10: the layers of 'Sequential: 2-5' are not printed; print the summary with a "
        "greater depth"
    )


def test_a_type_that_is_cut_off_is_refused() -> None:
    printed = KERAS_3.replace("(GlobalAveragePooling2D)", "(GlobalAveragePoolin… ")

    assert refusal(printed) == (
        "line 17: 'global_average_pooling2d (GlobalAvera...' is cut off; print the summary with a "
        "greater line_length"
    )


def refusal(printed: str) -> str:
    """The message with which a text is refused."""
    with pytest.raises(TableError) as caught:
        Architecture.parse(printed)
    return str(caught.value)
