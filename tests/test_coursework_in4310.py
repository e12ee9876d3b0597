"""The exact numbers of the IN4310 coursework that no other test states, and its example."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from convkit import Architecture, FilterFeatureExtractor, Trainer, data, metrics, report
from convkit.architecture import zoo

EXAMPLE = Path(__file__).parents[1] / "examples" / "in4310_intel_scenes.py"
# Predicted right of the images in each class of a batch: the published "AP" and its mean.
LAST_OF_TEST, LAST_OF_VALIDATION = [2, 5, 6, 2, 6, 3], [1, 2, 4, 6, 1, 2]


@pytest.fixture(scope="module")
def example() -> dict[str, object]:
    return runpy.run_path(str(EXAMPLE), run_name="example")


def test_torchvisions_weights_fit_the_table_in_the_order_of_their_layers(example: dict) -> None:
    torch.manual_seed(0)
    known = torchvision.models.resnet18(num_classes=6)
    with torch.no_grad():
        for tensor in known.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.0).mul_(0.1)
    model = example["resnet"](18).build((3, 80, 80))

    values = known.state_dict().values()
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))

    image = torch.randn(1, 3, 80, 80)
    torch.testing.assert_close(model.eval()(image), known.eval()(image))


def test_a_run_on_other_images_gives_its_weights_but_for_the_head(
    example: dict, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    images = (torch.randn(4, 3, 32, 32), torch.arange(4) % 3)
    source = Trainer(zoo.resnet18(3).build((3, 32, 32)), lr=1e-3, directory=tmp_path / "other")
    source.fit(images, images, epochs=1, progress=False)
    settings = argparse.Namespace(seed=0, quick=False, weights=str(tmp_path / "other"))
    page = report.Reproduction("Run P")

    model = example["build"](page, settings, "P")

    given, taken = source.model.state_dict(), model.state_dict()
    assert list(given) == list(taken)
    for name in list(given)[:-2]:
        assert torch.equal(given[name], taken[name])
    assert list(taken.values())[-2].shape == (6, 512)
    assert page.stand_in == "the weights of the run `other`"


def test_shares_of_a_run_from_other_weights_on_some_images_stand_in(
    example: dict, tmp_path: Path
) -> None:
    scenes = example["draw_images"](tmp_path / "scenes")
    (tmp_path / "other").mkdir()
    settings = argparse.Namespace(data=scenes, quick=False, weights=str(tmp_path / "other"))
    few, both = report.Reproduction("Run A"), report.Reproduction("Run P")

    sets = example["sets_of"](few, settings, "A")
    example["sets_of"](both, settings, "P")

    photographs = f"{sum(map(len, sets))} of the 17,034 photographs"
    assert few.stand_in == photographs
    assert both.stand_in == f"{photographs} and the weights of the run `other`"


def thin_resnet() -> nn.Sequential:
    torch.manual_seed(0)
    block = "residual (conv {0} k3 s{1} p1 no-bias bn relu, conv {0} k3 p1 no-bias bn)"
    stages = [block.format(4, 1), block.format(6, 2)]
    text = ", ".join(["conv 4 k3 s2 p1 no-bias bn relu", *stages, "global average pool, flatten"])
    return Architecture.parse(f"{text}, linear 6").build((3, 16, 16))


def test_every_number_of_the_example_is_exact(example: dict) -> None:
    page = report.Reproduction("exact")

    example["exact"](page)

    assert page.counts() == f"{len(page.comparisons)} exact"
    assert len(page.comparisons) >= 20


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_the_tables_of_the_example_are_resnets(example: dict, depth: int) -> None:
    ours, known = example["resnet"](depth), getattr(zoo, f"resnet{depth}")(6)

    assert ours.to_text() == known.to_text()


def test_the_split_is_disjoint_and_takes_the_test_images_first(tmp_path: Path) -> None:
    counts = [13, 14, 15, 15, 14, 14]
    generator = np.random.default_rng(0)
    rows = ["path,label"]
    for label, count in enumerate(counts):
        for k in range(count):
            noise = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / f"{label}_{k}.png")
            rows.append(f"{label}_{k}.png,{label}")
    (tmp_path / "images.csv").write_text("\n".join(rows))

    sets = data.image_list(
        tmp_path / "images.csv", (4, 4), test=15, validation=10, seed=42, mean=0, std=1
    )

    labels = np.repeat(np.arange(6), counts)
    names = [each.names for each in sets]
    rest, test = data.stratified_split(labels, 15, seed=42)
    train, validation = data.stratified_split(labels[rest], 10, seed=42)
    for found, chosen in zip(names, (rest[train], rest[validation], test), strict=True):
        assert set(found) == {rows[1 + i].split(",")[0] for i in chosen}
    assert len(set().union(*names)) == sum(counts) == sum(map(len, names))


@pytest.mark.parametrize(("images", "batches", "last"), [(3000, 94, 24), (2000, 63, 16)])
def test_the_last_batch_that_was_published(images: int, batches: int, last: int) -> None:
    image_set = data.ImageSet(
        torch.zeros(images, 3, 1, 1, dtype=torch.uint8),
        torch.zeros(images, dtype=torch.int64),
        class_names=["one"],
    )
    sizes = [len(labels) for _, labels in data.batches(image_set, 32, shuffle=False)]

    assert (len(sizes), sizes[-1]) == (batches, last)
    assert last == sum(LAST_OF_TEST if images == 3000 else LAST_OF_VALIDATION)


def test_average_precision_of_four_ranks() -> None:
    ap = metrics.average_precision([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])

    assert ap.mean == pytest.approx((1 + 2 / 3) / 2, rel=1e-15)
    assert round(ap.mean, 4) == 0.8333


def test_scores_saved_and_loaded_are_predicted_again(tmp_path: Path) -> None:
    images = (torch.randn(24, 3, 16, 16), torch.arange(24) % 6)
    trainer = Trainer(thin_resnet(), optimizer="adam", lr=1e-3, directory=tmp_path / "run")
    trainer.fit(images, images, epochs=1, progress=False)
    torch.save(trainer.evaluate(images).probabilities, tmp_path / "scores.pt")

    again = Trainer.load(tmp_path / "run").predict(images).probabilities

    saved = torch.load(tmp_path / "scores.pt", weights_only=True)
    torch.testing.assert_close(again, saved, rtol=0, atol=1e-5)


def test_the_maps_of_a_stage_are_what_a_hook_on_its_end_sees() -> None:
    model = thin_resnet().eval()
    images, seen = torch.randn(3, 3, 16, 16), {}
    for name in ("relu2", "relu3"):
        model.get_submodule(name).register_forward_hook(
            lambda _, __, output, name=name: seen.update({name: output.detach().clone()})
        )
    model(images)
    layers = ["block1.body.conv2", "block2.body.conv2"]

    pairs = FilterFeatureExtractor(model).extract(images, layers, stages="activation")

    for layer, name in zip(layers, seen, strict=True):
        torch.testing.assert_close(pairs[layer].after_activation, seen[name])


def test_a_network_for_one_size_answers_at_another() -> None:
    """Why nothing told the original that it trained at 80 and tested at 224."""
    model = thin_resnet().eval()

    assert model(torch.zeros(1, 3, 16, 16)).shape == model(torch.zeros(1, 3, 45, 45)).shape


def test_the_published_test_losses_are_random_numbers(example: dict) -> None:
    drawn = np.random.RandomState(42).uniform(0.2, 0.6, 9)

    assert drawn.round(4).tolist() == example["PUBLISHED"]["test_losses"]
