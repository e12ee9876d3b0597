"""What came of runs: a page for each, a table of several, reported figures beside measured ones."""

from convkit.report._reproduction import ReportedFigure, Reproduction, hardware
from convkit.report._write import write

__all__ = ["ReportedFigure", "Reproduction", "hardware", "write"]
