"""The page that sets reported figures beside measured ones."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from convkit import Trainer, report
from convkit.training import read_run


@pytest.mark.parametrize(
    ("reported", "measured", "band", "void", "verdict"),
    [
        (9, 9, None, False, "exact"),
        (9, 8, None, False, "differs"),
        (70.58, 71.2, (68, 72), False, "reproduced"),
        (70.58, 72, (68, 72), False, "reproduced"),
        (70.58, 72.1, (68, 72), False, "better"),
        (70.58, 67.9, (68, 72), False, "below"),
        (70.58, float("nan"), (68, 72), False, "below"),
        (0.8222, 0.71, None, True, "void"),
        (90.13, None, (88, 100), False, "not run"),
    ],
)
def test_a_comparison_ends_in_one_verdict(
    reported: float,
    measured: float | None,
    band: tuple[float, float] | None,
    void: bool,
    verdict: str,
) -> None:
    page = report.Reproduction("A page")

    assert (
        page.compare("figure", reported=reported, measured=measured, band=band, void=void)
        == verdict
    )


def test_the_page_holds_table_picture_and_what_made_it(tmp_path: Path) -> None:
    page = report.Reproduction("Two figures")
    page.section("Task 1", "Some **text**.")
    page.compare("kernel", reported=9, measured=9)
    page.compare("parameters", reported=390_410, measured=390_410, note="a|b")
    page.picture(Figure(), "curves", "Loss of the network")
    page.code("conv1\n  3x3")

    text = page.write(tmp_path / "results.md").read_text(encoding="utf-8")

    assert "- verdicts: 2 exact" in text
    assert "| parameters | 390,410 | 390,410 | exact | a\\|b |" in text
    assert "![Loss of the network](results/curves.png)" in text
    assert "    conv1\n      3x3" in text
    assert (tmp_path / "results" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_of_other_images_claims_no_agreement() -> None:
    page = report.Reproduction("A page")
    page.stand_in = "drawn figures"

    verdicts = [
        page.compare("accuracy", reported=70, measured=71, band=(68, 72)),
        page.compare("parameters", reported=10, measured=10),
        page.compare("accuracy", reported=70, measured=None, band=(68, 72)),
        page.compare("maps", reported=3, measured=4, stand_in="other weights"),
    ]

    assert verdicts == ["stand-in", "exact", "not run", "stand-in"]
    assert page.comparisons[3].cells()[4] == "on other weights"


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [(0.4, "better"), (0.5, "reproduced"), (0.7, "below"), (float("nan"), "below")],
)
def test_a_lower_loss_is_the_better_one(measured: float, verdict: str) -> None:
    page = report.Reproduction("A page")

    found = page.compare(
        "loss", reported=0.55, measured=measured, band=(0.5, 0.6), lower_is_better=True
    )

    assert found == verdict


def test_the_page_counts_the_minutes_of_each_training_once(tmp_path: Path) -> None:
    samples = (torch.randn(8, 2), torch.arange(8) % 2)
    page = report.Reproduction("A page")
    for seed in (0, 1):
        trainer = Trainer(nn.Linear(2, 2), lr=0.1, seed=seed, directory=tmp_path / str(seed))
        trainer.fit(samples, samples, epochs=1, progress=False)
        trainer.history["seconds"][-1] = 90.0
        page.trained(trainer)
        page.trained(trainer)
    run = read_run(tmp_path / "1")
    run.history["seconds"][-1] = 90.0
    page.trained(run)

    text = page.write(tmp_path / "page.md").read_text(encoding="utf-8")

    assert "- training: 3.0 minutes in 2 runs, float32, seeds 0, 1\n" in text


def test_the_figures_stand_beside_the_page_and_are_indexed(tmp_path: Path) -> None:
    for name, measured in (("one_a", 9), ("two", 8)):
        page = report.Reproduction("A page")
        page.section("Task 1")
        page.compare("kernel", reported=9, measured=measured)
        page.compare("accuracy", reported=70, measured=None, band=(68, 72), note="no weights")
        page.picture(Figure(), "curves", "Loss")
        page.write(tmp_path / f"{name}.md")

    written = json.loads((tmp_path / "one_a.json").read_text(encoding="utf-8"))
    index = report.ReproductionIndex.read([tmp_path / "one_a.md", tmp_path / "two.md"])

    assert written["counts"] == {"exact": 1, "not run": 1}
    assert written["pictures"] == {"curves": 0}
    assert index.counts().header == ("page", "figures", "exact", "differs", "not run")
    assert index.counts().rows[-1] == ("all", 4, 1, 1, 2)
    assert "| [one\\_a](one_a.md) | Task 1 | kernel | 9 | 9 | exact |" in index.to_markdown(
        index.figures()
    )


def test_a_script_runs_its_exact_numbers_and_the_tasks_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []

    def task(page: report.Reproduction, settings: Namespace) -> None:
        seen.append((settings.data.name, settings.seed, settings.precision, page.stand_in))
        page.compare("accuracy", reported=70, measured=10, band=(68, 72))

    script = report.ReproductionScript(
        "A page",
        {"one": task, "two": task, "long": task},
        exact=lambda page: page.compare("kernel", reported=9, measured=9) and None,
        optional=["long"],
        draw=lambda folder: folder / "drawn",
    )
    script.run(["--quick", "--out", str(tmp_path), "--seed", "3", "--precision", "bfloat16"])

    assert seen == [("drawn", 3, "bfloat16", "drawn figures")] * 2
    assert capsys.readouterr().out.endswith("\n1 exact, 2 stand-in\n")


def test_a_script_ends_when_an_exact_number_differs(tmp_path: Path) -> None:
    def task(page: report.Reproduction, settings: Namespace) -> None:
        del settings
        page.compare("kernel", reported=9, measured=8)

    script = report.ReproductionScript("A page", {"one": task})

    with pytest.raises(SystemExit, match=r"^kernel: 8, reported 9$"):
        script.run(["--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_a_quick_script_ends_when_a_picture_is_not_as_expected(tmp_path: Path) -> None:
    def task(page: report.Reproduction, settings: Namespace) -> None:
        del settings
        figure = Figure()
        figure.subplots(2)
        page.picture(figure, "curves", "Loss and accuracy")

    script = report.ReproductionScript("A page", {"one": task}, pictures={"curves": 3, "maps": 1})

    with pytest.raises(SystemExit) as caught:
        script.run(["--out", str(tmp_path), "--quick"])

    assert str(caught.value) == "picture curves: 2 panels, not 3\npicture maps: no panels, not 1"


def test_an_evaluation_is_set_beside_accuracy_and_loss(tmp_path: Path) -> None:
    samples = (torch.tensor([[3.0, 0.0], [0.0, 3.0], [3.0, 0.0]]), torch.tensor([0, 1, 1]))
    result = Trainer(nn.Identity(), directory=tmp_path).evaluate(samples, "test")
    page = report.Reproduction("A page")

    page.compare_evaluation(result, accuracy=65.0, loss=1.5)
    page.compare_evaluation(result, accuracy=90.0, loss=1.5, band=(89, 91), void_loss="one batch")

    # Two of three are right; the losses are ln(1 + e^-3) twice, and that plus 3.
    assert [(c.quantity, c.measured, c.verdict) for c in page.comparisons] == [
        ("test accuracy (%)", 66.67, "reproduced"),
        ("test loss", 1.0486, "better"),
        ("test accuracy (%)", 66.67, "below"),
        ("test loss", 1.0486, "void"),
    ]
    assert page.comparisons[0].note == "95 % interval 20.8 to 93.9"


def test_an_evaluation_on_disk_is_set_beside_a_figure_as_one_in_memory(tmp_path: Path) -> None:
    samples = (torch.tensor([[3.0, 0.0], [0.0, 3.0], [3.0, 0.0]]), torch.tensor([0, 1, 1]))
    network = nn.Linear(2, 2)
    with torch.no_grad():
        network.weight.copy_(torch.eye(2)), network.bias.zero_()
    trainer = Trainer(network, optimizer="sgd", lr=1e-9, directory=tmp_path)
    trainer.fit(samples, samples, epochs=1, progress=False)
    result = trainer.evaluate(samples, "test")
    in_memory, on_disk = report.Reproduction("A page"), report.Reproduction("A page")

    in_memory.compare_evaluation(result, accuracy=65.0, loss=1.5)
    on_disk.compare_evaluation(read_run(tmp_path).evaluations["test"], accuracy=65.0, loss=1.5)

    assert on_disk.comparisons == in_memory.comparisons
    assert [c.measured for c in on_disk.comparisons] == [66.67, 1.0486]


def test_an_evaluation_has_a_name_a_note_and_what_stands_in() -> None:
    page = report.Reproduction("A page")
    page.stand_in = "a tenth of the images"
    found = {"name": "test", "accuracy": 0.6667, "accuracy_interval": [0.2077, 0.9385], "loss": 1.0}

    page.compare_evaluation(found, accuracy=65.0, name="best", note="epoch 3")
    page.compare_evaluation(found, accuracy=65.0, stand_in="other weights")

    assert [c.cells() for c in page.comparisons] == [
        (
            "best accuracy (%)", "65", "66.67", "stand-in",
            "on a tenth of the images; 95 % interval 20.8 to 93.8; epoch 3",
        ),
        (
            "test accuracy (%)", "65", "66.67", "stand-in",
            "on other weights; 95 % interval 20.8 to 93.8",
        ),
    ]  # fmt: skip


def test_a_loss_that_was_not_finite_is_below_its_band() -> None:
    page = report.Reproduction("A page")
    on_disk = {"name": "test", "accuracy": 0.5, "accuracy_interval": [0.2, 0.8], "loss": None}

    page.compare_evaluation(on_disk, accuracy=50.0, loss=1.5)

    assert page.comparisons[1].cells() == ("test loss", "1.5", "nan", "below", "")


def test_what_was_not_run_says_so_and_stands_in_for_nothing() -> None:
    page = report.Reproduction("A page")
    page.stand_in = "drawn figures"

    page.compare_evaluation(None, accuracy=65.0, loss=1.5, name="test", note="no weights")

    assert [c.cells() for c in page.comparisons] == [
        ("test accuracy (%)", "65", "-", "not run", "no weights"),
        ("test loss", "1.5", "-", "not run", ""),
    ]


def test_a_finished_training_keeps_the_precision_that_it_had(tmp_path: Path) -> None:
    samples = (torch.randn(8, 2), torch.arange(8) % 2)
    settings = {"lr": 0.1, "directory": tmp_path / "run"}
    first = Trainer(nn.Linear(2, 2), precision="bfloat16", seed=3, **settings)
    first.fit(samples, samples, epochs=1, progress=False)
    again = Trainer(nn.Linear(2, 2), precision="float32", seed=3, **settings)
    again.fit(samples, samples, epochs=1, resume=True, progress=False)
    page = report.Reproduction("A page")

    assert page.trained(again) == "bfloat16, seed 3, 0.0 minutes"
