"""The maps that the extractor returns."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from convkit import FilterFeatureExtractor
from convkit.errors import FeatureError
from convkit.features import activation_statistics

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = os.environ.get("CONVKIT_MANY_CASES") == "1"
NETWORKS = [
    *("alexnet", "vgg11", "vgg11_bn", "resnet18", "resnet34", "mobilenet_v2"),
    *("mobilenet_v3_small", "mobilenet_v3_large", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0"),
    *("squeezenet1_0", "squeezenet1_1", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0"),
    *("efficientnet_b0", "regnet_y_400mf", "regnet_x_400mf", "googlenet", "vgg13"),
]
LARGE = [
    *("vgg16", "vgg19_bn", "resnet50", "resnet152", "resnext50_32x4d", "wide_resnet50_2"),
    *("densenet121", "densenet201", "inception_v3", "efficientnet_v2_s", "convnext_tiny"),
]


def network(name: str) -> nn.Module:
    options: dict[str, Any] = (
        {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    )
    torch.manual_seed(0)
    if not name.startswith(("alexnet", "vgg")):
        return torchvision.models.get_model(name, weights=None, **options)
    with torch.device("meta"):  # initialising large linear layers would take most of the time
        model = torchvision.models.get_model(name, weights=None, **options)
    model.to_empty(device="cpu")
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.weight)
        elif hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return model


def size_of(name: str) -> int:
    if name == "inception_v3":
        return 80
    return 64 if name in {"alexnet", "squeezenet1_0", "squeezenet1_1"} else 32


def out_of_place(model: nn.Module, images: Tensor) -> dict[str, list[Tensor]]:
    """Every conv's output, from a forward in which no module writes in place."""
    maps: dict[str, list[Tensor]] = {}
    flags = [(m, m.inplace, m.training) for m in model.modules() if hasattr(m, "inplace")]
    modes = [(m, m.training) for m in model.modules()]
    handles = [
        module.register_forward_hook(
            lambda _, __, output, name=name: maps.setdefault(name, []).append(output.clone())
        )
        for name, module in model.named_modules()
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))
    ]
    for module, *_ in flags:
        module.inplace = False
    model.eval()
    with torch.no_grad():
        model(images)
    for module, inplace, _ in flags:
        module.inplace = inplace
    for module, mode in modes:
        module.training = mode
    for handle in handles:
        handle.remove()
    return maps


@pytest.mark.parametrize("name", [*NETWORKS, *(LARGE if MANY else [])])
def test_every_map_is_bit_for_bit_that_of_an_out_of_place_copy(name: str) -> None:
    model = network(name)
    images = torch.randn(2, 3, size_of(name), size_of(name))
    expected = out_of_place(model, images)

    pairs = FilterFeatureExtractor(model).extract(images)

    assert set(pairs) == set(expected)
    for layer, calls in expected.items():
        found = [one.feature_maps for one in pairs.calls(layer)]
        assert len(found) == len(calls)
        assert all(torch.equal(*maps) for maps in zip(found, calls, strict=True)), layer


def test_alexnets_plain_hooks_would_have_been_overwritten() -> None:
    """The trap that the test above is about is really there."""
    model = network("alexnet").eval()
    images = torch.randn(1, 3, 64, 64)
    kept: list[Tensor] = []
    handle = model.features[0].register_forward_hook(lambda *all_: kept.append(all_[2]))
    with torch.no_grad():
        model(images)
    handle.remove()

    pair = FilterFeatureExtractor(model).extract(images, "features.0")["features.0"]

    assert not torch.equal(kept[0], pair.feature_maps)
    assert torch.equal(kept[0], pair.feature_maps.relu())


@pytest.mark.parametrize(
    ("size", "first", "second", "rest"),
    [
        ((224, 224), (55, 55), (27, 27), (13, 13)),
        ((375, 500), (93, 124), (46, 61), (22, 30)),
        ((300, 348), (74, 86), (36, 42), (17, 20)),
        ((333, 500), (82, 124), (40, 61), (19, 30)),
        ((128, 128), (31, 31), (15, 15), (7, 7)),
        ((256, 256), (63, 63), (31, 31), (15, 15)),
    ],
)
def test_alexnets_maps_have_the_published_sizes(
    size: tuple[int, int], first: tuple[int, int], second: tuple[int, int], rest: tuple[int, int]
) -> None:
    pairs = FilterFeatureExtractor(network("alexnet")).extract(torch.zeros(1, 3, *size))

    found = [tuple(layer.feature_maps.shape[1:]) for layer in pairs.values()]
    assert found == [(64, *first), (192, *second), (384, *rest), (256, *rest), (256, *rest)]


def test_alexnets_filter_banks_have_the_published_shapes() -> None:
    pairs = FilterFeatureExtractor(network("alexnet")).extract(torch.zeros(1, 3, 64, 64))

    assert [tuple(layer.filters.shape) for layer in pairs.values()] == [
        (64, 3, 11, 11),
        (192, 64, 5, 5),
        (384, 192, 3, 3),
        (256, 384, 3, 3),
        (256, 256, 3, 3),
    ]


class Bomb(nn.Module):
    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("must not run")


def test_the_forward_ends_behind_the_deepest_layer_asked_for() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(True), nn.Conv2d(4, 5, 3), Bomb())

    pairs = FilterFeatureExtractor(model).extract(torch.randn(1, 3, 9, 9), [1, 0])

    assert list(pairs) == ["2", "0"]
    assert pairs["2"].feature_maps.shape == (1, 5, 5, 5)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.unused = nn.Conv2d(3, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        for _ in range(2):
            images = nn.functional.relu(self.conv(images), inplace=True)
        return images


def test_a_conv_used_twice_gives_both_calls() -> None:
    model, images = Twice(), torch.randn(2, 3, 8, 8)
    first = model.conv(images).detach()
    second = model.conv(first.relu()).detach()

    calls = FilterFeatureExtractor(model).extract(images, "conv").calls("conv")

    assert [torch.equal(c.feature_maps, m) for c, m in zip(calls, (first, second), strict=True)]
    assert all(pair.verify() for layer in calls for pair in layer)


def test_a_conv_under_two_names_is_one_layer_with_two_calls() -> None:
    conv = nn.Conv2d(3, 3, 3, padding=1)
    model = nn.Sequential(conv, nn.ReLU(True), conv, Bomb())

    pairs = FilterFeatureExtractor(model).extract(torch.randn(1, 3, 8, 8), "2")

    assert list(pairs) == ["0"]
    assert len(pairs.calls("2")) == 2


def test_a_conv_that_never_ran_is_said_so() -> None:
    pairs = FilterFeatureExtractor(Twice()).extract(torch.randn(1, 3, 8, 8))

    assert pairs.never_ran == ("unused",)
    message = (
        "layer 'unused' never ran in this forward: in evaluation mode the model does not use it "
        "for these images"
    )
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        pairs["unused"]


def test_only_layers_that_never_run_is_an_error() -> None:
    message = "'unused' never ran: in evaluation mode the model does not use it for these images"
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        FilterFeatureExtractor(Twice()).extract(torch.randn(1, 3, 8, 8), "unused")


class DecidesByData(nn.Module):
    """Cannot be traced: what runs depends on the values."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        while images.abs().max() > 0.5:
            images = self.conv(images) * 0.1
        return images


def test_a_network_that_decides_by_its_data_gives_every_call() -> None:
    pairs = FilterFeatureExtractor(DecidesByData()).extract(100 * torch.ones(1, 3, 8, 8), "conv")

    assert len(pairs.calls("conv")) > 1


class InPlaceSum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.after = nn.Conv2d(3, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        out = self.conv(images)
        view = out[:, 1:2]
        view.mul_(3.0)
        out += images
        nn.functional.relu_(view)
        return self.after(out)


def test_writes_through_views_and_sums_do_not_reach_the_map() -> None:
    model, images = InPlaceSum(), torch.randn(2, 3, 8, 8)
    expected = model.conv(images).detach()
    whole = model(images.clone()).detach()

    pairs = FilterFeatureExtractor(model).extract(images)

    assert torch.equal(pairs["conv"].feature_maps, expected)
    assert torch.equal(pairs["after"].feature_maps, whole)
    assert all(pair.verify() for layer in pairs.values() for pair in layer)


class AliasedActivation(nn.Module):
    """The activation's result is ignored; an alias of the map is used after it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.next = nn.Conv2d(4, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        out = self.conv(images)
        flat = out.view(len(out), -1)
        self.relu(out)
        return self.next(flat.view_as(out) + out)


def test_an_alias_of_the_map_still_sees_the_in_place_activation() -> None:
    model, images = AliasedActivation(), torch.randn(2, 3, 9, 9)
    expected = model(images).detach()

    pairs = FilterFeatureExtractor(model).extract(images)

    assert torch.equal(pairs["next"].feature_maps, expected)
    assert bool((pairs["conv"].feature_maps < 0).any())


ACTIVATIONS = [
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.SiLU, nn.Mish),
    *(nn.Hardswish, nn.Hardsigmoid, nn.RReLU),
]


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=lambda kind: kind.__name__)
def test_large_maps_are_right_too_where_memory_is_used_again(kind: type[nn.Module]) -> None:
    """Larger than what is written into spare memory, and with values that are not numbers."""
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(3, 32, 3), kind(inplace=True), nn.Conv2d(32, 32, 1), kind(inplace=True)),
        nn.Conv2d(32, 4, 1),
    )
    extractor = FilterFeatureExtractor(model)
    batches = torch.randn(3, 2, 3, 96, 96).unbind()
    batches[1][0, 0, 5, 5], batches[1][0, 1, 9, 9] = float("nan"), float("inf")

    found = [extractor.extract(images, stages="all") for images in batches]

    for images, pairs in zip(batches, found, strict=True):
        expected = out_of_place(model, images)
        for name, (maps,) in expected.items():
            same = torch.equal(pairs[name].feature_maps.nan_to_num(7.5), maps.nan_to_num(7.5))
            assert same, name
        for name, place in (("0", 1), ("2", 3)):
            model[place].inplace = False
            after = model.eval()[place](expected[name][0])
            model[place].inplace = True
            assert torch.equal(pairs[name].after_activation.nan_to_num(7.5), after.nan_to_num(7.5))


class Remembers(nn.Module):
    """Keeps what its activation gave, from every call."""

    def __init__(self, *, keep: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 3)
        self.relu = nn.ReLU(inplace=True)
        self.next = nn.Conv2d(32, 4, 3)
        self.keep = keep
        self.kept: list[Tensor] = []
        self.places: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        out = self.relu(self.conv(images))
        self.places.append(out.data_ptr())
        if self.keep:
            self.kept.append(out)
        return self.next(nn.functional.max_pool2d(out, 2))


def test_memory_that_nobody_uses_any_more_is_used_again() -> None:
    model = Remembers(keep=False)
    with FilterFeatureExtractor(model) as extractor:
        kept, between = [], []
        for _ in range(3):
            kept.append(extractor.extract(torch.randn(2, 3, 96, 96)))
            between.append(torch.empty(2, 32, 94, 94))  # takes what was given back to torch

    first, *rest = model.places[-3:]
    assert rest == [first, first]
    assert all(pair.verify() for pairs in kept for layer in pairs.values() for pair in layer)


def test_memory_that_the_model_holds_on_to_is_left_to_it() -> None:
    model, batches = Remembers(keep=True), torch.randn(3, 2, 3, 96, 96).unbind()
    with FilterFeatureExtractor(model) as extractor:
        for images in batches:
            extractor.extract(images)

    kept = model.kept[-3:]
    assert len(set(model.places[-3:])) == 3
    for images, out in zip(batches, kept, strict=True):
        assert torch.equal(out, model.conv(images).detach().relu())


def test_stages_are_told_apart_also_after_a_residual_sum() -> None:
    model = network("resnet18").eval()
    nn.init.uniform_(model.layer4[1].bn2.weight)
    images = torch.randn(2, 3, 64, 64)
    taken: dict[str, Tensor] = {}
    handles = [
        model.layer4[1].bn2.register_forward_hook(lambda *a: taken.update(norm=a[2].clone())),
        model.layer4[1].register_forward_hook(lambda *a: taken.update(activation=a[2].clone())),
    ]
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()

    layer = FilterFeatureExtractor(model).extract(images, "layer4.1.conv2", stages="all")[
        "layer4.1.conv2"
    ]

    assert torch.equal(layer.after_norm, taken["norm"])
    assert torch.equal(layer.after_activation, taken["activation"])
    assert torch.equal(layer[5].after_activation, taken["activation"][:, 5])


def test_later_stages_end_the_forward_too() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True), Bomb())
    images = torch.randn(2, 3, 8, 8)

    layer = FilterFeatureExtractor(model).extract(images, stages="all")["0"]

    assert torch.equal(layer.after_activation, layer.after_norm.relu())
    assert layer[0].after_norm is not None


def test_stages_that_were_not_asked_for_are_none() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(True))

    pair = FilterFeatureExtractor(model).extract(torch.randn(1, 3, 8, 8))["0"][1]

    assert pair.after_norm is None
    assert pair.after_activation is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_types_are_paired_and_verified(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(True), nn.Conv2d(8, 4, 3)).to(dtype)

    pairs = FilterFeatureExtractor(model).extract(torch.randn(2, 3, 24, 24))

    assert pairs["2"].feature_maps.dtype is dtype
    assert all(pair.verify() for layer in pairs.values() for pair in layer)


def test_autocast_is_verified_in_the_type_that_it_computed_in() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(True), nn.Conv2d(8, 4, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pairs = FilterFeatureExtractor(model).extract(torch.randn(2, 3, 24, 24))

    assert pairs["2"].feature_maps.dtype is torch.bfloat16
    assert all(pair.verify() for layer in pairs.values() for pair in layer)


@pytest.mark.parametrize(
    "measure",
    [lambda model, images: FilterFeatureExtractor(model).extract(images), activation_statistics],
    ids=["extract", "activation_statistics"],
)
@pytest.mark.parametrize(
    ("shape", "misfit"),
    [
        ((2, 1, 16, 16), "layer '0' received (2, 1, 16, 16), it takes 3 channels"),
        ((1, 3, 4, 4), "layer '2' received (1, 4, 1, 1), {}"),
        ((1, 3, 3, 3), "{}"),
    ],
)
def test_images_that_do_not_fit_the_model_are_refused(
    measure: Callable[..., object], shape: tuple[int, ...], misfit: str
) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))
    with pytest.raises(RuntimeError) as plain:
        model(torch.zeros(shape))
    torchs = str(plain.value).partition("\n")[0]
    message = f"images {shape} do not fit the model: {misfit.format(torchs)}"

    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        measure(model, torch.zeros(shape))


def test_a_models_own_error_stays_its_own() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            try:
                images @ images[:, :2]
            except RuntimeError:
                message = "no such branch"
                raise RuntimeError(message) from None
            return self.conv(images)

    with pytest.raises(RuntimeError, match=r"^no such branch$"):
        FilterFeatureExtractor(Broken()).extract(torch.zeros(1, 3, 8, 8))
