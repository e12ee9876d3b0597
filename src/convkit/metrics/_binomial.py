"""How likely are at most k heads in n fair throws? Exact to the last digits for any n."""

from __future__ import annotations

import math

import numpy as np

_EXACT_BELOW = 1_000
# Below this, the Stirling series is too short; above it, its five terms are exact in float64.
_SERIES_FROM = 16


def fair_tail(k: int, n: int) -> float:
    """P(X <= k) of the binomial distribution with n throws and probability 1/2, for 2 k <= n.

    Few throws are counted in whole numbers. Of many, the greatest term is computed without the
    cancellation of large logarithms, and the others follow from it by their ratio.

    Args:
        k: From 0 to n / 2.
        n: Number of throws, at least 1.

    Examples:
        >>> fair_tail(1, 3)
        0.5
    """
    if n < _EXACT_BELOW:
        return sum(math.comb(n, i) for i in range(k + 1)) / (1 << n)
    # Below k by 12 sqrt(n) a term is less than exp(-288) of the greatest: no digit sees it.
    steps = np.arange(min(k, 12 * math.isqrt(n) + 50))
    terms = np.cumprod((k - steps) / (n - k + 1 + steps))
    return _fair_probability(k, n) * (1.0 + float(terms.sum()))


def _fair_probability(k: int, n: int) -> float:
    """P(X = k), after Loader (2000), "Fast and accurate computation of binomial probabilities".

    log P = s(n) - s(k) - s(n - k) - D + log(n / (2 pi k (n - k))) / 2, with s the error of
    Stirling's formula and the deviance D = k log(2k / n) + (n - k) log(2(n - k) / n).
    """
    if k == 0:
        return math.ldexp(1.0, -n)
    logarithm = _stirling_error(n) - _stirling_error(k) - _stirling_error(n - k) - _deviance(k, n)
    return math.exp(logarithm) * math.sqrt(n / (2 * math.pi * k * (n - k)))


def _stirling_error(n: int) -> float:
    """Log n! - log(sqrt(2 pi n) (n / e)**n)."""
    if n < _SERIES_FROM:
        return math.log(math.factorial(n)) - (n + 0.5) * math.log(n) + n - math.log(math.tau) / 2
    square = 1 / (n * n)
    inner = 1 / 1260 - (1 / 1680 - square / 1188) * square
    return (1 / 12 - (1 / 360 - inner * square) * square) / n


def _deviance(k: int, n: int) -> float:
    """K log(2k / n) + (n - k) log(2(n - k) / n), a series in d = (n - 2k) / n where d is small."""
    d = (n - 2 * k) / n
    if d > 0.1:
        return k * math.log1p(-d) + (n - k) * math.log1p(d)
    # Twelve terms: the next is below 0.1**24 of the first.
    return n / 2 * math.fsum(d ** (2 * j) / (j * (2 * j - 1)) for j in range(1, 13))
