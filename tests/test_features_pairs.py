"""Filters and maps belong together, and it shows when they do not."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that PyTorch itself gives it

from convkit import FilterFeatureExtractor, data, shapes
from convkit.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from convkit.features import Pairs

MANY = os.environ.get("CONVKIT_MANY_CASES") == "1"


def pairs_of(*layers: nn.Module, size: int = 16) -> Pairs:
    torch.manual_seed(0)
    return FilterFeatureExtractor(nn.Sequential(*layers)).extract(torch.randn(2, 3, size, size))


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18", "mobilenet_v2"])
def test_every_conv_of_a_network_verifies(name: str) -> None:
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None)
    pairs = FilterFeatureExtractor(model).extract(torch.randn(1, 3, 64, 64))

    for layer in pairs.values():
        step = 1 if MANY else max(1, len(layer) // 3)
        assert all(layer[index].verify() for index in range(0, len(layer), step)), layer


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 6, 3, groups=3),
        nn.Conv2d(3, 3, 3, groups=3, padding=1),
        nn.Conv2d(3, 5, 1, bias=False),
        nn.Conv2d(3, 4, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(2, 1)),
        nn.Conv2d(3, 4, 4, padding="same"),
        nn.Conv2d(3, 4, 3, padding=2, padding_mode="reflect"),
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"),
        nn.ConvTranspose2d(3, 4, 4, stride=3, padding=2, output_padding=2, dilation=2),
        nn.ConvTranspose2d(3, 6, 3, stride=2, groups=3),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_every_kind_of_conv_is_paired_and_traced(layer: nn.Module) -> None:
    pairs = pairs_of(layer, nn.ReLU(inplace=True))["0"]

    for pair in pairs:
        assert pair.verify()
        height, width = pair.feature_map.shape[1:]
        for y, x in [(0, 0), (height - 1, 0), (height // 2, width // 3), (2, width - 1)]:
            assert pair.trace(y, x, 1).sum == pytest.approx(
                float(pair.feature_map[1, y, x]), abs=1e-5
            )


def test_the_filter_is_the_layers_weight_and_the_map_its_channel() -> None:
    layer = nn.Conv2d(3, 5, 3)
    pair = pairs_of(layer)["0"][4]

    assert torch.equal(pair.filter, layer.weight[4])
    assert pair.filter.shape == (3, 3, 3)
    assert pair.feature_map.shape == (2, 14, 14)
    assert pair.bias == float(layer.bias[4].detach())


def test_share_non_positive_counts_zeros_and_below() -> None:
    pair = pairs_of(nn.Conv2d(3, 2, 3))["0"][0]
    pair.feature_map[:] = 1.0
    pair.feature_map[0, :, :7] = 0.0
    pair.feature_map[1, :7] = -1.0

    assert pair.share_non_positive == 0.5


@pytest.mark.parametrize("amount", [1e-1, 1e-3])
def test_a_changed_weight_is_noticed(amount: float) -> None:
    pair = pairs_of(nn.Conv2d(3, 4, 3), nn.ReLU(True))["0"][1]
    pair.filter[0, 1, 1] += amount

    assert not pair.verify()


def test_a_weight_changed_in_the_model_is_noticed_and_said() -> None:
    layer = nn.Conv2d(3, 4, 3)
    pairs = pairs_of(layer)["0"]
    with torch.no_grad():
        layer.weight[1, 0, 0, 0] += 1e-6

    assert pairs[0].verify()
    assert str(pairs[1].verify()) == (
        "filter 1 is not the layer's any more: its weights were changed after the map was made; "
        "extract again"
    )


def test_a_shifted_index_is_noticed() -> None:
    layer = pairs_of(nn.Conv2d(3, 4, 3))["0"]
    shifted = [replace(layer[k], feature_map=layer[k + 1].feature_map) for k in range(3)]

    assert not any(pair.verify() for pair in shifted)
    assert not replace(layer[1], index=2).verify()


def test_a_map_overwritten_in_place_is_noticed() -> None:
    layer = pairs_of(nn.Conv2d(3, 4, 3))["0"]
    layer.feature_maps.relu_()

    assert not any(layer.verify())


def test_a_map_that_is_not_finite_is_no_pair() -> None:
    pair = pairs_of(nn.Conv2d(3, 4, 3))["0"][0]
    pair.feature_map[0, 3, 3] = float("nan")

    assert not pair.verify()


class Standardised(nn.Conv2d):
    """A conv layer that computes with other weights than it holds."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return F.conv2d(images, 3 * weight, self.bias, self.stride, self.padding)


def test_the_filter_is_the_one_that_the_layer_computed_with() -> None:
    layer = Standardised(3, 4, 3)
    pairs = pairs_of(layer, nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 2, 3)))

    assert pairs["0"][1].filter.mean() == pytest.approx(0.0, abs=1e-7)
    assert all(pair.verify() for one in pairs.values() for pair in one)


def test_trace_shows_products_and_the_receptive_field_of_alexnet() -> None:
    model = torchvision.models.alexnet(weights=None)
    pair = FilterFeatureExtractor(model).extract(torch.randn(1, 3, 224, 224), "features.6")[
        "features.6"
    ][7]
    field = shapes.receptive_field([(11, 4, 2), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1)])

    trace = pair.trace(5, 6)

    assert trace.products.shape == (192, 3, 3)
    assert trace.sum == pytest.approx(trace.value, abs=1e-5)
    top, left, bottom, right = trace.box
    assert (bottom - top, right - left) == (field.size, field.size) == (99, 99)
    assert (top + bottom - 1) / 2 == field.start + 5 * field.stride
    assert (left + right - 1) / 2 == field.start + 6 * field.stride


def test_a_trace_prints_its_products() -> None:
    layer = nn.Conv2d(1, 1, 2, bias=False)
    layer.weight.data = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    images = torch.arange(9.0).view(1, 1, 3, 3)
    pair = FilterFeatureExtractor(nn.Sequential(layer)).extract(images)["0"][0]

    text = str(pair.trace(1, 1))

    assert text.splitlines()[0] == "0, filter 0, image 0: value at (1, 1) = 67"
    assert text.splitlines()[-2:] == [
        "products 67 + bias 0 = 67",
        "sees rows 1 to 2, columns 1 to 2 of the image",
    ]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "googlenet", "densenet121"])
def test_a_pixel_moves_a_value_only_within_its_box(name: str) -> None:
    options = {"init_weights": False} if name == "googlenet" else {}
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None, **options)
    for module in [m for m in model.modules() if "SqueezeExcitation" in type(m).__name__]:
        module.forward = lambda images: images  # its gate sees the whole image
    extractor = FilterFeatureExtractor(model)
    layer = extractor.layers[len(extractor.layers) // 4]
    images = torch.randn(1, 3, 96, 96)
    before = extractor.extract(images, layer)[layer]
    y, x = (n // 2 for n in before.feature_maps.shape[2:])
    top, left, bottom, right = before.receptive_fields.box(y, x).clipped(96, 96)
    inside = torch.zeros(96, 96, dtype=torch.bool)
    inside[top:bottom, left:right] = True

    outside = extractor.extract(torch.where(inside, images, -images), layer)[layer]
    within = extractor.extract(torch.where(inside, -images, images), layer)[layer]

    assert torch.equal(outside.feature_maps[0, :, y, x], before.feature_maps[0, :, y, x])
    assert not torch.equal(within.feature_maps[0, :, y, x], before.feature_maps[0, :, y, x])


def test_layers_by_name_index_pattern_part_and_depth() -> None:
    model = torchvision.models.resnet18(weights=None)
    extractor = FilterFeatureExtractor(model)
    images = torch.zeros(1, 3, 32, 32)

    assert extractor.layers[0] == "conv1"
    assert list(extractor.extract(images, "early")) == ["conv1"]
    assert list(extractor.extract(images, ["deep", -1])) == ["layer4.1.conv2"]
    assert list(extractor.extract(images, "layer1.*.conv2")) == ["layer1.0.conv2", "layer1.1.conv2"]
    assert list(extractor.extract(images, "layer1.0")) == ["layer1.0.conv1", "layer1.0.conv2"]


def test_depths_count_the_layers_that_run() -> None:
    model = torchvision.models.googlenet(weights=None, init_weights=False)
    pairs = FilterFeatureExtractor(model).extract(torch.zeros(1, 3, 64, 64), "deep")

    assert list(pairs) == ["inception5b.branch4.1.conv"]


def test_early_middle_deep_of_alexnet_are_the_first_third_and_fifth() -> None:
    model = torchvision.models.alexnet(weights=None)
    pairs = FilterFeatureExtractor(model).extract(
        torch.zeros(1, 3, 64, 64), ["early", "middle", "deep"]
    )

    assert list(pairs) == ["features.0", "features.6", "features.10"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("2", "no conv layer fits '2' ('2' is a ReLU); did you mean '0'?"),
        (5, "layer index 5 is out of range: the model has 2 conv layers, 0 to 1"),
        ([], "no layer was asked for (layers=[]); layers=None takes all 2"),
        (1.5, None),
    ],
)
def test_a_layer_that_does_not_exist_is_named(layers: object, message: str | None) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.ReLU())
    expected = "^.*$" if message is None else f"^{re.escape(message)}$"
    if layers == "2":
        expected = r"^no conv layer fits '2' \('2' is a ReLU\); conv layers: '0', '1'$"
    with pytest.raises((FeatureError, TypeError), match=expected):
        FilterFeatureExtractor(model).extract(torch.zeros(1, 3, 9, 9), layers)


def test_a_model_without_conv_layers_is_refused() -> None:
    message = "Linear has no nn.Conv2d or nn.ConvTranspose2d layer to look into"
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        FilterFeatureExtractor(nn.Linear(3, 4))


def test_lazy_layers_are_refused_before_they_are_changed() -> None:
    message = "the weights of '0' do not exist yet; run the model once on an image first"
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        FilterFeatureExtractor(nn.Sequential(nn.LazyConv2d(4, 3)))


def test_pil_images_and_paths_go_through_the_preprocessing(tmp_path: object) -> None:
    image = Image.effect_noise((40, 30), 60).convert("RGB")
    path = f"{tmp_path}/noise.png"
    image.save(path)
    transform = torchvision.transforms.Compose(
        [torchvision.transforms.ToTensor(), torchvision.transforms.Normalize([0.5] * 3, [0.25] * 3)]
    )
    extractor = FilterFeatureExtractor(nn.Sequential(nn.Conv2d(3, 4, 3)), preprocessing=transform)

    pairs = extractor.extract([image, path])

    assert torch.equal(pairs.source.images[0], transform(image))
    assert torch.equal(pairs.source.images[0], pairs.source.images[1])
    original = torchvision.transforms.ToTensor()(image)
    assert torch.allclose(pairs.source.picture(0), original, atol=1e-6)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "CMYK"])
def test_a_runs_own_preprocessing_takes_paths_and_pil_images(tmp_path: Path, mode: str) -> None:
    image = Image.effect_noise((48, 36), 60).convert("RGB").convert(mode)
    path = tmp_path / "noise.tiff"
    image.save(path)
    preprocessing = data.Preprocessing(24, mean=0.5, std=0.25)
    extractor = FilterFeatureExtractor(
        nn.Sequential(nn.Conv2d(3, 4, 3)), preprocessing=preprocessing
    )

    pairs = extractor.extract([path, image])

    expected = preprocessing.normalize(preprocessing.load([path]))
    assert torch.equal(pairs.source.images[:1], expected)
    assert torch.equal(pairs.source.images[1:], expected)
    assert pairs.source.picture(0).shape == (3, 24, 24)
    assert float(pairs.source.picture(0).min()) >= 0
    assert torch.allclose((pairs.source.picture(0) - 0.5) / 0.25, expected[0], atol=1e-5)


def ramp() -> Image.Image:
    """A 16-bit ramp of grey."""
    return Image.fromarray(np.linspace(0, 65535, 80).astype(np.uint16).reshape(8, 10))


def logo() -> Image.Image:
    """A red square whose corner is transparent."""
    image = Image.new("RGBA", (10, 8), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 3, 3))
    return image


def palette_logo() -> Image.Image:
    """The same as a palette with a transparent colour."""
    image = Image.new("P", (10, 8), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(0, (0, 0, 3, 3))
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize("as_path", [False, True], ids=["in memory", "as file"])
@pytest.mark.parametrize("make", [ramp, logo, palette_logo])
def test_every_preprocessing_sees_16_bits_scaled_and_transparency_on_white(
    tmp_path: Path, make: Callable[[], Image.Image], as_path: bool
) -> None:
    image, path = make(), tmp_path / "image.png"
    image.save(path)
    given = path if as_path else image
    grey = torch.round(torch.linspace(0, 65535, 80).int().view(1, 8, 10) / 257).expand(3, -1, -1)
    red = torch.tensor([255.0, 0.0, 0.0]).view(3, 1, 1).repeat(1, 8, 10)
    red[:, :3, :3] = 255
    expected = grey if make is ramp else red
    model = nn.Sequential(nn.Conv2d(3, 4, 3))

    for preprocessing in (
        torchvision.transforms.ToTensor(),
        data.Preprocessing((8, 10), mean=0.0, std=1.0),
    ):
        extractor = FilterFeatureExtractor(model, preprocessing=preprocessing)
        assert torch.allclose(extractor.extract(given).source.images[0], expected / 255, atol=1e-6)


def test_a_file_is_turned_upright_before_it_is_laid_on_white(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the top row is the right column
    logo().save(tmp_path / "turned.png", exif=exif)
    extractor = FilterFeatureExtractor(
        nn.Sequential(nn.Conv2d(3, 4, 3)), preprocessing=torchvision.transforms.ToTensor()
    )

    image = extractor.extract(tmp_path / "turned.png").source.images[0]

    assert image.shape == (3, 10, 8)
    green = torch.zeros(10, 8)
    green[:3, -3:] = 1  # white in the corner, red elsewhere
    assert torch.equal(image[1], green)


@pytest.mark.parametrize("wrapped", [False, True], ids=["callable", "of a run"])
def test_pixels_whose_white_is_unknown_are_refused(wrapped: bool) -> None:
    message = (
        "the PIL image holds floating-point pixels, whose white is unknown: save as 8 or 16 bits"
    )
    preprocessing = (
        data.Preprocessing(8, mean=0.0, std=1.0) if wrapped else torchvision.transforms.ToTensor()
    )
    extractor = FilterFeatureExtractor(
        nn.Sequential(nn.Conv2d(3, 4, 3)), preprocessing=preprocessing
    )
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        extractor.extract(Image.new("F", (8, 8)))


def test_the_preprocessing_of_torchvisions_weights_is_the_models_own(tmp_path: Path) -> None:
    transform = torchvision.models.AlexNet_Weights.IMAGENET1K_V1.transforms()
    image = Image.effect_noise((300, 260), 60).convert("RGB")
    image.save(tmp_path / "noise.png")
    extractor = FilterFeatureExtractor(nn.Sequential(nn.Conv2d(3, 4, 3)), preprocessing=transform)

    source = extractor.extract([tmp_path / "noise.png"]).source

    assert torch.equal(source.images[0], transform(image))
    assert torch.allclose(
        source.picture(0),
        torchvision.transforms.functional.to_tensor(
            torchvision.transforms.functional.center_crop(
                torchvision.transforms.functional.resize(image, 256), 224
            )
        ),
        atol=1e-5,
    )


def test_an_image_without_preprocessing_is_refused() -> None:
    message = (
        "a PIL image needs the model's preprocessing: "
        "FilterFeatureExtractor(model, preprocessing=weights.transforms())"
    )
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        FilterFeatureExtractor(nn.Sequential(nn.Conv2d(3, 4, 3))).extract(Image.new("RGB", (9, 9)))


def test_pictures_are_drawn() -> None:
    images = torch.randn(2, 3, 32, 32)
    model = nn.Sequential(nn.Conv2d(3, 16, 5), nn.ReLU(True), nn.Conv2d(16, 8, 3))
    pairs = FilterFeatureExtractor(model).extract(images, stages="all")

    assert [axes.get_title() for axes in pairs["0"][3].plot().axes][:2] == ["image 32×32", "filter"]
    assert len(pairs["0"][3].overlay(images[1], alpha=0.5).axes[0].images) == 2
    assert len(pairs["0"].plot(channels=range(12)).axes) == 24
    assert len(pairs["0"].overlay(channels=range(10)).axes[0].images) == 20
    assert len(pairs.plot(channels=range(7)).axes) == 16
    assert len(pairs.plot_table({"0": 3, "2": 1}).axes) == 14


def test_an_overlay_lies_where_the_values_look() -> None:
    """A 5x5 filter without padding sees no centre in the two outer pixels of each side."""
    layer = pairs_of(nn.Conv2d(3, 4, 5), size=32)["0"]

    for figure in (layer[3].overlay(1), layer.overlay(1, alpha=1.0, channels=[3])):
        picture, laid = figure.axes[0].images
        left, right, bottom, top = picture.get_extent()
        pixel = (right - left) / 32
        assert laid.get_extent() == pytest.approx(
            (left + 2 * pixel, right - 2 * pixel, bottom - 2 * pixel, top + 2 * pixel)
        )
        assert torch.equal(torch.tensor(laid.get_array()).float(), layer.feature_maps[1, 3])
        assert figure.axes[0].get_xlabel().startswith("viridis: ")


@pytest.mark.parametrize("as_taken", [False, True], ids=["as given", "as normalised"])
def test_an_image_given_to_an_overlay_means_its_own_map(as_taken: bool) -> None:
    images = torch.randint(256, (3, 3, 12, 12), dtype=torch.uint8)
    preprocessing = data.Preprocessing(12, mean=0.5, std=0.25)
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    layer = FilterFeatureExtractor(model, preprocessing=preprocessing).extract(images)["0"]

    for place in range(3):
        given = (layer.source.images if as_taken else images)[place]
        for figure in (layer[2].overlay(given), layer.overlay(given, channels=[2])):
            laid = torch.tensor(figure.axes[0].images[-1].get_array()).float()
            assert torch.equal(laid, layer.feature_maps[place, 2])


def test_an_image_that_was_not_extracted_lies_only_below_a_single_map() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    images, other = torch.randn(2, 3, 12, 12), torch.zeros(3, 12, 12, dtype=torch.uint8)
    message = (
        "this image is none of the 2 extracted; say which map by its number, such as image=0, "
        "or extract this image alone to lay its map over it"
    )
    pairs = FilterFeatureExtractor(model).extract(images)
    alone = FilterFeatureExtractor(model).extract(images[1])["0"]
    laid = torch.tensor(alone[2].overlay(other).axes[0].images[-1].get_array()).float()

    assert torch.equal(laid, alone.feature_maps[0, 2])
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        pairs["0"][2].overlay(other)


def test_maps_of_later_stages_are_drawn_where_they_were_kept() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(True))
    nn.init.uniform_(model[1].bias, -1, 1)
    pairs = FilterFeatureExtractor(model).extract(torch.randn(2, 3, 9, 9), stages="all")
    layer = pairs["0"]
    after = layer.after_activation[1]

    drawn = (
        (layer.plot_maps([5], image=1, stage="activation"), 0),
        (layer.plot([5], image=1, stage="activation"), 1),
        (layer.overlay(1, channels=[5], stage="activation"), 0),
        (pairs.plot([5], image=1, stage="activation"), 1),
        (pairs.plot_table({"0": 5}), 7),
    )

    for figure, place in drawn:
        shown = figure.axes[place].images[-1].get_array()
        assert torch.equal(torch.tensor(shown).float(), after[5])
    assert torch.equal(layer.maps("norm"), layer.after_norm)


def test_a_table_of_pairs_says_what_the_activated_maps_are() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))
    extractor, images = FilterFeatureExtractor(model), torch.randn(1, 3, 9, 9)
    kept = extractor.extract(images, stages="all").plot_table().axes
    plain = extractor.extract(images).plot_table().axes

    assert [axes.get_title() for axes in (kept[3], kept[6])] == ["\nactivated"] * 2
    assert [len(axes.images) for axes in (kept[3], kept[6])] == [1, 0]
    assert [text.get_text() for text in kept[6].texts] == ["none"]
    assert [axes.get_title() for axes in (plain[3], plain[6])] == ["\nReLU applied"] * 2


def test_a_stage_that_was_not_kept_is_named() -> None:
    message = (
        "layer '0' has no maps of stage 'activation' here, only of 'conv'; "
        "extract(..., stages='all') keeps every stage that the layer has"
    )
    with pytest.raises(FeatureError, match=f"^{re.escape(message)}$"):
        pairs_of(nn.Conv2d(3, 2, 3), nn.ReLU())["0"].plot_maps(stage="activation")


def test_the_slices_of_a_filter_are_told_in_order_or_by_norm() -> None:
    layer = nn.Conv2d(6, 4, 3, groups=2)
    layer.weight.data[3] = torch.tensor([1.0, -3.0, 2.0])[:, None, None]
    images = torch.zeros(1, 6, 8, 8)
    pair = FilterFeatureExtractor(nn.Sequential(layer)).extract(images)["0"][3]

    assert [one.channel for one in pair.slices()] == [3, 4, 5]
    assert [one.norm for one in pair.slices(by_norm=True)] == [9.0, 6.0, 3.0]
    titles = [text.get_text() for text in pair.plot_slices(by_norm=True).axes[0].texts]
    assert titles == ["4", "5", "3"]


def test_duplicates_and_dead_filters_of_a_layer() -> None:
    layer = nn.Conv2d(3, 6, 3, bias=False)
    with torch.no_grad():
        layer.weight[4] = 2 * layer.weight[1]
        layer.weight[2] = 0
    pairs = pairs_of(layer)["0"]

    assert [(d.first, d.second) for d in pairs.duplicates(0.99)] == [(1, 4)]
    assert pairs.dead_filters == (2,)


def test_the_patches_that_excite_a_filter_most_are_found() -> None:
    layer = nn.Conv2d(3, 2, 3, bias=False)
    layer.weight.data[1] = 1.0
    images = torch.zeros(70, 3, 12, 12)
    images[66, :, 4:7, 5:8] = 1.0
    images[3, :, 0:3, 0:3] = 0.5
    extractor = FilterFeatureExtractor(nn.Sequential(layer, nn.ReLU(True)))

    top = extractor.top_patches(images, "0", 1, count=2)

    assert [(p.image, p.y, p.x) for p in top] == [(66, 4, 5), (3, 0, 0)]
    assert top[0].value == pytest.approx(27)
    assert top[0].box == (4, 5, 7, 8)
    assert torch.equal(top[0].pixels, torch.ones(3, 3, 3))
