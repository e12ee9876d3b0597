"""Another head, frozen parts, layer-wise rates, weights from a file."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from convkit import Trainer, build, data
from convkit.architecture import zoo
from convkit.errors import RunError, TrainingError
from convkit.training import TrainingOptions, transfer


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


def test_resnet18_as_the_course_freezes_it_has_the_exact_counts() -> None:
    with torch.device("meta"):
        model = torchvision.models.resnet18(weights=None)
    transfer.replace_head(model, 10)
    transfer.freeze(model)
    transfer.unfreeze(model, "layer4", "fc")

    counts = transfer.report(model)

    assert (counts.total, counts.trainable, counts.frozen) == (11_181_642, 8_398_858, 2_782_784)
    learning = {row[0]: row[2] for row in counts.rows if row[2]}
    assert learning == {"layer4": 8_393_728, "fc": 5_130}
    assert sum(row[3] for row in counts.rows) == 15  # of 20 batch norms, layer4 has five


def test_a_pattern_of_modules_takes_what_lies_below() -> None:
    with torch.device("meta"):
        model = torchvision.models.vgg11_bn(weights=None)

    frozen = transfer.freeze(model, "features.[0-4]")

    assert frozen == [f"features.{i}.{kind}" for i in (0, 1, 4) for kind in ("weight", "bias")]
    assert transfer.report(model).rows[0][3] == 1


def test_a_batch_norm_whose_parameters_are_all_named_keeps_its_statistics() -> None:
    all_named, half_named = small_model(), small_model()

    transfer.freeze(all_named, "0.1.*")
    transfer.freeze(half_named, "*.weight")

    assert transfer.report(all_named).rows[0][3] == 1
    assert transfer.report(half_named).rows[0][3] == 0


def test_a_batch_norm_without_parameters_can_be_frozen() -> None:
    model = nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.Flatten(), nn.Linear(12, 2))

    assert transfer.freeze(model, "0") == []

    model.train()(torch.randn(4, 3, 2, 2))
    assert int(model[0].num_batches_tracked) == 0


def test_frozen_parts_stay_under_an_optimizer_with_gradients_left_over() -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(8, 3, 6, 6)).sum().backward()
    transfer.freeze(model, "0")
    before = copy.deepcopy(model[0].state_dict())

    optimizer.step()

    assert all(torch.equal(before[name], value) for name, value in model[0].state_dict().items())


def test_unfreezing_keeps_the_mode_of_the_model() -> None:
    model = small_model().eval()
    transfer.freeze(model)
    transfer.unfreeze(model)

    assert not any(module.training for module in model.modules())


def test_a_shared_tensor_counts_once_and_own_parameters_count() -> None:
    model = small_model()
    model.append(nn.Linear(4, 1000))
    model[4].weight = model[3].weight
    model.scale = nn.Parameter(torch.ones(5))

    counts = transfer.report(model)

    assert counts.rows[0] == ("(own)", 5, 5, 0)
    assert counts.total == sum(parameter.numel() for parameter in model.parameters())


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


def test_a_model_without_a_head_is_refused() -> None:
    message = (
        "Sequential has neither a linear layer nor a 1x1 convolution to replace; set its last "
        "layer yourself"
    )
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        transfer.replace_head(nn.Sequential(nn.Conv2d(3, 4, kernel_size=3)), 10)


def test_a_head_that_is_a_convolution_is_replaced() -> None:
    model = torchvision.models.squeezenet1_1(weights=None).eval()

    head = transfer.replace_head(model, 6)

    assert model.classifier[1] is head
    assert (head.in_channels, head.out_channels, head.kernel_size) == (512, 6, (1, 1))
    assert not head.training
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 6)


class AuxiliaryLast(nn.Module):
    """Its classifier is not the linear layer that was registered last."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(4, 1000)
        self.auxiliary = nn.Linear(4, 3)


def test_a_head_can_be_named() -> None:
    model = AuxiliaryLast()

    transfer.replace_head(model, 10, name="classifier")

    assert (model.classifier.out_features, model.auxiliary.out_features) == (10, 3)


def test_a_head_that_does_not_exist_says_the_closest() -> None:
    message = (
        "AuxiliaryLast has no linear layer or convolution named 'classifer'; the closest is "
        "'classifier'"
    )
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        transfer.replace_head(AuxiliaryLast(), 10, name="classifer")


@pytest.mark.parametrize("classes", [0, True, 2.0])
def test_a_number_of_classes_that_is_none_is_refused(classes: Any) -> None:
    with pytest.raises(TrainingError, match=r"^num_classes is a whole number from 1 on, not .*$"):
        transfer.replace_head(small_model(), classes)


def test_a_network_from_a_table_keeps_a_table_that_describes_it() -> None:
    model = build("conv 4 k3, flatten, linear 8 relu, linear 10", input_shape=(3, 6, 6))
    torch.manual_seed(7)
    transfer.replace_head(model, 5)
    drawn = torch.rand(1)

    rebuilt = model.convkit_architecture.build(model.convkit_input_shape)

    assert {n: t.shape for n, t in rebuilt.state_dict().items()} == {
        n: t.shape for n, t in model.state_dict().items()
    }
    torch.manual_seed(7)
    nn.Linear(8, 5)  # the only random numbers that are drawn are those of the new layer
    assert torch.equal(drawn, torch.rand(1))


def test_a_table_that_no_longer_fits_is_taken_away() -> None:
    model = build("conv 4 k3, flatten, linear 8 relu, linear 10", input_shape=(3, 6, 6))

    transfer.replace_head(model, 5, name="fc1")

    assert not hasattr(model, "convkit_architecture")


def test_a_transferred_network_is_saved_and_built_again(tmp_path: Path) -> None:
    images, labels = torch.randn(12, 3, 6, 6), torch.arange(12) % 5
    model = build("conv 4 k3, flatten, linear 8 relu, linear 10", input_shape=(3, 6, 6))
    transfer.replace_head(model, 5)
    trainer = Trainer(model, directory=tmp_path / "run", device="cpu")
    trainer.fit((images, labels), (images, labels), epochs=1, batch_size=4)

    other = build("conv 4 k3, flatten, linear 8 relu, linear 3", input_shape=(3, 6, 6))
    head = other.fc2.weight.clone()
    loaded = transfer.load_weights(other, tmp_path / "run", partial=True)

    again = Trainer.load(tmp_path / "run").model
    assert torch.equal(again.fc2.weight.cpu(), model.fc2.weight)
    assert torch.equal(other.conv1.weight, model.conv1.weight)
    assert torch.equal(other.fc2.weight, head)
    assert loaded.taken == ("conv1.weight", "conv1.bias", "fc1.weight", "fc1.bias")
    assert str(loaded) == (
        "4 tensors taken; 2 of the network kept (fc2.weight, fc2.bias); 2 of the source left "
        "(fc2.weight, fc2.bias)."
    )


@pytest.mark.parametrize("decay", [None, 0.9])
def test_a_run_trained_without_validation_gives_its_last_weights(
    tmp_path: Path, decay: float | None
) -> None:
    pair = torch.randn(12, 3, 6, 6), torch.arange(12) % 5
    trained, other = small_model(), small_model()
    options = TrainingOptions(average_weights=decay)
    trainer = Trainer(trained, directory=tmp_path / "run", options=options)
    trainer.fit(pair, epochs=2, batch_size=4, progress=False)

    loaded = transfer.load_weights(other, tmp_path / "run")

    assert len(loaded.taken) == len(trained.state_dict())
    for name, tensor in trained.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


def test_weights_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    model, other = small_model(), small_model()
    transfer.replace_head(other, 7)
    torch.save(other.state_dict(), tmp_path / "weights.pth")
    before = copy.deepcopy(model.state_dict())
    message = (
        f"the weights in {tmp_path / 'weights.pth'} do not fit Sequential: 7 tensors fit, 2 of the "
        "network (3.weight, 3.bias) and 2 of the source (3.weight, 3.bias) do not; partial=True "
        "takes what fits"
    )
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        transfer.load_weights(model, tmp_path / "weights.pth")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no training: configuration\.json is missing$"):
        transfer.load_weights(small_model(), tmp_path)


@pytest.mark.parametrize("content", [b"not a zip", None])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "weights.pth"
    if content is None:
        torch.save([1, 2], path)
    else:
        path.write_bytes(content)

    with pytest.raises(TrainingError, match=f"^{re.escape(str(path))} is no file of weights: "):
        transfer.load_weights(small_model(), path)


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


def test_an_unknown_name_of_weights_lists_the_known_ones() -> None:
    message = r"^alexnet has no weights named 'IMAGENET1K_V9': one of IMAGENET1K_V1.*, or a file$"

    with pytest.raises(TrainingError, match=message):
        transfer.pretrained("alexnet", weights="IMAGENET1K_V9")


def test_the_transform_is_that_of_the_weights_in_the_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = torchvision.models.resnet50(weights=None).state_dict()
    # The names under which torchvision publishes the first and the second weights of ResNet-50.
    first, second = tmp_path / "resnet50-0676ba61.pth", tmp_path / "resnet50-11ad3fa6.pth"
    torch.save(state, first)
    second.symlink_to(first)

    resized = [
        transfer.pretrained("resnet50", weights=path)[1].resize_size for path in (first, second)
    ]

    assert resized == [[256], [232]]


def test_weights_by_name_are_taken_from_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    def downloaded(url: str, **_: Any) -> dict[str, torch.Tensor]:
        asked.append(url)
        return torchvision.models.squeezenet1_1(weights=None).state_dict()

    asked: list[str] = []
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", downloaded)

    transfer.pretrained("squeezenet1_1", weights="IMAGENET1K_V1")
    transfer.pretrained("squeezenet1_1")

    assert asked == 2 * ["https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"]


def test_an_unknown_network_says_the_closest() -> None:
    message = "torchvision has no network named 'resnet19'; the closest is 'resnet18'"

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        transfer.pretrained("resnet19")


def run_of_a_table(directory: Path, name: str, classes: int, size: int) -> Trainer:
    """A short training of a network of the zoo, built from its table."""
    images = data.arrays(
        torch.randint(0, 256, (4, 3, size, size), dtype=torch.uint8).numpy(),
        torch.arange(4).numpy() % classes,
        class_names=[str(k) for k in range(classes)],
        mean=0.5,
        std=0.25,
    )
    torch.manual_seed(0)
    model = getattr(zoo, name)(num_classes=classes).build((3, size, size))
    trainer = Trainer(model, lr=1e-3, directory=directory)
    trainer.fit(images.train, images.train, epochs=1, batch_size=4, progress=False)
    return trainer


def test_a_run_of_a_table_gives_its_weights_to_torchvisions_network(tmp_path: Path) -> None:
    trainer = run_of_a_table(tmp_path / "run", "resnet18", 4, 32)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]

    model, transform = transfer.pretrained("resnet18", weights=tmp_path / "run")
    model.eval()
    answers = model(torch.stack([transform(picture) for picture in pictures]))

    expected = trainer.predict((images.float() / 255 - 0.5) / 0.25).probabilities
    torch.testing.assert_close(answers.softmax(1), expected)
    assert model.fc.out_features == 4


def test_a_run_of_another_network_is_refused(tmp_path: Path) -> None:
    run_of_a_table(tmp_path / "run", "resnet18", 4, 32)

    with pytest.raises(TrainingError) as caught:
        transfer.pretrained("resnet34", weights=tmp_path / "run")

    assert str(caught.value) == (
        f"the run in {tmp_path / 'run'} trained no resnet34: it has 122 tensors, resnet34 has 218; "
        "block3.body.conv1.weight is (128, 64, 3, 3), layer1.2.conv1.weight is (64, 64, 3, 3)"
    )
