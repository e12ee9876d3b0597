"""Which modules of a network run, in which order, and what each of them costs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode
from typing_extensions import override

from convkit.architecture._operations import COSTS, PRODUCTS, Cost, aten
from convkit.architecture._quick_outputs import QUICK_OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from convkit.architecture._seeing import Seen
    from convkit.architecture._seeing_ops import Sight


@dataclass(slots=True)
class Run:
    """One call of one module.

    Args:
        module: The module.
        name: Its name in the network, empty for the network itself.
        input_shape: What arrived, without the batch; None when it was no tensor.
        output_shape: What left: a shape, or a tuple of them.
        cost: What was counted in it, outside of the modules that it called.
        seen: What its output sees of the image, when that is known.
    """

    module: nn.Module
    name: str
    input_shape: Any = None
    output_shape: Any = None
    cost: Cost = field(default_factory=Cost)
    seen: Seen | None = None


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Records the calls of a network's modules, and the operations inside each.

    Args:
        model: The network.
        without_values: Whether its tensors have shapes only.
    """

    def __init__(self, model: nn.Module, *, without_values: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # as above
        self._without_values = without_values
        self.runs: list[Run] = []
        self.sight: Sight | None = None
        self.running: list[Run] = [Run(model, "")]
        self._names = {id(module): name for name, module in model.named_modules()}
        self._weights = {
            tensor.untyped_storage()._cdata
            for tensor in (*model.parameters(), *model.buffers())
            if type(tensor.data) is torch.Tensor
        }
        # What is computed from weights alone, which keeps its place in memory until the end.
        self._computed: list[torch.Tensor] = []
        self._thread = threading.get_ident()

    @override
    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        quick = QUICK_OUTPUTS.get(func) if self._without_values and not kwargs else None
        out = None if quick is None else quick(args)
        if out is None:
            out = func(*args, **(kwargs or {}))
        self._note_computed(args, out)
        operation = func.overloadpacket
        if self.sight is not None:
            self.sight.follow(operation, args, out)
        count = COSTS.get(operation)
        if count is not None:
            count(self.running[-1].cost, args, out)
        elif operation in PRODUCTS:
            self._count_product(args[PRODUCTS[operation] :], out)
            if operation is aten.addmm:
                self.running[-1].cost.bias_additions += out.numel()
        return out

    def _note_computed(self, arguments: tuple[Any, ...], out: Any) -> None:
        """Take what is made of weights, such as a normed weight, for a weight."""
        operands = [value for value in arguments if isinstance(value, torch.Tensor)]
        if not operands or not all(map(self._is_weight, operands)):
            return
        for made in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(made, torch.Tensor) and not self._is_weight(made):
                self._computed.append(made)
                self._weights.add(made.untyped_storage()._cdata)

    def _is_weight(self, tensor: torch.Tensor) -> bool:
        return (
            type(tensor.data) is torch.Tensor and tensor.untyped_storage()._cdata in self._weights
        )

    def _count_product(self, operands: tuple[Any, ...], out: Any) -> None:
        """A product with a weight is a linear layer, one of two inputs is not."""
        cost = self.running[-1].cost
        macs = out.numel() * operands[0].shape[-1]
        if any(map(self._is_weight, operands[:2])):
            cost.macs += macs
        else:
            cost.product_macs += macs

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of every call of a module, until the end of the block."""
        before = register_module_forward_pre_hook(self._begin)
        try:
            after = register_module_forward_hook(self._end)
            try:
                with self:
                    yield
            finally:
                after.remove()
        finally:
            before.remove()

    def _begin(self, module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() == self._thread and id(module) in self._names:
            shape = shape_of(arguments[0]) if len(arguments) == 1 else shape_of(arguments)
            self.running.append(Run(module, self._names[id(module)], shape or None))

    def _end(self, module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
        if threading.get_ident() == self._thread and id(module) in self._names:
            run = self.running.pop()
            run.output_shape = shape_of(output)
            run.seen = None if self.sight is None else self.sight.of(output)
            self.runs.append(run)


def shape_of(value: Any) -> Any:
    """The shape of a tensor without the batch; of a collection, a tuple of those of its tensors."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape[1:])
    if isinstance(value, dict):
        value = tuple(value.values())
    if not isinstance(value, (tuple, list)):
        return ()
    shapes = tuple(shape for one in value if (shape := shape_of(one)))
    return shapes[0] if len(shapes) == 1 else shapes
