"""The pictures of pairs; matplotlib is loaded when the first is drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from convkit.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from convkit.features._layer_pairs import LayerPairs, Source
    from convkit.features._pair import Pair
    from convkit.features._pairs import Pairs

Figure: TypeAlias = Any  # a matplotlib.figure.Figure; only the plots themselves import it
_FIRST = 12


def pair_picture(pair: Pair, image: int) -> Figure:
    """The image, the filter, its map, and the map after the activation where it was kept."""
    from convkit.plots import filter_pair

    source = pair.layer.source
    place = image_at(source, image)
    after = pair.after_activation
    return filter_pair(
        pair.filter,
        pair.feature_map[place],
        image=source.picture(place),
        activated=None if after is None else after[place],
        title=f"{pair.name}, filter {pair.index}",
    )


def overlay_picture(
    layer: LayerPairs, channels: list[int], image: Tensor | int, alpha: float, title: str
) -> Figure:
    """Maps over the image that gave them, each value around the middle of what it sees."""
    from convkit.plots import overlay

    place, picture = _picture(layer.source, image)
    height, width = layer.source.images.shape[-2:]
    down, across = picture.shape[-2] / height, picture.shape[-1] / width
    left, right, bottom, top = layer.receptive_fields.extent
    extent = (left * across, right * across, bottom * down, top * down)
    maps = layer.feature_maps[place, channels]
    values = maps[0] if len(channels) == 1 else maps
    return overlay(picture, values, alpha, extent=extent, title=title)


def layer_picture(layer: LayerPairs, channels: Iterable[int] | None, image: int) -> Figure:
    """Filters above, their maps below."""
    from convkit.plots import filters_above_maps

    place = image_at(layer.source, image)
    chosen = channels_of(layer, channels)
    return filters_above_maps(layer.filters, layer.feature_maps[place], chosen, title=layer.name)


def maps_picture(layer: LayerPairs, channels: Iterable[int] | None, image: int) -> Figure:
    """Maps alone."""
    from convkit.plots import feature_maps

    place = image_at(layer.source, image)
    chosen = channels_of(layer, channels)
    return feature_maps(layer.feature_maps[place], channels=chosen, title=layer.name)


def layers_picture(pairs: Pairs, channels: Iterable[int], image: int) -> Figure:
    """A row for each layer, a column for each channel."""
    from convkit.plots import layers_by_channels

    place = image_at(pairs.source, image)
    maps = {name: layer.feature_maps[place] for name, layer in pairs.items()}
    return layers_by_channels(maps, channels=channels, image=pairs.source.picture(place))


def table_picture(pairs: Pairs, filters: Mapping[str, int] | None) -> Figure:
    """A row for each image; for each layer a filter, its map, and the map after a ReLU."""
    from convkit.plots import pair_table

    chosen = dict.fromkeys(pairs, 0) if filters is None else dict(filters)
    rows = [
        {name: _of_image(pairs[name][index], place) for name, index in chosen.items()}
        for place in range(len(pairs.source.images))
    ]
    return pair_table([pairs.source.picture(place) for place in range(len(rows))], rows)


def _of_image(pair: Pair, place: int) -> Any:
    return SimpleNamespace(
        filter=pair.filter, feature_map=pair.feature_map[place], index=pair.index
    )


def channels_of(layer: LayerPairs, channels: Iterable[int] | None) -> list[int]:
    """The chosen filters, the first dozen by default."""
    return list(range(min(_FIRST, len(layer))) if channels is None else channels)


def image_at(source: Source, image: int) -> int:
    """The place of an image in the batch, which may count from the end."""
    count = len(source.images)
    if not -count <= image < count:
        raise FeatureError(f"there are {count} images, 0 to {count - 1}; received {image}")
    return image % count


def _picture(source: Source, image: Tensor | int) -> tuple[int, Tensor]:
    """Which image of the batch is meant, and how it looks.

    A tensor that is one of the images means that one and is drawn de-normalised; any other is
    drawn as it is, below the maps of the first image.
    """
    if isinstance(image, int):
        place = image_at(source, image)
        return place, source.picture(place)
    batch = source.images
    given = image.to(batch.device, batch.dtype)
    for place, one in enumerate(batch):
        if torch.equal(one, given):
            return place, source.picture(place)
    return 0, image
