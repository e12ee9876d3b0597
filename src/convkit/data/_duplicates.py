"""The same picture twice: exactly, or so nearly that it gives the answer away."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from convkit.data._image_set import ImageSet

_FARTHEST_BITS = 8
_FARTHEST_LEVELS = 8.0
_THUMBNAIL = 8
_CHUNK_BYTES = 1 << 24
_MOST_COMPARISONS = 3_000_000_000


class Pair(NamedTuple):
    """Two images that are the same picture.

    Args:
        first_split: Split of the first.
        first: Its name.
        second_split: Split of the second.
        second: Its name.
        same_label: Whether both have the same class.
    """

    first_split: str
    first: str
    second_split: str
    second: str
    same_label: bool


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Pictures that occur more than once.

    Args:
        exact_across: Pairs with equal pixels in two splits.
        near_across: Pairs in two splits that look the same without being equal.
        exact_within: For each split, the number of images whose pixels occurred before in it.
        complete: False when there were so many images that only those with equal hashes were
            compared.

    Examples:
        >>> import torch
        >>> from convkit import data
        >>> sets = data.drawn_shapes(train=20, validation=10, test=10)
        >>> again = sets.train.subset([3], split="test")
        >>> found = data.find_duplicates([sets.train, again])
        >>> len(found.exact_across), len(found.conflicting), found.complete
        (1, 0, True)
    """

    exact_across: tuple[Pair, ...]
    near_across: tuple[Pair, ...]
    exact_within: dict[str, int]
    complete: bool = True

    @property
    def conflicting(self) -> tuple[Pair, ...]:
        """Pairs across splits whose labels differ."""
        return tuple(p for p in (*self.exact_across, *self.near_across) if not p.same_label)


def find_duplicates(splits: Iterable[ImageSet]) -> Duplicates:
    """Look for the same pictures in several splits.

    Equal pictures have the same checksum. Near ones have difference hashes (8x8 comparisons of
    neighbouring brightness) at most 8 bits apart, and thumbnails of 8x8 colours that differ by at
    most 8 of 255 levels on average.

    Args:
        splits: Image sets whose images have one size.

    Returns:
        What was found.

    Examples:
        >>> from convkit.data import drawn_shapes
        >>> sets = drawn_shapes(train=20, validation=10, test=0)
        >>> find_duplicates(sets).exact_across
        ()
    """
    every = [each for each in splits if len(each)]
    exact, within, repeated = _exact(every)
    near, complete = _near(every, repeated)
    return Duplicates(exact, near, within, complete)


def _exact(
    splits: Sequence[ImageSet],
) -> tuple[tuple[Pair, ...], dict[str, int], set[tuple[int, int]]]:
    """Equal pictures across and within splits, and which of them were counted."""
    seen: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for s, each in enumerate(splits):
        for i, image in enumerate(each.images.numpy()):
            pixels = np.ascontiguousarray(image).data
            seen[hashlib.blake2b(pixels, digest_size=16).digest()].append((s, i))
    pairs: list[Pair] = []
    within: dict[str, int] = {each.split: 0 for each in splits}
    repeated: set[tuple[int, int]] = set()
    for places in seen.values():
        firsts: dict[int, int] = {}
        for s, i in places:
            if s in firsts:
                within[splits[s].split] += 1
            else:
                firsts[s] = i
        for s, i in list(firsts.items())[1:]:
            pairs.append(_pair(splits, next(iter(firsts.items())), (s, i)))
            repeated.add((s, i))
    return tuple(pairs), within, repeated


def _near(
    splits: Sequence[ImageSet], repeated: set[tuple[int, int]]
) -> tuple[tuple[Pair, ...], bool]:
    """Pictures across splits that look the same, without those that are equal."""
    if len(splits) < 2:
        return (), True
    looks = [_looks(each.images) for each in splits]
    hashes = np.concatenate([look[0] for look in looks])
    thumbnails = np.concatenate([look[1] for look in looks])
    owner = np.repeat(np.arange(len(splits)), [len(each) for each in splits])
    starts = np.cumsum([0, *(len(each) for each in splits)])
    pairs, complete = _candidates(hashes, starts)
    found = []
    for a, b in _alike(pairs, thumbnails).tolist():
        first, second = ((int(owner[k]), int(k - starts[owner[k]])) for k in (a, b))
        if second not in repeated:
            found.append(_pair(splits, first, second))
    return tuple(found), complete


def _alike(pairs: NDArray[np.int64], thumbnails: NDArray[np.float32]) -> NDArray[np.int64]:
    """The pairs whose thumbnails agree; a few hundred thousand are compared at a time."""
    close = [
        np.abs(thumbnails[some[:, 0]] - thumbnails[some[:, 1]]).mean(1) <= _FARTHEST_LEVELS
        for some in np.array_split(pairs, len(pairs) // 100_000 + 1)
    ]
    kept: NDArray[np.int64] = pairs[np.concatenate(close)]
    return kept


def _looks(images: torch.Tensor) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Difference hashes (N,) and colour thumbnails (N, C * 64)."""
    hashes, thumbnails = [], []
    for chunk in torch.split(images, max(1, _CHUNK_BYTES // images[0].numel())):
        values = chunk.to(torch.float32)
        grey = adaptive_avg_pool2d(values.mean(1, keepdim=True), (8, 9))[:, 0]
        bits = (grey[:, :, 1:] > grey[:, :, :-1]).flatten(1).numpy()
        hashes.append(np.packbits(bits, axis=1).view(np.uint64)[:, 0])
        thumbnails.append(adaptive_avg_pool2d(values, _THUMBNAIL).flatten(1).numpy())
    return np.concatenate(hashes), np.concatenate(thumbnails)


def _candidates(
    hashes: NDArray[np.uint64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], bool]:
    """Pairs across splits whose hashes are near, (P, 2), and whether all were compared."""
    found: list[NDArray[np.int64]] = [np.empty((0, 2), dtype=np.int64)]
    complete = True
    for second, third in pairwise(starts[1:]):
        # Everything up to here against the next split: every pair across is met once.
        earlier, later = hashes[:second], hashes[second:third]
        if len(earlier) * len(later) > _MOST_COMPARISONS:
            complete = False
            order = np.argsort(later, kind="stable")
            place = np.searchsorted(later[order], earlier).clip(max=len(later) - 1)
            equal = later[order][place] == earlier
            found.append(np.stack([np.flatnonzero(equal), second + order[place[equal]]], 1))
            continue
        # As vectors of 1 and -1, hashes that differ in d of 64 bits have the product 64 - 2 d.
        rows = max(1, _CHUNK_BYTES // len(later))
        others = _signs(later).T
        for start in range(0, len(earlier), rows):
            alike = _signs(earlier[start : start + rows]) @ others
            near = (alike >= 64 - 2 * _FARTHEST_BITS).nonzero().numpy()
            found.append(near + np.array([start, second]))
    return np.concatenate(found), complete


def _signs(hashes: NDArray[np.uint64]) -> torch.Tensor:
    """The bits of hashes as 1 and -1, float32 (N, 64)."""
    bits = np.unpackbits(hashes[:, None].view(np.uint8), axis=1)
    return torch.from_numpy(bits).to(torch.float32).mul_(2).sub_(1)


def _pair(splits: Sequence[ImageSet], first: tuple[int, int], second: tuple[int, int]) -> Pair:
    """Two images by split and place."""
    (s, i), (t, j) = first, second
    return Pair(
        splits[s].split,
        splits[s].names[i],
        splits[t].split,
        splits[t].names[j],
        int(splits[s].labels[i]) == int(splits[t].labels[j]),
    )
