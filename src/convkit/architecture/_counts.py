"""What one layer holds and does for one image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one layer holds and does for one image.

    Args:
        weights: Number of weights, a norm's scales among them.
        biases: Number of biases, a norm's shifts among them.
        macs: Multiplications with their additions in conv, transposed conv and linear layers.

    Examples:
        >>> Counts(weights=2400, biases=32).parameters
        2432
    """

    weights: int = 0
    biases: int = 0
    macs: int = 0

    @property
    def parameters(self) -> int:
        """Weights and biases together."""
        return self.weights + self.biases
