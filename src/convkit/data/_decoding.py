"""One file of whatever kind made into an 8-bit image, by fixed rules."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from functools import cache

from PIL import Image, UnidentifiedImageError

from convkit._eight_bits import eight_bits
from convkit.errors import ImageError

MAX_PIXELS = 50_000_000
MAX_FILE_BYTES = 1 << 30
# Formats that Pillow reads by itself; EPS and the like would start other programs.
_WANTED = (
    "JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000", "TGA", "ICO", "AVIF", "DIB",
    "PCX", "SGI", "QOI",
)  # fmt: skip
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded image and what the file said of itself.

    Args:
        image: Mode RGB, or L when one channel was asked for; upright, opaque, 8-bit.
        size: Height and width in the file, turned upright.
        mode: Pillow's name of the file's mode, such as `"RGB"`, `"L"` or `"I;16"`.
        notice: What was left out or assumed, or an empty text.
    """

    image: Image.Image
    size: tuple[int, int]
    mode: str
    notice: str


def decode(content: bytes, *, channels: int = 3, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode the bytes of an image file.

    EXIF orientation is applied once; 16-bit values are scaled to 8; grey is repeated to RGB;
    transparency is laid on white; of an animation the first frame is taken.

    Args:
        content: The whole file.
        channels: 3 for RGB, 1 for grey (0.299 R + 0.587 G + 0.114 B).
        max_pixels: More than this is refused from the header, before anything is allocated.

    Raises:
        ImageError: With the reason, not yet the path.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_formats()) as image:
            _check_pixels(image.size, max_pixels)
            mode, notice = image.mode, _animation(image)
            image.load()
            upright, turn_notice = _upright(eight_bits(image, channels), image)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"has more than {max_pixels:,} pixels") from None
    except Exception as error:
        # Pillow's plugins raise nearly anything on damaged bytes: struct.error, KeyError, ...
        raise ImageError(_reason(content, error)) from error
    size = (upright.height, upright.width)
    return Decoded(upright, size, mode, "; ".join(filter(None, [notice, turn_notice])))


def read_image_bytes(path: str) -> bytes:
    """Read a file that is small enough to be an image.

    Raises:
        ImageError: When it cannot be opened, is no regular file or is larger than 1 GiB.
    """
    try:
        # Not blocking: a pipe that is named like an image must not stop everything.
        descriptor = os.open(path, _READ)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ImageError("is not a regular file")
            if status.st_size > MAX_FILE_BYTES:
                raise ImageError("is larger than 1 GiB")
            return os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ImageError(f"cannot be opened: {reason}") from error


@cache
def _formats() -> tuple[str, ...]:
    """Those wanted that this Pillow knows."""
    Image.init()
    return tuple(name for name in _WANTED if name in Image.OPEN)


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse what the header says is too large, or empty."""
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"says its size is {height}x{width}")
    if width * height > max_pixels:
        raise ImageError(
            f"has {height}x{width} = {width * height:,} pixels, more than {max_pixels:,}"
        )


def _animation(image: Image.Image) -> str:
    """A notice when a file holds more than one picture; multi-picture JPEGs show one photo."""
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return ""
    return f"first of {getattr(image, 'n_frames', 2)} frames taken"


def _upright(image: Image.Image, source: Image.Image) -> tuple[Image.Image, str]:
    """Turn as the EXIF orientation says, read after loading, when TIFF has turned itself."""
    try:
        turn = _TURNS.get(source.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF raises nearly anything; the pixels are sound
        return image, "damaged EXIF data ignored"
    return (image if turn is None else image.transpose(turn)), ""


def _reason(content: bytes, error: Exception) -> str:
    """Why a file was not decoded, in a few words."""
    if not content:
        return "is empty"
    if isinstance(error, UnidentifiedImageError):
        return "is not an image of a known format"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    words = str(error).strip() or type(error).__name__
    return f"is damaged: {words[:200]}"
