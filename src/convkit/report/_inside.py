"""What the filters of the network see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import convkit.plots
from convkit.errors import ConvkitError
from convkit.features import FilterFeatureExtractor, activation_statistics
from convkit.report._page import Section, paragraph, picture, table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from convkit.report._material import Material

_IMAGES = 4
_FILTERS = 8


def inside_sections(material: Material) -> list[Section]:
    """Filters with their maps, and activation statistics, on the run's sample images."""
    samples = material.samples
    if not samples or "normalized" not in samples or not len(samples["normalized"]):
        return [_absent("the run keeps no sample images (it was trained on a set without them)")]
    model = material.model
    if model is None:
        return [_absent("the network is not at hand; pass it as model= when it is no table's")]
    try:
        return [
            _pairs_section(model, samples),
            _statistics_section(model, samples["normalized"]),
        ]
    except (ConvkitError, RuntimeError) as error:  # a module may fail in its own forward
        return [_absent(str(error))]


def _absent(reason: str) -> Section:
    """Why there is nothing to see."""
    return Section("inside", "Filters and their maps", paragraph(f"Not drawn: {reason}."))


def _pairs_section(model: nn.Module, samples: dict[str, Any]) -> Section:
    """Of the first, a middle and the last conv layer the filter that answers most, with maps."""
    with FilterFeatureExtractor(model) as extractor:
        layers = extractor.layers
        chosen = list(dict.fromkeys((layers[0], layers[len(layers) // 2], layers[-1])))
        images = samples["normalized"][:_IMAGES]
        pairs = extractor.extract(images, layers=chosen, stages="all")
    shown = [
        {name: _One(pairs[name], _liveliest(pairs[name].feature_maps[row]), row) for name in chosen}
        for row in range(len(images))
    ]
    figure = convkit.plots.pair_table(list(samples["images"][:_IMAGES]), shown)
    alternative = f"For {len(images)} images a filter of {', '.join(chosen)}, and the map it made"
    caption = (
        "Of each layer the filter whose map varies most on that image; below it its number. "
        "None: no activation follows the layer."
    )
    body = [picture(figure, alternative, caption, form="png", wide=True)]
    for name in chosen:
        layer = pairs[name]
        count = min(_FILTERS, len(layer))
        figure = convkit.plots.filters_above_maps(
            layer.filters, layer.feature_maps[0], range(count)
        )
        alternative = f"The first {count} filters of {name}, and below each its map"
        caption = f"{name}: its first {count} filters and the maps of the first image."
        body.append(picture(figure, alternative, caption, form="png", wide=True))
    return Section("inside", "Filters and their maps", "\n".join(body))


class _One:
    """A filter with the map of one image, as the table of pairs takes it."""

    def __init__(self, layer: Any, index: int, image: int) -> None:
        pair = layer[index]
        self.index = index
        self.filter = pair.filter
        self.feature_map = pair.feature_map[image]
        after = pair.after_activation
        self.after_activation = None if after is None else after[image]


def _liveliest(maps: Tensor) -> int:
    """The map (of C, H, W) whose values vary most; a map of one value has no deviation."""
    return int(maps.flatten(1).double().std(dim=1, correction=0).argmax())


def _statistics_section(model: nn.Module, images: Tensor) -> Section:
    """How much of each layer is silent."""
    statistics = activation_statistics(model, images)
    shares: dict[str, dict[str, float]] = {}
    for name, layer in statistics.items():
        for stage, figures in layer.stages.items():
            shares.setdefault(_STAGES.get(stage, stage), {})[name] = figures.share_non_positive
    figure = convkit.plots.bars(shares, label="values that are zero or below", share=True)
    alternative = f"Bars: share of non-positive values of {len(statistics)} conv layers"
    dead = {name: layer.dead_filters for name, layer in statistics.items() if layer.dead_filters}
    told = "; ".join(f"{name}: {', '.join(map(str, filters))}" for name, filters in dead.items())
    body = [
        paragraph(f"Filters that never fire on these images: {told or 'none'}."),
        picture(figure, alternative),
        table(statistics.table(), "Activation statistics", kinds=("sortable", "tall")),
    ]
    heading = f"Activations on {len(images)} images"
    return Section("activations", heading, "\n".join(body))


_STAGES = {"conv": "conv output", "norm": "after norm", "activation": "after activation"}
