"""Find settings: one at a time, or with Optuna. Finished trials are never trained again.

from convkit.training import search

def run_one(settings):
    trainer = Trainer(build(table, input_shape), lr=settings["lr"])
    history = trainer.fit(train, validation, epochs=30)
    return min(history["validation_loss"])

print(search.coordinate({"lr": [1e-3, 1e-2, 1e-1]}, train=run_one, directory="search/"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from convkit.errors import MissingExtraError, TrainingError
from convkit.training._given import is_whole
from convkit.training._search_result import (
    SearchResult,
    SearchStep,
    best_of,
    edge_warning,
    noise_warning,
)
from convkit.training._search_space import Range, Sampling, checked_grid, inside
from convkit.training._search_trials import Trial, TrialStore, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from convkit.training._search_space import Space
    from convkit.training._search_trials import Train

__all__ = ["Range", "SearchResult", "SearchStep", "Trial", "coordinate", "optuna"]


def coordinate(
    grid: Mapping[str, Sequence[Any]],
    train: Train,
    *,
    directory: str | PathLike[str] | None = None,
    score: str = "score",
    minimize: bool = True,
    repeats: int = 1,
) -> SearchResult:
    """Search one setting at a time: try its values, keep the best, go on with the next.

    Every setting begins with its first value. Settings are searched in the order of the grid; of
    equal scores the earlier value is kept, and a score that is no finite number is never kept. This
    takes 1 + the sum of (values - 1) trials, where a full grid takes their product; it finds the
    best of the full grid only when the settings do not depend on each other.

    A finished trial is written to a file at once and never trained again: after a crash, Ctrl-C or
    with a longer grid, the same call goes on. Ctrl-C ends the search, and the trial that it cuts is
    not kept, although a `Trainer` inside gives its best weights back. Another `train` needs another
    directory.

    Args:
        grid: For each setting its name and its values: numbers, texts, True, False, None, or tuples
            of them.
        train: A function of the settings (a dictionary of names and values) that trains and returns
            the score, or a mapping with the score and other figures to be shown.
        directory: Where finished trials are kept; None keeps nothing.
        score: The key of the score in such a mapping.
        minimize: Whether a smaller score is better, as of a loss; False for an accuracy.
        repeats: Trainings of each trial; the settings then hold a `seed`, from 0, and the score is
            their mean. With two or more, a winner within the noise is warned about.

    Returns:
        The result: `.best`, `.score`, `.steps` with a table each, `.trials`, `.warnings`,
        `.plot()`; its text says it all.

    Raises:
        TrainingError: For a grid that is none, a `train` that returns no score, or when every
            trial of a step diverged.
        RunError: When the file of a finished trial is damaged.

    Examples:
        >>> def run_one(settings):
        ...     return (settings["lr"] - 0.1) ** 2 + settings["decay"]
        >>> found = coordinate({"lr": [0.01, 0.1, 1.0], "decay": [0.5, 0.0]}, train=run_one)
        >>> found.best, found.score, len(found.trials)
        ({'lr': 0.1, 'decay': 0.0}, 0.0, 4)
    """
    values = checked_grid(grid, repeats)
    store = TrialStore(train, directory, score, repeats)
    kept = {name: choices[0] for name, choices in values.items()}
    trials: dict[str, Trial] = {}
    steps: list[SearchStep] = []
    for name, choices in values.items():
        candidates = [{**kept, name: value} for value in choices]
        for settings in candidates:
            key = canonical(settings)
            if key not in trials:
                trials[key] = store.trial(settings)
        tried = tuple(trials[canonical(settings)] for settings in candidates)
        winner = best_of(tried, minimize=minimize)
        kept = dict(winner.settings)
        warnings = (
            edge_warning(name, choices, kept[name]),
            noise_warning(tried, winner, f"{name}={kept[name]}"),
        )
        steps.append(SearchStep(name, tried, winner=winner, warnings=tuple(filter(None, warnings))))
    return SearchResult(
        kept,
        steps[-1].winner.score,
        trials=tuple(trials.values()),
        steps=tuple(steps),
        minimize=minimize,
        repeats=repeats,
        warnings=tuple(warning for step in steps for warning in step.warnings),
    )


def optuna(
    space: Space,
    train: Train,
    *,
    trials: int,
    directory: str | PathLike[str] | None = None,
    score: str = "score",
    minimize: bool = True,
    repeats: int = 1,
    seed: int = 0,
    sampler: Any = None,
) -> SearchResult:
    """Search all settings at once with a sampler of Optuna; an extra.

    Args:
        space: For each setting its name and its values, or a `Range`.
        train: As of `coordinate`.
        trials: To be trained in all; those that are finished in the directory count.
        directory: Where finished trials are kept; they teach the sampler when the search goes on.
        score: As of `coordinate`.
        minimize: As of `coordinate`.
        repeats: As of `coordinate`.
        seed: Of the sampler.
        sampler: Of `optuna.samplers`; its tree-structured Parzen estimator by default.

    Returns:
        The result, as of `coordinate`, without steps.

    Raises:
        MissingExtraError: When Optuna is not installed.
        TrainingError: For a space that is none, or when every trial diverged.

    Examples:
        >>> from convkit.training import search
        >>> found = search.optuna(
        ...     {"lr": search.Range(1e-3, 1.0, log=True)},
        ...     train=lambda settings: (settings["lr"] - 0.1) ** 2,
        ...     trials=4,
        ... )
        >>> sorted(found.best), len(found.trials)
        (['lr'], 4)
    """
    try:
        library = import_module("optuna")
    except ImportError as error:
        raise MissingExtraError("searching with Optuna", "optuna", "optuna") from error
    if not is_whole(trials, 1):
        raise TrainingError(f"trials is a whole number from 1 on, not {trials!r}")
    chosen = {name: values for name, values in space.items() if not isinstance(values, Range)}
    if chosen or not space:
        space = {**space, **checked_grid(chosen, repeats)}
    store = TrialStore(train, directory, score, repeats)
    points = [inside(settings, space) for settings in store.finished()]
    known = [point for point in points if point is not None and store.is_finished(point)]
    sampler = sampler or library.samplers.TPESampler(seed=seed + len(known))
    sampling = Sampling(library, space, sampler, minimize=minimize)
    done = {canonical(settings): store.trial(settings) for settings in known}
    for trial in done.values():
        sampling.add(trial)
    for _ in range(trials - len(known)):
        number, settings = sampling.ask()
        trial = done[canonical(settings)] = store.trial(settings)
        sampling.tell(number, trial.score)
    return _without_steps(space, tuple(done.values()), minimize=minimize, repeats=repeats)


def _without_steps(
    space: Space, trials: tuple[Trial, ...], *, minimize: bool, repeats: int
) -> SearchResult:
    """The best of trials that have no order."""
    winner = best_of(trials, minimize=minimize)
    edges = [
        values.edge_warning(name, winner.settings[name])
        for name, values in space.items()
        if isinstance(values, Range)
    ]
    warnings = [*edges, noise_warning(trials, winner, "the best trial")]
    return SearchResult(
        dict(winner.settings),
        winner.score,
        trials=trials,
        steps=(),
        minimize=minimize,
        repeats=repeats,
        warnings=tuple(filter(None, warnings)),
    )
