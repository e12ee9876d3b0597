from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field

import pandas as pd
import pytest

from convkit.architecture import (
    Activation,
    AdaptiveAvgPool,
    Architecture,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Custom,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    Linear,
    MaxPool,
    Repeat,
    Residual,
    Row,
    Stated,
    Upsample,
    register,
    zoo,
)
from convkit.errors import ArchitectureError

COUNT = 2_000 if os.environ.get("CONVKIT_MANY_CASES") else 60
ACTIVATIONS = (
    "relu",
    "leaky_relu",
    "tanh",
    "sigmoid",
    "gelu",
    "softmax",
    "identity",
    "log_softmax",
)
NAMES = (
    'a "quoted" | name',
    "x2",
    "k5",
    "None",
    "true",
    "tab\there",
    "über",
    "a**b__c",
    "&amp;",
    "",
)
COLUMNS = (
    None,
    ("layer",),
    ("number", "layer", "kernel", "norm", "bias", "dropout", "name"),
    (
        "channels",
        "input channels",
        "stride",
        "padding",
        "dilation",
        "groups",
        "layer",
        "activation",
    ),
)


@register
@dataclass(frozen=True, slots=True)
class Ghost(Row):
    """A kind of row of a user's own, with every kind of plain value."""

    kind = "ghost conv"
    prefix = "ghost"

    filters: int
    _: KW_ONLY
    ratio: float = 2.0
    kernel_size: tuple[int, ...] | int = 3
    mode: str = "fast"
    cheap: bool = False
    offsets: tuple[object, ...] = ()
    width: int = 1
    inner: Row | None = None
    name: str | None = None
    stated: Stated = field(default_factory=Stated, compare=False)

    def shape_after(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.filters, *input_shape[1:])


class Networks:
    """Random networks that can be built: every kind of row, every setting."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def size(self, *numbers: int) -> int | tuple[int, int]:
        pick = self.random.choice
        return (pick(numbers), pick(numbers)) if self.chance(0.2) else pick(numbers)

    def activation(self) -> str | Activation:
        if self.chance(0.15):
            return Activation(self.random.choice(("leaky_relu", "elu")), setting=0.2)
        if self.chance(0.1):
            return Activation("relu", name=self.name())
        return self.random.choice(ACTIVATIONS)

    def name(self) -> str | None:
        return self.random.choice(NAMES) if self.chance(0.1) else None

    def dressing(self) -> dict[str, object]:
        dressing: dict[str, object] = {}
        if self.chance(0.3):
            norms = ("batch", BatchNorm(eps=0.001), GroupNorm(2), GroupNorm(4, affine=False))
            dressing["norm"] = self.random.choice(norms)
        if self.chance(0.6):
            dressing["activation"] = self.activation()
        if self.chance(0.2):
            dressing["dropout"] = self.random.choice((0.0, 0.1, 0.5, 1 / 3))
        return dressing

    def conv(self) -> Conv:
        return Conv(
            8 * self.random.randint(1, 64),
            kernel_size=self.size(1, 2, 3, 5, 7),
            stride=self.size(1, 1, 1, 2, 3),
            padding="same" if self.chance(0.1) else self.size(0, 1, 2),
            dilation=self.size(1, 1, 1, 2),
            groups=self.random.choice((1, 1, 1, 2, 4)),
            bias=not self.chance(0.3),
            padding_mode=self.random.choice(("zeros", "zeros", "reflect", "circular")),
            in_channels=32 if self.chance(0.1) else None,
            name=self.name(),
            **self.dressing(),
        )

    def row(self, depth: int) -> Row:
        pick = self.random.randrange(17 if depth < 3 else 13)
        return (
            self.conv,
            self.conv,
            self.conv,
            lambda: ConvTranspose(
                8, kernel_size=self.size(2, 3), stride=2, output_padding=1, **self.dressing()
            ),
            lambda: MaxPool(self.size(2, 3), stride=self.size(1, 2), ceil_mode=self.chance(0.3)),
            lambda: AvgPool(2, padding=self.size(0, 1), count_include_pad=self.chance(0.5)),
            lambda: AdaptiveAvgPool(self.size(1, 6)),
            lambda: BatchNorm(momentum=self.random.choice((0.1, 0.01)), name=self.name()),
            lambda: GroupNorm(8, eps=0.01),
            lambda: Dropout(self.random.choice((0.1, 0.5)), channels=self.chance(0.5)),
            lambda: Upsample(self.size(2, 3), mode=self.random.choice(("nearest", "bilinear"))),
            self.lonely_activation,
            self.ghost,
            lambda: Repeat(self.random.randint(1, 4), self.rows(depth + 1)),
            lambda: Residual(self.rows(depth + 1), activation=self.random.choice(("relu", None))),
            lambda: Residual(self.rows(depth + 1), shortcut=self.rows(depth + 1), name=self.name()),
            lambda: Residual(
                self.rows(depth + 1),
                shortcut=self.random.choice(("identity", "projection")),
                activation=self.activation(),
            ),
        )[pick]()

    def lonely_activation(self) -> Row:
        activation = self.activation()
        return Activation(activation) if isinstance(activation, str) else activation

    def ghost(self) -> Row:
        pick = self.random.choice
        return Ghost(
            self.random.randint(1, 99),
            ratio=pick((2.0, 0.1, -3.5, 1e-7)),
            kernel_size=pick((3, (1, 2), 5)),
            mode=pick(("fast", "two words", "none", "relu", "5")),
            cheap=self.chance(0.5),
            offsets=pick(((), (1,), (1, 2), (-1, 0.5, "a|b", None, (1,)))),
            width=pick((1, 7)),
            inner=pick((None, Conv(8, kernel_size=3, activation="relu"), MaxPool(2))),
            name=self.name(),
        )

    def rows(self, depth: int = 0) -> list[Row]:
        return [self.row(depth) for _ in range(self.random.randint(1, 8 if depth == 0 else 3))]

    def network(self) -> Architecture:
        rows = self.rows()
        if self.chance(0.6):
            rows.append(Flatten() if self.chance(0.7) else GlobalAvgPool())
            if not isinstance(rows[-1], Flatten):
                rows.append(Flatten(name=self.name()))
            for _ in range(self.random.randint(1, 3)):
                rows.append(Linear(self.random.randint(1, 5000), **self.dressing()))
        return Architecture(rows)


def networks() -> Iterator[Architecture]:
    for seed in range(COUNT):
        yield Networks(seed).network()


def test_the_one_line_of_random_networks_reads_back() -> None:
    for network in networks():
        assert Architecture.parse(network.to_text()) == network


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("dialect", ["markdown", "latex", "csv"])
def test_tables_of_random_networks_read_back(dialect: str, columns: tuple[str, ...] | None) -> None:
    for network in networks():
        written = getattr(network, f"to_{dialect}")(columns=columns)

        assert Architecture.parse(written) == network, written


@pytest.mark.parametrize("dialect", ["markdown", "latex", "csv"])
@pytest.mark.parametrize(
    "network", [getattr(zoo, name)() for name in ("lenet5", "alexnet", "vgg16_bn", "resnet50")]
)
def test_tables_with_sizes_and_counts_read_back_and_check(
    network: Architecture, dialect: str
) -> None:
    shape = (1, 32, 32) if len(network) < 15 and network == zoo.lenet5() else (3, 224, 224)
    columns = ("layer", "input size", "output size", "weights", "biases", "parameters", "MACs")
    for chosen in (None, columns):
        again = Architecture.parse(getattr(network, f"to_{dialect}")(shape, columns=chosen))

        assert again == network
        assert again.check(shape) == []
        assert again.stated_total.parameters == network.summary(shape).parameters


def test_a_frame_of_a_written_table_reads_back() -> None:
    frame = pd.read_csv(io.StringIO(zoo.alexnet().to_csv((3, 224, 224))))

    assert Architecture.from_frame(frame) == zoo.alexnet()


def test_a_custom_row_cannot_be_written_as_a_line() -> None:
    network = Architecture([Custom("wavelets", None)])

    with pytest.raises(
        ArchitectureError,
        match=r"^the custom row 'wavelets' holds a module, which cannot be written as words; "
        r"register a kind of row for it$",
    ):
        network.to_text()
    assert "custom wavelets" in network.to_markdown()


def test_writing_a_value_that_no_table_holds_is_refused() -> None:
    network = Architecture([Ghost(3, ratio=float("inf"))])

    with pytest.raises(ArchitectureError, match=r"^inf cannot be written into a table$"):
        network.to_text()
