"""The filters of one conv layer beside the maps that they made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from convkit.errors import FeatureError
from convkit.features._alike import Duplicate, duplicates, silent
from convkit.features._images import Preprocessing, as_pictures
from convkit.features._layers import listed
from convkit.features._pair import Pair
from convkit.features._pictures import (
    channels_of,
    layer_picture,
    maps_picture,
    overlay_picture,
)
from convkit.features._receptive_field import ReceptiveFields, receptive_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn

    from convkit.features._operands import Operands
    from convkit.features._pictures import Figure
    from convkit.features._stages import Stage
    from convkit.features._verification import Verification


@dataclass(frozen=True, slots=True)
class Source:
    """What the maps were made from.

    Args:
        model: The model.
        images: The images as the model took them, (N, C, H, W).
        preprocessing: How they were normalised, when that is known.
        stages: Which maps were asked for.
    """

    model: nn.Module
    images: Tensor
    preprocessing: Preprocessing
    stages: frozenset[Stage]

    def picture(self, place: int) -> Tensor:
        """One image as it looks, float32 (3, H, W) in 0 to 1."""
        return as_pictures(self.images[place : place + 1], self.preprocessing)[0]


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

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> images = torch.rand(2, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     pairs = extractor.extract(images, layers="0")
        >>> layer = pairs["0"]
        >>> layer.filters.shape, layer.feature_maps.shape
        (torch.Size([4, 3, 3, 3]), torch.Size([2, 4, 6, 6]))
        >>> 0 <= layer.share_non_positive <= 1, len(layer.duplicates()), bool(layer.verify())
        (True, 0, True)
        >>> type(layer.plot_maps(range(2))).__name__
        'Picture'
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

    def duplicates(self, threshold: float = 0.95) -> tuple[Duplicate, ...]:
        """Find filters that are nearly the same.

        Args:
            threshold: The least cosine between their weights, above 0 and at most 1.

        Returns:
            The pairs of filters, the most alike first.
        """
        return duplicates(self.filters, threshold)

    @property
    def dead_filters(self) -> tuple[int, ...]:
        """The filters that do nothing on these images.

        Their weights are a millionth of the layer's median norm or less, or their map has one
        value everywhere.
        """
        return silent(self.filters, self.feature_maps)

    def maps(self, stage: Stage = "conv") -> Tensor:
        """The maps at one stage, (N, out_channels, height, width).

        Args:
            stage: `"conv"` as the layer made them, `"norm"` or `"activation"` after that.

        Raises:
            FeatureError: When the stage does not exist or was not kept.

        Examples:
            >>> import torch
            >>> from torch import nn
            >>> from convkit import FilterFeatureExtractor
            >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
            >>> with FilterFeatureExtractor(model) as extractor:
            ...     pairs = extractor.extract(torch.rand(2, 3, 8, 8), layers="0")
            >>> pairs["0"].maps("conv").shape
            torch.Size([2, 4, 6, 6])
        """
        kept = {
            "conv": self.feature_maps,
            "norm": self.after_norm,
            "activation": self.after_activation,
        }
        maps = kept.get(stage)
        if maps is None:
            has = listed(name for name, maps in kept.items() if maps is not None)
            raise FeatureError(
                f"layer {self.name!r} has no maps of stage {stage!r} here, only of {has}; "
                f"extract(..., stages='all') keeps every stage that the layer has"
            )
        return maps

    def plot(
        self,
        channels: Iterable[int] | None = None,
        image: int = 0,
        *,
        stage: Stage = "conv",
        shared_scale: bool = True,
    ) -> Figure:
        """Draw filters, and below each the map that it made.

        Args:
            channels: Which filters; the first 12 by default.
            image: Which image of the batch.
            stage: Which maps, as `maps` takes it.
            shared_scale: One scale for all that are drawn; else each its own, written below.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return layer_picture(self, channels, image, stage, shared_scale=shared_scale)

    def plot_maps(
        self, channels: Iterable[int] | None = None, image: int = 0, *, stage: Stage = "conv"
    ) -> Figure:
        """Draw maps alone, on one scale.

        Args:
            channels: Which filters; the first 12 by default.
            image: Which image of the batch.
            stage: `"conv"` as the layer made them, `"norm"` or `"activation"` after that.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return maps_picture(self, channels, image, stage)

    def overlay(
        self,
        image: Tensor | int = 0,
        alpha: float = 0.5,
        *,
        channels: Iterable[int] | None = None,
        stage: Stage = "conv",
    ) -> Figure:
        """Draw maps over their image; at `alpha` 1 they hide it, at 0.5 both are seen.

        Args:
            image: Which image of the batch: its number, or itself (C, H, W), as `Pair.overlay`
                takes it.
            alpha: How much the map covers, 0 to 1.
            channels: Which filters; the first 12 by default.
            stage: `"conv"` as the layer made them, `"norm"` or `"activation"` after that.

        Returns:
            A `matplotlib.figure.Figure`.

        Raises:
            FeatureError: When the batch has several images and this is none of them.
        """
        chosen = channels_of(self, channels)
        return overlay_picture(self, chosen, image, alpha, self.name, stage)

    @cached_property
    def receptive_fields(self) -> ReceptiveFields:
        """Where in the image each value of the maps looks; one image is run to find out."""
        source = self.source
        return receptive_fields(source.model, source.images[:1], self.name, self.module, self.call)

    def verify(self) -> tuple[Verification, ...]:
        """Verify every pair; `all(layer.verify())` when the whole layer agrees."""
        return tuple(pair.verify() for pair in self)
