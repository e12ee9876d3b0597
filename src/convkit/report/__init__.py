"""What came of runs: a page for each, a table of several, reported figures beside measured ones.

The names are loaded when they are first used: comparing runs in a table draws nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convkit.report._compare_run import compare_run
    from convkit.report._comparison import Comparison, compare
    from convkit.report._comparison_page import write_comparison
    from convkit.report._confusions import confusions
    from convkit.report._image_sets import image_sets
    from convkit.report._made_by import hardware
    from convkit.report._reported_figure import ReportedFigure
    from convkit.report._reproduction import Reproduction
    from convkit.report._reproduction_index import ReproductionIndex
    from convkit.report._reproduction_script import ReproductionScript
    from convkit.report._trained_network import trained_network
    from convkit.report._write import write

_NAMES = {
    "Comparison": "_comparison",
    "ReportedFigure": "_reported_figure",
    "Reproduction": "_reproduction",
    "ReproductionIndex": "_reproduction_index",
    "ReproductionScript": "_reproduction_script",
    "compare": "_comparison",
    "compare_run": "_compare_run",
    "confusions": "_confusions",
    "hardware": "_made_by",
    "image_sets": "_image_sets",
    "trained_network": "_trained_network",
    "write": "_write",
    "write_comparison": "_comparison_page",
}

__all__ = [
    "Comparison",
    "ReportedFigure",
    "Reproduction",
    "ReproductionIndex",
    "ReproductionScript",
    "compare",
    "compare_run",
    "confusions",
    "hardware",
    "image_sets",
    "trained_network",
    "write",
    "write_comparison",
]


def __getattr__(name: str) -> object:
    if name not in _NAMES:
        raise AttributeError(f"module 'convkit.report' has no attribute {name!r}")
    value = getattr(import_module(f"convkit.report.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
