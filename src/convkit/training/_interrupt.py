"""How does Ctrl-C end training between two steps, with nothing half done?"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Interrupt:
    """Whether the user asked for the end.

    Attributes:
        requested: Set by the first Ctrl-C; the second one raises `KeyboardInterrupt` at once.
    """

    def __init__(self) -> None:
        self.requested = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


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
