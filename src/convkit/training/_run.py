"""What does a run directory say, without its network?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit.errors import RunError
from convkit.training._history import History

if TYPE_CHECKING:
    from os import PathLike


@dataclass(frozen=True, slots=True)
class Run:
    """A run directory, read.

    Args:
        directory: Where it is.
        configuration: What was trained, and how: settings, architecture, classes, versions.
        history: What happened.
        evaluations: What was measured, by the name of the set.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer
        >>> data = torch.randn(8, 1, 4, 4), torch.arange(8) % 2
        >>> trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), directory="first")
        >>> _ = trainer.fit(data, data, epochs=2, progress=False)
        >>> run = read_run("first")
        >>> len(run.history), run.configuration["network"], run.evaluations
        (2, 'Sequential', {})
    """

    directory: Path
    configuration: dict[str, Any]
    history: History
    evaluations: dict[str, dict[str, Any]]

    def epochs(self, split: str) -> list[dict[str, Any]]:
        """What `MeasureEpochs` measured on a split, epoch by epoch.

        Args:
            split: Of which set, such as `"validation"`.
        """
        found = {
            float(name.removeprefix(f"{split}-")): values
            for name, values in self.evaluations.items()
            if re.fullmatch(rf"{re.escape(split)}-\d+(\.\d+)?", name)
        }
        return [found[epoch] for epoch in sorted(found)]


def read_run(directory: str | PathLike[str]) -> Run:
    """Read a run directory; neither the network nor torch is needed.

    Args:
        directory: Of a `Trainer`.

    Returns:
        Its configuration, history and evaluations.

    Raises:
        RunError: When the directory holds no training, or a file of it cannot be read.

    Examples:
        >>> read_run("nowhere")
        Traceback (most recent call last):
        convkit.errors.RunError: nowhere holds no training: configuration.json is missing
    """
    path = Path(directory)
    if not (path / "configuration.json").exists():
        raise RunError(f"{path} holds no training: configuration.json is missing")
    history = path / "history.json"
    return Run(
        path,
        read_json(path / "configuration.json"),
        History.read(history) if history.exists() else History(),
        {
            file.stem.removeprefix("evaluation-"): read_json(file)
            for file in sorted(path.glob("evaluation-*.json"))
        },
    )


def read_json(path: Path) -> dict[str, Any]:
    """An object of a JSON file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} could not be read: {error}") from error
    if not isinstance(values, dict):
        raise RunError(f"{path} could not be read: it holds a {type(values).__name__}")
    return values
