from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from convkit.architecture import Architecture
from convkit.errors import ArchitectureError

COUNT = 50_000 if os.environ.get("CONVKIT_MANY_CASES") else 5_000


@pytest.fixture(scope="module")
def fuzz_tables() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "fuzz_tables.py"
    spec = importlib.util.spec_from_file_location("fuzz_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_tables"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_damaged_tables_end_in_an_architecture_or_in_an_error_that_names_the_row(
    fuzz_tables: ModuleType,
) -> None:
    tally = fuzz_tables.fuzz(COUNT, seed=1, measure_memory=False)

    assert tally.faults == []
    assert tally.read > COUNT // 20
    assert tally.refused > COUNT // 20


def test_the_memory_of_damaged_tables_is_bounded(fuzz_tables: ModuleType) -> None:
    tally = fuzz_tables.fuzz(200, seed=2)

    assert tally.faults == []
    assert tally.largest < fuzz_tables.MEGABYTES


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "conv " * 40_000,
        "x2 " * 60_000,
        "a-" * 90_000,
        "3x" * 90_000,
        "9" * 190_000,
        " " * 190_000 + "conv 8 k5",
        '"' + "\\" * 190_000,
        "| layer |\n" + "| conv 8 k5 " * 60 + "|\n",
        "| " + "*" * 19_000 + " |\n| conv |",
        "| layer |\n| " + "- " * 9_000 + "|",
        "\\begin{tabular}{l}" + "{" * 190_000 + "\\end{tabular}",
        "\\begin{tabular}{l}" + "\\multicolumn{60}{c}{x} & " * 9_000 + "\\end{tabular}",
        "layer,filters\n" + '"' + "," * 190_000,
        "layer  filters\n====\n" + "a  " * 60_000,
        "repeat 9999 (" * 11 + "relu" + ")" * 11,
        "1 M " * 40_000,
        "conv 8 k5, " * 15_000,
        "linear 1" + ", 1" * 60_000,
    ],
    ids=range(19),
)
def test_hostile_sizes_are_answered_within_a_second(text: str) -> None:
    begin = time.process_time()
    with contextlib.suppress(ArchitectureError):
        Architecture.parse(text)

    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize(
    "table",
    [
        "Layer\tFilters\tKernel\tOutput\nconv\t8\t5\t8x124x124\npool\t\t64@5x5\t8x62x62\n",
        (
            "| layer | stride | padding | output |\n|-|-|-|-|\n| input | | | 3x128x128 |\n"
            "| conv 8 k5 | 1,234,567 | ? | 8x128x128 |"
        ),
        "Layer  Output Shape  Param #\n====\nconv2d 8 k3  26x26x32  320\nconv 0  3x3x3  0\n",
    ],
    ids=["kernel of a kernel", "huge stride", "no filters"],
)
def test_tables_that_were_once_mistaken_are_refused_at_once(table: str) -> None:
    begin = time.process_time()
    with pytest.raises(ArchitectureError, match=r"^row 2, line \d[,:] "):
        Architecture.parse(table)

    assert time.process_time() - begin < 0.5
