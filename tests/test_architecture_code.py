"""Plain PyTorch source of a network."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from convkit.architecture import Architecture, Conv, Custom, Flatten, Linear, MaxPool, Repeat, zoo
from convkit.errors import ArchitectureError

SMALL = Architecture([Conv(8, kernel_size=3, activation="relu"), MaxPool(2), Flatten(), Linear(10)])


def run(source: str, name: str = "Network") -> nn.Module:
    """The network that a source makes, in a namespace of its own."""
    space: dict[str, Any] = {}
    exec(compile(source, "network.py", "exec"), space)  # noqa: S102 - our own source, to see it run
    model: nn.Module = space[name]()
    return model


def test_the_source_reads_as_people_write_it() -> None:
    assert (
        SMALL.to_code((3, 8, 8))
        == '''\
from torch import nn


class Network(nn.Sequential):
    """Input (N, 3, 8, 8), output (N, 10); 954 parameters."""

    def __init__(self):
        super().__init__()  # a Sequential runs its layers in the order given here
        self.conv1 = nn.Conv2d(3, 8, kernel_size=3)  # 8x6x6
        self.relu1 = nn.ReLU()  # 8x6x6
        self.pool1 = nn.MaxPool2d(2)  # 8x3x3
        self.flatten1 = nn.Flatten()  # 72
        self.fc1 = nn.Linear(72, 10)  # 10
'''
    )


def test_the_source_runs_without_convkit(monkeypatch: pytest.MonkeyPatch) -> None:
    source = zoo.resnet18(6).to_code((3, 64, 64))
    monkeypatch.setitem(sys.modules, "convkit", None)

    with torch.device("meta"):
        made = run(source)

    assert sum(p.numel() for p in made.parameters()) == 11_179_590
    assert "convkit" not in source


@pytest.mark.parametrize("name", ["lenet5", "vgg11_bn", "resnet50"])
def test_the_source_makes_the_same_network(name: str) -> None:
    table, shape = getattr(zoo, name)(), (1, 32, 32) if name == "lenet5" else (3, 224, 224)
    with torch.device("meta"):
        made, built = run(table.to_code(shape)), table.build(shape)

    assert [(key, value.shape) for key, value in made.state_dict().items()] == [
        (key, value.shape) for key, value in built.state_dict().items()
    ]


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_a_table_read_off_a_network_needs_no_input_shape(name: str) -> None:
    with torch.device("meta"):
        model = getattr(torchvision.models, name)()
        made = run(Architecture.from_module(model).to_code())

    assert [v.shape for v in made.state_dict().values()] == [
        v.shape for v in model.state_dict().values()
    ]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 37, 37), (2, 5, 5), (12,)])
def test_the_shape_is_found_that_fits_the_weights(shape: tuple[int, ...]) -> None:
    rows = [Flatten(), Linear(7)] if len(shape) > 1 else [Linear(7)]
    if len(shape) > 1:
        rows = [Conv(4, kernel_size=3, padding=1), *rows]
    model = Architecture(rows).build(shape)
    made = run(Architecture.from_module(model).to_code())

    assert [v.shape for v in made.state_dict().values()] == [
        v.shape for v in model.state_dict().values()
    ]


def test_the_shape_is_found_that_fits_the_stated_inputs() -> None:
    source = Architecture.parse("conv 2->8 k3, flatten, linear 7200->10").to_code()

    assert [tuple(v.shape) for v in run(source).state_dict().values()] == [
        *((8, 2, 3, 3), (8,), (10, 7200), (10,))
    ]


def test_without_stated_weights_the_input_shape_is_asked_for() -> None:
    message = (
        "the table does not tell what arrives at its first row; give input_shape, such as "
        "(3, 32, 32)"
    )
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        SMALL.to_code()


def test_a_module_of_ones_own_has_no_source() -> None:
    message = (
        "row 2: custom has no plain source, since its module is made by code of its own; write "
        "the other rows, and add it by hand"
    )
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        Architecture([Flatten(), Custom("own", nn.ReLU)]).to_code((3, 4, 4))


@pytest.mark.parametrize("name", ["class", "my net", "a;import os", ""])
def test_only_python_names_name_the_class(name: str) -> None:
    message = f"name must be a Python name such as 'Network'; got {name!r}"
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        SMALL.to_code((3, 8, 8), name=name)


def test_repeats_and_own_names_are_written_out() -> None:
    table = Architecture([Repeat(2, [Conv(4, kernel_size=1, name="mix")])])

    assert list(run(table.to_code((4, 4, 4), name="Mixer"), "Mixer").state_dict()) == [
        *("mix.weight", "mix.bias", "mix_2.weight", "mix_2.bias")
    ]
