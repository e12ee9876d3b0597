"""Statistics equal a direct computation, whatever the batches."""

from __future__ import annotations

import csv
import io
import math
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from convkit import FilterFeatureExtractor, Trainer, features
from convkit.errors import FeatureError

if TYPE_CHECKING:
    from pathlib import Path

FIVE = [
    *("layer1.0.conv1", "layer2.0.conv1", "layer3.0.conv1", "layer4.0.conv1"),
    "layer4.1.conv2",
]


def small() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(True), nn.Conv2d(6, 4, 3), nn.ReLU(True)
    )
    nn.init.uniform_(model[1].weight, 0.5, 2)
    nn.init.uniform_(model[1].bias, -1, 1)
    return model


def assert_figures_of(figures: features.StageFigures, maps: Tensor) -> None:
    values = maps.double()
    each = figures.per_filter
    by_filter = values.transpose(0, 1).flatten(1).numpy()
    assert figures.share_non_positive == (by_filter <= 0).mean()
    assert figures.share_zero == (by_filter == 0).mean()
    assert figures.mean == pytest.approx(by_filter.mean(), rel=1e-9)
    assert figures.deviation == pytest.approx(by_filter.std(), rel=1e-9)
    np.testing.assert_array_equal(each.share_non_positive, (by_filter <= 0).mean(1))
    np.testing.assert_allclose(each.mean, by_filter.mean(1), rtol=1e-9)
    np.testing.assert_allclose(each.deviation, by_filter.std(1), rtol=1e-9)
    np.testing.assert_allclose(each.lowest, by_filter.min(1), rtol=1e-12)
    np.testing.assert_allclose(each.highest, by_filter.max(1), rtol=1e-12)
    silent = (values.amax((2, 3)) <= 0).double().mean(0).numpy()
    np.testing.assert_array_equal(each.share_silent, silent)


@pytest.mark.parametrize("batch_size", [1, 7, 16, 40])
def test_statistics_equal_a_direct_computation_at_every_stage(batch_size: int) -> None:
    # In float64: torch computes batches of different sizes with different kernels.
    model, images = small().double(), torch.randn(40, 3, 12, 12).double()
    pairs = FilterFeatureExtractor(model).extract(images, stages="all")

    found = features.activation_statistics(model, DataLoader(TensorDataset(images), batch_size))

    assert found.images == 40
    for name, layer in pairs.items():
        assert_figures_of(found[name].before_norm, layer.feature_maps)
        assert_figures_of(found[name].after_activation, layer.after_activation)
    assert_figures_of(found["0"].after_norm, pairs["0"].after_norm)
    assert found["3"].after_norm is None
    assert (found["0"].activation, found["0"].after_sum) == ("relu", False)


def test_a_running_mean_of_batches_is_the_mean_of_all() -> None:
    """The rule m' = (m n + u k) / (n + k)."""
    model, images = small(), torch.randn(50, 3, 12, 12)
    mean, seen = 0.0, 0
    for batch in images.split([20, 20, 10]):
        share = features.activation_statistics(model, batch)["0"].share_non_positive
        mean, seen = (mean * seen + share * len(batch)) / (seen + len(batch)), seen + len(batch)

    assert features.activation_statistics(model, images)["0"].share_non_positive == pytest.approx(
        mean, rel=1e-12
    )


@pytest.mark.parametrize("stage", ["conv", "norm", "activation"])
def test_running_statistics_are_those_of_all_images_so_far(stage: str) -> None:
    model, images = small().double(), torch.randn(50, 3, 12, 12).double()
    images[45, 0, 0, 0] = math.nan
    pairs = FilterFeatureExtractor(model).extract(images, ["0"], stages="all")["0"]
    maps = {"conv": pairs.feature_maps, "norm": pairs.after_norm}
    maps["activation"] = pairs.after_activation

    course = features.running_statistics(model, images.split(20), ["0"])

    assert [found.images for found in course] == [20, 40, 50]
    for found in course[:2]:
        assert_figures_of(found["0"].stages[stage], maps[stage][: found.images])
    # What was seen later does not change what was kept before.
    assert [found["0"].stages[stage].per_filter.not_finite.sum() > 0 for found in course] == [
        False,
        False,
        True,
    ]


def test_running_statistics_end_with_those_of_the_whole_set() -> None:
    model, images = small(), torch.randn(50, 3, 12, 12)
    mean, seen = 0.0, 0
    for batch, found in zip(
        images.split(20), features.running_statistics(model, images.split(20)), strict=True
    ):
        share = features.activation_statistics(model, batch)["3"].share_non_positive
        mean, seen = (mean * seen + share * len(batch)) / (seen + len(batch)), seen + len(batch)
        assert found["3"].share_non_positive == pytest.approx(mean, rel=1e-12)

    whole = features.activation_statistics(model, images.split(20))
    assert found.to_csv() == whole.to_csv()


def test_running_statistics_leave_random_states_alone() -> None:
    model, images = small(), torch.randn(9, 3, 12, 12)
    state = torch.get_rng_state()

    course = features.running_statistics(model, DataLoader(TensorDataset(images), 4, shuffle=True))

    assert len(course) == 3
    assert torch.equal(torch.get_rng_state(), state)


def test_the_five_modules_of_resnet18_are_told_apart_by_stage() -> None:
    model = torchvision.models.resnet18(weights=None)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)
    found = features.activation_statistics(model, torch.randn(4, 3, 64, 64), FIVE)

    assert list(found) == FIVE
    for layer in found.values():
        assert list(layer.stages) == ["conv", "norm", "activation"]
        assert layer.after_activation.share_zero == layer.after_activation.share_non_positive
        assert layer.share_non_positive != layer.after_norm.share_non_positive
    assert [layer.after_sum for layer in found.values()] == [False] * 4 + [True]
    assert found["layer1.0.conv1"].after_activation.share_non_positive == pytest.approx(
        found["layer1.0.conv1"].after_norm.share_non_positive
    )


def test_dead_nearly_dead_and_fine_filters() -> None:
    layer = nn.Conv2d(3, 3, 3)
    layer.weight.data[1] = 1.0
    layer.bias.data = torch.tensor([-100.0, -26.0, 0.0])
    images = torch.zeros(200, 3, 8, 8)
    images[0] = 1.0
    images[:, 0, 2, 2] = 0.01
    layer.weight.data[2] = 1.0

    found = features.activation_statistics(nn.Sequential(layer, nn.ReLU(True)), images)["0"]

    assert found.verdicts == ("dead", "nearly dead", "fine")
    assert (found.dead_filters, found.nearly_dead_filters) == ((0,), (1,))
    assert found.per_filter.share_silent[1] == 199 / 200


def test_negative_values_before_a_norm_are_no_death() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.ReLU(True))
    model[0].bias.data[:] = -50.0
    model[1].running_mean[:] = -50.0

    found = features.activation_statistics(model, torch.randn(8, 3, 8, 8))["0"]

    assert found.share_non_positive == 1.0
    assert found.dead_filters == ()


def test_functional_activations_are_followed() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, images: Tensor) -> Tensor:
            return nn.functional.leaky_relu(self.conv(images), 0.1)

    found = features.activation_statistics(Functional(), torch.randn(4, 3, 8, 8))["conv"]

    assert found.activation == "leaky_relu"
    assert found.after_activation.lowest == pytest.approx(0.1 * found.before_norm.lowest)


def test_random_states_and_modes_stay_though_the_loader_shuffles() -> None:
    model = small().train()
    loader = DataLoader(TensorDataset(torch.randn(8, 3, 8, 8)), 4, shuffle=True)
    state, mean = torch.get_rng_state(), model[1].running_mean.clone()

    features.activation_statistics(model, loader)

    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in model.modules())
    assert torch.equal(model[1].running_mean, mean)


def test_values_that_are_not_finite_are_counted() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3))
    model[0].bias.data[1] = float("inf")

    found = features.activation_statistics(model, torch.randn(2, 3, 5, 5))["0"]

    assert found.per_filter.not_finite.tolist() == [0, 18]


def test_table_and_csv_hold_the_figures(tmp_path: object) -> None:
    found = features.activation_statistics(small(), torch.randn(4, 3, 12, 12))
    path = f"{tmp_path}/activations.csv"

    rows = list(csv.DictReader(io.StringIO(found.to_csv(path))))

    assert len(rows) == 3 * 6 + 2 * 4
    assert (rows[0]["layer"], rows[0]["stage"], rows[0]["filter"]) == ("0", "conv", "0")
    assert float(rows[0]["mean"]) == pytest.approx(found["0"].per_filter.mean[0], rel=1e-5)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as a reader would open it
        assert file.read() == found.to_csv()
    assert found.to_markdown().startswith("| layer | stage | non-positive |")
    assert len(str(found).splitlines()) == 8


def test_the_tracker_measures_at_each_epoch() -> None:
    model = small()
    tracker = features.ActivationTracker(torch.randn(8, 3, 12, 12), "0")
    for what, epoch in (("begin", 0.0), ("validation", 0.5), ("epoch", 1.0), ("end", 1.0)):
        tracker(SimpleNamespace(what=what, epoch=epoch, trainer=SimpleNamespace(model=model)))

    assert tracker.epochs == [0.0, 1.0]
    assert tracker.to_csv().splitlines()[0] == "epoch,layer,non-positive,dead,nearly dead"
    assert [row[:2] for row in tracker.table().rows] == [("0", "0"), ("1", "0")]
    assert len(tracker.plot().axes[0].lines) >= 1


def test_the_tracker_is_a_callback_of_the_trainer_and_changes_nothing(tmp_path: Path) -> None:
    images, labels = torch.randn(16, 3, 12, 12), torch.arange(16) % 4

    def train(directory: str, *callbacks: features.ActivationTracker) -> nn.Module:
        model = nn.Sequential(small(), nn.Flatten(), nn.Linear(4 * 8 * 8, 4))
        settings = {"optimizer": "sgd", "lr": 0.1, "seed": 0, "callbacks": callbacks}
        trainer = Trainer(model, directory=tmp_path / directory, **settings)
        trainer.fit((images, labels), (images, labels), epochs=2, batch_size=8)
        return model

    tracker = features.ActivationTracker(images, "0.0")
    watched, alone = train("watched", tracker), train("alone")

    assert tracker.epochs == [0.0, 1.0, 2.0]
    shares = [found["0.0"].share_non_positive for found in tracker.statistics]
    assert len(set(shares)) == 3
    assert all(map(torch.equal, watched.state_dict().values(), alone.state_dict().values()))
    direct = features.activation_statistics(small(), images, "0")["0"].share_non_positive
    assert shares[0] == direct


def test_a_tracker_that_has_measured_nothing_says_what_to_do() -> None:
    message = "nothing was measured yet; train with Trainer(..., callbacks=[tracker]) first"
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        features.ActivationTracker(torch.zeros(1, 3, 8, 8)).plot()


def test_the_picture_has_a_bar_for_each_layer_and_stage() -> None:
    found = features.activation_statistics(small(), torch.randn(4, 3, 12, 12))

    axes = found.plot().axes[0]

    widths = [patch.get_width() for patch in axes.patches]
    stages = [[layer.stages.get(s) for layer in found.values()] for s in ("conv", "norm")]
    shares = [100 * s.share_non_positive if s else math.nan for row in stages for s in row]
    assert widths[:4] == pytest.approx(shares, nan_ok=True)
    assert len(widths) == 6


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ([], "the loader gave no images; give at least one batch"),
        ([torch.zeros(3, 8, 8)], "a batch begins with images (N, C, H, W); received (3, 8, 8)"),
        (["a"], "a batch begins with images (N, C, H, W); received str"),
        (
            [torch.zeros(1, 3, 8, 8, dtype=torch.uint8)],
            "images of a batch are normalised floats; received uint8",
        ),
        (5, "a loader gives batches of images; received int"),
    ],
)
def test_a_loader_that_gives_no_images_is_refused(loader: object, message: str) -> None:
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        features.activation_statistics(small(), loader)
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        features.running_statistics(small(), loader)
