"""Which conv layers a model has, and which of them are meant."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import nn

from convkit.errors import FeatureError

if TYPE_CHECKING:
    from convkit.features._call_plan import Plan

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
Selection = str | int | Sequence[str | int] | None
_SHOWN = 12


def conv_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Every two-dimensional conv layer of a model once, by its first name, in the model's order."""
    return {
        name: module for name, module in model.named_modules() if isinstance(module, CONVOLUTIONS)
    }


def select(model: nn.Module, layers: Selection, plan: Plan) -> dict[str, nn.Module]:
    """Find the layers that were asked for.

    Args:
        model: The model.
        layers: A name, the name of a part of the model (all its conv layers), a pattern with
            `*`, an index, `"early"`, `"middle"` or `"deep"` (the first, the middle and the last
            conv layer), several of these, or None for all.
        plan: The model's conv layers as they run; depths count those that are known to run.

    Returns:
        Name and module of each layer, every one once.

    Raises:
        FeatureError: When nothing fits; the message names the nearest.
    """
    order = plan.order
    if layers is None:
        return {name: plan.layers[name] for name in order}
    modules = dict(model.named_modules(remove_duplicate=False))
    asked = [layers] if isinstance(layers, (str, int)) else layers
    wanted = [name for one in asked for name in _names(modules, one, order, plan.running or order)]
    if not wanted:
        raise FeatureError(
            f"no layer was asked for (layers={layers!r}); layers=None takes all {len(order)}"
        )
    # A layer that stands in the model under two names is one layer; its first name is used.
    first_names = {module: name for name, module in plan.layers.items()}
    return {first_names[modules[name]]: modules[name] for name in wanted}


def _names(
    modules: Mapping[str, nn.Module], asked: str | int, order: Sequence[str], runs: Sequence[str]
) -> list[str]:
    """The names that one word, pattern or index stands for."""
    if isinstance(asked, bool) or not isinstance(asked, (str, int)):
        raise FeatureError(
            f"a layer is asked for by its name or index; received {asked!r} "
            f"of type {type(asked).__name__}"
        )
    if isinstance(asked, int):
        return [_at(asked, order)]
    exact = [asked] if isinstance(modules.get(asked), CONVOLUTIONS) else []
    depths = {"early": 0, "middle": len(runs) // 2, "deep": len(runs) - 1}
    found = (
        exact
        or [name for name in order if name.startswith(f"{asked}.")]
        or [name for name in order if fnmatch.fnmatchcase(name, asked)]
        or [runs[depths[word]] for word in depths if word == asked]
    )
    if not found:
        raise FeatureError(_nothing_fits(modules.get(asked), asked, order))
    return found


def _at(index: int, order: Sequence[str]) -> str:
    """The layer at an index, which may count from the end."""
    if not -len(order) <= index < len(order):
        raise FeatureError(
            f"layer index {index} is out of range: the model has {len(order)} conv layers, "
            f"0 to {len(order) - 1}"
        )
    return order[index]


def _nothing_fits(other: nn.Module | None, asked: str, order: Sequence[str]) -> str:
    """Say what the asked name is, if anything, and which names are near."""
    kind = f" ({asked!r} is a {type(other).__name__})" if other is not None else ""
    near = difflib.get_close_matches(asked, order, n=3, cutoff=0.5)
    hint = f"; did you mean {listed(near)}?" if near else f"; conv layers: {listed(order)}"
    return f"no conv layer fits {asked!r}{kind}{hint}"


def listed(names: Iterable[str]) -> str:
    """Some names in one line, the first dozen."""
    every = list(names)
    shown = ", ".join(repr(name) for name in every[:_SHOWN])
    return f"{shown} and {len(every) - _SHOWN} more" if len(every) > _SHOWN else shown


def check_model(model: nn.Module) -> None:
    """Refuse what cannot be looked into."""
    if not isinstance(model, nn.Module):
        raise FeatureError(f"a model is an nn.Module; received {type(model).__name__}")
    registered = conv_layers(model)
    if not registered:
        raise FeatureError(
            f"{type(model).__name__} has no nn.Conv2d or nn.ConvTranspose2d layer to look into"
        )
    lazy = [name for name, m in registered.items() if _has_lazy_weights(m)]
    if lazy:
        raise FeatureError(
            f"the weights of {listed(lazy)} do not exist yet; run the model once on an image first"
        )


def _has_lazy_weights(module: nn.Module) -> bool:
    return any(nn.parameter.is_lazy(parameter) for parameter in module.parameters())
