"""What is explained layer by layer is what the summary says."""

from __future__ import annotations

import pytest

from convkit import Architecture
from convkit.architecture import AvgPool, Conv, ConvTranspose, GroupNorm, Upsample, zoo

NETWORKS = {
    "alexnet": (zoo.alexnet(), (3, 224, 224)),
    "vgg11_bn": (zoo.vgg11_bn(), (3, 224, 224)),
    "resnet50": (zoo.resnet50(), (3, 224, 224)),
    "up and down": (
        Architecture(
            [
                Conv(8, kernel_size=4, stride=2, padding=1, norm="batch"),
                AvgPool(3, stride=2),
                GroupNorm(4),
                Upsample(2),
                ConvTranspose(6, kernel_size=3, stride=2, padding=1, output_padding=1),
            ]
        ),
        (3, 33, 47),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_explained_numbers_are_those_of_the_summary(name: str) -> None:
    architecture, input_shape = NETWORKS[name]
    summary = {row.name: row for row in architecture.summary(input_shape).rows}
    layers = architecture.explain(input_shape)

    for layer in layers:
        row = summary[layer.name]
        for explanation in layer.explanations:
            if "_output(" in explanation.call:
                assert explanation.result == row.output_shape[1:]
            elif "_parameters(" in explanation.call:
                assert explanation.result.total == row.parameters
            else:
                assert explanation.result == row.macs
    counted = {row.name for row in summary.values() if row.parameters and row.kind != "block"}
    assert counted <= {layer.name for layer in layers}


def test_the_text_names_the_layer_and_puts_the_numbers_in() -> None:
    layer = Architecture.parse("conv 8 k5").explain((3, 32, 32))[0]

    assert str(layer).startswith("conv1:\n\nconv_output(")
    assert layer.to_markdown().startswith("### conv1\n\n")
