"""Check the calculator against PyTorch and against exhaustive search.

    python benchmarks/check_shapes_against_torch.py             # 100,000 layers, 10,000 tasks
    python benchmarks/check_shapes_against_torch.py --quick     # a twentieth of it

Random layers, a part of them impossible ones, are built and run by PyTorch on the CPU; the
calculator must accept and refuse the same ones and give the same sizes and parameters. The solvers
must give exactly the answers that trying every value finds.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from convkit import shapes
from convkit.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SUFFIX = {1: "1d", 2: "2d", 3: "3d"}


@dataclass(frozen=True)
class Layer:
    """A random layer: how PyTorch makes it, how the calculator is asked, for which input."""

    kind: str
    arguments: dict[str, Any]
    channels: int
    size: tuple[int, ...]
    build: Callable[[], nn.Module]
    ask: Callable[[], tuple[tuple[int, ...], int]]


@dataclass
class Outcome:
    """What a check found."""

    cases: int = 0
    accepted: int = 0
    differences: list[str] = field(default_factory=list)


def draw_each(rng: random.Random, dimensions: int, low: int, high: int) -> Any:
    """One number for all dimensions, or one for each; rarely one below `low`, an impossible one."""

    def draw() -> int:
        return low - 1 if rng.random() < 0.01 else rng.randint(low, high)

    return draw() if rng.random() < 0.4 else tuple(draw() for _ in range(dimensions))


def random_size(rng: random.Random, dimensions: int) -> tuple[int, ...]:
    """An input size, small enough for thousands of forward passes; rarely an empty one."""
    most = {1: 40, 2: 20, 3: 9}[dimensions]
    return tuple(0 if rng.random() < 0.01 else rng.randint(1, most) for _ in range(dimensions))


def random_conv(rng: random.Random, dimensions: int, *, transposed: bool = False) -> Layer:
    """A convolution: padding by number, name or unequal sides; groups, dilation."""
    size = random_size(rng, dimensions)
    draw = partial(draw_each, rng, dimensions)
    arguments: dict[str, Any] = {"kernel_size": draw(1, 5), "dilation": draw(1, 3)}
    arguments["stride"] = draw(1, 4) if rng.random() < 0.7 else 1
    groups = rng.choice([1, 1, 2, 3])
    inputs = groups * rng.randint(1, 2) + (rng.random() < 0.02)  # rarely not divisible
    channels = {"groups": groups, "bias": rng.random() < 0.5}
    both = (inputs, groups * rng.randint(1, 3))
    arguments["padding"], unequal = draw(0, 4), None
    if transposed:
        arguments["output_padding"] = draw(0, 3)
    elif rng.random() < 0.15:
        arguments["padding"] = rng.choice(["same", "valid"])
    elif rng.random() < 0.15:
        arguments["padding"], unequal = 0, [[rng.randint(0, 4), rng.randint(0, 4)] for _ in size]
        size = tuple(max(s, 1) for s in size)  # a layer of its own pads even an empty map
    kind = ("ConvTranspose" if transposed else "Conv") + SUFFIX[dimensions]

    def build() -> nn.Module:
        layer = getattr(nn, kind)(*both, **channels, **arguments)
        return layer if unequal is None else nn.Sequential(zero_padding(unequal), layer)

    def ask() -> tuple[Any, int]:
        rule = shapes.conv_transpose_output if transposed else shapes.conv_output
        count = shapes.conv_transpose_parameters if transposed else shapes.conv_parameters
        given = arguments if unequal is None else {**arguments, "padding": unequal}
        kernel = arguments["kernel_size"]
        parameters = count(*both, kernel_size=kernel, dimensions=dimensions, **channels)
        return rule(size, **given), parameters.total

    return Layer(kind, {**channels, **arguments, "unequal": unequal}, inputs, size, build, ask)


def zero_padding(sides: Sequence[Sequence[int]]) -> nn.Module:
    """PyTorch's layer for (before, after) of each dimension; it takes the last one first."""
    flat = tuple(side for pair in reversed(sides) for side in pair)
    return getattr(nn, f"ConstantPad{SUFFIX[len(sides)]}")(flat, 0.0)


def random_conv_transpose(rng: random.Random, dimensions: int) -> Layer:
    """A transposed convolution."""
    return random_conv(rng, dimensions, transposed=True)


def random_pool(rng: random.Random, dimensions: int) -> Layer:
    """Max or average pooling."""
    size = random_size(rng, dimensions)
    draw = partial(draw_each, rng, dimensions)
    name, kind = rng.choice([("MaxPool", "max"), ("AvgPool", "average")])
    arguments: dict[str, Any] = {"kernel_size": draw(1, 6), "ceil_mode": rng.random() < 0.5}
    if rng.random() < 0.7:
        arguments["stride"] = draw(1, 5)
    if rng.random() < 0.7:
        arguments["padding"] = draw(0, 3)
    if kind == "max" and rng.random() < 0.5:
        arguments["dilation"] = draw(1, 3)
    return Layer(
        name + SUFFIX[dimensions],
        arguments,
        1,
        size,
        lambda: getattr(nn, name + SUFFIX[dimensions])(**arguments),
        lambda: (shapes.pool_output(size, kind=kind, **arguments), 0),
    )


def random_adaptive_pool(rng: random.Random, dimensions: int) -> Layer:
    """Adaptive pooling; None keeps a dimension."""
    # Of an empty map some of these layers make NaN, where others refuse it.
    size = tuple(max(s, 1) for s in random_size(rng, dimensions))
    output = draw_each(rng, dimensions, 1, 12)
    if isinstance(output, tuple) and dimensions > 1:
        output = tuple(None if rng.random() < 0.15 else o for o in output)
    name = rng.choice(["AdaptiveMaxPool", "AdaptiveAvgPool"]) + SUFFIX[dimensions]
    return Layer(
        name,
        {"output_size": output},
        1,
        size,
        lambda: getattr(nn, name)(output),
        lambda: (shapes.adaptive_pool_output(size, output_size=output), 0),
    )


def random_upsample(rng: random.Random, dimensions: int) -> Layer:
    """Upsampling by a factor or to a size."""
    size = random_size(rng, dimensions)
    factors = [1, 2, 3, 0.5, 1.5, 1 / 3, 0.1, 1.1, 2.5, math.pi / 2, 0.7]
    factor = rng.choice([rng.choice(factors), tuple(rng.choice(factors) for _ in size)])
    sized = rng.random() < 0.3
    output = draw_each(rng, dimensions, 1, 15)
    asked = {"output_size": output} if sized else {"scale_factor": factor}
    return Layer(
        f"Upsample of {dimensions} dimensions",
        asked,
        1,
        size,
        lambda: nn.Upsample(output) if sized else nn.Upsample(scale_factor=factor),
        lambda: (shapes.upsample_output(size, **asked), 0),
    )


KINDS = (random_conv, random_conv_transpose, random_pool, random_adaptive_pool, random_upsample)


def check_layers(count: int, seed: int = 0) -> Outcome:
    """Compare `count` random layers with the ones of PyTorch."""
    rng = random.Random(seed)
    outcome = Outcome()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of layers that are allowed but odd
        # With oneDNN some transposed convolutions return an empty map that PyTorch itself refuses.
        with torch.backends.mkldnn.flags(enabled=False):
            for _ in range(count):
                _compare(rng.choice(KINDS)(rng, rng.choice([1, 2, 2, 3])), outcome)
    return outcome


def _compare(layer: Layer, outcome: Outcome) -> None:
    theirs, ours = _theirs(layer), _ours(layer)
    outcome.cases += 1
    outcome.accepted += theirs is not None
    if theirs != ours:
        outcome.differences.append(
            f"{layer.kind} {layer.arguments} on {layer.size}: torch {theirs}, convkit {ours}"
        )


def _theirs(layer: Layer) -> tuple[tuple[int, ...], int] | None:
    try:
        module = layer.build()
        output = module(torch.zeros(1, layer.channels, *layer.size))
    except (RuntimeError, ValueError):
        return None
    return tuple(output.shape[2:]), sum(p.numel() for p in module.parameters())


def _ours(layer: Layer) -> tuple[tuple[int, ...], int] | None:
    try:
        return layer.ask()
    except ShapeError:
        return None


def check_solvers(count: int, seed: int = 0) -> Outcome:
    """Compare `count` solved tasks with what trying every value finds."""
    rng = random.Random(seed)
    outcome = Outcome()
    for _ in range(count):
        unknown = rng.choice(["kernel_size", "padding", "stride", "size"])
        layer: dict[str, Any] = {
            "size": rng.randint(1, 40),
            "kernel_size": rng.randint(1, 7),
            "stride": rng.randint(1, 6),
            "padding": rng.randint(0, 5),
            "dilation": rng.randint(1, 4),
        }
        if rng.random() < 0.2 and unknown != "padding":
            layer["padding"] = ((rng.randint(0, 5), rng.randint(0, 5)),)
        output = rng.randint(1, 12)
        del layer[unknown]
        expected = tuple(v for v in range(300) if _output({**layer, unknown: v}) == output)
        if unknown == "stride":  # strides larger than the padded input all do the same
            most = layer["size"] + _total(layer["padding"])
            expected = tuple(v for v in expected if v <= most)
        found = _solved(unknown, output, layer)
        outcome.cases += 1
        outcome.accepted += bool(expected)
        if found != expected:
            outcome.differences.append(f"{unknown} for {output}, {layer}: {found}, not {expected}")
    return outcome


def _output(layer: dict[str, Any]) -> int | None:
    """The textbook's formula, written out once more."""
    size, kernel, stride = layer["size"], layer["kernel_size"], layer["stride"]
    if min(size, kernel, stride) < 1:
        return None
    room = size + _total(layer["padding"]) - layer["dilation"] * (kernel - 1) - 1
    return None if room < 0 else math.floor(room / stride) + 1


def _total(padding: Any) -> int:
    return 2 * padding if isinstance(padding, int) else sum(padding[0])


def _solved(unknown: str, output: int, layer: dict[str, Any]) -> tuple[int, ...]:
    known = dict(layer)
    try:
        if unknown == "size":
            return shapes.solve_input_size(output, **known)
        size = known.pop("size")
        return getattr(shapes, f"solve_{unknown}")(size, output, **known)
    except ShapeError:
        return ()


def main() -> int:
    """Run the checks and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of the cases")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    share = 20 if arguments.quick else 1
    wrong = 0
    print(f"torch {torch.__version__}, seed {arguments.seed}\n")
    print("| check | cases | possible | differences | seconds |\n| :-- | --: | --: | --: | --: |")
    for name, check, cases in (
        ("layers against PyTorch", check_layers, 100_000),
        ("solvers against trying all", check_solvers, 10_000),
    ):
        start = time.perf_counter()
        outcome = check(cases // share, arguments.seed)
        seconds = time.perf_counter() - start
        wrong += len(outcome.differences)
        row = (name, outcome.cases, outcome.accepted, len(outcome.differences), f"{seconds:.0f}")
        print("| " + " | ".join(map(str, row)) + " |")
        for difference in outcome.differences[:20]:
            print(difference, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
