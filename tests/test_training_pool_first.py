"""Max-pooling before ReLU while training: the same bits, and the network stays as it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from convkit import Trainer, build
from convkit.architecture import Architecture
from convkit.features import FilterFeatureExtractor
from convkit.training import Event, TrainingOptions
from convkit.training._pool_first import pooling_first

WINDOWS = [
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, stride=2, padding=1),
    nn.MaxPool2d(3, stride=1),
    nn.MaxPool2d(2, dilation=2, stride=1),
    nn.MaxPool2d(3, stride=2, ceil_mode=True),
]
VALUES = torch.tensor([-1.0, -0.0, 0.0, 0.5, 1.0, float("nan")])


def kinds(model: nn.Module) -> list[str]:
    """The layers in the order of their computation."""
    return [type(layer).__name__ for layer in model.modules() if not list(layer.children())]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_values_and_gradients_are_equal_ties_included(
    window: nn.MaxPool2d, dtype: torch.dtype, channels_last: bool
) -> None:
    """Few different values, so that most windows have ties, many of them at zero."""
    generator = torch.Generator().manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for values in (VALUES[:5], VALUES[:3], VALUES[1:3], VALUES):
        drawn = values[torch.randint(len(values), (4, 3, 9, 9), generator=generator)]
        drawn = drawn.to(dtype).contiguous(memory_format=layout)
        found = []
        for layers in ((nn.ReLU(), window), (window, nn.ReLU())):
            images = drawn.clone().requires_grad_()
            outputs = nn.Sequential(*layers)(images)
            weights = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1))
            (outputs * weights.to(dtype)).nansum().backward()
            found.append((outputs.detach(), images.grad))
        for ours, theirs in zip(*found, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("options", [{}, {"channels_last": True}, {"compile": True}], ids=str)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_gives_the_same_bits(
    options: dict[str, Any], precision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "compile" in options:
        compile_ = torch.compile
        monkeypatch.setattr(torch, "compile", lambda model: compile_(model, backend="eager"))
    table = "conv 8 k3 p1 bn relu, maxpool 3 s2, conv 8 k3 relu, maxpool 2, flatten, linear 3"
    images = torch.randn(40, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    pair, found = (images, torch.arange(40) % 3), []
    for first in (False, True):
        torch.manual_seed(0)
        model = build(table, input_shape=(2, 16, 16))
        trainer = Trainer(
            model,
            optimizer="sgd",
            lr=0.1,
            precision=precision,
            options=TrainingOptions(pool_first=first, **options),
        )
        history = trainer.fit(pair, pair, epochs=2, batch_size=8, progress=False)
        found.append((history.step_losses, model.state_dict()))

    assert found[0][0] == found[1][0]
    assert all(torch.equal(found[0][1][name], found[1][1][name]) for name in found[0][1])


def test_it_is_the_pooled_map_that_goes_through_relu_while_training() -> None:
    model = build("conv 4 k3 p1 relu, maxpool 2, flatten, linear 2", input_shape=(1, 8, 8))
    seen: dict[str, list[bool]] = {}

    def watch(layer: nn.Module, name: str) -> None:
        forward = layer.forward

        def watched(images: torch.Tensor) -> torch.Tensor:
            seen.setdefault(f"{name}, training {model.training}", []).append(images.shape[-1])
            return forward(images)

        layer.forward = watched  # type: ignore[method-assign]  # a hook would be seen

    watch(model.relu1, "relu")
    pair = (torch.randn(8, 1, 8, 8), torch.arange(8) % 2)
    Trainer(model).fit(pair, pair, epochs=1, batch_size=8, progress=False)

    assert seen == {"relu, training True": [4], "relu, training False": [8]}


def test_the_network_still_tells_what_its_table_says() -> None:
    table = "conv 4 k3 p1 relu, maxpool 2, flatten, linear 2"
    model = build(table, input_shape=(1, 8, 8))
    pair = (torch.randn(8, 1, 8, 8), torch.arange(8) % 2)
    inside: list[Any] = []

    def look(event: Event) -> None:
        if event.what == "validation":
            network = event.trainer.model
            inside.append(Architecture.from_module(network).to_text())
            with FilterFeatureExtractor(network) as extractor:
                pairs = extractor.extract(pair[0], layers=["conv1"], stages="activation")
            inside.append(tuple(pairs["conv1"].after_activation.shape))

    Trainer(model, callbacks=[look]).fit(pair, pair, epochs=1, progress=False)

    expected = Architecture.parse(table).to_text()
    assert inside == [expected, (8, 4, 8, 8)]  # before pooling
    assert Architecture.from_module(model).to_text() == expected
    assert list(dict(model.named_children())) == ["conv1", "relu1", "pool1", "flatten1", "fc1"]


def test_nested_sequences_share_every_layer_and_name() -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2)), nn.ReLU(), nn.MaxPool2d(2)
    )
    view = pooling_first(model)

    assert kinds(view) == ["Conv2d", "MaxPool2d", "ReLU", "MaxPool2d", "ReLU"]
    assert kinds(model) == ["Conv2d", "ReLU", "MaxPool2d", "ReLU", "MaxPool2d"]
    assert view[0][0] is model[0][0]
    assert view.state_dict().keys() == model.state_dict().keys()


class Own(nn.Sequential):
    """A sequence that may do more than its layers."""


RELU, POOL = nn.ReLU(), nn.MaxPool2d(2)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(POOL, RELU),
        nn.Sequential(nn.Sequential(), RELU),
        nn.Sequential(RELU, nn.Dropout(), POOL),
        nn.Sequential(nn.Tanh(), POOL),
        nn.Sequential(RELU, nn.AvgPool2d(2)),
        nn.Sequential(RELU, nn.MaxPool2d(2, return_indices=True)),
        nn.Sequential(Own(RELU, POOL)),
        Own(RELU, POOL),
        RELU,
    ],
    ids=lambda model: " ".join(kinds(model)),
)
def test_everything_else_is_handed_back_as_it_is(model: nn.Module) -> None:
    assert pooling_first(model) is model


@pytest.mark.parametrize("place", [(), (0,), (1,)], ids=["sequence", "relu", "pool"])
@pytest.mark.parametrize(
    "listen",
    [
        lambda layer: layer.register_forward_hook(print),
        lambda layer: layer.register_forward_pre_hook(print),
        lambda layer: layer.register_full_backward_hook(print),
    ],
)
def test_where_somebody_listens_the_order_stays(place: tuple[int, ...], listen: Any) -> None:
    model = nn.Sequential(copy.deepcopy(RELU), copy.deepcopy(POOL))
    listen(model[place[0]] if place else model)

    assert pooling_first(model) is model
