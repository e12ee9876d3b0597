"""One filter beside the map that it made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from convkit.errors import FeatureError
from convkit.features._operands import filter_of, in_double
from convkit.features._pictures import overlay_picture, pair_picture, slices_picture
from convkit.features._reading import Reading, describe
from convkit.features._trace import Trace, patch_under
from convkit.features._verification import Verification, verify

if TYPE_CHECKING:
    from convkit.features._layer_pairs import LayerPairs
    from convkit.features._pictures import Figure


class Slice(NamedTuple):
    """The part of a filter that reads one input channel.

    Args:
        channel: Which input channel of the layer.
        weights: (kernel_height, kernel_width).
        norm: The root of the sum of the squared weights.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     pairs = extractor.extract(torch.rand(2, 3, 8, 8), layers="0")
        >>> part = pairs["0"][3].slices(by_norm=True)[0]
        >>> part.weights.shape, part.channel in range(3), part.norm > 0
        (torch.Size([3, 3]), True, True)
    """

    channel: int
    weights: Tensor
    norm: float


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One filter and the map that it made.

    Args:
        layer: The layer's pairs, of which this is one.
        index: Which filter: output channel `index` of the layer.
        filter: Its weights, (in_channels / groups, kernel_height, kernel_width).
        feature_map: Its output before norm and activation, (N, height, width).

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> images = torch.rand(2, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     pairs = extractor.extract(images, layers="0")
        >>> pair = pairs["0"][3]
        >>> pair.name, pair.index, pair.filter.shape, pair.feature_map.shape
        ('0', 3, torch.Size([3, 3, 3]), torch.Size([2, 6, 6]))
        >>> bool(pair.verify()), pair.after_norm is None, 0 <= pair.share_non_positive <= 1
        (True, True, True)
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

    def describe(self) -> Reading:
        """Read the filter: orientation, frequency, kind, measured from its weights."""
        return describe(in_double(self.filter).cpu().numpy())

    def slices(self, *, by_norm: bool = False) -> tuple[Slice, ...]:
        """The filter's slices, one for each input channel that it reads.

        Args:
            by_norm: Those that weigh most first; else in the order of the channels.
        """
        first = self.layer.operands.channels_of(self.index).start
        norms = in_double(self.filter).flatten(1).norm(dim=1).tolist()
        every = zip(self.filter, norms, strict=True)
        found = [Slice(first + place, one, norm) for place, (one, norm) in enumerate(every)]
        return tuple(sorted(found, key=lambda one: -one.norm) if by_norm else found)

    def plot_slices(self, *, by_norm: bool = False) -> Figure:
        """Draw every slice of the filter, each with the number of its input channel.

        Args:
            by_norm: Those that weigh most first; else in the order of the channels.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return slices_picture(self, self.slices(by_norm=by_norm))

    def plot(self, image: int = 0) -> Figure:
        """Draw the image, the filter, its map, and the map after the activation if it was kept.

        Args:
            image: Which image of the batch.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return pair_picture(self, image)

    def overlay(self, image: Tensor | int = 0, alpha: float = 0.5) -> Figure:
        """Draw the map over its image, each value around the middle of what it sees.

        Args:
            image: Which image of the batch: its number, or the image itself (C, H, W), as it
                was given to `extract` or normalised. Where the batch has one image, any other
                may be laid below its map.
            alpha: The map's opacity, 0 to 1.

        Returns:
            A `matplotlib.figure.Figure`.

        Raises:
            FeatureError: When the batch has several images and this is none of them.
        """
        title = f"{self.name}, filter {self.index}"
        return overlay_picture(self.layer, [self.index], image, alpha, title, "conv")

    def trace(self, y: int, x: int, image: int = 0) -> Trace:
        """Show the products that make one value of the map, and the part of the image behind it.

        Args:
            y: Row of the value in the map.
            x: Column of the value.
            image: Which image of the batch.

        Returns:
            The products, the patch, and the receptive field's box; printed as a table.

        Raises:
            FeatureError: When the value does not exist.
        """
        images, height, width = self.feature_map.shape
        if not (0 <= image < images and 0 <= y < height and 0 <= x < width):
            raise FeatureError(
                f"the maps of {self.name!r} are {images} of {height}x{width}; "
                f"there is no value ({y}, {x}) of image {image}"
            )
        operands = self.layer.operands
        return Trace(
            self.name,
            self.index,
            image,
            y,
            x,
            float(self.feature_map[image, y, x]),
            self.bias,
            in_double(self.filter),
            in_double(patch_under(operands, self.index, image, y, x)),
            operands.channels_of(self.index).start,
            self.layer.receptive_fields.box(y, x),
        )

    def _repr_png_(self) -> bytes:
        """The picture of `plot`, for a notebook."""
        picture: bytes = self.plot()._repr_png_()
        return picture

    def __repr__(self) -> str:
        return (
            f"Pair({self.name!r}, {self.index}: filter {tuple(self.filter.shape)}, "
            f"feature_map {tuple(self.feature_map.shape)})"
        )
