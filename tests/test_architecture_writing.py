from __future__ import annotations

import re

import pytest

from convkit.architecture import Architecture, Conv, Flatten, Linear, MaxPool, Residual
from convkit.errors import ArchitectureError

NETWORK = Architecture(
    [
        Conv(32, kernel_size=5, padding=2, norm="batch", activation="relu"),
        MaxPool(2),
        Residual([Conv(32, kernel_size=3, padding=1, bias=False)]),
        Flatten(),
        Linear(10),
    ]
)


def test_markdown_without_an_input() -> None:
    assert NETWORK.to_markdown() == (
        "| layer | output channels | kernel | stride | padding | activation |\n"
        "| :-- | --: | --: | --: | --: | :-- |\n"
        "| conv bn | 32 | 5 | 1 | 2 | relu |\n"
        "| maxpool |  | 2 | 2 | 0 |  |\n"
        "| residual (conv 32 k3 p1 no-bias) |  |  |  |  |  |\n"
        "| flatten |  |  |  |  |  |\n"
        "| linear | 10 |  |  |  |  |"
    )


def test_markdown_with_sizes_counts_and_total() -> None:
    assert NETWORK.to_markdown((3, 32, 32), columns=("layer", "output size", "parameters")) == (
        "| layer | output size | parameters |\n"
        "| :-- | :-- | --: |\n"
        "| input | 3x32x32 |  |\n"
        "| conv 32 k5 s1 p2 bn relu | 32x32x32 | 2,496 |\n"
        "| maxpool 2 p0 | 32x16x16 |  |\n"
        "| residual (conv 32 k3 p1 no-bias) | 32x16x16 | 9,216 |\n"
        "| flatten | 8192 |  |\n"
        "| linear 10 | 10 | 81,930 |\n"
        "| total |  | 93,642 |"
    )


def test_latex_of_chosen_columns() -> None:
    assert NETWORK.to_latex(columns=("number", "layer")) == (
        "\\begin{tabular}{rl}\n\\hline\nno. & layer \\\\\n\\hline\n"
        "1 & conv 32 k5 p2 bn relu \\\\\n2 & maxpool 2 \\\\\n"
        "3 & residual (conv 32 k3 p1 no-bias) \\\\\n4 & flatten \\\\\n5 & linear 10 \\\\\n"
        "\\hline\n\\end{tabular}"
    )


def test_csv_has_plain_numbers() -> None:
    written = NETWORK.to_csv((3, 32, 32), columns=("layer", "weights", "biases", "MACs"))

    assert written.splitlines()[1] == "conv 32 k5 p2 bn relu,2432,64,2457600"
    assert written.splitlines()[-1] == "total,93568,74,4898816"


def test_the_one_line() -> None:
    assert NETWORK.to_text() == (
        "conv 32 k5 p2 bn relu, maxpool 2, residual (conv 32 k3 p1 no-bias), flatten, linear 10"
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            ("layer", "kernels"),
            (
                "there is no column 'kernels'; did you mean 'kernel'? choose from number, layer, name, "  # noqa: E501 - a written table, as it stands
                "channels, input channels, kernel, stride, padding, dilation, groups, bias, norm, "
                "activation, dropout, input size, output size, weights, biases, parameters, MACs"
            ),
        ),
        (
            ("layer", "parameters"),
            "the column 'parameters' follows from the input; give input_shape=(3, 32, 32)",
        ),
        (("layer", "layer"), "a column is asked for twice: layer, layer"),
        ((), "columns is a list of names such as ['layer', 'channels', 'kernel']; got ()"),
        (
            "layer",
            "columns is a list of names such as ['layer', 'channels', 'kernel']; got 'layer'",
        ),
    ],
)
def test_columns_that_cannot_be_written_are_refused(columns: object, message: str) -> None:
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        NETWORK.to_markdown(columns=columns)  # type: ignore[arg-type] # wrong on purpose


def test_names_are_escaped_for_their_dialect() -> None:
    network = Architecture([Conv(8, kernel_size=3, name="a_1"), Flatten(name="x|y")])

    assert "name=a\\_1" in network.to_markdown()
    assert "name=a\\_1" in network.to_latex()
    assert 'name="x\\\\u007cy"' in network.to_markdown()
    assert Architecture.parse(network.to_markdown()) == network


def test_a_row_that_does_not_fit_is_named() -> None:
    with pytest.raises(ArchitectureError, match=r"^row 2 \(linear\), where 8x30x30 arrives: "):
        Architecture([Conv(8, kernel_size=3), Linear(10)]).to_markdown((3, 32, 32))
