"""What stands in an exported file beside the network?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from convkit._version import __version__
from convkit.data import Preprocessing
from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping

Outputs = Literal["probabilities", "logits"]
KEYS = ("class_names", "preprocessing", "outputs", "architecture", "table")


@dataclass(frozen=True, slots=True)
class ExportNotes:
    """Everything that a user of the file needs to know, as texts.

    Args:
        class_names: One for each output.
        preprocessing: What was done to the images of the training; the file normalises, its user
            decodes and resizes.
        outputs: What comes out.
        architecture: The table from which the network can be built again; empty without one.
        table: The layers with sizes and counts, in Markdown; empty without one.
    """

    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    outputs: Outputs
    architecture: str
    table: str

    @property
    def description(self) -> str:
        """Input and output in one sentence."""
        size = self.preprocessing.size
        height, width = size if isinstance(size, tuple) else (size, size)
        colours = "RGB" if self.preprocessing.channels == 3 else "grey"
        return (
            f"images: uint8 (N, {self.preprocessing.channels}, {height}, {width}), {colours}, "
            f"decoded and resized but not normalised; {self.outputs}: float32 (N, "
            f"{len(self.class_names)}), one column for each of class_names"
        )

    def to_strings(self) -> dict[str, str]:
        """A text for each key."""
        return {
            "convkit": __version__,
            "description": self.description,
            "class_names": json.dumps(self.class_names),
            "preprocessing": json.dumps(self.preprocessing.to_dict()),
            "outputs": self.outputs,
            "architecture": self.architecture,
            "table": self.table,
        }

    @classmethod
    def from_strings(cls, texts: Mapping[str, str], where: str) -> ExportNotes:
        """Read what `to_strings` wrote.

        Raises:
            TrainingError: When it is not there, or cannot be.
        """
        if missing := [key for key in KEYS if key not in texts]:
            raise TrainingError(f"{where} was not exported by convkit: {missing[0]!r} is missing")
        try:
            names = json.loads(texts["class_names"])
            preprocessing = Preprocessing.from_dict(json.loads(texts["preprocessing"]))
        except (ValueError, TypeError, AttributeError) as error:
            raise TrainingError(f"{where} has notes that cannot be read: {error}") from error
        sound = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not sound or texts["outputs"] not in get_args(Outputs):
            raise TrainingError(f"{where} has notes that cannot be: class_names or outputs")
        outputs = cast("Outputs", texts["outputs"])
        return cls(tuple(names), preprocessing, outputs, texts["architecture"], texts["table"])
