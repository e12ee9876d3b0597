"""What a run directory holds: read once, each part only as far as it is there."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from convkit.architecture import Architecture
from convkit.errors import ConvkitError
from convkit.training import read_run

if TYPE_CHECKING:
    import os

    from torch import nn

    from convkit.training import Run

# What reading a cut or foreign file may raise; a report goes on without it and says so.
_UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError,
               zipfile.BadZipFile)  # fmt: skip


@dataclass
class Material:
    """A run, and what is known of its network.

    Args:
        run: The run, read.
        given: The network, when its user gives it.
        missing: Sentences on what could not be read, filled while reading.
    """

    run: Run
    given: nn.Module | None = None
    missing: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, directory: str | os.PathLike[str], model: nn.Module | None = None) -> Material:
        """Read a run directory.

        Raises:
            RunError: When it holds no training.
        """
        return cls(read_run(directory), model)

    @property
    def name(self) -> str:
        """The run's name: that of its directory."""
        return Path(self.run.directory).resolve().name

    @property
    def configuration(self) -> dict[str, Any]:
        """What was trained, and how."""
        return self.run.configuration

    @property
    def class_names(self) -> list[str] | None:
        """The names of the classes, as far as they are known."""
        names = self.configuration.get("class_names")
        return None if names is None else [str(name) for name in names]

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of one image."""
        shape = self.configuration.get("input_shape")
        return None if not shape else tuple(int(size) for size in shape)

    @cached_property
    def architecture(self) -> Architecture | None:
        """The table of layers, when the network was built from one."""
        text = self.configuration.get("architecture")
        if not text:
            return None
        try:
            return Architecture.parse(text)
        except ConvkitError as error:
            self.missing.append(f"the table of layers could not be read: {error}")
            return None

    @cached_property
    def model(self) -> nn.Module | None:
        """The network with its best weights, in evaluation mode."""
        from convkit.training import Trainer  # the rest of a page needs no trainer

        try:
            model = Trainer.load(self.run.directory, self.given, device="cpu").model
        except (ConvkitError, *_UNREADABLE) as error:
            self.missing.append(f"the network could not be loaded: {error}")
            return None
        return model.eval()

    def tensors(self, name: str) -> dict[str, Any] | None:
        """The content of a file of tensors; None when it is not there or damaged."""
        path = Path(self.run.directory) / name
        if not path.exists():
            return None
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except _UNREADABLE as error:
            self.missing.append(f"{name} could not be read: {error}")
            return None
        return content if isinstance(content, dict) else None

    @cached_property
    def samples(self) -> dict[str, Any] | None:
        """Up to sixteen validation images: `images`, `normalized`, `labels`, `names`."""
        return self.tensors("samples.pt")
