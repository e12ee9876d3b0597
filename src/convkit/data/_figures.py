"""Ten figures as signed distance functions: negative inside, positive outside, in units of size.

Every function takes the coordinates (N, P) of P points for N figures, in the figure's own frame,
where it fits the circle of radius 1 around the origin. Only + - * / and square roots are taken per
point: these are exact everywhere, so the figures are the same on every machine.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Field: TypeAlias = "NDArray[np.float32]"


def _length(x: Field, y: Field) -> Field:
    return np.sqrt(x * x + y * y)


def _box(x: Field, y: Field, half_width: float, half_height: float) -> Field:
    """An upright rectangle around the origin."""
    right, above = np.abs(x) - half_width, np.abs(y) - half_height
    outside = _length(np.maximum(right, 0), np.maximum(above, 0))
    return outside + np.minimum(np.maximum(right, above), 0)


def _polygon(x: Field, y: Field, corners: Sequence[tuple[float, float]]) -> Field:
    """Any polygon without crossings, its corners in order (after Quilez, 2D distance functions)."""
    squared = np.full_like(x, np.inf)
    inside = np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey = np.float32(bx - ax), np.float32(by - ay)
        px, py = x - np.float32(ax), y - np.float32(ay)
        along = np.clip((px * ex + py * ey) / (ex * ex + ey * ey), 0, 1)
        dx, dy = px - along * ex, py - along * ey
        squared = np.minimum(squared, dx * dx + dy * dy)
        crosses = (y >= np.float32(ay)) != (y >= np.float32(by))
        inside ^= crosses & ((ex * py - ey * px > 0) == (ey < 0))
    distance = np.sqrt(squared)
    return np.where(inside, -distance, distance)


def _regular(count: int, radius: float) -> list[tuple[float, float]]:
    """The corners of a regular polygon."""
    return [
        (radius * sin(2 * pi * k / count), -radius * cos(2 * pi * k / count)) for k in range(count)
    ]


def arrow(x: Field, y: Field) -> Field:
    """A shaft with a head at one end."""
    corners = [
        (0, -1), (0.7, -0.2), (0.27, -0.2), (0.27, 0.95), (-0.27, 0.95), (-0.27, -0.2), (-0.7, -0.2)
    ]  # fmt: skip
    return _polygon(x, y, corners)


def crescent(x: Field, y: Field) -> Field:
    """A disc with a smaller disc taken out of its side."""
    distance: Field = np.maximum(_length(x, y) - 1, 0.78 - _length(x - 0.5, y))
    return distance


def cross(x: Field, y: Field) -> Field:
    """Two bars at right angles."""
    return np.minimum(_box(x, y, 0.95, 0.28), _box(x, y, 0.28, 0.95))


def disc(x: Field, y: Field) -> Field:
    """A filled circle."""
    return _length(x, y) - 0.85


def heart(x: Field, y: Field) -> Field:
    """Two discs and the point below them."""
    lobes = np.minimum(_length(x - 0.42, y + 0.3), _length(x + 0.42, y + 0.3)) - 0.5
    point = _polygon(x, y, [(-0.85, -0.04), (0, -0.5), (0.85, -0.04), (0, 0.98)])
    return np.minimum(lobes, point)


def ring(x: Field, y: Field) -> Field:
    """A circle with an empty middle."""
    distance: Field = np.abs(_length(x, y) - 0.72) - 0.2
    return distance


def square(x: Field, y: Field) -> Field:
    """A filled square."""
    return _box(x, y, 0.7, 0.7)


def star(x: Field, y: Field) -> Field:
    """Five points."""
    outer, inner = _regular(5, 1.0), _regular(5, -0.42)
    # The inner corners lie opposite the outer ones: point k is followed by inner corner k + 3.
    corners = [p for k in range(5) for p in (outer[k], inner[(k + 3) % 5])]
    return _polygon(x, y, corners)


def stripes(x: Field, y: Field) -> Field:
    """Two parallel bars."""
    folded: Field = np.abs(x) - np.float32(0.45)
    return _box(folded, y, 0.22, 0.75)


def triangle(x: Field, y: Field) -> Field:
    """Three equal sides."""
    return _polygon(x, y, [(0, -1), (sqrt(3) / 2, 0.5), (-sqrt(3) / 2, 0.5)])


FIGURES: dict[str, Callable[[Field, Field], Field]] = {
    figure.__name__: figure
    for figure in (arrow, crescent, cross, disc, heart, ring, square, star, stripes, triangle)
}
