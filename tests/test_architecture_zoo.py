"""Tables of known networks against torchvision's networks."""

from __future__ import annotations

import os

import pytest
import torch
import torchvision
from torch import nn

from convkit.architecture import AdaptiveAvgPool, Architecture, zoo

# Networks with large classifiers take seconds to make; their maps are compared in every run.
LARGE = ["alexnet", "vgg16_bn"] if os.environ.get("CONVKIT_MANY_CASES") else []
TORCHVISION = [name for name in zoo.__all__ if name != "lenet5"]


def meta(name: str) -> torch.nn.Module:
    """Torchvision's network without values, so that the large ones cost nothing."""
    with torch.device("meta"):
        return getattr(torchvision.models, name)()  # type: ignore[no-any-return] # a module


@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_equal_torchvisions(name: str) -> None:
    summary = getattr(zoo, name)().summary((3, 224, 224))

    assert summary.parameters == sum(p.numel() for p in meta(name).parameters())
    assert summary.output_shape == (1000,)


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_states_agree_in_order_and_shape(name: str) -> None:
    with torch.device("meta"):
        ours = getattr(zoo, name)().build((3, 224, 224))

    assert [v.shape for v in ours.state_dict().values()] == [
        v.shape for v in meta(name).state_dict().values()
    ]


def assert_bit_equal(ours: nn.Module, theirs: nn.Module) -> None:
    ours.eval().load_state_dict(
        dict(zip(ours.state_dict(), theirs.eval().state_dict().values(), strict=True))
    )
    images = torch.randn(2, 3, 64, 64)

    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


@pytest.mark.parametrize("name", ["resnet18", "resnet50", *LARGE])
def test_torchvisions_weights_give_bit_equal_outputs(name: str) -> None:
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)(num_classes=7)

    assert_bit_equal(getattr(zoo, name)(num_classes=7).build((3, 64, 64)), theirs)


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "vgg16_bn"])
def test_torchvisions_weights_give_bit_equal_maps(name: str) -> None:
    """All layers before the classifier, whose weights alone fill half a gigabyte."""
    torch.manual_seed(0)
    with torch.device("meta"):
        features = getattr(torchvision.models, name)().features
    table = getattr(zoo, name)()
    pool = next(i for i, row in enumerate(table.rows) if isinstance(row, AdaptiveAvgPool))
    theirs = features.to_empty(device="cpu")
    for value in theirs.state_dict().values():
        value.copy_(torch.rand(value.shape)) if value.is_floating_point() else value.zero_()

    assert_bit_equal(Architecture(table.rows[:pool]).build((3, 64, 64)), theirs)


def test_lenet5_has_its_known_parameters() -> None:
    summary = zoo.lenet5().summary((1, 32, 32))
    weighty = [row.parameters for row in summary.rows if row.parameters]

    assert weighty == [156, 2_416, 48_120, 10_164, 850]
    assert summary.parameters == 61_706


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_table_survives_its_own_text(name: str) -> None:
    table = getattr(zoo, name)()

    assert Architecture.parse(table.to_text()) == table
