"""What is the mean of the weights over the last steps? It often answers better than any of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class WeightAverage:
    """Exponential mean of weights and buffers over the optimizer steps, without start-up bias.

    With `w_i` the weights after step i, the mean after step t is

        sum of b**(t - i) * w_i  over i = 1 to t,  divided by the sum of b**(t - i)

    and so moves towards `w_t` by the share `(1 - b) / (1 - b**t)` at each step. Buffers that are
    whole numbers, such as the batches that a batch norm has seen, are those of the last step.

    Args:
        model: The network; it keeps the same parameters and buffers while this is in use.
        decay: The weight b of the past.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        named = model.state_dict(keep_vars=True)
        self._live = {name: value for name, value in named.items() if isinstance(value, Tensor)}
        # A tensor that has two names is one weight, with one mean.
        self._means = {id(tensor): tensor.detach().clone() for tensor in self._live.values()}
        unique = {id(tensor): tensor for tensor in self._live.values()}
        floats = [key for key, tensor in unique.items() if tensor.is_floating_point()]
        self._averaged = [unique[key] for key in floats]
        self._moving = [self._means[key] for key in floats]
        self._pairs = [(tensor, self._means[key]) for key, tensor in unique.items()]
        self._counted = [pair for pair in self._pairs if not pair[0].is_floating_point()]
        self._decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights after one more step."""
        self.steps += 1
        share = (1 - self._decay) / (1 - self._decay**self.steps)
        torch._foreach_lerp_(self._moving, self._averaged, share)
        for tensor, mean in self._counted:
            mean.copy_(tensor)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The mean is in the network while inside; the weights that are trained come back."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for tensor, mean in self._pairs:
            kept = tensor.detach().clone()
            tensor.copy_(mean)
            mean.copy_(kept)

    @torch.no_grad()
    def give(self) -> None:
        """Put the mean into the network."""
        for tensor, mean in self._pairs:
            tensor.copy_(mean)

    @torch.no_grad()
    def go_on_from_network(self) -> None:
        """Take the network's present weights for the mean so far."""
        for tensor, mean in self._pairs:
            mean.copy_(tensor)

    def state_dict(self) -> dict[str, Any]:
        """Steps so far, and the mean by the names of the network's own state."""
        weights = {name: self._means[id(tensor)] for name, tensor in self._live.items()}
        return {"steps": self.steps, "weights": weights}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`."""
        self.steps = state["steps"]
        for name, tensor in self._live.items():
            self._means[id(tensor)].copy_(state["weights"][name])
