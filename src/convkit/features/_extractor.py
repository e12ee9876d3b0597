"""The extractor: which filter made which map, for any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from convkit.errors import FeatureError
from convkit.features._batches import batches_of
from convkit.features._call_plan import Plans
from convkit.features._collector import Collector
from convkit.features._forward import observe
from convkit.features._guard import Guard
from convkit.features._images import Images, Preprocessing, as_batch
from convkit.features._layer_pairs import Source
from convkit.features._layers import Selection, check_model, listed, select
from convkit.features._page import write_page
from convkit.features._spare import Spare
from convkit.features._top_patches import TopPatches, top_patches
from convkit.features._unchanged import place_of, random_states_kept

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

    from convkit.features._pairs import Pairs
    from convkit.features._stages import Stage


class FilterFeatureExtractor:
    """Pairs the filters of a network's conv layers with the feature maps that they make.

    Each call runs the model once, in evaluation mode, and ends the forward behind the deepest
    layer asked for. Afterwards nothing of the model is changed: modes, statistics, gradients,
    random states and hooks are as before, also after an exception. Maps are what the conv layer
    made, even where the network's next step overwrites them.

    Args:
        model: Any `nn.Module` with `nn.Conv2d` or `nn.ConvTranspose2d` layers.
        preprocessing: Turns a PIL image into the model's input, such as a torchvision weights'
            `transforms()`, or has `load(paths)` and `normalize(images)`, as a convkit run saves
            it. Needed for paths, PIL images and uint8 tensors; float tensors are taken as they are.

    Raises:
        FeatureError: When the model has no conv layer, or one whose weights do not exist yet.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=5), nn.ReLU(inplace=True))
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     pairs = extractor.extract(torch.zeros(2, 3, 32, 32), layers="0")
        >>> pair = pairs["0"][3]
        >>> pair.filter.shape, pair.feature_map.shape, bool(pair.verify())
        (torch.Size([3, 5, 5]), torch.Size([2, 28, 28]), True)
    """

    def __init__(self, model: nn.Module, *, preprocessing: Preprocessing = None) -> None:
        # What torch.compile returns wraps the module whose layers are meant.
        self.model: nn.Module = getattr(model, "_orig_mod", model)
        self.preprocessing = preprocessing
        check_model(self.model)
        self._plans = Plans(self.model)
        self._spare = Spare()

    def top_patches(self, images: Any, layer: str | int, index: int, count: int = 9) -> TopPatches:
        """Search a data set for the patches that excite a filter most.

        Args:
            images: A DataLoader or any iterable of batches, a data set, or a float tensor
                (N, C, H, W), normalised as the model expects.
            layer: The layer's name or index.
            index: Which filter.
            count: How many patches, at most one of each image.

        Returns:
            The patches, cut to the filter's receptive field, the strongest first.

        Raises:
            FeatureError: When the layer or the filter does not exist or there are no images.
        """
        chosen = select(self.model, layer, self._plans.now())
        if len(chosen) != 1:
            raise FeatureError(f"{layer!r} is {len(chosen)} layers; choose one: {listed(chosen)}")
        name, module = next(iter(chosen.items()))
        device, dtype = place_of(self.model)
        with random_states_kept(device):
            batches = batches_of(images, device, dtype)
            return top_patches(self.model, batches, name, module, index, count, self.preprocessing)

    def write_page(
        self,
        path: str | os.PathLike[str],
        images: Images,
        layers: Selection = ("early", "middle", "deep"),
        *,
        filters: Sequence[int] | int = 16,
        names: Sequence[str] | None = None,
        title: str = "Filters and the maps they make",
    ) -> Path:
        """Write a page to explore: one HTML file that fetches nothing.

        It shows an image, a layer and a filter at choice: the filter's slices, its map, the map
        over the image; pointing at a value of the map shows its patch and its products.

        Args:
            path: The file; it is replaced whole.
            images: As `extract` takes them.
            layers: As `extract` takes them.
            filters: Which filters of each layer, or how many of the first.
            names: A name for each image; their numbers by default.
            title: The heading.

        Returns:
            The path written.

        Raises:
            FeatureError: When the page would be larger than 64 MB, or as `extract` does.
        """
        pairs = self.extract(images, layers)
        given = names or [f"image {place}" for place in range(len(pairs.source.images))]
        return write_page(path, pairs, filters, given, title)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of spare memory; nothing else is left: every call cleans up behind itself."""
        self._spare.take()

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the conv layers, in the order in which they run where that is known."""
        return self._plans.now().order

    def extract(
        self,
        images: Images,
        layers: Selection = None,
        *,
        stages: tuple[Stage, ...] | Stage | Literal["all"] = "conv",
    ) -> Pairs:
        """Run the model on images and pair the filters of some layers with their maps.

        Args:
            images: Float tensor (N, C, H, W) or (C, H, W), normalised as the model expects; or
                uint8 tensors, PIL images or paths, one or several, given a preprocessing. Of
                images 16-bit values are scaled to 8 and transparency is laid on white.
            layers: Names, parts of the model, patterns with `*`, indices, `"early"`, `"middle"`
                or `"deep"` (first, middle, last conv layer); None takes all.
            stages: `"conv"` keeps the maps as the layers make them. `"norm"` and `"activation"`
                keep them after the following normalisation and activation too; `"all"` is both.

        Returns:
            The pairs of each layer by its name; a layer that runs twice has both in `calls`.

        Raises:
            FeatureError: When a layer does not exist, none of those asked for ran, or the images
                do not fit.
        """
        plan = self._plans.now()
        chosen = select(self.model, layers, plan)
        device, dtype = place_of(self.model)
        batch = as_batch(images, self.preprocessing, device, dtype)
        wanted = _wanted(stages)
        collector = Collector(chosen, plan.expected(chosen), wanted, Guard(self._spare))
        observe(
            self.model,
            batch,
            chosen,
            collector,
            guard=collector.guard,
            follow=collector.finish.follows,
        )
        source = Source(self.model, batch, self.preprocessing, wanted)
        return collector.pairs(source)


def _wanted(stages: tuple[Stage, ...] | Stage | Literal["all"]) -> frozenset[Stage]:
    """The stages asked for, checked."""
    asked = (stages,) if isinstance(stages, str) else tuple(stages)
    known: dict[str, tuple[Stage, ...]] = {
        "conv": ("conv",),
        "norm": ("norm",),
        "activation": ("activation",),
        "all": ("conv", "norm", "activation"),
    }
    for stage in asked:
        if stage not in known:
            raise FeatureError(f"stages are {listed(known)}; received {stage!r}")
    return frozenset(stage for word in asked for stage in known[word])
