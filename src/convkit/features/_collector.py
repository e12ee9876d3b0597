"""Which maps are kept of a running forward? Those asked for, safe from what comes after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from convkit.errors import FeatureError
from convkit.features._finish import Finish
from convkit.features._guard import Guard, Held, memory_of
from convkit.features._layer_pairs import LayerPairs, Source
from convkit.features._layers import listed
from convkit.features._pairs import Pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convkit.features._operands import Operands
    from convkit.features._stages import Call, Stage


class _Kept:
    """What is held of one call while the forward still runs."""

    __slots__ = ("call", "input", "later", "operands", "output")

    def __init__(self, call: Call, operands: Operands, input: Held, output: Held) -> None:  # noqa: A002 - the operand's name
        self.call = call
        self.operands = operands
        self.input = input
        self.output = output
        self.later: dict[Stage, Held] = {}


class Collector:
    """Keeps the maps of the asked layers, safe from what comes after them."""

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        expected: Mapping[str, int] | None,
        wanted: frozenset[Stage],
        guard: Guard,
    ) -> None:
        self.guard = guard
        self.finish = Finish(expected, wanted)
        self._layers = layers
        self._wanted = wanted
        self._kept: dict[Call, _Kept] = {}

    def convolved(self, call: Call, operands: Operands, output: Tensor) -> None:
        """Keep what the layer took and made."""
        held_input, held_output = self.guard.hold(operands.input), self.guard.hold(output)
        self._kept[call] = _Kept(call, operands, held_input, held_output)
        self.finish.ran(call)

    def followed(self, call: Call, stage: Stage, output: Tensor) -> None:
        """Keep a later stage, if it was asked for."""
        if stage in self._wanted:
            self._kept[call].later[stage] = self.guard.hold(output)
        self.finish.showed(call, stage)

    def finished(self) -> bool:
        """Whether every expected call has run and has shown the stages asked for."""
        return bool(self.finish)

    def pairs(self, source: Source) -> Pairs:
        """Hand over what was kept."""
        calls: dict[str, list[LayerPairs]] = {}
        for call, kept in self._kept.items():
            calls.setdefault(call.name, []).append(self._layer(kept, source))
        never_ran = tuple(name for name in self._layers if name not in calls)
        if not calls:
            raise FeatureError(
                f"{listed(never_ran)} never ran: in evaluation mode the model does not use "
                f"{'it' if len(never_ran) == 1 else 'them'} for these images"
            )
        ordered = {name: tuple(calls[name]) for name in self._layers if name in calls}
        return Pairs(ordered, never_ran, source)

    def _layer(self, kept: _Kept, source: Source) -> LayerPairs:
        operands, call = kept.operands, kept.call
        own = getattr(self._layers[call.name], "weight", None)
        # A layer that computes its weight (weight norm, standardisation) has none to compare.
        live = own if own is not None and memory_of(own) == memory_of(operands.weight) else None
        operands.input = kept.input.tensor.detach()
        operands.weight = operands.weight.detach().clone()
        operands.bias = None if operands.bias is None else operands.bias.detach().clone()
        later = {stage: held.tensor for stage, held in kept.later.items()}
        return LayerPairs(
            call.name,
            call.number,
            operands,
            kept.output.tensor.detach(),
            source=source,
            module=self._layers[call.name],
            live_weight=live,
            after_norm=later.get("norm"),
            after_activation=later.get("activation"),
            tf32=_rounds_to_tf32(operands.input),
        )


def _rounds_to_tf32(tensor: Tensor) -> bool:
    """Whether this machine may have rounded the products of float32 values."""
    return (
        tensor.device.type == "cuda"
        and tensor.dtype is torch.float32
        and torch.backends.cudnn.allow_tf32
    )
