"""Whole numbers that remember how they came about.

A function of this room is written once, for ints. `explain` calls it with `Term`s, which are ints
too and behave as such, but keep the formula behind their value; so an explanation shows what the
function really computed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from convkit.shapes._expressions import Expression, Leaf, Operation, Operator

Number = int | float | Fraction

_LETTERS = {2: "hw", 3: "dhw"}
_ACROSS = "*"  # the index of what was computed from several dimensions


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a calculation: a quantity with its formula, or a remark in words."""

    symbol: str
    expression: Expression | None
    value: Number
    remark: str = ""


@dataclass(slots=True)
class Trace:
    """The steps of one calculation, in the order in which they were made."""

    steps: list[Step] = field(default_factory=list)


class Term(int):
    """An int with the formula behind it."""

    expression: Expression
    trace: Trace
    index: str

    def __new__(cls, value: int, expression: Expression, trace: Trace, index: str = "") -> Term:
        """Make a term; `index` names its dimension, such as "h"."""
        term = super().__new__(cls, value)
        term.expression, term.trace, term.index = expression, trace, index
        return term

    def __add__(self, other: int) -> Term:
        return _combined("+", self, other, int(self) + int(other))

    def __radd__(self, other: int) -> Term:
        return _combined("+", other, self, int(other) + int(self))

    def __sub__(self, other: int) -> Term:
        return _combined("-", self, other, int(self) - int(other))

    def __rsub__(self, other: int) -> Term:
        return _combined("-", other, self, int(other) - int(self))

    def __mul__(self, other: int) -> Term:
        return _combined("*", self, other, int(self) * int(other))

    def __rmul__(self, other: int) -> Term:
        # A product that begins with a plain 1, as math.prod does, need not show it.
        plain_one = type(other) is int and other == 1
        return self if plain_one else _combined("*", other, self, int(other) * int(self))

    def __floordiv__(self, other: int) -> Term:
        return _combined("floor", self, other, int(self) // int(other))

    def __rfloordiv__(self, other: int) -> Term:
        return _combined("floor", other, self, int(other) // int(self))


def _combined(operator: Operator, left: int, right: int, value: int) -> Term:
    """The term of two numbers, of which one at least is a term."""
    terms = [number for number in (left, right) if isinstance(number, Term)]
    indices = {term.index for term in terms if term.index}
    index = _ACROSS if len(indices) > 1 else "".join(indices)
    expression = Operation(operator, _expression(left), _expression(right))
    return Term(value, expression, terms[0].trace, index)


def _expression(number: int) -> Expression:
    return number.expression if isinstance(number, Term) else Leaf(int(number))


def ceiling(numerator: int, denominator: int) -> int:
    """The quotient, rounded up.

    Examples:
        >>> ceiling(7, 2), ceiling(-7, 2)
        (4, -3)
    """
    quotient = -(-int(numerator) // int(denominator))
    if isinstance(numerator, Term) or isinstance(denominator, Term):
        return _combined("ceil", numerator, denominator, quotient)
    return quotient


def larger(left: int, right: int) -> int:
    """The larger of two numbers: max, which a formula would not remember.

    Examples:
        >>> larger(2, 3)
        3
    """
    if isinstance(left, Term) or isinstance(right, Term):
        return _combined("max", left, right, max(int(left), int(right)))
    return max(left, right)


def smaller(left: int, right: int) -> int:
    """The smaller of two numbers: min, which a formula would not remember.

    Examples:
        >>> smaller(2, 3)
        2
    """
    if isinstance(left, Term) or isinstance(right, Term):
        return _combined("min", left, right, min(int(left), int(right)))
    return min(left, right)


def divided(numerator: int, denominator: int) -> int:
    """The quotient of numbers of which one divides the other.

    Examples:
        >>> divided(64, 4)
        16
    """
    quotient = int(numerator) // int(denominator)
    if isinstance(numerator, Term) or isinstance(denominator, Term):
        return _combined("/", numerator, denominator, quotient)
    return quotient


def scaled(number: int, factor: int | float) -> int:
    """The product, rounded down; with a float factor in double precision, as PyTorch does it.

    Examples:
        >>> scaled(10, 1.55), scaled(10, 3)
        (15, 30)
    """
    if isinstance(factor, int) or number >= 2**53:  # PyTorch has no maps that large
        product = int(int(number) * Fraction(factor))
    else:
        product = int(float(number) * factor)
    if not isinstance(number, Term):
        return product
    right = factor.expression if isinstance(factor, Term) else Leaf(factor, "F")
    expression = Operation("floor product", number.expression, right)
    return Term(product, expression, number.trace, number.index)


def halved(symbol: str, number: int) -> Number:
    """Half of a number, exact: an int where it is one, else a float (a Fraction beyond 2**53).

    Examples:
        >>> halved("start", 6), halved("start", 7)
        (3, 3.5)
    """
    twice = int(number)
    half: Number = twice // 2 if twice % 2 == 0 else twice / 2
    if twice % 2 and abs(twice) >= 2**53:
        half = Fraction(twice, 2)
    if isinstance(number, Term):
        expression = Operation("/", number.expression, Leaf(2))
        number.trace.steps.append(Step(_indexed(symbol, number.index), expression, half))
    return half


def named(symbol: str, number: int) -> int:
    """Give an intermediate result a name: an explanation shows it as a line of its own."""
    if not isinstance(number, Term):
        return number
    symbol = _indexed(symbol, number.index)
    number.trace.steps.append(Step(symbol, number.expression, int(number)))
    return Term(int(number), Leaf(int(number), symbol), number.trace, number.index)


def remarked(number: int, remark: str) -> None:
    """Put a sentence between the lines of an explanation."""
    if isinstance(number, Term):
        number.trace.steps.append(Step("", None, int(number), remark))


def _indexed(symbol: str, index: str) -> str:
    """The symbol with the index of its dimension: "O" and "h" give "O_h"."""
    if index in {"", _ACROSS}:
        return symbol
    return f"{symbol},{index}" if "_" in symbol else f"{symbol}_{index}"


def leaves(symbol: str, value: Any, trace: Trace) -> Any:
    """The ints of an argument as terms, those of a tuple with the index of their dimension."""
    if isinstance(value, bool) or not isinstance(value, (int, tuple, list)):
        return value
    if isinstance(value, int):
        return Term(value, Leaf(int(value), symbol), trace)
    return tuple(_leaf(symbol, item, trace, _letter(i, len(value))) for i, item in enumerate(value))


def repeated(value: Any, count: int) -> tuple[Any, ...]:
    """The value for each of `count` dimensions; what is computed from a term gets their index."""
    if not isinstance(value, Term):
        return (value,) * count
    return tuple(
        Term(int(value), value.expression, value.trace, _letter(i, count)) for i in range(count)
    )


def _letter(dimension: int, count: int) -> str:
    """The index of one of `count` dimensions."""
    if count in _LETTERS:
        return _LETTERS[count][dimension]
    return str(dimension) if count > 1 else ""


def _leaf(symbol: str, item: Any, trace: Trace, index: str) -> Any:
    """One dimension of an argument: a number, or a pair (before, after)."""
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return tuple(
            _leaf(f"{symbol}_{side}", part, trace, index)
            for side, part in zip(("before", "after"), item, strict=True)
        )
    if isinstance(item, bool) or not isinstance(item, int):
        return item
    return Term(item, Leaf(int(item), _indexed(symbol, index)), trace, index)


def plain(value: Any) -> Any:
    """The same without memory: terms as the ints that they are."""
    if isinstance(value, Term):
        return int(value)
    if type(value) is tuple:
        return tuple(map(plain, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
