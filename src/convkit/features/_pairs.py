"""The pairs of several layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from convkit.errors import FeatureError
from convkit.features._layer_pairs import LayerPairs, Source
from convkit.features._layers import listed
from convkit.features._pictures import layers_picture, table_picture

if TYPE_CHECKING:
    from torch import nn

    from convkit.features._pictures import Figure
    from convkit.features._stages import Stage


class Pairs(Mapping[str, LayerPairs]):
    """The pairs of several layers, by layer name.

    Args:
        layers: For each layer the pairs of its calls.
        never_ran: The layers asked for that did not run in this forward.
        source: The model and the images.

    Attributes:
        never_ran: The layers asked for that did not run in this forward.
        source: The model and the images.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> images = torch.rand(2, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     pairs = extractor.extract(images, layers="0")
        >>> list(pairs), len(pairs["0"]), len(pairs.calls("0")), pairs.never_ran
        (['0'], 4, 1, ())
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
        """The pairs of every call of a layer, in order; most layers are called once.

        Args:
            name: The layer's name.

        Raises:
            FeatureError: When the layer did not run, or was not asked for.
        """
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

    def plot(
        self, channels: Iterable[int] = range(7), image: int = 0, *, stage: Stage = "conv"
    ) -> Figure:
        """Draw a row of maps for each layer, a column for each channel.

        Args:
            channels: Which filters; every layer must have them.
            image: Which image of the batch.
            stage: Which maps, as `LayerPairs.maps` takes it.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return layers_picture(self, channels, image, stage)

    def plot_table(self, filters: Mapping[str, int] | None = None) -> Figure:
        """Draw images by layers: for each a filter, its map, and the map after the activation.

        Where `extract` was not asked for the activation, a ReLU is applied to the map and the
        column says so; where it was and the layer has none, the cell says `none`.

        Args:
            filters: For each layer the filter to show; the first of every layer by default.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return table_picture(self, filters)

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
