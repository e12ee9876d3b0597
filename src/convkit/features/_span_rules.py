"""What does the result of an operation see, when it is known what its input sees?

One rule for each operation that moves rows and columns: convolutions, poolings, paddings, resizing,
transposing. An operation without a rule leaves them where they are, or nothing is known of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from convkit.features._spans import Span

    Spans = tuple[Span, Span]  # of rows, of columns
    Rule = Callable[[Spans, tuple[Any, ...], Tensor], Spans | None]

# Operations that leave rows and columns where they are.
IN_PLACE_OF_SPACE = frozenset(
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


RULES: dict[str, Rule] = {
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
