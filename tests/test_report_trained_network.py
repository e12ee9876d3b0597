"""Which weights a task begins with, and what its page says of them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import torch
import torchvision

from convkit import Trainer, data, report
from convkit.architecture import zoo

COURSE = data.Preprocessing((224, 224), mean=data.IMAGENET_MEAN, std=data.IMAGENET_STD)


def test_quick_forms_have_random_weights_of_their_seed() -> None:
    page = report.Reproduction("Transfer")
    settings = Namespace(quick=True, seed=3, weights="no such file")

    model, preprocessing = report.trained_network(page, settings, "resnet18")

    torch.manual_seed(3)
    same = torchvision.models.resnet18(weights=None)
    assert torch.equal(model.conv1.weight, same.conv1.weight)
    assert preprocessing == COURSE
    assert page.stand_in == ""


def test_a_file_of_torchvisions_counts_as_imagenets_weights(tmp_path: Path) -> None:
    published = torchvision.models.resnet18(weights=None)
    torch.save(published.state_dict(), tmp_path / "resnet18-f37072fd.pth")
    page = report.Reproduction("Transfer")
    settings = Namespace(quick=False, seed=0, weights=tmp_path / "resnet18-f37072fd.pth")

    model, preprocessing = report.trained_network(page, settings, "resnet18")

    assert torch.equal(model.conv1.weight, published.conv1.weight)
    assert preprocessing == COURSE
    assert page.stand_in == ""
    assert "Weights: ImageNet's." in page.write(tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_run_on_other_images_stands_in(tmp_path: Path) -> None:
    sets = data.drawn_shapes(train=8, validation=8, test=0)
    trainer = Trainer(zoo.resnet18(10).build((3, 32, 32)), directory=tmp_path / "shapes")
    trainer.fit(sets.train, sets.validation, epochs=1)
    page = report.Reproduction("Transfer")
    page.stand_in = "1,000 images"
    settings = Namespace(quick=False, seed=0, weights=str(tmp_path / "shapes"))

    model, preprocessing = report.trained_network(page, settings, "resnet18")

    assert model.fc.out_features == 10
    assert preprocessing == sets.train.preprocessing
    assert page.stand_in == "1,000 images and the weights of the run `shapes`"
    text = page.write(tmp_path / "page.md").read_text(encoding="utf-8")
    assert "Weights: those of the run `shapes`, not ImageNet's." in text


def test_without_weights_it_says_what_could_not_be_read() -> None:
    settings = Namespace(quick=False, seed=0, weights="missing.pth")

    with pytest.raises(OSError, match=r"missing\.pth"):
        report.trained_network(report.Reproduction("Transfer"), settings, "resnet18")
