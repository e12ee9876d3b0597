"""Totals of one image's cost, each with the rule by which it was counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit._tables import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._summary import SummaryRow

RULE = (
    "MAC: one multiplication with its addition, in conv, transposed conv and linear layers, "
    "biases not counted; one image."
)


@dataclass(frozen=True, slots=True)
class Total(Shown):
    """A count of operations and the rule that it follows.

    Args:
        value: The count.
        rule: What was counted, in one sentence.

    Examples:
        >>> from convkit import Architecture
        >>> summary = Architecture.parse("conv 8 k5").summary((3, 32, 32))
        >>> total = summary.total()
        >>> total.value, total.rule[:22]
        (470400, 'MACs: one for each mul')
    """

    value: int
    rule: str

    def __str__(self) -> str:
        return f"{self.value:,} {self.rule}"


def count_operations(
    rows: Sequence[SummaryRow], *, biases: bool, norms: bool, products: bool, flops: bool
) -> Total:
    """The operations of all rows by the rule asked for."""
    factor = 2 if flops else 1
    value = factor * sum(row.macs for row in rows)
    value += biases * sum(row.bias_additions for row in rows)
    value += norms * factor * sum(row.norm_macs for row in rows)
    value += products * factor * sum(row.product_macs for row in rows)
    parts = ["conv, transposed conv and linear layers"]
    parts += ["in norm layers (one for each value)"] * norms
    parts += ["in products of two inputs"] * products
    unit = (
        "FLOPs: two for each multiplication with its addition"
        if flops
        else "MACs: one for each multiplication with its addition"
    )
    counted = "counted as one each" if biases else "not counted"
    return Total(value, f"{unit}, in {', '.join(parts)}, biases {counted}; one image")
