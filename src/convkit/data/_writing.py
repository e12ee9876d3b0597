"""How do images in memory become files again?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from convkit.errors import DataError

if TYPE_CHECKING:
    from os import PathLike

    from convkit.data._image_set import ImageSet


def write_images(
    image_set: ImageSet, folder: str | PathLike[str], size: tuple[int, int] | None, suffix: str
) -> list[Path]:
    """Write every image as a file; `ImageSet.write_images` says where."""
    folders = [_folder_of(name, Path(folder)) for name in image_set.class_names]
    paths = []
    for number, label in enumerate(image_set.labels.tolist()):
        path = (folders[label] if image_set.labelled else Path(folder)) / f"{number:06d}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = image_set.images[number].permute(1, 2, 0).squeeze(2).numpy()
        image = Image.fromarray(pixels)
        if size is not None:
            image = image.resize(size[::-1])
        image.save(path)
        paths.append(path)
    return paths


def _folder_of(name: str, folder: Path) -> Path:
    """Where the images of a class go: directly below the folder, whatever the class is called."""
    if not name or name in {".", ".."} or any(character in name for character in "/\\\0"):
        raise DataError(f"class {name!r} can be no folder: write the images under another name")
    return folder / name
