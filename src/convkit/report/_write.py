"""One page that shows everything about one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from convkit._files import replace_file
from convkit.report._described import data_section, network_section, settings_section
from convkit.report._inside import inside_sections
from convkit.report._material import Material
from convkit.report._measured import evaluation_sections
from convkit.report._page import Section, facts, paragraph, render
from convkit.report._trained import training_section
from convkit.report._words import interval_text, percent

if TYPE_CHECKING:
    import os

    from torch import nn


def write(directory: str | os.PathLike[str], *, model: nn.Module | None = None) -> Path:
    """Write `report.html` into a run directory: one file that needs nothing else.

    It shows the network with its sizes and counts, the settings, the data, the curves with their
    smoothing and stop, each evaluation with confusion matrix, average precision and worst
    mistakes, filters beside their maps, and activation statistics. What the run does not hold is
    left out, and the page says so. It fetches nothing, runs only its own script, escapes every
    name, and is written whole.

    Args:
        directory: Of a `Trainer`.
        model: The network, when it was not built from a table; needed for filters and maps only.
            Its weights are replaced by the run's best ones.

    Returns:
        The path of the page.

    Raises:
        RunError: When the directory holds no training.

    Examples:
        >>> import convkit.data, convkit.training
        >>> from convkit import build, report
        >>> sets = convkit.data.drawn_shapes(train=60, validation=20, test=20)
        >>> network = build("conv 4 k3 relu, maxpool 4, flatten, linear 10", (3, 32, 32))
        >>> trainer = convkit.training.Trainer(network, directory="run", device="cpu")
        >>> history = trainer.fit(sets.train, sets.validation, epochs=1, progress=False)
        >>> evaluation = trainer.evaluate(sets.test)
        >>> report.write("run").name
        'report.html'
    """
    material = Material.read(directory, model)
    sections = [
        section
        for section in (
            network_section(material),
            training_section(material),
            *evaluation_sections(material),
            *inside_sections(material),
            data_section(material),
            settings_section(material),
        )
        if section is not None
    ]
    if material.missing:
        lines = "".join(paragraph(sentence) for sentence in material.missing)
        sections.append(Section("missing", "What is missing", lines))
    page = render(material.name, _introduction(material), sections)
    return replace_file(Path(directory) / "report.html", page)


def _introduction(material: Material) -> str:
    """The figures that one looks for first."""
    configuration, history = material.configuration, material.run.history
    found: dict[str, str | tuple[str, str]] = {}
    for name, label in (("parameters", "parameters"), ("macs", "MACs for one image")):
        if configuration.get(name) is not None:
            found[label] = f"{configuration[name]:,}"
    if len(history):
        best = history.best_epoch
        remark = f"best: {best:g}" if best == best else ""
        found["epochs"] = (f"{history['epoch'][-1]:g}", remark)
        minutes = history["seconds"][-1] / 60
        found["minutes of training"] = f"{minutes:.1f}" if minutes == minutes else "unknown"
    for split, values in sorted(material.run.evaluations.items()):
        if values.get("accuracy") is not None:
            sure = interval_text(values)
            found[f"accuracy on {split[:40]}"] = (percent(values["accuracy"]), sure)
    reason = history.stop_reason if len(history) else ""
    return facts(found) + (paragraph(reason, "soft") if reason else "")
