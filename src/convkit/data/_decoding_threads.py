"""Files read, decoded and fitted by several threads, in order."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from convkit.data._decoding import decode, read_image_bytes
from convkit.data._fitting import fit
from convkit.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from convkit.data._preprocessing import Preprocessing

Result = TypeVar("Result")
_FILES_PER_TASK = 32
_WORTH_A_BAR = 1000


@dataclass(frozen=True, slots=True)
class Fitted:
    """One file decoded and fitted, or the reason why not.

    Args:
        pixels: uint8 (C, H, W); None when the file could not be read.
        size: Height and width in the file.
        mode: Pillow's mode of the file.
        notice: What was assumed, or why it could not be read.
    """

    pixels: NDArray[np.uint8] | None
    size: tuple[int, int] = (0, 0)
    mode: str = ""
    notice: str = ""


def decode_files(
    paths: Sequence[str],
    preprocessing: Preprocessing,
    *,
    border: bool,
    max_pixels: int,
    threads: int | None,
    progress: bool | None,
) -> Generator[Fitted, None, None]:
    """Decode files in threads, a bounded number of them ahead.

    Args:
        paths: The files.
        preprocessing: Size and channels.
        border: Whether what lies between `resize` and `size` is kept.
        max_pixels: Larger images are unreadable.
        threads: Files decoded at once; None for the number of processors.
        progress: Whether to show a bar on stderr; None shows it on a terminal for many files.

    Yields:
        One result per file, in order.
    """

    def one(path: str) -> Fitted:
        return fitted(path, preprocessing, max_pixels, border=border)

    with warnings.catch_warnings(), _bar(len(paths), progress) as advance:
        # Pillow warns of odd files; what matters of it is in the notices and reasons.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        for results in _in_threads(one, paths, threads):
            yield from results
            advance(len(results))


def digest_files(paths: Sequence[str], threads: int | None) -> list[bytes]:
    """A checksum of each file's content; of an unreadable one, its reason's."""

    def one(path: str) -> bytes:
        try:
            content = read_image_bytes(path)
        except ImageError as error:
            content = str(error).encode()
        return hashlib.blake2b(content, digest_size=20).digest()

    return list(chain.from_iterable(_in_threads(one, paths, threads)))


def fitted(path: str, preprocessing: Preprocessing, max_pixels: int, *, border: bool) -> Fitted:
    """One file decoded and fitted."""
    channels = preprocessing.channels
    try:
        decoded = decode(read_image_bytes(path), channels=channels, max_pixels=max_pixels)
        size, resize = preprocessing.size, preprocessing.resize
        pixels = np.asarray(fit(decoded.image, size, resize, border=border))
    except ImageError as error:
        return Fitted(None, notice=str(error))
    except MemoryError:
        return Fitted(None, notice="needs more memory than there is")
    pixels = pixels.reshape(*pixels.shape[:2], channels).transpose(2, 0, 1)
    return Fitted(pixels, decoded.size, decoded.mode, decoded.notice)


def _in_threads(
    work: Callable[[str], Result], paths: Sequence[str], threads: int | None
) -> Iterator[list[Result]]:
    """The work done on runs of files, in order, with a bounded number of results waiting."""
    workers = threads or min(16, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="convkit-decode")
    waiting: list[Future[list[Result]]] = []
    try:
        for start in range(0, len(paths), _FILES_PER_TASK):
            task = paths[start : start + _FILES_PER_TASK]
            waiting.append(pool.submit(lambda files: [work(path) for path in files], task))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _bar(count: int, progress: bool | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, when it is wanted; the caller says how many are done."""
    if progress is None:
        progress = count >= _WORTH_A_BAR and sys.stderr.isatty()
    if not progress:
        yield lambda done: None  # noqa: ARG005 - nobody watches
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=console.is_terminal) as bar:
        task = bar.add_task("decoding images", total=count)
        yield lambda done: bar.advance(task, done)
