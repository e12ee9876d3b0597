"""An optimizer whose step through each kernel has no weak direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The polynomial a*s + b*s**3 + c*s**5, five times, takes every singular value of a matrix of norm 1
# that is not tiny to between about 0.7 and 1.2; Jordan chose it for speed, not for landing on 1.
_COEFFICIENTS, _ROUNDS = (3.4445, -4.7750, 2.0315), 5
_BETAS, _EPSILON = (0.9, 0.999), 1e-8


class Muon(Optimizer):
    """Moves conv kernels and weight matrices along their momentum made orthogonal.

    A weight W with n outputs is read as a matrix, a conv kernel (n, in, kh, kw) as n rows of its
    numbers. With gradient G: `B = m*B + (1-m)*G`, `U = (1-m)*G + m*B`, and
    `W = W - lr * (weight_decay*W + sqrt(max(1, rows/columns)) * orthogonal(U))`, where
    `orthogonal` brings all singular values of U to about 1 by five Newton-Schulz steps (Jordan and
    others, "Muon: An optimizer for hidden layers in neural networks", 2024). A gradient's few
    strong directions then no longer drown the rest, and small networks learn in fewer epochs.
    Whatever is no matrix (biases, normalisation) is moved by AdamW without weight decay.

    `torch.optim.Muon` does the same for matrices alone: it refuses conv kernels.

    Args:
        parameters: Of a network; tensors of two or more dimensions are matrices, the first
            dimension is the rows.
        lr: Learning rate of the matrices, about 0.02 whatever the network's width.
        momentum: m above, from 0 to below 1.
        weight_decay: Of the matrices; decoupled, as in AdamW.
        vector_lr: Learning rate of the rest, about that of AdamW; `lr / 10` when left out.

    Raises:
        TrainingError: When a setting lies outside its range.

    Examples:
        >>> layer = nn.Conv2d(3, 8, 3)
        >>> optimizer = Muon(layer.parameters(), lr=0.02)
        >>> [(group["lr"], len(group["params"])) for group in optimizer.param_groups]
        [(0.02, 1), (0.002, 1)]
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        vector_lr: float | None = None,
    ) -> None:
        rates = lr, lr / 10 if vector_lr is None else vector_lr
        if not 0 <= momentum < 1:
            raise TrainingError(f"Muon: momentum lies from 0 to below 1, not at {momentum}")
        if min(*rates, weight_decay) < 0:
            raise TrainingError(
                f"Muon: rates and weight decay are not negative, got lr={lr}, "
                f"vector_lr={vector_lr}, weight_decay={weight_decay}"
            )
        known = list(parameters)
        matrices = [parameter for parameter in known if parameter.ndim >= 2]
        vectors = [parameter for parameter in known if parameter.ndim < 2]
        of_matrices = {"lr": rates[0], "momentum": momentum, "weight_decay": weight_decay}
        groups: list[dict[str, Any]] = [
            {"params": matrices, "orthogonal": True, **of_matrices},
            {"params": vectors, "orthogonal": False, "lr": rates[1]},
        ]
        super().__init__([group for group in groups if group["params"]], {})

    @torch.no_grad()
    def step(  # type: ignore[override]  # torch overloads by whether there is a closure
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Move every parameter that has a gradient, one step.

        Args:
            closure: Computes the loss anew, as for any optimizer of torch.

        Returns:
            What the closure returned; None without one.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            move = _move_matrix if group["orthogonal"] else _move_vector
            for parameter in group["params"]:
                if parameter.grad is not None:
                    move(parameter, parameter.grad, self.state[parameter], group)
        return loss


def _move_matrix(
    weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
) -> None:
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    momentum = state["momentum"].lerp_(gradient, 1 - group["momentum"])
    direction = orthogonal(gradient.lerp(momentum, group["momentum"]).flatten(1))
    rows, columns = direction.shape
    weight.mul_(1 - group["lr"] * group["weight_decay"])
    scale = math.sqrt(max(1.0, rows / columns))
    weight.add_(direction.view(weight.shape).to(weight.dtype), alpha=-group["lr"] * scale)


def _move_vector(
    weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
) -> None:
    """AdamW as in Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019."""
    if not state:
        state.update(steps=0, mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
    state["steps"] += 1
    mean = state["mean"].lerp_(gradient, 1 - _BETAS[0])
    square = state["square"].lerp_(gradient.square(), 1 - _BETAS[1])
    corrected = 1 - _BETAS[0] ** state["steps"], 1 - _BETAS[1] ** state["steps"]
    deviation = (square / corrected[1]).sqrt_().add_(_EPSILON)
    weight.addcdiv_(mean, deviation, value=-group["lr"] / corrected[0])


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix with singular values near 1 and the singular vectors that it has, in float32.

    Args:
        matrix: (rows, columns).
    """
    lying = matrix.float() if matrix.shape[0] <= matrix.shape[1] else matrix.float().T
    lying = lying / lying.norm().clamp(min=1e-7)  # no singular value above 1: the rounds converge
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        gram = lying @ lying.T
        lying = torch.addmm(lying, torch.addmm(gram, gram, gram, beta=b, alpha=c), lying, beta=a)
    result = lying if matrix.shape[0] <= matrix.shape[1] else lying.T
    return result.contiguous()
