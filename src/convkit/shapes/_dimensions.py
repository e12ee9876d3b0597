"""One number for every dimension: how ints and tuples are read, checked and spread."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from convkit.errors import ShapeError
from convkit.shapes._terms import repeated

if TYPE_CHECKING:
    from collections.abc import Callable

Size = int | tuple[int, ...]
Padding = int | str | tuple[int | tuple[int, int], ...]

_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def whole(name: str, value: object, least: int) -> int:
    """Take a whole number that is not below `least`.

    Raises:
        ShapeError: If it is no whole number, or too small.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        value = _index(name, value)
    if value < least:
        raise ShapeError(f"{name} must be at least {least}, got {value}")
    return value


def _index(name: str, value: object) -> int:
    """The int behind NumPy's and PyTorch's integers; floats, truth values and texts are refused."""
    if not isinstance(value, bool):
        try:
            return operator.index(value)  # type: ignore[arg-type]  # the TypeError is the answer
        except TypeError:
            pass
    nearest = f": {value:.0f} would do" if isinstance(value, float) and value.is_integer() else ""
    raise ShapeError(f"{name} must be a whole number, got {value!r}{nearest}")


def dimension_names(count: int) -> tuple[str, ...]:
    """What the dimensions of an input of `count` spatial dimensions are called."""
    return _NAMES.get(count) or tuple(f"dimension {i}" for i in range(count))


def dimension_number(dimensions: object) -> int:
    """Check how many spatial dimensions an int stands for: 1, 2 or 3.

    Raises:
        ShapeError: If it is another number.
    """
    number = whole("dimensions", dimensions, 1)
    if number > 3:
        raise ShapeError(f"dimensions must be 1, 2 or 3, got {number}")
    return number


def dimension_count(arguments: dict[str, Any]) -> int | None:
    """How many dimensions the tuples among the arguments have; None when there is no tuple.

    Raises:
        ShapeError: If two of them disagree, or one is empty.
    """
    count, first = None, ""
    for name, value in arguments.items():
        if not isinstance(value, (tuple, list)):
            continue
        if count is None:
            count, first = len(value), name
        elif len(value) != count:
            raise ShapeError(
                f"{first}={_shown(arguments[first])} has {_dimensions(count)} but "
                f"{name}={_shown(value)} has {_dimensions(len(value))}: give both as many"
            )
    if count == 0:
        raise ShapeError(f"{first} must hold a number for each dimension, got an empty tuple")
    return count


def spread(name: str, value: Any, count: int) -> tuple[Any, ...]:
    """The value for each of `count` dimensions."""
    if not isinstance(value, (tuple, list)):
        return repeated(value, count)
    if len(value) != count:
        raise ShapeError(f"{name}={_shown(value)} has {len(value)} of {_dimensions(count)}")
    return tuple(value)


def per_dimension(rule: Callable[..., Any], **arguments: Any) -> Any:
    """Apply the rule of one dimension to every dimension.

    The rule takes the arguments in the order in which they are given here; their names are for
    errors. Numbers alone give a number; as soon as one argument is a tuple, the result is a tuple
    and single numbers count for every dimension. (A single pair of paddings, `((1, 2),)`, beside
    numbers is one dimension and gives a number.)

    Raises:
        ShapeError: What the rule raises, with the name of the dimension in front.
    """
    count = dimension_count(arguments)
    if count is None:
        return rule(*arguments.values())
    columns = [spread(name, value, count) for name, value in arguments.items()]
    results = []
    for i, values in enumerate(zip(*columns, strict=True)):
        try:
            results.append(rule(*values))
        except ShapeError as error:
            if count == 1:
                raise
            raise ShapeError(f"{dimension_names(count)[i]}: {error}") from None
    single = count == 1 and not isinstance(next(iter(arguments.values())), (tuple, list))
    return results[0] if single else tuple(results)


def _dimensions(count: int) -> str:
    return "1 dimension" if count == 1 else f"{count} dimensions"


def _shown(value: Any) -> str:
    """A tuple as it was written, long ones cut."""
    text = repr(tuple(value))
    return text if len(text) <= 60 else text[:57] + "..."
