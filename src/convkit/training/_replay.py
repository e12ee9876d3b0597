"""What would other stop rules have done on a finished curve?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from convkit._tables import Shown, Table
from convkit.errors import TrainingError
from convkit.training._stop import StopReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.training._early_stopping import EarlyStopping


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One rule on one curve.

    Args:
        name: The rule.
        stop_epoch: After which value the rule ended training, from 1; the last of the curve when
            it never did.
        best_epoch: Whose weights it would have given back, from 1; None when it found none.
        epochs_wasted: Values between the best and the stop.
        best_value: The raw value at its best epoch.
        loss_missed: By how much that is worse than the best raw value of the whole curve.
        reason: Why it ended training.
        smoothed: The smoothed values that it saw.

    Examples:
        >>> from convkit import EarlyStopping
        >>> losses = [1.0, 0.75, 0.5, 0.75, 0.75, 0.25]
        >>> rule = EarlyStopping(patience=2, smoothing=None)
        >>> row = EarlyStopping.replay(losses, rules=[rule]).rows[0]
        >>> row.epochs_wasted, row.best_value, row.loss_missed
        (2, 0.5, 0.25)
    """

    name: str
    stop_epoch: int
    best_epoch: int | None
    epochs_wasted: int
    best_value: float
    loss_missed: float
    reason: StopReason
    smoothed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Replay(Shown):
    """What several rules would have done on one curve.

    Args:
        values: The curve.
        rows: One for each rule.

    Examples:
        >>> from convkit import EarlyStopping
        >>> losses = [1.0, 0.75, 0.5, 0.75, 0.75, 0.25]
        >>> rule = EarlyStopping(patience=2, smoothing=None)
        >>> replay = EarlyStopping.replay(losses, rules=[rule])
        >>> replay.rows[0].stop_epoch, replay.rows[0].best_epoch, len(replay.table().rows)
        (5, 3, 1)
    """

    values: tuple[float, ...]
    rows: tuple[ReplayRow, ...]

    def table(self) -> Table:
        """The rows as a table."""
        return Table(
            ("rule", "stop epoch", "best epoch", "epochs wasted", "loss missed", "reason"),
            tuple(
                (
                    row.name,
                    row.stop_epoch,
                    row.best_epoch,
                    row.epochs_wasted,
                    f"{row.loss_missed:.4f}",
                    row.reason.value,
                )
                for row in self.rows
            ),
        )

    def plot(self, **options: Any) -> Any:
        """Draw the curve, and where each rule stops and what it keeps.

        Args:
            **options: Of `convkit.plots.replay`, such as `title="a curve"`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import replay as draw

        return draw(self, **options)

    def __str__(self) -> str:
        return str(self.table())


def replay(
    values: Sequence[float], rules: Sequence[EarlyStopping] | Mapping[str, EarlyStopping]
) -> Replay:
    """Feed a finished curve to every rule; see `EarlyStopping.replay`."""
    if not len(values):
        raise TrainingError("there is nothing to replay: the curve has no values")
    named = rules.items() if isinstance(rules, Mapping) else [(describe(r), r) for r in rules]
    curve = tuple(float(value) for value in values)
    return Replay(curve, tuple(_row(name, curve, rule) for name, rule in named))


def _row(name: str, curve: tuple[float, ...], rule: EarlyStopping) -> ReplayRow:
    rule = copy.deepcopy(rule)  # replaying must not disturb a rule that is in use
    rule.reset()
    for value in curve:
        if rule.update(value).should_stop:
            break
    stop_epoch, best_epoch = len(rule.values), rule.best_index
    value = curve[best_epoch - 1] if best_epoch else float("nan")
    finite = [v for v in curve if isfinite(v)]
    if rule.monitor == "validation_accuracy":
        missed = max(finite, default=value) - value
    else:
        missed = value - min(finite, default=value)
    return ReplayRow(
        name=name,
        stop_epoch=stop_epoch,
        best_epoch=best_epoch,
        epochs_wasted=stop_epoch - (best_epoch or 0),
        best_value=value,
        loss_missed=missed,
        reason=rule.stop.reason if rule.stop else StopReason.LAST_EPOCH,
        smoothed=tuple(rule.smoothed),
    )


def describe(rule: EarlyStopping) -> str:
    """A rule in a few words, such as `patience 5, exponential mean, weight 0.6`.

    Whatever is not left at its default is among them, so that different rules differ.
    """
    parts = [f"patience {rule.patience}"] if rule.patience is not None else []
    if rule.rising is not None:
        parts.append(f"rising over {rule.rising}")
    if rule.flatness is not None:
        flat = f"flat below {rule.flatness.tolerance:g} over {rule.flatness.window}"
        parts.append(flat + (" relative" if rule.flatness.relative else ""))
    if rule.min_delta:
        parts.append(f"min_delta {rule.min_delta:g}" + (" relative" if rule.relative else ""))
    parts.append(str(rule.smoother))
    if rule.first > 1:
        parts.append(f"first value {rule.first}")
    if rule.minimum:
        parts.append(f"from {rule.minimum} on")
    if rule.not_finite == "ignore":
        parts.append("not finite ignored")
    if rule.monitor == "validation_accuracy":
        parts.append("of the accuracy")
    return ", ".join(parts)
