"""How fast are the maps of AlexNet's conv layers 1, 3 and 5, and are they right?

Each way is prepared once; then all run in turns, in one process on one thread, in another order
every round. The ratios are paired: each round's processor time over the plain forward's of that
round. A map is right when it equals, bit for bit, that of a network without in-place activations.

    python benchmarks/features.py [--quick]
"""

from __future__ import annotations

import argparse
import copy
import importlib
import os
import platform
import random
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from convkit import FilterFeatureExtractor
from convkit._tables import Table

LAYERS = ("features.0", "features.6", "features.10")
DEEPEST = 11
PLAIN = "plain truncated forward"
Maps = dict[str, Tensor]
Way = Callable[[Tensor], Maps]


def plain(model: Any) -> Way:
    """The first eleven modules and nothing else; only the last map comes back."""

    def run(images: Tensor) -> Maps:
        return {LAYERS[-1]: model.features[:DEEPEST](images)}

    return run


def kept(model: Any) -> Way:
    """The same in a loop that keeps the three outputs, as they are after the next step."""

    def run(images: Tensor) -> Maps:
        maps: Maps = {}
        for name, module in list(model.features.named_children())[:DEEPEST]:
            images = module(images)
            if f"features.{name}" in LAYERS:
                maps[f"features.{name}"] = images
        return maps

    return run


def convkit(model: nn.Module) -> Way:
    """This library."""
    extractor = FilterFeatureExtractor(model)

    def run(images: Tensor) -> Maps:
        pairs = extractor.extract(images, LAYERS)
        return {name: layer.feature_maps for name, layer in pairs.items()}

    return run


def plain_hooks(model: nn.Module) -> Way:
    """What most people write: a hook that keeps the output."""

    def run(images: Tensor) -> Maps:
        maps: Maps = {}
        handles = [
            model.get_submodule(name).register_forward_hook(
                lambda _, __, output, name=name: maps.__setitem__(name, output)
            )
            for name in LAYERS
        ]
        model(images)
        for handle in handles:
            handle.remove()
        return maps

    return run


def torchvision_extractor(model: nn.Module) -> Way:
    """The one of torchvision, which also ends at the deepest layer."""
    from torchvision.models.feature_extraction import create_feature_extractor

    return create_feature_extractor(model, list(LAYERS))


def torchvision_of_a_copy(model: nn.Module) -> Way:
    """The same of a copy of the network whose activations are out of place."""
    changed = copy.deepcopy(model)
    set_inplace(changed, value=False)
    return torchvision_extractor(changed)


def captum(model: nn.Module) -> Way:
    """Captum evaluates one list of layers."""
    from captum.attr import LayerActivation

    activation = LayerActivation(model, [model.get_submodule(name) for name in LAYERS])
    return lambda images: dict(zip(LAYERS, activation.attribute(images), strict=True))


def torchlens(model: nn.Module) -> Way:
    """All of torchlens: it saves every operation of the whole forward."""
    import torchlens as lens

    labels = ("conv2d_1_1", "conv2d_3_7", "conv2d_5_11")

    def run(images: Tensor) -> Maps:
        trace = lens.trace(model, images)
        return {name: trace[label].out for name, label in zip(LAYERS, labels, strict=True)}

    return run


PEERS: dict[str, tuple[str | None, Any]] = {
    PLAIN: (None, plain),
    "the same, maps kept": (None, kept),
    "convkit": (None, convkit),
    "plain hooks": (None, plain_hooks),
    "create_feature_extractor": ("torchvision", torchvision_extractor),
    "the same of a changed copy": ("torchvision", torchvision_of_a_copy),
    "captum": ("captum", captum),
    "torchlens": ("torchlens", torchlens),
}


def truth(model: nn.Module, images: Tensor) -> Maps:
    """The maps of the same network with activations out of place."""
    set_inplace(model, value=False)
    maps = {name: value.clone() for name, value in plain_hooks(model)(images).items()}
    set_inplace(model, value=True)
    return maps


def set_inplace(model: nn.Module, *, value: bool) -> None:
    """Tell every activation of AlexNet whether to overwrite."""
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = value


def available() -> tuple[dict[str, Any], list[str]]:
    """The ways that can run here, and the packages that are missing."""
    ways, missing = {}, []
    for name, (package, way) in PEERS.items():
        try:
            if package is not None:
                importlib.import_module(package)
        except ImportError:
            missing.append(name)
        else:
            ways[name] = way
    return ways, missing


def right(maps: Maps, expected: Maps) -> str:
    """How many of the three maps are right."""
    if len(maps) < len(LAYERS):
        return "the last only"
    good = sum(torch.equal(maps[name], expected[name]) for name in LAYERS)
    return f"{good} of {len(LAYERS)}"


def measure(images_count: int, rounds: int) -> Table:
    """Run all ways in turns."""
    torch.manual_seed(0)
    model = torchvision.models.alexnet(weights=None).eval()
    images = torch.randn(images_count, 3, 224, 224)
    expected = truth(model, images)
    found, missing = available()
    ways: dict[str, Way] = {}
    correct: dict[str, str] = {}
    for name, prepare in found.items():
        try:
            way = prepare(model)
            correct[name] = right(way(images), expected)
        except Exception as error:  # noqa: BLE001 - a peer of another version may fail anyhow
            missing.append(f"{name} (failed: {type(error).__name__}: {error})"[:160])
        else:
            ways[name] = way
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    order = random.Random(0)
    for _ in range(rounds):
        for name in order.sample(list(ways), len(ways)):
            start = time.process_time()
            ways[name](images)
            seconds[name].append(time.process_time() - start)
    rows = tuple((name, *ratios(seconds, name), correct[name]) for name in ways)
    return Table(
        ("way", "time, plain = 1", "quartiles", "least over least", "maps right"),
        rows,
        notes=(
            (
                f"AlexNet, conv 1, 3, 5, {images_count} images of 224x224, {rounds} rounds; "
                f"torch {torch.__version__}, torchvision {torchvision.__version__}, "
                f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one thread"
            ),
            *(f"not measured: {name}" for name in missing),
        ),
    )


def ratios(seconds: dict[str, list[float]], name: str) -> tuple[str, str, str]:
    """The median of the paired ratios, their quartiles, and the ratio of the least times."""
    paired = [ours / base for ours, base in zip(seconds[name], seconds[PLAIN], strict=True)]
    low, middle, high = statistics.quantiles(paired, n=4, method="inclusive")
    least = min(seconds[name]) / min(seconds[PLAIN])
    return f"{middle:.3f}", f"{low:.3f} to {high:.3f}", f"{least:.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="8 images, 5 rounds")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the peers' own
        print(measure(8 if quick else 64, 5 if quick else 25).to_markdown())


if __name__ == "__main__":
    main()
