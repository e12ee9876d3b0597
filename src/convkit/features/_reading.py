"""Reading a filter: what it answers to, measured from its weights, and said in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from convkit._tables import Shown, Table
from convkit.errors import FeatureError
from convkit.features._patterns import blobs, colour_name, edges, similarity, turned
from convkit.features._spectrum import Spectrum, spectrum

if TYPE_CHECKING:
    from convkit.features._patterns import Floats

Kind = Literal["edge", "line", "stripes", "blob", "colour", "brightness", "point", "mixed", "zero"]

_EVEN = 0.9  # share of energy in the mean above which there is no pattern to speak of
_ORIENTED = 0.45  # coherence of the spectrum
_BLOB = 0.7  # similarity with a round blob
_CHROMATIC = 0.8  # similarity of the channels' mixture with grey, below which it is coloured
_MANY_CYCLES = 1.6
_NAMES = {0: "horizontal", 45: "rising diagonal", 90: "vertical", 135: "falling diagonal"}


@dataclass(frozen=True, slots=True)
class Reading(Shown):
    """What a filter answers to, measured from its weights.

    Args:
        kind: `"edge"`, `"line"`, `"stripes"` (more than 1.6 cycles), `"blob"`, `"colour"` or
            `"brightness"` (no pattern worth the name), `"point"` (1x1 over features), `"mixed"`
            or `"zero"`.
        orientation: Of edges, lines or stripes: degrees counter-clockwise from horizontal as seen
            on the screen, 0 horizontal, 90 vertical, below 180. NaN without a pattern.
        frequency: Of the Fourier peak, cycles per pixel of the layer's input. NaN without one.
        coherence: How much of the energy lies along one direction, 0 to 1.
        mean_share: The share of the energy that lies in the mean of each slice, 0 to 1: what
            answers to even brightness or colour.
        colour: Over three channels, what the mixture of channels is: `"grey"`, or the two colours
            that it sets against each other. Empty over other channels.
        one_pattern: The share of energy in one pattern common to all slices, 0 to 1.
        responses: Similarity of the filter with standard patterns, 0 to 1 in magnitude: edges of
            four directions, a blob (negative: dark centre), brightness, and colours.
        sentence: All this in words.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> conv = nn.Conv2d(1, 1, kernel_size=3, bias=False)
        >>> edge = torch.tensor([[1.0, 1, 1], [0, 0, 0], [-1, -1, -1]])
        >>> with torch.no_grad():
        ...     _ = conv.weight.copy_(edge[None, None])
        >>> with FilterFeatureExtractor(nn.Sequential(conv)) as extractor:
        ...     reading = extractor.extract(torch.rand(1, 1, 8, 8), layers="0")["0"][0].describe()
        >>> reading.kind, reading.orientation
        ('edge', 0.0)
    """

    kind: Kind
    orientation: float
    frequency: float
    coherence: float
    mean_share: float
    colour: str
    one_pattern: float
    responses: dict[str, float]
    sentence: str

    def table(self) -> Table:
        """The figures behind the sentence."""
        figures = [
            ("kind", self.kind),
            ("orientation, degrees", f"{self.orientation:.1f}"),
            ("frequency, cycles per pixel", f"{self.frequency:.3f}"),
            ("coherence", f"{self.coherence:.2f}"),
            ("energy in the mean", f"{self.mean_share:.1%}"),
            ("energy in one pattern", f"{self.one_pattern:.1%}"),
            *((f"response to {name}", f"{value:.2f}") for name, value in self.responses.items()),
        ]
        return Table(("figure", "value"), tuple(figures), title=self.sentence)

    def __str__(self) -> str:
        return str(self.table())


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the kind is decided by."""

    weights: Floats
    spectrum: Spectrum
    mixture: Floats  # of the slices, of length 1
    pattern: Floats  # (height, width), of length 1, common to all slices
    one_pattern: float
    blob: float

    @property
    def coloured(self) -> bool:
        """Whether three slices are weighed so differently that it is a colour."""
        grey = np.ones(len(self.mixture)) / np.sqrt(len(self.mixture))
        return len(self.mixture) == 3 and abs(float(self.mixture @ grey)) < _CHROMATIC

    @property
    def cycles(self) -> float:
        """How many cycles of the peak's wave fit into the filter."""
        radians = np.radians(self.spectrum.orientation - 90.0)
        height, width = self.pattern.shape
        extent = abs(width * np.cos(radians)) + abs(height * np.sin(radians))
        return float(self.spectrum.frequency * min(extent, np.hypot(height, width)))

    @property
    def parity(self) -> float:
        """1 when the pattern is the same turned by 180 degrees, -1 when it is its negative."""
        varied = self.pattern - self.pattern.mean()
        return similarity(varied, turned(varied))


def describe(weights: Floats) -> Reading:
    """Read one filter.

    Args:
        weights: (in_channels, kernel_height, kernel_width).

    Raises:
        FeatureError: When a weight is not finite.
    """
    if not np.isfinite(weights).all():
        raise FeatureError("the filter has weights that are not finite; there is nothing to read")
    if not weights.any():
        nan, sentence = float("nan"), "all weights are zero: this filter sees nothing"
        return Reading("zero", nan, nan, 0.0, 0.0, "", 0.0, {}, sentence)
    measured = _measure(weights)
    kind = _kind(measured)
    found = measured.spectrum
    varies = found.varying > 0
    return Reading(
        kind,
        found.orientation if varies else float("nan"),
        found.frequency if varies else float("nan"),
        found.coherence,
        1.0 - found.varying if varies else 1.0,
        colour_name(measured.mixture, coloured=measured.coloured) if len(weights) == 3 else "",
        measured.one_pattern,
        _responses(measured),
        _sentence(kind, measured),
    )


def _measure(weights: Floats) -> _Measured:
    flat = weights.reshape(len(weights), -1)
    mixtures, scales, patterns = np.linalg.svd(flat, full_matrices=False)
    mixture, pattern = mixtures[:, 0], patterns[0].reshape(weights.shape[1:])
    # The sign of the two is free: the mixture is the one that adds light (or most of a channel).
    sign = np.sign(mixture.sum()) if abs(mixture.sum()) > 0.3 else np.sign(pattern.sum())
    mixture, pattern = (mixture * (sign or 1.0), pattern * (sign or 1.0))
    blob = max((similarity(pattern, b) for b in blobs(pattern.shape)), key=abs, default=0.0)
    return _Measured(
        weights,
        spectrum(weights),
        mixture,
        pattern,
        float(scales[0] ** 2 / (scales**2).sum()),
        blob,
    )


def _kind(measured: _Measured) -> Kind:
    """The first rule that holds."""
    found = measured.spectrum
    if measured.pattern.size == 1 and len(measured.mixture) not in {1, 3}:
        return "point"
    if found.varying <= 1 - _EVEN:
        return "colour" if measured.coloured else "brightness"
    if found.coherence >= _ORIENTED and abs(measured.blob) < 0.9:
        if measured.cycles >= _MANY_CYCLES:
            return "stripes"
        return "edge" if measured.parity < 0 else "line"
    if abs(measured.blob) >= _BLOB:
        return "colour" if measured.coloured else "blob"
    return "mixed"


def _responses(measured: _Measured) -> dict[str, float]:
    """Similarities with standard patterns; those of edges whichever channels carry them."""
    flat = measured.weights.reshape(len(measured.weights), -1)
    length = float(np.linalg.norm(flat))
    found: dict[str, float] = {}
    for angle, name in _NAMES.items():
        shapes = edges(measured.pattern.shape, float(angle))
        found[f"{name} edges"] = max(
            (float(np.linalg.norm(flat @ shape.ravel())) / length for shape in shapes), default=0.0
        )
    found["blob"] = measured.blob
    even = flat.sum(axis=1) / np.sqrt(flat.shape[1]) / length
    found["brightness"] = float(even.sum() / np.sqrt(len(even)))
    if len(even) == 3:
        tint = even - even.mean()
        found |= {
            n: float(t * np.sqrt(1.5)) for n, t in zip(("red", "green", "blue"), tint, strict=True)
        }
    return found


def _sentence(kind: Kind, measured: _Measured) -> str:
    colour = colour_name(measured.mixture, coloured=measured.coloured)
    tinted = f" in {colour}" if colour and measured.coloured else ""
    found = measured.spectrum
    if kind == "brightness":
        light = float(measured.weights.sum()) > 0
        return f"even brightness: answers to {'light' if light else 'dark'} areas"
    if kind == "colour":
        return f"colour: {colour}, {'in a blob' if found.varying > 1 - _EVEN else 'even'}"
    if kind == "point":
        return "one pixel: mixes channels and sees no pattern"
    if kind == "blob":
        size = _blob_size(measured.pattern)
        where = "light on dark" if measured.blob > 0 else "dark on light"
        return f"blob{tinted}, {where}, about {size:.0f} px wide"
    if kind == "mixed":
        return f"no single pattern{tinted}; strongest: {_strongest(measured)}"
    period = 1 / found.frequency if found.frequency else float("inf")
    direction = _direction(found.orientation)
    if kind == "edge":
        return f"{direction} edges{tinted}, {_polarity(measured)}, about {period / 2:.0f} px wide"
    what = "lines" if kind == "line" else "stripes"
    middle = measured.pattern[tuple(n // 2 for n in measured.pattern.shape)]
    core = f"{'light' if middle > 0 else 'dark'} in the middle, " if kind == "line" else ""
    return f"{direction} {what}{tinted}, {core}a period of {period:.1f} px"


def _direction(orientation: float) -> str:
    """The nearest of the four names, with the degrees where it is not exact."""
    nearest = round(orientation / 45) * 45
    name = _NAMES[nearest % 180]
    return name if abs(orientation - nearest) <= 10 else f"{name} ({orientation:.0f}°)"


def _polarity(measured: _Measured) -> str:
    """From dark to light across the edge, in the direction in which people read."""
    height, width = measured.pattern.shape
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
    varied = measured.pattern - measured.pattern.mean()
    down, right = float((varied * y).sum()), float((varied * x).sum())
    first, second = ("dark", "light")
    if abs(right) >= abs(down):
        return f"{first if right > 0 else second} left, {second if right > 0 else first} right"
    return f"{first if down > 0 else second} above, {second if down > 0 else first} below"


def _blob_size(pattern: Floats) -> float:
    """The width of the disc that is as large as the part above half the greatest magnitude."""
    peak = np.abs(pattern).max()
    return float(2 * np.sqrt((np.abs(pattern) >= peak / 2).sum() / np.pi))


def _strongest(measured: _Measured) -> str:
    responses = _responses(measured)
    name = max(responses, key=lambda one: abs(responses[one]))
    return f"{name} ({responses[name]:.2f})"
