"""One disagreement between what a table states and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from convkit._tables import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Shown):
    """A number that a table states, and the one that follows from its rows.

    Args:
        row: The row of the architecture, counted from 1; None for a total of the whole table.
        quantity: What is stated: `"output size"`, `"parameters"`, `"in_channels"`, ...
        stated: The number or size as the table states it.
        computed: What follows from the rows; None when nothing can follow.
        suggestion: The smallest change that would make both agree.
        layer: The kind of the row, such as `"conv"`.
        place: Where the table states it, such as `"row 3, line 7"`.

    Examples:
        >>> print(Finding(row=5, quantity="output size", stated="64x2x2", computed="64x3x3",
        ...               suggestion="padding 1 would give 64x2x2", layer="conv"))
        row 5 (conv): output size stated 64x2x2, computed 64x3x3; padding 1 would give 64x2x2
    """

    row: int | None
    quantity: str
    stated: str
    computed: str | None
    suggestion: str
    layer: str = ""
    place: str = ""

    def __str__(self) -> str:
        """One sentence."""
        where = "total" if self.row is None else f"row {self.row}"
        about = "; ".join(filter(None, [self.layer, self.place and f"{self.place} of the table"]))
        computed = "nothing can follow" if self.computed is None else f"computed {self.computed}"
        return (
            f"{where}{about and f' ({about})'}: {self.quantity} stated {self.stated}, {computed}; "
            f"{self.suggestion}"
        )


def written(value: object) -> str:
    """A size as 32x16x16, a count with thousands separators."""
    if isinstance(value, tuple):
        parts = list(value)
        if parts and parts[0] is None:
            parts = parts[1:]
        return "x".join("?" if part is None else str(part) for part in parts)
    return f"{value:,}" if isinstance(value, int) else str(value)
