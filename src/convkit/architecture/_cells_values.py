"""Values of layers: whose they are, under which name, and what to write where they are nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._activation import Activation, Dropout
from convkit.architecture._cells import quoted
from convkit.architecture._cells_channels import DRESSING, is_pool
from convkit.architecture._cells_draft import is_argument
from convkit.architecture._cells_words import closest_word, field_names, meaning_of, squash
from convkit.architecture._composite import Repeat
from convkit.architecture._conv import Conv
from convkit.architecture._conv_transpose import ConvTranspose
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.architecture._pool import AvgPool, MaxPool
from convkit.architecture._upsample import Upsample
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._cells_channels import Segment
    from convkit.architecture._cells_draft import Draft
    from convkit.architecture._cells_part import Part

_WITH_WINDOW = {Conv, ConvTranspose, MaxPool, AvgPool}
_TORCH_UPSAMPLING = {"upsample", "upsamplingnearest2d", "upsamplingbilinear2d"}
_WITH_SETTING = {"leaky_relu", "prelu", "elu", "celu"}


def no_layer(segment: Segment, main: Draft | None) -> str:
    """What to write in place of a number that fits nowhere."""
    number = next((p.text for p in segment.parts if p.role == "bare"), segment.parts[0].text)
    window = main is not None and main.kind in _WITH_WINDOW
    before = f", or k{number} if it is the kernel of the row before" if window else ""
    return (
        f"{quoted(number)} stands alone and names no layer; write conv {number} k3 or linear "
        f"{number} for a row of its own{before}"
    )


def refuse_stray(segment: Segment, main: Draft, last: Draft) -> None:
    """A number behind a comma that the row before it, with what that carries, does not lack."""
    for part in segment.parts:
        sized = isinstance(part.value, tuple) and _lacks_window(main)
        share = last.kind is Dropout and last.is_empty and isinstance(part.value, float)
        if part.role == "bare" and not (main.lacks_number or sized or share):
            raise TableError(no_layer(segment, main))


def refuse_numbers_before_pool(part: Part, waiting: Sequence[Part]) -> None:
    """A list with a layer right behind it, "16 16 M linear 10", lacks a comma."""
    number = next((p for p in waiting if p.role == "bare" and isinstance(p.value, int)), None)
    if is_pool(part) and number is not None:
        raise TableError(
            f"{quoted(number.text)} before {quoted(part.text)} is no setting of a pool; write a "
            "comma after the list"
        )


def _refuse_target_size(draft: Draft, part: Part) -> None:
    """Refuse the size that PyTorch's Upsample reaches; that of Keras's UpSampling2D is a factor."""
    if squash(part.text) == "size" and squash(draft.text) in _TORCH_UPSAMPLING:
        raise TableError(
            f"{draft.text} has size={part.value!r}, which no table can say; scale_factor can be "
            "read"
        )


def _lacks_window(draft: Draft) -> bool:
    """Whether a layer has a kernel that has not been said yet."""
    # The filters of a convolution are no kernel; any number of a pool is one.
    said = [v for v in draft.bare if isinstance(v, tuple) or not draft.accepts("out_channels")]
    return draft.kind in _WITH_WINDOW and "kernel_size" not in draft.values and not said


def main_of(drafts: Sequence[Draft]) -> Draft | None:
    """The last layer that is no norm, activation or dropout."""
    return next((draft for draft in reversed(drafts) if draft.kind not in DRESSING), None)


def owner_of(part: Part, drafts: Sequence[Draft], *, line: bool) -> Draft:
    """The layer that a value belongs to: the last one, or the one that carries it."""
    last = drafts[-1]
    if last.kind not in DRESSING or not last.joined:
        return last
    main = main_of(drafts) or last
    if part.role == "bare":
        if _wants_number(last, part.value):
            return last
        if line and isinstance(part.value, int) and not main.lacks_number:
            raise TableError(
                f"{quoted(part.text)} after {quoted(last.text)} says not what it is; "
                "name it, such as k3, or put it before"
            )
        return main
    if part.role == "setting" and part.meaning is not None:
        name = part.meaning.setting or part.text
        return last if last.accepts(name) and not main.accepts(name) else main
    return main


def _wants_number(draft: Draft, value: object) -> bool:
    """Whether a number after a norm, activation or dropout is its own."""
    if draft.bare or not isinstance(value, (int, float)):
        return False
    if draft.kind is Activation:
        return draft.values.get("function") in _WITH_SETTING and isinstance(value, float)
    if draft.kind in {BatchNorm, GroupNorm}:
        return isinstance(value, int)
    return draft.kind is Dropout and value < 1


def setting_name(draft: Draft, part: Part) -> str:
    """The field of a setting; one that the kind has under this very name goes before a synonym."""
    own = {squash(name): name for name in field_names(draft.kind)} if draft.kind else {}
    name = own.get(squash(part.text))
    if name is not None:
        return name
    return part.meaning.setting if part.meaning and part.meaning.setting else part.text


def set_named(draft: Draft, name: str, part: Part, value: object) -> None:
    """Set a field to the value of a setting, when the layer or a framework knows it."""
    if isinstance(value, str) and value.lower() in {"same", "valid"} and name == "padding":
        value = "same" if value.lower() == "same" else 0
    _refuse_target_size(draft, part)
    known = part.text != name or meaning_of(part.text) is not None
    known = known or is_argument(draft.kind, name)
    if not draft.accepts(name) and not known:
        kind = "input" if draft.kind is None else draft.kind.kind
        fields = sorted(field_names(draft.kind)) if draft.kind else []
        raise TableError(
            f"{kind} has no setting {quoted(part.text)}; it has {', '.join(fields) or 'none'}"
        )
    draft.set(name, value)


def take_value(draft: Draft, part: Part) -> None:
    """A number, a size, an arrow, a count or a flag, given to its layer."""
    match part.role:
        case "bare":
            if isinstance(part.value, tuple) and len(part.value) == 1:
                draft.bare.append(part.value[0])
            else:
                draft.bare.append(part.value)
        case "between":
            if draft.arrow is not None:
                raise TableError("input -> output is given twice for one layer; keep one")
            draft.arrow = part.value  # type: ignore[assignment] # a pair, see join_arrows
        case "times" if draft.kind is Upsample:
            draft.set("scale_factor", part.value)
        case "times":
            _set_repeat(draft, part)
        case "flag":
            for name, value in (part.meaning.values if part.meaning else {}).items():
                draft.set(name, value)


def _set_repeat(draft: Draft, part: Part) -> None:
    """How often a layer stands, said once and as a whole number."""
    if not isinstance(part.value, int):
        raise TableError(f"{quoted(part.text)} is no number of times; write such as x2")
    if draft.repeat != 1 or (draft.kind is Repeat and draft.bare):
        raise TableError(
            f"{quoted(part.text)} says a second time how often the layer stands; keep one"
        )
    draft.repeat = part.value


def take_suffix(draft: Draft, part: Part, following: Sequence[Part], readings: list[str]) -> None:
    """The numbers of "conv3-64" and "conv3x3"; those of "conv1" only count the layers."""
    dashed = len(following) > 1 and following[0].role == "dash" and following[1].role == "bare"
    if len(part.suffix) > 1:
        draft.set("kernel_size", part.suffix)
    elif part.suffix and dashed and draft.kind is Conv:
        draft.set("kernel_size", part.suffix[0])
        draft.assumed["padding"] = part.suffix[0] // 2 if part.suffix[0] % 2 else "same"
        sentence = (
            "conv3-64 is read as VGG's notation: kernel 3, 64 channels, and padding that keeps "
            "the size unless another is stated"
        )
        if sentence not in readings:
            readings.append(sentence)


def tell_of_label(draft: Draft, part: Part, readings: list[str]) -> None:
    """Say of the 1 of "conv1" that it is no kernel."""
    if "kernel_size" not in draft.values and meaning_of(part.text) is None:
        readings.append(
            f"the number in {quoted(part.text)} is taken as a label that only counts layers"
        )


def tell_of_features(entry: Part, main: Draft | None, readings: list[str]) -> None:
    """Say of the 512 of "linear 4096, 512" that it is taken as a row of its own."""
    known = {Linear: "a linear row", Flatten: "a flatten row"}
    before = known.get(main.kind if main else None, "the last M of a list")  # type: ignore[arg-type] # None is no key
    readings.append(
        f"{quoted(entry.text)} after {before} is taken as "
        f"{'one more' if main and main.kind is Linear else 'a'} linear row"
    )


def unknown_word(part: Part) -> TableError:
    """What to say of a word that nobody knows."""
    closest = closest_word(part.text)
    hint = f"; the closest known word is {closest!r}" if closest else ""
    return TableError(f"unknown word {quoted(part.text)}{hint}")
