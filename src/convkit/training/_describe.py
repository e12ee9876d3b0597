"""What is written down about a training: settings, network, classes, data, versions."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from convkit.data import ImageSet


def describe_network(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, Any]:
    """The table it was built from, its input, and what it costs."""
    architecture = getattr(model, "convkit_architecture", None)
    parameters = {id(parameter): parameter for parameter in model.parameters()}.values()
    return {
        "architecture": None if architecture is None else architecture.to_text(),
        "input_shape": list(getattr(model, "convkit_input_shape", input_shape)),
        "network": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "macs": _macs(model, input_shape),
    }


def _macs(model: nn.Module, input_shape: tuple[int, ...]) -> int | None:
    """Multiplications with their addition for one image, where they can be counted."""
    from convkit.errors import ConvkitError

    try:
        from convkit.architecture import summarize

        return int(summarize(model, input_shape).macs)
    except (ConvkitError, ImportError, RuntimeError, TypeError, ValueError):
        return None  # a network that the table does not know trains all the same


def describe_data(sets: dict[str, Any]) -> dict[str, Any]:
    """Samples, and samples of each class, of every set."""
    card = {}
    for name, data in sets.items():
        if data is None:
            continue
        labels = labels_of(data)
        card[name] = {
            "samples": _length(data) if labels is None else len(labels),
            "per_class": None if labels is None else torch.bincount(labels.long()).tolist(),
        }
    return card


def labels_of(data: Any) -> Tensor | None:
    """All labels of a set, where they are at hand without reading the images."""
    data = getattr(data, "dataset", data)
    if isinstance(data, ImageSet):
        return data.labels
    if isinstance(data, tuple | list) and len(data) == 2:
        labels = torch.as_tensor(data[1])
        return None if labels.is_floating_point() or labels.ndim != 1 else labels.cpu()
    return None


def _length(data: Any) -> int | None:
    data = getattr(data, "dataset", data)
    return len(data) if hasattr(data, "__len__") else None


def class_names_of(data: Any) -> tuple[str, ...] | None:
    """The class names that a set, or the set inside a loader, carries."""
    for holder in (data, getattr(data, "dataset", None)):
        for attribute in ("class_names", "classes"):
            names = getattr(holder, attribute, None)
            if names is not None:
                return tuple(str(name) for name in names)
    return None


def image_set_of(data: Any) -> ImageSet | None:
    """The image set that it is, or that is inside it."""
    for holder in (data, getattr(data, "dataset", None)):
        if isinstance(holder, ImageSet):
            return holder
    return None


def versions() -> dict[str, str]:
    """Of everything that the result depends on."""
    return {
        "convkit": version("convkit"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
