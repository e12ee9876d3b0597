"""The image patches of a data set that excite a filter most."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit.errors import FeatureError
from convkit.features._forward import observe
from convkit.features._guard import Guard
from convkit.features._images import Preprocessing, as_pictures
from convkit.features._receptive_field import Box, ReceptiveFields, receptive_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn

    from convkit.features._operands import Operands
    from convkit.features._pictures import Figure
    from convkit.features._stages import Call, Stage


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One part of one image that a filter answers to.

    Args:
        image: The number of the image in the data set, from 0.
        value: The filter's answer, before norm and activation.
        y: Row of the value in the map.
        x: Column of the value.
        box: The receptive field in the image; it may reach into the padding.
        pixels: The part of the box within the image, float32 (3, height, width) in 0 to 1.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3, padding=1))
        >>> images = torch.rand(5, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     patch = extractor.top_patches(images, "0", 2, count=3)[0]
        >>> 0 <= patch.image < 5, patch.pixels.shape[0], patch.box.bottom - patch.box.top
        (True, 3, 3)
    """

    image: int
    value: float
    y: int
    x: int
    box: Box
    pixels: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class TopPatches:
    """The patches that excite a filter most, at most one of each image, the strongest first.

    Args:
        name: The layer's name.
        index: Which filter.
        patches: The patches.
        images: How many images were searched.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3, padding=1))
        >>> images = torch.rand(5, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     best = extractor.top_patches(images, "0", 2, count=3)
        >>> len(best), best.name, best.index, best.images, best[0].value >= best[1].value
        (3, '0', 2, 5, True)
    """

    name: str
    index: int
    patches: tuple[Patch, ...]
    images: int

    def __len__(self) -> int:
        return len(self.patches)

    def __getitem__(self, place: int) -> Patch:
        return self.patches[place]

    def __iter__(self) -> Iterator[Patch]:
        return iter(self.patches)

    def plot(self) -> Figure:
        """Draw the patches, each with its image's number and its value."""
        from convkit.plots import image_grid

        titles = [f"image {patch.image}: {patch.value:.3g}" for patch in self.patches]
        return image_grid([patch.pixels for patch in self.patches], titles=titles)


def top_patches(
    model: nn.Module,
    batches: Iterable[Tensor],
    name: str,
    module: nn.Module,
    index: int,
    count: int,
    preprocessing: Preprocessing,
) -> TopPatches:
    """Search batches for the patches that excite filter `index` of a layer most."""
    if count < 1:
        raise FeatureError(f"at least one patch is asked for; received count={count}")
    best: list[tuple[float, int, Patch]] = []
    fields: dict[tuple[int, ...], ReceptiveFields] = {}
    images = 0
    for batch in batches:
        peaks = _Peaks(index)
        observe(model, batch, {name: module}, peaks, guard=Guard(), follow=False)
        size = tuple(batch.shape[-2:])
        if size not in fields:
            fields[size] = receptive_fields(model, batch[:1], name, module, 0)
        for place, (value, y, x) in enumerate(peaks.found):
            entry = (value, -(images + place))
            if len(best) == count and entry <= best[0][:2]:
                continue
            box = fields[size].box(y, x)
            cut = _cut(batch[place : place + 1], box, preprocessing)
            patch = Patch(images + place, value, y, x, box, cut)
            (heapq.heappush if len(best) < count else heapq.heapreplace)(best, (*entry, patch))
        images += len(batch)
    if not images:
        raise FeatureError("the data set gave no images; give at least one")
    ordered = sorted(best, key=lambda entry: entry[:2], reverse=True)
    return TopPatches(name, index, tuple(patch for *_, patch in ordered), images)


def _cut(image: Tensor, box: Box, preprocessing: Preprocessing) -> Tensor:
    """The pixels of a box, as they look."""
    top, left, bottom, right = box.clipped(*image.shape[-2:])
    return as_pictures(image, preprocessing)[0, :, top:bottom, left:right].clone()


class _Peaks:
    """The highest value of one map for each image of a batch, over the layer's first call."""

    def __init__(self, index: int) -> None:
        self._index = index
        self.found: list[tuple[float, int, int]] = []

    def convolved(self, call: Call, operands: Operands, output: Tensor) -> None:
        """Find where each image's map is highest."""
        if self._index >= operands.out_channels or self._index < 0:
            raise FeatureError(
                f"layer {call.name!r} has {operands.out_channels} filters, 0 to "
                f"{operands.out_channels - 1}; received {self._index}"
            )
        maps = output[:, self._index].flatten(1)
        values, places = maps.max(1)
        width = output.shape[-1]
        self.found = [
            (float(value), place // width, place % width)
            for value, place in zip(values.tolist(), places.tolist(), strict=True)
        ]

    def followed(self, _: Call, __: Stage, ___: Tensor) -> None:
        """Later stages are not followed."""

    def finished(self) -> bool:
        """One call is enough."""
        return bool(self.found)
