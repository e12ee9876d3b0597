"""Every augmentation gives torchvision's pixels at equal parameters."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision import transforms as v1
from torchvision.transforms import functional as tv

from convkit import data
from convkit.data._colour import Jitter
from convkit.data._crops import random_windows
from convkit.data._perspective import Corners
from convkit.errors import DataError

COUNT = 500 if os.environ.get("CONVKIT_MANY_CASES") else 120
LEVEL = 1 / 255 + 1e-6


def some_images(count: int = COUNT, height: int = 20, width: int = 26) -> torch.Tensor:
    """Smooth random pictures, uint8: noise enlarged."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, height // 3, width // 3, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return (fine * 255).round().to(torch.uint8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_flips_are_torchvisions() -> None:
    images = some_images()

    assert torch.equal(data.HorizontalFlip(1.0)(images), tv.hflip(images))
    assert torch.equal(data.VerticalFlip(1.0)(images), tv.vflip(images))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_rotation_is_torchvisions(interpolation: Any, fill: float) -> None:
    images = some_images() / 255
    rotate = data.Rotate(180, interpolation=interpolation, fill=fill)
    angles = torch.rand(COUNT, generator=generator(), dtype=torch.float64) * 360 - 180
    drawn = rotate.draw(images.shape, generator())

    ours = rotate.apply(images.clone(), drawn)

    mode = v1.InterpolationMode(interpolation)
    angles = torch.rad2deg(torch.atan2(drawn[:, 1, 0], drawn[:, 0, 0]))
    theirs = [
        tv.rotate(image, float(angle), mode, fill=[fill] * 3 if fill else None)
        for image, angle in zip(images, angles, strict=True)
    ]
    # torchvision blends the filling in twice at the edge when it interpolates.
    assert_equal(
        ours, torch.stack(theirs), few=0.1 if fill and interpolation == "bilinear" else 0.002
    )


def assert_equal(ours: torch.Tensor, theirs: torch.Tensor, few: float = 0.0) -> None:
    """Equal within one grey level, but for a share of pixels whose source lies on an edge."""
    apart = ((ours - theirs).abs() > LEVEL).to(torch.float64).mean()

    assert float(apart) <= few


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_affine_is_torchvisions(interpolation: Any) -> None:
    images = some_images() / 255
    draws = torch.rand((5, COUNT), generator=generator(), dtype=torch.float64)
    angle, scale, shear = draws[0] * 360 - 180, 0.7 + draws[1], draws[2] * 40 - 20
    x, y = (draws[3] * 10 - 5).round(), (draws[4] * 10 - 5).round()
    from convkit.data._geometry import inverse_affine

    affine = data.Affine(180, interpolation=interpolation)
    ours = affine.apply(images.clone(), inverse_affine(angle, x, y, scale, shear))

    mode = v1.InterpolationMode(interpolation)
    theirs = [
        tv.affine(
            images[k], float(angle[k]), [int(x[k]), int(y[k])], float(scale[k]),
            [float(shear[k]), 0.0], mode,
        )
        for k in range(COUNT)
    ]  # fmt: skip
    assert_equal(ours, torch.stack(theirs), few=0.002)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_perspective_is_torchvisions(interpolation: Any) -> None:
    images = some_images() / 255
    perspective = data.Perspective(0.5, interpolation=interpolation, probability=1.0)
    drawn = perspective.draw(images.shape, generator())

    ours = perspective.apply(images.clone(), drawn)

    height, width = images.shape[2:]
    start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
    mode = v1.InterpolationMode(interpolation)
    theirs = [
        tv.perspective(image, start, places.to(torch.int64).tolist(), mode)
        for image, places in zip(images, drawn.places, strict=True)
    ]
    assert_equal(ours, torch.stack(theirs), few=0.002)


def test_perspective_leaves_the_others_alone() -> None:
    images = some_images(4) / 255
    drawn = Corners(torch.tensor([2]), torch.tensor([[[3, 2], [20, 0], [25, 19], [0, 15]]]))

    changed = data.Perspective().apply(images.clone(), drawn)

    assert torch.equal(changed[[0, 1, 3]], images[[0, 1, 3]])
    assert not torch.equal(changed[2], images[2])


@pytest.mark.parametrize(
    ("step", "theirs", "low", "high"),
    [
        (0, tv.adjust_brightness, 0.2, 1.8),
        (1, tv.adjust_contrast, 0.2, 1.8),
        (2, tv.adjust_saturation, 0.0, 2.0),
        (3, tv.adjust_hue, -0.5, 0.5),
    ],
)
def test_colour_steps_are_torchvisions(step: int, theirs: Any, low: float, high: float) -> None:
    images = some_images() / 255
    factors = torch.rand(COUNT, generator=generator(), dtype=torch.float64) * (high - low) + low
    chosen = tuple(factors if k == step else None for k in range(4))

    ours = data.ColorJitter().apply(images.clone(), Jitter((0, 1, 2, 3), chosen))

    expected = [theirs(image, float(f)) for image, f in zip(images, factors, strict=True)]
    assert_equal(ours, torch.stack(expected))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1)])
def test_the_whole_jitter_is_torchvisions_in_its_order(order: tuple[int, ...]) -> None:
    images = some_images(30) / 255
    factors = (torch.full((30,), 1.3), torch.full((30,), 0.7), torch.full((30,), 1.6),
               torch.full((30,), 0.2))  # fmt: skip
    steps = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue)

    ours = data.ColorJitter().apply(images.clone(), Jitter(order, factors))

    theirs = images
    for k in order:
        theirs = steps[k](theirs, float(factors[k][0]))
    assert_equal(ours, theirs)


def test_hue_keeps_grey_grey() -> None:
    images = torch.rand(10, 1, 4, 4).expand(-1, 3, -1, -1)

    changed = data.ColorJitter(hue=0.5)(images)

    assert torch.allclose(changed, images, atol=1e-6)


def test_greyscale_is_torchvisions() -> None:
    images = some_images() / 255

    assert_equal(data.Greyscale(1.0)(images), tv.rgb_to_grayscale(images, 3))


@pytest.mark.parametrize("size", [20, (11, 17), 30])
def test_random_resized_crops_are_torchvisions(size: Any) -> None:
    images = some_images(60, 40, 50) / 255
    crop = data.RandomResizedCrop(size)
    windows = crop.draw(images.shape, generator())

    ours = crop.apply(images, windows)

    pair = size if isinstance(size, tuple) else (size, size)
    theirs = [
        tv.resized_crop(image, *window, list(pair), antialias=True)
        for image, window in zip(images, windows.tolist(), strict=True)
    ]
    assert_equal(ours, torch.stack(theirs))


def test_random_crops_are_windows_of_the_padded_image() -> None:
    images = some_images(30)
    crop = data.RandomCrop(20, padding=4, fill=1.0)
    places = crop.draw(images.shape, generator())

    ours = crop.apply(images, places)

    theirs = [
        tv.crop(tv.pad(image, [4], fill=255), top, left, 20, 20)
        for image, (top, left) in zip(images, places.tolist(), strict=True)
    ]
    assert torch.equal(ours, torch.stack(theirs))


def test_erasing_is_torchvisions() -> None:
    images = some_images(50)
    erasing = data.Erasing(1.0, fill=0.25)
    windows = erasing.draw(images.shape, generator())

    ours = erasing.apply(images.clone(), windows)

    theirs = [tv.erase(image, *w, 64) for image, w in zip(images, windows.tolist(), strict=True)]
    assert torch.equal(ours, torch.stack(theirs))


def test_cutout_is_cut_off_at_the_border() -> None:
    images = torch.ones(400, 1, 9, 9)

    lost = (data.Cutout(4)(images) == 0).sum((1, 2, 3))

    # Sides of 2 or 3 at an edge, of 4 elsewhere.
    assert set(lost.tolist()) == {4, 6, 8, 9, 12, 16}


def test_noise_has_its_deviation_and_no_mean() -> None:
    noisy = data.GaussianNoise(0.05)(torch.full((40, 3, 32, 32), 0.5))

    assert stats.kstest(((noisy - 0.5) / 0.05).flatten().numpy()[:5000], "norm").pvalue > 1e-3


def assert_uniform(values: torch.Tensor, low: float, high: float) -> None:
    assert stats.kstest(values.numpy(), "uniform", args=(low, high - low)).pvalue > 1e-3


def test_random_parameters_are_distributed_as_said() -> None:
    shape = torch.Size((4000, 3, 32, 32))
    rotation = data.Rotate((-10, 30)).draw(shape, generator())
    jitter = data.ColorJitter(0.4, (0.5, 0.9), 2.0, 0.1).draw(shape, generator())

    assert_uniform(torch.rad2deg(torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0])), -10, 30)
    for factor, (low, high) in zip(
        jitter.factors, [(0.6, 1.4), (0.5, 0.9), (0, 3), (-0.1, 0.1)], strict=True
    ):
        assert factor is not None
        assert_uniform(factor, low, high)
    assert 0.45 < float(data.HorizontalFlip().draw(shape, generator()).double().mean()) < 0.55


def test_windows_are_distributed_as_torchvisions() -> None:
    shape = torch.Size((3000, 3, 32, 48))
    ours = random_windows(shape, (0.08, 1.0), (3 / 4, 4 / 3), generator())
    image = torch.zeros(3, 32, 48)
    torch.manual_seed(0)
    theirs = torch.tensor(
        [v1.RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(3000)]
    )

    for k in range(4):
        assert stats.ks_2samp(ours[:, k].numpy(), theirs[:, k].numpy()).pvalue > 1e-3


def test_a_window_that_never_fits_is_the_largest_in_the_middle() -> None:
    windows = random_windows(torch.Size((5, 3, 10, 100)), (0.9, 1.0), (0.75, 4 / 3), generator())

    assert windows.tolist() == [[0, 43, 10, 13]] * 5


AUGMENTATIONS = [
    data.HorizontalFlip(), data.VerticalFlip(), data.Rotate(20), data.Affine(10, shear=5),
    data.Perspective(), data.RandomCrop(12), data.RandomResizedCrop(16), data.Greyscale(0.5),
    data.ColorJitter(0.2, 0.2, 0.2, 0.1), data.GaussianNoise(), data.Erasing(), data.Cutout(5),
    data.MixUp(), data.CutMix(),
]  # fmt: skip


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=lambda a: type(a).__name__)
def test_a_call_is_repeatable_and_leaves_everything_as_it_was(augmentation: Any) -> None:
    images = some_images(16)
    kept, state = images.clone(), torch.random.get_rng_state()

    first, second = augmentation(images, seed=3), augmentation(images, seed=3)

    assert first.dtype == torch.uint8
    assert torch.equal(first, second)
    assert torch.equal(images, kept)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=lambda a: type(a).__name__)
def test_bytes_and_floats_agree_within_one_level(augmentation: Any) -> None:
    images = some_images(16)

    of_bytes = augmentation(images, seed=1) / 255
    of_floats = augmentation(images / 255, seed=1)

    assert float((of_bytes - of_floats).abs().max()) <= LEVEL


def test_grey_images_pass_through_all() -> None:
    images = some_images(8)[:, :1]

    for augmentation in AUGMENTATIONS:
        assert augmentation(images).shape[1] == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: data.HorizontalFlip(1.5),
            "HorizontalFlip: probability=1.5 must be from 0 to 1",
        ),
        (
            lambda: data.Rotate(-3),
            "Rotate: degrees=-3 must not be negative; a pair may be",
        ),
        (
            lambda: data.Rotate((5, 1)),
            "Rotate: degrees=(5, 1) must be a number or a pair (least, most)",
        ),
        (
            lambda: data.Rotate(3, interpolation="cubic"),  # type: ignore[arg-type]  # the mistake
            'Rotate: interpolation=\'cubic\': use "nearest" or "bilinear"',
        ),
        (
            lambda: data.ColorJitter(hue=0.7),
            "ColorJitter: hue=0.7 must lie in -0.5 to 0.5",
        ),
        (
            lambda: data.RandomCrop(40)(torch.zeros(1, 3, 32, 32)),
            "RandomCrop: size=40 is larger than images of 32x32 with padding=0",
        ),
        (
            lambda: data.Affine(5, scale=(0.0, 1.0)),
            "Affine: scale=(0.0, 1.0) must be a pair (least, most) from 0.001 to 1000",
        ),
        (lambda: data.MixUp(0), "MixUp: alpha=0 must be greater than 0"),
        (
            lambda: data.Rotate(3)(torch.zeros(3, 32, 32)),
            (
                "Rotate takes uint8 or float images of shape (N, C, H, W), "
                "got torch.float32 (3, 32, 32)"
            ),
        ),
    ],
)
def test_mistakes_are_named(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        make()


def test_mixup_labels_say_what_the_pixels_are() -> None:
    images = torch.eye(6)[:, :, None, None].expand(6, 6, 4, 4).clone()
    mixup = data.MixUp(1.0)
    kept = mixup.draw(images.shape, generator())

    mixed = mixup.apply(images, kept)

    labels = mixup.mix_labels(torch.eye(6), kept)
    torch.testing.assert_close(mixed.mean((2, 3)), labels)
    assert torch.allclose(labels.sum(1), torch.ones(6))


def test_cutmix_labels_say_what_the_pixels_are() -> None:
    images = torch.eye(60)[:, :, None, None].expand(60, 60, 8, 8).clone()
    cutmix = data.CutMix(1.0)
    windows = cutmix.draw(images.shape, generator())

    mixed = cutmix.apply(images, windows)

    labels = cutmix.mix_labels(torch.eye(60), windows)
    torch.testing.assert_close(mixed.mean((2, 3)), labels)


def test_mixing_shares_follow_beta() -> None:
    kept = data.MixUp(0.4).draw(torch.Size((3000, 3, 8, 8)), generator())

    assert stats.kstest(kept.numpy(), "beta", args=(0.4, 0.4)).pvalue > 1e-3
    assert np.isfinite(kept.numpy()).all()
