"""Every kernel, stride and padding that leads from one size to another, the likeliest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import convkit.shapes
from convkit.architecture._cells_draft import Draft
from convkit.architecture._cells_rows import make_row
from convkit.architecture._conv import Conv
from convkit.errors import ConvkitError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LARGEST_STRIDE = 16
_MOST_ANSWERS = 64
_LARGEST_SETTING = 4096
USUAL_KERNELS = (3, 1, 5, 7, 11, 9, 13, 2, 4, 6, 8)
"""Kernels that are tried where nothing tells which, in this order."""

Answer = tuple[object, object, object]
"""Kernel size, stride and padding."""
Sizes = tuple[tuple[int, ...], tuple[int, ...]]
"""Height and width before and after."""


def window_answers(draft: Draft, open_names: set[str], sizes: Sizes) -> Iterator[Answer]:
    """Every answer, the likeliest first: small strides, usual kernels, little padding."""
    said = draft.values
    fixed_kernel = None if "kernel_size" in open_names else said.get("kernel_size", 2)
    pool = draft.kind is not Conv
    for stride in _strides(draft, open_names, fixed_kernel):
        for kernel in _kernels(fixed_kernel, stride, sizes, draft, open_names):
            step = kernel if pool and stride is None else stride
            if "padding" not in open_names:
                padding = said.get("padding", draft.assumed.get("padding", 0))
                if _gives(draft, sizes, kernel, step, padding):
                    yield kernel, stride, padding
                continue
            for padding in _paddings(draft, sizes, kernel, step):
                yield kernel, stride, padding


def _strides(draft: Draft, open_names: set[str], kernel: object) -> Sequence[object]:
    """The strides worth trying; windows of a pool that names none lie side by side or overlap."""
    pool = draft.kind is not Conv
    if "stride" not in open_names:
        return [draft.values.get("stride", None if pool else 1)]
    if pool and "stride" not in draft.values and isinstance(kernel, (int, tuple)):
        widest = max(kernel) if isinstance(kernel, tuple) else kernel
        return [None, *range(1, min(widest, _LARGEST_STRIDE + 1))]
    return list(range(1, _LARGEST_STRIDE + 1))


def _kernels(
    fixed: object, stride: object, sizes: Sizes, draft: Draft, open_names: set[str]
) -> Sequence[object]:
    """The kernel, or those worth trying: all that fit when nothing else is open."""
    if fixed is not None:
        return [fixed]
    pool = draft.kind is not Conv
    if pool and stride is None:
        ratios = {before // after for before, after in zip(*sizes, strict=True)}
        return sorted(ratios)
    if "padding" in open_names or not isinstance(stride, int):
        return list(USUAL_KERNELS)
    padding, dilation = draft.values.get("padding", 0), draft.values.get("dilation", 1)
    if not isinstance(padding, int):
        return list(USUAL_KERNELS)
    if stride > _LARGEST_SETTING:
        return []
    found: list[set[int]] = [
        set(
            convkit.shapes.solve_kernel_size(
                before, after, stride=stride, padding=padding, dilation=_along(dilation, index)
            )
        )
        for index, (before, after) in enumerate(zip(*sizes, strict=True))
    ]
    common = set.intersection(*found)
    if common:
        return sorted(common, key=lambda k: (pool and k != stride, not pool and k % 2 == 0, k))[
            :_MOST_ANSWERS
        ]
    return [tuple(min(options) for options in found)]


def _paddings(draft: Draft, sizes: Sizes, kernel: object, stride: object) -> Sequence[object]:
    """Paddings that lead from one size to the other: one for both sides, else one for each."""
    dilation = draft.values.get("dilation", 1)
    try:
        kernels, strides, dilations = (
            [_along(value, index) for index in range(len(sizes[0]))]
            for value in (kernel, stride, dilation)
        )
        found = [
            set(convkit.shapes.solve_padding(b, a, kernel_size=k, stride=s, dilation=d))
            for b, a, k, s, d in zip(*sizes, kernels, strides, dilations, strict=True)
        ]
    except ShapeError:
        return []
    # A padding wider than the kernel reaches would make units that see nothing of the image; a
    # pool takes half its kernel at most.
    pool = draft.kind is not Conv
    found = [
        {p for p in options if p <= (k // 2 if pool else (k - 1) * d)}
        for options, k, d in zip(found, kernels, dilations, strict=True)
    ]
    if not all(found):
        return []
    common = set.intersection(*found)
    return sorted(common) if common else [tuple(min(options) for options in found)]


def _along(value: object, index: int) -> int:
    """The number of a setting along one direction.

    Raises:
        ShapeError: When there is none, or it is so large that its answers would be too many.
    """
    if isinstance(value, tuple) and value:
        value = value[min(index, len(value) - 1)]
    if isinstance(value, int) and 0 < value <= _LARGEST_SETTING:
        return value
    raise ShapeError(f"{value!r} is no number to solve with")


def _gives(draft: Draft, sizes: Sizes, kernel: object, stride: object, padding: object) -> bool:
    """Whether this window leads from one size to the other."""
    try:
        trial = Draft(draft.kind, values={**draft.values})
        trial.values.update(kernel_size=kernel, stride=stride, padding=padding)
        trial.values["out_channels"] = 1
        if draft.kind is not Conv:
            del trial.values["out_channels"]
        trial.values.pop("groups", None)
        trial.values.pop("in_channels", None)
        return make_row(trial, []).shape_after((1, *sizes[0]))[1:] == sizes[1]
    except ConvkitError:
        return False
