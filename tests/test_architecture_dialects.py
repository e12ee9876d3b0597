from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convkit._escaping import latex_text, plain
from convkit.architecture import (
    Activation,
    Architecture,
    BatchNorm,
    Conv,
    Flatten,
    GroupNorm,
    Row,
    Upsample,
)
from convkit.architecture._dialect_latex import read_latex
from convkit.architecture._dialect_markdown import split_cells
from convkit.architecture._headers import role_of
from convkit.errors import TableError

MEANT = "conv 8 k5 relu, maxpool 2, conv 16 k3x5 p1 bn relu, flatten, linear 10"

DIALECTS = {
    "markdown": """
Some words before, with no table in them.

| Layer | Filters | Kernel | Padding | Activation |
|:------|--------:|:------:|---------|------------|
| Conv2d | 8 | 5×5 | 0 | ReLU |
| **MaxPool** | – | 2x2 | - | |
| Conv2d + BN | 16 | 3×5 | 1 | *relu* |
| Flatten | n/a | | | none |
| `Linear` | 10 | | | |
""",
    "no outer bars": """
Layer | Filters | Kernel | Padding | Activation
--- | --- | --- | --- | ---
conv | 8 | 5 | 0 | relu
max pool | | 2 | |
conv, batch norm | 16 | (3, 5) | 1 | relu
flatten | | | |
fc | 10 | | |
""",
    "bold, entities and breaks": """
| **Layer** | **Filters** | **Kernel size** | **Pad** | **Non-linearity** |
|---|---|---|---|---|
| __Conv__ | **8** | 5&times;5 | 0 | ReLU |
| Pooling | \u00a0 | 2\u00a0×\u00a02 | | |
| Conv<br>BatchNorm | 16 | 3*5 | 1 | ReLU |
| Flatten | | | | |
| Fully connected | 10 | | | |
""",
    "csv": "layer,filters,kernel,padding,activation\nconv,8,5,0,relu\nmaxpool,,2,,\n"
    '"conv, bn",16,"(3, 5)",1,relu\nflatten,,,,\nlinear,10,,,\n',
    "semicolons": "layer;filters;kernel;padding;activation\nconv;8;5;0;relu\nmaxpool;;2;;\n"
    "conv, bn;16;3x5;1;relu\nflatten;;;;\nlinear;10;;;\n",
    "tsv": "Layer\tFilters\tKernel\tPadding\tActivation\nconv\t8\t5\t0\trelu\nmaxpool\t\t2\t\t\n"
    "conv bn\t16\t3x5\t1\trelu\nflatten\nlinear\t10\n",
    "latex": r"""
\begin{table}[h]\centering
\begin{tabular}{@{}l|ccc|r@{}}
\toprule % the head
\textbf{Layer} & \# Filters & Kernel & Padding & Activation \\ \midrule
Conv2D & 8 & $5\times5$ & 0 & ReLU \\
\multicolumn{2}{c}{Max pooling} & $2 \times 2$ & -- & \\ \hline
Conv2D $+$ BN & \textit{16} & $3\times 5$ & 1 & ReLU \\[2pt]
\multirow{1}{*}{Flatten} & & & & \\
Linear & 10 & & & \\ \bottomrule
\end{tabular}
\end{table}
""",
    "one line": "conv 8 k5 relu, maxpool 2, conv 16 k3x5 p1 bn relu, flatten, linear 10",
    "lines": "conv 8 k5 relu\nmaxpool 2\nconv 16 k3x5 p1 bn relu\nflatten\nlinear 10\n",
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_network(dialect: str) -> None:
    assert Architecture.parse(DIALECTS[dialect]).to_text() == MEANT


def test_columns_in_any_order() -> None:
    table = "| Activation | Kernel | Layer | Filters |\n|-|-|-|-|\n| relu | 5 | conv | 8 |"

    assert Architecture.parse(table).to_text() == "conv 8 k5 relu"


def test_a_layer_number_repeats_for_conv_norm_and_pool() -> None:
    table = (
        "| # | Layer | Filters | Kernel |\n|-|-|-|-|\n| 1 | conv | 8 | 5 |\n| 1 | batch norm | | |\n"  # noqa: E501 - a written table, as it stands
        "| 1 | ReLU | | |\n| 1 | maxpool | | 2 |\n"
    )

    assert Architecture.parse(table).to_text() == "conv 8 k5, batchnorm, relu, maxpool 2"


def test_of_layer_and_type_the_type_names_the_kind() -> None:
    table = "| Layer | Type | Maps | Kernel |\n|-|-|-|-|\n| C1 | Convolution | 6 | 5x5 |"

    assert Architecture.parse(table).to_text() == "conv 6 k5"


def test_names_of_layers_are_kept() -> None:
    table = "| name | layer | filters | kernel |\n|-|-|-|-|\n| stem | conv | 6 | 5 |"

    assert Architecture.parse(table).rows[0].name == "stem"


def test_a_column_without_title_is_read_too() -> None:
    table = "| layer | filters | kernel | |\n|-|-|-|-|\n| conv | 6 | 5 | x2 |"

    assert Architecture.parse(table).to_text() == "repeat 2 (conv 6 k5)"


def test_a_cell_that_spans_rows() -> None:
    table = "| layer | filters | kernel |\n|-|-|-|\n| conv | 6 | 5 |\n| | 8 | 3 |"
    architecture = Architecture.parse(table)

    assert architecture.to_text() == "conv 6 k5, conv 8 k3"
    assert "row 2, line 4 names no layer: taken as 'conv', as above it" in architecture.readings


def test_the_print_of_a_module() -> None:
    printed = """Sequential(
  (0): Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4), padding=(2, 2))
  (1): ReLU(inplace=True)
  (2): MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)
  (3): BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (4): Flatten(start_dim=1, end_dim=-1)
  (5): Linear(in_features=9216, out_features=10, bias=True)
)"""

    assert Architecture.parse(printed).to_text() == (
        "conv 64 k11 s4 p2 in_channels=3, relu, maxpool 3 s2, batchnorm, flatten, "
        "linear 10 in_features=9216"
    )


@pytest.mark.parametrize(
    ("layer", "row"),
    [
        (nn.BatchNorm2d(8), BatchNorm()),
        (nn.BatchNorm2d(8, affine=False), BatchNorm(affine=False)),
        (nn.GroupNorm(2, 8), GroupNorm(2)),
        (nn.GroupNorm(2, 8, affine=False), GroupNorm(2, affine=False)),
        (nn.Hardtanh(), Activation("hardtanh")),
        (nn.Softplus(), Activation("softplus")),
        (nn.PReLU(), Activation("prelu")),
        (nn.GELU(), Activation("gelu")),
        (nn.Upsample(scale_factor=2), Upsample(2)),
        (nn.Upsample(scale_factor=(2, 3), mode="bilinear"), Upsample((2, 3), mode="bilinear")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_print_of_a_layer_with_its_usual_settings(layer: nn.Module, row: Row) -> None:
    printed = str(nn.Sequential(nn.Flatten(), layer))

    assert Architecture.parse(printed).rows == (Flatten(), row)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("Softmax(dim=2)", "activation has dim=2, which no table can say; dim=1 can be read"),
        (
            "Flatten(start_dim=2, end_dim=-1)",
            "flatten has start_dim=2, which no table can say; start_dim=1 can be read",
        ),
        (
            "BatchNorm2d(8, eps=1e-05, affine=True, bias=False)",
            "batch norm has bias=False, which no table can say; bias=True can be read",
        ),
        (
            "BatchNorm2d(8, track_running_stats=False)",
            (
                "batch norm has track_running_stats=False, which no table can say; "
                "track_running_stats=True can be read"
            ),
        ),
        (
            "AvgPool2d(2, divisor_override=3)",
            (
                "average pool has divisor_override=3, which no table can say; "
                "divisor_override=None can be read"
            ),
        ),
        (
            "MaxPool2d(2, return_indices=True)",
            (
                "max pool has return_indices=True, which no table can say; "
                "return_indices=False can be read"
            ),
        ),
        (
            "Upsample(scale_factor=2.0, mode='bilinear', align_corners=True)",
            (
                "upsample has align_corners=True, which no table can say; "
                "align_corners=False can be read"
            ),
        ),
        (
            "Upsample(size=(8, 8), mode='nearest')",
            "Upsample has size=(8, 8), which no table can say; scale_factor can be read",
        ),
        (
            "GELU(approximate='tanh')",
            (
                "activation has approximate='tanh', which no table can say; "
                "approximate='none' can be read"
            ),
        ),
    ],
)
def test_a_setting_that_no_row_has_is_refused(call: str, message: str) -> None:
    word = call.partition("(")[0]

    whole = f"row 1, '{word} (...': {message}"

    with pytest.raises(TableError, match=f"^{re.escape(whole)}$"):
        Architecture.parse(f"Net(\n  (0): {call}\n)")


def test_the_size_of_kerass_upsampling_is_a_factor() -> None:
    assert Architecture.parse("UpSampling2D(size=(2, 2))").rows == (Upsample(2),)


def test_layers_that_are_printed_together_are_read_as_often_as_they_stand() -> None:
    convs = nn.ModuleList(nn.Conv2d(8, 8, 3) for _ in range(3))
    blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU()) for _ in range(2))
    table = Architecture.parse(str(nn.ModuleList([convs, blocks, nn.Flatten()])))

    conv = Conv(8, kernel_size=3, in_channels=8)
    assert table.rows == (conv, conv, conv, *(conv, Activation("relu")) * 2, Flatten())


def test_a_printed_name_with_a_dash_is_read() -> None:
    assert Architecture.parse("Sequential(\n  (a-b): ReLU()\n)").to_text() == "relu"


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (
            "Net(\n  (0): ReLU()\n  (1) Linear(3, 4)\n)",
            (
                "line 3: '(1) Linear(3, 4)' is no child of a printed module; it is written such as "
                "(0): ReLU()"
            ),
        ),
        ("Net(\n  (0): 99999 x ReLU()\n)", "the module has more than 10,000 layers"),
    ],
)
def test_a_child_that_cannot_be_read_is_refused(printed: str, message: str) -> None:
    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        Architecture.parse(printed)


def test_the_print_of_a_block_is_refused() -> None:
    printed = (
        "Net(\n  (conv1): Conv2d(3, 8, kernel_size=(3, 3))\n  (a): Block(\n    (b): ReLU()\n  )\n)"
    )

    with pytest.raises(
        TableError,
        match=r"^line 3: how the block Block runs its layers cannot be seen in its print; "
        r"use Architecture\.from_module\(model\)$",
    ):
        Architecture.parse(printed)


def test_rows_of_dictionaries() -> None:
    architecture = Architecture.from_rows(
        [
            {"layer": "conv", "filters": 8, "kernel": (3, 5), "activation": None},
            {"layer": "maxpool", "kernel": 2.0},
            {"layer": "linear", "filters": np.int64(10), "use bias": False},
        ]
    )

    assert architecture.to_text() == "conv 8 k3x5, maxpool 2, flatten, linear 10 no-bias"


def test_a_data_frame() -> None:
    frame = pd.DataFrame({"layer": ["conv", "relu"], "filters": [8, None], "kernel": [5, None]})

    assert Architecture.from_frame(frame).to_text() == "conv 8 k5, relu"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("conv", 8)], ("row 1 is tuple; give each row as a dictionary such as "
         '{"layer": "conv", "filters": 32, "kernel": 5}')),
        ([{"layer": object()}], ("row 1, column 'layer': a cell holds text or a number, got object; "  # noqa: E501 - a written table, as it stands
         "write it as text")),
        ([{"layer": "conv", "filters": 10**80}], ("row 1, column 'filters': a cell holds text or a "
         "number, got int; write it as text")),
        ([], "the given table is empty"),
        ([{"layer": "conv", "filters": "8", "kernel": "5y5"}],
         "row 1, column 'kernel', '5y5': cannot read '5y5'"),
    ],
)  # fmt: skip
def test_dictionaries_that_are_no_table_are_refused(rows: list[object], message: str) -> None:
    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        Architecture.from_rows(rows)  # type: ignore[arg-type] # wrong on purpose


def test_something_else_than_a_frame_is_refused() -> None:
    with pytest.raises(TableError, match=r"^a data frame has columns and to_dict, list has not; "):
        Architecture.from_frame([1])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("| layer |\n|-|", ("the Markdown table has a header but no rows; write a row for each "
         "layer below it")),
        ("| colour | taste |\n|-|-|\n| red | sour |", ("no column of the table names the layers; "
         "its header reads 'colour', 'taste'; call one of them layer")),
        ("| layer | kernel |\n|-|-|\n| conv 8 | 5 |\n| conv 8 | 5y |",
         "row 2, line 4, column 'kernel', '5y': cannot read '5y'"),
        ("| layer | filters |\n|-|-|\n| conv k3 | thirty |",
         "row 1, line 3, column 'filters', 'thirty': unknown word 'thirty'"),
        ("| layer | output |\n|-|-|\n| conv 8 k3 | big |",
         ("row 1, line 3, column 'output', 'big': 'big' is no size; write channels x height x "
         "width, as 32x16x16")),
        ("| layer | parameters |\n|-|-|\n| conv 8 k3 | many |",
         ("row 1, line 3, column 'parameters', 'many': is no count; write a whole number such as "
         "2,432")),
        ("| layer | kernel |\n|-|-|\n| flatten | 5 |",
         ("row 1, line 3, column 'kernel', '5': flatten has no kernel_size, but 5 is given; leave "
         "it out")),
        ("| layer | stride |\n|-|-|\n| conv 8 k3 | fast |",
         ("row 1, line 3, column 'stride', 'fast': unknown word 'fast'; the closest "
         "known word is 'factor'")),
        ("| layer | kernel |\n|-|-|\n| conv 8 k3 | 5 |",
         "row 1, line 3, column 'kernel', '5': kernel_size is given twice, as 3 and as 5; keep one"),  # noqa: E501 - a written table, as it stands
        ("layer,kernel\nconv 8,\"5", None),
        ("\\begin{tabular}{ll}\nlayer & kernel \\\\\nconv 8 & 5 \\\\",
         "\\begin{tabular} is not closed; add \\end{tabular}"),
        ("| layer | filters |\n|-|-|\n| conv | 8 |", ("row 1, line 3: conv needs kernel_size; such "
         "as k5 or kernel 5x5, or ? to solve for it")),
        ("| layer | output |\n|-|-|\n| conv 8 k3 p? | 8x9x9 |", ("row 1, line 3: padding is left "
         "open, and the table states too little around it to solve for it; write padding, or the "
         "sizes before and after the row")),
        ("| layer | output |\n|-|-|\n| input | 3x32x32 |\n| conv 8 k3 p? | 8x9x9 |",
         ("row 2, line 4: no padding leads from 32x32 to 9x9 with kernel_size 3; look at the sizes "
         "that the table states around this row")),
        ("| layer | output |\n|-|-|\n| conv 8 k3 | 1 -> 2 -> 3 |", ("row 1, line 3: 3 output sizes "
         "for 1 layers; give one for each layer, or the last one only")),
    ],
)  # fmt: skip
def test_errors_name_row_column_and_cell(table: str, message: str | None) -> None:
    if message is None:
        assert Architecture.parse(table).to_text() == "conv 8 k5"
        return
    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        Architecture.parse(table)


def test_tables_that_are_too_large_are_refused() -> None:
    with pytest.raises(TableError, match=r"^2,001 rows are too many for one table; up to 2,000"):
        Architecture.parse("layer,kernel\n" + "conv 8,5\n" * 2_000)
    with pytest.raises(TableError, match=r"columns are too many for one table; up to 60 are$"):
        Architecture.parse("| layer |" + " kernel |" * 70 + "\n|-|\n| conv |")


def test_a_second_table_in_the_text_is_left_out_and_told() -> None:
    table = "| layer |\n|-|\n| conv 8 k5 |"
    architecture = Architecture.parse(f"{table}\n\n{table}")

    assert len(architecture) == 1
    assert architecture.readings == ("the text holds 2 tables: the first is read, from line 1 on",)


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Layer type", "layer"), ("Type", "layer"), ("# filters", "out_channels"),
        ("Number of Hidden Units / Number of Filters", "out_channels"),
        ("Output channels", "out_channels"), ("K", "kernel_size"), ("Kernel Size (k)", "kernel_size"),  # noqa: E501 - a written table, as it stands
        ("Filter size", "kernel_size"), ("Pad", "padding"), ("S", "stride"),
        ("Activation Function", "activation"), ("Non-linearity", "activation"),
        ("Add. info", "info"), ("Output Shape", "output_shape"), ("output size (CxHxW)", "output_shape"),  # noqa: E501 - a written table, as it stands
        ("Input size", "input_shape"), ("Param #", "parameters"), ("# Params", "parameters"),
        ("Number of parameters", "parameters"), ("Weights", "weights"), ("Biases", "biases"),
        ("Mult-Adds", "macs"), ("taste", None),
    ],
)  # fmt: skip
def test_headers_are_known_by_their_synonyms(header: str, role: str | None) -> None:
    assert role_of(header) == role


def test_a_header_with_a_slip_is_read_and_told() -> None:
    architecture = Architecture.parse("| layer | filters | kernal |\n|-|-|-|\n| conv | 8 | 5 |")

    assert architecture.to_text() == "conv 8 k5"
    assert architecture.readings == ("the column 'kernal' is read as kernel size",)


def test_a_column_that_is_not_read_is_told() -> None:
    architecture = Architecture.parse("| layer | colour |\n|-|-|\n| conv 8 k5 | red |")

    assert architecture.readings == (
        "the column 'colour' is not read: no header of that kind is known",
    )


def test_escaped_bars_stay_in_their_cell() -> None:
    assert split_cells(r"| a \| b | **c** | d\_e |") == ("a | b", "c", "d_e")


@pytest.mark.parametrize(
    ("size", "first"), [("32x16x8", True), ("16x8x32", False), ("(None, 16, 8, 32)", False)]
)
def test_the_order_of_sizes_follows_the_channels(size: str, first: bool) -> None:
    table = f"| layer | output |\n|-|-|\n| conv 32 k3 same relu | {size} |"
    architecture = Architecture.parse(table)

    assert architecture.rows[0].stated.output_shape == (32, 16, 8)
    order = "channels x height x width" if first else "height x width x channels"
    assert any(reading.endswith(f"are read as {order}") for reading in architecture.readings)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z", "S", "M")), min_size=1))
def test_a_latex_cell_that_we_wrote_is_read_as_it_was(name: str) -> None:
    row = rf"conv & x{latex_text(name)} \\"
    written = rf"\begin{{tabular}}{{ll}} layer & name \\ {row} \end{{tabular}}"

    rows = read_latex(written, []).rows

    assert rows[0].cells == ("conv", f"x{plain(name)}")


@pytest.mark.parametrize("written", ["*2*", "**2**", "***2***", "_2_", "__2__", "*2", "2*"])
@pytest.mark.parametrize("column", ["stride", "padding", "dilation", "groups"])
@pytest.mark.parametrize("bars", [True, False])
def test_emphasis_around_a_number_changes_no_network(written: str, column: str, bars: bool) -> None:
    separator = " | " if bars else ","
    lines = [
        separator.join(["layer", "filters", "kernel", column]),
        *["-|-|-|-"] * bars,
        separator.join(["conv", "8", "3", written]),
    ]
    letter = {"stride": "s", "padding": "p", "dilation": "d", "groups": "g"}[column]

    assert Architecture.parse("\n".join(lines)).to_text() == f"conv 8 k3 {letter}2"


@pytest.mark.parametrize(
    ("cell", "plain_cell"),
    [
        ("*5×5*", "5×5"),
        ("*(3, 5)*", "(3, 5)"),
        ("conv *8* _k3_", "conv 8 k3"),
        ("3*128*128", "3*128*128"),
        ("3 * 128 * 128", "3 * 128 * 128"),
        (r"\*2\*", "*2*"),
        ("max_pool_2d", "max_pool_2d"),
    ],
)
def test_only_pairs_of_stars_and_underscores_are_emphasis(cell: str, plain_cell: str) -> None:
    assert split_cells(cell) == (plain_cell,)


@pytest.mark.parametrize("cell", ["x2", "3 x2"])
def test_how_often_a_layer_stands_is_no_value_of_a_setting(cell: str) -> None:
    message = (
        f"row 1, line 3, column 'stride', {cell!r}: 'x2' is read as 2 times, which is no stride; "
        "write 2, or x2 in a column repeat"
    )

    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        Architecture.parse(f"| layer | stride |\n|-|-|\n| conv 8 k3 | {cell} |")


def test_the_factor_of_an_upsampling_may_be_written_as_times() -> None:
    table = "| layer | kernel |\n|-|-|\n| upsample | x2 |"

    assert Architecture.parse(table).to_text() == "upsample 2"


@pytest.mark.parametrize("label", ["total", "**Total**", "Σ", "∑"])
def test_a_total_is_seen_behind_a_column_of_counts(label: str) -> None:
    table = (
        f"| parameters | layer |\n|-|-|\n| | input 3x8x8 |\n| 224 | conv 8 k3 |\n| 225 | {label} |"
    )
    findings = Architecture.parse(table).check((3, 8, 8))

    assert [str(finding) for finding in findings] == [
        "total: parameters stated 225, computed 224; the rows as stated add up to 224"
    ]


def test_a_table_whose_counts_stand_first_is_read_back() -> None:
    architecture = Architecture.parse("conv 8 k5 relu, maxpool 2, flatten, linear 10")
    table = architecture.to_markdown((3, 32, 32), columns=("weights", "layer"))

    assert Architecture.parse(table) == architecture


def test_the_csv_of_a_frame_with_blanks_is_read_as_the_frame() -> None:
    frame = pd.DataFrame(
        {
            "layer": ["conv", "maxpool", "flatten", "linear"],
            "filters": [16, None, None, 10],
            "kernel": [3, 2, None, None],
            "padding": [0, 0, None, None],
            "output": [30, 15, None, 10],
            "repeat": [2, None, None, None],
            "dropout": [0.25, None, None, 0.5],
            "parameters": [448, None, None, 36010],
        }
    )
    written = frame.to_csv(index=False)

    assert "conv,16.0,3.0,0.0,30.0,2.0,0.25,448.0" in written
    assert Architecture.parse(written) == Architecture.from_frame(frame)


@pytest.mark.parametrize("cell", ["·", "#", ":"])
def test_a_mark_alone_under_a_setting_says_nothing(cell: str) -> None:
    table = f"| layer | filters | stride |\n|-|-|-|\n| conv 8 k3 | {cell} | {cell} |"

    assert Architecture.parse(table).to_text() == "conv 8 k3"
