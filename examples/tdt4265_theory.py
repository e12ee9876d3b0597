"""TDT4265 assignment 3, task 1: convolution worked out by hand, sizes, the network's table.

    python examples/tdt4265_theory.py --out runs/tdt4265_theory

Every number follows from arithmetic: the script ends with a message when one does not come out.
It needs no images; `tdt4265_cifar10.py` begins with it and trains the networks.
"""

# %% What was given, and what was published
from __future__ import annotations

import torch
from torch.nn import functional

from convkit import Architecture, report, shapes

IMAGE = [[1, 0, 2, 3, 1], [3, 2, 0, 7, 0], [0, 6, 1, 1, 4]]
KERNEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
MATRICES = {  # by whether the kernel is turned, and by padding
    (False, "zeros"): [[2, -1, 11, -2, -13], [10, -4, 8, 2, -18], [14, -1, -5, 6, -9]],
    (True, "zeros"): [[-2, 1, -11, 2, 13], [-10, 4, -8, -2, 18], [-14, 1, 5, -6, 9]],
    (True, "reflect"): [[0, 4, -16, 2, 0], [0, 4, -8, -2, 0], [0, 4, 0, -6, 0]],
    (False, "replicate"): [[-4, 0, 14, -3, -13], [3, -4, 8, 2, -13], [17, 0, -10, 9, 2]],
    (False, "circular"): [[2, 0, 6, 1, -9], [5, -4, 8, 2, -11], [5, 0, -2, 5, -8]],
}

# %% The table of task 1g, in the assignment's own columns
HEADER = "| Layer Type | Filters | Kernel | Padding | BatchNorm | Activation |\n" + 6 * "| --- "
CONV, POOL = "| Conv2D | {} | {}x{} | {} | {} | {} |", "| MaxPool2D | - | 2x2 | - | - | - |"
TAIL = """| Flatten | - | - | - | - | - |
| Fully-Connected | 64 | - | - | - | {} |
| Fully-Connected | 10 | - | - | - | - |"""


def table(convs: str, norm: str = "-", activation: str = "ReLU", tail: str = TAIL) -> str:
    """The assignment's table of layers; a conv is given as FILTERSxKERNEL, M is a pool."""
    rows = [f"{HEADER}|"]
    for conv in convs.split():
        filters, _, kernel = conv.partition("x")
        # The text gives model 2 padding 2 and maps of 2x2 at the end, which need padding 1.
        padding = int(kernel or 0) // 2
        full = CONV.format(filters, kernel, kernel, padding, norm, activation)
        rows.append(full if kernel else POOL)
    return "\n".join([*rows, tail.format(activation)])


BASE = table("32x5 M 64x5 M 128x5 M")


# %% Tasks 1a to 1g
def theory(page: report.Reproduction) -> None:
    """The five matrices, sizes and kernels, the base network layer by layer."""
    page.section(
        "Task 1: theory",
        "A framework's conv layer is a cross-correlation; a true convolution turns the kernel by "
        "180 degrees. The published matrix is the cross-correlation, all of whose products are:",
    )
    page.code(str(shapes.explain_convolution(IMAGE, KERNEL, padding=1)))
    for (flip, mode), matrix in MATRICES.items():
        worked = shapes.explain_convolution(IMAGE, KERNEL, padding=1, padding_mode=mode, flip=flip)
        kind = "convolution" if flip else "cross-correlation"
        page.compare(f"1a, {kind}, {mode}", reported=str(matrix), measured=str(worked.result))
    centre = shapes.explain_convolution(IMAGE, KERNEL, padding=1).result[2][2]
    network = Architecture.parse(BASE).summary((3, 32, 32))
    for quantity, reported, measured in (
        ("1a, position (2, 2), in the text -1", -5, centre),
        ("1c, padding that keeps the size", 2, shapes.same_padding(5)),
        ("1d, kernel", 9, shapes.solve_kernel_size(512, 504)[0]),
        ("1e, after the pool", 252, shapes.pool_output(504, kernel_size=2)),
        ("1f, second conv", 250, shapes.conv_output(252, kernel_size=3)),
        ("1g, base network, parameters", 390_410, network.parameters),
    ):
        page.compare(quantity, reported=reported, measured=measured)
    page.code(str(shapes.explain(shapes.solve_kernel_size, 512, 504)))
    page.text(f"1b: {tolerance()}\n\n1g, the network:\n\n{network.to_markdown()}")


def tolerance() -> str:
    """Task 1b: by how much a conv map, its ReLU and its max-pool change when the image moves."""
    image = torch.rand(1, 1, 33, 33, generator=torch.Generator().manual_seed(0))
    image = functional.avg_pool2d(image, 5, stride=1, padding=2)
    kernel = torch.tensor(KERNEL, dtype=torch.float32)[None, None]
    images = image, image.roll(1, dims=3)
    maps = [functional.conv2d(x, kernel)[..., 1:-1] for x in images]
    rectified = [x.relu() for x in maps]
    pooled = [functional.max_pool2d(x, 4) for x in rectified]
    changes = (float((b - a).norm() / a.norm()) for a, b in (maps, rectified, pooled))
    conv, relu, pool = (f"{100 * change:.0f} %" for change in changes)
    return (
        f"the image moved by one pixel changes the conv map by {conv}, its ReLU by {relu}, the "
        f"max-pool 4 of that by {pool} (relative L2 norm). The conv layer is only equivariant, its "
        "map moves along; max-pooling gives the tolerance."
    )


if __name__ == "__main__":
    title = "TDT4265: convolution theory"
    report.ReproductionScript(title, {}, exact=theory).run()
