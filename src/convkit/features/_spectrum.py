"""The Fourier peak of a filter: how its pattern lies and how fine it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SIZE = 128
_REACHES = (0.5, 0.08)  # half the width searched around the peak, in cycles over the filter
_TRIED = 13
_WINDOWS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # window deviations: the filter's size over these


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Where the energy of a pattern lies among the frequencies, its mean left out.

    Args:
        orientation: Of the stripes or edges, degrees counter-clockwise from horizontal as seen on
            the screen: 0 horizontal, 90 vertical; at least 0, below 180.
        frequency: Of the peak, cycles per pixel, 0 to about 0.7.
        coherence: 1 when all energy lies along one direction, 0 when along none.
        varying: The share of the filter's energy that is not its mean, 0 to 1.
    """

    orientation: float
    frequency: float
    coherence: float
    varying: float


def spectrum(weights: Floats) -> Spectrum:
    """Find the peak of the power spectrum, summed over the slices of a filter.

    Each slice is taken without its mean, so that the peak is that of its pattern, and laid into
    zeros, so that the spectrum is finely sampled. In a filter of one or two cycles the peak and
    its mirror image overlap and push each other; so from the peak on, the wave is sought that
    explains most of the filter by least squares, below a Gaussian window and beside a constant.

    Args:
        weights: (slices, height, width).
    """
    weights = _few_slices(weights)
    total = float((weights**2).sum())
    varied = weights - weights.mean(axis=(1, 2), keepdims=True)
    energy = float((varied**2).sum())
    if energy <= 1e-12 * total or total == 0:
        return Spectrum(0.0, 0.0, 0.0, 0.0)
    size = max(_SIZE, 4 * max(weights.shape[1:]))
    power = np.fft.fftshift((np.abs(np.fft.fft2(varied, (size, size))) ** 2).sum(axis=0))
    across = np.fft.fftshift(np.fft.fftfreq(size))
    row, column = np.unravel_index(int(power.argmax()), power.shape)
    fy, fx = _refined(weights, float(across[row]), float(across[column]))
    angle = np.degrees(np.arctan2(-fy, fx)) + 90.0  # rows grow downwards; stripes cross the wave
    frequency = float(np.hypot(fx, fy))
    return Spectrum(
        float(angle % 180.0),
        frequency,
        _coherence(power, across, weights.shape[1:]),
        energy / total,
    )


def _few_slices(weights: Floats) -> Floats:
    """As many slices as there are pixels, with the same sums of products over slices."""
    slices, height, width = weights.shape
    if slices <= height * width:
        return weights
    _, scales, patterns = np.linalg.svd(weights.reshape(slices, -1), full_matrices=False)
    few: Floats = (scales[:, None] * patterns).reshape(-1, height, width)
    return few


def _refined(weights: Floats, fy: float, fx: float) -> tuple[float, float]:
    """The frequencies (down, across) near the peak whose wave explains most of the filter."""
    sizes = np.array(weights.shape[1:])
    # A filter one pixel high says nothing about the vertical, and the other way round.
    fy, fx = (0.0 if size == 1 else f for size, f in zip(sizes, (fy, fx), strict=True))
    for reach in _REACHES:
        offsets = np.linspace(-reach, reach, _TRIED) / sizes.max()
        # Beyond half a cycle per pixel the same waves come again.
        downs = np.clip(fy + offsets, -0.5, 0.5) if sizes[0] > 1 else np.zeros(1)
        acrosses = np.clip(fx + offsets, -0.5, 0.5) if sizes[1] > 1 else np.zeros(1)
        tried = np.stack(np.meshgrid(downs, acrosses, indexing="ij"), axis=-1).reshape(-1, 2)
        gains = np.max([_explained(weights, tried, sizes.max() / w) for w in _WINDOWS], axis=0)
        fy, fx = tried[int(gains.argmax())]
    return float(fy), float(fx)


def _explained(weights: Floats, tried: Floats, deviation: float) -> Floats:
    """How much energy of the filter a wave of each frequency explains, beside a constant.

    Args:
        weights: (slices, height, width).
        tried: Frequencies down and across, (count, 2).
        deviation: Of the Gaussian window, in pixels.
    """
    height, width = weights.shape[1:]
    y, x = (np.arange(n) - (n - 1) / 2 for n in (height, width))
    window = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * deviation**2))
    phase = 2 * np.pi * (tried[:, :1, None] * y[:, None] + tried[:, 1:, None] * x)
    waves = np.stack([np.cos(phase), np.sin(phase)], axis=1) * window
    waves = waves.reshape(len(tried), 2, -1)
    waves -= waves.mean(axis=2, keepdims=True)
    centred = weights.reshape(len(weights), -1)
    fits = waves @ (centred - centred.mean(axis=1, keepdims=True)).T
    among = waves @ waves.transpose(0, 2, 1) + 1e-9 * np.eye(2)
    gains: Floats = (fits * np.linalg.solve(among, fits)).sum(axis=(1, 2))
    return gains


def _coherence(power: Floats, across: Floats, shape: tuple[int, ...]) -> float:
    """From the second moments of the power over directions."""
    if 1 in shape:
        return 1.0  # a filter one pixel wide has one direction only
    fy, fx = np.meshgrid(across, across, indexing="ij")
    radius = np.maximum(np.hypot(fx, fy), 1e-12)
    cosine, sine = (fx**2 - fy**2) / radius**2, 2 * fx * fy / radius**2
    both: Any = np.hypot((power * cosine).sum(), (power * sine).sum()) / power.sum()
    return float(both)
