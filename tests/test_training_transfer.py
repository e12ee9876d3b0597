"""Another head, frozen parts, layer-wise rates, weights from a file."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from convkit.errors import TrainingError
from convkit.training import transfer


def small_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.BatchNorm2d(4), nn.ReLU()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 1000),
    )


@pytest.mark.parametrize(
    ("name", "head", "classes", "parameters"),
    [
        ("alexnet", "classifier.6", 101, 57_417_637),
        ("vgg16", "classifier.6", 101, 134_674_341),
        ("resnet18", "fc", 6, 11_179_590),
        ("resnet50", "fc", 101, 23_714_981),
    ],
)
def test_the_head_of_known_networks_is_replaced(
    name: str, head: str, classes: int, parameters: int
) -> None:
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None)

    new = transfer.replace_head(model, classes)

    assert model.get_submodule(head) is new
    assert transfer.report(model).total == parameters


@pytest.mark.parametrize(
    ("frozen", "trainable"),
    [
        ((), 0),
        (("features",), 54_947_941),
        (("classifier",), 2_469_696),
        (("features", "classifier.1"), 54_947_941 - 37_752_832),
        (("nothing but the head",), None),
    ],
)
def test_alexnet_with_frozen_parts_has_the_exact_trainable_counts(
    frozen: tuple[str, ...], trainable: int | None
) -> None:
    with torch.device("meta"):
        model = torchvision.models.alexnet(weights=None)
    transfer.replace_head(model, 101)
    if trainable is None:
        transfer.freeze(model)
        transfer.unfreeze(model, "classifier.6")
        assert transfer.report(model).trainable == 413_797
        return

    transfer.freeze(model, *frozen)

    assert transfer.report(model).trainable == trainable


def test_a_frozen_batch_norm_keeps_its_statistics_in_training_mode() -> None:
    model = small_model()
    transfer.freeze(model, "0")
    before = copy.deepcopy(model.state_dict())

    model.train()(torch.randn(8, 3, 6, 6)).sum().backward()

    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not model.get_submodule("0.1").training


def test_statistics_go_on_when_asked_and_after_unfreezing() -> None:
    asked, unfrozen = small_model(), small_model()
    transfer.freeze(asked, "0", statistics=False)
    transfer.freeze(unfrozen, "0")
    transfer.unfreeze(unfrozen, "0")

    for model in (asked, unfrozen):
        model.train()(torch.randn(8, 3, 6, 6) + 5)

        assert int(model.get_buffer("0.1.num_batches_tracked")) == 1


def test_freezing_twice_and_copying_leave_one_switch() -> None:
    model = small_model()
    transfer.freeze(model, "0")
    transfer.freeze(model, "0")
    twin = copy.deepcopy(model)
    transfer.unfreeze(twin, "0")

    assert transfer.report(model).rows[0] == ("0", 120, 0, 1)
    assert transfer.report(twin).rows[0] == ("0", 120, 120, 0)
    assert len(twin.get_submodule("0.1")._forward_pre_hooks) == 0


def test_patterns_take_what_they_match() -> None:
    assert transfer.freeze(small_model(), "*.weight") == ["0.0.weight", "0.1.weight", "3.weight"]


def test_an_unknown_name_says_the_closest() -> None:
    model = torchvision.models.resnet18(weights=None)
    message = (
        "ResNet has no parameters named 'layer5'; the closest is 'layer4'. "
        "model.named_parameters() lists them"
    )

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        transfer.freeze(model, "layer5")


def test_a_model_without_a_linear_layer_is_refused() -> None:
    message = "Sequential has no nn.Linear layer to replace; set its last layer yourself"

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        transfer.replace_head(nn.Sequential(nn.Conv2d(3, 4, kernel_size=1)), 10)


def test_rates_layer_by_layer_reach_the_optimizer() -> None:
    model = small_model()

    groups = transfer.parameter_groups(model, 0.1, [("0.0", 0.01), ("0", 0.1)])
    optimizer = torch.optim.SGD(groups, lr=1.0)

    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.001, 0.01, 0.1])
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2, 2]


def test_weights_come_from_a_local_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = torchvision.models.resnet18(weights=None)
    torch.save(source.state_dict(), tmp_path / "weights.pth")

    model, transform = transfer.pretrained("resnet18", weights=tmp_path / "weights.pth")

    assert torch.equal(model.get_parameter("fc.weight"), source.fc.weight)
    assert transform(torch.zeros(3, 300, 400, dtype=torch.uint8)).shape == (3, 224, 224)


def test_a_file_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(1)}, path)

    with pytest.raises(
        TrainingError, match=f"^{re.escape(str(path))} holds no weights of resnet18: "
    ):
        transfer.pretrained("resnet18", weights=path)


def test_an_unknown_network_says_the_closest() -> None:
    message = "torchvision has no network named 'resnet19'; the closest is 'resnet18'"

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        transfer.pretrained("resnet19")
