"""One setting at a time, by hand; finished trials, crashes, edges, noise, and Optuna."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import re
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_training import fit, network

from convkit import Trainer
from convkit.errors import MissingExtraError, RunError, TrainingError
from convkit.training import Event, search

# Scores written out: the published search of a course, validation accuracy by setting.
GRID = {"lr": [1e-3, 1e-2, 1e-1], "step_size": [20, 15, 10, 5], "gamma": [0.1, 0.2, 0.3, 0.5]}
ACCURACY = {
    (1e-3, 20, 0.1): 0.09,
    (1e-2, 20, 0.1): 0.45,  # so that the best rate lies inside
    (1e-1, 20, 0.1): 0.40,
    (1e-2, 15, 0.1): 0.26,
    (1e-2, 10, 0.1): 0.15,
    (1e-2, 5, 0.1): 0.09,
    (1e-2, 20, 0.2): 0.30,
    (1e-2, 20, 0.3): 0.46,
    (1e-2, 20, 0.5): 0.46,
}


class Recorded:
    """A training that looks its score up, and remembers what it was asked for."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.asked: list[tuple[float, int, float]] = []
        self.fail_at = fail_at

    def __call__(self, settings: dict[str, Any]) -> float:
        key = (settings["lr"], settings["step_size"], settings["gamma"])
        self.asked.append(key)
        if len(self.asked) == self.fail_at:
            raise KeyboardInterrupt
        return ACCURACY[key]


def test_the_search_is_the_one_written_out() -> None:
    train = Recorded()

    found = search.coordinate(GRID, train=train, minimize=False)

    assert train.asked == list(ACCURACY)  # each once, in this order
    assert found.best == {"lr": 1e-2, "step_size": 20, "gamma": 0.3}
    assert found.score == 0.46
    assert [step.value for step in found.steps] == [1e-2, 20, 0.3]
    assert [[t.score for t in step.trials] for step in found.steps] == [
        [0.09, 0.45, 0.40],
        [0.45, 0.26, 0.15, 0.09],
        [0.45, 0.30, 0.46, 0.46],
    ]
    assert found.steps[1].held == {"lr": 1e-2, "gamma": 0.1}


def by_hand(grid: dict[str, list[int]], score: dict[tuple[int, ...], float]) -> tuple[int, ...]:
    """The same search in five lines."""
    kept = [values[0] for values in grid.values()]
    for place, values in enumerate(grid.values()):
        points = [(*kept[:place], value, *kept[place + 1 :]) for value in values]
        kept = list(min(points, key=score.__getitem__))
    return tuple(kept)


def test_a_thousand_random_searches_keep_what_the_hand_keeps() -> None:
    generator = random.Random(0)
    for _ in range(1000):
        grid = {
            name: generator.sample(range(9), generator.randint(1, 4))
            for name in "abc"[: generator.randint(1, 3)]
        }
        score = {point: generator.randint(0, 5) / 7 for point in itertools.product(*grid.values())}

        found = search.coordinate(grid, train=lambda s, score=score: score[tuple(s.values())])

        assert tuple(found.best.values()) == by_hand(grid, score)
        assert len(found.trials) == 1 + sum(len(values) - 1 for values in grid.values())


def test_a_search_goes_on_after_a_crash(tmp_path: Path) -> None:
    broken, second = Recorded(fail_at=6), Recorded()
    with pytest.raises(KeyboardInterrupt):
        search.coordinate(GRID, train=broken, directory=tmp_path, minimize=False)

    found = search.coordinate(GRID, train=second, directory=tmp_path, minimize=False)

    assert broken.asked == list(ACCURACY)[:6]
    assert second.asked == list(ACCURACY)[5:]
    assert found.best == search.coordinate(GRID, train=Recorded(), minimize=False).best
    assert len(list(tmp_path.iterdir())) == len(ACCURACY)


@pytest.mark.parametrize("at", ["begin", "validation", "last validation"])
def test_ctrl_c_within_a_trainer_ends_the_search_and_keeps_no_cut_trial(
    tmp_path: Path, at: str
) -> None:
    """`fit` takes Ctrl-C for its own end, and returns; before the first row there is no score."""
    asked: list[float] = []
    cut = True

    def interrupt(event: Event) -> None:
        here = "last validation" if event.what == "validation" and event.epoch == 3 else event.what
        if cut and asked[-1] == 0.02 and here == at and event.epoch != 2:
            os.kill(os.getpid(), signal.SIGINT)

    def train(settings: dict[str, Any]) -> float:
        asked.append(settings["lr"])
        trainer = Trainer(network(), lr=settings["lr"], callbacks=[interrupt])
        return min(fit(trainer, 3)["validation_loss"])

    grid = {"lr": [0.01, 0.02, 0.04]}
    with pytest.raises(KeyboardInterrupt):
        search.coordinate(grid, train=train, directory=tmp_path)
    assert (asked, len(list(tmp_path.iterdir()))) == ([0.01, 0.02], 1)

    cut = False
    found = search.coordinate(grid, train=train, directory=tmp_path)

    assert asked[2:] == [0.02, 0.04]
    assert [t.score for t in found.trials] == [
        t.score for t in search.coordinate(grid, train=train).trials
    ]


def test_a_longer_grid_trains_only_what_is_new(tmp_path: Path) -> None:
    def train(settings: dict[str, Any]) -> float:
        asked.append(settings["lr"])
        return abs(settings["lr"] - 3)

    asked: list[float] = []
    search.coordinate({"lr": [1, 2]}, train=train, directory=tmp_path)
    found = search.coordinate({"lr": [1, 2, 3, 4]}, train=train, directory=tmp_path)

    assert asked == [1, 2, 3, 4]
    assert found.best == {"lr": 3}
    assert found.trials[0].score == 2.0


def test_equal_numbers_of_another_kind_are_other_values(tmp_path: Path) -> None:
    asked = []

    def train(settings: dict[str, Any]) -> float:
        asked.append(settings["a"])
        return 0.0

    search.coordinate({"a": [1, 1.0, True, (0.9, 0.99)]}, train=train, directory=tmp_path)
    search.coordinate({"a": [1, 1.0, True, (0.9, 0.99)]}, train=train, directory=tmp_path)

    assert [type(value) for value in asked] == [int, float, bool, tuple]


def test_the_files_are_strict_json_and_hold_everything(tmp_path: Path) -> None:
    def train(settings: dict[str, Any]) -> dict[str, Any]:
        loss = math.nan if settings["lr"] == 1 else torch.tensor(0.25)
        return {"score": loss, "accuracy": 0.5, "note": "ok", "epochs": 3, "worst": math.inf}

    for _ in range(2):
        found = search.coordinate({"lr": [1, 2]}, train=train, directory=tmp_path)
        assert [trial.figures for trial in found.trials] == 2 * [
            {"accuracy": 0.5, "note": "ok", "epochs": 3, "worst": math.inf}
        ]
        assert math.isnan(found.trials[0].score)
        assert found.score == 0.25

    def refuse(name: str) -> None:
        raise AssertionError(name)

    written = [json.loads(p.read_text(), parse_constant=refuse) for p in tmp_path.iterdir()]
    assert sorted(one["settings"]["lr"] for one in written) == [1, 2]
    assert sorted(str(one["score"]) for one in written) == ["0.25", "nan"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    search.coordinate({"lr": [1]}, train=lambda _: 0.0, directory=tmp_path)
    path = next(tmp_path.iterdir())
    path.write_text(path.read_text()[:20])

    with pytest.raises(RunError, match=f"^{re.escape(str(path))} could not be read as a trial .*: "
                       "delete it to train that trial again$"):  # fmt: skip
        search.coordinate({"lr": [1]}, train=lambda _: 0.0, directory=tmp_path)


@pytest.mark.parametrize(
    ("values", "best", "warning"),
    [
        ([1e-3, 1e-2, 1e-1], 1e-1, ("lr=0.1 is the largest value of its grid: the best may lie "
         "beyond, try 1 too.")),
        ([1e-1, 1e-3, 1e-2], 1e-3, ("lr=0.001 is the smallest value of its grid: the best may lie "
         "beyond, try 0.0001 too.")),
        ([20, 15, 10, 5], 20, ("lr=20 is the largest value of its grid: the best may lie beyond, "
         "try 25 too.")),
        ([0, 1, 2], 0, ("lr=0 is the smallest value of its grid: the best may lie beyond, try -1 "
         "too.")),
        ([5, 10], 5, "lr=5 is the smallest value of its grid: the best may lie beyond, try 2 too."),
        ([1, 2, 4], 1, "lr=1 is the smallest value of its grid: the best may lie beyond."),
        ([1, 10], 1, "lr=1 is the smallest value of its grid: the best may lie beyond."),
        ([1e-3, 1e-2, 1e-1], 1e-2, None),
        ([True, False], True, None),
        (["sgd", "adam"], "sgd", None),
        ([0.5], 0.5, None),
    ],
)  # fmt: skip
def test_a_winner_on_the_edge_is_warned_about(
    values: list[Any], best: Any, warning: str | None
) -> None:
    found = search.coordinate({"lr": values}, train=lambda s: float(s["lr"] != best))

    assert found.best == {"lr": best}
    assert found.warnings == ((warning,) if warning else ())
    assert warning is None or warning in str(found)


# Three seeds of three values: means 1, 1.1 and 3; the standard deviation within each is 0.1, so
# twice the standard error of a difference is 2 * sqrt(2 * 0.01 / 3) = 0.163.
SEEDS = {1: [0.9, 1.0, 1.1], 2: [1.0, 1.1, 1.2], 3: [2.9, 3.0, 3.1]}


def test_a_winner_within_the_seed_noise_is_warned_about() -> None:
    found = search.coordinate({"n": [2, 1, 3]}, train=lambda s: SEEDS[s["n"]][s["seed"]], repeats=3)

    assert found.best == {"n": 1}
    assert [trial.score for trial in found.trials] == pytest.approx([1.1, 1.0, 3.0])
    assert [trial.spread for trial in found.trials] == pytest.approx([0.1, 0.1, 0.1])
    assert found.warnings[1] == (
        "n=1 leads by 0.1, within the noise of 3 seeds (0.163): give more repeats before it is "
        "called better."
    )


def test_a_clear_winner_is_not_warned_about() -> None:
    scores = {**SEEDS, 2: [1.2, 1.3, 1.4]}

    found = search.coordinate(
        {"n": [2, 1, 3]}, train=lambda s: scores[s["n"]][s["seed"]], repeats=3
    )

    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("n=1 is the smallest")


def test_figures_of_several_seeds_are_put_together() -> None:
    found = search.coordinate(
        {"n": [1]},
        train=lambda s: {"loss": 1.0, "epochs": s["seed"], "name": f"seed {s['seed']}"},
        score="loss",
        repeats=3,
    )

    assert found.trials[0].figures == {"epochs": 1.0, "name": "seed 0"}
    assert found.trials[0].scores == (1.0, 1.0, 1.0)


def test_a_diverged_trial_is_never_kept() -> None:
    scores = {1: math.nan, 2: 5.0, 3: -math.inf}

    assert search.coordinate({"n": [1, 2, 3]}, train=lambda s: scores[s["n"]]).best == {"n": 2}


def test_when_all_diverge_it_is_said() -> None:
    message = (
        "none of the 2 trials from n=1, m=7 on gave a finite score: look at why training "
        "diverges, such as the learning rate"
    )
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        search.coordinate({"n": [1, 2], "m": [7]}, train=lambda _: math.nan)


def test_the_text_has_a_table_for_each_step() -> None:
    found = search.coordinate(GRID, train=Recorded(), minimize=False)

    text = str(found)

    assert "step_size (lr 0.01, gamma 0.1)" in text
    assert text.count("kept") == 3
    assert text.splitlines()[-1] == (
        "Best: lr=0.01, step_size=20, gamma=0.3, score 0.46, of 9 trainings. One seed each: "
        "differences as small as those between seeds mean nothing."
    )
    assert "| 20 | 0.45 | \\* |" in found.steps[1].table().to_markdown()
    assert len(found.table().rows) == 9


def test_the_picture_has_a_panel_for_each_setting() -> None:
    figure = search.coordinate(GRID, train=Recorded(), minimize=False).plot(label="accuracy")

    assert [axes.get_title() for axes in figure.axes] == list(GRID)


@pytest.mark.parametrize(
    ("grid", "settings", "message"),
    [
        ({}, {}, 'there is nothing to search: give settings, such as {"lr": [0.1, 0.01]}'),
        ({"lr": []}, {}, "setting 'lr' has no value to try"),
        ({"lr": 0.1}, {}, "setting 'lr' has 0.1: give a name and a list of its values"),
        ({"lr": "abc"}, {}, "setting 'lr' has 'abc': give a name and a list of its values"),
        ({"lr": [1, 2, 1]}, {}, "setting 'lr' lists the value 1 twice"),
        ({"lr": [1, math.nan]}, {}, ("setting 'lr' has the value nan: give numbers, texts, True, "
         "False, None or tuples of them, and make the object inside train")),
        ({"seed": [1, 2]}, {"repeats": 2}, ("with repeats= the seed is set for each training: "
         "leave it out")),
        ({"lr": [1]}, {"repeats": 0}, "repeats is a whole number from 1 on, not 0"),
        ({"lr": [1]}, {"score": "loss", "train": lambda _: {"accuracy": 1}}, ("train returned "
         "'accuracy', not 'loss': return it, or name the score with score=")),
        ({"lr": [1]}, {"train": lambda _: None}, ("train returned a NoneType as its score: return "
         "one number, such as the lowest validation loss, or a mapping that holds it")),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(
    grid: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        search.coordinate(grid, **{"train": lambda _: 0.0, **settings})


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    """They are the same settings as Python's own, also in the files."""
    asked: list[dict[str, Any]] = []

    def train(settings: dict[str, Any]) -> float:
        asked.append(settings)
        return float(settings["n"] * settings["lr"] + len(settings["widths"]))

    first = {"n": [1, 2, 3], "lr": [0.5, 0.25], "widths": [(1, 2), (3,)], "on": [True]}
    numpy = {
        "n": list(np.arange(1, 4)),
        "lr": [np.float32(0.5), np.float64(0.25)],
        "widths": [tuple(np.array([1, 2])), (np.int8(3),)],
        "on": [np.bool_(True)],
    }
    found = search.coordinate(numpy, train=train, directory=tmp_path)
    trained = len(asked)
    again = search.coordinate(first, train=train, directory=tmp_path)
    more = search.optuna(numpy, train=train, directory=tmp_path, trials=trained)

    assert found.best == again.best == more.best == {"n": 1, "lr": 0.25, "widths": (3,), "on": True}
    assert len(asked) == trained == 5
    assert [type(value) for value in asked[0].values()] == [int, float, tuple, bool]
    assert [type(value) for value in asked[0]["widths"]] == [int, int]


def test_a_directory_that_cannot_be_made_is_known_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match=re.escape(str(tmp_path / "file"))):
        search.coordinate({"lr": [1]}, train=lambda _: 1 / 0, directory=tmp_path / "file")


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)

    message = 'searching with Optuna needs the package optuna: pip install "<convkit>[optuna]"'
    with pytest.raises(MissingExtraError, match=f"^{re.escape(message)}$"):
        search.optuna({"lr": [1, 2]}, train=lambda _: 0.0, trials=1)


SPACE = {
    "lr": search.Range(1e-4, 1.0, log=True),
    "layers": search.Range(1, 6),
    "betas": [(0.9, 0.99), (0.8, 0.9)],
}


def bowl(settings: dict[str, Any]) -> dict[str, float]:
    loss = (math.log10(settings["lr"]) + 2) ** 2 + abs(settings["layers"] - 3)
    return {"score": loss + settings["betas"][0], "accuracy": 0.5}


def test_optuna_finds_the_bottom(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna")

    found = search.optuna(SPACE, train=bowl, trials=40)

    assert len(found.trials) == 40
    assert found.score == min(trial.score for trial in found.trials) < 1.0
    assert found.best["layers"] == 3
    assert found.best["betas"] == (0.8, 0.9)
    assert 1e-3 < found.best["lr"] < 1e-1
    assert "accuracy" in str(found)
    assert capfd.readouterr() == ("", "")


def test_optuna_is_repeatable_and_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    asked: list[float] = []

    def train(settings: dict[str, Any]) -> float:
        asked.append(settings["lr"])
        if len(asked) == 6:
            raise KeyboardInterrupt
        return bowl(settings)["score"]

    with pytest.raises(KeyboardInterrupt):
        search.optuna(SPACE, train=train, trials=8, directory=tmp_path)
    found = search.optuna(SPACE, train=train, trials=8, directory=tmp_path)
    again = search.optuna(SPACE, train=train, trials=8, directory=tmp_path)

    assert all(isinstance(trial.settings["betas"], tuple) for trial in again.trials)
    assert len(asked) == 9  # eight, and the one that broke off
    assert len(found.trials) == 8
    assert again.best == found.best
    assert search.optuna(SPACE, train=bowl, trials=5).trials[4].settings["lr"] == asked[4]


def test_optuna_survives_a_trial_that_diverged(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    space = {"n": search.Range(1, 100)}

    def train(settings: dict[str, Any]) -> float:
        return math.nan if settings["n"] % 2 else settings["n"]

    search.optuna(space, train=train, trials=5, directory=tmp_path, minimize=False)
    found = search.optuna(space, train=train, trials=10, directory=tmp_path, minimize=False)

    assert found.score == max(t.score for t in found.trials if not math.isnan(t.score))
    assert "score" in found.plot().axes[0].get_ylabel()


@pytest.mark.parametrize(
    ("low", "high", "log"), [(1, 1, False), (0, 1, True), (0, math.inf, False)]
)
def test_a_range_that_is_none_is_refused(low: float, high: float, log: bool) -> None:
    message = f"a range rises from low to high (above 0 with log), not from {low} to {high}"

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        search.Range(low, high, log=log)
