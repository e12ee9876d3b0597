"""Activation statistics over a data set, streamed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from convkit.errors import FeatureError
from convkit.features._batches import batches_of
from convkit.features._call_plan import Plans
from convkit.features._figures import StageFigures, figures
from convkit.features._finish import Finish
from convkit.features._forward import observe
from convkit.features._guard import Guard
from convkit.features._layer_statistics import ActivationStatistics, LayerStatistics
from convkit.features._layers import Selection, check_model, listed, select
from convkit.features._stages import STAGES, Call, Stage
from convkit.features._tally import Tally
from convkit.features._unchanged import place_of, random_states_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from convkit.features._operands import Operands


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
        FeatureError: When a layer does not exist, there are no images, they do not fit the model,
            or none of the layers ran.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU(inplace=True))
        >>> with torch.no_grad():
        ...     _ = model[0].bias.copy_(torch.tensor([9, 9, -100, 9]))
        >>> statistics = activation_statistics(model, torch.rand(8, 3, 16, 16))
        >>> statistics["0"].dead_filters, statistics["0"].activation
        ((2,), 'relu')
        >>> float(statistics["0"].per_filter.share_non_positive[2])
        1.0
    """
    steps = _after_each_batch(model, loader, layers)
    [(measured, names, images)] = deque(steps, maxlen=1)
    return measured.result(names, images)


def running_statistics(
    model: nn.Module, loader: Any, layers: Selection = None
) -> list[ActivationStatistics]:
    """Measure as `activation_statistics` does, and keep the figures after every batch.

    Each entry is of all images so far; the last one is what `activation_statistics` gives. Where
    the figures no longer move, the images were enough.

    Args:
        model: Any `nn.Module`; evaluated in evaluation mode and left as it was.
        loader: As for `activation_statistics`; its batches decide how many entries there are.
        layers: As in `FilterFeatureExtractor.extract`; None measures every conv layer.

    Returns:
        The statistics after the first batch, the first two, and so on.

    Raises:
        FeatureError: When a layer does not exist, there are no images, they do not fit the model,
            or none of the layers ran.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU())
        >>> course = running_statistics(model, torch.rand(50, 3, 16, 16).split(20))
        >>> [found.images for found in course]
        [20, 40, 50]
    """
    steps = _after_each_batch(model, loader, layers)
    return [measured.result(names, images) for measured, names, images in steps]


def _after_each_batch(
    model: nn.Module, loader: Any, layers: Selection
) -> Iterator[tuple[_Measured, tuple[str, ...], int]]:
    """The tallies after each batch, the chosen layers, and how many images were seen."""
    check_model(model)
    plan = Plans(model).now()
    chosen = select(model, layers, plan)
    expected = plan.expected(chosen)
    measured = _Measured()
    device, dtype = place_of(model)
    images = 0
    # Loaders draw from torch's random state to shuffle and to seed their workers.
    with random_states_kept(device):
        for batch in batches_of(loader, device, dtype):
            observer = _Adder(measured, Finish(expected, frozenset(STAGES)))
            observe(model, batch, chosen, observer, guard=Guard(), follow=True)
            images += len(batch)
            yield measured, tuple(chosen), images
    if images == 0:
        raise FeatureError("the loader gave no images; give at least one batch")


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

    def convolved(self, call: Call, _: Operands, output: Tensor) -> None:
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
