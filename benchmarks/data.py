"""Images per second: whole batches against the usual ways, in one process, in turns.

Flip, rotation by up to 15 degrees, colour jitter and normalisation of images in class folders,
made here. Every contender makes the same number of training batches; they take turns, and the table
gives medians of ratios.

Run `python benchmarks/data.py [--quick] [--threads N]`.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torch.nn.functional import affine_grid, grid_sample
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms as v1
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from convkit import data

BATCH = 64
DEGREES, JITTER = 15, 0.1
Contender = Callable[[], Iterator[object]]


def write_images(root: Path, count: int, side: int) -> None:
    """JPEG files in ten class folders: smooth pictures with some grain."""
    generator = torch.Generator().manual_seed(0)
    for k in range(count):
        coarse = torch.rand(1, 3, 8, 8, generator=generator)
        fine = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")[0]
        grain = torch.randn(fine.shape, generator=generator) * 0.03
        pixels = ((fine + grain).clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
        path = root / str(k % 10) / f"{k:05d}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, quality=85)


class PerSample(TensorDataset):
    """Tensors in memory through a transform, one by one."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, transform: v2.Transform) -> None:
        super().__init__(images, labels)
        self.transform = transform

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One sample."""
        image, label = super().__getitem__(index)
        return self.transform(image), label


def by_hand(images: torch.Tensor, labels: torch.Tensor) -> Iterator[object]:
    """What a careful user writes: everything on batches of tensors."""
    mean, std = torch.full((3, 1, 1), 0.5), torch.full((3, 1, 1), 0.25)
    for chosen in torch.randperm(len(images)).split(BATCH):
        batch = images[chosen].float() / 255
        count = len(batch)
        flip = torch.rand(count, 1, 1, 1) < 0.5
        batch = torch.where(flip, batch.flip(3), batch)
        angle = (torch.rand(count) * 2 - 1) * math.radians(DEGREES)
        zero = torch.zeros_like(angle)
        rows = [angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero]
        grid = affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(batch.shape), False)
        batch = jittered_by_hand(grid_sample(batch, grid, "nearest", align_corners=False))
        yield (batch - mean) / std, labels[chosen]


def jittered_by_hand(batch: torch.Tensor) -> torch.Tensor:
    """Brightness, contrast, saturation and hue with factors of each image."""
    weights = torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)
    factors = 1 + (torch.rand(3, len(batch), 1, 1, 1) * 2 - 1) * JITTER
    batch = (batch * factors[0]).clamp(0, 1)
    mean = (batch * weights).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    batch = (mean + (batch - mean) * factors[1]).clamp(0, 1)
    grey = (batch * weights).sum(1, keepdim=True)
    batch = (grey + (batch - grey) * factors[2]).clamp(0, 1)
    largest, channel = batch.max(1)
    chroma = largest - batch.min(1).values
    red, green, blue = batch.unbind(1)
    safe = chroma.clamp(min=1e-8)
    sectors = torch.stack(
        [(green - blue) / safe, (blue - red) / safe + 2, (red - green) / safe + 4], 1
    )
    hue = sectors.gather(1, channel[:, None])[:, 0]
    hue = hue + (torch.rand(len(batch), 1, 1) * 2 - 1) * JITTER * 6
    place = (hue[:, None] + torch.tensor([5.0, 3.0, 1.0]).view(1, 3, 1, 1)) % 6
    share = torch.minimum(place, 4 - place).clamp(0, 1)
    return largest[:, None] - chroma[:, None] * share


def contenders(root: Path) -> dict[str, Contender]:
    """Every way, by name; the first is convkit's."""
    jitter = (JITTER, JITTER, JITTER, JITTER)
    normal = ((0.5,) * 3, (0.25,) * 3)
    sets = data.image_folder(root, mean=0.5, std=0.25)
    images, labels = sets.train.images, sets.train.labels
    augment = [data.HorizontalFlip(), data.Rotate(DEGREES), data.ColorJitter(*jitter)]
    batches = data.batches(sets.train, BATCH, augment=augment, prefetch=0)
    ahead = data.batches(sets.train, BATCH, augment=augment, prefetch=2)
    steps = [v1.RandomHorizontalFlip(), v1.RandomRotation(DEGREES), v1.ColorJitter(*jitter)]
    folder = ImageFolder(str(root), v1.Compose([*steps, v1.ToTensor(), v1.Normalize(*normal)]))
    tensor_steps = [v2.RandomHorizontalFlip(), v2.RandomRotation(DEGREES), v2.ColorJitter(*jitter)]
    to_float = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(*normal)]
    samples = PerSample(images, labels, v2.Compose([*tensor_steps, *to_float]))
    return {
        "convkit, same thread": lambda: iter(batches),
        "convkit, prefetching": lambda: iter(ahead),
        "ImageFolder + PIL + v1, 0 workers": lambda: iter(DataLoader(folder, BATCH, shuffle=True)),
        "ImageFolder + PIL + v1, 2 workers": lambda: iter(
            DataLoader(folder, BATCH, shuffle=True, num_workers=2)
        ),
        "v2 per sample on tensors, 0 workers": lambda: iter(
            DataLoader(samples, BATCH, shuffle=True)
        ),
        "v2 per sample on tensors, 2 workers": lambda: iter(
            DataLoader(samples, BATCH, shuffle=True, num_workers=2)
        ),
        "batched tensors by hand": lambda: by_hand(images, labels),
    }


def measured(ways: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Seconds of an epoch of each way, in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, make in ways.items():
            start = time.perf_counter()
            for _ in make():
                pass
            if turn:  # the first turn warms up
                seconds[name].append(time.perf_counter() - start)
    return seconds


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few images, one round")
    parser.add_argument("--threads", type=int, default=None, help="of torch")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, "
        f"{torch.get_num_threads()} torch threads, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}\n"
    )
    print("| images | way | images per second | convkit is faster by |")
    print("| :-- | :-- | --: | --: |")
    for side, count, rounds in ((32, 1280, 3), (224, 192, 3)):
        if options.quick:
            count, rounds = count // 8, 1
        with tempfile.TemporaryDirectory() as folder:
            write_images(Path(folder), count, side)
            seconds = measured(contenders(Path(folder)), rounds)
        ours = seconds["convkit, same thread"]
        for name, theirs in seconds.items():
            ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
            rate = count / statistics.median(theirs)
            print(f"| {side}x{side} | {name} | {rate:,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
