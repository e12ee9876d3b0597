"""The module of a residual block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from typing_extensions import override

if TYPE_CHECKING:
    from torch import Tensor


class ResidualBlock(nn.Module):
    """What its body makes, plus what its shortcut makes of the same input.

    Args:
        body: The layers beside the shortcut.
        shortcut: The way around them; `nn.Identity()` or a projection to the body's shape.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    @override
    def forward(self, x: Tensor) -> Tensor:
        """The sum, of shape `(N, C, H, W)`."""
        result: Tensor = self.body(x) + self.shortcut(x)
        return result
