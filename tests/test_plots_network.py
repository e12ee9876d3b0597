"""The drawing of a network: to scale, named, readable."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest

from convkit import Architecture, plots
from convkit.architecture import zoo
from convkit.errors import PlotError
from convkit.plots._blocks import read_blocks
from convkit.plots._network import _Scale

SMALL = "conv 32 k5 p2 relu, maxpool 2, conv 64 k3 s2 bn relu, flatten, linear 10"


def written(figure) -> str:
    """Everything that is written in a figure."""
    return "\n".join(text.get_text() for text in figure.axes[0].texts)


def blocks_of(network: Architecture, shape: tuple[int, ...]):
    """The boxes of a network."""
    return read_blocks(network.summary(shape), shape, network.rows)


def assert_nothing_overlaps(figure) -> None:
    """No writing runs into other writing or out of the picture."""
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = np.array([text.get_window_extent().extents for text in texts])
    width, height = figure.get_size_inches() * figure.dpi

    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= width).all()
    assert (boxes[:, 3] <= height).all()
    for (i, a), (j, b) in itertools.combinations(enumerate(boxes), 2):
        apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 1 or b[3] <= a[1] + 1
        assert apart, f"{texts[i].get_text()!r} runs into {texts[j].get_text()!r}"


def test_kernels_strides_sizes_and_counts_are_written() -> None:
    text = written(plots.architecture(Architecture.parse(SMALL), (3, 32, 32)))

    for part in (
        "5×5",
        "2×2 /2",
        "3×3 /2",
        "32×16×16",
        "64×7×7",
        "2,432",
        "18,624",
        "3136",
        "31,370",
    ):
        assert part in text, part


def test_norms_and_activations_are_written_below_their_layer() -> None:
    conv1, conv2 = (
        block for block in blocks_of(Architecture.parse(SMALL), (3, 32, 32)) if block.kind == "conv"
    )

    assert conv1.extras == ["relu"]
    assert conv2.extras == ["batch norm", "relu"]


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn", "resnet18", "resnet50"])
def test_no_parameter_is_lost(name: str) -> None:
    network = getattr(zoo, name)()
    blocks = blocks_of(network, (3, 224, 224))

    assert sum(block.parameters for block in blocks) == network.summary((3, 224, 224)).parameters


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "resnet50"])
def test_the_kernels_are_those_of_the_table(name: str) -> None:
    kernels = {
        "alexnet": ["11×11 /4", "5×5", "3×3", "3×3", "3×3"],
        "resnet18": ["7×7 /2", *["3×3"] * 4, *["3×3 /2", *["3×3"] * 3] * 3],
        "resnet50": [
            "7×7 /2",
            *["1×1", "3×3", "1×1"] * 3,
            *["1×1", "3×3 /2", "1×1", *["1×1", "3×3", "1×1"] * 3],
            *["1×1", "3×3 /2", "1×1", *["1×1", "3×3", "1×1"] * 5],
            *["1×1", "3×3 /2", "1×1", *["1×1", "3×3", "1×1"] * 2],
        ],
    }
    blocks = blocks_of(getattr(zoo, name)(), (3, 224, 224))

    assert [block.label[1] for block in blocks if block.kind == "conv"] == kernels[name]


def test_boxes_are_to_scale() -> None:
    blocks = blocks_of(zoo.vgg11(), (3, 224, 224))
    scale = _Scale(blocks)
    maps = [block for block in blocks if not block.is_vector and block.height > 6]
    per_pixel = {round(scale.box(block)[0] / block.height, 9) for block in maps}
    thick = [block for block in maps if block.channels >= 64]
    per_channel = {round(scale.box(block)[1] / block.channels, 9) for block in thick}

    assert len(per_pixel) == 1
    assert len(per_channel) == 1


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "vgg19_bn", "resnet50"])
def test_nothing_written_runs_into_anything_else(name: str) -> None:
    shape = (1, 32, 32) if name == "lenet5" else (3, 224, 224)

    assert_nothing_overlaps(plots.architecture(getattr(zoo, name)(), shape))


def test_fifty_layers_fit_on_a_page_in_lines_of_like_width() -> None:
    figure = plots.architecture(zoo.resnet50(), (3, 224, 224))

    assert figure.get_size_inches()[0] < 15
    assert figure.get_size_inches()[1] < 20


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_it_is_written_in_every_form(form: str) -> None:
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    figure = plots.architecture(Architecture.parse(SMALL), (3, 32, 32))

    assert plots.encode(figure, form).startswith(start)


def test_a_summary_is_drawn_without_its_kernels() -> None:
    summary = Architecture.parse(SMALL).summary((3, 32, 32))

    assert "32×16×16" in written(plots.architecture(summary))


@pytest.mark.parametrize("shape", [(16, 100), (4, 10, 12, 14), (7,)])
def test_sequences_volumes_and_vectors_are_drawn(shape: tuple[int, ...]) -> None:
    row = SimpleNamespace(name="layer1", kind="conv", output_shape=shape, parameters=0)
    summary = SimpleNamespace(rows=[row], output_shape=shape, input_shape=shape)

    assert "×".join(map(str, shape)) in written(plots.architecture(summary))


@pytest.mark.parametrize(
    ("network", "shape", "message"),
    [
        (
            SimpleNamespace(rows=[], output_shape=(1,)),
            (3, 8, 8),
            "a network without a layer cannot be drawn",
        ),
        (SimpleNamespace(), None, "a network is drawn for an input_shape, such as (3, 32, 32)"),
    ],
)
def test_what_cannot_be_drawn_is_said(network: object, shape: object, message: str) -> None:
    with pytest.raises(PlotError, match=f"^{re.escape(message)}$"):
        plots.architecture(network, shape)


def test_what_is_no_architecture_is_refused() -> None:
    message = (
        "an Architecture or its summary is drawn, got str; read a table by "
        "Architecture.parse(text), a network by Architecture.from_module(model)"
    )
    with pytest.raises(PlotError, match=f"^{re.escape(message)}$"):
        plots.architecture("conv 8 k3", (3, 8, 8))
