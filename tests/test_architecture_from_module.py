"""The table of a network, read off its modules."""

from __future__ import annotations

import inspect
import os
import random
import re
import warnings
from typing import Any

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import prune

from convkit.architecture import (
    Activation,
    AdaptiveAvgPool,
    Architecture,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    Linear,
    MaxPool,
    Residual,
    Row,
    Upsample,
    zoo,
)
from convkit.errors import ArchitectureError

CASES = 2_000 if os.environ.get("CONVKIT_MANY_CASES") else 40


@pytest.mark.parametrize("name", [name for name in zoo.__all__ if name != "lenet5"])
def test_torchvisions_networks_give_the_tables_of_the_zoo(name: str) -> None:
    with torch.device("meta"):
        model = getattr(torchvision.models, name)()

    assert Architecture.from_module(model) == getattr(zoo, name)()


@pytest.mark.parametrize("name", ["resnext50_32x4d", "wide_resnet50_2"])
def test_relatives_of_resnet_are_read_too(name: str) -> None:
    with torch.device("meta"):
        model = getattr(torchvision.models, name)()
    table = Architecture.from_module(model)

    assert table.summary((3, 224, 224)).parameters == sum(p.numel() for p in model.parameters())


def assert_rebuilt_alike(model: nn.Module) -> None:
    """The network of its table, with its weights, gives its outputs to the last bit."""
    rebuilt = Architecture.from_module(model).build((3, 64, 64)).eval()
    rebuilt.load_state_dict(
        dict(zip(rebuilt.state_dict(), model.state_dict().values(), strict=True))
    )
    images = torch.randn(2, 3, 64, 64)

    with torch.no_grad():
        assert torch.equal(rebuilt(images), model(images))


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_the_rebuilt_network_gives_the_same_outputs(name: str) -> None:
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=5).eval()
    assert_rebuilt_alike(model)


def random_layers(rng: random.Random) -> list[Row]:
    """Rows of every kind that can follow one another at 4x12x12."""
    rows: list[Row] = []
    for _ in range(rng.randint(1, 5)):
        dress: dict[str, Any] = {
            "norm": rng.choice([None, "batch", GroupNorm(2), BatchNorm(eps=1e-3)]),
            "activation": rng.choice(
                [None, "relu", "tanh", "gelu", Activation("elu", setting=0.5)]
            ),
            "dropout": rng.choice([None, 0.2]),
        }
        channels = rng.choice([4, 6, 8])
        rows.append(
            rng.choice(
                [
                    Conv(channels, kernel_size=rng.choice([1, 3]), padding=1, **dress),
                    Conv(channels, kernel_size=(3, 1), padding="same", bias=False, **dress),
                    ConvTranspose(channels, kernel_size=3, padding=1, **dress),
                    MaxPool(3, stride=rng.choice([1, 2]), padding=1, ceil_mode=True),
                    AvgPool(2, stride=1, count_include_pad=False),
                    Dropout(0.1, channels=True),
                    Activation("leaky_relu", setting=0.2),
                    Upsample(2),
                    AdaptiveAvgPool((7, 5)),
                    Residual([Conv(channels, kernel_size=3, padding=1, **dress)]),
                    Residual(
                        [Conv(channels, kernel_size=3, padding=1, stride=2, norm="batch")],
                        activation=None,
                    ),
                ]
            )
        )
    tail = [GlobalAvgPool(), Flatten(), Linear(6, activation="relu"), Linear(3, bias=False)]
    return [*rows, *tail]


def random_table(rng: random.Random) -> Architecture:
    """A table that fits 4x12x12; strides may leave too little for the next row, then another."""
    while True:
        table = Architecture(random_layers(rng))
        try:
            table.summary((4, 12, 12))
        except ArchitectureError:
            continue
        return table


def test_random_networks_come_back_with_layers_shapes_and_outputs() -> None:
    rng = random.Random(0)
    torch.manual_seed(0)
    for case in range(CASES):
        table = random_table(rng)
        model = table.build((4, 12, 12)).eval()
        read = Architecture.from_module(model)
        rebuilt = read.build((4, 12, 12)).eval()
        assert repr(rebuilt) == repr(model), f"case {case}: {table!r}"
        rebuilt.load_state_dict(model.state_dict())
        x = torch.randn(2, 4, 12, 12)
        with torch.no_grad():
            assert torch.equal(rebuilt(x), model(x)), f"case {case}: {table!r}"


def test_the_source_of_random_networks_makes_the_same_outputs() -> None:
    rng = random.Random(1)
    torch.manual_seed(0)
    for case in range(CASES // 2):
        table = random_table(rng)
        space: dict[str, Any] = {}
        exec(table.to_code((4, 12, 12)), space)  # noqa: S102 - our own source, to see it run
        built, made = table.build((4, 12, 12)).eval(), space["Network"]().eval()
        made.load_state_dict(built.state_dict())
        x = torch.randn(2, 4, 12, 12)
        with torch.no_grad():
            assert torch.equal(made(x), built(x)), f"case {case}: {table!r}"


def test_norms_activations_and_dropouts_are_joined_to_their_layer() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Dropout(0.25),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8, 2),
        nn.Identity(),
    )

    assert Architecture.from_module(model).rows == (
        Conv(8, kernel_size=3, bias=False, norm="batch", activation="relu", dropout=0.25),
        Activation("relu"),
        Flatten(),
        Linear(2),
    )


def test_a_norm_after_the_activation_stays_where_it_is() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.BatchNorm2d(8))

    assert Architecture.from_module(model).rows == (
        Conv(8, kernel_size=3, activation="relu"),
        BatchNorm(),
    )


def test_sequences_in_sequences_are_read_in_order() -> None:
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2, 2))
    model = nn.Sequential(inner, nn.Sequential(nn.Flatten(), nn.Linear(900, 2)))

    assert Architecture.from_module(model) == Architecture(
        [Conv(4, kernel_size=3), MaxPool(2), Flatten(), Linear(2)]
    )


def test_names_are_kept_where_they_are_not_the_usual_ones() -> None:
    model = nn.Sequential()
    model.stem = nn.Conv2d(3, 4, 3)
    model.relu1 = nn.ReLU()
    model.mix = nn.Conv2d(4, 4, 1)
    model.act = nn.ReLU()
    table = Architecture.from_module(model)

    assert table.rows == (
        Conv(4, kernel_size=3, activation="relu", name="stem"),
        Conv(4, kernel_size=1, name="mix"),
        Activation("relu", name="act"),
    )
    assert list(table.build((3, 8, 8)).state_dict()) == list(model.state_dict())


def test_a_shortcut_of_its_own_kind_is_written_out() -> None:
    conv = Conv(6, kernel_size=3, padding=1, stride=2)
    table = Architecture([Residual([conv], shortcut=[AvgPool(2), Conv(6, kernel_size=1)])])

    assert Architecture.from_module(table.build((4, 8, 8))) == table


def computed_weights() -> list[tuple[nn.Module, str]]:
    """Layers whose weight is made anew at every call, and a parameter that it is made of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # these are the old ways to write them
        return [
            (nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)), "weight_orig"),
            (nn.utils.weight_norm(nn.Conv2d(3, 4, 3)), "weight_g"),
            (prune.random_unstructured(nn.Conv2d(3, 4, 3), "weight", 0.5), "weight_orig"),
        ]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            nn.LSTM(3, 3),
            (
                "layer '1': LSTM is no layer that a table knows; from_module reads sequences of "
                "torch.nn layers, and torchvision's AlexNet, VGG and ResNet"
            ),
        ),
        (
            nn.MaxPool2d(2, return_indices=True),
            (
                "layer '1': MaxPool2d has return_indices=True, which no table can say; "
                "return_indices=False can be read"
            ),
        ),
        (
            nn.BatchNorm2d(4, track_running_stats=False),
            (
                "layer '1': BatchNorm2d has track_running_stats=False, which no table can say; "
                "track_running_stats=True can be read"
            ),
        ),
        (
            nn.BatchNorm2d(4, momentum=None),
            (
                "layer '1': BatchNorm2d has momentum=None, which no table can say; momentum=0.1 "
                "can be read"
            ),
        ),
        (
            nn.Flatten(2),
            "layer '1': Flatten has start_dim=2, which no table can say; start_dim=1 can be read",
        ),
        (
            nn.GELU(approximate="tanh"),
            (
                "layer '1': GELU(approximate='tanh') has settings that no table can say; "
                "GELU(approximate='none') can be read"
            ),
        ),
        (
            nn.AvgPool2d(2, divisor_override=3),
            (
                "layer '1': AvgPool2d has divisor_override=3, which no table can say; "
                "divisor_override=None can be read"
            ),
        ),
        (
            nn.AdaptiveAvgPool2d((None, 3)),
            (
                "layer '1': AdaptiveAvgPool2d has output_size=(None, 3), which no table can say; "
                "numbers for every direction can be read"
            ),
        ),
        (
            nn.Upsample(scale_factor=1.5),
            "layer '1': Upsample has scale_factor=1.5; whole factors can be read",
        ),
        *(
            (
                nn.Upsample(scale_factor=2, mode=mode),
                (
                    f"layer '1': Upsample has mode='{mode}', which no table can say; "
                    "nearest or linear or bilinear or trilinear can be read"
                ),
            )
            for mode in ("bicubic", "nearest-exact")
        ),
        *(
            (
                layer,
                (
                    f"layer '1': Conv2d has the parameter {parameter}, from which its weight is "
                    "computed; no table can say that, take the norm or the pruning off first"
                ),
            )
            for layer, parameter in computed_weights()
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_layer_that_no_table_can_express_is_named(layer: nn.Module, message: str) -> None:
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        Architecture.from_module(nn.Sequential(nn.ReLU(), layer))


def test_shared_weights_are_refused() -> None:
    conv = nn.Conv2d(3, 3, 3)
    message = "1.weight is the same weight as 0.weight; the rows of a table do not share weights"

    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        Architecture.from_module(nn.Sequential(conv, conv))


def test_shared_statistics_are_refused() -> None:
    norm = nn.BatchNorm2d(3, affine=False)
    message = (
        "2.running_mean is the same weight as 0.running_mean; the rows of a table do not share "
        "weights"
    )

    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        Architecture.from_module(nn.Sequential(norm, nn.ReLU(), norm))


def test_a_layer_without_weights_may_run_at_several_places() -> None:
    act, pool = nn.ReLU(), nn.MaxPool2d(2)
    model = nn.Sequential(
        *(nn.Conv2d(3, 4, 3), act, pool, nn.Conv2d(4, 4, 3), act, pool),
        *(nn.Flatten(), nn.Linear(4, 2)),
    )
    table = Architecture.from_module(model)
    rebuilt = table.build((3, 12, 12))
    rebuilt.load_state_dict(
        dict(zip(rebuilt.state_dict(), model.state_dict().values(), strict=True))
    )
    images = torch.randn(2, 3, 12, 12)

    assert [type(layer) for layer in rebuilt] == [type(layer) for layer in model]
    assert torch.equal(rebuilt(images), model(images))


@pytest.mark.skipif(
    "bias" not in inspect.signature(nn.BatchNorm2d).parameters, reason="this PyTorch has none"
)
def test_a_norm_that_does_not_shift_is_refused() -> None:
    for make in (lambda: nn.BatchNorm2d(8, bias=False), lambda: nn.GroupNorm(2, 8, bias=False)):
        layer = make()
        message = (
            f"layer '0': {type(layer).__name__} has bias=False, which no table can say; bias=True "
            "can be read"
        )
        with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
            Architecture.from_module(nn.Sequential(layer))


def test_the_activation_after_a_sum_is_the_one_of_the_block() -> None:
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=5).eval()
    for module in list(model.modules()):
        if hasattr(module, "relu"):
            module.relu = nn.SiLU()
    assert_rebuilt_alike(model)


def test_reading_draws_no_random_numbers() -> None:
    model = zoo.lenet5().build((1, 32, 32))
    before = torch.get_rng_state()

    Architecture.from_module(model)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn", "resnet18"])
def test_a_table_read_off_a_network_agrees_with_itself(name: str) -> None:
    with torch.device("meta"):
        table = Architecture.from_module(getattr(torchvision.models, name)())

    assert table.check((3, 224, 224)) == []
    assert [finding.quantity for finding in table.check((1, 224, 224))] == ["input size"]


def test_a_table_read_off_a_network_tells_an_image_of_another_size() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 16, 1),
        nn.BatchNorm2d(16),
        nn.ConvTranspose2d(16, 4, 2, stride=2, bias=False),
        nn.GroupNorm(2, 4),
        nn.Flatten(),
        nn.Linear(4 * 8 * 8, 10),
    )
    table = Architecture.from_module(model)
    (finding,) = table.check((3, 5, 5))

    assert table.check((3, 4, 4)) == []
    assert (finding.row, finding.stated, finding.computed) == (4, "256", "400")
