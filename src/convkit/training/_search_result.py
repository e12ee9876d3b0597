"""What did a search find, and how far is it to be trusted?"""

from __future__ import annotations

import math
import statistics
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from convkit._tables import Shown, Table
from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.training._search_trials import Trial

_SURE = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class SearchStep(Shown):
    """One setting searched while the others are held.

    Args:
        setting: Its name.
        trials: One for each of its values, in the order of the grid.
        winner: The best of them.
        warnings: Why the winner may not be the best value, in sentences.

    Examples:
        >>> from convkit.training import search
        >>> def run_one(settings):
        ...     return (settings["lr"] - 0.1) ** 2
        >>> found = search.coordinate({"lr": [0.01, 0.1, 1.0]}, train=run_one)
        >>> step = found.steps[0]
        >>> step.setting, step.value, step.held
        ('lr', 0.1, {})
    """

    setting: str
    trials: tuple[Trial, ...]
    _: KW_ONLY
    winner: Trial
    warnings: tuple[str, ...]

    @property
    def value(self) -> Any:
        """The value that is kept."""
        return self.winner.settings[self.setting]

    @property
    def held(self) -> dict[str, Any]:
        """The other settings, and the values that they had."""
        return {k: v for k, v in self.winner.settings.items() if k != self.setting}

    def table(self) -> Table:
        """One row for each value."""
        held = ", ".join(f"{name} {value}" for name, value in self.held.items())
        title = self.setting + (f" ({held})" if held else "")
        return trial_table(
            self.trials, [self.setting], kept=self.winner, title=title, notes=self.warnings
        )

    def __str__(self) -> str:
        return str(self.table())


@dataclass(frozen=True, slots=True)
class SearchResult(Shown):
    """What a search found; made by `coordinate` and `optuna`.

    Args:
        best: Name and value of every setting of the best trial.
        score: Its score.
        trials: Every trial, in the order in which it was asked for, each once.
        steps: One for each setting, of a search one setting at a time.
        minimize: Whether a smaller score is better.
        repeats: Seeds of each trial.
        warnings: Why the best may not be the best, in sentences.

    Examples:
        >>> from convkit.training import search
        >>> def run_one(settings):
        ...     return (settings["lr"] - 0.1) ** 2
        >>> found = search.coordinate({"lr": [0.01, 0.1, 1.0]}, train=run_one)
        >>> found.best, found.score, len(found.table().rows), found.warnings
        ({'lr': 0.1}, 0.0, 3, ())
    """

    best: dict[str, Any]
    score: float
    _: KW_ONLY
    trials: tuple[Trial, ...]
    steps: tuple[SearchStep, ...]
    minimize: bool
    repeats: int
    warnings: tuple[str, ...]

    def table(self) -> Table:
        """One row for each trial, the best one marked."""
        winner = next(trial for trial in self.trials if trial.settings == self.best)
        return trial_table(self.trials, list(self.best), kept=winner)

    def plot(self, **options: Any) -> Any:
        """Draw the scores: a panel for each setting, or trial by trial where there are no steps.

        Args:
            **options: Of `convkit.plots.search` or `convkit.plots.lines`, such as `title="lr"`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import lines, search

        if not self.steps:
            best = "min" if self.minimize else "max"
            scores = {"score": [trial.score for trial in self.trials]}
            return lines(scores, **{"across": "trial", "label": "score", "best": best, **options})
        rows = [
            {
                "setting": step.setting,
                "value": trial.settings[step.setting],
                "result": trial.score,
                "kept": trial is step.winner,
            }
            for step in self.steps
            for trial in step.trials
        ]
        return search(rows, **{"label": "score", **options})

    def __str__(self) -> str:
        found = ", ".join(f"{name}={value}" for name, value in self.best.items())
        tables = [str(step) for step in self.steps] or [str(self.table()), *self.warnings]
        trainings = len(self.trials) * self.repeats
        last = f"Best: {found}, score {self.score:.6g}, of {trainings} trainings."
        if self.repeats == 1 and len(self.trials) > 1:
            last += " One seed each: differences as small as those between seeds mean nothing."
        return "\n\n".join([*tables, last])


def best_of(trials: Sequence[Trial], *, minimize: bool) -> Trial:
    """The trial with the best score; of equal ones the earlier.

    Raises:
        TrainingError: When none has a finite score.
    """
    finite = [trial for trial in trials if math.isfinite(trial.score)]
    if not finite:
        settings = ", ".join(f"{name}={value}" for name, value in trials[0].settings.items())
        raise TrainingError(
            f"none of the {len(trials)} trials from {settings} on gave a finite score: "
            "look at why training diverges, such as the learning rate"
        )
    # min and max both take the first of equals.
    return (min if minimize else max)(finite, key=lambda trial: trial.score)


def trial_table(
    trials: Sequence[Trial],
    settings: Sequence[str],
    *,
    kept: Trial,
    title: str = "",
    notes: Sequence[str] = (),
) -> Table:
    """Settings, score, its spread over the seeds, the other figures, and which one is kept."""
    figures = list(dict.fromkeys(name for trial in trials for name in trial.figures))
    spreads = any(trial.spread is not None for trial in trials)
    header = (*settings, "score", *(["std"] if spreads else []), *figures, "kept")
    rows = tuple(
        (
            *(_number(trial.settings[name]) for name in settings),
            _number(trial.score),
            *([_number(trial.spread)] if spreads else []),
            *(_number(trial.figures.get(name)) for name in figures),
            "*" if trial is kept else "",
        )
        for trial in trials
    )
    return Table(header, rows, title=title, notes=tuple(notes))


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def noise_warning(trials: Sequence[Trial], winner: Trial, what: str) -> str | None:
    """A sentence when the winner leads by less than the noise of the seeds.

    The noise is twice the standard error of a difference of two means, from the variance within
    each trial, averaged over the trials.

    Args:
        trials: Those that competed.
        winner: The best of them.
        what: What the winner is called.
    """
    rivals = [t for t in trials if t is not winner and math.isfinite(t.score)]
    variances = [t.spread**2 for t in trials if t.spread is not None]
    if not rivals or not variances:
        return None
    second = min(rivals, key=lambda trial: abs(trial.score - winner.score))
    lead = abs(second.score - winner.score)
    noise = _SURE * math.sqrt(2 * statistics.fmean(variances) / len(winner.scores))
    if lead > noise:
        return None
    return (
        f"{what} leads by {lead:.3g}, within the noise of {len(winner.scores)} seeds "
        f"({noise:.3g}): give more repeats before it is called better."
    )


def edge_warning(setting: str, values: Sequence[Any], value: Any) -> str | None:
    """A sentence when the value kept is the smallest or largest number of its grid.

    Args:
        setting: Its name.
        values: Of the grid.
        value: The one kept.
    """
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values) or len(values) < 2:
        return None
    ordered = sorted(numbers)
    if value not in {ordered[0], ordered[-1]}:
        return None
    low = value == ordered[0]
    neighbour = ordered[1] if low else ordered[-2]
    beyond = value * value / neighbour if value * neighbour > 0 else 2 * value - neighbour
    # A ratio is how people space rates; close values are spaced by their difference.
    if value and 0.5 < neighbour / value < 2:
        beyond = 2 * value - neighbour
    if all(isinstance(number, int) for number in numbers):
        beyond = min(round(beyond), value - 1) if low else max(round(beyond), value + 1)
    # Rates and counts begin above 0: a grid of such numbers is not led out of them.
    further = "" if ordered[0] > 0 >= beyond else f", try {beyond:.4g} too"
    return (
        f"{setting}={value} is the {'smallest' if low else 'largest'} value of its grid: the best "
        f"may lie beyond{further}."
    )
