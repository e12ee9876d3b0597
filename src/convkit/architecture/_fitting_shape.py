"""An input shape that a table fits, for a table that was read off a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convkit.architecture._checking import agree
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Linear
from convkit.architecture._plan import Step, plan, require_shape
from convkit.architecture._sizes import spread
from convkit.architecture._summing import layers_of
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._row import Row, Shape

# Sizes that people train at come first; any that fits serves as well as another.
_USUAL_SIZES = (224, 32, 28, 64, 96, 128, 256, 299)
_LARGEST_SIZE = 512


def fitting_shape(architecture: Architecture) -> Shape:
    """A shape with which every layer takes in, and weighs, what the table states for it.

    Raises:
        ArchitectureError: When the table states neither, or no square image fits.
    """
    stated = architecture.rows[0].stated.input_shape
    if stated is not None and None not in stated:
        return require_shape([size for size in stated if size is not None])
    if any(_arriving(row) for row in _every(architecture.rows)):
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


def _arriving(row: Row) -> int | None:
    """The channels or features that a row says arrive, by itself or by its weights."""
    named = getattr(row, "in_channels", None) or getattr(row, "in_features", None)
    if named or row.stated.input_shape:
        return named or (row.stated.input_shape or (None,))[0]
    weights = row.stated.weights
    if not weights:
        return None
    if isinstance(row, Linear):
        return weights // row.out_features
    if isinstance(row, Conv):
        area = math.prod(spread(row.kernel_size, 2))
        return max(1, weights // (row.out_channels * area) * row.groups)
    return None


def _candidates(architecture: Architecture) -> Iterator[Shape]:
    rows = list(_every(architecture.rows))
    convs = (_arriving(row) for row in rows if isinstance(row, (Conv, ConvTranspose)))
    told = next((channels for channels in convs if channels), None)
    for size in dict.fromkeys((*_USUAL_SIZES, *range(1, _LARGEST_SIZE + 1))):
        for channels in (told,) if told else (3, 1):
            yield (channels, size, size)
    if isinstance(rows[0], Linear):
        yield (_arriving(rows[0]) or 1,)


def _fits(architecture: Architecture, shape: Shape) -> bool:
    try:
        steps = plan(architecture.rows, shape)
    except ArchitectureError:
        return False
    return all(_agrees(step) for step in layers_of(steps))


def _agrees(step: Step) -> bool:
    """Whether a layer takes in and weighs what its row states."""
    stated = step.row.stated
    return (
        stated.input_shape is None or agree(stated.input_shape, step.input_shape)
    ) and stated.weights in (None, step.row.count(step.input_shape).weights)
