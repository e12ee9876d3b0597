"""What may be said of one published figure beside the measured one?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal[
    "exact", "reproduced", "better", "below", "differs", "void", "stand-in", "not run"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """One reported figure beside the measured one.

    Args:
        quantity: What was measured, such as `"test accuracy (%)"`.
        reported: The published figure; None when nothing was published.
        measured: The figure obtained here; None when it was not run.
        band: The lowest and the highest value that count as agreement; None asks for equality.
        note: What the reader must know beside it.
        void: Whether the published figure does not measure what it claims.
        stand_in: On what it was measured, when not on what the published figure was: other images
            or other weights. Then nothing is said of agreement.
        lower_is_better: Whether a value below the band is the better one, as of a loss.
        section: Under which heading it stands.

    Examples:
        >>> figure = ReportedFigure("test accuracy (%)", 70.58, 71.2, band=(68, 72))
        >>> figure.verdict, figure.cells()[0]
        ('reproduced', 'test accuracy (%)')
    """

    quantity: str
    reported: object
    measured: object
    band: tuple[float, float] | None = None
    note: str = ""
    void: bool = False
    stand_in: str = ""
    lower_is_better: bool = False
    section: str = ""

    @property
    def verdict(self) -> Verdict:
        """What may be said: equality without a band, place in the band with one."""
        if self.measured is None:
            return "not run"
        if self.void:
            return "void"
        if self.stand_in:
            return "stand-in"
        if self.band is None:
            return "exact" if self.measured == self.reported else "differs"
        low, high = self.band
        measured = float(str(self.measured))
        if low <= measured <= high:
            return "reproduced"
        # NaN, a run that diverged, is no better than anything.
        return (
            "better" if (measured < low if self.lower_is_better else measured > high) else "below"
        )

    def cells(self) -> tuple[str, str, str, str, str]:
        """Quantity, reported, measured, verdict and note, as people read them."""
        note = "; ".join(filter(None, [self.stand_in and f"on {self.stand_in}", self.note]))
        return self.quantity, _shown(self.reported), _shown(self.measured), self.verdict, note


def _shown(value: object) -> str:
    """A figure as people write it."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
