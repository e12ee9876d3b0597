"""How good the network is, class by class, and where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import convkit.plots
from convkit._tables import Cell, Table
from convkit.metrics import PerClass
from convkit.report._matrix import matrix_table
from convkit.report._page import Section, facts, folded, paragraph, picture, table
from convkit.report._words import interval_text, percent, short

if TYPE_CHECKING:
    from convkit.report._material import Material

_MOST_CLASSES_READ = 30  # more are seen better than read
_MOST_CLASSES_DRAWN = 250


def evaluation_sections(material: Material) -> list[Section]:
    """One section for each set that was measured, or one that says that none was."""
    if not material.run.evaluations:
        text = "No set was evaluated: trainer.evaluate(...) writes its figures into the run."
        return [Section("evaluation", "Evaluation", paragraph(text))]
    return [
        _evaluation(material, split, values, number)
        for number, (split, values) in enumerate(sorted(material.run.evaluations.items()))
    ]


def _evaluation(material: Material, split: str, values: dict[str, Any], number: int) -> Section:
    """Figures, confusion matrix, classes and mistakes of one set."""
    names = [str(name) for name in values.get("class_names") or material.class_names or ()]
    counts = np.array(values.get("confusion") or np.zeros((0, 0)), dtype=np.int64)
    body = [facts(_figures(values))]
    if counts.ndim == 2 and len(counts) and counts.shape == (len(names), len(names)):
        body += _confusion(counts, names, split)
        body += _classes(counts, names, values)
    body += _mistakes(material, split, names)
    return Section(f"evaluation-{number}", f"Evaluation on {short(split, 40)}", "\n".join(body))


def _figures(values: dict[str, Any]) -> dict[str, str | tuple[str, str]]:
    """Loss, accuracy with its interval, mean average precision."""
    found: dict[str, str | tuple[str, str]] = {}
    if values.get("accuracy") is not None:
        sure = interval_text(values, "95 % interval ")
        found["accuracy"] = (percent(values["accuracy"]), sure)
    if values.get("loss") is not None:
        found["loss"] = (f"{values['loss']:.4f}", "mean over the samples")
    if values.get("mean_average_precision") is not None:
        precision = f"{values['mean_average_precision']:.4f}"
        found["mean average precision"] = (precision, "mean of the classes with samples")
    if values.get("n"):
        found["samples"] = f"{values['n']:,}"
    return found


def _confusion(counts: Any, names: list[str], split: str) -> list[str]:
    """The matrix, drawn too when it is large, and the pairs that are confused most."""
    if len(names) > _MOST_CLASSES_DRAWN:
        return [paragraph(f"The matrix of {len(names)} classes is too large to be drawn here.")]
    label = f"Confusion matrix of {len(names)} classes on {short(split, 40)}"
    told = "Rows: true class; columns: predicted; the shade is the share of the true class."
    content = matrix_table(counts, names, label) + paragraph(told, "note")
    if len(names) <= _MOST_CLASSES_READ:
        return ["<h3>Confusion matrix</h3>", content, *_pairs(counts, names)]
    figure = convkit.plots.confusion(
        counts, class_names=names, normalize="truth", order="clustered"
    )
    caption = (
        "Rows: true class; columns: predicted. Each row adds up to 1. Classes taken for each "
        "other stand side by side."
    )
    return [
        "<h3>Confusion matrix</h3>",
        picture(figure, label, caption, wide=True),
        f"<details><summary>Counts as a table</summary>{content}</details>",
        *_pairs(counts, names),
    ]


def _pairs(counts: Any, names: list[str]) -> list[str]:
    """The pairs of classes confused most often."""
    off = counts.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:10]
    rows: list[tuple[Cell, ...]] = []
    for flat in order:
        row, column = divmod(int(flat), len(counts))
        if off[row, column]:
            share = off[row, column] / counts[row].sum()
            rows.append(
                (short(names[row]), short(names[column]), int(off[row, column]), percent(share, 1))
            )
    if not rows:
        return [paragraph("No sample was taken for another class.")]
    content = Table(("true class", "taken for", "samples", "of the class"), tuple(rows))
    return ["<h3>Most often confused</h3>", table(content, "Most often confused classes")]


def _classes(counts: Any, names: list[str], values: dict[str, Any]) -> list[str]:
    """Precision, recall, F1 and AP of each class."""
    per = PerClass(tuple(names), np.diag(counts).copy(), counts.sum(axis=0), counts.sum(axis=1))
    precisions = values.get("average_precision") or [None] * len(names)
    rows = tuple(
        (
            short(names[k]),
            int(per.support[k]),
            _share(per.recall[k]),
            _share(per.precision[k]),
            _share(per.f1[k]),
            _share(precisions[k] if k < len(precisions) else None),
        )
        for k in range(len(names))
    )
    undefined = [name for name, row in zip(names, counts, strict=True) if not row.sum()]
    notes = (
        (f"Without a sample, and so without recall and AP: {short(', '.join(undefined), 300)}.",)
        if undefined
        else ()
    )
    header = ("class", "samples", "recall", "precision", "F1", "average precision")
    content = Table(header, rows, notes=notes)
    kinds = ("sortable", "tall", "named")
    return ["<h3>Class by class</h3>", table(content, "Figures of each class", kinds=kinds)]


def _share(value: float | None) -> str:
    """Four digits; empty when it is not defined."""
    return "" if value is None or not np.isfinite(value) else f"{value:.4f}"


def _mistakes(material: Material, split: str, names: list[str]) -> list[str]:
    """The samples of greatest loss, with what was answered instead."""
    found = material.tensors(f"mistakes-{split}.pt")
    if not found or "images" not in found or not len(found["images"]):
        return []
    truth, predicted = found["truth"].tolist(), found["predicted"].tolist()
    probabilities = found["probabilities"]
    answers = []
    for row, (right, wrong) in enumerate(zip(truth, predicted, strict=True)):
        said, meant = (
            names[index] if index < len(names) else str(index) for index in (wrong, right)
        )
        answers.append(
            (
                f"{said} {percent(float(probabilities[row, wrong]), 0)}",
                f"is {meant} {percent(float(probabilities[row, right]), 0)}",
            )
        )
    titles = ["\n".join(pair) for pair in answers]
    figure = convkit.plots.image_grid(found["images"], titles, columns=min(6, len(titles)))
    alternative = f"The {len(titles)} wrongly classified images of greatest loss"
    caption = "Above what the network said, below what it is, each with its probability."
    return [
        "<h3>Worst mistakes</h3>",
        picture(figure, alternative, caption, form="png", wide=True),
        _mistake_table(found, answers),
    ]


def _mistake_table(found: dict[str, Any], answers: list[tuple[str, str]]) -> str:
    """The same as a table, with the files' names."""
    files = [str(name) for name in found.get("names", [""] * len(answers))]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (number, short(name), short(said), short(meant))
        for number, (name, (said, meant)) in enumerate(zip(files, answers, strict=False), start=1)
    )
    content = Table(("number", "image", "answer", "truth"), rows)
    return folded("Names of these images", content, "Names of the worst mistakes")
