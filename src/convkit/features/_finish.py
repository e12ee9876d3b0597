"""When the rest of a forward is needed no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convkit.features._stages import Call, Stage


class Finish:
    """Counts the calls that are still to come and the stages that they still have to show.

    Args:
        expected: How often each layer will run; None when that is not known, then the forward
            never finishes early.
        wanted: The stages asked for.
    """

    def __init__(self, expected: Mapping[str, int] | None, wanted: frozenset[Stage]) -> None:
        self._to_come = None if expected is None else sum(expected.values())
        self._later = wanted - {"conv"}
        self._open: set[Call] = set()

    @property
    def follows(self) -> bool:
        """Whether stages after the conv layers are wanted."""
        return bool(self._later)

    def ran(self, call: Call) -> None:
        """A conv layer has run."""
        if self._to_come is not None:
            self._to_come -= 1
        if self._later:
            self._open.add(call)

    def showed(self, call: Call, stage: Stage) -> None:
        """A later stage was seen; nothing is waited for behind the activation.

        A layer without the stage asked for stays open, and the forward runs to its end.
        """
        if stage == "activation" or "activation" not in self._later:
            self._open.discard(call)

    def __bool__(self) -> bool:
        return self._to_come == 0 and not self._open
