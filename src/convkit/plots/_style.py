"""How every picture looks, and how it is made without touching any global state."""

from __future__ import annotations

import functools
import io
import textwrap
import threading
from typing import TYPE_CHECKING, Any, ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from convkit.plots._names import FONT_FAMILIES, drawable

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

P = ParamSpec("P")

# Okabe and Ito's colours, told apart by people with any kind of colour vision and in grey.
TRAINING = "#0072B2"
VALIDATION = "#D55E00"
TEST = "#009E73"
SPLIT_COLOURS = {"train": TRAINING, "training": TRAINING, "validation": VALIDATION, "test": TEST}
SERIES = (TRAINING, VALIDATION, TEST, "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C7A00")
INK = "#222222"
PALE = "#767676"
GRID = "#E3E3E3"
PAPER = "#FFFFFF"
# Zero is white in the middle, negative blue, positive red: filters and differences.
SIGNED = "RdBu_r"
# Black to yellow, evenly spaced for the eye: feature maps.
UNSIGNED = "viridis"

_RC: dict[str, Any] = {
    "font.family": list(FONT_FAMILIES),
    "font.size": 10.0,
    # Class and run names may hold dollar signs; they are names, never formulas.
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": "#9A9A9A",
    "axes.labelcolor": INK,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": "#9A9A9A",
    "xtick.labelcolor": INK,
    "ytick.color": "#9A9A9A",
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "image.interpolation": "nearest",
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": "auto",
    "svg.hashsalt": "convkit",  # the same picture gives the same file
}
# matplotlib's settings are one object for all threads; two pictures drawn at once would restore
# each other's.
_LOCK = threading.RLock()
_TITLE_CHARACTERS = 8  # of an inch: a letter of 12 points, bold, is an eighth of an inch wide


class Picture(Figure):
    """A figure that notebooks show although pyplot does not know it."""

    def _repr_png_(self) -> bytes:
        return encode(self, "png", dpi=110)


def drawn(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function in convkit's style, whatever the user's settings are.

    The settings that were there come back afterwards, also when drawing fails.
    """

    @functools.wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _LOCK, mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_RC)  # type: ignore[arg-type]  # its stubs list every name of every version
            return function(*args, **kwargs)

    return draw


def new_figure(width: float, height: float, *, constrained: bool = True) -> Picture:
    """An empty figure of a size in inches, known to nobody but its holder."""
    return Picture(figsize=(width, height), dpi=100, layout="constrained" if constrained else None)


def encode(figure: Figure, form: str = "png", *, dpi: int = 144) -> bytes:
    """The bytes of a figure as PNG, SVG or PDF; the same figure gives the same bytes.

    Args:
        figure: A figure of this room, or any other.
        form: `"png"`, `"svg"` or `"pdf"`.
        dpi: Pixels per inch of a PNG, and of the images inside the other two.

    Returns:
        The content of a file.

    Examples:
        >>> from convkit import plots
        >>> plots.encode(plots.bars({"conv1": 0.5}), "svg").startswith(b"<?xml")
        True
    """
    stream = io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with _LOCK, mpl.rc_context({"svg.hashsalt": "convkit", "savefig.facecolor": "auto"}):
        figure.savefig(stream, format=form, dpi=dpi, metadata=undated)
    return stream.getvalue()


def style_axes(axes: Axes, *, grid: str | None = "y") -> None:
    """Fix the look of ticks that matplotlib makes only when the figure is drawn."""
    axes.tick_params(colors="#9A9A9A", labelcolor=INK, labelsize=9, labelfontfamily="DejaVu Sans")
    if grid is not None:
        axes.grid(True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]  # "x", "y" or "both"


def log_axis(axes: Axes) -> None:
    """Set the vertical axis logarithmic, with plain numbers at its ticks."""
    axes.set_yscale("log")
    # The usual labels are formulas (10 to the minus 1), which are switched off here for names.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def bare(axes: Axes) -> None:
    """Take frame and ticks away: what is shown is an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def heading(figure: Figure, title: str | None) -> None:
    """Write a title over the whole figure, when there is one, in as many lines as it needs."""
    if title:
        written = wrapped(title, figure.get_figwidth())
        figure.suptitle(written, x=0.01, ha="left", fontsize=12, fontweight="bold")


def wrapped(title: str, width: float) -> str:
    """A title in lines that fit into so many inches."""
    return "\n".join(textwrap.wrap(drawable(title, 90), int(_TITLE_CHARACTERS * width)))
