"""A layer while it is being read: what has been said of it so far."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from convkit.architecture._activation import Activation
from convkit.architecture._cells import shorten
from convkit.architecture._cells_words import field_names
from convkit.architecture._norm import BatchNorm, GroupNorm
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convkit.architecture._row import Row


class _Blank:
    """A setting written as `?`: to be solved from what the table states around it."""

    def __repr__(self) -> str:
        return "?"


BLANK: Final = _Blank()

# What a setting is called in kinds of rows that have no field of its first name.
_OTHER_NAMES = {
    "out_channels": ("out_features",),
    "in_channels": ("in_features",),
    "kernel_size": ("output_size", "scale_factor"),
    "padding": ("p",),
    "stride": ("scale_factor",),
}
# Values that say that a setting plays no part, so that they may stand in any row.
_SAYS_NOTHING = {
    "padding": (0,),
    "stride": (1, 0),
    "kernel_size": (0, 1),
    "dilation": (1,),
    "groups": (1,),
    "output_padding": (0,),
}
# Arguments of frameworks that no row has: those that change nothing here whatever their value, ...
_CHANGES_NOTHING = frozenset(
    ["inplace", "device", "dtype", "input_shape", "data_format", "kernel_initializer"]
)
# ... and the values with which the others do, in rows of any kind and in those of one kind.
_USUAL: dict[str, tuple[object, ...]] = {
    "track_running_stats": (True,),
    "start_dim": (1,),
    "end_dim": (-1,),
    "dim": (1, -1, None),  # of a vector -1 is the same, and None is chosen so by PyTorch
    "align_corners": (False, None),
    "return_indices": (False,),
    "divisor_override": (None,),
}
_USUAL_OF: dict[type[Row], dict[str, tuple[object, ...]]] = {
    BatchNorm: {"bias": (True,)},
    GroupNorm: {"bias": (True,)},
    Activation: {
        "min_val": (-1,),
        "max_val": (1,),
        "beta": (1,),
        "threshold": (20,),
        "num_parameters": (1,),
        "approximate": ("none", None),
    },
}


def usual_values(kind: type[Row] | None, setting: str) -> tuple[object, ...] | None:
    """The values with which an argument of a framework changes nothing; None for any other."""
    own = _USUAL_OF.get(kind, {}) if kind else {}
    return own.get(setting) or _USUAL.get(setting)


def is_argument(kind: type[Row] | None, setting: str) -> bool:
    """Whether a framework knows this argument for a row that has no such field."""
    return setting in _CHANGES_NOTHING or usual_values(kind, setting) is not None


@contextmanager
def located(place: str) -> Iterator[None]:
    """Say where an error stands, once, at the edge."""
    try:
        yield
    except TableError as error:
        if not place:
            raise
        raise TableError(f"{place}: {shorten(str(error), 500)}") from error.__cause__


@dataclass(slots=True)
class NestedRows:
    """Rows as the value of a setting.

    Args:
        drafts: The layers.
        many: Whether the value is a tuple of rows even when there is only one.
    """

    drafts: list[Draft]
    many: bool


@dataclass(slots=True)
class Draft:
    """One layer as far as it has been read.

    Args:
        kind: The class of its row; None for the row that names the input.
        text: What was read, for messages.
        values: Settings by the name of their field.
        assumed: Settings that hold where the table says nothing else.
        bare: Numbers and sizes without a name, in order.
        called: How many of the bare values stood in parentheses, as arguments of a call.
        joined: Whether it stands in one cell or row with the layer before it, so that a norm, an
            activation or a dropout may be carried by that layer.
        rows: The layers of a group.
        dressed: How far the order norm, activation, dropout has come.
        place: Where it stands, for messages: "row 3".
        arrow: Input and output around an arrow: `2048 -> 64`.
        channels: Channels that the table states for what leaves a layer that does not choose them.
        repeat: How often the layer stands.
    """

    kind: type[Row] | None
    text: str = ""
    values: dict[str, object] = field(default_factory=dict)
    assumed: dict[str, object] = field(default_factory=dict)
    bare: list[object] = field(default_factory=list)
    called: int = 0
    joined: bool = False
    rows: list[Draft] | None = None
    place: str = ""
    dressed: int = -1
    arrow: tuple[object, object] | None = None
    channels: int | None = None
    repeat: int = 1

    def accepts(self, setting: str) -> bool:
        """Whether a setting has a meaning for this kind of row."""
        return self.field_of(setting) is not None

    def field_of(self, setting: str) -> str | None:
        """The field that a setting fills in this kind of row."""
        if self.kind is None:
            return None
        names = field_names(self.kind)
        return next((n for n in (setting, *_OTHER_NAMES.get(setting, ())) if n in names), None)

    @property
    def is_empty(self) -> bool:
        """Whether only its kind has been named so far."""
        return not (self.values or self.bare or self.rows or self.arrow)

    @property
    def lacks_number(self) -> bool:
        """Whether its filters or features have not been said yet."""
        name = self.field_of("out_channels")
        if name is None or name in self.values or self.rows or self.arrow:
            return False
        return not self.bare or (
            self.accepts("kernel_size")
            and all(isinstance(value, tuple) and len(value) == 2 for value in self.bare)
        )

    def set(self, setting: str, value: object) -> None:
        """Take a setting down.

        Raises:
            TableError: When the row has no such setting, or another value was given before.
        """
        name = self.field_of(setting)
        if name is None:
            if not is_argument(self.kind, setting):
                self._take_elsewhere(setting, value)
            elif setting not in _CHANGES_NOTHING:
                self._require_usual(setting, value)
            return
        if name == "scale_factor":
            value = _whole(value)
        before = self.values.get(name, value)
        if before != value and before is not BLANK and value is not BLANK:
            raise TableError(
                f"{name} is given twice, as {_shown(before)} and as {_shown(value)}; keep one"
            )
        if value is not BLANK or name not in self.values:
            self.values[name] = value

    def _require_usual(self, setting: str, value: object) -> None:
        """Refuse an argument that would change the network in a way that no row can say."""
        usual = usual_values(self.kind, setting) or ()
        if setting == "bias" and self.values.get("affine") is False:
            usual = (True, False)  # PyTorch prints that a norm without a scale has no bias
        if value not in usual and value is not BLANK:
            kind = "input" if self.kind is None else self.kind.kind
            raise TableError(
                f"{kind} has {setting}={value!r}, which no table can say; "
                f"{setting}={usual[0]!r} can be read"
            )

    def _take_elsewhere(self, setting: str, value: object) -> None:
        """A setting that this kind of row has not: channels are stated, zeros say nothing."""
        if setting in {"out_channels", "in_channels"} and isinstance(value, int):
            if self.channels not in {None, value}:
                raise TableError(
                    f"channels are given twice, as {self.channels} and as {value}; keep one"
                )
            self.channels = value
        elif value not in _SAYS_NOTHING.get(setting, ()) and value is not BLANK:
            kind = "input" if self.kind is None else self.kind.kind
            raise TableError(f"{kind} has no {setting}, but {_shown(value)} is given; leave it out")


def _whole(value: object) -> object:
    """PyTorch prints the factor 2 as 2.0."""
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: object) -> str:
    if isinstance(value, NestedRows):
        return "(...)"
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
