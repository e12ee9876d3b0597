"""What did the one-batch check find?"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from convkit._tables import Shown

if TYPE_CHECKING:
    from convkit.training._overfit_layers import LayerCheck


@dataclass(frozen=True, slots=True)
class OverfitCheck(Shown):
    """Whether a network can learn one batch by heart; made by `overfit_batch`.

    Args:
        passed: Whether it learned every label of the batch, with a loss below the goal.
        first_loss: The mean loss of the batch before the first step.
        expected_first_loss: ln C, the loss of a network that gives its C classes equal chances.
        steps: Optimizer steps taken.
        losses: The mean loss before the first step and after each step.
        goal: The loss that had to be reached, 0.05 ln C.
        accuracy: The share of the batch whose label is the network's answer in the end.
        classes: Outputs of the network.
        samples: Images in the batch.
        layers: What was measured of each layer, in the order of the forward pass.
        advice: What to look at, in sentences; empty when nothing was noticed.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit.training import overfit_batch
        >>> batch = torch.eye(4).reshape(4, 1, 2, 2), torch.arange(4)
        >>> check = overfit_batch(nn.Sequential(nn.Flatten(), nn.Linear(4, 4)), batch, lr=0.3)
        >>> check.passed, check.last_loss < check.goal, check.first_troubled_layer
        (True, True, None)
    """

    passed: bool
    _: KW_ONLY
    first_loss: float
    expected_first_loss: float
    steps: int
    losses: tuple[float, ...]
    goal: float
    accuracy: float
    classes: int
    samples: int
    layers: tuple[LayerCheck, ...]
    advice: tuple[str, ...]

    @property
    def last_loss(self) -> float:
        """The mean loss after the last step."""
        return self.losses[-1]

    @property
    def first_troubled_layer(self) -> LayerCheck | None:
        """The first layer that is dead, vanishing or exploding; None when all are sound."""
        return next((layer for layer in self.layers if layer.state != "sound"), None)

    def plot(self, **options: Any) -> Any:
        """Draw the loss by step, beside ln C and the goal.

        Args:
            **options: Of `convkit.plots.lines`, such as `title="model 1"`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import lines

        count = len(self.losses)
        curves = {
            "loss of the batch": self.losses,
            f"ln {self.classes}": [self.expected_first_loss] * count,
            "goal": [self.goal] * count,
        }
        given = {"places": range(count), "across": "step", "label": "loss", **options}
        return lines(curves, **given)

    def __str__(self) -> str:
        right = round(self.accuracy * self.samples)
        verdict = "passed" if self.passed else "FAILED"
        summary = (
            f"One-batch check {verdict}: {right} of {self.samples} labels learned by heart in "
            f"{self.steps} steps, loss {self.first_loss:.4f} -> {self.last_loss:.4f} "
            f"(goal {self.goal:.4f}).\n"
            f"First loss {self.first_loss:.4f}; equal chances for {self.classes} classes give "
            f"ln {self.classes} = {self.expected_first_loss:.4f}."
        )
        if self.first_troubled_layer is None:
            summary += "\nThe gradient of every layer is sound."
        return "\n".join([summary, *(f"- {sentence}" for sentence in self.advice)])
