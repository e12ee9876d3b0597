"""Runs side by side: what differs, each column's own extremum, what lies inside the noise."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import statistics
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from convkit import History, report
from convkit.errors import RunError

VERSIONS = {
    # batch, epochs, training loss low, validation loss low, validation accuracy high, minutes
    "v1": (64, 20, 0.022, 1.439, 0.513, 5.63),
    "v2": (64, 50, 1.103, 1.144, 0.619, 13.85),
    "v6": (64, 128, 0.685, 0.594, 0.804, 86.72),
    "v7": (32, 220, 0.640, 0.510, 0.838, 412.35),
}
COLUMNS = (
    "batch_size",
    "epochs",
    "training_loss_low",
    "validation_loss_low",
    "validation_accuracy_high",
    "minutes",
)


def history_of(rows: list[dict[str, float]]) -> History:
    """A history of these rows."""
    history = History()
    for number, row in enumerate(rows, start=1):
        history.append(epoch=number, step=10 * number, **row)
    return history


def write_run(
    path: Path,
    rows: list[dict[str, float]],
    *,
    test: tuple[int, int] | None = None,
    validation: int | None = 1800,
    parameters: int = 1234,
    per_class: list[int] | None = None,
    **settings: object,
) -> Path:
    """A run directory, made by hand; `test` is right answers and samples."""
    path.mkdir(parents=True)
    data = {} if validation is None else {"validation": {"samples": validation}}
    if per_class is not None:
        data["train"] = {"samples": sum(per_class), "per_class": per_class}
    configuration = {
        "architecture": "flatten, linear 10",
        "parameters": parameters,
        "macs": 5678,
        "settings": {"seed": 0, "data": data, **settings},
    }
    (path / "configuration.json").write_text(json.dumps(configuration))
    (path / "history.json").write_text(history_of(rows).to_json())
    if test is not None:
        values = {"accuracy": test[0] / test[1], "n": test[1], "loss": 0.5}
        (path / "evaluation-test.json").write_text(json.dumps(values))
    return path


def rows_of(comparison: report.Comparison) -> list[dict[str, str]]:
    """The table as a program reads it."""
    return list(csv.DictReader(io.StringIO(comparison.to_csv())))


ROWS = [
    {"training_loss": 2.0, "validation_loss": 1.5, "validation_accuracy": 0.6, "seconds": 60.0},
    {"training_loss": 1.0, "validation_loss": 1.2, "validation_accuracy": 0.5, "seconds": 120.0},
    {"training_loss": 1.1, "validation_loss": 1.4, "validation_accuracy": 0.55, "seconds": 180.0},
]


def test_each_column_is_its_own_extremum(tmp_path: Path) -> None:
    (row,) = rows_of(report.compare([write_run(tmp_path / "a", ROWS)]))

    assert row["training loss low"] == "1.0000"
    assert row["validation loss low"] == "1.2000"
    assert row["validation accuracy high"] == "60.00 %"
    assert row["validation accuracy at best"] == "50.00 %"
    assert row["validation accuracy last"] == "55.00 %"
    assert row["validation loss last"] == "1.4000"
    assert (row["epochs"], row["best epoch"], row["minutes"]) == ("3", "2", "3.00")
    assert (row["parameters"], row["MACs"]) == ("1234", "5678")


def test_the_smoothed_low_is_that_of_the_smoothed_column(tmp_path: Path) -> None:
    rows = [
        {"validation_loss": 1.0, "smoothed_validation_loss": 1.0},
        {"validation_loss": 0.2, "smoothed_validation_loss": 0.6},
        {"validation_loss": 0.7, "smoothed_validation_loss": 0.65},
    ]
    (row,) = rows_of(report.compare([write_run(tmp_path / "a", rows)]))

    assert (row["smoothed loss low"], row["validation loss at best"]) == ("0.6000", "0.2000")


def test_only_the_settings_that_differ_are_shown(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", ROWS, lr=0.1, batch_size=32, augment=["flip"])
    second = write_run(tmp_path / "b", ROWS, lr=0.01, batch_size=32, augment=[])
    comparison = report.compare([first, second])

    assert comparison.differing == ("lr", "augment")
    assert [(row["lr"], row["augment"]) for row in rows_of(comparison)] == [
        ("0.1", "flip"),
        ("0.01", "none"),
    ]


def test_epochs_asked_for_and_epochs_trained_are_two_columns(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, ROWS, epochs=asked) for name, asked in (("a", 5), ("b", 9))]

    rows = rows_of(report.compare(runs))

    assert [(row["epochs at most"], row["epochs"]) for row in rows] == [("5", "3"), ("9", "3")]
    assert report.compare(runs).table().header.count("epochs") == 1


def test_the_learning_rate_is_told_from_the_rest_of_the_optimizer(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / lr, ROWS, optimizer_settings={"lr": lr, "momentum": 0.9})
        for lr in ("0.1", "0.01")
    ]

    assert report.compare(runs).differing == ("lr",)


def test_a_table_of_versions_is_printed_from_run_directories(tmp_path: Path) -> None:
    runs = []
    for name, (batch, epochs, training, validation, accuracy, minutes) in VERSIONS.items():
        lows = {
            "training_loss": training,
            "validation_loss": validation,
            "validation_accuracy": accuracy,
        }
        highs = {"training_loss": 9.0, "validation_loss": 9.0, "validation_accuracy": 0.1}
        rows = [{**highs, "seconds": 1.0} for _ in range(epochs)]
        rows[epochs // 2] = {**lows, "seconds": 2.0}
        rows[-1] = {**highs, "seconds": 60 * minutes}
        runs.append(write_run(tmp_path / name, rows, batch_size=batch))
    table = report.compare(runs, columns=COLUMNS).to_markdown()

    assert table.split("\n\n")[0] == "\n".join(
        [
            (
                "| run | batch size | epochs | training loss low | validation loss low "
                "| validation accuracy high | minutes |"
            ),
            "| :-- | --: | --: | --: | --: | --: | --: |",
            "| v1 | 64 | 20 | 0.0220 | 1.4390 | 51.30 % | 5.63 |",
            "| v2 | 64 | 50 | 1.1030 | 1.1440 | 61.90 % | 13.85 |",
            "| v6 | 64 | 128 | 0.6850 | 0.5940 | 80.40 % | 86.72 |",
            "| v7 | 32 | 220 | 0.6400 | 0.5100 | 83.80 % | 412.35 |",
        ]
    )


def wilson(correct: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson interval, written out."""
    share, z = correct / total, 1.959963984540054
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total), (centre + spread) / (1 + z * z / total)


def test_what_cannot_be_told_from_the_best_is_inside_the_noise(tmp_path: Path) -> None:
    total, best = 1000, 800
    shares = [740, 750, 760, 770, 780, 790, 800]
    runs = [write_run(tmp_path / str(correct), ROWS, test=(correct, total)) for correct in shares]
    words = [row["against the best on test"] for row in rows_of(report.compare(runs))]
    low = wilson(best, total)[0]
    expected = [
        "best"
        if correct == best
        else "inside the noise"
        if wilson(correct, total)[1] >= low
        else ""
        for correct in shares
    ]

    assert words == expected
    assert len(set(words)) == 3


def test_of_equal_runs_one_is_the_best_and_the_others_inside_the_noise(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, ROWS, test=(8, 10)) for name in "abc"]
    words = [row["against the best on test"] for row in rows_of(report.compare(runs))]

    assert words == ["best", "inside the noise", "inside the noise"]


def test_without_a_test_set_for_all_the_validation_sets_are_compared(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "a", ROWS, test=(8, 10)),
        write_run(tmp_path / "b", [{**row, "validation_accuracy": 0.9} for row in ROWS]),
    ]
    words = [row["against the best on validation"] for row in rows_of(report.compare(runs))]

    assert words == ["", "best"]


def test_sizes_that_differ_are_noted(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / str(size), ROWS, validation=size) for size in (1800, 1801)]

    assert (
        "The validation sets differ in size: their figures do not compare."
        in report.compare(runs).table().notes
    )


def test_test_sets_of_different_size_are_noted(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / str(n), ROWS, test=(n // 2, n)) for n in (100, 500)]

    assert (
        "The test sets differ in size: their figures do not compare."
        in report.compare(runs).table().notes
    )


def test_seeds_give_mean_and_sample_deviation(tmp_path: Path) -> None:
    losses = (1.2, 1.5, 1.7)
    runs = [
        write_run(tmp_path / str(seed), [{**ROWS[0], "validation_loss": loss}], seed=seed)
        for seed, loss in enumerate(losses)
    ]
    other = write_run(tmp_path / "other", ROWS, lr=0.5)
    (row,) = report.compare([*runs, other]).seeds().rows

    assert row[:2] == ("0, 1, 2", 3)
    assert row[2] == f"{statistics.mean(losses):.4f} ± {statistics.stdev(losses):.4f}"


@pytest.mark.parametrize(
    "second",
    [{"seed": 0}, {"parameters": 1235}, {"per_class": [8, 2]}, {"validation": 1801}, {"lr": 0.2}],
    ids=str,
)
def test_runs_that_differ_in_more_than_the_seed_are_no_seeds(
    tmp_path: Path, second: dict[str, Any]
) -> None:
    first = {"seed": 0, "per_class": [5, 5], "lr": 0.1}
    a = write_run(tmp_path / "a", ROWS, **first)
    b = write_run(tmp_path / "b", ROWS, **{**first, "seed": 1, **second})

    assert report.compare([a, b]).seeds() is None


def test_seeds_measured_on_test_sets_of_other_size_have_no_mean_there(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / str(n), ROWS, test=(n, 2 * n), seed=n) for n in (50, 250)]
    table = report.compare(runs).seeds()

    assert dict(zip(table.header, table.rows[0], strict=True)) == {
        "runs": "50, 250",
        "seeds": 2,
        "validation loss low": "1.2000 ± 0.0000",
        "validation accuracy high": "60.00 % ± 0.00 %",
        "accuracy on test": "",
    }


def test_runs_without_history_or_figures_leave_cells_empty(tmp_path: Path) -> None:
    full, bare = write_run(tmp_path / "full", ROWS), write_run(tmp_path / "bare", [])
    (bare / "history.json").unlink()
    rows = rows_of(report.compare([full, bare]))

    assert rows[1]["validation loss low"] == rows[1]["minutes"] == ""


def test_runs_of_the_same_name_are_told_by_their_paths(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / part / "run", ROWS) for part in ("a", "b")]

    assert [row["run"] for row in rows_of(report.compare(runs))] == [str(run) for run in runs]


@pytest.mark.parametrize("form", ["to_markdown", "to_latex", "to_csv", "_repr_html_", "__str__"])
def test_hostile_names_are_escaped_in_every_form(tmp_path: Path, form: str) -> None:
    run = write_run(tmp_path / "=cmd|<b>&_x", ROWS, lr="=1+1")
    text = getattr(report.compare([run, write_run(tmp_path / "b", ROWS)]), form)()
    raw = {
        "to_markdown": "cmd|",
        "to_latex": "&_",
        "to_csv": "\n=cmd",
        "_repr_html_": "<b>",
        "__str__": "\x1b",
    }[form]

    assert raw not in text


def test_the_curves_of_all_runs_are_drawn(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, ROWS) for name in ("relu", "tanh")]
    figure = report.compare(runs).plot(training=False)

    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["relu", "tanh"]


class Elements(HTMLParser):
    """The elements of a page with the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.found.append((tag, dict(attributes)))


def test_the_page_has_a_switch_and_the_lines_of_each_run(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, ROWS) for name in ("a", "<img src=x>")]
    path = report.write_comparison(runs, tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    found = Elements(text).found
    switches = [a["id"] for tag, a in found if tag == "input"]
    lines = {a["id"] for tag, a in found if tag == "g" and str(a.get("id")).startswith("run-")}

    assert switches == ["show-0", "show-1"]
    assert {"run-0-0-validation", "run-1-0-validation", "run-1-1-best"} <= lines
    for number in (0, 1):
        assert f".curves:has(#show-{number}:not(:checked)) [id^='run-{number}-']" in text
    assert not any("style" in attributes for _, attributes in found)
    assert not any(tag == "img" for tag, _ in found)


def test_a_page_of_runs_without_an_epoch_has_no_curves(tmp_path: Path) -> None:
    path = report.write_comparison([write_run(tmp_path / "a", [])], tmp_path / "page.html")

    assert "show-0" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("directories", "columns", "message"),
    [
        ([], None, "there is no run to compare: give at least one run directory"),
        (
            ["a", "a"],
            None,
            "{}/a is given twice: a run is compared with others, not with itself",
        ),
        (["a", "none"], None, "{}/none holds no training: configuration.json is missing"),
        (["a"], ("speed",), "no run has a column 'speed'; there are "),
    ],
)
def test_what_cannot_be_compared_is_said(
    tmp_path: Path, directories: list[str], columns: object, message: str
) -> None:
    write_run(tmp_path / "a", ROWS)
    expected = re.escape(message.format(tmp_path))
    with pytest.raises(RunError, match=f"^{expected}{'.*' if columns else ''}$"):
        report.compare([tmp_path / name for name in directories], columns=columns)


def test_a_single_directory_and_a_single_column_may_stand_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", ROWS)

    for given in (run, str(run)):
        assert rows_of(report.compare(given, columns="epochs")) == [{"run": "a", "epochs": "3"}]
