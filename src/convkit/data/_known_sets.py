"""Sets that courses use: CIFAR-10 and Caltech-101."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Unpack

import numpy as np
import torch

from convkit.data._assembling import Holding, assemble
from convkit.data._class_folders import class_listing
from convkit.data._folders import split_folders
from convkit.data._image_set import ImageSet, Split
from convkit.data._preprocessing import Preprocessing
from convkit.data._reading import Listing, Reading, read_listings, relative_name
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.data._fitting import Size
    from convkit.data._loading import DecodingOptions
    from convkit.data._sets import Sets

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_CALTECH = "101_ObjectCategories"
_BACKGROUND = "BACKGROUND_Google"


def cifar10(
    root: str | os.PathLike[str],
    *,
    validation: float | int | None = 0.1,
    seed: int = 0,
    stratified: bool = False,
    download: bool = True,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    **options: Unpack[DecodingOptions],
) -> Sets:
    """Read CIFAR-10: 50,000 + 10,000 images of 32x32 in ten classes.

    Args:
        root: A folder with `train/CLASS` and `test/CLASS` in it (or in `cifar10` below it), in the
            order of `order_train.txt` and `order_test.txt` when these are there; else where
            torchvision keeps its download.
        validation: A share or a count of the training images to hold out.
        seed: Of the split.
        stratified: Whether the split keeps each class's share; by default it is random, as in most
            courses.
        download: Whether torchvision may fetch what is missing.
        mean: Normalisation per channel; measured on the training images when left out.
        std: Likewise.
        **options: How files are decoded; see `DecodingOptions`.

    Returns:
        The sets, with the official names and order of the classes.

    Raises:
        DataError: When nothing is there and nothing may be fetched.

    Examples:
        >>> from convkit import data
        >>> data.cifar10("nowhere", download=False)
        Traceback (most recent call last):
        convkit.errors.DataError: CIFAR-10 is not in nowhere and could not be fetched: Dataset ...
    """
    holding = Holding(validation, seed=seed, stratified=stratified)
    for folder in (Path(root), Path(root) / "cifar10"):
        if (folder / "train" / CIFAR10_CLASSES[0]).is_dir():
            reading = Reading(Preprocessing((32, 32)), holding, mean=mean, std=std, options=options)
            listings = {
                split: _in_order(class_listing(each, CIFAR10_CLASSES, folder, split), folder, split)
                for split, each in split_folders(folder).items()
            }
            return read_listings(
                listings, CIFAR10_CLASSES, reading, root=folder, source=f"CIFAR-10 in {root}"
            )
    splits: dict[Split, ImageSet] = {
        "train": _official_cifar10(root, "train", download),
        "test": _official_cifar10(root, "test", download),
    }
    return assemble(splits, holding, mean=mean, std=std, source=f"CIFAR-10 in {root}")


def caltech101(
    root: str | os.PathLike[str],
    size: Size = 224,
    *,
    resize: int | None = None,
    border: bool = False,
    validation: float | int | None = 0.5,
    test: float | int | None = None,
    seed: int = 0,
    stratified: bool = True,
    download: bool = True,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    **options: Unpack[DecodingOptions],
) -> Sets:
    """Read Caltech-101: 8,677 photographs in 101 classes, the background class left out.

    Args:
        root: A folder with `101_ObjectCategories/CLASS` in it (or in `caltech101` below it); with
            the lists `train.txt` and `test.txt` beside it, these decide what is tested. Else where
            torchvision keeps its download.
        size: As for `image_folder`.
        resize: Likewise.
        border: Likewise.
        validation: A share or a count of the training images to hold out; half when left out.
        test: Likewise for testing, when there are no lists.
        seed: Of the split.
        stratified: Whether the split keeps each class's share.
        download: Whether torchvision may fetch what is missing.
        mean: Normalisation per channel; measured on the training images when left out.
        std: Likewise.
        **options: How files are decoded; see `DecodingOptions`.

    Returns:
        The sets; with the lists 5,784 images for training and validation, 2,893 for testing.

    Raises:
        DataError: When nothing is there and nothing may be fetched, or a list names what is not
            there.

    Examples:
        >>> from convkit import data
        >>> data.caltech101("nowhere", download=False)
        Traceback (most recent call last):
        convkit.errors.DataError: Caltech-101 is not in nowhere and could not be fetched: ...
    """
    folder = _caltech_folder(Path(root), download)
    images = folder / _CALTECH
    names = sorted(
        path.name for path in images.iterdir() if path.is_dir() and path.name != _BACKGROUND
    )
    listed = {split: folder / f"{split}.txt" for split in ("train", "test")}
    listings: dict[Split, Listing]
    if all(path.is_file() for path in listed.values()):
        listings = {
            "train": _course_list(listed["train"], images, names),
            "test": _course_list(listed["test"], images, names),
        }
    else:
        listings = {"train": class_listing(images, names, folder, "train", leave_out={_BACKGROUND})}
    reading = Reading(
        Preprocessing(size, resize=resize),
        Holding(validation, test, seed=seed, stratified=stratified),
        mean=mean, std=std, options=options, border=border,
    )  # fmt: skip
    return read_listings(listings, names, reading, root=folder, source=f"Caltech-101 in {root}")


def _in_order(listing: Listing, folder: Path, split: Split) -> Listing:
    """The files in the official order, when a list of it is there."""
    order = folder / f"order_{split}.txt"
    if not order.is_file():
        return listing
    places = {relative_name(path, folder): i for i, path in enumerate(listing.paths)}
    names = order.read_text(encoding="utf-8").split()
    if sorted(names) != sorted(places):
        raise DataError(f"{order} and the image files beside it do not name the same images")
    chosen = [places[name] for name in names]
    return Listing(
        [listing.paths[i] for i in chosen], [listing.labels[i] for i in chosen], listing.ignored
    )


def _official_cifar10(root: str | os.PathLike[str], split: Split, download: bool) -> ImageSet:
    """Torchvision's copy."""
    from torchvision.datasets import CIFAR10

    try:
        official = CIFAR10(os.fspath(root), train=split == "train", download=download)
    except (RuntimeError, OSError) as error:
        raise DataError(f"CIFAR-10 is not in {root} and could not be fetched: {error}") from error
    images = torch.from_numpy(np.ascontiguousarray(official.data.transpose(0, 3, 1, 2)))
    return ImageSet(
        images,
        torch.tensor(official.targets, dtype=torch.int64),
        class_names=CIFAR10_CLASSES,
        names=[f"{split}/{i:05d}" for i in range(len(images))],
        split=split,
        preprocessing=Preprocessing((32, 32)),
    )


def _caltech_folder(root: Path, download: bool) -> Path:
    """The folder that holds the categories; fetched when they are nowhere."""
    for folder in (root, root / "caltech101"):
        if (folder / _CALTECH).is_dir():
            return folder
    from torchvision.datasets import Caltech101

    try:
        Caltech101(os.fspath(root), download=download)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"Caltech-101 is not in {root} and could not be fetched: {error}"
        ) from error
    return root / "caltech101"


def _course_list(file: Path, images: Path, class_names: Sequence[str]) -> Listing:
    """The files of a list with lines `CLASS/NAME.jpg`, without the background class."""
    numbers = {name: k for k, name in enumerate(class_names)}
    listing = Listing()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        parts = PurePosixPath(line.strip()).parts
        if parts[:1] == (_BACKGROUND,):
            listing.ignored.append(line.strip())
        elif len(parts) == 2 and parts[0] in numbers and parts[1] != "..":
            listing.paths.append(str(images.joinpath(*parts)))
            listing.labels.append(numbers[parts[0]])
        elif parts:
            raise DataError(
                f"{file}, line {number}: {line.strip()!r} is not CLASS/NAME of {images}"
            )
    return listing
