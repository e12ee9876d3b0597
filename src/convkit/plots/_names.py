"""Names made drawable: nothing invisible, nothing the fonts lack, nothing too long."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from matplotlib import font_manager

from convkit._escaping import plain

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

# DejaVu Sans comes with matplotlib; the others, where they are installed, cover more scripts.
_WIDE_FAMILIES = (
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Arial Unicode MS",
)
_INSTALLED = {font.name for font in font_manager.fontManager.ttflist}
FONT_FAMILIES = ("DejaVu Sans", *(name for name in _WIDE_FAMILIES if name in _INSTALLED))


def drawable(name: object, longest: int = 40) -> str:
    r"""A name as it is drawn.

    Characters that no font at hand has are written as their code points: matplotlib would draw
    the same empty box for each of them and warn about it. Names that are too long lose their
    middle, because file and class names often differ at the end.

    Args:
        name: Anything with a text.
        longest: Characters to keep.

    Examples:
        >>> drawable("a very long name of a class indeed", 15)
        'a very … indeed'
    """
    whole = str(name)
    # A name of a megabyte is not read letter by letter: its ends are all that is shown.
    cut = whole if len(whole) <= 8 * longest else whole[: 4 * longest] + whole[-4 * longest :]
    text = plain(cut)
    written = text if text.isascii() else "".join(map(_shown, text))
    if len(written) <= longest:
        return written
    head = longest // 2
    return written[:head] + "…" + written[len(written) - (longest - head - 1) :]


def in_legend(name: object, longest: int = 40) -> str:
    """A name as a legend shows it: matplotlib leaves out those that begin with `_` or are empty."""
    shown = drawable(name, longest)
    return shown if shown and not shown.startswith("_") else f" {shown}"


@functools.lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    """The character, or its code point when no font has it."""
    if any(font.get_char_index(ord(character)) for font in _fonts()):
        return character
    number = ord(character)
    return f"\\u{number:04x}"


@functools.cache
def _fonts() -> tuple[FT2Font, ...]:
    """The fonts that pictures are written in, in the order in which they are tried."""
    return tuple(
        font_manager.get_font(font_manager.findfont(family, fallback_to_default=False))
        for family in FONT_FAMILIES
    )
