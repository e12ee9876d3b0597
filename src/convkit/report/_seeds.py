"""How much do figures vary between trainings that differ in nothing but the seed?"""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

from convkit._tables import Cell, Table
from convkit.report._figures import COLUMNS, Column, RunFigures, evaluation_columns
from convkit.report._settings import data_card
from convkit.report._words import short

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPREAD = ("validation_loss_low", "validation_accuracy_high")


def spread_over_seeds(runs: Sequence[RunFigures]) -> Table | None:
    """Mean and sample standard deviation of each group of two runs or more; None without one.

    Args:
        runs: The runs that are compared.
    """
    groups: dict[str, list[RunFigures]] = {}
    for figures in runs:
        groups.setdefault(_all_but_the_seed(figures), []).append(figures)
    repeated = [group for group in groups.values() if len(group) > 1 and _seeds_differ(group)]
    if not repeated:
        return None
    known = {**COLUMNS, **evaluation_columns(runs)}
    shown = [*_SPREAD, *(name for name in known if name.endswith("_accuracy"))]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            short(", ".join(figures.name for figures in group)),
            len(group),
            *(_spread(group, name, known[name]) for name in shown),
        )
        for group in repeated
    )
    return Table(("runs", "seeds", *(known[name].label for name in shown)), rows)


def sets_of_other_size(runs: Sequence[RunFigures]) -> list[str]:
    """The validation set and those measured on, as far as their sizes differ between the runs.

    Args:
        runs: The runs that are compared.
    """
    sizes: dict[str, set[int]] = {}
    for figures in runs:
        validation = data_card(figures.run.configuration).get("validation", {}).get("samples")
        measured = {split: found.get("n") for split, found in figures.run.evaluations.items()}
        for split, samples in (("validation", validation), *measured.items()):
            if isinstance(samples, int):
                sizes.setdefault(split, set()).add(samples)
    return [split for split, found in sizes.items() if len(found) > 1]


def _all_but_the_seed(figures: RunFigures) -> str:
    """What runs must have in common to be one training from several seeds.

    The settings name a network that is no table by its class alone, so its sizes count too.
    """
    written = figures.run.configuration
    settings = {name: text for name, text in figures.settings.items() if name != "seed"}
    network = [written.get(name) for name in ("parameters", "macs", "class_names")]
    return json.dumps([settings, network, data_card(written)], sort_keys=True)


def _seeds_differ(group: Sequence[RunFigures]) -> bool:
    """Whether no two runs have one seed; without a seed, every run is another."""
    texts = (figures.settings.get("seed", "none") for figures in group)
    seeds = [text for text in texts if text != "none"]
    return len(set(seeds)) == len(seeds)


def _spread(group: Sequence[RunFigures], name: str, column: Column) -> str:
    """Mean and sample standard deviation; nothing when a run lacks it or had another set."""
    values = [column.read(figures.run) for figures in group]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or name.removesuffix("_accuracy") in sets_of_other_size(group):
        return ""
    mean, deviation = statistics.fmean(known), statistics.stdev(known)
    return f"{column.write(mean)} ± {column.write(deviation)}"
