"""How a table's sizes and counts come about: the calls of the calculator, explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import convkit.shapes
from convkit._tables import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._plan import Step
    from convkit.shapes import Explanation


@dataclass(frozen=True, slots=True)
class Calculation:
    """One call of a function of `convkit.shapes`.

    Args:
        function: The function.
        arguments: What it is given by position.
        settings: What it is given by name.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    settings: dict[str, Any]

    def explain(self) -> Explanation:
        """What the function says, and how it comes to that."""
        explained: Explanation = convkit.shapes.explain(
            self.function, *self.arguments, **self.settings
        )
        return explained


def settings_of(row: object, *names: str) -> dict[str, Any]:
    """Fields of a row, as the calculator takes them by the same names."""
    return {name: getattr(row, name) for name in names}


@dataclass(frozen=True, slots=True)
class ExplainedLayer(Shown):
    """One layer with the worked explanations of its size, parameters and MACs.

    Args:
        name: Its name in the network, such as `conv1`.
        explanations: One for each number that is more than a copy of what arrives.

    Examples:
        >>> from convkit import Architecture
        >>> layer = Architecture.parse("conv 8 k5").explain((3, 32, 32))[0]
        >>> layer.name, len(layer.explanations)
        ('conv1', 3)
        >>> print(layer.to_markdown().splitlines()[0])
        ### conv1
    """

    name: str
    explanations: tuple[Explanation, ...]

    def __str__(self) -> str:
        return "\n\n".join([f"{self.name}:", *map(str, self.explanations)])

    def to_markdown(self) -> str:
        """A heading and the explanations."""
        parts = (explanation.to_markdown() for explanation in self.explanations)
        return "\n\n".join([f"### {self.name}", *parts])


def explain_table(architecture: Architecture, input_shape: Sequence[int]) -> list[ExplainedLayer]:
    """The layers of a table that have something to explain, those inside blocks too."""
    from convkit.architecture._plan import plan

    found: list[ExplainedLayer] = []
    for step in plan(architecture.rows, input_shape):
        _explain(step, "", found)
    return found


def _explain(step: Step, prefix: str, found: list[ExplainedLayer]) -> None:
    name = prefix + step.name
    for way, inner in step.branches.items():
        for each in inner:
            _explain(each, f"{name}.{way}.", found)
    calculations = step.row.calculations(step.input_shape, step.output_shape)
    if calculations:
        found.append(ExplainedLayer(name, tuple(one.explain() for one in calculations)))
