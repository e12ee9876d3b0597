"""Which parts of a network learn, and how fast?"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from torch.nn.modules.batchnorm import _BatchNorm

from convkit._tables import Shown, Table
from convkit.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn


def freeze(model: nn.Module, *names: str, statistics: bool = True) -> list[str]:
    """Keep parts of a model as they are: no gradients, and no new batch norm statistics.

    A frozen batch norm that still updates its running mean and variance changes what the frozen
    part computes, so its statistics are frozen too unless asked otherwise; `model.train()` does not
    wake it. Gradients that are left over are dropped: an optimizer would still apply them.

    Args:
        model: The model; it is changed in place.
        *names: Modules or parameters by name (`"layer4"` takes everything below it), or patterns
            with `*`, `?` and `[0-4]`; none freezes the whole model.
        statistics: Whether batch norms all of whose parameters are frozen keep their statistics.

    Returns:
        The names of the parameters that are frozen now, among those named.

    Raises:
        TrainingError: For a name that is not in the model, with the closest one that is.

    Examples:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> freeze(model, "0")
        ['0.weight', '0.bias']
    """
    chosen = named_parameters(model, names)
    for parameter in chosen.values():
        parameter.requires_grad_(False)
        parameter.grad = None
    for norm in _batch_norms(model, names, chosen):
        _keep_statistics(norm, keep=statistics, training=model.training)
    return list(chosen)


def unfreeze(model: nn.Module, *names: str) -> list[str]:
    """Let parts of a model learn again; the opposite of `freeze`, with the same names.

    Args:
        model: The network; changed in place.
        names: Parts by their names, such as `"features"`; none for all of it.

    Returns:
        The names of the parameters that learn now, among those named.

    Raises:
        TrainingError: For a name that is not in the model, with the closest one that is.

    Examples:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> frozen = freeze(model)
        >>> unfreeze(model, "2.*")
        ['2.weight', '2.bias']
    """
    chosen = named_parameters(model, names)
    for parameter in chosen.values():
        parameter.requires_grad_(True)
    for norm in _batch_norms(model, names, chosen):
        _keep_statistics(norm, keep=False, training=model.training)
    return list(chosen)


@dataclass(frozen=True, slots=True)
class FreezeReport(Shown):
    """What of a model learns, part by part; made by `report`.

    Args:
        rows: For each part directly below the model: its name, its parameters, those that learn,
            and how many of its batch norms keep their statistics.
        total: All parameters, each distinct tensor once.
        trainable: Those that learn.

    Examples:
        >>> from torch import nn
        >>> from convkit.training import transfer
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2))
        >>> _ = transfer.freeze(model, "0")
        >>> report = transfer.report(model)
        >>> report.total, report.trainable, report.frozen
        (146, 34, 112)
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
        model: Any module. A parameter that several parts share counts in the first of them; those
            that belong to no part are counted as `(own)`.

    Returns:
        The counts by part, with a table as its text.

    Examples:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> frozen = freeze(model, "0")
        >>> report(model).total, report(model).trainable
        (242, 18)
    """
    own = list(model.parameters(recurse=False))
    parts = [("(own)", own, 0)] if own else []
    parts += [
        (name, list(child.parameters()), sum(map(keeps_statistics, child.modules())))
        for name, child in model.named_children()
    ]
    seen: set[int] = set()
    rows = []
    for name, parameters, kept in parts:
        new = [p for p in parameters if id(p) not in seen]
        seen.update(map(id, new))
        if parameters or kept:
            trainable = sum(p.numel() for p in new if p.requires_grad)
            rows.append((name, sum(p.numel() for p in new), trainable, kept))
    return FreezeReport(tuple(rows), sum(r[1] for r in rows), sum(r[2] for r in rows))


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

    Examples:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), nn.Flatten(), nn.Linear(8, 2))
        >>> [group["lr"] for group in parameter_groups(model, 0.1, [("0", 0.01)])]
        [0.001, 0.1]
    """
    rest = {name: p for name, p in model.named_parameters() if p.requires_grad}
    groups = []
    for name, factor in rates:
        taken = [
            p
            for each in named_parameters(model, (name,))
            if (p := rest.pop(each, None)) is not None
        ]
        if taken:
            groups.append({"params": taken, "lr": lr * factor})
    if rest:
        groups.append({"params": list(rest.values()), "lr": lr})
    return groups


def named_parameters(model: nn.Module, names: Sequence[str]) -> dict[str, nn.Parameter]:
    """The named parameters, in the order of the model; all when none is named.

    Raises:
        TrainingError: For a name that is not in the model.
    """
    every = dict(model.named_parameters())
    if not names:
        return every
    norms = [n for n, module in model.named_modules() if isinstance(module, _BatchNorm)]
    for wanted in names:
        if not any(_fits(name, wanted) for name in (*every, *norms)):
            raise TrainingError(_no_such(model, wanted))
    return {n: p for n, p in every.items() if any(_fits(n, wanted) for wanted in names)}


def _batch_norms(model: nn.Module, names: Sequence[str], chosen: Iterable[str]) -> list[_BatchNorm]:
    """The batch norms that are named, or all of whose parameters are."""
    taken = set(chosen)
    found = []
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            prefix = f"{name}." if name else ""
            own = {prefix + each for each, _ in module.named_parameters()}
            fits = not names or any(_fits(name, wanted) for wanted in names)
            if fits or (own and own <= taken):
                found.append(module)
    return found


def _fits(name: str, wanted: str) -> bool:
    """Whether a name, or that of a module which it lies in, is the one wanted or matches it."""
    parts = name.split(".")
    above = (".".join(parts[: i + 1]) for i in range(len(parts)))
    return any(each == wanted or fnmatchcase(each, wanted) for each in above)


def _no_such(model: nn.Module, wanted: str) -> str:
    known = [name for name, _ in model.named_modules() if name]
    close = difflib.get_close_matches(wanted, known, n=1)
    hint = f"; the closest is {close[0]!r}" if close else ""
    return (
        f"{type(model).__name__} has no parameters named {wanted!r}{hint}. "
        "model.named_parameters() lists them"
    )


def _keep_statistics(norm: _BatchNorm, *, keep: bool, training: bool) -> None:
    """Hold a batch norm in evaluation mode whatever `train()` says, or let it go again."""
    if keep and not keeps_statistics(norm):
        norm.register_forward_pre_hook(_stay_in_evaluation)
        norm.eval()
    elif not keep and keeps_statistics(norm):
        hooks = norm._forward_pre_hooks
        for key in [key for key, hook in hooks.items() if hook is _stay_in_evaluation]:
            del hooks[key]
        norm.train(training)


def keeps_statistics(module: nn.Module) -> bool:
    """Whether a batch norm is frozen with its statistics."""
    return any(hook is _stay_in_evaluation for hook in module._forward_pre_hooks.values())


def _stay_in_evaluation(norm: nn.Module, _: object) -> None:
    """Run before each forward: `model.train()` sets every module's mode, so it would not last."""
    norm.eval()
