"""Ten classes of coloured figures, drawn here: a data set that needs no download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from convkit.data._assembling import Holding, assemble
from convkit.data._figures import FIGURES, Field
from convkit.data._image_set import ImageSet, Split
from convkit.data._preprocessing import Preprocessing
from convkit.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convkit.data._sets import Sets

SIDE = 32
_CHUNK = 250
_MOST = 1_000_000
_NUMBERS = 32  # random numbers per image, more than are used, so that looks can be added
_CANDIDATES = 3  # colours from which a figure takes the one farthest from its background


def drawn_shapes(
    seed: int = 0, *, train: int = 4000, validation: int = 1000, test: int = 1000
) -> Sets:
    """Draw coloured figures of ten classes, 32x32, on darker, shaded and noisy backgrounds.

    Size, place, rotation, colours, shading and noise of every image are drawn at random; the
    figures do not become each other under rotation. Image k of a split is the same whatever the
    counts.

    Args:
        seed: The same seed draws the same images.
        train: Images for training; the classes have equal shares.
        validation: Images for validation; 0 for none.
        test: Images for testing; 0 for none.

    Returns:
        The sets, normalised with the statistics of the training images.

    Raises:
        DataError: When a count is negative, too large, or there is no training image.

    Examples:
        >>> sets = drawn_shapes(seed=0, train=100, validation=20, test=20)
        >>> sets.train.images.shape, sets.class_names[:3], sets.test.counts()[:3]
        (torch.Size([100, 3, 32, 32]), ('arrow', 'crescent', 'cross'), (2, 2, 2))
    """
    counts: dict[Split, int] = {"train": train, "validation": validation, "test": test}
    for split, count in counts.items():
        least = 1 if split == "train" else 0
        if isinstance(count, bool) or not isinstance(count, int) or not least <= count <= _MOST:
            raise DataError(
                f"{split}={count!r}: a count is a whole number from {least} to {_MOST:,}"
            )
    splits = {
        split: _drawn_set(seed, split, count, number)
        for number, (split, count) in enumerate(counts.items())
        if count
    }
    return assemble(splits, Holding(), mean=None, std=None, source=f"drawn shapes, seed {seed}")


def _drawn_set(seed: int, split: Split, count: int, stream: int) -> ImageSet:
    """The images of one split, from a random stream of its own."""
    numbers = _uniform(seed, stream, count)
    # Each run of ten images holds every class once, in an order of its own.
    rounds = -(-count // len(FIGURES))
    order = np.argsort(_uniform(seed, stream + 3, rounds)[:, : len(FIGURES)], axis=1)
    labels = order.reshape(-1)[:count]
    noise = _noise(seed, stream + 6, count)
    images = np.empty((count, 3, SIDE, SIDE), dtype=np.uint8)
    for label, figure in enumerate(FIGURES.values()):
        members = np.flatnonzero(labels == label)
        for start in range(0, len(members), _CHUNK):
            chosen = members[start : start + _CHUNK]
            x, y, pixels_per_unit = _frame(numbers[chosen])
            distance = figure(x, y) * pixels_per_unit
            covered = np.clip(0.5 - distance, 0, 1)
            images[chosen] = _painted(numbers[chosen], covered, noise[chosen])
    return ImageSet(
        torch.from_numpy(images),
        torch.from_numpy(labels.astype(np.int64)),
        class_names=tuple(FIGURES),
        names=[f"{split}/{k:06d}" for k in range(count)],
        split=split,
        preprocessing=Preprocessing((SIDE, SIDE)),
    )


def _uniform(seed: int, stream: int, count: int) -> NDArray[np.float64]:
    """Rows of numbers from 0 to 1, from the raw bits, which never change between versions."""
    bits = np.random.PCG64(np.random.SeedSequence([seed, stream])).random_raw(count * _NUMBERS)
    numbers: NDArray[np.float64] = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers.reshape(count, _NUMBERS)


def _noise(seed: int, stream: int, count: int) -> NDArray[np.uint8]:
    """One byte per pixel and channel, (N, 3, P)."""
    per_image = 3 * SIDE * SIDE
    bits = np.random.PCG64(np.random.SeedSequence([seed, stream])).random_raw(
        count * per_image // 8
    )
    return bits.astype("<u8").view(np.uint8).reshape(count, 3, SIDE * SIDE)


def _grid() -> tuple[Field, Field]:
    """The middles of the pixels, -1 to 1 from side to side, each (P,)."""
    places = ((np.arange(SIDE) + 0.5) * (2 / SIDE) - 1).astype(np.float32)
    y, x = np.meshgrid(places, places, indexing="ij")
    return x.reshape(-1), y.reshape(-1)


def _frame(numbers: NDArray[np.float64]) -> tuple[Field, Field, Field]:
    """The pixels in each figure's own frame, (N, P) twice, and the pixels of its radius, (N, 1)."""
    x, y = _grid()
    radius = 0.45 + 0.35 * numbers[:, 0]
    reach = 0.95 - radius
    angle = 2 * np.pi * numbers[:, 1]
    places = [(2 * numbers[:, k] - 1) * reach for k in (2, 3)]
    turns = [np.cos(angle) / radius, np.sin(angle) / radius]
    columns = [v.astype(np.float32)[:, None] for v in (*turns, *places, radius * (SIDE / 2))]
    cosine, sine, across, down, pixels = columns
    x, y = x - across, y - down
    return cosine * x + sine * y, cosine * y - sine * x, pixels


def _painted(
    numbers: NDArray[np.float64], covered: Field, noise: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Figures laid on their backgrounds: uint8 (N, 3, 32, 32)."""
    x, y = _grid()
    chance = numbers.astype(np.float32)
    middle = 20 + 80 * chance[:, 4:7]
    candidates = 105 + 150 * chance[:, 7 : 7 + 3 * _CANDIDATES].reshape(-1, _CANDIDATES, 3)
    contrast = ((candidates - middle[:, None]) ** 2).sum(2)
    colour = candidates[np.arange(len(candidates)), contrast.argmax(1)]
    slope = 50 * chance[:, 16:22] - 25
    shade = 50 * chance[:, 22:24] - 25
    background = middle[:, :, None] + slope[:, 0:3, None] * x + slope[:, 3:6, None] * y
    figure = colour[:, :, None] + (shade[:, 0:1] * x + shade[:, 1:2] * y)[:, None]
    strength = (5 + 30 * chance[:, 24])[:, None, None] / 255
    pixels = background + covered[:, None] * (figure - background)
    pixels += strength * (noise.astype(np.float32) - 127.5)
    rounded: NDArray[np.uint8] = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return rounded.reshape(-1, 3, SIDE, SIDE)
