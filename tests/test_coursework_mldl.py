"""The exact numbers of the MLDL coursework that no other test states, and its example."""

from __future__ import annotations

import argparse
import json
import math
import runpy
import sys
from pathlib import Path

import mldl_caltech101
import numpy as np
import pytest
import torch
import torchvision

from convkit import data, metrics, report
from convkit.architecture import zoo
from convkit.training import search, transfer

EXAMPLE = Path(__file__).parents[1] / "examples" / "mldl_caltech101.py"
# Images of each class in the course's two lists, classes sorted by name.
TRAIN_COUNTS = """
290 290 133 532 36 534 28 28 31 36 31 22 85 65 29 57 60 34 28 82 32 39 41 72 31 46 49 46 34 34
38 44 35 43 46 50 42 36 42 57 45 44 30 23 23 34 66 66 28 36 59 53 21 43 57 76 41 54 52 27 44 29
27 58 21 51 36 24 26 31 25 30 36 22 38 55 39 33 27 42 26 56 38 23 43 30 57 39 43 23 57 33 57 50
159 25 39 23 37 26 40
"""
TEST_COUNTS = """
145 145 67 266 19 266 14 14 16 18 15 11 43 33 14 28 31 16 15 41 15 20 21 35 16 23 24 24 16 17 19
23 17 22 22 25 22 17 22 28 22 23 15 11 11 17 33 34 14 18 29 27 10 21 29 38 20 27 26 14 22 14 13
29 11 25 19 11 13 16 13 15 17 12 19 27 20 16 13 21 13 28 19 12 21 15 29 20 21 12 28 16 29 25 80
12 20 11 19 13 20
"""
TRAIN, TEST = ([int(n) for n in text.split()] for text in (TRAIN_COUNTS, TEST_COUNTS))


@pytest.fixture(scope="module")
def example() -> dict[str, object]:
    return runpy.run_path(str(EXAMPLE), run_name="example")


def test_a_page_without_training_says_what_was_not_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = ["scratch", "nets", "scratch-search", "summary"]
    arguments = [str(EXAMPLE), "--quick", "--report", "--out", str(tmp_path), "--task", *tasks]
    monkeypatch.setattr(sys, "argv", arguments)

    runpy.run_path(str(EXAMPLE), run_name="__main__")

    page = json.loads((tmp_path / "mldl_caltech101.json").read_text())
    assert page["counts"] == {"exact": 10, "not run": 14 + 4 + 6}
    assert page["pictures"] == {}
    notes = [figure["note"] for figure in page["figures"] if figure["verdict"] == "not run"]
    assert sum("not trained here" in note for note in notes) == 14 + 4


DEFAULTS = {"start": "scratch", "step": 20, "decay": 0.0, "gamma": 0.1}


def quick_settings(out: Path, seed: int = 0) -> argparse.Namespace:
    return argparse.Namespace(
        data=out, out=out, weights=None, seed=seed, precision="float32", quick=True,
        rows=None, epochs=1, report=False,
    )  # fmt: skip


def test_an_unfinished_run_of_another_seed_is_neither_gone_on_with_nor_called_diverged(
    tmp_path: Path,
) -> None:
    row = mldl_caltech101.Row(**DEFAULTS, lr=1e-3)
    run, _ = mldl_caltech101.attempt(row, quick_settings(tmp_path))
    (run.directory / "evaluation-validation.json").unlink()

    with pytest.raises(SystemExit, match=r"written with seed 0, this call has seed 1"):
        mldl_caltech101.attempt(row, quick_settings(tmp_path, seed=1))


def test_a_row_that_diverged_is_told_and_is_never_kept_by_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = mldl_caltech101.Row(**DEFAULTS, lr=1e30, accuracy=0.4)
    grid = {"lr": [1e30], "step": [20], "decay": [0.0], "gamma": [0.1]}
    monkeypatch.setitem(mldl_caltech101.TABLES, "scratch", [row])
    monkeypatch.setitem(mldl_caltech101.PUBLISHED["grids"], "scratch", grid)
    settings = quick_settings(tmp_path)
    page = report.Reproduction("A page")

    mldl_caltech101.table(page, settings, "scratch")
    mldl_caltech101.greedy(page, settings, "scratch")

    (figure,) = page.comparisons
    assert (figure.reported, figure.measured, figure.verdict) == (40, None, "not run")
    assert figure.note.startswith("diverged: ")
    text = page.write(tmp_path / "page.md").read_text()
    assert "Not run: none of the rates was trained to a finite score." in text


def test_runs_from_the_weights_of_another_run_are_kept_apart(example: dict, tmp_path: Path) -> None:
    (tmp_path / "alexnet_of_a_run").mkdir()
    (tmp_path / "resnet50-11ad3fa6.pth").touch()
    known = {"quick": False, "out": tmp_path / "out", "weights": str(tmp_path)}
    settings = argparse.Namespace(**known)
    rows = {name: rows[0] for name, rows in example["TABLES"].items()}

    found = {name: example["directory_of"](row, settings).parent.name for name, row in rows.items()}

    assert found["scratch"] == "scratch"
    assert found["pretrained"] == found["frozen"] == "pretrained_from_alexnet_of_a_run"
    assert found["nets"] == "pretrained"


@pytest.mark.parametrize(
    ("kind", "trained"),
    [(None, 57_417_637), (torch.nn.Conv2d, 54_947_941), (torch.nn.Linear, 2_469_696)],
    ids=["nothing", "convs", "linear layers"],
)
def test_what_learns_when_a_kind_of_layer_is_frozen(
    kind: type[torch.nn.Module] | None, trained: int
) -> None:
    with torch.device("meta"):
        model = torchvision.models.alexnet(weights=None)
    transfer.replace_head(model, 101)
    if kind:
        transfer.freeze(
            model, *(n for n, layer in model.named_modules() if isinstance(layer, kind))
        )

    assert transfer.report(model).trainable == trained


@pytest.mark.parametrize(("name", "parameters"), [("resnet50", 23_714_981), ("vgg16", 134_674_341)])
def test_other_networks_with_101_outputs(name: str, parameters: int) -> None:
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None)
    transfer.replace_head(model, 101)

    assert transfer.report(model).total == parameters


def labels_of(counts: list[int]) -> np.ndarray:
    return np.repeat(np.arange(101), counts)


def test_every_number_of_the_example_is_exact(example: dict) -> None:
    page = report.Reproduction("exact")

    example["exact"](page)

    assert page.counts() == f"{len(page.comparisons)} exact"
    assert len(page.comparisons) == 10


def test_the_lists_hold_101_classes() -> None:
    assert (len(TRAIN), sum(TRAIN), sum(TEST), sum(TRAIN) + sum(TEST)) == (101, 5784, 2893, 8677)
    assert sorted(zip(TRAIN, TEST, strict=True))[-4:] == [
        (290, 145), (290, 145), (532, 266), (534, 266),
    ]  # fmt: skip
    assert min(zip(TRAIN, TEST, strict=True)) == (21, 10)
    assert (5784 + 312, 2893 + 156) == (6096, 3049)


def test_half_of_every_class_validates() -> None:
    kept, held_out = data.stratified_split(labels_of(TRAIN), 0.5, seed=0)

    counts = [np.bincount(labels_of(TRAIN)[chosen]) for chosen in (kept, held_out)]
    assert (len(kept), len(held_out)) == (2892, 2892)
    assert np.abs(counts[0] - counts[1]).max() == 1
    assert int((counts[0] != counts[1]).sum()) == 48  # classes with an odd count


def test_an_epoch_has_eleven_steps() -> None:
    image_set = data.ImageSet(
        torch.zeros(2892, 3, 1, 1, dtype=torch.uint8),
        torch.zeros(2892, dtype=torch.int64),
        class_names=["one"],
    )

    assert len(data.batches(image_set, 256, drop_last=True)) == 11


def test_nine_percent_is_a_network_that_always_answers_one_class() -> None:
    truth = labels_of(TEST)
    matrix = metrics.confusion_matrix(np.full(2893, np.argmax(TEST)), truth, num_classes=101)

    assert (int(matrix.counts.trace()), matrix.total) == (266, 2893)
    assert f"{matrix.accuracy:.2%}" == "9.19%"


@pytest.mark.parametrize(
    ("shares", "loss"),
    [(np.full(101, 1 / 101), 4.615), (np.array(TRAIN) / sum(TRAIN), 4.186)],
    ids=["knows nothing", "knows the frequencies"],
)
def test_losses_of_a_network_that_does_not_look(shares: np.ndarray, loss: float) -> None:
    truth = labels_of(TRAIN)

    found = metrics.log_loss(np.tile(shares, (len(truth), 1)), truth)

    pairs = zip(TRAIN, shares.tolist(), strict=True)
    assert found == pytest.approx(-sum(n * math.log(p) for n, p in pairs) / 5784)
    assert round(found, 3) == loss


def test_alexnet_flattens_9216_features() -> None:
    summary = zoo.alexnet().summary((3, 224, 224))
    shapes = [row.output_shape for row in summary.rows]

    assert summary.parameters == 61_100_840
    assert shapes[shapes.index((9216,)) - 1] == (256, 6, 6)


@pytest.mark.parametrize(("channel", "weight"), [(0, 0.299), (1, 0.587), (2, 0.114)])
def test_weights_of_greyscale(channel: int, weight: float) -> None:
    image = torch.zeros(1, 3, 1, 1)
    image[0, channel] = 1.0

    grey = data.Greyscale(1.0)(image)

    assert [round(value, 3) for value in grey.flatten().tolist()] == [weight] * 3


def test_the_greedy_search_keeps_the_best_and_goes_on(example: dict) -> None:
    """With the published validation accuracies: lr 1e-1, of which no more rows were published."""
    scratch = example["TABLES"]["scratch"]
    rows = {(row.lr, row.step, row.decay, row.gamma): row.accuracy for row in scratch}
    grid = example["PUBLISHED"]["grids"]["scratch"]

    found = search.coordinate(
        grid, lambda values: rows.get(tuple(values.values()), 0.0), minimize=False
    )

    assert found.best == {"lr": 1e-1, "step": 20, "decay": 5e-5, "gamma": 0.1}
    assert (found.score, len(found.trials)) == (0.40, 11)
    assert example["PUBLISHED"]["grids"]["pretrained"]["step"] == [20, 15, 5]


def test_the_published_rows_are_all_there(example: dict) -> None:
    sizes = {name: len(rows) for name, rows in example["TABLES"].items()}

    assert sizes == {"scratch": 11, "pretrained": 9, "frozen": 3, "augmentation": 3, "nets": 2}
