"""What a table leaves open, solved from the sizes and counts that it states around it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from convkit.architecture._cells_draft import BLANK, Draft
from convkit.architecture._cells_positional import place_bare
from convkit.architecture._cells_rows import make_row, missing_fields
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Linear
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._pool_to_size import AdaptiveAvgPool
from convkit.architecture._solving_counts import fill_from_counts
from convkit.architecture._solving_window import Answer, Sizes, window_answers
from convkit.architecture._upsample import Upsample
from convkit.errors import ConvkitError, ShapeError, TableError

if TYPE_CHECKING:
    from convkit.architecture._reading_sizes import PartialShape, PlacedLayer, Sized

MAX_SIZE = 65_536
"""Pixels up to which is solved; the answers of a larger size could be too many."""


def solve_blanks(sized: Sized, *, says_padding: bool, readings: list[str]) -> None:
    """Fill in what `?` or silence leaves open, layer by layer.

    Args:
        sized: The layers and the sizes stated beside them; their drafts are completed.
        says_padding: Whether the table has a column for the padding.
        readings: Where a sentence is added for everything that was solved.

    Raises:
        TableError: When a `?` has no answer.
    """
    current = sized.input_shape
    for layer in sized.layers:
        before = _known_better(layer.input_shape, current)
        try:
            _fill_channels(layer)
            fill_from_counts(layer, before, readings)
            _fill_size(layer, before)
            _fill_window(layer, before, says_padding=says_padding, readings=readings)
        except ShapeError as error:
            raise TableError(f"{layer.place}: {error}") from error
        current = _after(layer, before)


def _known_better(
    stated: PartialShape | None, computed: PartialShape | None
) -> PartialShape | None:
    """What the table states, its unknown channels taken from what was computed."""
    if stated is None or computed is None:
        return stated or computed
    if len(stated) == len(computed):
        return tuple(c if s is None else s for s, c in zip(stated, computed, strict=True))
    return stated


def _fill_channels(layer: PlacedLayer) -> None:
    """Filters or features that only the stated output tells."""
    draft, output = layer.draft, layer.output_shape
    if draft.kind in {Conv, ConvTranspose}:
        name = "out_channels"
    elif draft.kind is Linear:
        name = "out_features"
    else:
        return
    if draft.values.get(name, BLANK) is not BLANK:
        return
    features = output[0] if output else None
    if features is not None and (draft.kind is not Linear or len(output or ()) == 1):
        draft.values[name] = features


def _fill_size(layer: PlacedLayer, before: PartialShape | None) -> None:
    """The size that an adaptive pool makes, and the factor of an upsampling."""
    values, output = layer.draft.values, layer.output_shape
    if layer.draft.kind is AdaptiveAvgPool and output and len(output) > 1:
        values.setdefault("output_size", output[1:])
    sizes = _sizes(before, output)
    if layer.draft.kind is Upsample and sizes:
        parts = [divmod(after, size) for size, after in zip(*sizes, strict=True)]
        if all(factor and not rest for factor, rest in parts):
            values.setdefault("scale_factor", tuple(factor for factor, _ in parts))


def _fill_window(
    layer: PlacedLayer, before: PartialShape | None, *, says_padding: bool, readings: list[str]
) -> None:
    """Kernel, stride and padding from the sizes before and after."""
    draft = layer.draft
    if draft.kind not in {Conv, MaxPool, AvgPool}:
        return
    asked = [n for n in ("kernel_size", "stride", "padding") if draft.values.get(n) is BLANK]
    silent = _silent(draft, says_padding=says_padding)
    sizes = _sizes(before, layer.output_shape)
    if not asked and not silent:
        return
    if sizes is None:
        _tell_of_silence(layer, before, silent, readings)
        return
    answer = next(window_answers(draft, {*asked, *silent}, sizes), None)
    if answer is None:
        if asked:
            raise TableError(f"{layer.place}: {_no_answer(draft, asked, sizes)}")
        return
    _take(layer, answer, [*asked, *silent], asked, readings)


def _tell_of_silence(
    layer: PlacedLayer, before: PartialShape | None, silent: list[str], readings: list[str]
) -> None:
    """Say what is taken as usual where only the size that arrives is missing to solve for it."""
    known = before is not None and None not in before[1:]
    if known or len(layer.output_shape or ()) < 2 or "padding" not in silent:
        return
    stride = "1" if layer.draft.kind is Conv else "its kernel"
    taken = "padding 0" + f" and a stride of {stride}" * ("stride" in silent)
    sentence = f"the size that arrives is not stated: taken with {taken}; an input row settles it"
    if not any(reading.endswith(sentence) for reading in readings):
        readings.append(f"{layer.place}: {sentence}")


def _silent(draft: Draft, *, says_padding: bool) -> list[str]:
    """What is not said and may be solved for: padding, stride, the window of a mere "pool"."""
    said = draft.values
    if draft.kind is Conv:
        if "kernel_size" not in said:
            return ["kernel_size"] if says_padding or "padding" in said else []
        if says_padding or "padding" in said or said["kernel_size"] is BLANK:
            return []
        return ["padding"] if "stride" in said else ["padding", "stride"]
    if not {"kernel_size", "stride"} & set(said):
        return ["kernel_size"]
    known = says_padding or "padding" in said or said.get("kernel_size") is BLANK
    if known or said.get("ceil_mode"):
        return []
    return ["padding"] if "stride" in said or "kernel_size" not in said else ["padding", "stride"]


def _sizes(before: PartialShape | None, after: PartialShape | None) -> Sizes | None:
    """Height and width before and after, when both are known and not too large."""
    if before is None or after is None or len(before) != len(after) or len(before) < 2:
        return None
    pair = before[1:], after[1:]
    if any(n is None or not 0 < n <= MAX_SIZE for sizes in pair for n in sizes):
        return None
    return pair  # type: ignore[return-value] # the line above leaves no None


def _take(
    layer: PlacedLayer, answer: Answer, names: list[str], asked: list[str], readings: list[str]
) -> None:
    """Put an answer into the draft and say so, unless it is what silence means anyway."""
    values = layer.draft.values
    told = []
    usual_stride = 1 if layer.draft.kind is Conv else None  # None: as the kernel
    for name, value in zip(("kernel_size", "stride", "padding"), answer, strict=True):
        usual = {"stride": usual_stride, "padding": 0}.get(name)
        if name not in names:
            continue
        if name in asked or value != layer.draft.assumed.get(name, usual):
            told.append(f"{name} {_shown(value)}")
        values[name] = value
    if told:
        after = "x".join(map(str, (layer.output_shape or ())[1:]))
        how = "solved" if asked else "not stated, and taken so"
        readings.append(f"{layer.place}: {', '.join(told)}: {how} for the stated size {after}")


def _no_answer(draft: Draft, asked: list[str], sizes: Sizes) -> str:
    before, after = ("x".join(map(str, size)) for size in sizes)
    given = [
        f"{name} {_shown(draft.values[name])}"
        for name in ("kernel_size", "stride", "padding")
        if name in draft.values and draft.values[name] is not BLANK
    ]
    return (
        f"no {' and '.join(asked)} leads from {before} to {after}"
        + (f" with {', '.join(given)}" if given else "")
        + "; look at the sizes that the table states around this row"
    )


def _shown(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _after(layer: PlacedLayer, before: PartialShape | None) -> PartialShape | None:
    """What leaves a layer: as the table states it, and computed where it states nothing.

    A size that is wrong in the table is found by the check; the rows below it were written for it.
    """
    draft = layer.draft
    place_bare(draft, [])
    computed = _channels_only(draft, before)
    if before is not None and None not in before and not _open(draft):
        with contextlib.suppress(ConvkitError):
            computed = make_row(draft, []).shape_after(before)  # type: ignore[arg-type] # no None
    return _known_better(layer.output_shape, computed)


def _open(draft: Draft) -> bool:
    values = {**draft.assumed, **draft.values}
    if draft.rows is not None:
        values["rows"] = draft.rows
    return BLANK in [v for v in values.values() if v is BLANK] or bool(
        missing_fields(draft, values) if draft.kind else True
    )


def _channels_only(draft: Draft, before: PartialShape | None) -> PartialShape | None:
    """Shapes of which only the channels are known are no help yet."""
    filters = draft.values.get("out_channels")
    if isinstance(filters, int) and before is not None and len(before) > 1:
        return (filters, *(None for _ in before[1:]))
    return None
