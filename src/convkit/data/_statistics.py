"""Mean and standard deviation of the channels, exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from convkit.errors import DataError

if TYPE_CHECKING:
    from convkit.data._image_set import ImageSet

_CHUNK_BYTES = 1 << 18  # small enough to stay near the processor as floats


class ChannelStatistics(NamedTuple):
    """Mean and standard deviation per channel, of values from 0 to 1.

    Args:
        mean: One float per channel.
        std: One float per channel, of the whole population (divided by N, not N - 1).

    Examples:
        >>> from convkit import data
        >>> sets = data.drawn_shapes(train=100, validation=10, test=10)
        >>> statistics = data.channel_statistics(sets.train)
        >>> [round(value, 2) for value in statistics.mean]
        [0.32, 0.33, 0.33]
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


def channel_statistics(images: ImageSet | torch.Tensor) -> ChannelStatistics:
    """Mean and standard deviation per channel over all pixels of all images.

    Sums of values and of squares are kept as whole numbers, so the result does not depend on the
    order or the number of images; only the last division is float64.

    Args:
        images: An `ImageSet`, or uint8 images of shape (N, C, H, W).

    Returns:
        The statistics of the values divided by 255.

    Raises:
        DataError: When there are no images, or they are not uint8 of four dimensions.

    Examples:
        >>> channel_statistics(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
        ChannelStatistics(mean=(0.5,), std=(0.5,))
    """
    values = images if isinstance(images, torch.Tensor) else images.images
    if values.dtype != torch.uint8 or values.ndim != 4 or values.numel() == 0:
        raise DataError(
            "statistics need uint8 images of shape (N, C, H, W), "
            f"got {values.dtype} {tuple(values.shape)}"
        )
    channels = values.shape[1]
    sums, squares = [0] * channels, [0] * channels
    for chunk in torch.split(values, max(1, _CHUNK_BYTES // values[0].numel())):
        for k, (total, square) in enumerate(_sums(chunk)):
            sums[k] += total
            squares[k] += square
    count = values.numel() // channels
    means = tuple(total / count / 255 for total in sums)
    # Exact in whole numbers: n * sum of squares - square of the sum is never negative.
    variances = [count * q - s * s for s, q in zip(sums, squares, strict=True)]
    return ChannelStatistics(means, tuple((v**0.5) / count / 255 for v in variances))


def _sums(images: torch.Tensor) -> list[tuple[int, int]]:
    """Per channel the sum of the values and of their squares, exact."""
    count, channels, height, width = images.shape
    # Rows of up to 256 squares stay below 2**24, where float32 still holds every whole number.
    dtype = torch.float32 if width <= 256 else torch.float64
    rows = images.to(dtype).reshape(-1, width)
    ones = torch.ones(width, dtype=dtype, device=images.device)
    totals = [
        (each @ ones).view(count, channels, height).to(torch.float64).sum((0, 2)).tolist()
        for each in (rows, rows.square())
    ]
    return [(int(total), int(square)) for total, square in zip(*totals, strict=True)]
