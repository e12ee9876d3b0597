"""What the Trainer leaves as it was, what it prints, measures and predicts."""

from __future__ import annotations

import random
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_training import CHECK, IMAGES, LABELS, fit, network
from torch import nn
from torch.nn import functional

from convkit import EarlyStopping, Trainer, data
from convkit.training import TrainingOptions
from convkit.training._place import pays_channels_last


def test_random_state_modes_and_layout_come_back() -> None:
    model = network()
    model[3].eval()
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state is what is looked at
    trainer = Trainer(model, options=TrainingOptions(channels_last=True))
    fit(trainer)
    trainer.evaluate(CHECK)
    trainer.predict(IMAGES)
    found = (torch.rand(1).item(), random.random(), np.random.rand())  # noqa: NPY002 - as above

    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - as above
    assert found == (torch.rand(1).item(), random.random(), np.random.rand())  # noqa: NPY002
    assert [layer.training for layer in model] == [True, True, True, False, True, True]
    assert model[0].weight.is_contiguous()
    assert (torch.tensor([1.1754944e-38]) * 0.5).item() > 0  # denormal numbers are back


@pytest.mark.parametrize(
    ("channels", "stride", "expected"), [(8, 2, False), (16, 2, True), (8, 1, True)]
)
def test_a_layer_that_crashes_in_channels_last_keeps_the_network_out_of_it(
    channels: int, stride: int, expected: bool
) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, channels, kernel_size=3, padding=1),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, 12, kernel_size=1, stride=stride),
    )

    assert pays_channels_last(model, torch.device("cpu"), "float32") is expected


def test_channels_last_changes_the_speed_and_not_the_result() -> None:
    found = []
    for layout in (False, True):
        model = network(dropout=0.0)
        options = TrainingOptions(channels_last=layout)
        found.append(fit(Trainer(model, optimizer="sgd", lr=0.1, options=options)))

    assert found[0]["validation_loss"] == pytest.approx(found[1]["validation_loss"], abs=1e-5)


def test_nothing_is_printed_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    fit(Trainer(network()))

    assert capsys.readouterr() == ("", "")


def test_progress_is_one_line_for_each_epoch_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Trainer(network(), early_stopping=EarlyStopping(5)).fit(
        (IMAGES, LABELS), CHECK, epochs=2, batch_size=8
    )

    out, err = capsys.readouterr()
    number, time = r"\d\.\d{4}", r"\d+\.\d s"
    means = rf"training loss {number} \(\d+\.\d%\), validation loss {number} \(\d+\.\d%\)"
    assert out == ""
    assert re.fullmatch(
        rf"epoch 1/2, {means}, {time}, {time} left\n"
        rf"epoch 2/2, {means}, smoothed {number}, {time}, 0\.0 s left\n"
        r"all 2 epochs are done\n",
        err,
    )


def test_a_last_batch_of_one_is_left_out_with_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    trainer = Trainer(model)
    history = trainer.fit((IMAGES[:9], LABELS[:9]), epochs=2, batch_size=4)

    notice = "a last batch of one sample is left out of training: batch norm needs two"
    assert capsys.readouterr().err.splitlines().count(notice) == 1
    assert history["step"] == [2, 4]
    assert len(trainer.evaluate((IMAGES[:9], LABELS[:9]), batch_size=4)) == 9


def test_without_batch_norm_a_batch_of_one_is_trained() -> None:
    trainer = Trainer(network(norm=False))

    history = trainer.fit((IMAGES[:9], LABELS[:9]), epochs=1, batch_size=4, progress=False)

    assert history["step"] == [3]


def test_evaluate_measures_every_sample_once() -> None:
    model = network()
    trainer = Trainer(model, class_names=("a", "b", "c"))
    result = trainer.evaluate((IMAGES, LABELS), batch_size=5)

    model.eval()
    outputs = model(IMAGES)
    assert result.loss == pytest.approx(functional.cross_entropy(outputs, LABELS).item(), abs=1e-6)
    assert result.accuracy == (outputs.argmax(1) == LABELS).double().mean().item()
    assert result.confusion.counts.sum() == 42
    assert result.accuracy_interval.low < result.accuracy < result.accuracy_interval.high
    torch.testing.assert_close(result.probabilities, outputs.softmax(1))
    assert re.fullmatch(
        r"test: loss \d\.\d{4}, accuracy \d+\.\d\d% \(95 % interval \d+\.\d\d% to \d+\.\d\d%\), "
        r"mean average precision 0\.\d{4}, 42 samples",
        str(result),
    )


def test_equal_scores_go_to_the_first_class() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 3))
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)
    trainer = Trainer(model)

    assert trainer.predict(IMAGES).labels.tolist() == [0] * 42
    assert trainer.evaluate((IMAGES, LABELS)).confusion.counts[:, 0].tolist() == [14, 14, 14]


def test_predictions_are_written_as_the_courses_want(tmp_path: Path) -> None:
    predictions = Trainer(network()).predict(IMAGES[:3])

    lines = predictions.to_csv(tmp_path / "p.csv").read_text().splitlines()

    assert lines[0] == "image_name,predicted_class_id"
    assert lines[1:] == [f"{i},{label}" for i, label in enumerate(predictions.labels.tolist())]
    header = predictions.to_csv(tmp_path / "q.csv", columns=("file", "class")).read_text()
    assert header.startswith("file,class\n")


def test_predictions_are_written_by_file_names_alone_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    found = Trainer(network()).predict(IMAGES[:3])
    predictions = replace(found, names=("test/cat/a.png", "test/b.png", "c.png"))

    whole, bare = (
        predictions.to_csv(tmp_path / "p.csv", folders=folders).read_text().splitlines()
        for folders in (True, False)
    )

    for lines, names in ((whole, predictions.names), (bare, ("a.png", "b.png", "c.png"))):
        labels = predictions.labels.tolist()
        assert lines[1:] == [f"{n},{label}" for n, label in zip(names, labels, strict=True)]


def test_an_image_set_brings_names_classes_and_preprocessing(tmp_path: Path) -> None:
    from PIL import Image

    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    image_set = data.ImageSet(
        pixels, torch.arange(6) % 2, class_names=("cat", "dog"), names=list("uvwxyz")
    )
    trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)))
    trainer.fit(image_set, image_set, epochs=1, progress=False)
    path = tmp_path / "one.png"
    Image.fromarray(pixels[0].permute(1, 2, 0).numpy()).save(path)

    known = trainer.predict(image_set)
    fresh = trainer.predict([path])

    assert (known.names, known.class_names) == (tuple("uvwxyz"), ("cat", "dog"))
    assert fresh.names == (str(path),)
    torch.testing.assert_close(fresh.probabilities, known.probabilities[:1])


def test_no_warning_comes_from_training() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(Trainer(network(), scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, 1)))
