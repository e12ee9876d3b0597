"""Receptive fields followed through the operations of a network.

An operation that is not listed ends the chain: what follows it has no receptive field that this
file could vouch for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from convkit.architecture._pool_to_size import AdaptiveAvgPool
from convkit.architecture._quick_outputs import FUNCTIONS
from convkit.architecture._seeing import Seen, joined
from convkit.architecture._sizes import tidy_size
from convkit.architecture._window import POINT, WHOLE, Window

if TYPE_CHECKING:
    from collections.abc import Callable

aten = torch.ops.aten


class Sight:
    """What each tensor of one run sees of the image.

    Args:
        image: The tensor that the network is given, `(1, C, H, W)`.
    """

    def __init__(self, image: torch.Tensor) -> None:
        self._seen = {id(image): Seen.image(tuple(image.shape[2:]))}
        # Tensors that come from the image, by ways that are not known: no constants either.
        self._unknown: set[int] = set()
        # A tensor that is gone would leave its number to another one.
        self._kept: list[Any] = [image]

    def of(self, value: Any) -> Seen | None:
        """What a tensor sees, when it is known."""
        return self._seen.get(id(value))

    def follow(self, operation: Any, arguments: tuple[Any, ...], out: Any) -> None:
        """Note what the result of an operation sees."""
        rule = _RULES.get(operation)
        results = _tensors(out)
        operands = [id(tensor) for tensor in _tensors(arguments)]
        lost = any(number in self._unknown for number in operands)
        from_image = lost or any(number in self._seen for number in operands)
        seen = None
        if rule is not None and not lost and results:
            seen = rule(self, arguments, results[0])
        self._kept += results
        for result in results:
            self._seen.pop(id(result), None)
            self._unknown.discard(id(result))
            if from_image:
                self._unknown.add(id(result))
        if seen is not None:
            self._seen[id(results[0])] = seen
            self._unknown.discard(id(results[0]))


def _tensors(value: Any) -> list[torch.Tensor]:
    """The tensors among arguments or results, those in a list of them too."""
    if isinstance(value, torch.Tensor):
        return [value]
    if not isinstance(value, (tuple, list)):
        return []
    return [tensor for one in value for tensor in _tensors(one)]


def _sizes(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.shape[2:])


def _convolution(sight: Sight, arguments: tuple[Any, ...], out: Any) -> Seen | None:
    image, weight, _, stride, padding, dilation, transposed = arguments[:7]
    seen = sight.of(image)
    if seen is None or transposed:
        return None
    settings = (tidy_size(tuple(s)) for s in (weight.shape[2:], stride, padding, dilation))
    return seen.through(Window(*settings), _sizes(out))


def _pool(sight: Sight, arguments: tuple[Any, ...], out: Any) -> Seen | None:
    image, kernel, *others = arguments
    seen = sight.of(image)
    if seen is None:
        return None
    stride = others[0] if others and others[0] else kernel
    padding = others[1] if len(others) > 1 else 0
    settings = (tidy_size(size) for size in (kernel, stride, padding))
    return seen.through(Window(*settings), _sizes(out))


def _max_pool(sight: Sight, arguments: tuple[Any, ...], out: Any) -> Seen | None:
    if len(arguments) > 4 and set(arguments[4]) != {1}:
        return None
    return _pool(sight, arguments, out)


def _adaptive(sight: Sight, arguments: tuple[Any, ...], out: Any) -> Seen | None:
    seen = sight.of(arguments[0])
    window = AdaptiveAvgPool(_sizes(out)).window(tuple(arguments[0].shape[1:]))
    return seen and seen.through(window, _sizes(out))


def _mean(sight: Sight, arguments: tuple[Any, ...], _: Any) -> Seen | None:
    image, directions = arguments[:2]
    seen = sight.of(image)
    every = sorted(d % image.dim() for d in directions or ()) == [*range(2, image.dim())]
    return seen.through(WHOLE, ()) if seen is not None and every else None


def _linear(sight: Sight, arguments: tuple[Any, ...], out: Any) -> Seen | None:
    seen = next((s for a in arguments[:2] if (s := sight.of(a)) is not None), None)
    return seen.through(WHOLE, ()) if seen is not None and out.shape[0] == 1 else None


def _pointwise(sight: Sight, arguments: tuple[Any, ...], _: Any) -> Seen | None:
    known = [seen for a in arguments[:2] if (seen := sight.of(a)) is not None]
    return joined(known) if known else None


def _first(sight: Sight, arguments: tuple[Any, ...], _: Any) -> Seen | None:
    return sight.of(arguments[0])


def _cat(sight: Sight, arguments: tuple[Any, ...], _: Any) -> Seen | None:
    known = [sight.of(tensor) for tensor in arguments[0]]
    along_channels = len(arguments) > 1 and arguments[1] == 1
    seen = [one for one in known if one is not None]
    return joined(seen) if along_channels and len(seen) == len(known) else None


def _view(sight: Sight, arguments: tuple[Any, ...], out: Any) -> Seen | None:
    seen = sight.of(arguments[0])
    flat = out.dim() == 2 and out.shape[0] == arguments[0].shape[0]
    return seen.through(POINT, ()) if seen is not None and flat else None


_RULES: dict[Any, Callable[[Sight, tuple[Any, ...], Any], Seen | None]] = {
    aten.convolution: _convolution,
    aten.max_pool2d_with_indices: _max_pool,
    aten.max_pool3d_with_indices: _max_pool,
    aten.avg_pool2d: _pool,
    aten.avg_pool3d: _pool,
    aten._adaptive_avg_pool2d: _adaptive,
    aten._adaptive_avg_pool3d: _adaptive,
    aten.mean: _mean,
    aten.mm: _linear,
    aten.addmm: lambda sight, arguments, out: _linear(sight, arguments[1:], out),
    aten.view: _view,
    aten._unsafe_view: _view,
    aten.cat: _cat,
    aten.native_batch_norm: _first,
    aten.native_group_norm: _first,
    **dict.fromkeys((aten.add, aten.add_, aten.mul, aten.mul_, aten.sub, aten.div), _pointwise),
    **{getattr(aten, name): _first for name in FUNCTIONS},
    **{getattr(aten, f"{name}_"): _first for name in FUNCTIONS if name != "gelu"},
}
