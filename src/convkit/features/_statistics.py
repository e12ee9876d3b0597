"""Activation statistics over a data set, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TYPE_CHECKING

import numpy as np
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from convkit._files import replace_file
from convkit._tables import Table
from convkit.errors import FeatureError
from convkit.features._call_plan import Plans
from convkit.features._figures import FilterFigures, StageFigures, figures
from convkit.features._finish import Finish
from convkit.features._forward import observe
from convkit.features._guard import Guard
from convkit.features._layers import Selection, listed, select
from convkit.features._stages import RECTIFIERS, STAGES, Call, Stage
from convkit.features._tally import Tally
from convkit.features._unchanged import place_of, random_states_kept

if TYPE_CHECKING:
    from convkit.features._operands import Operands
    import os

_BATCH = 32
_NEARLY = 0.99
_TITLES = {"conv": "conv", "norm": "after norm", "activation": "after activation"}


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


class ActivationStatistics(Mapping[str, LayerStatistics]):
    """The statistics of several layers, by layer name.

    Attributes:
        images: How many images were seen.
        never_ran: The layers asked for that did not run.
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
            tuple(_layer_row(l, s, f) for l in self.values() for s, f in l.stages.items()),
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

    def to_markdown(self) -> str:
        """The table of layers in Markdown."""
        return self.table().to_markdown()

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The figures of every filter as CSV, also written to `path` when one is given."""
        text = self.filter_table().to_csv()
        if path is not None:
            replace_file(path, text)
        return text


_COLUMNS = ("non-positive", "zero", "mean", "deviation", "lowest", "highest", "never fires")


def _layer_row(layer: LayerStatistics, stage: Stage, figures: StageFigures) -> tuple[Any, ...]:
    dead, nearly = len(layer.dead_filters), len(layer.nearly_dead_filters)
    return (layer.name, _TITLES[stage], *_written(figures), dead, nearly)


def _filter_rows(layer: LayerStatistics) -> Iterator[tuple[Any, ...]]:
    for stage, figures in layer.stages.items():
        each = figures.per_filter
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


def _written(figures: StageFigures) -> list[str]:
    """Shares as per cent, the rest to four digits."""
    values = [(name, getattr(figures, name)) for name in _FIGURES]
    return [f"{v:.2%}" if name in _SHARES else f"{v:.4g}" for name, v in values]


def activation_statistics(
    model: nn.Module, loader: Any, layers: Selection = None
) -> ActivationStatistics:
    """Measure the activations of conv layers over a data set, in memory that does not grow.

    Counts and sums are exact int64 and float64 over all values, so neither the batch size nor the
    order matters; a running mean of batches of sizes k gives the same, m' = (m n + u k) / (n + k).

    Args:
        model: Any `nn.Module`; evaluated in evaluation mode and left as it was.
        loader: A DataLoader or any iterable of batches, a data set, or a float tensor
            (N, C, H, W). A batch is a tensor of images or a sequence that begins with one.
        layers: As in `FilterFeatureExtractor.extract`; None measures every conv layer.

    Returns:
        The statistics by layer name, at each stage: before norm, after norm, after activation.

    Raises:
        FeatureError: When a layer does not exist, there are no images, or none of the layers ran.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU(inplace=True))
        >>> with torch.no_grad():
        ...     _ = model[0].bias[2].fill_(-100)
        >>> statistics = activation_statistics(model, torch.rand(8, 3, 16, 16))
        >>> statistics["0"].dead_filters, statistics["0"].after_activation.per_filter.share_zero[2]
        ((2,), np.float64(1.0))
    """
    plans = Plans(model)
    chosen = select(model, layers, plans.order())
    expected = plans.expected(chosen)
    measured = _Measured()
    device, dtype = place_of(model)
    images = 0
    # Loaders draw from torch's random state to shuffle and to seed their workers.
    with random_states_kept(device):
        for batch in _batches(loader):
            placed = batch.to(device=device, dtype=dtype)
            observer = _Adder(measured, Finish(expected, frozenset(STAGES)))
            observe(model, placed, chosen, observer, guard=Guard(), follow=True)
            images += len(batch)
    if images == 0:
        raise FeatureError("the loader gave no images; give at least one batch")
    return measured.result(tuple(chosen), images)


class _Measured:
    """The tallies of every layer and stage, over all batches."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, Stage], Tally] = {}
        self._calls: dict[str, Call] = {}

    def add(self, call: Call, stage: Stage, maps: Tensor) -> None:
        """Add one tensor of maps."""
        key = (call.name, stage)
        if key not in self._tallies:
            self._tallies[key] = Tally(maps.shape[1])
        self._tallies[key].add(maps)
        self._calls[call.name] = call

    def result(self, names: tuple[str, ...], images: int) -> ActivationStatistics:
        """Read the figures off."""
        ran = [name for name in names if name in self._calls]
        never = tuple(name for name in names if name not in self._calls)
        if not ran:
            raise FeatureError(f"{listed(never)} never ran: the model does not use them")
        return ActivationStatistics({name: self._layer(name) for name in ran}, images, never)

    def _layer(self, name: str) -> LayerStatistics:
        call = self._calls[name]
        own, norm, activation = (self._figures(name, stage) for stage in STAGES)
        assert own is not None  # noqa: S101 - a layer that ran has its own stage
        return LayerStatistics(
            name, own, norm, activation, call.norm, call.activation, call.after_sum
        )

    def _figures(self, name: str, stage: Stage) -> StageFigures | None:
        tally = self._tallies.get((name, stage))
        return None if tally is None else figures(tally)


class _Adder:
    """Adds every map the moment it exists, and keeps none."""

    def __init__(self, measured: _Measured, finish: Finish) -> None:
        self._measured = measured
        self._finish = finish

    def convolved(self, call: Call, operands: Operands, output: Tensor) -> None:
        """Add a conv layer's own output."""
        self._measured.add(call, "conv", output)
        self._finish.ran(call)

    def followed(self, call: Call, stage: Stage, output: Tensor) -> None:
        """Add a later stage."""
        self._measured.add(call, stage, output)
        self._finish.showed(call, stage)

    def finished(self) -> bool:
        """Whether the rest of the forward is needed."""
        return bool(self._finish)


def _batches(loader: Any) -> Iterator[Tensor]:
    """The images of each batch."""
    for batch in _iterable(loader):
        images = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
        if not isinstance(images, Tensor) or images.ndim != 4:
            what = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise FeatureError(f"a batch begins with images (N, C, H, W); received {what}")
        if not images.is_floating_point():
            raise FeatureError(f"images are normalised floats; received {images.dtype}")
        if len(images):
            yield images


def _iterable(loader: Any) -> Iterable[Any]:
    """Batches from a tensor, from a data set, or from what already gives batches."""
    if isinstance(loader, Tensor):
        return loader.split(_BATCH) if loader.ndim == 4 else [loader]
    if isinstance(loader, Dataset):
        return DataLoader(loader, batch_size=_BATCH)
    return loader  # type: ignore[no-any-return]  # any iterable; what is not fails by itself
