"""What one row of a table says: its layers, and what is stated beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._cells_channels import DRESSING

if TYPE_CHECKING:
    from convkit.architecture._cells_draft import Draft
    from convkit.architecture._cells_sizes import StatedCount


@dataclass(slots=True)
class Entry:
    """What one row of a table says.

    Args:
        place: Where it stands, for messages: "row 3".
        drafts: Its layers, in order.
        sizes: The sizes of its input and output columns, in the table's own order of numbers.
        counts: Its stated counts.
    """

    place: str
    drafts: list[Draft] = field(default_factory=list)
    sizes: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    counts: dict[str, StatedCount] = field(default_factory=dict)

    @property
    def is_input(self) -> bool:
        """Whether it is the row that names the input."""
        return bool(self.drafts) and self.drafts[0].kind is None

    @property
    def main(self) -> Draft | None:
        """The layer that the settings of the row belong to."""
        return next((d for d in self.drafts if d.kind not in DRESSING), None) or (
            self.drafts[0] if self.drafts else None
        )

    def insert(self, draft: Draft) -> None:
        """Add a layer: a norm, activation or dropout right after the main one and what it wears."""
        main = self.main
        if draft.kind not in DRESSING or main is None or main.kind in DRESSING:
            self.drafts.append(draft)
            return
        index = next(i for i, other in enumerate(self.drafts) if other is main) + 1
        rank = _rank(draft)
        while index < len(self.drafts) and self.drafts[index].kind in DRESSING:
            other = self.drafts[index]
            if other.kind is draft.kind and other.values == draft.values:
                return
            if _rank(other) > rank:
                break
            index += 1
        if index < len(self.drafts):
            self.drafts[index].joined = True
        self.drafts.insert(index, draft)


def _rank(draft: Draft) -> int:
    """The usual order: norm, activation, dropout."""
    return {Activation: 1, Dropout: 2}.get(draft.kind, 0)  # type: ignore[arg-type] # None has rank 0
