"""What happens to a conv layer's output next: normalisation, then activation.

A conv layer's values are told apart at three stages: as the layer made them (`"conv"`), after the
normalisation that takes them (`"norm"`), and after the activation (`"activation"`). Both are found
by following the tensor through the forward, so that activations called as functions are seen too.
An activation after a residual sum counts as the layer's own, and is marked as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from convkit.features._weak_table import WeakTable

Stage = Literal["conv", "norm", "activation"]
STAGES: tuple[Stage, ...] = ("conv", "norm", "activation")

# Names of operations as PyTorch dispatches them, in place or not; relu6 and hardtanh are one.
ACTIVATIONS = frozenset(
    {"relu", "hardtanh", "relu6", "leaky_relu", "rrelu_with_noise", "elu", "selu", "celu", "prelu"}
    | {"_prelu_kernel", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "sigmoid", "tanh"}
    | {"log_sigmoid_forward", "softplus", "threshold", "clamp_min", "hardshrink", "softshrink"}
)
# Those that turn negative values off (nearly): a filter that is never positive is then dead.
RECTIFIERS = frozenset(
    {"relu", "hardtanh", "relu6", "gelu", "silu", "mish", "hardswish", "threshold", "clamp_min"}
)
NORMS = frozenset(
    {"native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm", "_native_batch_norm_legit"}
    | {"_native_batch_norm_legit_no_training", "_batch_norm_no_update", "native_group_norm"}
    | {"native_layer_norm"}
)
SUMS = frozenset({"add"})


class Call:
    """One call of a conv layer: which layer, the how-manieth time, and what was found after it."""

    __slots__ = ("activation", "after_sum", "name", "norm", "number")

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.norm = ""
        self.activation = ""
        self.after_sum = False


Emit = Callable[[Call, Stage, Tensor], None]


class Follower:
    """Follows conv outputs and reports the tensors of the later stages.

    Args:
        emit: Called with the call, the stage and the tensor, as soon as it exists.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        # Weak: following must not keep alive what the network itself would have dropped.
        self._followed: WeakTable[list[Call]] = WeakTable()

    def begin(self, call: Call, output: Tensor) -> None:
        """Start to follow a conv layer's output."""
        self._followed.put(output, [call])

    def operation(self, role: str, name: str, inputs: Sequence[Any], output: Any) -> None:
        """Look at one operation that is a norm, an activation or a sum."""
        result = output[0] if isinstance(output, (tuple, list)) else output
        if role == "sum":
            self._sum(inputs[:2], result)
            return
        calls = self._calls(inputs[0]) if inputs else []
        if role == "norm":
            self._norm(calls, name, result)
        elif calls:
            self._activation(calls, name, result)

    def norm_module(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Look at a finished normalisation layer: a forward hook."""
        if inputs and isinstance(output, Tensor):
            self._norm(self._calls(inputs[0]), type(module).__name__, output)

    def _norm(self, calls: list[Call], name: str, output: Tensor) -> None:
        fresh = [call for call in calls if not call.norm and not call.after_sum]
        for call in fresh:
            call.norm = name
            self._emit(call, "norm", output)
        if fresh:
            self._followed.put(output, fresh)

    def _activation(self, calls: list[Call], name: str, output: Tensor) -> None:
        self._followed.drop(output)  # an activation in place ends the way of its input
        for call in calls:
            if not call.activation:
                call.activation = name
                self._emit(call, "activation", output)

    def _sum(self, inputs: Sequence[Any], output: Tensor) -> None:
        """Follow the sum instead; a second sum is another block's, and ends the way."""
        calls = [
            call
            for tensor in inputs
            for call in self._calls(tensor)
            if not call.activation and tensor.shape == output.shape
        ]
        fresh = [call for call in calls if not call.after_sum]
        for call in fresh:
            call.after_sum = True
        self._followed.drop(output)
        if fresh:
            self._followed.put(output, fresh)

    def _calls(self, tensor: Any) -> list[Call]:
        return self._followed.get(tensor) or []
