"""IN4310 mandatory 1: ResNets as tables, and every number that follows from arithmetic.

    python examples/in4310_resnets.py

`in4310_intel_scenes.py` begins with these numbers, and trains the networks.
"""

# %% Settings
from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

from convkit import Architecture, data, metrics, report

SPLIT_SEED = 42
ALL, TEST, VALIDATION = 17_034, 3_000, 2_000  # of fewer images the same shares are taken
WIDTHS = (64, 128, 256, 512)
FIGURES = Path(__file__).with_name("in4310_intel_scenes.toml")
PUBLISHED = tomllib.loads(FIGURES.read_text(encoding="utf-8"))


# %% Task 2: the networks
BASIC = "residual (conv {width} k3 s{stride} p1 no-bias bn relu, conv {width} k3 p1 no-bias bn)"
BOTTLENECK = "residual (conv {width} k1 no-bias bn relu, "
BOTTLENECK += "conv {width} k3 s{stride} p1 no-bias bn relu, conv {wide} k1 no-bias bn)"
RESNETS = {  # the block, and how often it stands in each stage
    18: (BASIC, (2, 2, 2, 2)),
    34: (BASIC, (3, 4, 6, 3)),
    50: (BOTTLENECK, (3, 4, 6, 3)),
    101: (BOTTLENECK, (3, 4, 23, 3)),
    152: (BOTTLENECK, (3, 8, 36, 3)),
}


def resnet(depth: int, widths: tuple[int, ...] = WIDTHS) -> Architecture:
    """The table of a ResNet; each stage but the first begins with stride 2."""
    block, repeats = RESNETS[depth]
    rows = [f"conv {widths[0]} k7 s2 p3 no-bias bn relu, maxpool 3 s2 p1"]
    for width, times in zip(widths, repeats, strict=True):
        strides = (1 if len(rows) == 1 else 2, *[1] * (times - 1))
        rows += [block.format(width=width, wide=4 * width, stride=stride) for stride in strides]
    return Architecture.parse(", ".join([*rows, "global average pool, flatten, linear 6"]))


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Splits, networks, and the published table and curve."""
    page.section("Exact numbers")
    counts = PUBLISHED["counts"]
    labels = np.repeat(np.arange(len(counts["all"])), counts["all"])
    rest, test = data.stratified_split(labels, TEST / ALL, SPLIT_SEED)
    train, validation = data.stratified_split(labels[rest], VALIDATION / len(rest), SPLIT_SEED)
    for name, part in {"train": rest[train], "validation": rest[validation], "test": test}.items():
        found = np.bincount(labels[part]).tolist()
        page.compare(f"{name} images of the archive", reported=counts[name], measured=found)
    for depth, parameters in PUBLISHED["parameters"].items():
        counted = resnet(int(depth)).summary((3, 224, 224)).parameters
        page.compare(f"ResNet-{depth}, parameters", reported=parameters, measured=counted)
    for side, sides in PUBLISHED["stages"].items():
        rows = resnet(18).summary((3, int(side), int(side))).rows
        found = [row.output_shape[1] for row in rows if row.kind == "residual"][1::2]
        page.compare(f"stages of ResNet-18 at {side}", reported=sides, measured=found)
    for name, run in PUBLISHED["runs"].items():
        recall = np.array(run["right"]) / run["of"]
        shown = recall.round(4).tolist()
        page.compare(f'"AP" of run {name}, as recall', reported=run["ap"], measured=shown)
        page.compare("its mean", reported=run["mean"], measured=round(float(recall.mean()), 5))
    losses = PUBLISHED["test_losses"]
    drawn = np.random.RandomState(42).uniform(0.2, 0.6, len(losses)).round(4).tolist()
    page.compare("published test losses, as random numbers", reported=losses, measured=drawn)
    ap = metrics.average_precision([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]).mean
    page.compare("AP of ranks + - + -", reported=0.8333, measured=round(ap, 4))


if __name__ == "__main__":
    title = "IN4310: ResNets as tables, and what follows from arithmetic"
    report.ReproductionScript(title, {}, exact=exact).run()
