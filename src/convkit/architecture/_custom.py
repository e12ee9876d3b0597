"""A module of the user's own as a row."""

from __future__ import annotations

import copy
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from convkit.architecture._counts import Counts
from convkit.architecture._row import Row, Shape, Stated
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn


@dataclass(frozen=True, slots=True, repr=False)
class Custom(Row):
    """A module of the user's own, as one row.

    Args:
        name: Name of its module.
        module: An `nn.Module`, copied each time a network is built, or a function without
            arguments that makes one (a class will do).
        output_shape: The shape that leaves it, or a function from the shape that arrives; None
            when the module leaves the shape as it is.
        parameters: Its number of parameters; None to count those of the module.
        macs: Its MACs for one image; None to count them by running the module.
        stated: What a table says beside the layer.

    Examples:
        >>> Custom("twice", None, lambda shape: (2 * shape[0], *shape[1:])).shape_after((3, 8, 8))
        (6, 8, 8)
    """

    kind: ClassVar[str] = "custom"
    prefix: ClassVar[str] = "custom"

    name: str | None
    module: nn.Module | Callable[[], nn.Module] | None
    output_shape: Shape | Callable[[Shape], Shape] | None = None
    _: KW_ONLY
    parameters: int | None = None
    macs: int | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    @override
    def shape_after(self, input_shape: Shape) -> Shape:
        if self.output_shape is None:
            return input_shape
        if callable(self.output_shape):
            return tuple(self.output_shape(input_shape))
        return tuple(self.output_shape)

    @override
    def count(self, input_shape: Shape) -> Counts:
        if self.parameters is not None and self.macs is not None:
            return Counts(weights=self.parameters, macs=self.macs)
        from convkit.architecture._summarizing import summarize

        measured = summarize(self.build(input_shape), input_shape)
        parameters = measured.parameters if self.parameters is None else self.parameters
        return Counts(weights=parameters, macs=measured.macs if self.macs is None else self.macs)

    @override
    def build(self, input_shape: Shape) -> nn.Module:
        from torch import nn

        if isinstance(self.module, nn.Module):
            return copy.deepcopy(self.module)
        if self.module is None:
            raise ArchitectureError(
                f"the row {self.name!r} has no module; give module=, a torch module or a function "
                "that makes one"
            )
        return self.module()
