"""Tables of known networks against torchvision's networks."""

from __future__ import annotations

import pytest
import torch
import torchvision

from convkit.architecture import Architecture, zoo

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


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn", "resnet18", "resnet50"])
def test_torchvisions_weights_give_bit_equal_outputs(name: str) -> None:
    table = getattr(zoo, name)(num_classes=7)
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)(num_classes=7).eval()
    ours = table.build((3, 64, 64)).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, 64, 64)

    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


def test_lenet5_has_its_known_parameters() -> None:
    summary = zoo.lenet5().summary((1, 32, 32))
    weighty = [row.parameters for row in summary.rows if row.parameters]

    assert weighty == [156, 2_416, 48_120, 10_164, 850]
    assert summary.parameters == 61_706


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_table_survives_its_own_text(name: str) -> None:
    table = getattr(zoo, name)()

    assert Architecture.parse(table.to_text()) == table
