"""Every exact number of the two COMP5623 courseworks, through the public face alone."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from scipy.signal import savgol_filter

from convkit import Architecture, EarlyStopping, FilterFeatureExtractor, Trainer, data, shapes
from convkit.architecture import zoo
from convkit.training import Flatness

EXAMPLES = Path(__file__).parents[1] / "examples"
V1 = """
| layer | output | parameters |
| --- | --- | --- |
| Conv 3->8, k5, pad 0, ReLU | 8x124x124 | 608 |
| M | 8x62x62 | |
| Conv 8->16, k5, pad 0, ReLU | 16x58x58 | 3,216 |
| M | 16x29x29 | |
| Flatten | 13,456 | |
| Linear 64, ReLU | 64 | 861,248 |
| Linear 10 | 10 | 650 |
"""
S = """
| layer | output | parameters |
| --- | --- | --- |
| Conv 3->32, k3, pad 1, stride 1, ReLU | 32x128x128 | 896 |
| MaxPool k4, stride 2 | 32x63x63 | |
| Conv 32->40, k2, pad 0, ReLU | 40x62x62 | 5,160 |
| MaxPool k2, stride 2 | 40x31x31 | |
| Conv 40->56, k3, pad 0, stride 2, ReLU | 56x15x15 | 20,216 |
| MaxPool k3, stride 2 | 56x7x7 | |
| Flatten | 2744 | |
| Linear 1024, ReLU | 1024 | 2,810,880 |
| Linear 512, ReLU | 512 | 524,800 |
| Linear 10 | 10 | 5,130 |
| total | | 3,367,082 |
"""
F = (
    S.replace("| 40x31x31 | |", "| 40x31x31 | |\n| Dropout 0.05 | | |")
    .replace("| 56x7x7 | |", "| 56x7x7 | |\n| Dropout 0.1 | | |")
    .replace("| Linear 1024, ReLU | 1024 | 2,810,880 |", "| Linear 1024 | 1024 | 2,810,880 |\n"
             "| BatchNorm1d | 1024 | 2,048 |\n| ReLU | | |\n| Dropout 0.1 | | |")
    .replace("3,367,082", "3,369,130")
)  # fmt: skip


def vgg(convs: str, linears: str, norm: str = "") -> str:
    """The coursework's notation: widths of 3x3 convs without padding, M for a pool."""
    rows = ["M" if word == "M" else f"conv {word} k3 p0 {norm} relu" for word in convs.split()]
    rows += ["flatten", *(f"linear {units} {norm} relu" for units in linears.split())]
    return ", ".join([*rows, "linear 10"])


TABLES = {
    "v1": V1,
    "v3": vgg("16 16 M 32 32 32 M 64 64 M", "4096 512"),
    "v4": vgg("16 16 M 32 32 32 M 64 64 M 128 128 M", "4096 4096"),
    "v5": vgg("32 32 M 64 64 64 M 128 128 M 256 256 M", "4096 4096", "bn"),
    "v7": vgg("32 32 M 64 64 64 M 128 128 M 256 256 M 256 256", "4096 4096", "bn"),
}
UP_TO_V4 = [126, 124, 62, 60, 58, 56, 28, 26, 24, 12]
VERSIONS = [
    ("v1", 128, 865_722, 10, [124, 62, 58, 29]),
    ("v3", 128, 39_936_954, 23, UP_TO_V4),
    ("v4", 128, 25_517_754, 28, [*UP_TO_V4, 10, 8, 4]),
    ("v5", 128, 34_831_210, 39, [*UP_TO_V4, 10, 8, 4]),
    ("v7", 192, 36_012_394, 45, [190, 188, 94, 92, 90, 88, 44, 42, 40, 20, 18, 16, 8, 6, 4]),
]
# The printed validation accuracies of the second coursework, epoch by epoch, in percent.
LINEAR_ACCURACIES = """
    15.94 17.10 16.82 16.21 14.27 13.71 13.10 12.83 12.94 13.21 13.44 13.55
    13.27 13.27 13.49 13.27 13.05 13.05 13.05 13.16"""
S_ACCURACIES = """
     9.99  9.99 15.27 17.77 12.27 10.27 15.21 17.99 18.27 19.71 20.71 19.82
    19.38 20.04 19.38 18.55 17.43 22.10 22.04 21.21 21.38 20.16 18.49 19.93
    20.66 21.10 20.82 20.88 20.99 21.27"""
F_ACCURACIES = """
    41.42 45.20 49.58 53.25 52.30 57.36 59.13 60.36 60.58 61.47 62.63 61.41
    65.08 61.52 63.02 66.02 66.74 64.96 64.74 66.63 67.85 66.57 67.46 62.85
    65.46 70.07 68.52 68.41 67.18 67.07 70.13 70.46 69.68 68.96 67.91"""
F_TRAINING_ACCURACIES = """
    40.26 47.74 51.26 56.51 55.43 61.00 61.65 64.78 65.99 66.15 68.42 66.60
    69.50 68.85 70.46 73.92 73.76 73.96 72.82 75.21 77.72 76.11 77.90 72.71
    76.65 80.74 81.76 81.10 79.76 81.92 83.36 84.60 84.56 84.12 82.17"""
S_LOSSES = """
    2.3138 2.5484 2.3209 2.2722 2.2296 2.2634 2.2101 2.1615 2.1813 2.2826 2.2305 2.2656
    2.5495 2.5682 3.0460 3.4735 4.1470 3.6489 4.0402 4.2379 4.3378 4.9936 5.4383 4.5784
    4.1861 4.2994 4.3500 4.3195 4.4505 4.4972"""
F_LOSSES = """
    1.6366 1.5124 1.4676 1.3040 1.4134 1.2154 1.1921 1.1353 1.1632 1.1269 1.0338 1.1717
    1.0608 1.1249 1.0780 1.0406 1.0001 1.0772 1.0831 1.0528 1.0224 1.0158 0.9547 1.2269
    1.0481 0.9755 0.9295 0.9843 1.0268 0.9965 0.9486 1.0133 1.0686 0.9814 1.1698"""
ALEXNET_CHANNELS = [64, 192, 384, 256, 256]


def numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def printed(right: int, total: int) -> str:
    """A share in percent as the log has it: rounded to four decimals, then to two."""
    return f"{round(100 * right / total, 4):.2f}"


@pytest.fixture(scope="module")
def alexnet() -> torch.nn.Module:
    torch.manual_seed(0)
    return torchvision.models.alexnet(weights=None)


@pytest.mark.parametrize(("files", "validation"), [(9000, 1800), (9001, 1801)])
def test_four_fifths_of_the_files_train(files: int, validation: int) -> None:
    training, held_out = data.random_split(files, 0.2, seed=0)

    assert (len(training), len(held_out)) == (7200, validation)


def test_7200_images_make_150_batches_of_48() -> None:
    images = torch.zeros(7200, 3, 1, 1, dtype=torch.uint8)
    image_set = data.ImageSet(images, torch.zeros(7200, dtype=torch.int64), class_names=("cat",))

    assert len(data.batches(image_set, 48)) == 150


def test_the_linear_model_has_491530_parameters() -> None:
    assert Architecture.parse("flatten, linear 10").summary((3, 128, 128)).parameters == 491_530


@pytest.mark.parametrize(("name", "size", "parameters", "modules", "sides"), VERSIONS)
def test_versions_have_the_stated_sizes(
    name: str, size: int, parameters: int, modules: int, sides: list[int]
) -> None:
    architecture = Architecture.parse(TABLES[name])
    summary = architecture.summary((3, size, size))
    with torch.device("meta"):
        model = architecture.build((3, size, size))

    assert summary.parameters == parameters == sum(p.numel() for p in model.parameters())
    assert len(summary.rows) == modules == len(model)
    maps = [row.output_shape for row in summary.rows if row.kind in {"conv", "max pool"}]
    assert [shape[1:] for shape in maps] == [(side, side) for side in sides]


@pytest.mark.parametrize(
    ("name", "flat"), [("v1", 13_456), ("v3", 9216), ("v4", 2048), ("v5", 4096), ("v7", 4096)]
)
def test_versions_flatten_to_the_stated_width(name: str, flat: int) -> None:
    size = 192 if name == "v7" else 128
    rows = Architecture.parse(TABLES[name]).summary((3, size, size)).rows

    assert [row.output_shape for row in rows if row.kind == "flatten"] == [(flat,)]


@pytest.mark.parametrize("table", [V1, S, F], ids=["v1", "S", "F"])
def test_the_tables_state_what_follows_from_them(table: str) -> None:
    assert Architecture.parse(table).check((3, 128, 128)) == []


@pytest.mark.parametrize(
    ("stated", "wrong"), [("32x63x63", "32x64x64"), ("20,216", "20,206"), ("2744", "2,745")]
)
def test_a_wrong_cell_of_the_table_is_found(stated: str, wrong: str) -> None:
    mistakes = Architecture.parse(S.replace(stated, wrong)).check((3, 128, 128))

    assert len(mistakes) >= 1


def test_v5_is_made_of_the_stated_parts() -> None:
    rows = Architecture.parse(TABLES["v5"]).summary((3, 128, 128)).rows
    parts = {
        kind: [row.parameters for row in rows if row.kind == kind]
        for kind in ("conv", "linear", "batch norm")
    }

    assert parts["conv"] == [
        896,
        9_248,
        18_496,
        36_928,
        36_928,
        73_856,
        147_584,
        295_168,
        590_080,
    ]
    assert parts["linear"] == [16_781_312, 16_781_312, 40_970]
    assert sum(parts["batch norm"]) == 18_432


def test_v7_adds_two_convs_with_batch_norm_to_v5() -> None:
    v5 = Architecture.parse(TABLES["v5"]).summary((3, 128, 128)).parameters
    v7 = Architecture.parse(TABLES["v7"]).summary((3, 192, 192)).parameters
    conv = shapes.conv_parameters(256, 256, kernel_size=3).total
    norm = shapes.batch_norm_parameters(256).total

    assert v7 - v5 == 2 * (conv + norm) == 2 * (590_080 + 512) == 1_181_184


def test_v7_took_475_hundredths_of_the_time_of_v6() -> None:
    assert round(412.35 / 86.72, 2) == 4.75


def test_alexnet_has_the_stated_filters_and_maps_at_256(alexnet: torch.nn.Module) -> None:
    with FilterFeatureExtractor(alexnet) as extractor:
        pairs = extractor.extract(torch.zeros(1, 3, 256, 256))

    assert [tuple(each.filters.shape) for each in pairs.values()] == [
        (64, 3, 11, 11),
        (192, 64, 5, 5),
        (384, 192, 3, 3),
        (256, 384, 3, 3),
        (256, 256, 3, 3),
    ]
    assert [tuple(each.feature_maps.shape[1:]) for each in pairs.values()] == [
        (64, 63, 63),
        (192, 31, 31),
        (384, 15, 15),
        (256, 15, 15),
        (256, 15, 15),
    ]


def test_63_arises_for_inputs_255_to_258_only() -> None:
    conv = {"kernel_size": 11, "stride": 4, "padding": 2}
    found = [size for size in range(11, 1000) if shapes.conv_output(size, **conv) == 63]

    assert shapes.solve_input_size(63, **conv) == (255, 256, 257, 258) == tuple(found)


@pytest.mark.parametrize(
    ("size", "first", "second", "rest"),
    [
        ((224, 224), (55, 55), (27, 27), (13, 13)),
        ((375, 500), (93, 124), (46, 61), (22, 30)),
        ((300, 348), (74, 86), (36, 42), (17, 20)),
        ((333, 500), (82, 124), (40, 61), (19, 30)),
        ((128, 128), (31, 31), (15, 15), (7, 7)),
    ],
)
def test_alexnet_maps_of_images_in_their_own_size(
    alexnet: torch.nn.Module,
    size: tuple[int, int],
    first: tuple[int, int],
    second: tuple[int, int],
    rest: tuple[int, int],
) -> None:
    rows = [row for row in zoo.alexnet().summary((3, *size)).rows if row.kind == "conv"]
    pairs = FilterFeatureExtractor(alexnet).extract(torch.zeros(1, 3, *size))

    sizes = [first, second, rest, rest, rest]
    expected = [(c, *hw) for c, hw in zip(ALEXNET_CHANNELS, sizes, strict=True)]
    assert [row.output_shape for row in rows] == expected
    assert [tuple(each.feature_maps.shape[1:]) for each in pairs.values()] == expected


def test_the_stop_rule_is_the_courses_own() -> None:
    """From epoch 100 on: the last value smoothed by SciPy above the fifth last."""
    epochs = np.arange(220)
    noise = 0.02 * np.random.default_rng(0).standard_normal(220)
    losses = (0.5 + 1.5 * np.exp(-epochs / 30) + 2e-5 * np.maximum(epochs - 110, 0) ** 2) + noise
    rule = EarlyStopping.savitzky_golay(55, 2, minimum=100, rising=5)
    stopped = next(k for k, loss in enumerate(losses, 1) if rule.update(loss).should_stop)

    def course(count: int) -> bool:
        smoothed = savgol_filter(losses[:count], 55, 2)
        return bool(smoothed[-1] > smoothed[-5])

    assert stopped == next(count for count in range(100, 221) if course(count))
    assert stopped > 100


@pytest.mark.parametrize(
    ("table", "parameters", "modules"), [(S, 3_367_082, 15), (F, 3_369_130, 19)], ids=["S", "F"]
)
def test_networks_s_and_f_have_the_stated_sizes(table: str, parameters: int, modules: int) -> None:
    architecture = Architecture.parse(table)
    summary = architecture.summary((3, 128, 128))
    sides = [row.output_shape[1] for row in summary.rows if row.kind in {"conv", "max pool"}]
    model = architecture.build((3, 128, 128))

    assert summary.parameters == parameters == sum(p.numel() for p in model.parameters())
    assert sides == [128, 63, 62, 31, 15, 7]
    assert len(model) == modules


def test_f_drops_out_as_stated() -> None:
    model = Architecture.parse(F).build((3, 128, 128))
    kinds = [type(module).__name__ for module in model]

    assert [m.p for m in model if isinstance(m, torch.nn.Dropout)] == [0.05, 0.1, 0.1]
    assert kinds[12:16] == ["Linear", "BatchNorm1d", "ReLU", "Dropout"]


@pytest.mark.parametrize(
    ("right", "total", "percent"),
    [(180, 1801, 9.9944), (1223, 1801, 67.9067), (5916, 7200, 82.1667)],
)
def test_accuracies_are_counts(right: int, total: int, percent: float) -> None:
    assert round(100 * right / total, 4) == percent


@pytest.mark.parametrize(
    ("log", "total"),
    [
        (LINEAR_ACCURACIES, 1801),
        (S_ACCURACIES, 1801),
        (F_ACCURACIES, 1801),
        (F_TRAINING_ACCURACIES, 7200),
    ],
)
def test_every_printed_accuracy_is_a_count_of_its_set(log: str, total: int) -> None:
    possible = {printed(right, total) for right in range(total + 1)}

    assert set(log.split()) <= possible


def test_1800_validation_images_cannot_have_given_the_printed_accuracies() -> None:
    """So 1801 it was; the check above would find another number of images."""
    possible = {printed(right, 1800) for right in range(1801)}

    assert not set(F_ACCURACIES.split()) <= possible


def test_the_best_epochs_of_network_f() -> None:
    losses, accuracies = numbers(F_LOSSES), numbers(F_ACCURACIES)

    assert (min(losses), losses.index(min(losses))) == (0.9295, 26)
    assert (max(accuracies), accuracies.index(max(accuracies))) == (70.46, 31)
    assert (losses[-1], accuracies[-1]) == (1.1698, 67.91)


def stop_by_hand(values: list[float], patience: int) -> tuple[int, int]:
    """Stop and best epoch, from 1, of patience on the least value."""
    best = 0
    for k, value in enumerate(values):
        if value < values[best]:
            best = k
        if k - best == patience:
            return k + 1, best + 1
    return len(values), best + 1


@pytest.mark.parametrize("losses", [S_LOSSES, F_LOSSES], ids=["S", "F"])
@pytest.mark.parametrize("patience", [3, 5])
@pytest.mark.parametrize("weight", [0.0, 0.6])
def test_rules_replayed_on_the_published_curves(losses: str, patience: int, weight: float) -> None:
    values = numbers(losses)
    smoothed = [
        float(np.average(values[:count], weights=weight ** np.arange(count)[::-1]))
        for count in range(1, len(values) + 1)
    ]
    (row,) = EarlyStopping.replay(values, [EarlyStopping(patience, smoothing=weight)]).rows

    assert (row.stop_epoch, row.best_epoch) == stop_by_hand(smoothed, patience)


def test_smoothed_patience_does_not_stop_network_f_at_a_lucky_epoch() -> None:
    """Raw patience 5 ends at epoch 16 and misses 0.104; smoothed patience reaches epoch 31."""
    rules = {
        "raw": EarlyStopping(5, smoothing=None),
        "smoothed": EarlyStopping(5, smoothing=0.6),
        "flat": EarlyStopping(None, smoothing=0.6, flatness=Flatness(8, tolerance=5e-3)),
    }
    rows = EarlyStopping.replay(numbers(F_LOSSES), rules).rows

    assert [(row.stop_epoch, row.best_epoch) for row in rows] == [(16, 11), (35, 31), (24, 23)]
    assert [round(row.loss_missed, 4) for row in rows] == [0.1043, 0.0191, 0.0252]


def test_the_example_holds_the_whole_published_logs() -> None:
    published = runpy.run_path(str(EXAMPLES / "comp5623_imagenet10_b.py"))["published"]
    logs = {name: published(name) for name in ("linear", "S", "F")}

    assert {name: {len(column) for column in log.values()} for name, log in logs.items()} == {
        "linear": {20},
        "S": {30},
        "F": {35},
    }
    assert logs["S"]["validation_loss"] == numbers(S_LOSSES)
    assert logs["F"]["validation_loss"] == numbers(F_LOSSES)
    for name, column, text in (
        ("linear", "validation_accuracy", LINEAR_ACCURACIES),
        ("S", "validation_accuracy", S_ACCURACIES),
        ("F", "validation_accuracy", F_ACCURACIES),
        ("F", "training_accuracy", F_TRAINING_ACCURACIES),
    ):
        assert logs[name][column] == pytest.approx([x / 100 for x in numbers(text)])


def test_the_versions_of_the_example_have_the_stated_tables() -> None:
    example = runpy.run_path(str(EXAMPLES / "comp5623_imagenet10_a.py"))

    for name, size, parameters, modules, sides in VERSIONS:
        version = example["VERSIONS"][name]
        stated = f"{name}, parameters, modules with Flatten, numbers after it"
        rows = Architecture.parse(version.table).summary((3, version.size, version.size)).rows
        found = [row.output_shape[1] for row in rows if row.kind in {"conv", "max pool"}]
        assert version.size == size
        assert example["PUBLISHED"]["exact"][stated][:2] == [parameters, modules]
        assert found == sides


def test_predictions_have_the_stated_header(tmp_path: Path) -> None:
    model = Architecture.parse("flatten, linear 10").build((3, 4, 4))
    predictions = Trainer(model).predict(torch.zeros(3, 3, 4, 4))
    lines = predictions.to_csv(tmp_path / "test.csv").read_text().splitlines()

    assert lines[0] == "image_name,predicted_class_id"
    assert [bool(re.fullmatch(r"[012],\d", line)) for line in lines[1:]] == [True] * 3
