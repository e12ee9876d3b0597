"""Why a stated count is another than the computed one: what it leaves out, or what it fits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Linear

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._row import Row
    from convkit.architecture._summary import Summary

QUANTITIES = ("weights", "biases", "parameters", "macs")
"""Counts that a table can state."""

_NORM_KINDS = {"batch norm", "group norm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of one or more rows.

    Args:
        weights: Weights, norm scales among them.
        biases: Biases, norm shifts among them.
        macs: Multiplications with their additions.
        norm: The parameters of norms, which are in the others too.
    """

    weights: int = 0
    biases: int = 0
    macs: int = 0
    norm: int = 0

    @property
    def parameters(self) -> int:
        """Weights and biases together."""
        return self.weights + self.biases

    @classmethod
    def of(cls, summary: Summary) -> Tally:
        """The counts of a summary."""
        return cls(
            weights=sum(row.weights for row in summary.rows),
            biases=sum(row.biases for row in summary.rows),
            macs=sum(row.macs for row in summary.rows),
            norm=sum(row.parameters for row in summary.rows if row.kind in _NORM_KINDS),
        )

    @classmethod
    def sum(cls, tallies: Iterable[Tally]) -> Tally:
        """The counts of several."""
        parts = list(tallies)
        return cls(
            weights=sum(part.weights for part in parts),
            biases=sum(part.biases for part in parts),
            macs=sum(part.macs for part in parts),
            norm=sum(part.norm for part in parts),
        )


def reason_for_count(row: Row, quantity: str, stated: int, tally: Tally) -> str:
    """A sentence on a count of one row: what it leaves out, or the setting that it would fit."""
    computed = getattr(tally, quantity)
    return (
        _left_out(quantity, stated, tally)
        or _fitting_setting(row, quantity, stated, tally)
        or f"{computed:,} is what its settings give"
    )


def _left_out(quantity: str, stated: int, tally: Tally) -> str | None:
    """Counts that other rules give: without norms, without biases, doubled."""
    if tally.norm and quantity == "parameters" and stated == tally.parameters - tally.norm:
        return f"the {tally.norm:,} parameters of the norm are left out of it"
    if tally.norm and quantity in {"weights", "biases"}:
        half = tally.norm // 2
        if stated == getattr(tally, quantity) - half:
            return f"the {half:,} of the norm are left out of it"
    if quantity == "parameters" and stated == tally.weights and tally.biases:
        return f"these are the weights alone, without the {tally.biases:,} biases"
    if quantity == "macs" and stated == 2 * tally.macs:
        return "these are operations: a multiplication and an addition counted as two"
    return None


def _fitting_setting(row: Row, quantity: str, stated: int, tally: Tally) -> str | None:
    """The value of one setting with which the count would be right."""
    if quantity == "biases":
        return "bias=False would give none" if stated == 0 and hasattr(row, "bias") else None
    if quantity == "macs" or not isinstance(row, (Conv, ConvTranspose, Linear)):
        return None
    weights = stated - (tally.biases + tally.norm // 2 if quantity == "parameters" else 0)
    if tally.weights <= 0 or weights <= 0:
        return None
    own_weights = tally.weights - tally.norm // 2
    if quantity == "weights":
        weights -= tally.norm // 2
    if isinstance(row, Linear):
        features, rest = divmod(weights, row.out_features)
        return None if rest else f"{features:,} features arriving would give it"
    return _fitting_conv(row, weights, own_weights)


def _fitting_conv(row: Conv | ConvTranspose, weights: int, own_weights: int) -> str | None:
    """Kernel or channels with which a convolution would have these weights."""
    kernel = row.kernel_size if isinstance(row.kernel_size, tuple) else (row.kernel_size,) * 2
    per_pixel, rest = divmod(own_weights, math.prod(kernel))
    if rest == 0 and per_pixel and weights % per_pixel == 0:
        side = math.isqrt(weights // per_pixel)
        if side * side == weights // per_pixel and side:
            return f"kernel {side} would give it"
    arriving = own_weights // (row.out_channels * math.prod(kernel)) or 1
    channels, rest = divmod(weights, row.out_channels * math.prod(kernel))
    if rest == 0 and channels:
        return f"{channels * row.groups:,} channels arriving would give it"
    filters, rest = divmod(weights, arriving * math.prod(kernel))
    return f"out_channels={filters:,} would give it" if rest == 0 and filters else None


def total_reason(
    architecture: Architecture, quantity: str, stated: int, computed: Tally, walked: Tally | None
) -> str:
    """A sentence on a total: which sum it is, if it is one."""
    other = _left_out(quantity, stated, computed)
    if other is not None:
        return other
    if walked is not None and getattr(walked, quantity) == stated:
        return "the sizes stated in the rows give it, their settings do not; see the rows above"
    rows = [getattr(row.stated, quantity) for row in architecture.rows]
    named = [value for value in rows if value is not None]
    if named and sum(named) == stated:
        return "the rows as stated add up to it; see the rows above"
    if named and sum(named) == getattr(computed, quantity):
        return f"the rows as stated add up to {sum(named):,}"
    difference = stated - getattr(computed, quantity)
    return f"{abs(difference):,} too {'many' if difference > 0 else 'few'}"
