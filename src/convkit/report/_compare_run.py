"""How near did a training come to the published figures of its epochs?"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from convkit.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from convkit.report._reproduction import Reproduction
    from convkit.training import History

# A published figure of one unseeded run counts as met within these.
_POINTS = 2.0  # of accuracy, in percent
_SHARE = 0.1  # of a loss
_EPOCHS = 0.2  # of the epochs until a stop
_WORDS: dict[str, tuple[str, Callable[[Sequence[float]], float]]] = {
    "low": ("lowest {}", min),
    "high": ("highest {}", max),
    "last": ("{} of the last epoch", lambda values: values[-1]),
}


def compare_run(
    page: Reproduction,
    name: str,
    history: History | None,
    reported: Mapping[str, float],
    *,
    note: str = "",
) -> None:
    """Set the published figures of a training beside those of its history.

    Each figure is its own extremum over the epochs, not the value of one epoch. Accuracies are in
    percent and count as reproduced within two points, losses within a tenth, epochs until a stop
    within a fifth; minutes are those of other hardware, and say nothing of agreement.

    Args:
        page: Where the rows go.
        name: Of the training; it begins every row.
        history: What happened; None when it was not run.
        reported: The published figures: `"epochs"`, `"minutes"`, or a column of the history and
            `_low`, `_high` or `_last`, such as `"validation_accuracy_high"`.
        note: What the reader must know beside each row.

    Raises:
        RunError: For a figure that a history does not have.

    Examples:
        >>> from convkit import History, report
        >>> history, page = History(), report.Reproduction("A page")
        >>> history.append(epoch=1, step=10, validation_loss=1.4, validation_accuracy=0.512)
        >>> compare_run(page, "v1", history, {"validation_accuracy_high": 51.3})
        >>> page.comparisons[0].quantity, page.comparisons[0].verdict
        ('v1, highest validation accuracy (%)', 'reproduced')
    """
    for figure, value in reported.items():
        column, _, how = figure.rpartition("_")
        if figure not in {"epochs", "minutes"} and how not in _WORDS:
            raise RunError(
                f"{figure!r} is no figure of a history: epochs, minutes, or a column and "
                "_low, _high or _last"
            )
        percent = column.endswith("accuracy")
        reach = _POINTS if percent else value * (_EPOCHS if figure == "epochs" else _SHARE)
        words = _WORDS[how][0].format(column.replace("_", " ")) if column else figure
        page.compare(
            f"{name}, {words}{' (%)' if percent else ''}",
            reported=value,
            measured=None if history is None else _measured(history, figure),
            band=None if figure == "minutes" else (value - reach, value + reach),
            lower_is_better=column.endswith("loss"),
            stand_in="other hardware" if figure == "minutes" else "",
            note=history.stop_reason if history and figure == "epochs" else note,
        )


def _measured(history: History, figure: str) -> float | None:
    """One figure of a history; None where the column is missing or empty."""
    if figure == "epochs":
        return int(history["epoch"][-1])
    if figure == "minutes":
        return round(history["seconds"][-1] / 60, 2)
    column, _, how = figure.rpartition("_")
    values = [v for v in history[column] if isfinite(v)] if column in history else []
    if not values:
        return None
    value = _WORDS[how][1](values)
    return round(100 * value, 2) if column.endswith("accuracy") else round(value, 4)
