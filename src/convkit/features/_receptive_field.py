"""The part of the image behind a value of a feature map, for any network.

Every operation of one forward is told in rows and columns: a convolution widens what is seen, a
pooling too, a sum sees what either side sees. A value that is one for the whole image (the gate
of a squeeze-and-excitation block, a group norm's statistics) is left out: it has no place. What
an unknown operation gives counts as seeing the whole image.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from convkit.features._forward import observe
from convkit.features._guard import Guard
from convkit.features._spans import Span
from convkit.features._weak_table import WeakTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from convkit.features._operands import Operands
    from convkit.features._stages import Call, Stage

    Spans = tuple[Span, Span]
    Rule = Callable[[Spans, tuple[Any, ...], Tensor], Spans | None]


class Box(NamedTuple):
    """A part of an image in pixels: rows top to bottom - 1, columns left to right - 1.

    Args:
        top: First row.
        left: First column.
        bottom: The row after the last.
        right: The column after the last.

    Examples:
        >>> Box(top=-1, left=3, bottom=2, right=6).clipped(8, 8)
        Box(top=0, left=3, bottom=2, right=6)
    """

    top: int
    left: int
    bottom: int
    right: int

    def clipped(self, height: int, width: int) -> Box:
        """The part of it that lies within an image; at least one pixel.

        Args:
            height: Of the image, in pixels.
            width: Of the image.
        """
        top, left = min(max(self.top, 0), height - 1), min(max(self.left, 0), width - 1)
        bottom, right = (
            max(min(self.bottom, height), top + 1),
            max(min(self.right, width), left + 1),
        )
        return Box(top, left, bottom, right)


@dataclass(frozen=True, slots=True)
class ReceptiveFields:
    """Where in the image each value of a layer's maps looks.

    Args:
        rows: What each row of the map sees.
        columns: What each column sees.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> model = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3, padding=1))
        >>> images = torch.rand(5, 3, 8, 8)
        >>> with FilterFeatureExtractor(model) as extractor:
        ...     fields = extractor.extract(images, layers="0")["0"].receptive_fields
        >>> fields.box(0, 4), fields.extent
        (Box(top=-1, left=3, bottom=2, right=6), (0.0, 8.0, 8.0, 0.0))
    """

    rows: Span
    columns: Span

    def box(self, y: int, x: int) -> Box:
        """The part of the image behind the value at (y, x); it may reach into the padding.

        Args:
            y: Row of the value in the map.
            x: Its column.
        """
        return Box(
            floor(self.rows.low[y]),
            floor(self.columns.low[x]),
            ceil(self.rows.high[y]) + 1,
            ceil(self.columns.high[x]) + 1,
        )

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The part of the image that the map covers when it is laid over it.

        Left, right, bottom, top in pixels: each value stands around the middle of its field.
        """
        (top, bottom), (left, right) = map(_covered, (self.rows, self.columns))
        return left, right, bottom, top


def _covered(span: Span) -> tuple[float, float]:
    first, last = ((span.low[i] + span.high[i] + 1) / 2 for i in (0, -1))
    return float(first - span.step / 2), float(last + span.step / 2)


def receptive_fields(
    model: nn.Module, image: Tensor, name: str, module: nn.Module, call: int
) -> ReceptiveFields:
    """Follow one image through the model up to a layer.

    Args:
        model: The model.
        image: (1, C, H, W).
        name: The layer's name.
        module: The layer.
        call: Which call of it.
    """
    spans = _SpanMode(image)
    finder = _Finder(spans, call)
    with spans:
        observe(model, image, {name: module}, finder, guard=Guard(), follow=False)
    assert finder.found is not None, name  # noqa: S101 - the layer ran when its maps were made
    return ReceptiveFields(*finder.found)


class _Finder:
    """Waits for one call of one layer."""

    def __init__(self, spans: _SpanMode, call: int) -> None:
        self._spans = spans
        self._call = call
        self.found: Spans | None = None

    def convolved(self, call: Call, _: Operands, output: Tensor) -> None:
        """Read off what the layer's output sees."""
        if call.number == self._call:
            self.found = self._spans.of(output)

    def followed(self, _: Call, __: Stage, ___: Tensor) -> None:
        """Later stages are not followed."""

    def finished(self) -> bool:
        """Whether the call was seen."""
        return self.found is not None


class _SpanMode(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Notes of every tensor of a forward what its rows and columns see."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch leaves it untyped
        height, width = image.shape[-2:]
        self._image: Spans = (Span.of_image(height), Span.of_image(width))
        self._spans: WeakTable[Spans] = WeakTable()
        self._spans.put(image, self._image)

    def of(self, tensor: Tensor) -> Spans:
        """What a tensor's rows and columns see; the whole image when that is not known."""
        known = self._spans.get(tensor)
        if known is not None and _fits(known, tensor):
            return known
        sizes = tensor.shape[-2:]
        rows, columns = (
            Span(np.zeros(size), np.full(size, len(whole) - 1.0), 0.0)
            for size, whole in zip(sizes, self._image, strict=True)
        )
        return rows, columns

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch would load its compiler for this mode, which takes longer than many a forward."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation and note what its result sees."""
        result = func(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, (tuple, list)) and result else result
        if isinstance(first, Tensor) and first.ndim >= 3:
            seen = self._seen(func, args, first)
            if seen is not None and _fits(seen, first):
                for one in result if isinstance(result, (tuple, list)) else [result]:
                    if isinstance(one, Tensor) and one.ndim >= 3 and _fits(seen, one):
                        self._spans.put(one, seen)
        return result

    def _seen(self, func: Any, args: tuple[Any, ...], output: Tensor) -> Spans | None:
        """What the result of an operation sees; None when it is not known."""
        flat = [b for a in args for b in (a if isinstance(a, (tuple, list)) else (a,))]
        known = [s for s in map(self._spans.get, (a for a in flat if isinstance(a, Tensor))) if s]
        if not known:
            return None
        name = func._schema.name.partition("::")[2].removesuffix("_")
        if name in _RULES:
            return _RULES[name](known[0], args, output)
        if torch.Tag.pointwise in func.tags or name in _IN_PLACE_OF_SPACE:
            rows, columns = known[0]
            for other_rows, other_columns in known[1:]:
                rows, columns = rows.union(other_rows), columns.union(other_columns)
            return rows, columns
        return None


def _fits(spans: Spans, tensor: Tensor) -> bool:
    return tuple(map(len, spans)) == tuple(tensor.shape[-2:])


# Operations that leave rows and columns where they are.
_IN_PLACE_OF_SPACE = frozenset(
    {"cat", "clone", "_to_copy", "detach", "alias", "split", "split_with_sizes", "chunk", "copy"}
    | {"slice", "view", "_unsafe_view", "contiguous", "expand"}
    | {"native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"}
    | {"miopen_batch_norm", "_native_batch_norm_legit", "native_group_norm", "_prelu_kernel"}
)


def _convolution(seen: Spans, args: tuple[Any, ...], output: Tensor) -> Spans:
    weight, _, stride, padding, dilation, transposed = args[1:7]
    sizes = zip(output.shape[-2:], weight.shape[-2:], stride, padding, dilation, strict=True)
    rows, columns = (
        span.transposed(*size) if transposed else span.sliding(*size)
        for span, size in zip(seen, sizes, strict=True)
    )
    return rows, columns


def _pool(seen: Spans, args: tuple[Any, ...], output: Tensor) -> Spans:
    given: dict[int, Any] = dict(enumerate(args))
    kernel = _two(given[1])
    stride = _two(given.get(2) or kernel)
    padding = _two(given.get(3) or 0)
    # The fifth argument is a max pooling's dilation; an average pooling has a flag there.
    dilation = (1, 1) if isinstance(given.get(4, False), bool) else _two(given[4])
    sizes = zip(output.shape[-2:], kernel, stride, padding, dilation, strict=True)
    rows, columns = (span.sliding(*size) for span, size in zip(seen, sizes, strict=True))
    return rows, columns


def _transposed(seen: Spans, args: tuple[Any, ...], output: Tensor) -> Spans | None:
    moved = {dim % output.ndim for dim in args[1:3]}
    space = {output.ndim - 1, output.ndim - 2}
    if moved & space == set():
        return seen
    return (seen[1], seen[0]) if moved == space else None


def _two(size: Any) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    return (size[0], size[-1])


def _adaptive(seen: Spans, _: tuple[Any, ...], output: Tensor) -> Spans:
    return seen[0].adaptive(output.shape[-2]), seen[1].adaptive(output.shape[-1])


def _resized(reach: int) -> Rule:
    def rule(seen: Spans, _: tuple[Any, ...], output: Tensor) -> Spans:
        rows, columns = (
            span.resized(count, reach) for span, count in zip(seen, output.shape[-2:], strict=True)
        )
        return rows, columns

    return rule


def _padded(seen: Spans, args: tuple[Any, ...], output: Tensor) -> Spans:
    left, _, top = (*args[1], 0, 0)[:3]
    rows, columns = (
        span.sliding(count, 1, 1, before, 1)
        for span, count, before in zip(seen, output.shape[-2:], (top, left), strict=True)
    )
    return rows, columns


_RULES: dict[str, Rule] = {
    "convolution": _convolution,
    "max_pool2d": _pool,
    "max_pool2d_with_indices": _pool,
    "avg_pool2d": _pool,
    "_adaptive_avg_pool2d": _adaptive,
    "adaptive_max_pool2d": _adaptive,
    "mean": _adaptive,
    "upsample_nearest2d": _resized(0),
    "upsample_bilinear2d": _resized(1),
    "upsample_bicubic2d": _resized(2),
    "pixel_shuffle": _resized(0),
    "transpose": _transposed,
    "constant_pad_nd": _padded,
    "reflection_pad2d": _padded,
    "replication_pad2d": _padded,
}
