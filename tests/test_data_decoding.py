"""Files of every kind become the image that a person sees, or are refused with a reason."""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from convkit.data._decoding import Decoded, decode, read_image_bytes
from convkit.errors import ImageError

MUTATIONS = 10_000 if os.environ.get("CONVKIT_MANY_CASES") else 500


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pixels_of(content: bytes, **options: Any) -> np.ndarray:
    return np.asarray(decode(content, **options).image)


def gradient(mode: str = "RGB", height: int = 8, width: int = 12) -> Image.Image:
    values = np.arange(height * width * 3, dtype=np.uint32).reshape(height, width, 3)
    return Image.fromarray((values * 255 // values.max()).astype(np.uint8)).convert(mode)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_colour_is_left_as_it_is() -> None:
    image = gradient()

    assert np.array_equal(pixels_of(encoded(image)), np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_once(orientation: int, kind: str) -> None:
    image = Image.fromarray(
        np.kron(np.array([[255, 0, 80], [0, 160, 0]]), np.ones((16, 16))).astype(np.uint8)
    )
    image = image.convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    content = encoded(image, kind, exif=exif, **options)

    found = pixels_of(content).astype(int)

    turns: dict[int, Any] = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, 1),
    }  # fmt: skip
    expected = turns[orientation](np.asarray(image))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 3


def test_sixteen_bits_are_scaled_and_rounded() -> None:
    values = np.array([[0, 128, 129, 257, 32768, 65535]], dtype=np.uint16)

    found = pixels_of(encoded(Image.fromarray(values)))[0, :, 0]

    assert found.tolist() == [0, 0, 1, 1, 128, 255]
    assert found.tolist() == np.rint(values[0] / 257).astype(int).tolist()


def test_big_endian_sixteen_bit_tiff_is_read() -> None:
    values = np.array([[0, 65535], [32896, 257]], dtype=np.uint16)
    content = encoded(Image.frombytes("I;16B", (2, 2), values.astype(">u2").tobytes()), "TIFF")

    assert pixels_of(content, channels=1).tolist() == [[0, 255], [128, 1]]


def test_sixteen_bit_colour_png_is_scaled() -> None:
    row = b"\0" + struct.pack(">6H", 65535, 0, 32768, 257 * 7, 257 * 200, 0)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )

    assert pixels_of(content)[0].tolist() == [[255, 0, 128], [7, 200, 0]]


def test_grey_is_repeated() -> None:
    image = gradient("L")

    assert np.array_equal(pixels_of(encoded(image)), np.asarray(image)[:, :, None].repeat(3, 2))


def test_black_and_white_is_read() -> None:
    image = Image.fromarray(np.array([[True, False]]))

    assert pixels_of(encoded(image)).tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    image = Image.new(mode, (3, 1), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255) if mode == "RGBA" else (0, 255))
    image.putpixel((2, 0), (0, 0, 0, 128) if mode == "RGBA" else (0, 128))

    assert pixels_of(encoded(image))[0, :, 0].tolist() == [255, 0, 127]


def test_a_transparent_palette_entry_is_laid_on_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])

    found = pixels_of(encoded(image, transparency=0))

    assert found.tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_a_transparent_colour_is_laid_on_white() -> None:
    image = Image.new("RGB", (2, 1), (10, 20, 30))
    image.putpixel((1, 0), (1, 2, 3))

    assert pixels_of(encoded(image, transparency=(10, 20, 30))).tolist() == [[[255] * 3, [1, 2, 3]]]


def test_a_palette_is_looked_up() -> None:
    image = gradient().quantize(16)

    assert np.array_equal(pixels_of(encoded(image)), np.asarray(image.convert("RGB")))


def test_cmyk_becomes_rgb() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))

    assert np.abs(pixels_of(encoded(image, "JPEG")).astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_frame_is_taken_with_a_notice(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}

    found = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))

    assert found.notice == "first of 3 frames taken"
    assert np.asarray(found.image)[0, 0].tolist() == [255, 0, 0]


def test_one_channel_is_pillows_luminance() -> None:
    image = gradient()

    assert np.array_equal(pixels_of(encoded(image), channels=1), np.asarray(image.convert("L")))


def test_what_the_file_was_is_told() -> None:
    assert decode(encoded(gradient("L", 5, 7))) == Decoded(
        gradient("L", 5, 7).convert("RGB"), (5, 7), "L", ""
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_is_ignored_with_a_notice_or_not_at_all() -> None:
    content = encoded(gradient(), "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")

    assert decode(content).notice in {"", "damaged EXIF data ignored"}


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises more than it holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


REFUSED = {
    "empty": (b"", "is empty"),
    "text": (b"not an image at all", "is not an image of a known format"),
    "html": (b"<!DOCTYPE html><html></html>", "is not an image of a known format"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is not an image of a known format"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not an image of a known format"),
    "pdf": (b"%PDF-1.4\n", "is not an image of a known format"),
    "header only": (encoded(gradient())[:16], "is damaged: Truncated File Read"),
    "large": (bomb(10_000, 10_000), "has 10000x10000 = 100,000,000 pixels, more than 50,000,000"),
    "float": (
        encoded(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF"),
        "holds floating-point pixels, whose white is unknown: save as 8 or 16 bits",
    ),
    "32-bit": (
        encoded(Image.fromarray(np.full((2, 2), 70_000, dtype=np.int32)), "TIFF"),
        "holds 32-bit pixels, whose white is unknown: save as 8 or 16 bits",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_image_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=f"^{re.escape(reason)}$"):
        decode(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)

    with pytest.raises(ImageError, match=r"^is (damaged: .+|not an image of a known format)$"):
        decode(content[: len(content) // 2])


def test_far_too_many_pixels_are_refused_even_where_warnings_are_errors() -> None:
    with pytest.raises(ImageError, match=r"^has more than 50,000,000 pixels$"):
        decode(bomb(15_000, 15_000))


def test_a_limit_can_be_set() -> None:
    with pytest.raises(ImageError, match=r"^has 8x12 = 96 pixels, more than 95$"):
        decode(encoded(gradient()), max_pixels=95)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_mutated_files_are_read_or_refused_and_nothing_else_happens() -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8))
    kinds = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO")
    sources = [encoded(image, kind) for kind in kinds]
    generator = np.random.default_rng(0)
    refused, reasons = 0, set()
    for k in range(MUTATIONS):
        content = bytearray(sources[k % len(sources)])
        for place in generator.integers(0, min(len(content), 400), int(generator.integers(1, 6))):
            content[place] = generator.integers(256)
        try:
            found = decode(bytes(content))
        except ImageError as error:
            refused += 1
            reasons.add(str(error)[:10])
        else:
            assert found.image.mode == "RGB"

    assert 0 < refused < MUTATIONS
    assert "" not in reasons


def test_a_thousand_good_files_of_all_modes_are_read() -> None:
    generator = np.random.default_rng(0)
    kinds = [
        ("RGB", "PNG"), ("L", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("1", "PNG"),
        ("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGB", "WEBP"), ("RGBA", "WEBP"),
        ("P", "GIF"), ("RGB", "BMP"), ("L", "BMP"), ("CMYK", "TIFF"), ("RGB", "TIFF"),
        ("YCbCr", "JPEG"), ("RGB", "PPM"), ("L", "TGA"), ("I;16", "PNG"),
    ]  # fmt: skip
    for k in range(1000):
        mode, kind = kinds[k % len(kinds)]
        height, width = generator.integers(1, 24, 2)
        if mode == "I;16":
            image = Image.fromarray(generator.integers(0, 65536, (height, width), dtype=np.uint16))
        else:
            image = gradient("RGB", height, width).convert(mode)
        assert decode(encoded(image, kind)).size == (height, width)


def test_pillows_globals_stay_as_they_are() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)

    decode(encoded(gradient()))
    with pytest.raises(ImageError):
        decode(encoded(gradient())[:60])

    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "cannot be opened: No such file or directory"),  # noqa: ARG005 - nothing is made
        (lambda path: path.mkdir(), "is not a regular file"),
        (lambda path: os.mkfifo(path), "is not a regular file"),
        (lambda path: path.symlink_to(path), "cannot be opened: Too many levels of symbolic links"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path: Path, make: Any, reason: str) -> None:
    path = tmp_path / "image.png"
    make(path)

    with pytest.raises(ImageError, match=f"^{re.escape(reason)}$"):
        read_image_bytes(str(path))
