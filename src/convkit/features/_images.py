"""Images as they come, made into what the model takes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from PIL import Image
from torch import Tensor

from convkit._eight_bits import eight_bits
from convkit.errors import FeatureError, ImageError


@runtime_checkable
class LoadsAndNormalizes(Protocol):
    """A preprocessing in two steps, as a convkit run saves it."""

    def load(self, paths: Any) -> Tensor:
        """Files to uint8 images (N, C, H, W)."""

    def normalize(self, images: Tensor) -> Tensor:
        """Those to float32."""


OneImage = Tensor | Image.Image | str | os.PathLike[str]
Images = OneImage | Sequence[OneImage]
Preprocessing = Callable[[Any], Tensor] | LoadsAndNormalizes | None


def as_batch(
    images: Images, preprocessing: Preprocessing, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """Make one batch of whatever was given, on the model's device and in its type.

    Args:
        images: A float tensor (N, C, H, W) or (C, H, W), which is taken as it is; uint8 tensors,
            PIL images and paths, which need the preprocessing and come to it as opaque 8-bit
            RGB: 16-bit values scaled, transparency laid on white; or several of these.
        preprocessing: What the model was trained with.
        device: Where the model is.
        dtype: What it computes in.

    Raises:
        FeatureError: When there is nothing, when sizes differ, or when a preprocessing is needed.
    """
    if isinstance(images, Tensor):
        batch = _tensor(images, preprocessing)
    elif isinstance(images, (Image.Image, str, os.PathLike)):
        batch = _one(images, preprocessing)
    else:
        batch = _joined([_one(image, preprocessing) for image in images])
    if len(batch) == 0:
        raise FeatureError("no images were given; give at least one")
    return batch.to(device=device, dtype=dtype)


def _joined(batches: list[Tensor]) -> Tensor:
    if not batches:
        raise FeatureError("no images were given; give at least one")
    sizes = {tuple(batch.shape[1:]) for batch in batches}
    if len(sizes) > 1:
        raise FeatureError(
            f"the images have different sizes {sorted(sizes)}; resize them alike in "
            f"the preprocessing, or extract them one at a time"
        )
    return torch.cat(batches)


def _one(image: Any, preprocessing: Preprocessing) -> Tensor:
    """One element of a list, as a batch."""
    if isinstance(image, Tensor):
        return _tensor(image, preprocessing)
    if not isinstance(image, (Image.Image, str, os.PathLike)):
        raise FeatureError(
            f"an image is a tensor, a PIL image or a path; received {type(image).__name__}"
        )
    if preprocessing is None:
        what = "a PIL image" if isinstance(image, Image.Image) else f"the file {str(image)!r}"
        raise FeatureError(
            f"{what} needs the model's preprocessing: "
            f"FilterFeatureExtractor(model, preprocessing=weights.transforms())"
        )
    if isinstance(preprocessing, LoadsAndNormalizes):
        if isinstance(image, Image.Image):
            return preprocessing.normalize(_loaded(image, preprocessing))
        return preprocessing.normalize(preprocessing.load([image]))
    made = preprocessing(_opaque(image) if isinstance(image, Image.Image) else _open(Path(image)))
    if not isinstance(made, Tensor):
        raise FeatureError(f"the preprocessing gave {type(made).__name__}; it must give a tensor")
    return _tensor(made, None)


def _loaded(image: Image.Image, preprocessing: LoadsAndNormalizes) -> Tensor:
    """An image in memory, for a preprocessing that loads files: through a file that is exact."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        _opaque(image).save(path)
        return preprocessing.load([path])


def _opaque(image: Image.Image) -> Image.Image:
    """An image in memory as 8-bit RGB."""
    try:
        return eight_bits(image)
    except ImageError as error:
        raise FeatureError(f"the PIL image {error}") from error


def _open(path: Path) -> Image.Image:
    """Read a file; the image is decoded here, so that a damaged file is named."""
    from PIL import ImageOps

    try:
        with Image.open(path) as image:
            return eight_bits(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FeatureError(f"{str(path)!r} is not a readable image: {error}") from error


def _tensor(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """A tensor as a batch; float values are taken for normalised."""
    if images.ndim not in {3, 4}:
        raise FeatureError(f"images are (N, C, H, W) or (C, H, W); received {tuple(images.shape)}")
    batch = images if images.ndim == 4 else images[None]
    if batch.is_floating_point():
        return batch
    if isinstance(preprocessing, LoadsAndNormalizes):
        return preprocessing.normalize(batch)
    if preprocessing is not None:
        return preprocessing(batch)
    raise FeatureError(
        f"{str(batch.dtype).removeprefix('torch.')} images need the model's preprocessing: "
        f"FilterFeatureExtractor(model, preprocessing=...), or normalise them to floats"
    )


def as_pictures(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Undo the normalisation, for looking: float32 (N, 3, H, W) within 0 to 1 on the CPU.

    Mean and deviation are those of the preprocessing. Without one, images within 0 to 1 stay as
    they are and others are stretched, each from its smallest to its largest value.
    """
    floats = images.detach().float().cpu()
    if floats.shape[1] not in {1, 3}:
        floats = floats.mean(dim=1, keepdim=True)
    statistics = next(_statistics(preprocessing), None)
    if statistics is not None:
        mean, std = (torch.tensor(s, dtype=torch.float32).view(1, -1, 1, 1) for s in statistics)
        floats = floats * std + mean
    elif floats.amin() < 0 or floats.amax() > 1:
        low = floats.amin(dim=(1, 2, 3), keepdim=True)
        high = floats.amax(dim=(1, 2, 3), keepdim=True)
        floats = (floats - low) / (high - low).clamp_min(1e-12)
    return floats.clamp(0, 1).expand(-1, 3, -1, -1)


def _statistics(preprocessing: Any) -> Iterator[tuple[Sequence[float], Sequence[float]]]:
    """Mean and deviation of a preprocessing, or of a step in it."""
    mean, std = getattr(preprocessing, "mean", None), getattr(preprocessing, "std", None)
    if isinstance(mean, Sequence) and isinstance(std, Sequence):
        yield mean, std
    for step in getattr(preprocessing, "transforms", None) or ():
        yield from _statistics(step)
