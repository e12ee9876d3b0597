"""Which symbols the formulas of a public function use: what `explain` looks up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")
# The symbol of an argument that is a number or a tuple; for rows of numbers, one per column.
Symbols = dict[str, str | tuple[str, ...]]

DESCRIPTIONS: dict[Callable[..., Any], Symbols] = {}


def described(**symbols: str | tuple[str, ...]) -> Callable[[Function], Function]:
    """Make a function known to `explain`; the function itself stays as it is.

    A function without symbols explains by itself.
    """

    def register(function: Function) -> Function:
        DESCRIPTIONS[function] = symbols
        return function

    return register
