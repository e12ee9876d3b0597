"""Bare numbers of a layer: which of its settings each of them is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation
from convkit.architecture._cells import quoted
from convkit.architecture._cells_words import positional_fields
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from convkit.architecture._cells_draft import Draft
    from convkit.architecture._row import Row


_KERAS = re.compile(r"Conv(?:olution)?[123]D(?:Transpose)?")
_CONV_ORDER = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups",
)  # fmt: skip
_TRANSPOSE_ORDER = (*_CONV_ORDER[:5], "output_padding", "groups")


def place_bare(draft: Draft, readings: list[str]) -> None:
    """Give each bare value of a draft its setting.

    Raises:
        TableError: When there are more of them than the kind of row has places for.
    """
    if draft.arrow is not None:
        _place_arrow(draft)
    if draft.kind is None or not draft.bare:
        return
    _PLACES.get(draft.kind, _in_order)(draft, readings)
    draft.bare = []


def _place_arrow(draft: Draft) -> None:
    """`2048 -> 64`: channels or features in and out."""
    first, second = draft.arrow or (None, None)
    for setting, value in (("in_channels", first), ("out_channels", second)):
        if not isinstance(value, int):
            raise TableError(
                f"{draft.text} is given {_shown(first)} -> {_shown(second)}; "
                "write channels or features, such as 3 -> 64"
            )
        draft.set(setting, value)
    draft.arrow = None


def _conv(draft: Draft, readings: list[str]) -> None:
    """The arguments of a call in its framework's order; else sizes hold the kernel."""
    order = _order_of_call(draft)
    if order is not None:
        values = [_tidied(v) if isinstance(v, tuple) else v for v in draft.bare]
        if order[:1] == ["in_channels"]:
            readings.append(
                f"the numbers in the parentheses of {quoted(draft.text)} are read in PyTorch's "
                f"order: {', '.join(order[: len(values)])}"
            )
        else:
            _tell_of_order(draft, order, values, readings)
        _assign(draft, order, values)
        return
    numbers: list[object] = []
    for value in draft.bare:
        if isinstance(value, tuple):
            _conv_size(draft, value, readings)
        else:
            numbers.append(value)
    order = [
        n for n in ("out_channels", "kernel_size", "stride", "padding") if n not in draft.values
    ]
    _tell_of_order(draft, order, numbers, readings)
    _assign(draft, order, numbers)


def _order_of_call(draft: Draft) -> list[str] | None:
    """The settings that the values in parentheses are; None where the order tells nothing.

    PyTorch's `Conv2d` has the channels that arrive before the filters, Keras's `Conv2D` has not.
    """
    if not draft.called or isinstance(draft.bare[0], tuple):
        return None
    size = next((i for i, value in enumerate(draft.bare) if isinstance(value, tuple)), None)
    before_kernel = len(draft.bare) if size is None else size
    keras = _KERAS.fullmatch(draft.text) is not None
    if _has_kernel(draft):
        torch = before_kernel > 1
    else:
        torch = before_kernel > 2 and not keras if size is None else size == 2
    if torch:
        names = _TRANSPOSE_ORDER if draft.kind is ConvTranspose else _CONV_ORDER
        return [name for name in names if name != "kernel_size" or not _has_kernel(draft)]
    if keras:
        order = ("out_channels", "kernel_size", "stride", "padding")
        return [name for name in order if name not in draft.values]
    return None


def _tell_of_order(
    draft: Draft, order: list[str], numbers: list[object], readings: list[str]
) -> None:
    """Several numbers without names, or one that is not the first setting of its layer."""
    first = "out_channels" if draft.accepts("out_channels") else "kernel_size"
    if numbers and (len(numbers) > 1 or order[:1] != [first]):
        names = ["filters" if name == "out_channels" else name.split("_")[0] for name in order]
        several = "the numbers" if len(numbers) > 1 else "the number"
        readings.append(
            f"{several} {', '.join(map(_shown, numbers))} of {quoted(draft.text)} "
            f"{'are' if len(numbers) > 1 else 'is'} read as {', '.join(names[: len(numbers)])}"
        )


def _has_kernel(draft: Draft) -> bool:
    return "kernel_size" in draft.values


def _conv_size(draft: Draft, size: tuple[int, ...], readings: list[str]) -> None:
    """5x5 is a kernel; 3x3x64 a kernel and filters; 3x3x3x64 has the channels in between."""
    if len(size) == 4:
        if size[2] == size[3] and size[0] != size[1]:
            size = (size[2], size[3], size[1], size[0])
        draft.set("in_channels", size[2])
        draft.set("out_channels", size[3])
    elif len(size) == 3 and "out_channels" not in draft.values:
        last = not (size[1] == size[2] != size[0])
        order = "kernel, then filters" if last else "filters, then kernel"
        readings.append(f"{_shown(size)} is read as {order}")
        size = size if last else (size[1], size[2], size[0])
        draft.set("out_channels", size[2])
    elif len(size) == 3:
        draft.set("kernel_size", size)
        return
    elif len(size) > 4:
        raise TableError(f"{_shown(size)} is no kernel of a convolution; write such as 3x3")
    draft.set("kernel_size", _tidied(size[:2]))


def _pool(draft: Draft, readings: list[str]) -> None:
    """A size is the window; numbers are window, stride, padding."""
    order = [n for n in ("kernel_size", "stride", "padding") if n not in draft.values]
    _tell_of_order(draft, order, draft.bare, readings)
    _assign(draft, order, [_tidied(v) if isinstance(v, tuple) else v for v in draft.bare])


def _linear(draft: Draft, readings: list[str]) -> None:
    """Numbers are features out, or features in and out."""
    numbers: list[object] = []
    for value in draft.bare:
        if isinstance(value, tuple):
            numbers += [n for n in value if n != 1] or [1]
        else:
            numbers.append(value)
    if len(numbers) == 2:
        readings.append(
            f"the two numbers of {quoted(draft.text)} are read as features in, features out"
        )
    _assign(
        draft, ["out_features"] if len(numbers) == 1 else ["in_features", "out_features"], numbers
    )


def _batch_norm(draft: Draft, _: list[str]) -> None:
    """A number is the channels that are normalised."""
    _assign(draft, ["out_channels"], draft.bare)


def _group_norm(draft: Draft, readings: list[str]) -> None:
    """A number is the groups; PyTorch's call has the channels after them."""
    if draft.called == 2 == len(draft.bare):
        _assign(draft, ["groups", "out_channels"], draft.bare)
    else:
        _in_order(draft, readings)


def _activation(draft: Draft, _: list[str]) -> None:
    """A number is the slope or alpha; before it a word may name the function."""
    order = ["setting"] if "function" in draft.values else ["function", "setting"]
    _assign(draft, order, draft.bare)


def _nothing(draft: Draft, _: list[str]) -> None:
    """A flatten row has no settings: its number is the features that leave it."""
    _assign(draft, ["out_channels"], draft.bare)


def _in_order(draft: Draft, _: list[str]) -> None:
    """The positional fields of any other kind, a user's own among them."""
    order = [n for n in positional_fields(draft.kind) if n not in draft.values and n != "rows"]
    _assign(draft, order, [_tidied(v) if isinstance(v, tuple) else v for v in draft.bare])


def _assign(draft: Draft, order: list[str], values: list[object]) -> None:
    if len(values) > len(order):
        kind = draft.kind.kind if draft.kind else "input"
        raise TableError(
            f"{kind} {'takes no number' if not order else 'takes only ' + ', '.join(order)}, "
            f"but {len(values)} are given, {' and '.join(map(_shown, values[:4]))}"
            f"{' ...' if len(values) > 4 else ''}; name the settings, such as k5"
        )
    for name, value in zip(order, values, strict=False):
        draft.set(name, value)


def _tidied(size: tuple[int, ...]) -> object:
    """3x3 as 3."""
    return size[0] if len(set(size)) == 1 else size


def _shown(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


_PLACES: dict[type[Row], Callable[[Draft, list[str]], None]] = {
    Conv: _conv,
    ConvTranspose: _conv,
    MaxPool: _pool,
    AvgPool: _pool,
    Linear: _linear,
    BatchNorm: _batch_norm,
    GroupNorm: _group_norm,
    Activation: _activation,
    Flatten: _nothing,
}
