"""Filters beside the maps that they made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from convkit.errors import FeatureError
from convkit.features._layers import listed
from convkit.features._operands import Operands, filter_of
from convkit.features._verification import Verification, verify


@dataclass(frozen=True, slots=True)
class Source:
    """What the maps were made from: the model, the images as it took them, and as they look."""

    model: nn.Module
    images: Tensor
    pictures: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One filter and the map that it made.

    Args:
        layer: The layer's pairs, of which this is one.
        index: Which filter: output channel `index` of the layer.
        filter: Its weights, (in_channels / groups, kernel_height, kernel_width).
        feature_map: Its output before norm and activation, (N, height, width).
    """

    layer: LayerPairs
    index: int
    filter: Tensor
    feature_map: Tensor

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.name

    @property
    def bias(self) -> float:
        """The number that the layer adds to every value of the map; 0 without a bias."""
        return self.layer.operands.bias_of(self.index)

    @property
    def share_non_positive(self) -> float:
        """The share of the map's values that are zero or below, 0 to 1."""
        return float((self.feature_map <= 0).double().mean())

    @property
    def after_norm(self) -> Tensor | None:
        """The map after the normalisation, (N, height, width); None where there is none."""
        return None if self.layer.after_norm is None else self.layer.after_norm[:, self.index]

    @property
    def after_activation(self) -> Tensor | None:
        """The map after the activation, (N, height, width); None where there is none."""
        after = self.layer.after_activation
        return None if after is None else after[:, self.index]

    def verify(self) -> Verification:
        """Recompute the map from the filter, the bias and the layer's input, and compare.

        Returns:
            True when they are a pair; else its `sentence` says what disagrees. Also false when
            the layer's weights are no longer those that made the map.
        """
        layer = self.layer
        found = verify(layer.operands, self.index, self.filter, self.feature_map, tf32=layer.tf32)
        live = layer.live_weight
        if live is None:
            return found
        operands = layer.operands
        now = filter_of(live.detach(), self.index, operands.groups, transposed=operands.transposed)
        if torch.equal(now.to(self.filter.device), self.filter):
            return found
        return Verification(
            False,
            found.largest_difference,
            found.tolerance,
            found.used,
            found.values,
            f"filter {self.index} is not the layer's any more: its weights were changed after "
            f"the map was made; extract again",
        )

    def __repr__(self) -> str:
        return (
            f"Pair({self.name!r}, {self.index}: filter {tuple(self.filter.shape)}, "
            f"feature_map {tuple(self.feature_map.shape)})"
        )


class LayerPairs:
    """All pairs of one call of a conv layer; `layer[14]` is filter 14 with map 14.

    Attributes:
        name: The layer's name.
        call: Which call of the layer, from 0.
        calls: The pairs of every call of the layer in this forward.
        filters: (out_channels, in_channels / groups, kernel_height, kernel_width).
        feature_maps: The outputs before norm and activation, (N, out_channels, height, width).
        after_norm: The same after the normalisation, or None.
        after_activation: The same after the activation, or None.
    """

    def __init__(
        self,
        name: str,
        call: int,
        operands: Operands,
        feature_maps: Tensor,
        *,
        source: Source,
        module: nn.Module,
        live_weight: Tensor | None,
        after_norm: Tensor | None = None,
        after_activation: Tensor | None = None,
        tf32: bool = False,
    ) -> None:
        self.name = name
        self.call = call
        self.operands = operands
        self.filters = operands.filters()
        self.feature_maps = feature_maps
        self.after_norm = after_norm
        self.after_activation = after_activation
        self.source = source
        self.module = module
        self.live_weight = live_weight
        self.tf32 = tf32

    def __len__(self) -> int:
        return len(self.filters)

    def __getitem__(self, index: int) -> Pair:
        if not isinstance(index, int) or not -len(self) <= index < len(self):
            raise FeatureError(
                f"layer {self.name!r} has {len(self)} filters, 0 to {len(self) - 1}; "
                f"received {index!r}"
            )
        place = index % len(self)
        return Pair(self, place, self.filters[place], self.feature_maps[:, place])

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return (
            f"LayerPairs({self.name!r}: filters {tuple(self.filters.shape)}, "
            f"feature_maps {tuple(self.feature_maps.shape)})"
        )

    @property
    def share_non_positive(self) -> float:
        """The share of all values of the maps that are zero or below, 0 to 1."""
        return float((self.feature_maps <= 0).double().mean())

    def verify(self) -> tuple[Verification, ...]:
        """Verify every pair; `all(layer.verify())` when the whole layer agrees."""
        return tuple(pair.verify() for pair in self)


class Pairs(Mapping[str, LayerPairs]):
    """The pairs of several layers, by layer name.

    Attributes:
        never_ran: The layers asked for that did not run in this forward.
        source: The model and the images.
    """

    def __init__(
        self,
        layers: Mapping[str, tuple[LayerPairs, ...]],
        never_ran: tuple[str, ...],
        source: Source,
    ) -> None:
        self._layers = dict(layers)
        self.never_ran = never_ran
        self.source = source

    def __getitem__(self, name: str) -> LayerPairs:
        return self.calls(name)[0]

    def calls(self, name: str) -> tuple[LayerPairs, ...]:
        """The pairs of every call of a layer, in order; most layers are called once."""
        if name in self._layers:
            return self._layers[name]
        for calls in self._layers.values():
            if calls[0].module is _named(self.source.model, name):
                return calls  # the same layer under another of its names
        if name in self.never_ran:
            raise FeatureError(
                f"layer {name!r} never ran in this forward: in evaluation mode the model does "
                f"not use it for these images"
            )
        raise FeatureError(f"layer {name!r} was not extracted; extracted: {listed(self._layers)}")

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        lines = [f"  {pairs!r}" for calls in self._layers.values() for pairs in calls]
        lines += [f"  {name!r} never ran" for name in self.never_ran]
        return "\n".join([f"Pairs of {len(self.source.images)} images:", *lines])


def _named(model: nn.Module, name: str) -> nn.Module | None:
    """The module of that name, under any of its names."""
    return dict(model.named_modules(remove_duplicate=False)).get(name)
