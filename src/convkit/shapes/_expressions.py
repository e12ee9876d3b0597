"""Formulas as small trees, written with symbols or with numbers, as plain text or LaTeX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Style = Literal["text", "latex"]
Operator = Literal["+", "-", "*", "/", "floor", "ceil", "floor product", "max", "min"]

# How strongly a formula holds together: a part that does so more weakly is set in brackets.
_STRENGTH = {"+": 1.0, "-": 1.0, "/": 1.5, "*": 2.0}
_WHOLE = 4.0
_LATEX_ROUNDING = {
    "floor": (r"\left\lfloor ", r" \right\rfloor"),
    "ceil": (r"\left\lceil ", r" \right\rceil"),
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number: a named one where it has a symbol, else a constant."""

    value: int | float
    symbol: str = ""

    def written(self, style: Style, *, numbers: bool) -> str:
        """The symbol, or the number in its place."""
        if numbers or not self.symbol:
            return str(self.value)
        return symbol_in_latex(self.symbol) if style == "latex" else self.symbol

    def strength(self, style: Style, *, numbers: bool) -> float:
        """A negative number is set in brackets everywhere."""
        del style
        return 0 if self.value < 0 and (numbers or not self.symbol) else _WHOLE


@dataclass(frozen=True, slots=True)
class Operation:
    """Two formulas and what is done with them."""

    operator: Operator
    left: Expression
    right: Expression

    def written(self, style: Style, *, numbers: bool) -> str:
        """The whole formula, with no more brackets than it needs."""
        if self.operator in {"max", "min"}:
            left, right = (e.written(style, numbers=numbers) for e in (self.left, self.right))
            backslash = "\\" if style == "latex" else ""
            return f"{backslash}{self.operator}({left}, {right})"
        rounding, _, inner = self.operator.partition(" ")
        if rounding in _LATEX_ROUNDING:
            product = Operation("*" if inner else "/", self.left, self.right)
            text = product.written(style, numbers=numbers)
            opening, closing = _LATEX_ROUNDING[rounding]
            return f"{opening}{text}{closing}" if style == "latex" else f"{rounding}({text})"
        if self.operator == "/" and style == "latex":
            left, right = (e.written(style, numbers=numbers) for e in (self.left, self.right))
            return rf"\frac{{{left}}}{{{right}}}"
        return self._infix(style, numbers=numbers)

    def strength(self, style: Style, *, numbers: bool) -> float:
        """A fraction in LaTeX and a rounded quotient need no brackets around them."""
        del numbers
        return _WHOLE if style == "latex" and self.operator == "/" else _own(self.operator)

    def _infix(self, style: Style, *, numbers: bool) -> str:
        own = _own(self.operator)
        left = _within(self.left, own, style, numbers=numbers)
        # What stands behind a minus or a division keeps its brackets.
        behind = own + (self.operator in {"-", "/"})
        right = _within(self.right, behind, style, numbers=numbers)
        if self.operator == "*":
            return rf"{left} \cdot {right}" if style == "latex" else f"{left}*{right}"
        return f"{left} {self.operator} {right}"


Expression = Leaf | Operation


def _own(operator: str) -> float:
    return _STRENGTH.get(operator, _WHOLE)


def _within(expression: Expression, strength: float, style: Style, *, numbers: bool) -> str:
    """A part of a formula, in brackets when it holds together more weakly than its place."""
    text = expression.written(style, numbers=numbers)
    if expression.strength(style, numbers=numbers) >= strength:
        return text
    return rf"\left({text}\right)" if style == "latex" else f"({text})"


def symbol_in_latex(symbol: str) -> str:
    r"""A symbol with its index set below: `P_before,h` is `P_{\text{before},h}`.

    Examples:
        >>> print(symbol_in_latex("C_in"))
        C_{\text{in}}
    """
    base, _, index = symbol.partition("_")
    parts = [_word_in_latex(part) for part in index.split(",") if part]
    return _word_in_latex(base) + (f"_{{{','.join(parts)}}}" if parts else "")


def _word_in_latex(word: str) -> str:
    """A word set upright; one letter is a variable."""
    return word if len(word) == 1 else rf"\text{{{word}}}"
