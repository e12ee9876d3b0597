"""Listed image files made into sets: what folders, lists and known sets have in common."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from convkit.data._assembling import Holding, assemble
from convkit.data._image_set import ImageSet, Split
from convkit.data._loading import DecodingOptions, Loaded, load_images
from convkit.data._sets import Sets, SourceReport
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from convkit.data._preprocessing import Preprocessing

Normalization = tuple["float | Sequence[float] | None", "float | Sequence[float] | None"]


@dataclass(slots=True)
class Listing:
    """The image files of one split.

    Args:
        paths: The files.
        labels: The class of each.
        ignored: Names of what was passed over: no images, or hidden.
        groups: The group of each file, or nothing.
    """

    paths: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """How listed files become sets.

    Args:
        preprocessing: Size and channels.
        holding: What is held out of the training images.
        mean: Normalisation, or None to measure it.
        std: Likewise.
        options: Of decoding.
        border: Whether images keep what lies between `resize` and `size`.
    """

    preprocessing: Preprocessing
    holding: Holding
    _: KW_ONLY
    mean: float | Sequence[float] | None
    std: float | Sequence[float] | None
    options: DecodingOptions
    border: bool = False

    def loaded(self, paths: Sequence[str]) -> Loaded:
        """The files decoded and fitted, with a border as squares of the resized shorter side."""
        if self.border and self.preprocessing.resize is None:
            raise DataError("border=True keeps images at resize=: give resize= larger than size=")
        return load_images(paths, self.preprocessing, self.options, border=self.border)


def read_listings(
    listings: dict[Split, Listing],
    class_names: Sequence[str],
    reading: Reading,
    *,
    root: Path,
    source: str,
) -> Sets:
    """Decode the listed files of every split and join them into `Sets`.

    Args:
        listings: By split; splits without files are left out.
        class_names: Of all splits.
        reading: How.
        root: What the names of the images are relative to.
        source: Where the images came from, in words.

    Raises:
        DataError: When files cannot be read or splits contradict each other.
    """
    splits: dict[Split, ImageSet] = {}
    groups: list[str] | None = None
    loaded = {
        split: reading.loaded(listing.paths) for split, listing in listings.items() if listing.paths
    }
    preprocessing = _of_one_size(reading.preprocessing, list(loaded.values()))
    for split, one in loaded.items():
        listing = listings[split]
        splits[split] = ImageSet(
            one.images,
            torch.tensor(listing.labels, dtype=torch.int64)[list(one.kept)],
            class_names=class_names,
            names=[relative_name(listing.paths[i], root) for i in one.kept],
            split=split,
            preprocessing=preprocessing,
        )
        if split == "train" and listing.groups:
            groups = [listing.groups[i] for i in one.kept]
    ignored = tuple(name for listing in listings.values() for name in listing.ignored)
    return assemble(
        splits,
        reading.holding,
        mean=reading.mean,
        std=reading.std,
        source=source,
        report=_report(list(loaded.values()), ignored),
        groups=groups,
    )


def _of_one_size(preprocessing: Preprocessing, loaded: Sequence[Loaded]) -> Preprocessing:
    """With the size that all files turned out to have, so that a file given later gets it too."""
    sizes = {tuple(one.images.shape[2:]) for one in loaded}
    if preprocessing.size is not None or len(sizes) != 1:
        return preprocessing
    height, width = sizes.pop()
    return replace(preprocessing, size=(height, width))


def relative_name(path: str | os.PathLike[str], root: Path) -> str:
    """A path below the root, with forward slashes everywhere; sixty thousand of them are few."""
    text, base = os.fspath(path), os.fspath(root)
    if not text.startswith(base + os.sep):
        text = os.path.relpath(text, base)
        base = ""
    return text[len(base) :].lstrip(os.sep).replace(os.sep, "/")


def _report(loaded: Sequence[Loaded], ignored: tuple[str, ...]) -> SourceReport:
    """What was met in all splits together."""
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    for one in loaded:
        sizes.update(dict(one.sizes))
        modes.update(dict(one.modes))
    return SourceReport(
        tuple(pair for one in loaded for pair in one.unreadable),
        tuple(pair for one in loaded for pair in one.notices),
        ignored,
        dict(sizes),
        dict(modes),
    )
