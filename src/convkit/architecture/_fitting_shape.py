"""An input shape that a table fits, for a table that was read off a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convkit.architecture._plan import plan, require_shape
from convkit.architecture._row import Row, Shape, spread
from convkit.architecture._summing import layers_of
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convkit.architecture._architecture import Architecture

# Sizes that people train at come first; any that fits serves as well as another.
_USUAL_SIZES = (224, 32, 28, 64, 96, 128, 256, 299)
_LARGEST_SIZE = 512


def fitting_shape(architecture: Architecture) -> Shape:
    """A shape with which every layer gets as many weights as the table states for it.

    Raises:
        ArchitectureError: When the table does not state its weights, or no square image fits.
    """
    stated = architecture.rows[0].stated.input_shape
    if stated is not None and None not in stated:
        return require_shape([size for size in stated if size is not None])
    if any(row.stated.weights for row in _every(architecture.rows)):
        for shape in _candidates(architecture):
            if _fits(architecture, shape):
                return shape
    raise ArchitectureError(
        "the table does not tell what arrives at its first row; give input_shape, such as "
        "(3, 32, 32)"
    )


def _every(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, and those inside them."""
    for row in rows:
        yield row
        yield from _every(getattr(row, "rows", ()))


def _candidates(architecture: Architecture) -> Iterator[Shape]:
    channels = _channels(architecture)
    for size in dict.fromkeys((*_USUAL_SIZES, *range(1, _LARGEST_SIZE + 1))):
        for count in channels:
            yield (count, size, size)
    first = next(_every(architecture.rows))
    if first.stated.weights and hasattr(first, "out_features"):
        yield (first.stated.weights // first.out_features,)


def _channels(architecture: Architecture) -> tuple[int, ...]:
    """The channels that the weights of the first convolution tell; else colour or grey."""
    for row in _every(architecture.rows):
        if row.stated.weights and hasattr(row, "kernel_size") and hasattr(row, "out_channels"):
            filters = row.out_channels * math.prod(spread(row.kernel_size, 2))
            return (max(1, row.stated.weights // filters * getattr(row, "groups", 1)),)
    return (3, 1)


def _fits(architecture: Architecture, shape: Shape) -> bool:
    try:
        steps = plan(architecture.rows, shape)
    except ArchitectureError:
        return False
    return all(
        step.row.stated.weights in (None, step.row.count(step.input_shape).weights)
        for step in layers_of(steps)
    )
