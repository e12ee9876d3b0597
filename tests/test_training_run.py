"""Run directories: what they hold, and how they come back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from convkit import Architecture, Trainer, build, data, training
from convkit.architecture import Conv, Custom, Flatten, Linear
from convkit.errors import CheckpointError, RunError
from convkit.training import EarlyStopping, Event, MeasureEpochs, read_run

PIXELS = torch.randint(
    0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


def image_set(split: Any = "train") -> data.ImageSet:
    """Forty made images of two classes."""
    made = data.ImageSet(PIXELS, torch.arange(40) % 2, class_names=("cat", "dog"), split=split)
    return made.with_normalization(0.5, 0.25)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained and evaluated network that was built from a table."""
    directory = tmp_path_factory.mktemp("runs") / "model1"
    torch.manual_seed(0)
    model = Architecture.parse("conv 4 k3 relu, maxpool 2, flatten, linear 2").build((3, 8, 8))
    trainer = Trainer(
        model, optimizer="adamw", lr=0.01, early_stopping=EarlyStopping(5), directory=directory
    )
    trainer.fit(image_set(), image_set("validation"), epochs=2, batch_size=16, progress=False)
    trainer.evaluate(image_set("test"))
    return directory


def test_the_configuration_says_what_was_trained_and_how(run: Path) -> None:
    values = json.loads((run / "configuration.json").read_text(), parse_constant=pytest.fail)

    assert values["architecture"] == "conv 4 k3 relu, maxpool 2, flatten, linear 2"
    assert values["input_shape"] == [3, 8, 8]
    assert values["class_names"] == ["cat", "dog"]
    assert values["parameters"] == values["trainable_parameters"] == 4 * 28 + 2 * 37
    assert values["macs"] == 36 * 4 * 27 + 2 * 36
    assert values["preprocessing"]["mean"] == [0.5, 0.5, 0.5]
    assert values["settings"]["epochs"] == 2
    assert values["settings"]["optimizer_settings"]["lr"] == 0.01
    assert values["settings"]["data"]["train"] == {"samples": 40, "per_class": [20, 20]}
    assert set(values["versions"]) == {"convkit", "torch", "python", "platform"}


def test_an_evaluation_is_written_beside(run: Path) -> None:
    values = read_run(run).evaluations["test"]

    assert values["n"] == sum(map(sum, values["confusion"])) == 40
    assert values["accuracy"] == (values["confusion"][0][0] + values["confusion"][1][1]) / 40
    assert values["accuracy_interval"][0] < values["accuracy"] < values["accuracy_interval"][1]
    assert len(values["average_precision"]) == 2
    assert values["class_names"] == ["cat", "dog"]


def test_the_weights_of_every_epoch_are_measured(tmp_path: Path) -> None:
    """Against copies of the weights of each epoch, measured by themselves afterwards."""
    torch.manual_seed(0)
    table = Architecture.parse("conv 4 k3 bn relu, dropout 0.3, flatten, linear 2")
    kept: list[dict[str, torch.Tensor]] = []

    def keep(event: Event) -> None:
        if event.what == "validation":
            kept.append({n: t.clone() for n, t in event.trainer.model.state_dict().items()})

    def train(directory: Path, *callbacks: Any) -> Trainer:
        torch.manual_seed(0)
        trainer = Trainer(table.build((3, 8, 8)), lr=0.01, directory=directory, callbacks=callbacks)
        trainer.fit(image_set(), image_set("validation"), epochs=11, batch_size=16, progress=False)
        return trainer

    trainer = train(tmp_path / "measured", MeasureEpochs(image_set("test")), keep)
    untouched = train(tmp_path / "alone")

    found = read_run(tmp_path / "measured").epochs("test")
    assert len(found) == len(kept) == 11
    assert read_run(tmp_path / "measured").epochs("validation") == []
    assert trainer.history["training_loss"] == untouched.history["training_loss"]
    for weights, measured in zip(kept, found, strict=True):
        trainer.model.load_state_dict(weights)
        again = trainer.evaluate(image_set("other"))
        assert measured["loss"] == again.loss
        assert measured["confusion"] == again.confusion.counts.tolist()


def test_the_worst_mistakes_are_kept_as_images(run: Path) -> None:
    mistakes = torch.load(run / "mistakes-test.pt", weights_only=True)
    count = len(mistakes["truth"])

    assert 0 < count <= 24
    assert mistakes["images"].dtype == torch.uint8
    assert (mistakes["truth"] != mistakes["predicted"]).all()
    of_truth = mistakes["probabilities"][torch.arange(count), mistakes["truth"]]
    assert of_truth.tolist() == sorted(of_truth.tolist())  # the greatest loss comes first
    assert len(mistakes["names"]) == count


def test_samples_are_kept_raw_and_normalised(run: Path) -> None:
    samples = torch.load(run / "samples.pt", weights_only=True)

    assert torch.equal(samples["images"], PIXELS[:16])
    torch.testing.assert_close(samples["normalized"], (PIXELS[:16] / 255 - 0.5) / 0.25)
    assert samples["labels"].tolist() == [0, 1] * 8


def test_read_run_needs_neither_network_nor_torch(run: Path) -> None:
    code = (
        "import sys; from convkit.training import read_run; run = read_run(sys.argv[1]);"
        "print(len(run.history), run.history.best_epoch, sorted(run.evaluations),"
        " 'torch' in sys.modules)"
    )
    found = subprocess.run(  # noqa: S603 - our own code in our own interpreter
        [sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True
    )

    assert re.fullmatch(r"2 [12] \['test'\] False\n", found.stdout)


def test_load_rebuilds_network_weights_classes_and_preprocessing(run: Path) -> None:
    trainer = Trainer.load(run)

    assert trainer.class_names == ("cat", "dog")
    assert trainer.preprocessing == image_set().preprocessing
    assert len(trainer.history) == 2
    assert trainer.evaluate(image_set("test")).to_dict() == {
        **read_run(run).evaluations["test"],
        "name": "test",
    }


def test_a_network_not_built_from_a_table_is_given(tmp_path: Path) -> None:
    def model() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 2))

    trainer = Trainer(model(), directory=tmp_path)
    trainer.fit(image_set(), image_set(), epochs=1, progress=False)
    loaded = Trainer.load(tmp_path, model())

    assert torch.equal(
        loaded.predict(image_set()).probabilities, trainer.predict(image_set()).probabilities
    )
    message = (
        f"{tmp_path} holds a Sequential that no table builds as it is: "
        "give one like it, Trainer.load(directory, model=...)"
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        Trainer.load(tmp_path)
    with pytest.raises(CheckpointError, match=r"do not fit this network"):
        Trainer.load(tmp_path, nn.Linear(2, 2))


def test_damaged_weights_are_not_said_to_fit_no_network(tmp_path: Path) -> None:
    model = build("conv 4 k3 relu, maxpool 2, flatten, linear 2", (3, 8, 8))
    Trainer(model, directory=tmp_path).fit(image_set(), image_set(), epochs=1, progress=False)
    best = tmp_path / "best.pt"
    best.write_bytes(best.read_bytes()[:-1])

    message = f"{best} is damaged: its checksum does not fit its content"
    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        Trainer.load(tmp_path)


@pytest.mark.parametrize("change", ["swapped", "appended", "set"])
def test_a_network_that_was_changed_after_it_was_built_is_given(
    tmp_path: Path, change: str
) -> None:
    def model() -> nn.Module:
        made = build("conv 4 k3 relu, maxpool 2, flatten, linear 2", (3, 8, 8))
        if change == "swapped":
            made.relu1 = nn.Tanh()
        elif change == "appended":
            made.append(nn.Tanh())
        else:
            made.pool1.ceil_mode = True
        return made

    trainer = Trainer(model(), directory=tmp_path / "run")
    trainer.fit(image_set(), image_set(), epochs=1, progress=False)
    truth = trainer.predict(image_set()).probabilities

    assert read_run(tmp_path / "run").configuration["architecture"] is None
    with pytest.raises(RunError, match="that no table builds as it is: give one like it"):
        Trainer.load(tmp_path / "run")
    assert torch.equal(
        Trainer.load(tmp_path / "run", model()).predict(image_set()).probabilities, truth
    )
    exported = training.export(trainer, tmp_path / "network.pt2")
    assert ("tanh" in exported.architecture) == (change != "set")
    assert ("ceil" in exported.architecture) == (change == "set")


def test_a_row_that_no_word_says_does_not_hinder_a_training(tmp_path: Path) -> None:
    def model() -> nn.Module:
        rows = [Conv(4, kernel_size=3), Custom("act", nn.GELU(), lambda shape: shape)]
        return Architecture([*rows, Flatten(), Linear(2)]).build((3, 8, 8))

    trainer = Trainer(model(), directory=tmp_path)
    trainer.fit(image_set(), image_set(), epochs=1, progress=False)

    assert read_run(tmp_path).configuration["architecture"] is None
    assert torch.equal(
        Trainer.load(tmp_path, model()).predict(image_set()).probabilities,
        trainer.predict(image_set()).probabilities,
    )


def test_load_computes_in_the_precision_of_the_training(tmp_path: Path) -> None:
    model = build("conv 4 k3 bn relu, flatten, linear 2", (3, 8, 8))
    trainer = Trainer(model, directory=tmp_path, device="cpu", precision="bfloat16")
    trainer.fit(image_set(), image_set(), epochs=1, progress=False)
    expected = trainer.predict(image_set()).probabilities

    loaded = Trainer.load(tmp_path, device="cpu")
    exact = Trainer.load(tmp_path, device="cpu", precision="float32")

    assert loaded.precision == "bfloat16"
    assert torch.equal(loaded.predict(image_set()).probabilities, expected)
    assert not torch.equal(exact.predict(image_set()).probabilities, expected)


def test_load_falls_back_where_the_device_lacks_the_precision(run: Path) -> None:
    path = run / "configuration.json"
    written = path.read_text(encoding="utf-8")
    path.write_text(written.replace('"precision": "float32"', '"precision": "float16"'))

    assert Trainer.load(run, device="cpu").precision == "float32"


def test_a_loaded_trainer_does_not_train(run: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^a loaded trainer measures and answers; to train on"):
        Trainer.load(run).fit(image_set(), epochs=1)


def test_nothing_is_written_without_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)))
    trainer.fit(image_set(), image_set(), epochs=1, progress=False)
    trainer.evaluate(image_set())

    assert list(tmp_path.iterdir()) == []


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "configuration.json").write_text("[]")

    message = f"{tmp_path / 'configuration.json'} could not be read: it holds a list"
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        read_run(tmp_path)
