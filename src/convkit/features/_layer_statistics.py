"""The statistics of conv layers: figures at each stage, verdicts on filters, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit._files import replace_file
from convkit._tables import Shown, Table
from convkit.errors import FeatureError
from convkit.features._layers import listed
from convkit.features._stages import RECTIFIERS, STAGES, Stage

if TYPE_CHECKING:
    import os

    from convkit.features._figures import FilterFigures, StageFigures
    from convkit.features._pictures import Figure

_NEARLY = 0.99
_TITLES: dict[Stage, str] = {"conv": "conv", "norm": "after norm", "activation": "after activation"}


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """The statistics of one conv layer, told apart by stage.

    The figures of the layer itself (`share_non_positive`, `mean`, ...) are those of its own
    output, before norm and activation.

    Args:
        name: The layer's name.
        before_norm: The figures of the conv layer's own output.
        after_norm: Those after the normalisation that follows; None where none does.
        after_activation: Those after the activation that follows; None where none does.
        norm: What normalises, such as `"native_batch_norm"`; empty where nothing does.
        activation: What activates, such as `"relu"`; empty where nothing does.
        after_sum: Whether the activation takes a residual sum, of which this layer is one part.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import features
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> statistics = features.activation_statistics(model, torch.rand(8, 3, 8, 8))
        >>> layer = statistics["0"]
        >>> list(layer.stages), layer.activation, layer.nearly_dead_filters
        (['conv', 'activation'], 'relu', ())
        >>> 0 <= layer.share_non_positive <= 1, len(layer.verdicts)
        (True, 4)
    """

    name: str
    before_norm: StageFigures
    after_norm: StageFigures | None
    after_activation: StageFigures | None
    norm: str
    activation: str
    after_sum: bool

    @property
    def share_non_positive(self) -> float:
        """The share of the layer's own values that are zero or below, 0 to 1."""
        return self.before_norm.share_non_positive

    @property
    def mean(self) -> float:
        """The mean of the layer's own values."""
        return self.before_norm.mean

    @property
    def deviation(self) -> float:
        """Their standard deviation."""
        return self.before_norm.deviation

    @property
    def per_filter(self) -> FilterFigures:
        """The figures of each filter's own output."""
        return self.before_norm.per_filter

    @property
    def stages(self) -> dict[Stage, StageFigures]:
        """The figures of every stage that the layer has, by the name of the stage."""
        every = (self.before_norm, self.after_norm, self.after_activation)
        return {s: f for s, f in zip(STAGES, every, strict=True) if f is not None}

    @property
    def verdicts(self) -> tuple[str, ...]:
        """For each filter `"dead"`, `"nearly dead"` or `"fine"`, on the images seen.

        Behind a rectifier (ReLU and its kin) of its own, a filter is dead when it fires on no
        image and nearly dead when it is silent on 99 % of them or more. Any other filter is dead
        when it gives the same value everywhere.
        """
        own = self.after_activation if not self.after_sum else None
        judged = own or self.after_norm or self.before_norm
        dead = judged.constant
        nearly = np.zeros_like(dead)
        if own is not None and self.activation in RECTIFIERS:
            dead = dead | (own.per_filter.share_silent == 1)
            nearly = own.per_filter.share_silent >= _NEARLY
        words = np.where(dead, "dead", np.where(nearly, "nearly dead", "fine"))
        return tuple(words.tolist())

    @property
    def dead_filters(self) -> tuple[int, ...]:
        """The filters that are dead on the images seen."""
        return tuple(i for i, verdict in enumerate(self.verdicts) if verdict == "dead")

    @property
    def nearly_dead_filters(self) -> tuple[int, ...]:
        """The filters that are nearly dead."""
        return tuple(i for i, verdict in enumerate(self.verdicts) if verdict == "nearly dead")


class ActivationStatistics(Shown, Mapping[str, LayerStatistics]):
    """The statistics of several layers, by layer name.

    Args:
        layers: The statistics of each layer.
        images: How many images were seen.
        never_ran: The layers asked for that did not run.

    Attributes:
        images: How many images were seen.
        never_ran: The layers asked for that did not run.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import features
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> statistics = features.activation_statistics(model, torch.rand(8, 3, 8, 8))
        >>> list(statistics), statistics.images, statistics.never_ran
        (['0'], 8, ())
        >>> len(statistics.filter_table().rows)
        8
    """

    def __init__(
        self, layers: Mapping[str, LayerStatistics], images: int, never_ran: tuple[str, ...]
    ) -> None:
        self._layers = dict(layers)
        self.images = images
        self.never_ran = never_ran

    def __getitem__(self, name: str) -> LayerStatistics:
        if name not in self._layers:
            reason = "never ran" if name in self.never_ran else "was not measured"
            raise FeatureError(f"layer {name!r} {reason}; measured: {listed(self._layers)}")
        return self._layers[name]

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __str__(self) -> str:
        return str(self.table())

    def table(self) -> Table:
        """One row for each layer and stage."""
        return Table(
            ("layer", "stage", *_COLUMNS, "dead", "nearly dead"),
            tuple(
                _layer_row(layer, s, f) for layer in self.values() for s, f in layer.stages.items()
            ),
            title=f"Activations on {self.images} images",
            notes=tuple(f"{name} never ran" for name in self.never_ran),
        )

    def filter_table(self) -> Table:
        """One row for each filter and stage."""
        return Table(
            ("layer", "stage", "filter", *_COLUMNS, "verdict"),
            tuple(row for layer in self.values() for row in _filter_rows(layer)),
            title=f"Activations of each filter on {self.images} images",
        )

    def plot(self) -> Figure:
        """Draw the share of non-positive values of each layer, a bar for each stage."""
        from convkit.plots import bars

        shares = {
            title: {
                name: layer.stages[stage].share_non_positive
                for name, layer in self.items()
                if stage in layer.stages
            }
            for stage, title in _TITLES.items()
        }
        kept = {title: found for title, found in shares.items() if found}
        return bars(kept, label="values that are zero or below", share=True)

    def to_markdown(self) -> str:
        """The table of layers in Markdown."""
        return self.table().to_markdown()

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The figures of every filter as CSV, also written to `path` when one is given.

        Args:
            path: The file, replaced whole; None writes none.

        Returns:
            The text.
        """
        text = self.filter_table().to_csv()
        if path is not None:
            replace_file(path, text)
        return text


_COLUMNS = ("non-positive", "zero", "mean", "deviation", "lowest", "highest", "never fires")


def _layer_row(layer: LayerStatistics, stage: Stage, found: StageFigures) -> tuple[Any, ...]:
    dead, nearly = len(layer.dead_filters), len(layer.nearly_dead_filters)
    return (layer.name, _TITLES[stage], *_written(found), dead, nearly)


def _filter_rows(layer: LayerStatistics) -> Iterator[tuple[Any, ...]]:
    for stage, found in layer.stages.items():
        each = found.per_filter
        columns = zip(*(getattr(each, name) for name in _FIGURES), strict=True)
        for index, (values, verdict) in enumerate(zip(columns, layer.verdicts, strict=True)):
            cells = [f"{value:.6g}" for value in values]
            yield (layer.name, _TITLES[stage], index, *cells, verdict)


_FIGURES = (
    "share_non_positive",
    "share_zero",
    "mean",
    "deviation",
    "lowest",
    "highest",
    "share_silent",
)
_SHARES = frozenset({"share_non_positive", "share_zero", "share_silent"})


def _written(found: StageFigures) -> list[str]:
    """Shares as per cent, the rest to four digits."""
    values = [(name, getattr(found, name)) for name in _FIGURES]
    return [f"{v:.2%}" if name in _SHARES else f"{v:.4g}" for name, v in values]
