"""What came of runs: reported figures beside measured ones."""

from convkit.report._reproduction import ReportedFigure, Reproduction, hardware

__all__ = ["ReportedFigure", "Reproduction", "hardware"]
