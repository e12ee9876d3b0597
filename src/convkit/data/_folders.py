"""Image files in folders, one folder for each class."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from convkit.data._assembling import Holding
from convkit.data._class_folders import class_listing, is_hidden, read_class_names
from convkit.data._labels import UNLABELLED
from convkit.data._preprocessing import Preprocessing
from convkit.data._reading import Listing, Reading, read_listings, relative_name
from convkit.errors import DataError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from convkit.data._fitting import Size
    from convkit.data._image_set import Split
    from convkit.data._loading import DecodingOptions
    from convkit.data._sets import Sets

_WORDS: dict[str, Split] = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
# As in train_set, val-data or test_images; seg_train is what the Intel scenes call theirs.
_ENDINGS = ("", "set", "data", "dataset", "images", "split")
_SEPARATORS = str.maketrans("", "", "_- ")
_SPLIT_NAMES: dict[str, Split] = {
    before + word + ending: split
    for word, split in _WORDS.items()
    for before in ("", "seg")
    for ending in _ENDINGS
}


def image_folder(
    root: str | os.PathLike[str],
    size: Size = None,
    *,
    resize: int | None = None,
    border: bool = False,
    channels: int = 3,
    pool: bool = False,
    validation: float | int | None = None,
    test: float | int | None = None,
    seed: int = 0,
    stratified: bool = True,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    **options: Unpack[DecodingOptions],
) -> Sets:
    """Read images from class folders.

    Args:
        root: Holds one folder per class, or `train`, `val` and `test` (also `training`, `valid`,
            `validation`, `dev`, `testing`, each of them followed by `set`, `data`, `dataset`,
            `images` or `split`, as in `test_set`, and the `seg_train` of the Intel scenes) with the
            class folders in them. What else is beside a train folder is not read, and told in
            `report.ignored`. A test folder that holds images and no class folders is unlabelled.
        size: An int: shorter side resized, square cut from the middle. A pair (height, width):
            stretched. None: as they are, all alike; then it is the size that they have.
        resize: The shorter side before the crop; `size` when left out.
        border: Whether images are kept as squares of `resize`, so that random crops have room;
            where none is cut at random, the middle is taken, as without a border.
        channels: 3 for RGB, 1 for grey.
        pool: Whether the images of all splits are taken together, to be split anew; the new split
            is that of the same images in class folders alone.
        validation: A share or a count of the training images to hold out.
        test: The same for testing, taken first.
        seed: Of the split, which does not depend on the order of the directory.
        stratified: Whether the split keeps each class's share.
        mean: Normalisation per channel; measured on the training images when left out.
        std: Likewise.
        **options: How files are decoded; see `DecodingOptions`: `on_unreadable="skip"`,
            `max_pixels`, `threads`, `memory_limit`, `cache`, `progress`.

    Returns:
        The sets; classes are the sorted folder names of the training images.

    Raises:
        DataError: When there is nothing to read, folders contradict each other, or files cannot be
            read.

    Examples:
        >>> from convkit import data
        >>> drawn = data.drawn_shapes(train=40, validation=10, test=10)
        >>> _ = drawn.train.write_images("photos")
        >>> sets = data.image_folder("photos", size=32, validation=0.25, seed=0)
        >>> len(sets.train), len(sets.validation), sets.train.images.shape[1:]
        (30, 10, torch.Size([3, 32, 32]))
    """
    folder = Path(root)
    preprocessing = Preprocessing(size, resize=resize, channels=channels)
    folders = split_folders(folder)
    class_names = read_class_names(folders["train"])
    listings = {
        split: class_listing(each, class_names, folder, split) for split, each in folders.items()
    }
    next(iter(listings.values())).ignored[:0] = _beside(folder, folders)
    if not listings["train"].paths:
        raise DataError(
            f"{folders['train']} holds no images: expected "
            f"{folders['train'] / class_names[0] / 'NAME.jpg'}"
        )
    if pool:
        listings = {"train": _pooled(listings, folders)}
    holding = Holding(validation, test, seed=seed, stratified=stratified)
    reading = Reading(preprocessing, holding, mean=mean, std=std, options=options, border=border)
    return read_listings(listings, class_names, reading, root=folder, source=str(root))


def split_folders(root: str | os.PathLike[str]) -> dict[Split, Path]:
    """Which splits a folder has set aside, without reading an image.

    The names that people use are known, such as `val`, `valid` and `test_set`; so are archives
    unpacked into folders of their own, `seg_train/seg_train` beside `seg_test/seg_test`.

    Args:
        root: As `image_folder` takes it.

    Returns:
        The folder of each split that is there; the root itself is that of the training images when
        it has none.

    Raises:
        DataError: When the root is missing, or has a test folder but none for training.

    Examples:
        >>> from convkit import data
        >>> folder = data.drawn_shapes(train=20, validation=10, test=0).write_images("drawn")
        >>> {split: path.name for split, path in data.split_folders(folder).items()}
        {'train': 'train', 'validation': 'val'}
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder")
    found: dict[Split, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        split = _SPLIT_NAMES.get(folder.name.lower().translate(_SEPARATORS))
        if split is None:
            continue
        if split in found:
            raise DataError(
                f"{root} has two folders for {split}: {found[split].name}, {folder.name}"
            )
        found[split] = folder
    if found and "train" not in found:
        names = ", ".join(path.name for path in found.values())
        raise DataError(f"{root} has {names} but no train folder")
    if found and all(_twice(folder) for folder in found.values()):
        return {split: folder / folder.name for split, folder in found.items()}
    return found or {"train": root}


def _twice(folder: Path) -> bool:
    """Whether a folder holds one of its own name and nothing else that is visible."""
    return [p.name for p in folder.iterdir() if not is_hidden(p.name)] == [folder.name]


def _beside(root: Path, folders: dict[Split, Path]) -> list[str]:
    """The names of what is in the root beside the folders of the splits, and not read."""
    if folders["train"] == root:
        return []
    read = {relative_name(folder, root).split("/")[0] for folder in folders.values()}
    return sorted(path.name for path in root.iterdir() if path.name not in read)


def _pooled(listings: dict[Split, Listing], folders: dict[Split, Path]) -> Listing:
    """The files of all splits as one, in the order of class and name, whatever their split.

    Raises:
        DataError: When images of one split have no classes.
    """
    files: list[tuple[int, str, str]] = []
    for split, listing in listings.items():
        if UNLABELLED in listing.labels:
            raise DataError(
                f"{folders[split]} holds images without class folders, which cannot be pooled: "
                "leave pool=True out, or move them away"
            )
        for path, label in zip(listing.paths, listing.labels, strict=True):
            name = unicodedata.normalize("NFC", relative_name(path, folders[split]))
            files.append((label, name, path))
    files.sort()
    return Listing(
        [path for *_, path in files],
        [label for label, *_ in files],
        [name for listing in listings.values() for name in listing.ignored],
    )
