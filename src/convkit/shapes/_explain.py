"""Worked explanations: the formula, the numbers put in, the result."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from convkit._escaping import latex_text
from convkit._tables import Shown, Table
from convkit.errors import ShapeError
from convkit.shapes._described import DESCRIPTIONS, Symbols
from convkit.shapes._expressions import symbol_in_latex
from convkit.shapes._terms import Step, Trace, leaves, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from convkit.shapes._expressions import Style

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an explained call: its symbol (empty when it is no number), name and value."""

    symbol: str
    name: str
    value: Any

    def __str__(self) -> str:
        symbol = f"{self.symbol} = " if self.symbol else ""
        return f"{symbol}{self.name} = {_cut(self.value)}"


@dataclass(frozen=True, slots=True)
class Explanation(Shown):
    r"""A call of one of the functions of `convkit.shapes`, worked out.

    `print(explanation)` writes it for the terminal.

    Args:
        call: The call as it is written in Python.
        result: What the function returns.
        arguments: Every argument with its symbol, defaults included.
        steps: The lines of the calculation, in the order in which they were made.

    Examples:
        >>> from convkit import shapes
        >>> explanation = shapes.explain(shapes.conv_output, 512, kernel_size=9)
        >>> explanation.call, explanation.result
        ('conv_output(512, kernel_size=9)', 504)
        >>> print(explanation.to_latex().splitlines()[0])
        \texttt{conv\_output(512, kernel\_size=9)} with $I = 512$, $K = 9$, $S = 1$, $P = 0$, ...
    """

    call: str
    result: Any
    arguments: tuple[Argument, ...]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        blocks = [f"{self.call} = {_cut(self.result)}", "\n".join(map(str, self.arguments))]
        for step in self.steps:
            if step.remark:
                blocks.append(step.remark)
                continue
            first, *others = _sides(step, "text")
            margin = " " * len(step.symbol)
            lines = [f"{step.symbol} = {first}", *(f"{margin} = {side}" for side in others)]
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    def to_markdown(self) -> str:
        """Write two Markdown tables, the arguments and the calculation, below the call."""
        arguments = tuple((a.symbol, a.name, _cut(a.value)) for a in self.arguments)
        blocks = [
            f"`{self.call}` = **{_cut(self.result)}**",
            Table(("symbol", "argument", "value"), arguments).to_markdown(),
        ]
        for remarks, steps in groupby(self.steps, key=lambda step: bool(step.remark)):
            if remarks:
                blocks += [step.remark for step in steps]
                continue
            rows = tuple((s.symbol, *_formulas(s, "text"), str(s.value)) for s in steps)
            header = ("quantity", "formula", "numbers put in", "result")
            blocks.append(Table(header, rows).to_markdown())
        return "\n\n".join(blocks)

    def to_latex(self) -> str:
        r"""Write `align*` environments (package amsmath), the arguments in front."""
        given = ", ".join(
            f"${symbol_in_latex(a.symbol)} = {latex_text(_cut(a.value))}$"
            if a.symbol and "," not in a.symbol
            else latex_text(a)
            for a in self.arguments
        )
        blocks = [rf"\texttt{{{latex_text(self.call)}}} with {given}:"]
        for remarks, steps in groupby(self.steps, key=lambda step: bool(step.remark)):
            if remarks:
                blocks += [latex_text(step.remark) for step in steps]
                continue
            lines = " \\\\\n".join(_aligned(step) for step in steps)
            blocks.append(f"\\begin{{align*}}\n{lines}\n\\end{{align*}}")
        return "\n".join(blocks)


def explain(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Work out a call of one of the functions of `convkit.shapes`.

    The function itself is run, with numbers that remember their formula: what is explained is what
    was computed.

    Args:
        function: A public function of this module, such as `conv_output`.
        args: Its arguments.
        kwargs: Its keyword arguments.

    Returns:
        An `Explanation`; `.result` is what the function returns. (Of `explain_convolution`, which
        explains by itself, its own result.)

    Raises:
        ShapeError: What the function raises; or that it is none of this module's.
        TypeError: If the arguments are not the function's.

    Examples:
        >>> from convkit.shapes import conv_output
        >>> print(explain(conv_output, 512, kernel_size=9))
        conv_output(512, kernel_size=9) = 504
        <BLANKLINE>
        I = size = 512
        K = kernel_size = 9
        S = stride = 1
        P = padding = 0
        D = dilation = 1
        <BLANKLINE>
        O = floor((I + 2*P - D*(K - 1) - 1) / S) + 1
          = floor((512 + 2*0 - 1*(9 - 1) - 1) / 1) + 1
          = 504
    """
    symbols = DESCRIPTIONS.get(function)
    if symbols is None:
        known = ", ".join(sorted(f.__name__ for f in DESCRIPTIONS))
        raise ShapeError(f"explain takes the functions of convkit.shapes ({known}), got {function}")
    if not symbols:
        return function(*args, **kwargs)
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    if hasattr(bound.arguments.get("rows"), "__next__"):  # an iterator can be read only once
        bound.arguments["rows"] = list(bound.arguments["rows"])
    trace = Trace()
    arguments = tuple(_argument(symbols, *item) for item in bound.arguments.items())
    for name, value in bound.arguments.items():
        bound.arguments[name] = _traced(symbols.get(name), value, trace)
    result = plain(function(*bound.args, **bound.kwargs))
    return Explanation(_call(function, args, kwargs), result, arguments, tuple(trace.steps))


def _argument(symbols: Symbols, name: str, value: Any) -> Argument:
    symbol = symbols.get(name, "")
    if isinstance(symbol, tuple):
        return Argument(", ".join(f"{s}_n" for s in symbol), name, value)
    number = isinstance(value, (int, float, tuple, list)) and not isinstance(value, bool)
    return Argument(symbol if number else "", name, plain(value))


def _traced(symbol: str | tuple[str, ...] | None, value: Any, trace: Trace) -> Any:
    """An argument whose ints remember their symbol."""
    if symbol is None:
        return value
    if isinstance(symbol, str):
        return leaves(symbol, value, trace)
    if not hasattr(value, "__iter__"):
        return value
    return [
        tuple(
            leaves(f"{s}_{number}", item, trace)
            for s, item in zip(symbol, row, strict=False)  # the last columns may be left out
        )
        if isinstance(row, (tuple, list)) and len(row) <= len(symbol)
        else row
        for number, row in enumerate(value, start=1)
    ]


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    shown = [*map(_cut, args), *(f"{name}={_cut(value, repr)}" for name, value in kwargs.items())]
    return f"{function.__name__}({', '.join(shown)})"


def _cut(value: Any, written: Callable[[Any], str] = str) -> str:
    """A value as text; a very long one is cut."""
    text = written(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _formulas(step: Step, style: Style) -> tuple[str, str]:
    """The formula of a step with symbols, and with numbers."""
    if step.expression is None:
        return "", ""
    return (
        step.expression.written(style, numbers=False),
        step.expression.written(style, numbers=True),
    )


def _sides(step: Step, style: Style) -> list[str]:
    """What a step's quantity equals, one after the other, none twice."""
    return list(dict.fromkeys([*_formulas(step, style), str(step.value)]))


def _aligned(step: Step) -> str:
    """The lines of one step in an `align*` environment."""
    first, *others = _sides(step, "latex")
    lines = [f"{symbol_in_latex(step.symbol)} &= {first}", *(f"&= {side}" for side in others)]
    return " \\\\\n".join(lines)
