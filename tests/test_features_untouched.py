"""The model that is looked into is left as it was."""

from __future__ import annotations

import gc
import random
import weakref
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from convkit import FilterFeatureExtractor


def state_of(model: nn.Module) -> list[Any]:
    """Modes, hooks, tensors, gradients: all that must stay."""
    hooks = [
        (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks), m.training)
        for m in model.modules()
    ]
    tensors = [(n, t, t._version, t.grad) for n, t in model.named_parameters()]
    buffers = [(n, t.clone()) for n, t in model.named_buffers()]
    return [hooks, tensors, buffers]


def assert_same_state(before: list[Any], after: list[Any]) -> None:
    assert before[0] == after[0]
    for old, new in zip(before[1], after[1], strict=True):
        assert (old[0], old[2]) == (new[0], new[2])
        assert old[1] is new[1]
        assert old[3] is new[3]
    for (name, old), (same, new) in zip(before[2], after[2], strict=True):
        assert name == same
        assert torch.equal(old, new)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1"])
def test_a_model_in_training_mode_is_left_as_it_was(name: str) -> None:
    model = torchvision.models.get_model(name, weights=None)
    before = state_of(model)

    FilterFeatureExtractor(model).extract(torch.randn(2, 3, 32, 32), stages="all")

    assert_same_state(before, state_of(model))


def test_an_exception_in_any_layer_leaves_the_model_as_it_was() -> None:
    model = torchvision.models.resnet.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1])
    model.layer2.eval()
    images = torch.randn(1, 3, 16, 16)
    extractor = FilterFeatureExtractor(model)
    for module in [m for m in model.modules() if not list(m.children())][:-2]:  # pool and fc
        handle = module.register_forward_pre_hook(lambda *_: 1 / 0)
        before = state_of(model)

        with pytest.raises(ZeroDivisionError):
            extractor.extract(images, stages="all")

        assert_same_state(before, state_of(model))
        handle.remove()


class Restless(nn.Module):
    """Does in evaluation all that a module should not do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("last", torch.zeros(4))

    def forward(self, images: Tensor) -> Tensor:
        images.sub_(0.5)
        self.seen += 1
        out = nn.functional.dropout(self.conv(images), 0.5, training=True)
        self.last = out.mean((0, 2, 3))
        running = (self.norm.running_mean, self.norm.running_var)
        out = nn.functional.batch_norm(out, *running, training=True)
        random.random()
        np.random.rand()  # noqa: NPY002 - the global state is what is tested
        return out


def test_statistics_images_and_random_states_are_put_back() -> None:
    model = Restless()
    images = torch.rand(2, 3, 8, 8)
    original, buffers = images.clone(), [b.clone() for b in model.buffers()]
    last = model.last
    states = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())  # noqa: NPY002 - compared below

    pairs = FilterFeatureExtractor(model).extract(images, stages="all")

    assert torch.equal(images, original)
    assert all(map(torch.equal, model.buffers(), buffers))
    assert model.last is last
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002 - compared
    assert random.getstate() == states[2]
    assert pairs["conv"][0].verify()


def test_gradients_stay() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(True))
    model(torch.randn(1, 3, 8, 8)).sum().backward()
    gradients = [p.grad for p in model.parameters()]
    copies = [g.clone() for g in gradients]

    pairs = FilterFeatureExtractor(model).extract(torch.randn(1, 3, 8, 8))

    assert all(p.grad is g for p, g in zip(model.parameters(), gradients, strict=True))
    assert all(map(torch.equal, gradients, copies))
    assert not pairs["0"].feature_maps.requires_grad


def test_a_compiled_model_is_looked_into_without_compiling() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(True))
    compiled = torch.compile(model, backend="eager")
    model.compile(backend="eager")
    images = torch.randn(1, 3, 8, 8)

    pairs = FilterFeatureExtractor(compiled).extract(images)

    assert torch.equal(
        pairs["0"].feature_maps, nn.functional.conv2d(images, *model[0].parameters())
    )
    assert model._compiled_call_impl is not None


def test_memory_is_flat_over_many_calls() -> None:
    """Without any help of the collector: nothing holds on to a map in a circle."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True), nn.Conv2d(4, 4, 3))
    extractor, images = FilterFeatureExtractor(model), torch.randn(2, 3, 16, 16)
    extractor.extract(images)
    gc.collect()
    gc.disable()
    try:
        before = sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())
        for _ in range(200):
            extractor.extract(images, stages="all")
        after = sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())
    finally:
        gc.enable()

    assert after == before


def test_leaving_the_block_lets_go_of_spare_memory() -> None:
    model = nn.Sequential(
        *(nn.Conv2d(3, 32, 3), nn.ReLU(True), nn.MaxPool2d(2), nn.Conv2d(32, 4, 3))
    )

    with FilterFeatureExtractor(model) as extractor:
        extractor.extract(torch.randn(2, 3, 96, 96))
        (buffer,) = extractor._spare.take()
        spare = weakref.ref(buffer)
        extractor._spare.put([buffer])
        assert buffer.numel() == 4 * 2 * 32 * 94 * 94
        del buffer
        assert spare() is not None

    assert spare() is None
