"""Numbers and what follows a layer: whose they are, and what to write where they are nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._cells import quoted
from convkit.architecture._cells_channels import is_pool
from convkit.architecture._cells_words import squash
from convkit.architecture._composite import Repeat
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_channels import Segment
    from convkit.architecture._cells_draft import Draft
    from convkit.architecture._cells_part import Part

WITH_WINDOW = {Conv, ConvTranspose, MaxPool, AvgPool}
_TORCH_UPSAMPLING = {"upsample", "upsamplingnearest2d", "upsamplingbilinear2d"}
_WITH_SETTING = {"leaky_relu", "prelu", "elu", "celu"}


def no_layer(segment: Segment, main: Draft | None) -> str:
    """What to write in place of a number that fits nowhere."""
    number = next((p.text for p in segment.parts if p.role == "bare"), segment.parts[0].text)
    window = main is not None and main.kind in WITH_WINDOW
    before = f", or k{number} if it is the kernel of the row before" if window else ""
    return (
        f"{quoted(number)} stands alone and names no layer; write conv {number} k3 or linear "
        f"{number} for a row of its own{before}"
    )


def refuse_numbers_before_pool(part: Part, waiting: Sequence[Part]) -> None:
    """A list with a layer right behind it, "16 16 M linear 10", lacks a comma."""
    number = next((p for p in waiting if p.role == "bare" and isinstance(p.value, int)), None)
    if is_pool(part) and number is not None:
        raise TableError(
            f"{quoted(number.text)} before {quoted(part.text)} is no setting of a pool; write a "
            "comma after the list"
        )


def refuse_target_size(draft: Draft, part: Part) -> None:
    """Refuse the size that PyTorch's Upsample reaches; that of Keras's UpSampling2D is a factor."""
    if squash(part.text) == "size" and squash(draft.text) in _TORCH_UPSAMPLING:
        raise TableError(
            f"{draft.text} has size={part.value!r}, which no table can say; scale_factor can be "
            "read"
        )


def lacks_window(draft: Draft) -> bool:
    """Whether a layer has a kernel that has not been said yet."""
    # The filters of a convolution are no kernel; any number of a pool is one.
    said = [v for v in draft.bare if isinstance(v, tuple) or not draft.accepts("out_channels")]
    return draft.kind in WITH_WINDOW and "kernel_size" not in draft.values and not said


def set_repeat(draft: Draft, part: Part) -> None:
    """How often a layer stands, said once and as a whole number."""
    if not isinstance(part.value, int):
        raise TableError(f"{quoted(part.text)} is no number of times; write such as x2")
    if draft.repeat != 1 or (draft.kind is Repeat and draft.bare):
        raise TableError(
            f"{quoted(part.text)} says a second time how often the layer stands; keep one"
        )
    draft.repeat = part.value


def wants_number(draft: Draft, value: object) -> bool:
    """Whether a number after a norm, activation or dropout is its own."""
    if draft.bare or not isinstance(value, (int, float)):
        return False
    if draft.kind is Activation:
        return draft.values.get("function") in _WITH_SETTING and isinstance(value, float)
    if draft.kind in {BatchNorm, GroupNorm}:
        return isinstance(value, int)
    return draft.kind is Dropout and value < 1


def take_suffix(draft: Draft, part: Part, following: Sequence[Part], readings: list[str]) -> None:
    """The numbers of "conv3-64" and "conv3x3"; those of "conv1" only count the layers."""
    dashed = len(following) > 1 and following[0].role == "dash" and following[1].role == "bare"
    if len(part.suffix) > 1:
        draft.set("kernel_size", part.suffix)
    elif part.suffix and dashed and draft.kind is Conv:
        draft.set("kernel_size", part.suffix[0])
        draft.assumed["padding"] = part.suffix[0] // 2
        sentence = (
            "conv3-64 is read as VGG's notation: kernel 3, 64 channels, and padding that keeps "
            "the size unless another is stated"
        )
        if sentence not in readings:
            readings.append(sentence)
