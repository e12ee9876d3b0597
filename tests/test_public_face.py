"""The calls that the library promises, each as people write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

import convkit
from convkit import (
    Architecture,
    EarlyStopping,
    FilterFeatureExtractor,
    History,
    Trainer,
    build,
    data,
    features,
    metrics,
    plots,
    report,
    shapes,
    summarize,
)
from convkit.architecture import Conv, Flatten, Linear, MaxPool
from convkit.training import Smoothing, find_learning_rate, overfit_batch, search, transfer

LINE = "conv 4 k3 p1 relu, maxpool 2, conv 8 k3 p1 relu, maxpool 2, flatten, linear 10"


def test_shapes_answer_as_promised() -> None:
    settings: dict[str, Any] = {"stride": (2, 3), "padding": (1, 0), "dilation": (2, 1)}

    assert shapes.conv_output(128, kernel_size=5) == 124
    assert shapes.conv_output((37, 53), kernel_size=(3, 5), **settings) == (18, 17)
    assert shapes.conv_output(32, kernel_size=4, padding="same") == 32
    assert shapes.pool_output(5, kernel_size=2, stride=2, padding=1, ceil_mode=True) == 3
    assert shapes.conv_transpose_output(
        (5, 7), kernel_size=4, stride=3, padding=2, output_padding=2, dilation=2
    ) == (17, 23)
    assert (shapes.same_padding(5), shapes.same_padding(4)) == (2, (1, 2))


def test_shapes_solve_and_count_as_promised() -> None:
    assert shapes.solve_kernel_size(512, 504) == (9,)
    assert shapes.solve_padding(32, 16, kernel_size=3, stride=2) == (1,)
    assert shapes.solve_stride(224, 112, kernel_size=7, padding=3) == (2,)
    assert shapes.solve_input_size(252, kernel_size=2, stride=2) == (504, 505)
    assert shapes.conv_parameters(3, 32, kernel_size=5) == shapes.Parameters(2400, 32)
    assert shapes.conv_parameters(3, 32, kernel_size=5).total == 2432
    assert shapes.linear_parameters(2048, 64).total == 131136
    assert shapes.conv_macs(3, 32, kernel_size=5, output_size=32) == 2457600
    field = shapes.receptive_field([(11, 4, 2), (3, 2, 0)])
    assert (field.size, field.stride) == (19, 8)


def test_shapes_explain_as_promised() -> None:
    explained = shapes.explain(shapes.conv_output, 512, kernel_size=9)
    worked = shapes.explain_convolution(
        [[1, 2], [3, 4]], [[1]], padding=1, padding_mode="zeros", flip=False
    )

    assert explained.result == 504
    assert "512" in str(explained)
    assert explained.to_latex()
    assert explained.to_markdown()
    assert worked.result == [[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0], [0, 0, 0, 0]]


def base() -> Architecture:
    return Architecture(
        [
            Conv(32, kernel_size=5, padding=2, activation="relu"),
            MaxPool(2),
            Conv(64, kernel_size=5, padding=2, activation="relu"),
            MaxPool(2),
            Conv(128, kernel_size=5, padding=2, activation="relu"),
            MaxPool(2),
            Flatten(),
            Linear(64, activation="relu"),
            Linear(10),
        ]
    )


def test_an_architecture_is_built_read_and_written_as_promised(tmp_path: Path) -> None:
    architecture = base()
    path = tmp_path / "network.md"
    path.write_text(architecture.to_markdown(), encoding="utf-8")
    model = architecture.build(input_shape=(3, 32, 32))

    assert isinstance(model, torch.nn.Sequential)
    assert [name for name, _ in model.named_children()][:3] == ["conv1", "relu1", "pool1"]
    assert isinstance(model.fc1, torch.nn.Linear)
    assert Architecture.read(path) == architecture
    assert Architecture.parse(architecture.to_text()) == architecture
    for source in (LINE, path, architecture.rows):
        assert isinstance(build(source, input_shape=(3, 32, 32)), torch.nn.Sequential)
    assert Architecture.from_module(model) == architecture
    assert "nn.Conv2d(3, 32" in Architecture.from_module(model).to_code()
    assert architecture.check((3, 32, 32)) == []
    assert str(architecture.diff(Architecture.parse(LINE), (3, 32, 32)))
    assert sum(
        p.numel() for p in convkit.architecture.zoo.vgg16().build((3, 32, 32))[:3].parameters()
    )


def test_summaries_say_what_was_promised() -> None:
    model = base().build((3, 32, 32))
    for summary in (base().summary((3, 32, 32)), summarize(model, (3, 32, 32))):
        row = summary.rows[3]
        assert (summary.parameters, summary.trainable_parameters) == (390_410, 390_410)
        assert (summary.macs, summary.output_shape) == (28_803_712, (10,))
        assert (row.name, row.output_shape, row.parameters) == ("conv2", (64, 16, 16), 51_264)
        assert row.macs == 13_107_200
        assert (row.kind, row.receptive_field.size) == ("conv", 14)
        assert str(summary)
        for written in (summary.to_markdown(), summary.to_latex(), summary.to_csv()):
            assert "conv2" in written
        assert summary.to_dict()


def test_images_come_in_as_promised(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(5):
            colour = (40 * i, 0, 200 if name == "cat" else 0)
            Image.new("RGB", (40, 30), colour).save(tmp_path / "photos" / name / f"{i}.png")
    lines = [f"photos/cat/{i}.png,cat\nphotos/dog/{i}.png,dog" for i in range(5)]
    (tmp_path / "train.csv").write_text("path,label\n" + "\n".join(lines))

    sets = data.image_folder(tmp_path / "photos", size=16, validation=0.2, seed=0)
    listed = data.image_list(tmp_path / "train.csv", size=16)
    augment = [data.HorizontalFlip(), data.Rotate(3), data.ColorJitter(0.05)]
    batches = data.batches(sets.train, batch_size=4, augment=augment, seed=0)
    images, labels = next(iter(batches))

    assert (len(sets.train), len(sets.validation), len(listed.train)) == (8, 2, 10)
    assert sets.class_names == ("cat", "dog")
    assert (images.shape, images.dtype) == ((4, 3, 16, 16), torch.float32)
    assert labels.dtype == torch.int64
    assert "cat" in str(sets)
    assert len(data.channel_statistics(sets.train).mean) == 3
    kept, held = data.stratified_split([0] * 10 + [1] * 20, fraction=0.2, seed=0)
    assert (len(kept), len(held)) == (24, 6)
    arrays = data.arrays(
        np.zeros((6, 8, 8, 3), np.uint8),
        [0, 1] * 3,
        np.zeros((2, 8, 8, 3), np.uint8),
        [0, 1],
        class_names=("a", "b"),
        validation=0.34,
    )
    assert len(arrays.test) == 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, data.Sets, Trainer, History]:
    """A short training in a directory."""
    directory = tmp_path_factory.mktemp("runs") / "model1"
    sets = data.drawn_shapes(train=200, validation=60, test=60, seed=0)
    torch.manual_seed(0)
    trainer = Trainer(
        build(LINE, input_shape=(3, 32, 32)),
        optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=3e-4, weight_decay=0.05),
        scheduler=None,
        loss=None,
        early_stopping=EarlyStopping(patience=5, smoothing=0.6, min_delta=0.0),
        directory=directory,
        seed=0,
        device="auto",
        precision="float32",
    )
    history = trainer.fit(sets.train, sets.validation, epochs=2, batch_size=32, progress=False)
    return directory, sets, trainer, history


def test_training_answers_as_promised(run: Any, tmp_path: Path) -> None:
    directory, sets, trainer, history = run
    result = trainer.evaluate(sets.test)
    predictions = trainer.predict(sets.test)
    history.to_csv(tmp_path / "h.csv")
    predictions.to_csv(tmp_path / "test_preds.csv")
    again = trainer.fit(
        sets.train, sets.validation, epochs=2, batch_size=32, resume=True, progress=False
    )
    loaded = Trainer.load(directory)

    assert len(history["validation_loss"]) == len(history["training_loss"]) == len(history) == 2
    assert history.best_epoch in {1, 2}
    assert history.stop_reason == "all 2 epochs are done"
    assert history.plot().axes
    assert 0 <= result.accuracy_interval.low <= result.accuracy <= result.accuracy_interval.high
    assert result.confusion.counts.sum() == 60
    assert result.average_precision.mean <= 1
    assert result.loss > 0
    assert predictions.probabilities.shape == (60, 10)
    assert len(predictions.labels) == len(predictions.names) == 60
    assert again["training_loss"] == history["training_loss"]
    assert loaded.evaluate(sets.test).loss == pytest.approx(result.loss, abs=1e-6)


def test_stop_rules_are_written_and_replayed_as_promised() -> None:
    rules = [
        EarlyStopping(smoothing=Smoothing.moving_average(5)),
        EarlyStopping(smoothing=Smoothing.exponential(0.6)),
        EarlyStopping(smoothing=Smoothing.savitzky_golay(55, 2)),
        EarlyStopping(smoothing=Smoothing.median(5)),
    ]
    replay = EarlyStopping.replay([3.0, 2.0, 1.0, *[2.0] * 40], rules=rules)

    assert len(replay.rows) == 4
    assert str(replay)


def test_checks_transfer_and_search_answer_as_promised(run: Any, tmp_path: Path) -> None:
    _, sets, _, _ = run
    model = build(LINE, input_shape=(3, 32, 32))
    batch = next(iter(data.batches(sets.train, batch_size=32, seed=0)))
    resnet = torchvision.models.resnet18(weights=None)
    transfer.replace_head(resnet, 10)
    transfer.freeze(resnet, "layer1")
    found = search.coordinate(
        {"lr": [1e-3, 1e-2, 1e-1], "step_size": [20, 15, 10, 5]},
        train=lambda settings: abs(settings["lr"] - 1e-2) + settings["step_size"],
        directory=tmp_path / "search",
    )

    assert overfit_batch(model, batch).passed in {True, False}
    assert find_learning_rate(model, sets.train).suggestion is not None
    assert "layer1" in str(transfer.report(resnet))
    assert found.best == {"lr": 1e-2, "step_size": 5}


def test_metrics_answer_as_promised() -> None:
    truth = torch.tensor([0, 1, 2, 2])
    predicted = torch.tensor([0, 1, 1, 2])
    scores = torch.eye(3)[predicted] * 0.7 + 0.1
    matrix = metrics.ConfusionMatrix(["a", "b", "c"])
    matrix.update(predicted, truth)

    matrix.merge(matrix)
    assert matrix.counts.tolist() == [[2, 0, 0], [0, 2, 0], [0, 2, 2]]
    assert matrix.normalized("truth")[2].tolist() == [0, 0.5, 0.5]
    assert (matrix.accuracy, matrix.per_class().recall[2]) == (0.75, 0.5)
    assert matrix.most_confused(5)
    assert matrix.plot().axes
    assert metrics.confusion_matrix(predicted, truth, num_classes=10).counts.shape == (10, 10)
    ap = metrics.average_precision(scores, truth)
    assert (len(ap.per_class), list(ap.undefined)) == (3, [])
    curve = metrics.precision_recall_curve(scores, truth)[1]
    assert len(curve.precision) == len(curve.recall) >= len(curve.thresholds) > 0
    assert metrics.top_k_accuracy(scores, truth, k=2) >= 0.75
    assert metrics.accuracy_interval(3, 4).low < 0.75 < metrics.accuracy_interval(3, 4).high
    comparison = metrics.compare(predicted, truth, truth)
    assert (comparison.p_value, comparison.difference) == (1.0, 0.25)
    assert comparison.sentence
    assert comparison.interval.low <= 0.25


def test_filters_and_maps_pair_as_promised() -> None:
    model = torchvision.models.alexnet(weights=None)
    images = torch.randn(2, 3, 96, 96)
    with FilterFeatureExtractor(model) as extractor:
        assert extractor.layers[0] == "features.0"
        pairs = extractor.extract(images, layers=["features.0", "features.6"])
    pair = pairs["features.0"][14]

    assert pair.filter.shape == (3, 11, 11)
    assert pair.feature_map.shape == (2, 23, 23)
    assert 0 <= pair.share_non_positive <= 1
    assert pair.verify()
    assert pair.plot().axes
    assert pair.overlay(images[0], alpha=0.5).axes
    assert pairs["features.0"].plot(channels=range(12)).axes
    reading = pair.describe()
    assert reading.sentence
    assert reading.kind
    loader = [(images, torch.zeros(2))]
    statistics = features.activation_statistics(model, loader, layers=["features.0"])
    assert 0 <= statistics["features.0"].share_non_positive <= 1
    assert 0 <= statistics["features.0"].per_filter.share_non_positive[14] <= 1
    assert set(statistics["features.0"].dead_filters) <= set(range(64))


def test_pictures_and_reports_are_drawn_as_promised(run: Any) -> None:
    directory, sets, trainer, history = run
    result = trainer.evaluate(sets.test)
    curves = metrics.precision_recall_curve(result.probabilities, sets.test.labels)
    weights = trainer.model.get_parameter("conv1.weight")

    for figure in (
        plots.curves(history),
        plots.compare_curves({"relu": history, "tanh": history}),
        plots.confusion(result.confusion),
        plots.precision_recall(curves),
        plots.filters(weights),
        plots.feature_maps(torch.rand(6, 8, 8)),
        plots.image_grid(sets.test.images[:8]),
        plots.class_counts(sets),
        plots.architecture(base(), (3, 32, 32)),
    ):
        assert figure.axes
    assert "|" in report.compare([directory]).to_markdown()
    assert report.write(directory).name == "report.html"
