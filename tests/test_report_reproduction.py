"""The page that sets reported figures beside measured ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from convkit import report


@pytest.mark.parametrize(
    ("reported", "measured", "band", "void", "verdict"),
    [
        (9, 9, None, False, "exact"),
        (9, 8, None, False, "differs"),
        (70.58, 71.2, (68, 72), False, "reproduced"),
        (70.58, 72, (68, 72), False, "reproduced"),
        (70.58, 72.1, (68, 72), False, "better"),
        (70.58, 67.9, (68, 72), False, "below"),
        (70.58, float("nan"), (68, 72), False, "below"),
        (0.8222, 0.71, None, True, "void"),
        (90.13, None, (88, 100), False, "not run"),
    ],
)
def test_a_comparison_ends_in_one_verdict(
    reported: float,
    measured: float | None,
    band: tuple[float, float] | None,
    void: bool,
    verdict: str,
) -> None:
    page = report.Reproduction("A page")

    assert (
        page.compare("figure", reported=reported, measured=measured, band=band, void=void)
        == verdict
    )


def test_the_page_holds_table_picture_and_what_made_it(tmp_path: Path) -> None:
    page = report.Reproduction("Two figures")
    page.section("Task 1", "Some **text**.")
    page.compare("kernel", reported=9, measured=9)
    page.compare("parameters", reported=390_410, measured=390_410, note="a|b")
    page.picture(Figure(), "curves", "Loss of the network")
    page.code("conv1\n  3x3")

    text = page.write(tmp_path / "results.md").read_text(encoding="utf-8")

    assert "- verdicts: 2 exact" in text
    assert "| parameters | 390,410 | 390,410 | exact | a\\|b |" in text
    assert "![Loss of the network](results/curves.png)" in text
    assert "    conv1\n      3x3" in text
    assert (tmp_path / "results" / "curves.png").read_bytes().startswith(b"\x89PNG")
