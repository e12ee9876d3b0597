"""Which samples train and which are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import ArrayLike, NDArray


def stratified_split(
    labels: ArrayLike, fraction: float | int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split at random so that each class keeps its share, to the rounding.

    Every class gives `fraction` of its samples, rounded down; the samples still missing from the
    total come one each from the classes with the largest remainders (Hamilton's method).

    Args:
        labels: One label per sample, shape (N,): integers or text.
        fraction: The share to hold out, between 0 and 1, or a count of samples (an int).
        seed: Of this split alone; the global random state is neither read nor changed.

    Returns:
        Indices of the samples kept and of those held out, both sorted, int64.

    Raises:
        DataError: When there are no labels or the fraction leaves one side empty.

    Examples:
        >>> kept, held_out = stratified_split([0] * 6 + [1] * 4, fraction=0.5, seed=0)
        >>> len(kept), len(held_out), [int((held_out < 6).sum()), int((held_out >= 6).sum())]
        (5, 5, [3, 2])
    """
    values = np.asarray(labels)
    if values.ndim != 1 or not len(values):
        raise DataError(f"labels must be one row of at least two labels, got shape {values.shape}")
    total = held_out_count(len(values), fraction)
    _, classes, counts = np.unique(values, return_inverse=True, return_counts=True)
    taken = _shares(counts, total)
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(classes == k))[:count] for k, count in enumerate(taken)
    ]
    return _kept_and_held_out(len(values), np.concatenate(chosen))


def random_split(
    count: int, fraction: float | int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split at random, whatever the classes.

    Args:
        count: How many samples there are.
        fraction: The share to hold out, between 0 and 1, or a count of samples (an int).
        seed: Of this split alone.

    Returns:
        Indices of the samples kept and of those held out, both sorted, int64.

    Raises:
        DataError: When the fraction leaves one side empty.

    Examples:
        >>> kept, held_out = random_split(50_000, fraction=0.1, seed=0)
        >>> len(kept), len(held_out)
        (45000, 5000)
    """
    chosen = np.random.default_rng(seed).permutation(count)[: held_out_count(count, fraction)]
    return _kept_and_held_out(count, chosen)


def group_split(
    groups: Sequence[Hashable], fraction: float, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split so that no group (a patient, a film, a burst of photographs) is on both sides.

    Groups are taken in random order and held out whole while that brings the held-out share closer
    to `fraction`.

    Args:
        groups: One group per sample.
        fraction: The share of samples to hold out, between 0 and 1, or a count (an int).
        seed: Of this split alone.

    Returns:
        Indices of the samples kept and of those held out, both sorted, int64.

    Raises:
        DataError: When there are fewer than two groups, or the fraction leaves one side empty.

    Examples:
        >>> kept, held_out = group_split(["a", "a", "b", "b", "c", "c"], fraction=1 / 3, seed=0)
        >>> len(held_out), len(set(kept) & set(held_out))
        (2, 0)
    """
    numbers: dict[Hashable, int] = {}
    members = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    if len(numbers) < 2:
        raise DataError(f"a split by group needs two groups or more, got {len(numbers)}")
    wanted = held_out_count(len(members), fraction)
    sizes = np.bincount(members)
    taken: list[int] = []
    total = 0
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        closer = abs(total + sizes[group] - wanted) < abs(total - wanted)
        if closer and len(taken) < len(sizes) - 1:
            taken.append(int(group))
            total += int(sizes[group])
    if not taken:  # every group is larger than twice the wanted share: the smallest comes nearest
        taken = [int(sizes.argmin())]
    return _kept_and_held_out(len(members), np.flatnonzero(np.isin(members, taken)))


def held_out_count(count: int, fraction: float | int) -> int:
    """How many of `count` samples a share or a number of samples means.

    Raises:
        DataError: When one side would be empty.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float)):
        raise DataError(f"a share is a number between 0 and 1 or a count, got {fraction!r}")
    if isinstance(fraction, int):
        total = fraction
    elif 0 < fraction < 1:
        # What is kept is cut to a whole number, as int(n * 0.8) in most courses; the tiny term
        # keeps 0.9 * 50,000 from falling to 44,999 by a rounding of the last bit.
        total = count - int(count * (1 - fraction) + 1e-9)
    else:
        raise DataError(f"a share lies between 0 and 1, got {fraction!r}; a count is an int")
    if not 0 < total < count:
        raise DataError(
            f"holding out {total:,} of {count:,} samples leaves one side empty: "
            f"use a count from 1 to {max(count - 1, 1):,}"
        )
    return total


def _shares(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """`total` divided in proportion to `counts`, by largest remainders, in exact integers."""
    products = [int(count) * total for count in counts]
    n = int(counts.sum())
    shares = np.array([product // n for product in products], dtype=np.int64)
    remainders = [product % n for product in products]
    order = sorted(range(len(counts)), key=lambda k: (-remainders[k], k))
    shares[order[: total - int(shares.sum())]] += 1
    return shares


def _kept_and_held_out(
    count: int, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The two sorted sides of a choice."""
    held_out = np.zeros(count, dtype=bool)
    held_out[chosen] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
