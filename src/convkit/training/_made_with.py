"""What was a loss or a scheduler made with, as far as it still tells?"""

from __future__ import annotations

import hashlib
import inspect
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 80  # characters; of what is longer a digest is enough to tell it from another
# Arguments of schedulers that say where they are, not what they are.
_PROGRESS = {"last_epoch"}


def made_with(name: str, value: object) -> dict[str, str]:
    """A value and the settings that it holds, as text: `loss`, `loss.label_smoothing`, and so on.

    An object tells the arguments of its class that it keeps under their names; a partial what it
    gives on; a function its defaults and the plain values around it. A lambda has no name: what it
    calls, and its decimal numbers, stand for one.

    Args:
        name: What the value is called.
        value: The loss, the scheduler, or one of their arguments.

    Examples:
        >>> from torch import nn
        >>> made_with("loss", nn.MultiMarginLoss(margin=0.5))["loss.margin"]
        '0.5'
        >>> made_with("loss", lambda o, t: nn.functional.cross_entropy(o, t, label_smoothing=0.1))
        {'loss': 'lambda of nn functional cross_entropy 0.1'}
    """
    return dict(_told(name, value))


def _told(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, partial):
        yield from _told(name, value.func)
        yield from _each(name, {"arguments": value.args, **value.keywords})
    elif isinstance(value, FunctionType):
        yield name, _words(value)
        yield from _each(name, _around(value))
    elif isinstance(value, LRScheduler | ReduceLROnPlateau) or _is_callable_object(value):
        yield name, type(value).__name__
        yield from _each(name, _arguments(value))
    elif isinstance(value, list | tuple) and not _is_plain(value):
        yield from _each(name, {str(index): each for index, each in enumerate(value)})
    elif isinstance(value, Tensor) or _is_plain(value):
        yield name, _text(value)
    else:
        yield name, getattr(value, "__name__", type(value).__name__)


def _is_callable_object(value: object) -> bool:
    return callable(value) and not hasattr(value, "__name__")


def _each(name: str, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        yield from _told(f"{name}.{key}", value)


def _arguments(value: object) -> dict[str, object]:
    """What its class is called with, where an attribute of that name (torch: names) holds it."""
    found: dict[str, object] = {}
    try:
        names = inspect.signature(type(value)).parameters
    except ValueError:  # of what is written in C nobody can know
        return found
    for name in names:
        kept = [each for each in (name, f"_{name}", f"{name}s") if hasattr(value, each)]
        if kept and name not in _PROGRESS | {"optimizer"}:
            found[name] = getattr(value, kept[0])
    return found


def _around(function: FunctionType) -> dict[str, object]:
    """Defaults and the plain values of the scope that a function was made in."""
    signature = inspect.signature(function).parameters.values()
    defaults = {each.name: each.default for each in signature if each.default is not each.empty}
    around = inspect.getclosurevars(function).nonlocals
    plain = {k: v for k, v in around.items() if isinstance(v, bool | int | float | str | Tensor)}
    return {**defaults, **plain}


def _words(function: FunctionType) -> str:
    if function.__name__ != "<lambda>":
        return function.__name__
    # Whole numbers are left out: where they stand in the code differs between versions of Python.
    code: Any = function.__code__
    numbers = [str(each) for each in code.co_consts if isinstance(each, float)]
    return " ".join(["lambda of", *code.co_names, *numbers])


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _text(value: Any) -> str:
    """Of a tensor its numbers alone, on whatever device."""
    text = str(value.tolist() if isinstance(value, Tensor) else value)
    return text if len(text) <= _LONGEST else f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"
