"""Check receptive fields against gradients.

    python benchmarks/check_receptive_fields_against_gradients.py             # 300 networks
    python benchmarks/check_receptive_fields_against_gradients.py --quick     # 30

Random networks of convolutions and average poolings with unequal strides, dilation, padding and
branches are built; the field of a unit must be the smallest box that holds every pixel on which
its value depends, that is, where its gradient is not zero.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

import torch
from torch import nn

from convkit import shapes


class Branches(nn.Module):
    """The sum of branches."""

    def __init__(self, branches: list[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Add what the branches make."""
        return sum((branch(images) for branch in self.branches), torch.zeros(()).double())


def random_network(
    rng: random.Random, seen: shapes.ReceptiveField, depth: int
) -> tuple[nn.Module, shapes.ReceptiveField]:
    """A chain of layers and branches, with the field of its units."""
    layers = []
    for _ in range(depth):
        stride = tuple(rng.choice([1, 1, 1, 2]) for _ in "hw")
        if rng.random() < 0.3:
            ways = [random_layer(rng, seen, stride) for _ in range(rng.randint(2, 3))]
            layers.append(Branches([way for way, _ in ways]))
            seen = ways[0][1].merge(*(way_seen for _, way_seen in ways[1:]))
        else:
            layer, seen = random_layer(rng, seen, stride)
            layers.append(layer)
    return nn.Sequential(*layers), seen


def random_layer(
    rng: random.Random, seen: shapes.ReceptiveField, stride: tuple[int, ...]
) -> tuple[nn.Module, shapes.ReceptiveField]:
    """A convolution or average pooling whose unequal padding makes up for the whole kernel."""
    kernel = tuple(rng.randint(1, 4) for _ in "hw")
    pool = rng.random() < 0.3
    dilation = (1, 1) if pool else tuple(rng.randint(1, 3) for _ in "hw")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    padding = tuple((before := rng.randint(0, total), total - before) for total in totals)
    pad = nn.ZeroPad2d((*padding[1], *padding[0]))  # left, right, top, bottom
    if pool:
        layer: nn.Module = nn.AvgPool2d(kernel, stride)
    else:
        layer = nn.Conv2d(1, 1, kernel, stride, dilation=dilation, bias=False).double()
        nn.init.uniform_(layer.weight, 0.5, 1.5)  # positive: nothing cancels
    return nn.Sequential(pad, layer), seen.then(kernel, stride, padding, dilation)


def check_receptive_fields(count: int, seed: int = 0) -> list[str]:
    """Compare `count` receptive fields with the pixels whose gradient is not zero."""
    rng = random.Random(seed)
    differences = []
    for _ in range(count):
        network, seen = random_network(
            rng, shapes.ReceptiveField((1, 1), (1, 1), (0, 0)), rng.randint(1, 5)
        )
        first = inner_unit(seen)
        after = tuple(place + 1 for place in first)  # its neighbour, one stride further
        size = [part.stop for part in seen.region(*after)]
        for unit in (first, after):
            found, expected = gradient_support(network, size, unit), seen.region(*unit)
            if found != expected:
                differences.append(f"unit {unit} of {network}: {found}, not {expected}")
    return differences


def inner_unit(seen: shapes.ReceptiveField) -> tuple[int, ...]:
    """The first unit that sees nothing of the padding."""
    starts = [part.start for part in seen.region(0, 0)]
    return tuple(-(start // jump) for start, jump in zip(starts, seen.stride, strict=True))


def gradient_support(
    network: nn.Module, size: list[int], unit: tuple[int, ...]
) -> tuple[slice, ...]:
    """The smallest box of pixels that holds all on which a unit depends."""
    images = torch.ones(1, 1, *size, dtype=torch.float64, requires_grad=True)
    network(images)[0, 0][unit].backward()
    places = images.grad[0, 0].nonzero()
    return tuple(slice(int(p.min()), int(p.max()) + 1) for p in places.unbind(dim=1))


def main() -> int:
    """Run the check and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="30 networks in place of 300")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    count = 30 if arguments.quick else 300
    start = time.perf_counter()
    differences = check_receptive_fields(count, arguments.seed)
    seconds = time.perf_counter() - start
    print(f"torch {torch.__version__}, seed {arguments.seed}")
    print(f"{count} networks, {len(differences)} differences, {seconds:.0f} seconds")
    print(*differences[:20], sep="\n", file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
