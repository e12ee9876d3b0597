"""The one way in which convkit writes tables."""

from __future__ import annotations

from convkit._tables import Table

TABLE = Table(
    ("layer", "parameters", "share"),
    (("conv1", 2432, "1.8 %"), ("<b>|x_1", 131136, "98.2 %"), ("pool1", None, "")),
    title="Base network",
    notes=("MACs of one image",),
)


def test_text_is_aligned_and_says_title_and_notes() -> None:
    assert TABLE.to_text().splitlines() == [
        "Base network",
        "layer     parameters    share",
        "─────────────────────────────",
        "conv1          2,432    1.8 %",
        "<b>|x_1      131,136   98.2 %",
        "pool1",
        "MACs of one image",
    ]


def test_markdown_escapes_names() -> None:
    assert TABLE.to_markdown().splitlines()[3] == "| \\<b\\>\\|x\\_1 | 131,136 | 98.2 % |"


def test_latex_escapes_names_and_sets_numbers_right() -> None:
    lines = TABLE.to_latex().splitlines()

    assert lines[0] == r"\begin{tabular}{lrr}"
    assert r"\textless{}b\textgreater{}\textbar{}x\_1 & 131,136 & 98.2 \% \\" in lines


def test_csv_has_plain_digits_and_no_notes() -> None:
    assert TABLE.to_csv() == (
        "layer,parameters,share\nconv1,2432,1.8 %\n<b>|x_1,131136,98.2 %\npool1,,\n"
    )


def test_html_escapes_names() -> None:
    assert "<td>&lt;b&gt;|x_1</td>" in TABLE.to_html()


def test_a_wide_table_folds_into_a_narrow_terminal() -> None:
    assert max(map(len, TABLE.to_text(width=24).splitlines())) <= 24
