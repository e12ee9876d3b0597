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
from convkit.features._span_rules import IN_PLACE_OF_SPACE, RULES
from convkit.features._spans import Span
from convkit.features._weak_table import WeakTable

if TYPE_CHECKING:
    from torch import nn

    from convkit.features._operands import Operands
    from convkit.features._span_rules import Spans
    from convkit.features._stages import Call, Stage


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
        if name in RULES:
            return RULES[name](known[0], args, output)
        if torch.Tag.pointwise in func.tags or name in IN_PLACE_OF_SPACE:
            rows, columns = known[0]
            for other_rows, other_columns in known[1:]:
                rows, columns = rows.union(other_rows), columns.union(other_columns)
            return rows, columns
        return None


def _fits(spans: Spans, tensor: Tensor) -> bool:
    return tuple(map(len, spans)) == tuple(tensor.shape[-2:])
