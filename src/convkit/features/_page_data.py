"""What a page to explore holds: images, filters, maps and the layers' inputs, as plain numbers."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from convkit.errors import FeatureError
from convkit.features._operands import in_double

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from convkit.features._layer_pairs import LayerPairs
    from convkit.features._pairs import Pairs
    from convkit.features._reading import Reading

_MOST_BYTES = 64 * 2**20


def page_data(pairs: Pairs, filters: Sequence[int] | int, names: Sequence[str]) -> dict[str, Any]:
    """Gather a page's numbers; float32 as base64, so that products add up to the map's values.

    Args:
        pairs: What was extracted.
        filters: Which filters of each layer, or how many of the first.
        names: A name for each image.

    Raises:
        FeatureError: When the page would be larger than 64 MB, or a name is missing.
    """
    source = pairs.source
    count, height, width = len(source.images), *source.images.shape[-2:]
    if len(names) != count:
        raise FeatureError(f"{count} images need as many names, received {len(names)}")
    chosen = {name: _chosen(layer, filters) for name, layer in pairs.items()}
    size = sum(_size(layer, len(chosen[name])) for name, layer in pairs.items())
    if size > _MOST_BYTES:
        raise FeatureError(
            f"the page would hold {size / 2**20:.0f} MB, more than {_MOST_BYTES >> 20}: choose "
            f"fewer layers, filters (now {filters!r}) or images (now {count})"
        )
    return {
        "height": height,
        "width": width,
        "images": [
            {"name": str(name), "url": _png(source.picture(place))}
            for place, name in enumerate(names)
        ],
        "layers": [_layer(layer, chosen[name]) for name, layer in pairs.items()],
    }


def _chosen(layer: LayerPairs, filters: Sequence[int] | int) -> list[int]:
    if isinstance(filters, int):
        return list(range(min(filters, len(layer))))
    return [layer[index].index for index in filters]


def _size(layer: LayerPairs, filters: int) -> int:
    """Bytes of a layer's numbers, as base64."""
    maps = layer.feature_maps[:, 0].numel() * filters
    inputs, weights = layer.operands.input.numel(), layer.filters[0].numel() * filters
    return (maps + inputs + weights) * 4 * 4 // 3


def _layer(layer: LayerPairs, chosen: list[int]) -> dict[str, Any]:
    operands, fields = layer.operands, layer.receptive_fields
    return {
        "name": layer.name,
        "map": list(layer.feature_maps.shape[2:]),
        "input": list(operands.input.shape[1:]),
        "kernel": list(layer.filters.shape[1:]),
        "stride": list(operands.stride),
        "padding": list(operands.padding),
        "dilation": list(operands.dilation),
        "transposed": operands.transposed,
        "rows": [fields.rows.low.tolist(), (fields.rows.high + 1).tolist()],
        "columns": [fields.columns.low.tolist(), (fields.columns.high + 1).tolist()],
        "extent": list(fields.extent),
        "inputs": [_floats(one) for one in operands.input],
        "filters": [_filter(layer, index) for index in chosen],
    }


def _filter(layer: LayerPairs, index: int) -> dict[str, Any]:
    pair = layer[index]
    reading = pair.describe()
    return {
        "index": index,
        "bias": pair.bias,
        "first": layer.operands.channels_of(index).start,
        "weights": _floats(pair.filter),
        "maps": [_floats(one) for one in pair.feature_map],
        "sentence": reading.sentence,
        "figures": _figures(reading),
    }


def _figures(reading: Reading) -> str:
    """The figures behind the sentence, in one line."""
    angle, frequency = reading.orientation, reading.frequency
    direction = [f"orientation {angle:.0f}°", f"{frequency:.3f} cycles per pixel"]
    shares = [f"coherence {reading.coherence:.2f}", f"mean {reading.mean_share:.0%} of the energy"]
    answers = [f"{name} {round(value, 2) + 0.0:.2f}" for name, value in reading.responses.items()]
    # Without a pattern there is no direction to tell.
    return " · ".join([*(direction if math.isfinite(angle) else []), *shares, *answers])


def _floats(tensor: Tensor) -> str:
    """Little-endian float32 in base64."""
    values = in_double(tensor).to(torch.float32).cpu().contiguous().numpy()
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _png(picture: Tensor) -> str:
    """An image as a data address."""
    pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
