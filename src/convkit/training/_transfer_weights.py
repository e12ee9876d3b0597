"""Which trained weights does a network begin with?"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from convkit._tables import Shown
from convkit.data import Preprocessing
from convkit.errors import TrainingError
from convkit.training._load import weights_of
from convkit.training._run import read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from torch import nn

_SHOWN = 3  # names in a message


def pretrained(
    name: str, *, weights: str | PathLike[str] | None = None
) -> tuple[nn.Module, Callable[[Any], Tensor]]:
    """A torchvision network with trained weights, and the transform that belongs to them.

    Args:
        name: Such as `"alexnet"`, `"resnet18"`, `"vgg16"`.
        weights: A name of torchvision's, such as `"IMAGENET1K_V1"`, or a local file of weights as
            torchvision publishes them; None takes its default ones. By name they are downloaded
            where torchvision does not have them yet. Or the directory of a run, whose network is
            this one, also when it was built from a table; its head has the run's classes.

    Returns:
        The network, and the transform from a PIL image to its input: that of the weights named,
        of the weights whose file has this file's name, or of the default ones. Of a run it is
        the `convkit.data.Preprocessing` of its images, which is called like one.

    Raises:
        TrainingError: For a name that torchvision does not have, or weights that do not fit.
        RunError: When the directory holds no training.
        OSError: When the weights can neither be found nor fetched.

    Examples:
        >>> pretrained("alexnot")
        Traceback (most recent call last):
        convkit.errors.TrainingError: torchvision has no network named 'alexnot'; the closest ...
    """
    import torchvision

    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; the closest is {close[0]!r}" if close else ""
        raise TrainingError(f"torchvision has no network named {name!r}{hint}")
    published = torchvision.models.get_model_weights(name)
    named = published["DEFAULT"] if weights is None else published.__members__.get(str(weights))
    if named is not None:
        return torchvision.models.get_model(name, weights=named), named.transforms()
    path = Path(weights or "")
    if weights is not None and path.is_dir():
        return _from_run(name, path)
    if isinstance(weights, str) and not path.exists() and not path.suffix:
        raise TrainingError(
            f"{name} has no weights named {weights!r}: one of {', '.join(published.__members__)}, "
            "or a file"
        )
    model: nn.Module = torchvision.models.get_model(name, weights=None)
    tensors = _read(path)
    try:
        model.load_state_dict(tensors)
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"{path} holds no weights of {name}: {reason}") from error
    same_file = (w for w in published if PurePosixPath(w.url).name == path.name)
    return model, next(same_file, published["DEFAULT"]).transforms()


def _from_run(name: str, directory: Path) -> tuple[nn.Module, Callable[[Any], Tensor]]:
    """Torchvision's network with the weights of a run, and the transform of the run's images.

    A table gives its layers other names, in the same order: tensor by tensor they are the same.
    """
    import torchvision

    run = read_run(directory)
    tensors, configuration = weights_of(run), run.configuration
    classes = configuration["class_names"] or list(tensors.values())[-1]
    model: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=len(classes))
    own = model.state_dict()
    if [t.shape for t in tensors.values()] != [t.shape for t in own.values()]:
        raise TrainingError(
            f"the run in {directory} trained no {name}: it has {len(tensors)} tensors, {name} has "
            f"{len(own)}{_first_difference(tensors, own)}"
        )
    model.load_state_dict(dict(zip(own, tensors.values(), strict=True)))
    return model, Preprocessing.from_dict(configuration["preprocessing"] or {})


def _first_difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str:
    """The first two tensors of different shapes, for a message."""
    for (name, tensor), (other_name, other_tensor) in zip(one.items(), other.items(), strict=False):
        if tensor.shape != other_tensor.shape:
            return f"; {name} is {tuple(tensor.shape)}, {other_name} is {tuple(other_tensor.shape)}"
    return ""


@dataclass(frozen=True, slots=True)
class LoadedWeights(Shown):
    """Which tensors a network took; made by `load_weights`.

    Args:
        taken: Names of those that it has from the source.
        kept: Names of those that the source does not have, or in another shape: they are as before.
        left: Names that only the source has, or has in another shape.

    Examples:
        >>> print(LoadedWeights(taken=("conv1.weight",), kept=("fc1.weight",), left=()))
        1 tensors taken; 1 of the network kept (fc1.weight); 0 of the source left.
    """

    taken: tuple[str, ...]
    kept: tuple[str, ...]
    left: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{len(self.taken)} tensors taken; {len(self.kept)} of the network kept"
            f"{_some(self.kept)}; {len(self.left)} of the source left{_some(self.left)}."
        )


def load_weights(
    model: nn.Module, source: str | PathLike[str], *, partial: bool = False
) -> LoadedWeights:
    """Give a network the weights of a run of convkit, or of a file of weights.

    Args:
        model: The network; it is changed in place, or not at all when the weights do not fit.
        source: A run directory, whose best weights are taken (the last ones of a training without
            validation), or a file that holds a state dict.
        partial: Whether tensors without a counterpart of the same name and shape are passed over,
            such as a head for other classes.

    Returns:
        Which tensors were taken, kept and left.

    Raises:
        TrainingError: When the weights do not fit, naming what differs.
        RunError: When the directory holds no training.
        CheckpointError: When its weights are damaged.
        OSError: When the file cannot be read.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> torch.save(nn.Conv2d(3, 4, 3).state_dict(), "conv.pt")
        >>> load_weights(nn.Conv2d(3, 4, 3), "conv.pt").taken
        ('weight', 'bias')
    """
    path = Path(source)
    tensors = weights_of(read_run(path)) if path.is_dir() else _read(path)
    own = model.state_dict()
    fits = {n: t for n, t in tensors.items() if n in own and own[n].shape == t.shape}
    loaded = LoadedWeights(
        tuple(fits),
        tuple(name for name in own if name not in fits),
        tuple(name for name in tensors if name not in fits),
    )
    if not fits or (not partial and (loaded.kept or loaded.left)):
        hint = "" if partial or not fits else "; partial=True takes what fits"
        raise TrainingError(
            f"the weights in {path} do not fit {type(model).__name__}: {len(fits)} tensors fit, "
            f"{len(loaded.kept)} of the network{_some(loaded.kept)} and {len(loaded.left)} of the "
            f"source{_some(loaded.left)} do not{hint}"
        )
    model.load_state_dict(fits, strict=False)
    return loaded


def _some(names: tuple[str, ...]) -> str:
    """The first few names, in brackets."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f" ({', '.join(names[:_SHOWN])}{more})" if names else ""


def _read(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a file, read without running anything in it.

    Raises:
        TrainingError: When it holds something else.
        OSError: When it cannot be read.
    """
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # whatever a foreign file makes torch raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(f"{path} is no file of weights: {reason}") from error
    if not isinstance(values, dict) or not all(isinstance(t, Tensor) for t in values.values()):
        raise TrainingError(
            f"{path} is no file of weights: it holds a {type(values).__name__}, not the tensors of "
            "a state_dict() by name"
        )
    return values
