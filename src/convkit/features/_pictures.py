"""The pictures of pairs; matplotlib is loaded when the first is drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from convkit.errors import FeatureError
from convkit.features._images import as_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from convkit.features._layer_pairs import LayerPairs, Source
    from convkit.features._pair import Pair, Slice
    from convkit.features._pairs import Pairs
    from convkit.features._stages import Stage

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


def slices_picture(pair: Pair, slices: Sequence[Slice]) -> Figure:
    """Every slice of a filter, numbered by its input channel."""
    from convkit.plots import filters

    weights = torch.stack([one.weights for one in slices])[:, None]
    names = [one.channel for one in slices]
    return filters(weights, names=names, title=f"{pair.name}, filter {pair.index}")


def overlay_picture(
    layer: LayerPairs,
    channels: list[int],
    image: Tensor | int,
    alpha: float,
    title: str,
    stage: Stage,
) -> Figure:
    """Maps over the image that gave them, each value around the middle of what it sees."""
    from convkit.plots import overlay

    place, picture = _picture(layer.source, image)
    height, width = layer.source.images.shape[-2:]
    down, across = picture.shape[-2] / height, picture.shape[-1] / width
    left, right, bottom, top = layer.receptive_fields.extent
    extent = (left * across, right * across, bottom * down, top * down)
    maps = layer.maps(stage)[place, channels]
    values = maps[0] if len(channels) == 1 else maps
    return overlay(picture, values, alpha, extent=extent, title=title)


def layer_picture(
    layer: LayerPairs,
    channels: Iterable[int] | None,
    image: int,
    stage: Stage,
    *,
    shared_scale: bool,
) -> Figure:
    """Filters above, their maps below."""
    from convkit.plots import filters_above_maps

    place = image_at(layer.source, image)
    chosen = channels_of(layer, channels)
    return filters_above_maps(
        layer.filters,
        layer.maps(stage)[place],
        chosen,
        shared_scale=shared_scale,
        title=_titled(layer.name, stage),
    )


def maps_picture(
    layer: LayerPairs, channels: Iterable[int] | None, image: int, stage: Stage
) -> Figure:
    """Maps alone."""
    from convkit.plots import feature_maps

    place = image_at(layer.source, image)
    chosen = channels_of(layer, channels)
    title = _titled(layer.name, stage)
    return feature_maps(layer.maps(stage)[place], channels=chosen, title=title)


def layers_picture(pairs: Pairs, channels: Iterable[int], image: int, stage: Stage) -> Figure:
    """A row for each layer, a column for each channel."""
    from convkit.plots import layers_by_channels

    place = image_at(pairs.source, image)
    maps = {name: layer.maps(stage)[place] for name, layer in pairs.items()}
    picture, title = pairs.source.picture(place), _titled("", stage)
    return layers_by_channels(maps, channels=channels, image=picture, title=title)


def table_picture(pairs: Pairs, filters: Mapping[str, int] | None) -> Figure:
    """A row for each image; for each layer a filter, its map, and the map activated."""
    from convkit.plots import pair_table

    chosen = dict.fromkeys(pairs, 0) if filters is None else dict(filters)
    rows = [
        {name: _of_image(pairs[name][index], place) for name, index in chosen.items()}
        for place in range(len(pairs.source.images))
    ]
    return pair_table([pairs.source.picture(place) for place in range(len(rows))], rows)


def _of_image(pair: Pair, place: int) -> Any:
    shown = SimpleNamespace(
        filter=pair.filter, feature_map=pair.feature_map[place], index=pair.index
    )
    if "activation" in pair.layer.source.stages:
        after = pair.after_activation
        shown.after_activation = None if after is None else after[place]
    return shown


def _titled(name: str, stage: Stage) -> str:
    """A title that says which maps these are, where they are not the layer's own."""
    return name if stage == "conv" else f"{name} after {stage}".strip()


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

    A tensor that is one of the images, as it was given or as the model took it, means that one
    and is drawn de-normalised. Any other can only lie below the map of a single image.
    """
    if isinstance(image, int):
        place = image_at(source, image)
        return place, source.picture(place)
    batch = source.images
    if image.is_floating_point() or source.preprocessing is not None:
        given = as_batch(image, source.preprocessing, batch.device, batch.dtype)
        for place, one in enumerate(batch):
            if torch.equal(one[None], given):
                return place, source.picture(place)
    if len(batch) > 1:
        raise FeatureError(
            f"this image is none of the {len(batch)} extracted; say which map by its number, such "
            f"as image=0, or extract this image alone to lay its map over it"
        )
    return 0, image
