from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import pytest

from convkit.architecture import (
    Activation,
    Architecture,
    BatchNorm,
    Conv,
    Flatten,
    Linear,
    MaxPool,
    Repeat,
    Residual,
    Row,
    Stated,
    register,
)
from convkit.errors import ArchitectureError, TableError


def rows_of(text: str) -> str:
    return Architecture.parse(text).to_text()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Conv2D(F=32,K=5,S=1,P=2)", "conv 32 k5 p2"),
        ("MaxPool(K=2,S=2)", "maxpool 2"),
        ("Fully-Connected(2048 -> 64)", "linear 64 in_features=2048"),
        ("conv3-64", "conv 64 k3 p1"),
        ("conv2-64", "conv 64 k2 same"),
        ("conv1-256, FC-500", "conv 256 k1, flatten, linear 500"),
        ("conv 3x3x64 /2", "conv 64 k3 s2"),
        ("Conv 64@5x5", "conv 64 k5"),
        ("3×3 conv, 64, /2", "conv 64 k3 s2"),
        ("64 filters of 11×11, stride 4 conv", "conv 64 k11 s4"),
        ("Convolutional layer with 64 filters, kernel size 3x5, 1 padding", "conv 64 k3x5 p1"),
        ("conv 8 k5 same", "conv 8 k5 same"),
        ("conv 8 kernel=(3, 5) stride=(2,1)", "conv 8 k3x5 s2x1"),
        ("nn.Conv2d(3, 64, 11, 4, 2)", "conv 64 k11 s4 p2 in_channels=3"),
        ("nn.Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4))", "conv 64 k11 s4 in_channels=3"),
        ("nn.Conv2d(3, 64, (11, 11), (4, 4), (2, 2))", "conv 64 k11 s4 p2 in_channels=3"),
        ("nn.Conv2d(64, 64, 3, 1, 1, 1, 64)", "conv 64 k3 p1 g64 in_channels=64"),
        (
            "nn.ConvTranspose2d(64, 32, 3, 2, 1, 1)",
            "transposed conv 32 k3 s2 p1 output_padding=1 in_channels=64",
        ),
        ("Conv2D(32, (3, 3), activation='relu', padding='same')", "conv 32 k3 same relu"),
        ("tf.keras.layers.Conv2D(32, (3, 3), 2)", "conv 32 k3 s2"),
        ("keras.layers.Conv2D(32, 5, 1)", "conv 32 k5"),
        ("Conv2D(32, (3, 3), (2, 2), 'same')", "conv 32 k3 s2 same"),
        ("Conv2D(32, 3, 'valid')", "conv 32 k3"),
        ("conv 8 k3, Activation('relu')", "conv 8 k3, relu"),
        ("activation_1 (Activation) relu", "relu"),
        ("Conv2DTranspose(32, 3, 2)", "transposed conv 32 k3 s2"),
        ("conv(64, 3x3, 2)", "conv 64 k3 s2"),
        ("conv 8 k5 s2 d2 g4 no bias", "conv 8 k5 s2 d2 g4 no-bias"),
        ("conv 8 k5 without bias", "conv 8 k5 no-bias"),
        ("conv 8 k5 reflect", "conv 8 k5 padding_mode=reflect"),
        ("conv 8 k5 + BN + ReLU + dropout 50%", "conv 8 k5 bn relu dropout 0.5"),
        ("conv 8 k5 relu bn", "conv 8 k5 relu, batchnorm"),
        ("conv 8 k5 leaky relu 0.2", "conv 8 k5 activation=(leaky_relu setting=0.2)"),
        ("conv 8 k5 group norm 4", "conv 8 k5 norm=(group norm 4)"),
        ("conv 8 k5 x2", "repeat 2 (conv 8 k5)"),
        ("2x (conv 8 k5, relu)", "repeat 2 (conv 8 k5, relu)"),
        ("3 × (conv 8 k5, relu)", "repeat 3 (conv 8 k5, relu)"),
        ("3 x (conv 8 k5, relu)", "repeat 3 (conv 8 k5, relu)"),
        ("(conv 8 k5, relu) x 3", "repeat 3 (conv 8 k5, relu)"),
        ("conv 8 k5\nrelu\n\nmaxpool", "conv 8 k5, relu, maxpool 2"),
        ("conv 8 k5 -> relu → max pooling 3x3 stride 2", "conv 8 k5, relu, maxpool 3 s2"),
        ("average pooling 2x2; flatten; dense 10", "avgpool 2, flatten, linear 10"),
        ("linear 4096, 512, 10", "linear 4096, linear 512, linear 10"),
        ("adaptive avg pool 6x6", "adaptive average pool 6"),
        ("global average pooling", "global average pool"),
        ("transposed conv 8 k2 s2", "transposed conv 8 k2 s2"),
        ("upsample x2", "upsample 2"),
        ("upsample 2 bilinear", "upsample 2 mode=bilinear"),
        ("Dropout2d(p=0.1)", "dropout 0.1 channels=true"),
        ("BatchNorm2d(64, eps=0.001)", "batchnorm eps=0.001"),
        ("[64, 'M', 128, 'M']", "conv 64 k3 p1, maxpool 2, conv 128 k3 p1, maxpool 2"),
        ("8 M 16 M (k5)", "conv 8 k5, maxpool 2, conv 16 k5, maxpool 2"),
        ("conv 8 k5 name=stem", "conv 8 k5 name=stem"),
        ("linear 10 activation=softmax", "linear 10 activation=softmax"),
        ("residual (conv 8 k3 p1)", "residual (conv 8 k3 p1)"),
    ],
)
def test_one_line_texts_are_read_as_people_write_them(written: str, meant: str) -> None:
    assert rows_of(written) == meant


def test_the_documented_line_gives_these_rows() -> None:
    text = "conv 32 k5 p2 relu, maxpool 2, flatten, linear 10"

    assert Architecture.parse(text).rows == (
        Conv(32, kernel_size=5, padding=2, activation="relu"),
        MaxPool(2),
        Flatten(),
        Linear(10),
    )


def test_groups_and_residual_rows() -> None:
    conv = Conv(8, kernel_size=3, padding=1, norm="batch", activation="relu")
    text = (
        "repeat 2 (conv 8 k3 p1 bn relu, batchnorm), residual (conv 8 k3 p1 bn relu) "
        "shortcut=(conv 8 k1) activation=none"
    )

    assert Architecture.parse(text).rows == (
        Repeat(2, [conv, BatchNorm()]),
        Residual([conv], shortcut=[Conv(8, kernel_size=1)], activation=None),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("con 32 k5", "row 1, 'con 32 k5': unknown word 'con'; the closest known word is 'conv'"),
        (
            "conv 8 k5, conv 32",
            ("row 2, 'conv 32': conv needs kernel_size; such as k5 or kernel 5x5, or ? to solve "
            "for it"),
        ),
        ("conv 8 k3 k5", "row 1, 'conv 8 k3 k5': kernel_size is given twice, as 3 and as 5; keep one"),  # noqa: E501 - one written text, one line
        (
            "flatten, conv 8 k5 ratio=2",
            ("row 2, 'conv 8 k5 ratio': conv has no setting 'ratio'; it has activation, bias, "
            "dilation, dropout, groups, in_channels, kernel_size, name, norm, out_channels, "
            "padding, padding_mode, stride"),
        ),
        (
            "maxpool 2, linear 10 k5",
            "row 2, 'linear 10 k5': linear has no kernel_size, but 5 is given; leave it out",
        ),
        (
            "relu, conv 8 k99999999999",
            "row 2, 'conv 8 k99999999999': 99999999999 is too large a number for a layer",
        ),
        ("conv 8 k5 (relu", "row 1, 'conv 8 k5 (relu': a parenthesis is not closed; add ')'"),
        ("conv 8 k5)", "row 1, 'conv 8 k5)': ')' closes nothing; take it away"),
        ("relu\nconv 8 k0.5", "row 2, 'conv 8 k0.5': cannot read '.5' in 'relu\\nconv 8 k0.5'"),
        (
            "conv 8 k5 \x1b[31m",
            "row 1, 'conv 8 k5 \\x1b[31m': cannot read '\\x1b[31m' in 'conv 8 k5 \\x1b[31m'",
        ),
        ("conv 8 k0", "row 1, 'conv 8 k0': kernel_size must be an integer of at least 1, or a tuple (height, width) of them; got 0"),  # noqa: E501 - one written text, one line
        ("conv 8 k=", "row 1, 'conv 8 k=': a setting has no value after its =; write one, or ? to solve for it"),  # noqa: E501 - one written text, one line
        ("64", "row 1, '64': '64' stands alone and names no layer; write conv 64 k3 or linear 64 for a row of its own"),  # noqa: E501 - one written text, one line
        ("repeat 2 (conv 8)", "row 1, 'repeat 2 (...': row 1, 'conv 8': conv needs kernel_size; such as k5 or kernel 5x5, or ? to solve for it"),  # noqa: E501 - one written text, one line
        ("custom wavelets", "row 1, 'custom wavelets': unknown word 'wavelets'"),
        ("", 'the text is empty; write a table, or "conv 8 k5, flatten, linear 10"'),
        ("input 3x32x32", "the text names no layers"),
        (
            "conv 8 k?",
            ("row 1, 'conv 8 k': kernel_size is left open, and the table states too little around "
            "it to solve for it; write kernel_size, or the sizes before and after the row"),
        ),
        ("repeat 9999 (repeat 9999 (relu))", "the table holds more than 10,000 layers, its repeats counted; write fewer"),  # noqa: E501 - one written text, one line
        ("(" * 20 + "relu" + ")" * 20, "row 1, '" + "(" * 20 + "relu" + ")" * 13 + "...': groups stand more than 12 deep in one another"),  # noqa: E501 - one written text, one line
    ],
)  # fmt: skip
def test_errors_name_the_row_and_the_smallest_change(text: str, message: str) -> None:
    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        Architecture.parse(text)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(TableError, match=r"^1,000,001 characters are too many for a table; up to "):
        Architecture.parse("a" * 1_000_001)


def test_softmax_at_the_end_is_part_of_the_loss() -> None:
    architecture = Architecture.parse("conv 8 k5 relu, flatten, linear 10, softmax")

    assert architecture.rows[-1] == Linear(10)
    assert architecture.readings == (
        (
            "the softmax at the end is taken as a part of the loss and left out: cross-entropy works "  # noqa: E501 - a written table, as it stands
            "on logits; write activation=softmax to keep it as a layer"
        ),
    )


def test_a_softmax_asked_for_by_name_stays() -> None:
    assert Architecture.parse("linear 10, activation softmax").rows[-1] == Activation("softmax")


def test_a_missing_flatten_is_put_in_and_told() -> None:
    architecture = Architecture.parse("conv 8 k5 relu, linear 10")

    assert architecture.rows[1] == Flatten()
    assert architecture.readings == (
        "no flatten row stands before the first linear row: one is put there",
    )


def test_a_network_of_vectors_gets_no_flatten() -> None:
    assert rows_of("linear 64 relu, linear 10") == "linear 64 relu, linear 10"


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("3x3x64 conv relu", "3x3x64 is read as kernel, then filters"),
        ("64x3x3 conv relu", "64x3x3 is read as filters, then kernel"),
        ("maxpool", "'maxpool' says no kernel: taken as 2, with a stride of 2"),
        ("conv3-64 relu", ("conv3-64 is read as VGG's notation: kernel 3, 64 channels, and padding "
         "that keeps the size unless another is stated")),
        ("linear 2048 64", "the two numbers of 'linear' are read as features in, features out"),
        ("linear 64 relu, 10", "'10' after a linear row is taken as one more linear row"),
        ("conv 8 k5, conv 8 k5", "no activation is stated anywhere: none is put in"),
        ("16 M (k5 relu)", ("the list of 2 channels and pools is read as VGG's: a convolution for "
         "each number, its kernel as stated; a 2x2 max pool for each M")),
    ],
)  # fmt: skip
def test_where_two_readings_are_possible_the_taken_one_is_told(text: str, reading: str) -> None:
    assert reading in Architecture.parse(text).readings


def test_a_file_is_read_and_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "network.md"
    path.write_text("| layer |\n|-|\n| conv 8 k5 |\n| conw |\n", encoding="utf-8")

    with pytest.raises(
        TableError,
        match=r"^network\.md: row 2, line 4, column 'layer', 'conw': unknown word 'conw'; "
        r"the closest known word is 'conv'$",
    ):
        Architecture.read(path)


def test_a_file_with_a_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    path = tmp_path / "network.csv"
    path.write_bytes(b"\xef\xbb\xbflayer,filters,kernel\r\nconv,8,5\r\n")

    assert Architecture.read(path).rows == (Conv(8, kernel_size=5),)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "network.xlsx"
    binary.write_bytes(b"PK\x03\x04\xff\xfe")

    with pytest.raises(TableError, match=r"^network\.xlsx is not text in UTF-8 \(byte 4\); save"):
        Architecture.read(binary)
    with pytest.raises(
        TableError, match=r"^.*missing\.md cannot be read: No such file or directory$"
    ):
        Architecture.read(tmp_path / "missing.md")


@register
@dataclass(frozen=True, slots=True)
class Squeeze(Row):
    """A kind of row of a user's own."""

    kind = "squeeze excite"
    prefix = "squeeze"

    reduction: int = 16
    _: KW_ONLY
    width: float = 1.0
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def shape_after(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape


@pytest.mark.parametrize(
    "text",
    ["squeeze excite 8 width=0.5", "Squeeze-Excite(8, width=0.5)", "squeeze_excite width=0.5 8"],
)
def test_registered_kinds_are_read_with_settings_of_their_own(text: str) -> None:
    assert Architecture.parse(text).rows == (Squeeze(8, width=0.5),)


def test_registered_kinds_in_a_table() -> None:
    table = "| layer | output |\n|-|-|\n| conv 8 k5 | 8x28x28 |\n| squeeze excite 4 | 8x28x28 |"

    architecture = Architecture.parse(table)

    assert architecture.rows[1] == Squeeze(4)
    assert architecture.check((3, 32, 32)) == []


def test_reading_checking_and_writing_load_no_heavy_library() -> None:
    code = (
        "import sys; from convkit import Architecture;"
        "a = Architecture.parse('| layer | output |\\n|-|-|\\n| conv 8 k5 relu | 8x28x28 |');"
        "a.check((3, 32, 32)); a.to_markdown((3, 32, 32)); a.to_latex(); a.to_csv(); a.to_text();"
        "print(sorted({'torch', 'numpy', 'rich', 'matplotlib', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (run.stdout.strip(), run.stderr) == ("[]", "")


@pytest.mark.parametrize(
    ("call", "reading"),
    [
        (
            "Conv2D(32, 3, 1)",
            "the numbers 32, 3, 1 of 'Conv2D' are read as filters, kernel, stride",
        ),
        (
            "Conv2d(32, 3, 1)",
            (
                "the numbers in the parentheses of 'Conv2d' are read in PyTorch's order: "
                "in_channels, out_channels, kernel_size"
            ),
        ),
    ],
)
def test_the_capital_letter_of_a_class_says_whose_order_its_numbers_have(
    call: str, reading: str
) -> None:
    assert Architecture.parse(call).readings == (reading,)


@pytest.mark.parametrize("times", ["2", "x2", "2x", "2×", "× 2"])
def test_the_column_repeat_takes_every_spelling_of_how_often(times: str) -> None:
    table = f"| layer | repeat |\n|-|-|\n| conv 8 k3 p1 | {times} |"

    assert Architecture.parse(table).to_text() == "repeat 2 (conv 8 k3 p1)"


@pytest.mark.parametrize("written", ["same", "'same'", '"same"'])
def test_the_padding_of_a_column_may_be_quoted(written: str) -> None:
    table = f"| layer | padding |\n|-|-|\n| conv 8 k3 | {written} |"

    assert Architecture.parse(table).to_text() == "conv 8 k3 same"


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("Conv2DTranspose(8, 2, padding='same')", "transposed conv"),
        ("MaxPooling2D(2, padding='same')", "max pool"),
        ("average pool 2 same", "average pool"),
    ],
)
def test_same_padding_of_another_row_than_a_convolution_is_refused(row: str, kind: str) -> None:
    message = (
        f"padding 'same' is known for conv only; write that of {kind} as a number, such as "
        "padding=1"
    )

    with pytest.raises(TableError, match=f": {re.escape(message)}$"):
        Architecture.parse(row)


def test_a_quoted_value_that_is_no_size_is_shown_as_it_stands() -> None:
    message = "row 1, line 3: stride is a whole number or a size such as 3x5, got 'wide'"

    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        Architecture.parse("| layer | stride |\n|-|-|\n| conv 8 k3 | 'wide' |")


@pytest.mark.parametrize(
    ("row", "stride"), [("conv 8 k3", "1"), ("maxpool 2", "its kernel"), ("conv 8 k3 s1", None)]
)
def test_what_only_a_missing_input_size_leaves_open_is_told(row: str, stride: str | None) -> None:
    table = f"| layer | output |\n|-|-|\n| {row} | 8x32x32 |\n| relu | 8x32x32 |"
    taken = "padding 0" if stride is None else f"padding 0 and a stride of {stride}"
    sentence = (
        f"row 1, line 3: the size that arrives is not stated: taken with {taken}; an input row "
        "settles it"
    )

    assert sentence in Architecture.parse(table).readings


@pytest.mark.parametrize("row", ["conv 8 k3, dropout", "conv 8 k3 dropout", "dropout"])
def test_a_dropout_without_a_rate_is_told(row: str) -> None:
    assert "'dropout' says no rate: taken as 0.5" in Architecture.parse(row).readings
    assert Architecture.parse(f"{row} 0.5").readings == ()


@pytest.mark.parametrize("word", ["conv", "Max-Pool", "relu", "same", "input"])
def test_a_word_that_tables_use_already_names_no_kind_of_ones_own(word: str) -> None:
    @dataclass(frozen=True)
    class Wide(Conv):
        kind = "taken word conv"

    before = rows_of("conv 8 k3 same, maxpool 2, relu")
    tidy = word.lower()
    message = f"the word {tidy!r} has a meaning in every table already; choose another word"

    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        register(Wide, words=(word,))
    assert rows_of("conv 8 k3 same, maxpool 2, relu") == before


def test_a_number_beside_all_named_settings_of_a_call_is_refused() -> None:
    message = (
        "row 1, 'Conv2D (...': conv takes no number, but 1 are given, 1; name the settings, such "
        "as k5"
    )

    with pytest.raises(TableError, match=f"^{re.escape(message)}$"):
        Architecture.parse("Conv2D(F=32, K=5, S=1, P=2, 1)")
