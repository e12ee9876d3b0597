"""How does Ctrl-C end training between two steps, with nothing half done?"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import ClassVar


class Interrupt:
    """Whether the user asked for the end.

    Attributes:
        requested: Set by the first Ctrl-C; the second one raises `KeyboardInterrupt` at once.
        taken: How often, in this process, a training has taken Ctrl-C for its own end.
    """

    taken: ClassVar[int] = 0

    def __init__(self) -> None:
        self.requested = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        Interrupt.taken += 1


@contextmanager
def interruptible(*, wanted: bool) -> Iterator[Interrupt]:
    """Ctrl-C sets a flag while inside, where it is wanted; only the main thread gets signals."""
    interrupt = Interrupt()
    default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    main = threading.current_thread() is threading.main_thread()
    if not (wanted and main and default):
        # A program with a handler of its own keeps it.
        yield interrupt
        return
    signal.signal(signal.SIGINT, interrupt.handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def raising_again() -> Iterator[None]:
    """A Ctrl-C that a training inside took for its own end is raised again when leaving.

    Whoever trains one network after the other has to end too, and what was cut is no result.
    """
    before = Interrupt.taken
    try:
        yield
    finally:
        if Interrupt.taken > before:
            raise KeyboardInterrupt
