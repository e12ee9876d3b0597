"""How does a network get another number of classes?"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from torch import nn

from convkit.architecture import Architecture, Linear
from convkit.errors import TrainingError
from convkit.training._built_table import describes


def replace_head(
    model: nn.Module, num_classes: int, *, name: str | None = None
) -> nn.Linear | nn.Conv2d:
    """Put a fresh layer with another number of outputs in the place of the model's head.

    The head is the last linear layer in the order of registration, as in AlexNet, VGG, ResNet and
    most others; in a network without any, such as SqueezeNet, the last 1x1 convolution. Where
    that is another layer than the one that gives the classes, say its name. The initial values are
    PyTorch's own and come from torch's random state.

    Args:
        model: Any module; it is changed in place.
        num_classes: Outputs of the new layer.
        name: Of the layer to replace, such as `"classifier.6"`; found when left out.

    Returns:
        The new layer, on the device and in the dtype of the old one. A network that was built from
        a table keeps a table, with the new number in it.

    Raises:
        TrainingError: When there is no such layer, or `num_classes` is below 1.

    Examples:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(12, 1000))
        >>> replace_head(model, 10)
        Linear(in_features=12, out_features=10, bias=True)
    """
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
        raise TrainingError(f"num_classes is a whole number from 1 on, not {num_classes!r}")
    path = _last_head(model) if name is None else _named_head(model, name)
    if not path:
        raise TrainingError("the model is itself one layer: make a new one instead")
    head = _like(model.get_submodule(path), num_classes)
    parent, _, child = path.rpartition(".")
    setattr(model.get_submodule(parent), child, head)
    _rewrite_table(model, path, num_classes)
    return head


def _last_head(model: nn.Module) -> str:
    modules: list[tuple[str, nn.Module]] = list(model.named_modules())
    linear = [name for name, module in modules if isinstance(module, nn.Linear)]
    pointwise = [n for n, m in modules if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    found = linear or pointwise
    if not found:
        raise TrainingError(
            f"{type(model).__name__} has neither a linear layer nor a 1x1 convolution to replace; "
            "set its last layer yourself"
        )
    return found[-1]


def _named_head(model: nn.Module, name: str) -> str:
    known = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; the closest is {close[0]!r}" if close else ""
    raise TrainingError(
        f"{type(model).__name__} has no linear layer or convolution named {name!r}{hint}"
    )


def _like(old: nn.Module, num_classes: int) -> nn.Linear | nn.Conv2d:
    """A layer like the old one but for its outputs, in the same mode."""
    if isinstance(old, nn.Conv2d):
        if old.groups != 1:
            raise TrainingError("a grouped convolution cannot be a head: set it yourself")
        head: nn.Linear | nn.Conv2d = nn.Conv2d(
            old.in_channels,
            num_classes,
            kernel_size=tuple(old.kernel_size),  # type: ignore[arg-type]  # two numbers, typed as many
            stride=tuple(old.stride),  # type: ignore[arg-type]  # as above
            padding=old.padding,  # type: ignore[arg-type]  # as above
            dilation=tuple(old.dilation),  # type: ignore[arg-type]  # as above
            bias=old.bias is not None,
            device=old.weight.device,
            dtype=old.weight.dtype,
        )
    else:
        known: Any = old
        head = nn.Linear(
            known.in_features,
            num_classes,
            bias=known.bias is not None,
            device=known.weight.device,
            dtype=known.weight.dtype,
        )
    return head.train(old.training)


def _rewrite_table(model: nn.Module, path: str, num_classes: int) -> None:
    """Let the table from which the model was built describe it again, or take it away.

    A run keeps the table, and is built again from it: a wrong one would be worse than none.
    """
    table = getattr(model, "convkit_architecture", None)
    if table is None:
        return
    rows = list(table)
    places = [index for index, row in enumerate(rows) if isinstance(row, Linear)]
    last = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)][-1:]
    if places and [path] == last:
        last_row: Any = rows[places[-1]]
        # What the table stated of the old layer no longer holds.
        stated = type(last_row.stated)()
        rows[places[-1]] = replace(last_row, out_features=num_classes, stated=stated)
        rewritten = Architecture(rows)
        if describes(rewritten, model, vars(model)["convkit_input_shape"]):
            model.convkit_architecture = rewritten  # type: ignore[assignment]  # a plain attribute
            return
    for attribute in ("convkit_architecture", "convkit_input_shape"):
        vars(model).pop(attribute, None)
