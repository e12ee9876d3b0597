"""Work done ahead in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar, cast

Item = TypeVar("Item")
_END = object()


def prefetched(items: Iterable[Item], ahead: int) -> Iterator[Item]:
    """The same items, made in a thread while the last one is used.

    The thread ends when the items do, when the reader stops reading, or with the error that an item
    raised, which is raised again in the reader.

    Args:
        items: Made one by one, in order.
        ahead: How many may wait; 0 makes each when it is asked for, without a thread.
    """
    if ahead < 1:
        yield from items
        return
    waiting: queue.Queue[object] = queue.Queue(ahead)
    stop = threading.Event()
    thread = threading.Thread(
        target=_fill, args=(items, waiting, stop), daemon=True, name="convkit-prefetch"
    )
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield cast("Item", item)
    finally:
        stop.set()
        _drain(waiting)
        thread.join()


class _Failure:
    """An error on its way to the reader."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _fill(items: Iterable[object], waiting: queue.Queue[object], stop: threading.Event) -> None:
    """Put items into the queue until they end or nobody wants them."""
    try:
        for item in items:
            waiting.put(item)
            # After the reader has made room there is room for one: nothing more may follow.
            if stop.is_set():
                return
        waiting.put(_END)
    except BaseException as error:  # noqa: BLE001 - handed to the reader, whatever it is
        waiting.put(_Failure(error))
    finally:
        if isinstance(items, Generator):
            items.close()


def _drain(waiting: queue.Queue[object]) -> None:
    """Make room, so that a thread that waits for it can end."""
    while True:
        try:
            waiting.get_nowait()
        except queue.Empty:
            return
