"""Is a network right as often as it says it is?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convkit.errors import PlotError
from convkit.plots._arrays import to_array
from convkit.plots._style import PALE, SERIES, drawn, heading, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawn
def reliability(
    confidence: Any,
    accuracy: Any,
    counts: Any,
    *,
    error: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the accuracy against the confidence of the predictions, bin by bin.

    Args:
        confidence: Mean confidence of each bin, 0 to 1; NaN where a bin is empty.
        accuracy: Share of right predictions of each bin.
        counts: Samples in each bin.
        error: The expected calibration error, written above.
        title: A line above the picture.

    Returns:
        The figure: above the diagonal a network is better than it says; the bars below are the
        samples by bin.

    Raises:
        PlotError: When the lengths differ or there is no sample.

    Examples:
        >>> figure = reliability([0.25, 0.9], [0.2, 0.7], [10, 90], error=0.19)
        >>> figure.axes[0].get_title()
        'expected calibration error 0.1900'
    """
    said, right, samples = (
        to_array(values).astype(np.float64).ravel() for values in (confidence, accuracy, counts)
    )
    if not len(said) == len(right) == len(samples) or not samples.sum():
        raise PlotError(
            f"confidence, accuracy and counts have one value for each bin and at least one sample, "
            f"received lengths {len(said)}, {len(right)}, {len(samples)}"
        )
    figure = new_figure(4.8, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    heading(figure, title)
    filled = samples > 0
    above.plot([0, 1], [0, 1], linestyle=":", color=PALE, linewidth=1.2)
    above.vlines(said[filled], said[filled], right[filled], color=SERIES[1], alpha=0.5, linewidth=5)
    above.plot(said[filled], right[filled], "o-", color=SERIES[0], linewidth=1.8)
    above.set_ylim(-0.01, 1.02)
    above.set_ylabel("accuracy")
    if error is not None:
        above.set_title(f"expected calibration error {error:.4f}", fontweight="normal")
    below.bar(said[filled], samples[filled], width=0.7 / len(said), color=PALE)
    below.set_ylabel("samples")
    below.set_xlabel("confidence")
    below.set_xlim(-0.01, 1.01)
    style_axes(above, grid="both")
    style_axes(below)
    return figure
