"""MLDL homework 2: AlexNet as a table, and every number that follows from arithmetic.

    python examples/mldl_alexnet.py

`mldl_caltech101.py` begins with these numbers, and trains the network.
"""

# %% Settings
from __future__ import annotations

import math
import tomllib
from pathlib import Path

from convkit import Architecture, report
from convkit.architecture import zoo

FIGURES = Path(__file__).with_name("mldl_caltech101.toml")
PUBLISHED = tomllib.loads(FIGURES.read_text(encoding="utf-8"))

ALEXNET = """
| layer | output | parameters |
| --- | --- | --- |
| Conv 3->64, k11, s4, pad 2, ReLU | 64x55x55 | 23,296 |
| MaxPool 3, s2 | 64x27x27 | |
| Conv 64->192, k5, pad 2, ReLU | 192x27x27 | 307,392 |
| MaxPool 3, s2 | 192x13x13 | |
| Conv 192->384, k3, pad 1, ReLU | 384x13x13 | 663,936 |
| Conv 384->256, k3, pad 1, ReLU | 256x13x13 | 884,992 |
| Conv 256->256, k3, pad 1, ReLU | 256x13x13 | 590,080 |
| MaxPool 3, s2 | 256x6x6 | |
| Adaptive average pool 6 | 256x6x6 | |
| Flatten | 9216 | |
| Dropout 0.5 | 9216 | |
| Linear 4096, ReLU, dropout 0.5 | 4096 | 37,752,832 |
| Linear 4096, ReLU | 4096 | 16,781,312 |
| Linear 101 | 101 | 413,797 |
"""


# %% What follows from arithmetic
def exact(page: report.Reproduction) -> None:
    """Parameters and sizes of the networks."""
    page.section("Exact numbers", "The published 4096 flattened features are 9216.")
    alexnet, shape = Architecture.parse(ALEXNET), (3, 224, 224)
    summary = alexnet.summary(shape)
    kinds = {row.kind: row.output_shape for row in summary.rows}
    count = {k: sum(row.parameters for row in summary.rows if row.kind == k) for k in kinds}
    lists = PUBLISHED["images"]
    largest = lists["test images of the largest class"] / lists["test images"]
    measured = {
        "stated cells that are wrong": alexnet.check(shape),
        "AlexNet, 1000 outputs": zoo.alexnet().summary(shape).parameters,
        "flattened features": list(kinds["flatten"]),
        "nothing frozen, trained parameters": summary.parameters,
        "convs frozen, trained parameters": count["linear"],
        "linear layers frozen, trained parameters": count["conv"],
        "ResNet-50, 101 outputs": zoo.resnet50(101).summary(shape).parameters,
        "VGG-16, 101 outputs": zoo.vgg16(101).summary(shape).parameters,
        "one class always answered (%)": round(100 * largest, 2),
        "loss of a net that knows nothing, ln 101": round(math.log(101), 3),
    }
    for quantity, reported in PUBLISHED["exact"].items():
        page.compare(quantity, reported=reported, measured=measured[quantity])


if __name__ == "__main__":
    title = "MLDL: AlexNet as a table, and what follows from arithmetic"
    report.ReproductionScript(title, {}, exact=exact).run()
