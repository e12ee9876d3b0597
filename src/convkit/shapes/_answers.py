"""Answers of the solvers: listed, combined over dimensions, and what to say when there is none."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from convkit.errors import ShapeError
from convkit.shapes._conv import conv_output_along
from convkit.shapes._dimensions import per_dimension, whole
from convkit.shapes._terms import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Answers = tuple[int, ...]

_MOST_ANSWERS = 1_000_000


def known_sizes(size: Any, output_size: Any, stride: Any) -> tuple[int, int, int]:
    """The known sizes and the stride, checked."""
    return (
        whole("size", size, 1),
        whole("output_size", output_size, 1),
        whole("stride", stride, 1),
    )


def fixed_padding(padding: Any) -> Any:
    """Padding that does not depend on what is looked for."""
    if padding == "same":
        raise ShapeError(
            'padding="same" keeps every size at stride 1 with every kernel_size, '
            "so there is nothing to solve: give the padding as a number"
        )
    return padding


def between(symbol: str, least: int, most: int) -> range:
    """The whole numbers between two bounds, both included.

    Raises:
        ShapeError: If they are too many to be listed.
    """
    low, high = int(named(f"{symbol}_min", least)), int(named(f"{symbol}_max", most))
    _check_number(high - low + 1, f": every number from {low} to {high}")
    return range(low, high + 1)


def _check_number(answers: int, which: str = "") -> None:
    if answers > _MOST_ANSWERS:
        raise ShapeError(
            f"{answers} answers are more than the {_MOST_ANSWERS} that are listed{which}"
        )


def every_answer(rule: Callable[..., Any], **arguments: Any) -> Any:
    """Every answer of one dimension, or every combination of those of several."""
    answers = per_dimension(rule, **arguments)
    if isinstance(answers, range):
        return tuple(answers)
    _check_number(prod(map(len, answers)))
    return tuple(product(*answers))


def no_answer(
    unknown: str, candidates: Iterable[int], size: int, output: int, given: dict[str, Any]
) -> ShapeError:
    """What to say when nothing gives the output: what the nearest values give."""
    nearest = []
    for value in dict.fromkeys(map(int, candidates)):
        layer = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
        try:
            result = conv_output_along(int(size), **{**layer, **given, unknown: value})
        except ShapeError:
            continue
        nearest.append(f"{unknown}={value} gives {int(result)}")
    stated = ", ".join(f"{name}={value}" for name, value in given.items())
    return ShapeError(
        f"no {unknown} gives output_size={output} from size={size} with {stated}: "
        f"{', '.join(nearest) or 'the kernel never fits'}"
    )
