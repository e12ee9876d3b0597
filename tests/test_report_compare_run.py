"""A training beside the published figures of its epochs, and what its network confuses."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from convkit import History, Trainer, data, report
from convkit.errors import RunError
from convkit.training import Stop, StopReason


def three_epochs() -> History:
    history = History()
    for epoch, (loss, accuracy) in enumerate([(1.5, 0.4), (1.1, 0.62), (1.3, 0.6)], 1):
        history.append(
            epoch=epoch, validation_loss=loss, validation_accuracy=accuracy, seconds=90.0 * epoch
        )
    history.stop = Stop(StopReason.RISING, "the smoothed loss rises")
    return history


@pytest.mark.parametrize(
    ("figure", "reported", "quantity", "measured", "verdict"),
    [
        ("validation_loss_low", 1.144, "v2, lowest validation loss", 1.1, "reproduced"),
        ("validation_loss_low", 1.5, "v2, lowest validation loss", 1.1, "better"),
        ("validation_loss_low", 0.9, "v2, lowest validation loss", 1.1, "below"),
        ("validation_loss_last", 1.3, "v2, validation loss of the last epoch", 1.3, "reproduced"),
        (
            "validation_accuracy_high",
            63.9,
            "v2, highest validation accuracy (%)",
            62.0,
            "reproduced",
        ),
        ("validation_accuracy_high", 64.1, "v2, highest validation accuracy (%)", 62.0, "below"),
        ("epochs", 4, "v2, epochs", 3, "below"),
        ("epochs", 3, "v2, epochs", 3, "reproduced"),
        ("minutes", 13.85, "v2, minutes", 4.5, "stand-in"),
        ("test_loss_low", 1.0, "v2, lowest test loss", None, "not run"),
    ],
)
def test_a_figure_of_a_history_is_set_beside_the_published_one(
    figure: str, reported: float, quantity: str, measured: float | None, verdict: str
) -> None:
    page = report.Reproduction("A page")

    report.compare_run(page, "v2", three_epochs(), {figure: reported})

    (row,) = page.comparisons
    assert (row.quantity, row.measured, row.verdict) == (quantity, measured, verdict)


def test_the_row_of_the_epochs_says_why_training_stopped() -> None:
    page = report.Reproduction("A page")

    report.compare_run(page, "v2", three_epochs(), {"epochs": 3}, note="another")

    assert page.comparisons[0].note == "the smoothed loss rises"


def test_a_training_that_was_not_run_has_its_rows() -> None:
    page = report.Reproduction("A page")

    report.compare_run(page, "v7", None, {"epochs": 220, "minutes": 412.35}, note="too long")

    assert [(row.verdict, row.note) for row in page.comparisons] == [("not run", "too long")] * 2


def test_a_figure_that_no_history_has_is_refused() -> None:
    message = (
        "'validation_loss' is no figure of a history: epochs, minutes, or a column and "
        "_low, _high or _last"
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        report.compare_run(report.Reproduction("A"), "v2", three_epochs(), {"validation_loss": 1})


def test_whole_sets_are_measured_and_their_matrices_shown(tmp_path: Path) -> None:
    sets = data.drawn_shapes(train=30, validation=20, test=0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(sets.train.images[0].numel(), 10))
    page, trainer = report.Reproduction("A page"), Trainer(model)

    evaluations = report.confusions(page, trainer, (sets.train, sets.validation))

    assert [len(evaluation) for evaluation in evaluations] == [30, 20]
    assert [int(evaluation.confusion.counts.sum()) for evaluation in evaluations] == [30, 20]
    page.write(tmp_path / "page.md")
    pictures = {path.name for path in (tmp_path / "page").iterdir()}
    assert pictures == {"confusion_train.png", "confusion_validation.png"}
    for evaluation in evaluations:
        worst = int(evaluation.confusion.per_class().recall.argmin())
        assert f"Hardest: {sets.class_names[worst]}" in (tmp_path / "page.md").read_text()


@pytest.mark.filterwarnings("ignore:average precision is undefined for 1 of 10 classes")
def test_a_class_without_a_sample_is_not_the_hardest(tmp_path: Path) -> None:
    sets = data.drawn_shapes(train=30, validation=10, test=0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(sets.train.images[0].numel(), 10))
    some = sets.train.subset([i for i, k in enumerate(sets.train.labels.tolist()) if k != 0])
    page = report.Reproduction("A page")

    (evaluation,) = report.confusions(page, Trainer(model), (some,))

    recall = evaluation.confusion.per_class().recall
    worst = sorted((recall[k], sets.class_names[k]) for k in range(1, 10))[:2]
    page.write(tmp_path / "page.md")
    assert math.isnan(recall[0])
    expected = " and ".join(name for _, name in worst)
    assert f"Hardest: {expected}." in (tmp_path / "page.md").read_text()
