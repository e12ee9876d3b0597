"""Which images are in class folders? Names of the classes, paths and labels of the files."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from convkit.data._labels import UNLABELLED
from convkit.data._reading import Listing, relative_name
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from convkit.data._image_set import Split

_EXTENSIONS = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".dib",
        ".gif",
        ".tif",
        ".tiff",
        ".webp",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
        ".j2k",
        ".avif",
        ".tga",
        ".ico",
        ".pcx",
        ".sgi",
        ".qoi",
        ".mpo",
        ".apng",
    ]
)
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin"})


def read_class_names(folder: Path) -> tuple[str, ...]:
    """The sorted names of the class folders.

    Raises:
        DataError: When there are none, or two differ only in case.
    """
    names = sorted(
        unicodedata.normalize("NFC", path.name)
        for path in folder.iterdir()
        if path.is_dir() and not is_hidden(path.name)
    )
    if not names:
        raise DataError(
            f"{folder} holds no class folders: expected {folder / 'CLASS' / 'NAME.jpg'}"
        )
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise DataError(
                f"{folder} has the class folders {other!r} and {name!r}, which differ only in "
                "case and are one folder on other systems: rename one"
            )
    return tuple(names)


def class_listing(
    folder: Path,
    class_names: Sequence[str],
    root: Path,
    split: Split,
    leave_out: Collection[str] = (),
) -> Listing:
    """The image files below one split's folder, in the order of class and name.

    Args:
        folder: Holds the class folders.
        class_names: Of the training images.
        root: What names are relative to.
        split: A test folder may hold images without classes.
        leave_out: Class folders to pass over.

    Raises:
        DataError: When a class folder is not among the names.
    """
    listing = Listing()
    labels = {name: label for label, name in enumerate(class_names)}
    loose: list[Path] = []
    unknown: list[str] = []
    for path in sorted(folder.iterdir(), key=lambda path: unicodedata.normalize("NFC", path.name)):
        name = unicodedata.normalize("NFC", path.name)
        if is_hidden(path.name) or name in leave_out:
            listing.ignored.append(relative_name(path, root))
        elif not path.is_dir():
            loose.append(path)
        elif name not in labels:
            unknown.append(path.name)
        else:
            files = _files_below(path, listing, root)
            listing.paths += files
            listing.labels += [labels[name]] * len(files)
    if unknown:
        raise DataError(
            f"{folder} has class folders that the training images lack: {', '.join(unknown)}"
        )
    images = [path for path in loose if _is_image(path.name)]
    if images and split == "test" and not listing.paths:
        listing.paths = [str(path) for path in images]
        listing.labels = [UNLABELLED] * len(images)
        loose = [path for path in loose if path not in set(images)]
    listing.ignored += [relative_name(path, root) for path in loose]
    return listing


def _files_below(folder: Path, listing: Listing, root: Path) -> list[str]:
    """Image files in a class folder and the folders in it; each real folder is entered once."""
    found: list[str] = []
    seen = {_identity(str(folder))}
    for directory, folders, files in os.walk(folder, followlinks=True):
        enter = []
        for name in sorted(folders):
            inner = directory + os.sep + name
            identity = _identity(inner)
            if is_hidden(name) or identity in seen:
                listing.ignored.append(relative_name(inner, root))
            else:
                seen.add(identity)
                enter.append(name)
        folders[:] = enter
        for name in files:
            path = directory + os.sep + name
            if _is_image(name) and not is_hidden(name):
                found.append(path)
            else:
                listing.ignored.append(relative_name(path, root))
    # The order must not depend on the directory, nor on how the system composes letters.
    return sorted(found, key=lambda path: unicodedata.normalize("NFC", path.replace(os.sep, "/")))


def _identity(folder: str) -> tuple[int, int]:
    """The same for every link to one folder."""
    status = Path(folder).stat()
    return status.st_dev, status.st_ino


def is_hidden(name: str) -> bool:
    """Whether a file or folder belongs to the system, not to the user."""
    return name.startswith(".") or name.lower() in _SYSTEM


def _is_image(name: str) -> bool:
    """Whether a file's name says that it is an image."""
    return name[name.rfind(".") :].lower() in _EXTENSIONS
