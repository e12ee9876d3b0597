"""Raw patience against smoothed patience and flatness, replayed on finished curves.

    python benchmarks/replay.py runs/* [--make FOLDER [--data CIFAR10]] [--quick]

The curves are the `history.json` files of the run directories given, three logged curves of other
people's trainings (in `examples/comp5623_imagenet10_b.py`), and with `--make` ten small networks
that are trained past their best on 2,000 images: of CIFAR-10 where `--data` is its folder, else of
drawn figures a fifth of whose labels are wrong. Runs in FOLDER that are finished are not trained
again.

For every rule the tables say how many epochs it spends, and by how much the weights that it gives
back are worse than the best epoch of the whole curve: by the validation loss, and, for the curves
made here, by the loss on test images that no rule has seen. The lowest of many noisy validation
losses is partly luck, which a rule that picks it keeps on paper only; the test loss knows no luck.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from convkit import Architecture, EarlyStopping, History, Trainer, data
from convkit._tables import Table
from convkit.training import Event, Flatness, Smoothing

EPOCHS, IMAGES, WRONG = 40, 2000, 0.2
TEST_LOSSES = "test_losses.json"
FRONTIER = range(1, 21)  # the raw patiences that others are compared with

SMALL = "conv 16 k3 p1 relu, maxpool 2, conv 32 k3 p1 relu, maxpool 2, flatten, linear 10"
DEEP = (
    "conv 16 k3 p1 bn relu, maxpool 2, conv 32 k3 p1 bn relu, maxpool 2, conv 64 k3 p1 bn relu, "
    "maxpool 2, flatten, linear 64 relu, linear 10"
)
DROPPING = (
    "conv 16 k5 p2 relu, maxpool 2, conv 32 k5 p2 relu, maxpool 2, flatten, dropout 0.4, "
    "linear 64 relu, dropout 0.4, linear 10"
)
PROBLEMS: tuple[tuple[str, dict[str, Any], int, bool], ...] = (  # table, rates, batch, augmented
    (SMALL, {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9}, 32, False),
    (SMALL, {"optimizer": "adamw", "lr": 1e-3}, 32, False),
    (SMALL, {"optimizer": "adamw", "lr": 3e-3}, 64, True),
    (DEEP, {"optimizer": "sgd", "lr": 0.05}, 32, False),
    (DEEP, {"optimizer": "adamw", "lr": 1e-3}, 64, False),
    (DEEP, {"optimizer": "adamw", "lr": 3e-3}, 32, True),
    (DEEP, {"optimizer": "sgd", "lr": 0.02, "momentum": 0.9}, 16, True),
    (DROPPING, {"optimizer": "adamw", "lr": 1e-3}, 32, False),
    (DROPPING, {"optimizer": "adamw", "lr": 2e-3}, 32, True),
    (DROPPING, {"optimizer": "sgd", "lr": 0.03, "momentum": 0.9}, 32, False),
)


@dataclass(frozen=True)
class Curve:
    """A finished training: what a rule looks at, and what it cannot see."""

    name: str
    losses: list[float]
    test_losses: list[float] | None = None


# --- rules ----------------------------------------------------------------------------------------


def rules() -> dict[str, EarlyStopping]:
    """Those that are compared with raw patience."""
    found = {}
    for weight in (0.3, 0.6, 0.8):
        for patience in (2, 3, 5, 8):
            name = f"exponential {weight}, patience {patience}"
            found[name] = EarlyStopping(patience, smoothing=weight)
    for patience in (3, 5):
        mean, median = Smoothing.moving_average(5), Smoothing.median(5)
        found[f"mean of 5, patience {patience}"] = EarlyStopping(patience, smoothing=mean)
        found[f"median of 5, patience {patience}"] = EarlyStopping(patience, smoothing=median)
    for window in (5, 10):
        for tolerance in (0.002, 0.005, 0.01):
            flat = Flatness(window, tolerance, relative=True)
            name = f"flat below {tolerance:.1%} over {window}"
            found[name] = EarlyStopping(None, smoothing=0.6, flatness=flat)
    return found


@dataclass(frozen=True)
class Outcome:
    """One rule on one curve: epochs spent, and what was missed."""

    epochs: int
    missed: float
    missed_on_test: float | None


def outcome(rule: EarlyStopping, curve: Curve) -> Outcome:
    """Replay a rule."""
    (row,) = EarlyStopping.replay(curve.losses, [rule]).rows
    test = curve.test_losses
    best = row.best_epoch or row.stop_epoch
    return Outcome(
        row.stop_epoch, row.loss_missed, None if test is None else test[best - 1] - min(test)
    )


@dataclass(frozen=True)
class Average:
    """One rule over all curves."""

    epochs: float
    missed: float
    missed_on_test: float


def average(outcomes: list[Outcome]) -> Average:
    """Means over the curves; on test images over those that have them."""
    test = [o.missed_on_test for o in outcomes if o.missed_on_test is not None]
    return Average(
        statistics.fmean(o.epochs for o in outcomes),
        statistics.fmean(o.missed for o in outcomes),
        statistics.fmean(test) if test else float("nan"),
    )


def epochs_of_raw(missed: float, raw: list[Average], *, on_test: bool) -> float:
    """Epochs that raw patience spends when it misses so much, between two patiences.

    The least that a patience or any greater one misses stands for it, so that more epochs never
    miss more. NaN outside what the patiences cover.
    """
    losses = [a.missed_on_test if on_test else a.missed for a in raw]
    falling = np.minimum.accumulate(losses)
    if not falling[-1] <= missed <= falling[0]:
        return float("nan")
    return float(np.interp(-missed, -falling, [a.epochs for a in raw]))


# --- tables ---------------------------------------------------------------------------------------


def averages_table(raw: list[Average], others: dict[str, Average]) -> Table:
    """One row for each rule."""
    rows = [
        (f"raw, patience {p}", *figures(a), "", "")
        for p, a in zip(FRONTIER, raw, strict=True)
        if p in {1, 2, 3, 5, 8, 12, 20}
    ]
    for name, a in others.items():
        equal = [
            a.epochs / epochs_of_raw(missed, raw, on_test=on_test)
            for missed, on_test in ((a.missed, False), (a.missed_on_test, True))
        ]
        rows.append((name, *figures(a), *("" if r != r else f"{r:.2f}" for r in equal)))
    header = ("rule", "epochs", "loss missed", "missed on test")
    return Table((*header, "epochs / raw at equal loss", "the same on test"), tuple(rows))


def figures(a: Average) -> tuple[str, str, str]:
    """The three of a rule."""
    return f"{a.epochs:.1f}", f"{a.missed:.4f}", f"{a.missed_on_test:.4f}"


def curves_table(curves: list[Curve], shown: dict[str, EarlyStopping]) -> Table:
    """One row for each curve: epochs, loss missed and loss missed on test of a few rules."""
    rows = []
    for curve in curves:
        cells = []
        for rule in shown.values():
            o = outcome(rule, curve)
            test = "" if o.missed_on_test is None else f" / {o.missed_on_test:.3f}"
            cells.append(f"{o.epochs}: {o.missed:.3f}{test}")
        best = curve.losses.index(min(curve.losses)) + 1
        rows.append((curve.name, f"{best} of {len(curve.losses)}", *cells))
    return Table(("curve", "best epoch", *shown), tuple(rows))


def sentence(raw: list[Average], others: dict[str, Average], *, on_test: bool) -> str:
    """What was found over the rules that raw patience can be compared with."""
    ratios = {
        name: a.epochs / equal
        for name, a in others.items()
        if (equal := epochs_of_raw(a.missed_on_test if on_test else a.missed, raw, on_test=on_test))
        == equal
    }
    what = "test" if on_test else "validation"
    if not ratios:
        return f"No rule misses a {what} loss that some raw patience misses."
    fewer = sum(ratio < 1 for ratio in ratios.values())
    return (
        f"At equal {what} loss missed, {fewer} of {len(ratios)} rules spend fewer epochs than raw "
        f"patience; the median rule spends {statistics.median(ratios.values()):.2f} times as many. "
        f"{len(others) - len(ratios)} rules miss more or less than any raw patience from "
        f"{FRONTIER[0]} to {FRONTIER[-1]}."
    )


def spread(curves: list[Curve], draws: int = 400) -> str:
    """How much the ratio of the default rule depends on which curves there are."""
    raw = [
        [outcome(EarlyStopping(patience, smoothing=None), curve) for curve in curves]
        for patience in FRONTIER
    ]
    own = [outcome(EarlyStopping(), curve) for curve in curves]
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(draws):
        drawn = rng.integers(0, len(curves), len(curves))
        mean = average([own[k] for k in drawn])
        averages = [average([outcomes[k] for k in drawn]) for outcomes in raw]
        ratios.append(mean.epochs / epochs_of_raw(mean.missed, averages, on_test=False))
    low, high = np.nanpercentile(ratios, [5, 95])
    return (
        f"Drawn anew with replacement, the curves give the default rule {low:.2f} to {high:.2f} "
        "times the epochs of raw patience at equal validation loss missed in nine of ten draws."
    )


# --- curves ---------------------------------------------------------------------------------------


def read(directory: Path) -> Curve:
    """The curve of a run directory."""
    losses = History.read(directory / "history.json")["validation_loss"]
    beside = directory / TEST_LOSSES
    test = json.loads(beside.read_text())[: len(losses)] if beside.exists() else None
    return Curve(directory.name, losses, test)


def logged() -> list[Curve]:
    """Three curves that others have logged."""
    path = Path(__file__).parent.parent / "examples" / "comp5623_imagenet10_b.py"
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None  # noqa: S101 - the file is part of this repository
    assert specification.loader is not None  # noqa: S101 - as above
    example = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = example  # its data classes look themselves up
    specification.loader.exec_module(example)
    return [
        Curve(f"logged, {name}", list(run.validation_losses)) for name, run in example.RUNS.items()
    ]


def make(folder: Path, source: Path | None, epochs: int, images: int) -> list[Path]:
    """Train the ten networks, each on images of its own."""
    made = []
    everything = None if source is None else data.cifar10(source, download=False, validation=None)
    for number, (table, rates, batch_size, augmented) in enumerate(PROBLEMS):
        directory = folder / f"{number:02}-{'drawn' if everything is None else 'cifar10'}"
        sets = drawn(number, images) if everything is None else part(everything, number, images)
        torch.manual_seed(number)
        model = Architecture.parse(table).build((3, 32, 32))
        test_losses: list[float] = []

        def measure(event: Event, sets: Any = sets, found: list[float] = test_losses) -> None:
            if event.what == "validation":
                found.append(Trainer(event.trainer.model).evaluate(sets.test).loss)

        if not (directory / TEST_LOSSES).exists():
            trainer = Trainer(
                model,
                **rates,
                directory=directory,
                seed=number,
                precision="bfloat16",
                callbacks=[measure],
            )
            trainer.fit(
                sets.train,
                sets.validation,
                epochs=epochs,
                batch_size=batch_size,
                augment=[data.HorizontalFlip()] if augmented else [],
            )
            (directory / TEST_LOSSES).write_text(json.dumps(test_losses))
        made.append(directory)
    return made


def part(sets: data.Sets, number: int, images: int) -> data.Sets:
    """So many images to learn from, half as many to validate on, so many to test."""
    order = np.random.default_rng(number).permutation(len(sets.train))
    chosen = sets.train.subset(order[:images])
    validation = sets.train.subset(order[images : images + images // 2], "validation")
    assert sets.test is not None  # noqa: S101 - CIFAR-10 has one
    return data.Sets(chosen, validation, sets.test.subset(np.arange(images), "test"))


def drawn(number: int, images: int) -> data.Sets:
    """Drawn figures, a share of whose labels to learn from and to validate on is wrong."""
    sets = data.drawn_shapes(seed=number, train=images, validation=images // 2, test=images)
    rng = np.random.default_rng(number)
    for each in (sets.train, sets.validation, sets.test):
        assert each is not None  # noqa: S101 - all three were asked for
        wrong = torch.from_numpy(rng.random(len(each)) < WRONG)
        each.labels[wrong] = torch.from_numpy(rng.integers(0, 10, int(wrong.sum())))
    return sets


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="run directories")
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="train ten networks into it")
    parser.add_argument("--data", type=Path, help="the folder of CIFAR-10, for --make")
    parser.add_argument("--quick", action="store_true", help="with --make: few epochs and images")
    arguments = parser.parse_args()
    epochs, images = (6, 100) if arguments.quick else (EPOCHS, IMAGES)
    with tempfile.TemporaryDirectory() as scratch:
        runs = list(arguments.runs)
        if arguments.make or arguments.quick:
            runs += make(arguments.make or Path(scratch), arguments.data, epochs, images)
        curves = [*map(read, runs), *logged()]
    raw = [
        average([outcome(EarlyStopping(patience, smoothing=None), curve) for curve in curves])
        for patience in FRONTIER
    ]
    others = {n: average([outcome(rule, curve) for curve in curves]) for n, rule in rules().items()}
    shown = {
        "raw, patience 5": EarlyStopping(5, smoothing=None),
        **{
            name: rules()[name]
            for name in ("exponential 0.6, patience 5", "flat below 0.5% over 5")
        },
    }
    print(curves_table(curves, shown).to_markdown(), end="\n\n")
    print(averages_table(raw, others).to_markdown(), end="\n\n")
    for on_test in (False, True):
        print(sentence(raw, others, on_test=on_test))
    print(spread(curves))
    machine = platform.processor() or platform.machine()
    print(f"\n{len(curves)} curves; {machine}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
