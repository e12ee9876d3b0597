"""How an image of any size becomes one of the size that the network takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from convkit.errors import DataError

if TYPE_CHECKING:
    from typing import TypeAlias

Size: TypeAlias = int | tuple[int, int] | None

LARGEST_SIDE = 16_384


def check_size(size: object, resize: object) -> None:
    """Refuse sizes that are not an int, a pair (height, width) or None.

    Raises:
        DataError: Naming the argument, what was received and what would do.
    """
    sides = size if isinstance(size, tuple) else (size,)
    if isinstance(size, tuple) and len(size) != 2:
        raise DataError(f"size={size!r}: a tuple is (height, width), two numbers")
    for name, side in [*(("size", side) for side in sides), ("resize", resize)]:
        if side is None and not isinstance(size, tuple):
            continue
        if name == "resize" and side is None:
            continue
        if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= LARGEST_SIDE:
            raise DataError(f"{name}={side!r}: a side is a whole number from 1 to {LARGEST_SIDE}")
    if isinstance(resize, int) and size is None:
        raise DataError(f"resize={resize} needs size=, the square that is cut from the middle")
    if isinstance(resize, int) and resize < max(side for side in sides if side is not None):
        raise DataError(
            f"resize={resize} is smaller than size={size!r}: the crop would need padding; "
            f"use resize={max(side for side in sides if side is not None)} or more"
        )


def fit(
    image: Image.Image, size: Size, resize: int | None = None, *, border: bool = False
) -> Image.Image:
    """Resize and crop as torchvision's `Resize` and `CenterCrop` do on PIL images.

    Args:
        image: An image of mode RGB or L.
        size: An int: the shorter side becomes `resize` (or `size`), then a square of `size` is cut
            from the middle. A pair (height, width): the image is stretched to it, or with `resize`
            its shorter side becomes that and the pair is cut from the middle. None: nothing.
        resize: The shorter side before the crop; None means `size`.
        border: Whether a square of `resize` is kept, with the crop in its middle.

    Returns:
        The image, resized with the antialiased bilinear filter.
    """
    if size is None:
        return image
    if isinstance(size, tuple) and resize is None:
        return _resized(image, size)
    height, width = size if isinstance(size, tuple) else (size, size)
    resized = _resized(image, _shorter_side(image.size, resize or height))
    return (_square_around if border else _centre)(resized, height, width)


def _shorter_side(image_size: tuple[int, int], side: int) -> tuple[int, int]:
    """Height and width with the shorter one `side`, the longer one cut to a whole number."""
    width, height = image_size
    if width <= height:
        return int(side * height / width), side
    return side, int(side * width / height)


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The image at (height, width), itself when it has that size already."""
    height, width = size
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _centre(image: Image.Image, height: int, width: int) -> Image.Image:
    """The middle of an image, as torchvision's `center_crop` cuts it."""
    if image.size == (width, height):
        return image
    left, top = margin(image.width, width), margin(image.height, height)
    return image.crop((left, top, left + width, top + height))


def _square_around(image: Image.Image, height: int, width: int) -> Image.Image:
    """The largest square that has in its middle what `_centre` cuts out of the whole image.

    Where margins are odd, rounding twice would end a pixel beside it: so the square gives way.
    """
    side = min(image.size)
    left = margin(image.width, width) - margin(side, width)
    top = margin(image.height, height) - margin(side, height)
    return image.crop((left, top, left + side, top + side))


def margin(side: int, wanted: int) -> int:
    """What is cut off before the middle, rounded as torchvision's `center_crop` rounds."""
    return round((side - wanted) / 2.0)
