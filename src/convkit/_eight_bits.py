"""Images of every mode as 8-bit ones, by one rule wherever images come in."""

from __future__ import annotations

import numpy as np
from PIL import Image

from convkit.errors import ImageError


def eight_bits(image: Image.Image, channels: int = 3) -> Image.Image:
    """The image as opaque 8-bit RGB or grey: 16-bit values scaled, transparency laid on white.

    Args:
        image: Of any mode.
        channels: 3 for RGB, 1 for grey.

    Raises:
        ImageError: For pixels of which nobody knows what is white.
    """
    if image.mode.startswith("I") or image.mode == "F":
        image = _scaled(image)
    elif "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        image = _on_white(image)
    return image.convert("RGB" if channels == 3 else "L")


def _scaled(image: Image.Image) -> Image.Image:
    """Grey of 16 bits scaled to 8 by 255/65535, rounded."""
    values = np.asarray(image)
    if image.mode == "F":
        raise ImageError(
            "holds floating-point pixels, whose white is unknown: save as 8 or 16 bits"
        )
    if values.min() < 0 or values.max() > 65535:
        raise ImageError("holds 32-bit pixels, whose white is unknown: save as 8 or 16 bits")
    return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    """Transparent parts shown on white."""
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
