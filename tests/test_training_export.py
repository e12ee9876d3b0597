"""An exported file answers what the trained network answers, and says what it is."""

from __future__ import annotations

import copy
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convkit import Trainer, build, data, training
from convkit.cli import main
from convkit.data import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from convkit.errors import MissingExtraError, RunError, TrainingError
from convkit.training import Agreement, ExportedNetwork

TABLE = "conv 8 k3 p1 bn relu, maxpool 2, conv 8 k3 p1 bn relu, gap, linear 10 dropout 0.5"
CLASSES = ("circle", "square", 'a "quoted", <b>name</b>', *map(str, range(7)))


def needs_onnx() -> None:
    """Skip where the extra is not installed."""
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")


@pytest.fixture(scope="module", params=["onnx", "pt2"])
def ending(request: pytest.FixtureRequest) -> str:
    """Both kinds of file."""
    if request.param == "onnx":
        needs_onnx()
    return str(request.param)


@pytest.fixture(scope="module")
def sets() -> data.Sets:
    """A few hundred drawn figures."""
    return data.drawn_shapes(seed=0, train=400, validation=200, test=10)


@pytest.fixture(scope="module")
def trainer(sets: data.Sets, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A run of two epochs, with batch norm and dropout."""
    torch.manual_seed(0)
    trainer = Trainer(
        build(TABLE, (3, 32, 32)), lr=1e-2, directory=tmp_path_factory.mktemp("run") / "first"
    )
    trainer.fit(sets.train, sets.validation, epochs=2, progress=False)
    return trainer


@pytest.fixture(scope="module")
def network(
    trainer: Trainer, ending: str, tmp_path_factory: pytest.TempPathFactory
) -> ExportedNetwork:
    """The run in a file of either kind."""
    return training.export(trainer, tmp_path_factory.mktemp("export") / f"model.{ending}")


@pytest.fixture(scope="module")
def torch_file(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in a torch.export file."""
    return training.export(trainer, tmp_path_factory.mktemp("export") / "model.pt2").path


def pixels(count: int, size: int = 32, channels: int = 3) -> torch.Tensor:
    """Random images."""
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, channels, size, size), generator=generator).byte()


def by_hand(trainer: Trainer, images: torch.Tensor) -> torch.Tensor:
    """Logits by plain torch: normalised as the training images were, in evaluation mode."""
    assert trainer.preprocessing is not None
    mean = torch.tensor(trainer.preprocessing.mean)[:, None, None]
    std = torch.tensor(trainer.preprocessing.std)[:, None, None]
    model = copy.deepcopy(trainer.model).eval()
    with torch.no_grad():
        logits: torch.Tensor = model((images / 255 - mean) / std)
    return logits


def test_the_file_answers_validation_images_as_the_network_does(
    network: ExportedNetwork, trainer: Trainer, sets: data.Sets
) -> None:
    agreement = network.check(trainer, sets.validation)

    assert agreement.samples == 200
    assert agreement.share == 1
    assert agreement.greatest_difference < 1e-5


@pytest.mark.parametrize("count", [1, 2, 7, 130])
def test_any_number_of_images_goes_in(
    network: ExportedNetwork, trainer: Trainer, count: int
) -> None:
    images = pixels(count)

    assert torch.allclose(network(images), by_hand(trainer, images).softmax(1), atol=1e-5)
    assert network(images[:0]).shape == (0, 10)


def test_logits_are_the_outputs_as_they_are(
    trainer: Trainer, sets: data.Sets, tmp_path: Path, ending: str
) -> None:
    network = training.export(trainer, tmp_path / f"model.{ending}", outputs="logits")
    images = pixels(5)

    assert network.outputs == "logits"
    assert torch.allclose(network(images), by_hand(trainer, images), atol=1e-4)
    assert network.check(trainer, sets.validation).share == 1


def test_the_directory_of_a_run_is_exported_like_its_trainer(
    trainer: Trainer, tmp_path: Path, ending: str
) -> None:
    assert trainer.directory is not None
    network = training.export(trainer.directory, tmp_path / f"model.{ending}")

    assert torch.allclose(network(pixels(3)), by_hand(trainer, pixels(3)).softmax(1), atol=1e-5)


def test_onnxruntime_alone_reads_names_table_and_preprocessing(
    trainer: Trainer, sets: data.Sets, tmp_path: Path
) -> None:
    needs_onnx()
    import onnxruntime

    path = training.export(trainer, tmp_path / "model.onnx").path
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    texts = session.get_modelmeta().custom_metadata_map

    assert json.loads(texts["class_names"]) == list(sets.class_names)
    assert json.loads(texts["preprocessing"])["size"] == [32, 32]
    assert texts["outputs"] == "probabilities"
    assert build(texts["architecture"], (3, 32, 32)).conv1.out_channels == 8
    assert "| conv1 |" in texts["table"]
    assert session.get_inputs()[0].type == "tensor(uint8)"
    assert session.get_inputs()[0].shape[1:] == [3, 32, 32]
    assert isinstance(session.get_inputs()[0].shape[0], str)
    answers = session.run(None, {"images": np.asarray(pixels(4))})[0]
    assert np.allclose(answers.sum(1), 1, atol=1e-5)


def test_torch_alone_reads_the_texts_of_its_file(torch_file: Path) -> None:
    texts = {"class_names": "", "description": ""}

    program = torch.export.load(torch_file, extra_files=texts)

    assert len(json.loads(texts["class_names"])) == 10
    assert texts["description"].startswith("images: uint8 (N, 3, 32, 32), RGB")
    assert program.module()(pixels(3)).shape == (3, 10)


def test_every_name_comes_back_letter_by_letter(tmp_path: Path, ending: str) -> None:
    names = (*CLASSES[:9], "\u202e\n\x00" + "n" * 10_000)
    trainer = Trainer(build(TABLE, (3, 16, 16)), class_names=names)

    network = training.export(
        trainer, tmp_path / f"model.{ending}", preprocessing=Preprocessing(16)
    )

    assert network.class_names == names


@pytest.mark.parametrize(("name", "size"), [("resnet18", 64), ("alexnet", 224)])
def test_networks_of_torchvision_are_exported(
    tmp_path: Path, ending: str, name: str, size: int
) -> None:
    import torchvision

    torch.manual_seed(0)
    trainer = Trainer(torchvision.models.get_model(name, num_classes=4))
    shown = Preprocessing(size, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    images = data.ImageSet(
        pixels(3, size), torch.arange(3), class_names="abcd", preprocessing=shown
    )
    trainer.preprocessing = shown

    network = training.export(trainer, tmp_path / f"model.{ending}")

    logits = by_hand(trainer, images.images)
    assert torch.allclose(network(images.images), logits.softmax(1), atol=1e-5)
    assert network.check(trainer, images).greatest_difference < 1e-5
    assert "| conv1 |" in network.table or "| features.0 |" in network.table


def test_the_network_is_left_as_it_was(trainer: Trainer, tmp_path: Path, ending: str) -> None:
    trainer.model.train()
    before = copy.deepcopy(trainer.model.state_dict())
    numbers = torch.get_rng_state()

    training.export(trainer, tmp_path / f"model.{ending}")

    assert all(module.training for module in trainer.model.modules())
    assert all(torch.equal(before[key], value) for key, value in trainer.model.state_dict().items())
    assert all(parameter.requires_grad for parameter in trainer.model.parameters())
    assert torch.equal(numbers, torch.get_rng_state())


def test_files_of_images_go_through_the_preprocessing_of_the_file(
    network: ExportedNetwork, trainer: Trainer, tmp_path: Path
) -> None:
    from PIL import Image

    photo = tmp_path / "photo.png"
    Image.fromarray(np.asarray(pixels(1, 90)[0]).transpose(1, 2, 0)).save(photo)

    answers = network(network.preprocessing.load([photo]))

    assert torch.allclose(answers, trainer.predict([photo]).probabilities, atol=1e-5)


def test_a_torch_file_is_not_read_unless_it_is_trusted(torch_file: Path) -> None:
    with pytest.raises(TrainingError, match=r"^.*model\.pt2 is a torch\.export file, and reading "):
        ExportedNetwork.load(torch_file)
    assert ExportedNetwork.load(torch_file, trusted=True).outputs == "probabilities"


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    """Whatever the ending says: an archive is refused, and other bytes go to onnxruntime."""
    needs_onnx()

    class Spoiled:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", pickle.dumps(Spoiled()))
    for content in (archive.getvalue(), pickle.dumps(Spoiled())):
        for ending in ("onnx", "pt2"):
            path = tmp_path / f"model.{ending}"
            path.write_bytes(content)
            with pytest.raises(TrainingError):
                ExportedNetwork.load(path)

    assert not (tmp_path / "ran").exists()


def test_a_damaged_file_is_named(network: ExportedNetwork, tmp_path: Path) -> None:
    path = tmp_path / network.path.name
    content = network.path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(TrainingError, match=rf"^{path} could not be read: "):
        ExportedNetwork.load(path, trusted=True)


def test_a_model_of_others_is_said_to_be_of_others(tmp_path: Path) -> None:
    needs_onnx()
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [result])
    path = tmp_path / "other.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)

    with pytest.raises(
        TrainingError,
        match=r"^.*other\.onnx was not exported by convkit: 'class_names' is missing$",
    ):
        ExportedNetwork.load(path)


def test_an_ending_says_what_to_write(trainer: Trainer, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError,
        match=r"^model\.bin has no ending that says what to write: NAME\.onnx or NAME\.pt2$",
    ):
        training.export(trainer, tmp_path / "model.bin")


def test_outputs_have_two_names(trainer: Trainer, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"^outputs is 'probabilities' or 'logits', not 'softmax'$"
    ):
        training.export(trainer, tmp_path / "model.pt2", outputs="softmax")  # type: ignore[arg-type]


def test_an_unknown_preprocessing_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"^how the training images were prepared is unknown: say it, "
    ):
        training.export(Trainer(build(TABLE, (3, 16, 16))), tmp_path / "model.pt2")


def test_the_size_comes_from_the_table_where_the_preprocessing_has_none(tmp_path: Path) -> None:
    trainer = Trainer(build(TABLE, (1, 16, 20)))
    network = training.export(
        trainer, tmp_path / "model.pt2", preprocessing=Preprocessing(None, channels=1)
    )

    assert network.preprocessing.size == (16, 20)
    with pytest.raises(TrainingError, match=r"^the size of the images is unknown: say it, "):
        training.export(
            Trainer(nn.Conv2d(3, 2, 1)), tmp_path / "no.pt2", preprocessing=Preprocessing(None)
        )


def test_a_network_that_answers_with_maps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError,
        match=r"^the network answers 2 images with \(2, 2, 8, 8\): "
        r"one is exported that answers N images with \(N, classes\)$",
    ):
        training.export(
            Trainer(nn.Conv2d(3, 2, 1)), tmp_path / "no.pt2", preprocessing=Preprocessing(8)
        )
    assert not list(tmp_path.iterdir())


def test_a_network_that_torch_cannot_follow_is_named(tmp_path: Path) -> None:
    class Choosing(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            values = images.mean((2, 3))
            return values if bool(values.sum() > 0) else -values

    with pytest.raises(TrainingError, match=r"^this Choosing cannot be exported: "):
        training.export(Trainer(Choosing()), tmp_path / "no.pt2", preprocessing=Preprocessing(8))
    assert not list(tmp_path.iterdir())


def test_names_must_be_as_many_as_outputs(tmp_path: Path) -> None:
    trainer = Trainer(build(TABLE, (3, 16, 16)), class_names=("a", "b"))

    with pytest.raises(TrainingError, match=r"^the network has 10 outputs for 2 class names$"):
        training.export(trainer, tmp_path / "no.pt2", preprocessing=Preprocessing(16))


def test_images_of_another_kind_are_refused(torch_file: Path) -> None:
    network = ExportedNetwork.load(torch_file, trusted=True)

    with pytest.raises(
        TrainingError,
        match=r"^model\.pt2 takes uint8 images of shape \(N, 3, 32, 32\), "
        r"got torch\.float32 \(1, 3, 32, 32\)$",
    ):
        network(torch.zeros(1, 3, 32, 32))


def test_a_check_needs_pixels(trainer: Trainer, torch_file: Path) -> None:
    network = ExportedNetwork.load(torch_file, trusted=True)

    with pytest.raises(
        TrainingError,
        match=r"^an exported network takes pixels, which a tuple does not show: "
        r"give an image set of convkit\.data$",
    ):
        network.check(trainer, (torch.zeros(1, 3, 32, 32), torch.zeros(1)))


def test_another_network_does_not_agree(trainer: Trainer, sets: data.Sets, tmp_path: Path) -> None:
    other = Trainer(build(TABLE, (3, 32, 32)), class_names=sets.class_names)
    other.preprocessing = trainer.preprocessing

    agreement = training.export(other, tmp_path / "other.pt2").check(trainer, sets.validation)

    assert agreement.share < 0.9
    assert agreement.greatest_difference > 0.01


def test_an_agreement_is_a_sentence() -> None:
    assert str(Agreement(1000, 999, 2.5e-7, "dog/17.png")) == (
        "999 of 1,000 images get the same class (99.90%); "
        "probabilities differ by at most 2.5e-07 (dog/17.png)"
    )


def test_a_missing_extra_is_named(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)

    with pytest.raises(
        MissingExtraError,
        match=r'^export to ONNX needs the package onnx: pip install "<convkit>\[onnx\]"$',
    ):
        training.export(trainer, tmp_path / "model.onnx")


def test_a_run_without_a_table_is_loaded_with_its_network(sets: data.Sets, tmp_path: Path) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    trainer = Trainer(network, directory=tmp_path / "plain", class_names=sets.class_names)
    trainer.fit(sets.validation, sets.validation, epochs=1, progress=False)

    with pytest.raises(RunError, match=r"that no table builds as it is: "):
        training.export(tmp_path / "plain", tmp_path / "no.pt2")
    loaded = Trainer.load(tmp_path / "plain", model=copy.deepcopy(network))
    assert training.export(loaded, tmp_path / "yes.pt2").check(loaded, sets.test).share == 1


def test_the_command_exports_and_checks(
    tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = data.drawn_shapes(seed=0)
    trainer = Trainer(build(TABLE, (3, 32, 32)), directory=tmp_path / "run")
    trainer.fit(sets.test, sets.test, epochs=1, progress=False)
    kind = {"onnx": "onnx", "pt2": "torch"}[ending]

    code = main(["export", str(tmp_path / "run"), "--to", kind, "--check", "drawn"])

    told = capsys.readouterr().out.splitlines()
    assert code == 0
    assert told[0].startswith(f"{tmp_path / 'run' / 'model'}.{ending}, ")
    assert told[-1].startswith("1,000 of 1,000 images get the same class (100.00%); ")


def test_the_command_refuses_another_ending(
    trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(trainer.directory), "--to", "torch", "--out", "a.onnx"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "convkit export: error: a.onnx does not end in .pt2, as --to torch wants"
    )
