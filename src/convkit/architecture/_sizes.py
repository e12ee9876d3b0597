"""Sizes, counts and shapes as rows take them: in one spelling, refused where no layer has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from convkit.architecture._row import Shape

Size = int | tuple[int, ...]
"""One number for every direction, or one for each: `(height, width)`."""


def spread(value: Size, count: int) -> tuple[int, ...]:
    """One number for each of `count` directions."""
    return value if isinstance(value, tuple) else (value,) * count


def tidy_size(value: Size) -> Size:
    """Lists to tuples, and a tuple of equal numbers to that number: (3, 3) and 3 are the same."""
    if isinstance(value, int) or value is None:
        return value
    numbers = tuple(value)
    # Equal pairs, as ((1, 2), (1, 2)), are no number: whoever asks for sizes refuses them.
    alike = all(isinstance(n, int) for n in numbers) and len(set(numbers)) == 1
    return numbers[0] if alike else numbers


def require_sizes(name: str, value: object, *, least: int = 1) -> None:
    """Refuse anything but an int, or a tuple of one to three ints, of at least `least`."""
    numbers = value if isinstance(value, tuple) else (value,)
    fits = 1 <= len(numbers) <= 3 and all(
        isinstance(n, int) and not isinstance(n, bool) and n >= least for n in numbers
    )
    if not fits:
        raise ArchitectureError(
            f"{name} must be an integer of at least {least}, or a tuple (height, width) of them; "
            f"got {value!r}"
        )


def require_image(kind: str, input_shape: Shape) -> tuple[int, tuple[int, ...]]:
    """Channels and sizes of what arrives, which must be maps and not a vector."""
    if len(input_shape) < 2:
        raise ArchitectureError(
            f"{kind} needs maps (channels, height, width), but a vector of "
            f"{input_shape[0]} features arrives; put it before the flatten row"
        )
    return input_shape[0], input_shape[1:]


def require_count(name: str, value: object) -> None:
    """Refuse anything but a positive integer."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArchitectureError(f"{name} must be a positive integer; got {value!r}")
