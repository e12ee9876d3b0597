"""Activation statistics epoch by epoch: a callback for training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from convkit._files import replace_file
from convkit._tables import Shown, Table
from convkit.errors import FeatureError
from convkit.features._statistics import activation_statistics

if TYPE_CHECKING:
    import os

    from convkit.features._layer_statistics import ActivationStatistics
    from convkit.features._layers import Selection
    from convkit.features._pictures import Figure


class TrainingEvent(Protocol):
    """What the tracker reads of an event of training."""

    @property
    def what(self) -> str:
        """`"begin"`, `"epoch"` and others."""

    @property
    def epoch(self) -> float:
        """Epochs done."""

    @property
    def trainer(self) -> Any:
        """Has the `model`."""


class ActivationTracker(Shown):
    """Measures the activations before training and after each epoch, as a callback.

    `Trainer(model, ..., callbacks=[ActivationTracker(images)])`.

    The model's mode, statistics and random state stay as they are, so that training goes on as
    if nothing had been measured.

    Args:
        loader: The images, as `activation_statistics` takes them; the same ones every time.
        layers: As in `FilterFeatureExtractor.extract`; None measures every conv layer.

    Attributes:
        epochs: The epochs measured, 0 before training.
        statistics: What was measured, one for each.

    Examples:
        >>> from types import SimpleNamespace
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, kernel_size=3), torch.nn.ReLU())
        >>> tracker = ActivationTracker(torch.rand(8, 3, 12, 12))
        >>> trainer = SimpleNamespace(model=model)
        >>> tracker(SimpleNamespace(what="epoch", epoch=1.0, trainer=trainer))
        >>> tracker.epochs, list(tracker.statistics[0])
        ([1.0], ['0'])
    """

    def __init__(self, loader: Any, layers: Selection = None) -> None:
        self.loader = loader
        self.layers = layers
        self.epochs: list[float] = []
        self.statistics: list[ActivationStatistics] = []

    def __call__(self, event: TrainingEvent) -> None:
        """Measure when training begins and when an epoch is done."""
        if event.what in {"begin", "epoch"}:
            found = activation_statistics(event.trainer.model, self.loader, self.layers)
            self.epochs.append(float(event.epoch))
            self.statistics.append(found)

    def table(self) -> Table:
        """One row for each epoch and layer."""
        rows = tuple(
            (
                f"{epoch:g}",
                name,
                f"{layer.share_non_positive:.2%}",
                len(layer.dead_filters),
                len(layer.nearly_dead_filters),
            )
            for epoch, found in zip(self.epochs, self.statistics, strict=True)
            for name, layer in found.items()
        )
        return Table(("epoch", "layer", "non-positive", "dead", "nearly dead"), rows)

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The table as CSV, also written to `path` when one is given.

        Args:
            path: The file, replaced whole; None writes none.
        """
        text = self.table().to_csv()
        if path is not None:
            replace_file(path, text)
        return text

    def plot(self) -> Figure:
        """Draw the share of non-positive values of each layer over the epochs.

        Raises:
            FeatureError: Before the first batch.
        """
        from convkit.plots import lines

        if not self.statistics:
            raise FeatureError(
                "nothing was measured yet; train with Trainer(..., callbacks=[tracker]) first"
            )
        shares = {
            name: [100 * found[name].share_non_positive for found in self.statistics]
            for name in self.statistics[0]
        }
        return lines(shares, places=self.epochs, label="non-positive values [%]")
