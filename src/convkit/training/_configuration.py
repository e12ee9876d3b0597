"""What is written down about a training: settings, network, classes, data, versions, samples."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from convkit._version import __version__
from convkit.architecture import summarize
from convkit.errors import ConvkitError, TrainingError
from convkit.training._built_table import table_text
from convkit.training._directory import SAMPLES
from convkit.training._inside import holders, known_images, part_of
from convkit.training._loader_feed import known_length

if TYPE_CHECKING:
    from convkit.training._evaluation import Evaluation
    from convkit.training._state import TrainingState
    from convkit.training._trainer import Trainer

_SAMPLES, _MISTAKES = 16, 24


@dataclass(frozen=True, slots=True)
class Call:
    """What `fit` was called with."""

    training: Any
    validation: Any
    epochs: int
    batch_size: int
    augment: tuple[Any, ...]


def describe_network(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, Any]:
    """The table that builds it, its input, and what it costs."""
    parameters = {id(parameter): parameter for parameter in model.parameters()}.values()
    return {
        "architecture": table_text(model, input_shape),
        "network": type(model).__name__,
        "input_shape": list(input_shape),
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "macs": _macs(model, input_shape),
    }


def _macs(model: nn.Module, input_shape: tuple[int, ...]) -> int | None:
    """Multiplications with their addition for one image, where they can be counted."""
    try:
        return int(summarize(model, input_shape).macs)
    except (ConvkitError, RuntimeError, TypeError, ValueError):
        return None  # a network that cannot be summed up trains all the same


def describe_call(call: Call) -> dict[str, Any]:
    """Epochs, batches, augmentation and the size of the data."""
    sets = {"train": call.training, "validation": call.validation}
    return {
        "epochs": call.epochs,
        "batch_size": getattr(call.training, "batch_size", None) or call.batch_size,
        "augment": [str(step) for step in call.augment or getattr(call.training, "augment", ())],
        "data": {name: _describe_set(data) for name, data in sets.items() if data is not None},
    }


def _describe_set(data: Any) -> dict[str, Any]:
    """Samples, and samples of each class where the labels are at hand."""
    labels = labels_of(data)
    if labels is not None:
        counts = torch.bincount(labels.clamp(min=0)).tolist()
        return {"samples": len(labels), "per_class": counts}
    drawn = data.sampler if isinstance(data, DataLoader) else getattr(data, "dataset", data)
    return {"samples": known_length(drawn), "per_class": None}


def labels_of(data: Any) -> Tensor | None:
    """All labels of a set, where they are at hand without reading the images."""
    part = part_of(data)
    if part is not None:
        return part[0].labels[part[1]]
    if isinstance(data, tuple | list) and len(data) == 2:
        labels = torch.as_tensor(data[1])
        return None if labels.is_floating_point() or labels.ndim != 1 else labels.cpu().long()
    return None


def class_names_of(data: Any) -> tuple[str, ...] | None:
    """The class names that a set, or the set inside a loader, carries."""
    for holder in holders(data):
        for attribute in ("class_names", "classes"):
            names = getattr(holder, attribute, None)
            if names is not None:
                return tuple(str(name) for name in names)
    return None


def versions() -> dict[str, str]:
    """Of everything that the result depends on."""
    return {
        "convkit": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def names_of_outputs(names: tuple[str, ...] | None, outputs: int) -> tuple[str, ...]:
    """A name for each output; numbers where there are no names.

    Raises:
        TrainingError: When there are more names than outputs, or fewer.
    """
    names = names or tuple(map(str, range(outputs)))
    if len(names) != outputs:
        raise TrainingError(f"the network has {outputs} outputs for {len(names)} class names")
    return names


def samples_of(data: Any) -> dict[str, Any] | None:
    """A few images for the pictures of a report; None where the set has none at hand."""
    part = part_of(data)
    if part is None:
        return None
    few = part[0].subset(part[1][:_SAMPLES])
    return {
        "images": few.images.clone(),
        "normalized": few.preprocessing.normalize(few.images),
        "labels": few.labels,
        "names": list(few.names),
    }


def mistakes_of(data: Any, evaluation: Evaluation) -> dict[str, Any] | None:
    """The wrongly answered images of greatest loss; None where the set has none at hand."""
    image_set = known_images(data)
    if image_set is None or len(image_set) != len(evaluation):
        return None
    wrong = evaluation.predicted != evaluation.truth
    order = evaluation.losses.masked_fill(~wrong, -1).argsort(descending=True, stable=True)
    worst = order[: min(_MISTAKES, int(wrong.sum()))]
    return {
        "images": image_set.images[worst],
        "truth": evaluation.truth[worst],
        "predicted": evaluation.predicted[worst],
        "probabilities": evaluation.probabilities[worst],
        "names": [image_set.names[index] for index in worst.tolist()],
    }


def write_down(
    trainer: Trainer, state: TrainingState, call: Call, input_shape: tuple[int, ...]
) -> None:
    """Write configuration and samples into the run directory."""
    run, preprocessing = trainer.run_directory, trainer.preprocessing
    if run is None:
        return
    names, scheduler = trainer.class_names, state.scheduler
    run.write_configuration(
        {
            **describe_network(trainer.model, input_shape),
            "class_names": None if names is None else list(names),
            "preprocessing": None if preprocessing is None else preprocessing.to_dict(),
            "loss": _describe_loss(trainer),
            "settings": {
                "optimizer": type(state.optimizer).__name__,
                "optimizer_settings": _plain_settings(state.optimizer.defaults),
                "scheduler": None if scheduler is None else type(scheduler).__name__,
                "early_stopping": str(trainer.early_stopping),
                "seed": trainer.seed,
                "device": str(trainer.device),
                "precision": trainer.precision,
                "options": str(trainer.options),
                **describe_call(call),
            },
            "versions": versions(),
        }
    )
    samples = samples_of(call.validation)
    if samples is not None:
        run.write_tensors(SAMPLES, samples)


def _describe_loss(trainer: Trainer) -> dict[str, Any]:
    """What `evaluate` needs to measure by the loss of the training; a function has only a name."""
    loss, weights = trainer.settings.loss, trainer.class_weights
    return {
        "function": None if loss is None else getattr(loss, "__name__", type(loss).__name__),
        "class_weights": None if weights is None else weights.tolist(),
        "label_smoothing": trainer.options.label_smoothing,
    }


def _plain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that differ from nothing, as plain values."""
    return {
        name: value if isinstance(value, int | float | bool | str | tuple) else str(value)
        for name, value in settings.items()
        if value is not None
    }
