"""The table of a network, read off its modules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from convkit.architecture._architecture import Architecture
from convkit.architecture._composite import Residual
from convkit.architecture._from_layer import row_of
from convkit.architecture._joining import join_rows
from convkit.architecture._linear import Flatten
from convkit.architecture._plan import Names, plan
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import nn

    from convkit.architecture._row import Row


@dataclass(frozen=True, slots=True)
class _Found:
    """A row, and the name of the module that it was read off."""

    row: Row
    name: str = ""


def read_module(module: nn.Module) -> Architecture:
    """The table of a network.

    Raises:
        ArchitectureError: For a network that no table can express, naming the layer.
    """
    _require_own_weights(module)
    found = list(_read(module, ""))
    if not found:
        raise ArchitectureError(f"{type(module).__name__} holds no layers; give a network")
    return Architecture(join_rows(_named(found)))


def _named(found: Iterable[_Found]) -> Iterator[Row]:
    """The rows, with the names of their modules where these are not convkit's own."""
    names = Names()
    for one in found:
        name = one.name.rpartition(".")[2]
        row = one.row
        if name.isidentifier() and name not in names.taken and name != names.usual(row):
            row = replace(row, name=name)  # type: ignore[type-var] # every row is a dataclass
        names.of(row)
        yield row


def _require_own_weights(module: nn.Module) -> None:
    """Refuse a layer that runs at two places: in a table each row has weights of its own."""
    names: dict[int, str] = {}
    parameters = module.named_parameters(remove_duplicate=False)
    statistics = module.named_buffers(remove_duplicate=False)
    for name, tensor in chain(parameters, statistics):
        first = names.setdefault(id(tensor), name)
        if first != name:
            raise ArchitectureError(
                f"{name} is the same weight as {first}; the rows of a table do not share weights"
            )


def _read(module: nn.Module, path: str) -> Iterator[_Found]:
    """The rows of a module, of its parts in the order in which they run."""
    reader = _NETWORKS.get(f"{type(module).__module__}.{type(module).__name__}")
    if reader is not None:
        yield from reader(module, path)
        return
    try:
        row = row_of(module)
    except ArchitectureError as error:
        where = f"layer {path!r}: " if path else ""
        raise ArchitectureError(f"{where}{error}") from None
    if row is not None:
        yield _Found(row, path)


def _read_children(module: nn.Module, path: str, names: tuple[str, ...]) -> Iterator[_Found]:
    for name in names:
        yield from _read(getattr(module, name), f"{path}.{name}" if path else name)


def _sequence(module: nn.Module, path: str) -> Iterator[_Found]:
    # named_children() would leave out the second use of a layer such as one ReLU object.
    names = tuple(name for name, child in module._modules.items() if child is not None)
    for found in _read_children(module, path, names):
        # Names inside a sequence in a sequence would not be single any more.
        direct = found.name.rpartition(".")[0] == path
        yield found if direct else replace(found, name="")


def _features_and_classifier(module: nn.Module, path: str) -> Iterator[_Found]:
    """Torchvision's AlexNet and VGG, which flatten by a function before the classifier."""
    yield from _nameless(_read_children(module, path, ("features", "avgpool")))
    yield _Found(Flatten())
    yield from _nameless(_read_children(module, path, ("classifier",)))


def _resnet(module: nn.Module, path: str) -> Iterator[_Found]:
    stem = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool")
    yield from _nameless(_read_children(module, path, stem))
    yield _Found(Flatten())
    yield from _nameless(_read_children(module, path, ("fc",)))


def _basic_block(module: Any, path: str) -> Iterator[_Found]:
    yield from _torchvision_block(module, path, ("conv1", "bn1", "relu", "conv2", "bn2"))


def _bottleneck(module: Any, path: str) -> Iterator[_Found]:
    layers = ("conv1", "bn1", "relu", "conv2", "bn2", "relu", "conv3", "bn3")
    yield from _torchvision_block(module, path, layers)


def _torchvision_block(module: Any, path: str, names: tuple[str, ...]) -> Iterator[_Found]:
    body = _nameless(_read_children(module, path, names))
    around = () if module.downsample is None else ("downsample",)
    shortcut = _nameless(_read_children(module, path, around))
    yield _Found(_residual(body, shortcut, module.conv1.in_channels))
    yield from _nameless(_read_children(module, path, ("relu",)))


def _own_block(module: Any, path: str) -> Iterator[_Found]:
    """A block that convkit built; what follows its sum is the next layer."""
    body = _read_children(module, path, ("body",))
    shortcut = _read_children(module, path, ("shortcut",))
    arriving = next((layer for layer in module.body if hasattr(layer, "weight")), None)
    channels = _channels_into(arriving)
    yield _Found(_residual(body, shortcut, channels), path)


def _channels_into(layer: Any) -> int:
    """Channels or features that a layer with weights takes; 1 when there is none."""
    names = ("in_channels", "in_features", "num_features", "num_channels")
    return next((getattr(layer, name) for name in names if hasattr(layer, name)), 1)


def _nameless(found: Iterable[_Found]) -> Iterator[_Found]:
    """Rows that take convkit's names; torchvision's repeat and hold points."""
    return (replace(one, name="") for one in found)


def _residual(body: Iterable[_Found], shortcut: Iterable[_Found], channels: int) -> Residual:
    """The row of a block, with `shortcut="auto"` where that means the same layers."""
    rows, around = join_rows(_named(body)), join_rows(_named(shortcut))
    usual = Residual(rows, activation=None)
    plain = [row for row in around for row in row.expand()]
    for shape in ((channels, *_SIZES), (channels,)):
        try:
            (step,) = plan([usual], shape)
        except ArchitectureError:
            continue
        if [inner.row for inner in step.branches["shortcut"]] == plain:
            return usual
    return replace(usual, shortcut=around or "identity")


# Any size at which a block fits will do: which shortcut it has does not depend on it.
_SIZES = (256, 256)

_NETWORKS: dict[str, Callable[[Any, str], Iterator[_Found]]] = {
    "torch.nn.modules.container.Sequential": _sequence,
    "torchvision.models.alexnet.AlexNet": _features_and_classifier,
    "torchvision.models.vgg.VGG": _features_and_classifier,
    "torchvision.models.resnet.ResNet": _resnet,
    "torchvision.models.resnet.BasicBlock": _basic_block,
    "torchvision.models.resnet.Bottleneck": _bottleneck,
    "convkit.architecture._residual_block.ResidualBlock": _own_block,
}
