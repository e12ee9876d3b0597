"""Least-squares polynomials over a sliding window: the arithmetic of Savitzky and Golay (1964)."""

from __future__ import annotations

from functools import lru_cache
from math import factorial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def sliding_fit(values: Sequence[float], window: int, order: int) -> list[float]:
    """Each value replaced by the polynomial of its window; see `Smoothing.savitzky_golay`.

    Args:
        values: The raw values, the oldest first.
        window: An odd number of values.
        order: Degree of the polynomial, below the window.
    """
    count, half = len(values), window // 2
    if count <= window:
        return [fitted(values, order, position) for position in range(count)]
    start = [fitted(values[:window], order, position) for position in range(half)]
    inside = [
        fitted(values[centre - half : centre + half + 1], order, half)
        for centre in range(half, count - half)
    ]
    end = [fitted(values[-window:], order, position) for position in range(half + 1, window)]
    return start + inside + end


def fitted(values: Sequence[float], order: int, position: int) -> float:
    """The polynomial through all these values, read at one of their positions."""
    weights = _polynomial_weights(len(values), min(order, len(values) - 1), position)
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


@lru_cache(maxsize=4096)
def _polynomial_weights(count: int, order: int, position: int) -> tuple[float, ...]:
    """Weights whose sum of products is the least-squares polynomial at `position`.

    The discrete Chebyshev polynomials t_k are orthogonal over 0..count-1, so the fit is a sum of
    projections; in whole numbers, so nothing is lost before the one division.
    """
    basis = [_chebyshev(count, order, x) for x in range(count)]
    norms = [
        factorial(count + k) // ((2 * k + 1) * factorial(count - k - 1)) for k in range(order + 1)
    ]
    return tuple(
        sum(
            here * there / norm
            for here, there, norm in zip(basis[position], basis[x], norms, strict=True)
        )
        for x in range(count)
    )


def _chebyshev(count: int, order: int, x: int) -> list[int]:
    """t_0(x) to t_order(x) by the three-term recurrence (Abramowitz and Stegun, 22.7.10)."""
    values = [1, 2 * x - count + 1][: order + 1]
    for k in range(1, order):
        step = (2 * k + 1) * (2 * x - count + 1) * values[k]
        values.append((step - k * (count**2 - k**2) * values[k - 1]) // (k + 1))
    return values
