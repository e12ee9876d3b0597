"""The summary of any network, from a run without values."""

from __future__ import annotations

import os
import random
import re
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from convkit.architecture import Architecture, Conv, Flatten, Linear, MaxPool, summarize, zoo
from convkit.architecture import _running as running
from convkit.errors import ArchitectureError

# One of each family in every run, small first; the whole list is behind CONVKIT_MANY_CASES.
EVERY = torchvision.models.list_models(module=torchvision.models)
FAMILIES = [
    *("alexnet", "vgg11_bn", "squeezenet1_1", "resnet18", "resnext50_32x4d", "densenet121"),
    *("googlenet", "inception_v3", "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5"),
    *("shufflenet_v2_x0_5", "regnet_y_400mf", "efficientnet_b0", "convnext_tiny"),
]
ATTENTION = ["vit_b_32", "swin_t", "maxvit_t"]


def torchvision_model(name: str) -> nn.Module:
    settings = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    with torch.device("meta"):
        try:
            return torchvision.models.get_model(name, **settings)  # type: ignore[no-any-return] # a module
        except (NotImplementedError, RuntimeError):  # RegNet computes its widths with tensors
            pass
    return torchvision.models.get_model(name, **settings)  # type: ignore[no-any-return] # a module


def half_of_flop_counter(model: nn.Module, *shape: int) -> float:
    model = model.eval().to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops() / 2


@pytest.mark.skipif("CONVKIT_MANY_CASES" not in os.environ, reason="takes minutes")
def test_counts_of_every_classification_network_of_torchvision() -> None:
    equal = 0
    for name in EVERY:
        model = torchvision_model(name)
        summary = summarize(model, (3, 224, 224))
        half = half_of_flop_counter(model, 3, 224, 224)
        assert summary.parameters == sum(p.numel() for p in model.parameters()), name
        assert half in (summary.macs, summary.total(products=True).value), name
        equal += half == summary.macs

    assert len(EVERY) >= 80
    assert equal >= 60


@pytest.mark.parametrize("name", FAMILIES)
def test_counts_of_torchvisions_networks_are_exact(name: str) -> None:
    model = torchvision_model(name)
    summary = summarize(model, (3, 224, 224))

    assert summary.parameters == sum(p.numel() for p in model.parameters())
    assert summary.macs == half_of_flop_counter(model, 3, 224, 224)
    assert summary.output_shape == (1000,)


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_is_counted_apart_from_linear_layers(name: str) -> None:
    model = torchvision_model(name)
    summary = summarize(model, (3, 224, 224))

    assert summary.parameters == sum(p.numel() for p in model.parameters())
    assert summary.macs < summary.total(products=True).value
    assert summary.total(products=True).value == half_of_flop_counter(model, 3, 224, 224)


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "resnet18", "resnet50"])
def test_arithmetic_and_run_agree_on_sizes_counts_and_receptive_fields(name: str) -> None:
    """Two computations that share no code: one reads a table, the other listens to a network."""
    table = getattr(zoo, name)().summary((3, 224, 224))
    run = summarize(torchvision_model(name), (3, 224, 224))

    def weighty(summary: Any) -> list[tuple[Any, ...]]:
        return [
            (row.kind, row.output_shape, row.weights, row.biases, row.macs, row.receptive_field)
            for row in summary.rows
            if row.weights
        ]

    assert weighty(run) == weighty(table)
    assert run.total(biases=True, norms=True) == table.total(biases=True, norms=True)


class Functional(nn.Module):
    """Weights and operations without layers, as people also write networks."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(4, 3, 3, 3))
        self.matrix = nn.Parameter(torch.randn(10, 4 * 6 * 6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps, then scores."""
        x = functional.conv2d(x, self.kernel).relu()
        return functional.linear(x.flatten(1), self.matrix)


def test_functional_calls_are_counted() -> None:
    summary = summarize(Functional(), (3, 8, 8))

    assert summary.macs == 4 * 27 * 36 + 1440
    assert [row.name for row in summary.rows] == ["Functional"]
    assert summary.rows[0].parameters == 4 * 27 + 1440


class Shared(nn.Module):
    """One layer that runs twice, and one that shares its weights with another."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Linear(6, 6)
        self.first = nn.Linear(6, 6, bias=False)
        self.tied = nn.Linear(6, 6, bias=False)
        self.tied.weight = self.first.weight
        self.unused = nn.Linear(5, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A vector of six numbers."""
        return self.tied(self.first(self.twice(torch.relu(self.twice(x)))))  # type: ignore[no-any-return] # a tensor


def test_shared_weights_count_once_and_calls_every_time() -> None:
    model = Shared()
    summary = summarize(model, (6,))

    assert [row.name for row in summary.rows] == ["twice", "twice", "first", "tied", "unused"]
    assert [row.parameters for row in summary.rows] == [42, 0, 36, 0, 30]
    assert [row.macs for row in summary.rows] == [36, 36, 36, 36, 0]
    assert summary.parameters == sum(p.numel() for p in model.parameters())
    assert "not run" in str(summary)


class TwoInputs(nn.Module):
    """An image and a vector of words."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.words = nn.Embedding(11, 5)

    def forward(self, image: torch.Tensor, words: torch.Tensor) -> dict[str, torch.Tensor]:
        """Two outputs."""
        return {"maps": self.conv(image), "words": self.words(words).sum(1)}


def test_several_inputs_and_outputs() -> None:
    summary = summarize(TwoInputs(), [(3, 8, 8), torch.zeros(7, 4, dtype=torch.int64)])

    assert summary.input_shape == ((3, 8, 8), (4,))
    assert summary.output_shape == ((4, 6, 6), (5,))
    assert summary.macs == 4 * 27 * 36


class LooksAtValues(nn.Module):
    """A forward pass that needs values, and changes whatever it can."""

    def __init__(self, fail: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("calls", torch.zeros(1))
        self.scale = torch.ones(1)
        self.fail = fail

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps, in one of two ways."""
        self.calls += 1
        self.last = x
        self.extra = nn.Linear(2, 2)
        self.conv.weight.data.add_(1.0)
        random.random()
        np.random.rand()  # noqa: NPY002 - the global state is what must not change
        x = self.drop(self.bn(self.conv(x))) * self.scale
        if self.fail:
            raise RuntimeError("out of luck")
        return x if float(x.sum()) > 0 else -x


def state_of(model: nn.Module) -> list[Any]:
    """Everything that must be as before."""
    return [
        {name: value.clone() for name, value in model.state_dict().items()},
        [module.training for module in model.modules()],
        [sorted(vars(module)) for module in model.modules()],
        [name for name, _ in model.named_modules()],
        [[id(p) for p in module.parameters()] for module in model.modules()],
        [[*m._forward_hooks.values(), *m._forward_pre_hooks.values()] for m in model.modules()],
        [parameter.grad for parameter in model.parameters()],
        torch.get_rng_state(),
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002 - as above
        len(nn.modules.module._global_forward_hooks),
        len(nn.modules.module._global_forward_pre_hooks),
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_grad_enabled(),
    ]


def assert_same_state(after: list[Any], before: list[Any]) -> None:
    weights_after, weights_before = after[0], before[0]
    assert list(weights_after) == list(weights_before)
    assert all(torch.equal(weights_after[name], weights_before[name]) for name in weights_before)
    assert torch.equal(after[7], before[7])
    assert after[1:7] == before[1:7]
    assert after[8:] == before[8:]


@pytest.mark.parametrize("fail", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_the_network_is_left_as_it_was(fail: bool, training: bool) -> None:
    model = LooksAtValues(fail).train(training)
    model.bn.eval()
    model.conv.register_forward_pre_hook(lambda *_: None)
    heard: list[Any] = []
    model.conv.register_forward_hook(lambda *_: heard.append(1))
    before = state_of(model)

    if fail:
        message = "LooksAtValues does not run on an input of 3x8x8: out of luck"
        with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
            summarize(model, (3, 8, 8))
    else:
        assert summarize(model, (3, 8, 8)).macs == 4 * 27 * 36

    assert_same_state(state_of(model), before)
    assert heard == []


def test_usual_networks_run_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the quick way would go unnoticed, since a run with values follows it."""
    devices = []
    run_once = running.run_once

    def spy(model: nn.Module, inputs: Any, device: str | None, *, everywhere: bool = False) -> Any:
        devices.append((device, everywhere))
        return run_once(model, inputs, device, everywhere=everywhere)

    monkeypatch.setattr(running, "run_once", spy)
    for name in ("resnet18", "densenet121", "mobilenet_v3_small", "vit_b_32"):
        summarize(torchvision_model(name), (3, 224, 224))

    assert devices == [("meta", False)] * 4


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(6, 4, (3, 2), stride=2, padding=(1, 0), dilation=2, groups=2),
        nn.Conv2d(6, 4, 3, padding="same", padding_mode="circular"),
        nn.ConvTranspose2d(6, 4, 3, stride=2, groups=2),
        nn.BatchNorm2d(6),
        nn.LayerNorm([6, 9, 9]),
        nn.Sequential(nn.Flatten(), nn.Linear(486, 3, bias=False), nn.LayerNorm(3)),
        nn.Sequential(nn.Hardswish(inplace=True), nn.SiLU(), nn.GELU(), nn.Hardtanh()),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_runs_with_and_without_values_agree(layer: nn.Module) -> None:
    without, with_values = (
        running.run_once(layer, [(6, 9, 9)], device) for device in ("meta", None)
    )

    assert without[1] == with_values[1]
    assert [(r.name, r.output_shape, r.cost) for r in without[0]] == [
        (r.name, r.output_shape, r.cost) for r in with_values[0]
    ]


def test_a_network_that_makes_tensors_of_its_own_runs_too() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x) + torch.arange(4)  # type: ignore[no-any-return] # a tensor

    assert summarize(Positions(), (4,)).macs == 16


def test_a_transposed_convolution_counts_every_pixel_that_arrives() -> None:
    summary = summarize(nn.ConvTranspose2d(6, 4, 3, stride=2, groups=2), (6, 5, 5))

    assert summary.macs == 6 * (4 // 2) * 9 * 25


class Gated(nn.Module):
    """Squeeze and excitation: every pixel sees the whole image through the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.gate = nn.Linear(4, 4)
        self.after = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        gate = self.gate(x.mean((2, 3))).sigmoid().view(len(x), 4, 1, 1)
        result: torch.Tensor = self.after(x * gate.expand_as(x))
        return result


class Resized(nn.Module):
    """A branch at half the size, made larger by a function that has no window here."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, 4, 3, padding=1)
        self.coarse = nn.Conv2d(3, 4, 7, stride=2, padding=3)
        self.after = nn.Conv2d(4, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        coarse = nn.functional.interpolate(self.coarse(x), scale_factor=2.0)
        result: torch.Tensor = self.after(self.fine(x) + coarse)
        return result


@pytest.mark.parametrize("model", [Gated(), Resized()], ids=lambda m: type(m).__name__)
def test_a_field_that_is_not_known_is_not_stated(model: nn.Module) -> None:
    rows = {row.name: row for row in summarize(model, (3, 32, 32)).rows}
    image = torch.randn(1, 3, 32, 32, requires_grad=True)
    model(image)[0, :, 16, 16].sum().backward()  # type: ignore[no-untyped-call] # torch's own
    assert image.grad is not None
    reached = image.grad[0].abs().sum(0).nonzero()

    # The gradient says that more than the 3x3 and 5x5 along the one known way is seen.
    assert int(reached.max() - reached.min()) + 1 > 5
    assert rows["after"].receptive_field is None


def test_recurrent_layers_are_counted() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(3, 5, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.gru(x)[0]  # type: ignore[no-any-return] # a tensor

    summary = summarize(Recurrent(), (7, 3))

    assert summary.parameters == 3 * 5 * (3 + 5 + 2)
    assert summary.macs == 7 * 3 * 5 * (3 + 5)


def test_a_network_on_two_lines_of_hooks_is_not_heard_twice() -> None:
    model = Architecture([Conv(4, kernel_size=3), MaxPool(2), Flatten(), Linear(2)]).build(
        (3, 8, 8)
    )

    first, second = summarize(model, (3, 8, 8)), summarize(model, (3, 8, 8))

    assert first == second
    assert (
        first.rows[0].receptive_field
        == model.convkit_architecture.summary(  # type: ignore[union-attr] # the table
            (3, 8, 8)
        )
        .rows[0]
        .receptive_field
    )


class Compiled(nn.Module):
    """What `torch.compile` returns: a module that holds the network as `_orig_mod`."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self._orig_mod = inner


@pytest.mark.parametrize("wrap", [Compiled, nn.DataParallel])
def test_a_wrapped_network_is_the_network_inside(wrap: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 2))

    assert summarize(wrap(model), (4,)).rows[0].name == "0"


def test_weights_computed_from_weights_are_no_layer() -> None:
    """A spectral norm multiplies matrices and vectors, yet not for the image."""
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 5))

    assert summarize(nn.Sequential(layer), (6,)).macs == 30


@pytest.mark.parametrize(
    "norm", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm]
)
def test_a_linear_layer_with_a_computed_weight_is_counted(norm: Any) -> None:
    summary = summarize(nn.Sequential(norm(nn.Linear(6, 5, bias=False))), (6,))

    assert (summary.macs, sum(row.product_macs for row in summary.rows)) == (30, 0)


def test_a_product_of_two_inputs_is_no_linear_layer() -> None:
    class Gram(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            flat = x.flatten(0, 1).flatten(1)
            return (flat @ flat.T)[None]

    summary = summarize(nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), Gram()), (3, 5, 5))

    assert (summary.macs, sum(row.product_macs for row in summary.rows)) == (4 * 3 * 25, 4 * 4 * 25)


def test_the_layer_that_fails_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(100, 10))
    message = (
        r"^Sequential does not run on an input of 3x8x8, layer '2': (addmm: )?mat1 and "
        r"mat2 shapes cannot be multiplied \(1x144 and 100x10\)$"
    )

    with pytest.raises(ArchitectureError, match=message):
        summarize(model, (3, 8, 8))


def test_a_lazy_network_is_asked_to_run_first() -> None:
    with pytest.raises(
        ArchitectureError,
        match=r"^0\.weight is not made before the first batch; run one batch through the network$",
    ):
        summarize(nn.Sequential(nn.LazyLinear(3)), (4,))


def test_only_modules_are_summarized() -> None:
    with pytest.raises(ArchitectureError, match=r"^summarize needs an nn\.Module; got function$"):
        summarize(functional.relu, (4,))  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize("shape", [3, None, "3x8x8", (3, 8.0, 8), (3, -8, 8), [(3, 8, 8), 5], ()])
def test_what_is_no_shape_is_refused(shape: Any) -> None:
    with pytest.raises(ArchitectureError) as caught:
        summarize(nn.Conv2d(3, 4, 3), shape)

    assert str(caught.value) == (
        "input_shape is (channels, height, width) of one image, such as (3, 32, 32), or (features,)"
        f" of a vector; got {5 if isinstance(shape, list) else shape!r}"
    )


def test_a_shape_may_be_of_numpy() -> None:
    model = nn.Conv2d(3, 4, 3)

    assert summarize(model, np.array([3, 8, 8])).macs == summarize(model, (3, 8, 8)).macs


def test_half_precision_networks_are_summarized() -> None:
    assert summarize(nn.Conv2d(3, 4, 3).half(), (3, 8, 8)).macs == 4 * 27 * 36
