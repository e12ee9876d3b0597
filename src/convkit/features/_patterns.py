"""The standard patterns that a filter is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float64]

# Hue circle in steps of 60 degrees, from red on.
_HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")


def similarity(one: Floats, other: Floats) -> float:
    """The cosine between two patterns, -1 to 1; 0 when one of them is nothing."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / lengths if lengths > 0 else 0.0


def turned(pattern: Floats) -> Floats:
    """The pattern turned by 180 degrees."""
    return pattern[::-1, ::-1]


def edges(shape: tuple[int, ...], angle: float) -> Iterator[Floats]:
    """Step edges along `angle` at every offset, each of mean 0 and length 1.

    Args:
        shape: (height, width).
        angle: Degrees counter-clockwise from horizontal on the screen.
    """
    y, x = _middle(shape)
    # The distance from a line through the middle, on the screen's right and upper side positive.
    distance = x * np.sin(np.radians(angle)) + y * np.cos(np.radians(angle))
    for offset in np.unique(np.round(distance, 6))[:-1]:
        step = np.where(distance > offset + 1e-6, 1.0, -1.0)
        step = step - step.mean()
        yield step / np.linalg.norm(step)


def blobs(shape: tuple[int, ...]) -> Iterator[Floats]:
    """Round blobs in the middle: Gaussians, alone and less a wider one, of several sizes."""
    y, x = _middle(shape)
    square = y**2 + x**2
    for part in (3.0, 4.0, 5.0, 6.0, 8.0):
        deviation = min(shape) / part
        if min(shape) < 3 or deviation < 0.4:
            continue
        centre = np.exp(-square / (2 * deviation**2))
        yield centre
        for wider in (1.6, 2.0, 3.0):
            around = np.exp(-square / (2 * (wider * deviation) ** 2))
            yield centre - around * centre.sum() / around.sum()


def colour_name(mixture: Floats, *, coloured: bool) -> str:
    """What a mixture of red, green and blue sets against each other.

    The colours are those that raise and that lower the answer, such as `"yellow against blue"`.
    """
    if len(mixture) != 3:
        return ""
    if not coloured:
        return "grey"
    red, green, blue = mixture - mixture.mean()
    hue = np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360
    place = round(hue / 60) % 6
    return f"{_HUES[place]} against {_HUES[(place + 3) % 6]}"


def _middle(shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Rows and columns counted from the middle."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return y - (height - 1) / 2, x - (width - 1) / 2
