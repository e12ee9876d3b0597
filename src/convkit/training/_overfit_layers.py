"""Which layer is the first that learns nothing, or far too much?"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

State = Literal["sound", "dead", "vanishing", "exploding"]

# A gradient beyond these multiples of the weights can change them by nothing or replaces them.
VANISHING, EXPLODING = 1e-8, 1e2


@dataclass(frozen=True, slots=True)
class LayerCheck:
    """What was measured of one layer.

    Args:
        name: Of the module in the model.
        share_zero: Outputs that are exactly zero, of all outputs of the last forward pass.
        finite: Whether all its outputs were numbers.
        largest_gradient: The largest norm that the gradient of its weights had in any step; None
            for a layer without trained weights, 0 when no gradient ever came.
        last_gradient: That norm in the last step.
        weight: The norm of the weights before the first step.

    Examples:
        >>> LayerCheck("conv1", share_zero=1.0).state, LayerCheck("conv2", share_zero=0.4).state
        ('dead', 'sound')
    """

    name: str
    _: KW_ONLY
    share_zero: float | None = None
    finite: bool = True
    largest_gradient: float | None = None
    last_gradient: float | None = None
    weight: float | None = None

    @property
    def state(self) -> State:
        """`"dead"`: outputs or gradient all zero; `"vanishing"`: gradient below 1e-8 times the
        weights in every step; `"exploding"`: not finite, or above 100 times; else `"sound"`.
        """  # noqa: D205 - the four words belong together
        if self.largest_gradient is not None and self.weight is not None:
            scale = self.weight or 1.0
            if not self.largest_gradient <= EXPLODING * scale:  # NaN counts too
                return "exploding"
            if self.last_gradient == 0 or self.largest_gradient == 0:
                return "dead"
            if self.largest_gradient < VANISHING * scale:
                return "vanishing"
        if not self.finite:
            return "exploding"
        return "dead" if self.share_zero == 1 else "sound"


class LayerWatch:
    """Measures the layers of a model while it is trained.

    Args:
        model: The model; its weights are only read.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._outputs: dict[str, tuple[float, bool]] = {}
        self._norms: list[Tensor] = []
        self._weights: dict[str, nn.Parameter] = {}
        self._scales: dict[str, float] = {}

    def begin(self) -> None:
        """Note the weights before the first step."""
        for name, module in self._model.named_modules():
            trained = [p for p in module.parameters(recurse=False) if p.requires_grad]
            if trained:
                # The weight itself: a bias before a batch norm has no gradient by nature.
                weight = max(trained, key=lambda p: (p.ndim, p.numel()))
                self._weights[name] = weight
                self._scales[name] = float(weight.detach().float().norm())

    def step(self) -> None:
        """Note the gradients of this step."""
        device = next(iter(self._weights.values())).device
        zero = torch.zeros((), device=device)
        gradients = [weight.grad for weight in self._weights.values()]
        norms = [zero if g is None else g.detach().float().norm().to(device) for g in gradients]
        self._norms.append(torch.stack(norms))

    @contextmanager
    def outputs(self) -> Iterator[None]:
        """Note the outputs of every forward pass while inside, in the order of their computing."""
        self._outputs = {}
        leaves = [(n, m) for n, m in self._model.named_modules() if not any(m.children())]
        handles = [module.register_forward_hook(self._noting(name)) for name, module in leaves]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _noting(self, name: str) -> Callable[[nn.Module, object, object], None]:
        def note(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor) or not output.numel():
                return
            values = output.detach()
            share = 1 - float(values.count_nonzero()) / values.numel()
            before, finite = self._outputs.get(name, (0.0, True))
            finite = finite and bool(values.isfinite().all())
            self._outputs[name] = (max(share, before), finite)

        return note

    def layers(self) -> tuple[LayerCheck, ...]:
        """What was measured, in the order of the forward pass."""
        order = list(dict.fromkeys([*self._outputs, *self._weights]))
        norms = torch.stack(self._norms).cpu() if self._norms else torch.zeros(1, len(order))
        # amax passes NaN on: one step without a number is enough.
        largest = dict(zip(self._weights, norms.amax(0).tolist(), strict=False))
        last = dict(zip(self._weights, norms[-1].tolist(), strict=False))
        return tuple(
            LayerCheck(
                name,
                share_zero=self._outputs[name][0] if name in self._outputs else None,
                finite=self._outputs[name][1] if name in self._outputs else True,
                largest_gradient=largest.get(name),
                last_gradient=last.get(name),
                weight=self._scales.get(name),
            )
            for name in order
        )
