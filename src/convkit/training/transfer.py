"""Begin from trained weights: another head, frozen parts, torchvision's networks.

from convkit.training import transfer

model, transform = transfer.pretrained("resnet18")
transfer.replace_head(model, 10)
transfer.freeze(model)
transfer.unfreeze(model, "layer4", "fc")
print(transfer.report(model))
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from convkit._tables import Table
from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "FreezeReport",
    "freeze",
    "parameter_groups",
    "pretrained",
    "replace_head",
    "report",
    "unfreeze",
]


def replace_head(model: nn.Module, num_classes: int) -> nn.Linear:
    """Put a fresh linear layer in the place of the model's last one.

    The last linear layer in the order of registration is the head, as in AlexNet, VGG and ResNet;
    a model that ends in a 1x1 convolution has none. Its initial values are PyTorch's own and come
    from torch's random state.

    Args:
        model: Any module with an `nn.Linear`; it is changed in place.
        num_classes: Outputs of the new layer.

    Returns:
        The new layer, on the device and in the dtype of the old one.

    Raises:
        TrainingError: When there is no linear layer, or `num_classes` is below 1.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(12, 1000))
        >>> replace_head(model, 10)
        Linear(in_features=12, out_features=10, bias=True)
    """
    if num_classes < 1:
        raise TrainingError(f"num_classes is at least 1, not {num_classes}")
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise TrainingError(
            f"{type(model).__name__} has no nn.Linear layer to replace; set its last layer yourself"
        )
    old = model.get_submodule(linear[-1])
    if not linear[-1] or not isinstance(old, nn.Linear):
        raise TrainingError("the model is itself one linear layer: make a new one instead")
    head = nn.Linear(
        old.in_features,
        num_classes,
        bias=old.bias is not None,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    parent, _, child = linear[-1].rpartition(".")
    setattr(model.get_submodule(parent), child, head)
    # The table from which the model was built no longer describes it.
    for attribute in ("convkit_architecture", "convkit_input_shape"):
        vars(model).pop(attribute, None)
    return head


def freeze(model: nn.Module, *names: str, statistics: bool = True) -> list[str]:
    """Keep parts of a model as they are: no gradients, and no new batch norm statistics.

    A frozen batch norm that still updates its running mean and variance changes what the frozen
    part computes, so its statistics are frozen too unless asked otherwise.

    Args:
        model: The model; it is changed in place.
        *names: Modules or parameters by name (`"layer4"` takes everything below it), or patterns
            with `*`; none freezes the whole model.
        statistics: Whether batch norms among them also keep their statistics in training mode.

    Returns:
        The names of the parameters that are frozen now, among those named.

    Raises:
        TrainingError: For a name that is not in the model, with the closest one that is.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> freeze(model, "0")
        ['0.weight', '0.bias']
    """
    chosen = _parameters(model, names)
    for parameter in chosen.values():
        parameter.requires_grad_(False)
    for norm in _batch_norms(model, names):
        _keep_statistics(norm, keep=statistics)
    return list(chosen)


def unfreeze(model: nn.Module, *names: str) -> list[str]:
    """Let parts of a model learn again; the opposite of `freeze`, with the same names.

    Returns:
        The names of the parameters that learn now, among those named.

    Raises:
        TrainingError: For a name that is not in the model, with the closest one that is.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> frozen = freeze(model)
        >>> unfreeze(model, "2.*")
        ['2.weight', '2.bias']
    """
    chosen = _parameters(model, names)
    for parameter in chosen.values():
        parameter.requires_grad_(True)
    for norm in _batch_norms(model, names):
        _keep_statistics(norm, keep=False)
    return list(chosen)


@dataclass(frozen=True, slots=True)
class FreezeReport:
    """What of a model learns, part by part.

    Args:
        rows: For each part directly below the model: its name, its parameters, those that learn,
            and how many of its batch norms keep their statistics.
        total: All parameters, each distinct tensor once.
        trainable: Those that learn.
    """

    rows: tuple[tuple[str, int, int, int], ...]
    total: int
    trainable: int

    @property
    def frozen(self) -> int:
        """Parameters that do not learn."""
        return self.total - self.trainable

    def table(self) -> Table:
        """One row for each part, and the total."""
        header = ("part", "parameters", "trainable", "batch norms kept")
        total = ("total", self.total, self.trainable, sum(row[3] for row in self.rows))
        return Table(header, (*self.rows, total))

    def __str__(self) -> str:
        return str(self.table())


def report(model: nn.Module) -> FreezeReport:
    """Count what learns and what is frozen.

    Args:
        model: Any module.

    Returns:
        The counts by part, with a table as its text.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> frozen = freeze(model, "0")
        >>> report(model).total, report(model).trainable
        (242, 18)
    """
    rows = tuple(
        (
            name,
            sum(p.numel() for p in child.parameters()),
            sum(p.numel() for p in child.parameters() if p.requires_grad),
            sum(_keeps_statistics(norm) for norm in _batch_norms(child, ())),
        )
        for name, child in model.named_children()
        if any(True for _ in child.parameters())
    )
    total = sum(p.numel() for p in model.parameters())
    return FreezeReport(rows, total, sum(p.numel() for p in model.parameters() if p.requires_grad))


def parameter_groups(
    model: nn.Module, lr: float, rates: Sequence[tuple[str, float]]
) -> list[dict[str, Any]]:
    """Learning rates layer by layer, as an optimizer takes them.

    Args:
        model: The model; only parameters that learn are taken.
        lr: The rate of every part that is not named.
        rates: Pairs of a name or pattern, as of `freeze`, and the factor on `lr`; the first that
            fits counts.

    Returns:
        Groups of parameters, each with its `lr`.

    Raises:
        TrainingError: For a name that is not in the model.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> [group["lr"] for group in parameter_groups(model, 0.1, [("0", 0.01)])]
        [0.001, 0.1]
    """
    rest = {name: p for name, p in model.named_parameters() if p.requires_grad}
    groups = []
    for name, factor in rates:
        taken = [
            p for each in _parameters(model, (name,)) if (p := rest.pop(each, None)) is not None
        ]
        if taken:
            groups.append({"params": taken, "lr": lr * factor})
    if rest:
        groups.append({"params": list(rest.values()), "lr": lr})
    return groups


def pretrained(
    name: str, *, weights: str | PathLike[str] | None = None
) -> tuple[nn.Module, Callable[[Any], torch.Tensor]]:
    """A torchvision network with ImageNet weights, and the transform that belongs to them.

    Args:
        name: Such as `"alexnet"`, `"resnet18"`, `"vgg16"`.
        weights: A local file of weights as torchvision publishes them; None lets torchvision
            download its default ones.

    Returns:
        The network, and the transform from a PIL image to its input.

    Raises:
        TrainingError: For a name that torchvision does not have, or a file that does not fit.
        OSError: When the weights can neither be found nor fetched.
    """
    import torchvision

    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; the closest is {close[0]!r}" if close else ""
        raise TrainingError(f"torchvision has no network named {name!r}{hint}")
    default = torchvision.models.get_model_weights(name)["DEFAULT"]
    if weights is None:
        return torchvision.models.get_model(name, weights=default), default.transforms()
    model: nn.Module = torchvision.models.get_model(name, weights=None)
    try:
        model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except OSError:
        raise
    except Exception as error:  # whatever an unreadable or foreign file makes torch raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(f"{fspath(weights)} holds no weights of {name}: {reason}") from error
    return model, default.transforms()


def _parameters(model: nn.Module, names: Sequence[str]) -> dict[str, nn.Parameter]:
    """The named parameters, in the order of the model; all when none is named."""
    every = dict(model.named_parameters())
    if not names:
        return every
    chosen = {wanted: {name for name in every if _fits(name, wanted)} for wanted in names}
    for wanted, found in chosen.items():
        if not found:
            raise TrainingError(_no_such(model, wanted))
    taken = set().union(*chosen.values())
    return {name: parameter for name, parameter in every.items() if name in taken}


def _batch_norms(
    model: nn.Module, names: Sequence[str]
) -> Iterator[nn.modules.batchnorm._BatchNorm]:
    """The batch norms in the named parts."""
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (
            not names or any(_fits(name, wanted) for wanted in names)
        ):
            yield module


def _fits(name: str, wanted: str) -> bool:
    """Whether a name is the one wanted, lies below it, or matches its pattern."""
    return name == wanted or name.startswith(f"{wanted}.") or fnmatchcase(name, wanted)


def _no_such(model: nn.Module, wanted: str) -> str:
    known = [name for name, _ in model.named_modules() if name]
    close = difflib.get_close_matches(wanted, known, n=1)
    hint = f"; the closest is {close[0]!r}" if close else ""
    return (
        f"{type(model).__name__} has no parameters named {wanted!r}{hint}. "
        "model.named_parameters() lists them"
    )


def _keep_statistics(norm: nn.modules.batchnorm._BatchNorm, *, keep: bool) -> None:
    """Hold a batch norm in evaluation mode whatever `train()` says, or let it go again."""
    if keep and not _keeps_statistics(norm):
        norm.register_forward_pre_hook(_stay_in_evaluation)
        norm.eval()
    elif not keep and _keeps_statistics(norm):
        hooks = norm._forward_pre_hooks
        for key in [key for key, hook in hooks.items() if hook is _stay_in_evaluation]:
            del hooks[key]
        norm.train()


def _keeps_statistics(norm: nn.Module) -> bool:
    return any(hook is _stay_in_evaluation for hook in norm._forward_pre_hooks.values())


def _stay_in_evaluation(norm: nn.Module, _: object) -> None:
    """Run before each forward: `model.train()` sets every module's mode, so it would not last."""
    norm.eval()
