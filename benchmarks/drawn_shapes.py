"""Are the drawn shapes learnable but not trivial? A linear model and a small CNN say so.

Run `python benchmarks/drawn_shapes.py`; it prints a Markdown table of test accuracies.
"""

from __future__ import annotations

import argparse
import platform
import time

import torch
from torch import nn

from convkit import data

LINEAR_BELOW, NETWORK_ABOVE = 0.60, 0.95


def linear_model() -> nn.Module:
    """Every pixel weighted once for each class."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))


def small_network() -> nn.Module:
    """Three convolutions of 16, 32 and 64 channels, then 64 and 10 units."""
    blocks: list[nn.Module] = []
    channels = 3
    for width in (16, 32, 64):
        blocks += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    head = [nn.Flatten(), nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, 10)]
    return nn.Sequential(*blocks, *head)


def accuracy(model: nn.Module, image_set: data.ImageSet) -> float:
    """The share of right answers."""
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in data.batches(image_set, 500, shuffle=False):
            right += int((model(images).argmax(1) == labels).sum())
    return right / len(image_set)


def trained(model: nn.Module, image_set: data.ImageSet, *, epochs: int, flip: bool) -> float:
    """Train with Adam at 2e-3; the seconds it took."""
    augment = [data.HorizontalFlip()] if flip else []
    batches = data.batches(image_set, 64, augment=augment, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    start = time.perf_counter()
    for _ in range(epochs):
        model.train()
        for images, labels in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
    return time.perf_counter() - start


def main(arguments: list[str] | None = None) -> None:
    """Train both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, fewer epochs")
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args(arguments)
    epochs = 3 if options.quick else options.epochs
    start = time.perf_counter()
    sets = data.drawn_shapes(seed=0)
    drawing = time.perf_counter() - start
    print(f"{len(sets.train):,} + {len(sets.test):,} images drawn in {drawing:.1f} s")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.processor()}\n")
    print("| model | seed | epochs | training | test accuracy | wanted |")
    print("| :-- | --: | --: | --: | --: | --: |")
    for seed in range(1 if options.quick else 3):
        for name, make, flip, wanted in (
            ("linear", linear_model, False, f"< {LINEAR_BELOW:.0%}"),
            ("small CNN", small_network, True, f"> {NETWORK_ABOVE:.0%}"),
        ):
            torch.manual_seed(seed)
            model = make()
            seconds = trained(model, sets.train, epochs=epochs, flip=flip)
            result = accuracy(model, sets.test)
            print(f"| {name} | {seed} | {epochs} | {seconds:.1f} s | {result:.1%} | {wanted} |")


if __name__ == "__main__":
    main()
