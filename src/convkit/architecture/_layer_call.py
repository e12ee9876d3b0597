"""A layer of torch.nn as the call that makes it: one truth for the network and for its source."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from convkit._tables import Shown

if TYPE_CHECKING:
    from torch import nn

Argument = int | float | bool | str | tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class LayerCall(Shown):
    """The class of a layer in `torch.nn`, and what it is called with.

    Args:
        name: The class, such as `"Conv2d"`.
        arguments: The arguments that have no name in the call.
        keywords: Those that have one.

    Examples:
        >>> print(LayerCall("Conv2d", (3, 32), {"kernel_size": 5}))
        nn.Conv2d(3, 32, kernel_size=5)
    """

    name: str
    arguments: tuple[Argument, ...]
    keywords: dict[str, Argument]

    def build(self) -> nn.Module:
        """Make the layer."""
        from torch import nn

        layer: nn.Module = getattr(nn, self.name)(*self.arguments, **self.keywords)
        return layer

    def __str__(self) -> str:
        written = [repr(argument) for argument in self.arguments]
        written += [f"{name}={value!r}" for name, value in self.keywords.items()]
        return f"nn.{self.name}({', '.join(written)})"


def call(name: str, *arguments: Argument, **keywords: Argument) -> LayerCall:
    """A call with these arguments."""
    return LayerCall(name, arguments, keywords)


def changed(row: object, *names: str) -> dict[str, Argument]:
    """Those of a row's settings that differ from their defaults, which are PyTorch's own."""
    defaults = {field.name: field.default for field in fields(row)}  # type: ignore[arg-type] # every row is a dataclass
    settings = {name: getattr(row, name) for name in names}
    return {name: value for name, value in settings.items() if value != defaults[name]}
