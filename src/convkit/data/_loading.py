"""Many files decoded at once, each failure with its path and reason."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from convkit.data._decoding import MAX_PIXELS, decode, read_image_bytes
from convkit.data._fitting import fit
from convkit.errors import DataError, ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from convkit.data._preprocessing import Preprocessing

OnUnreadable = Literal["raise", "skip"]
_FILES_PER_TASK = 32
_SHOWN = 5


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


@dataclass(frozen=True, slots=True)
class Loaded:
    """Many files decoded.

    Args:
        images: uint8 (N, C, H, W) of the readable files.
        kept: Indices of the readable files among those given.
        unreadable: Path and reason of the others.
        notices: Path and notice of files read with an assumption.
        sizes: How many files have each size.
        modes: How many files have each Pillow mode.
    """

    images: torch.Tensor
    kept: tuple[int, ...]
    unreadable: tuple[tuple[str, str], ...]
    notices: tuple[tuple[str, str], ...]
    sizes: dict[tuple[int, int], int]
    modes: dict[str, int]


def load_images(
    paths: Sequence[Path],
    preprocessing: Preprocessing,
    *,
    on_unreadable: OnUnreadable = "raise",
    max_pixels: int = MAX_PIXELS,
    threads: int | None = None,
) -> Loaded:
    """Decode files in threads.

    Args:
        paths: The files.
        preprocessing: Size and channels.
        on_unreadable: `"raise"` at the end, naming the files, or `"skip"` them with a report.
        max_pixels: Of one file.
        threads: At most this many; the number of processors when left out.

    Raises:
        DataError: When files are unreadable and that was not to be skipped, when none is left, or
            when sizes differ and `preprocessing.size` is None.
    """
    if on_unreadable not in {"raise", "skip"}:
        raise DataError(f'on_unreadable={on_unreadable!r}: use "raise" or "skip"')
    array: NDArray[np.uint8] | None = None
    kept: list[int] = []
    unreadable: list[tuple[str, str]] = []
    notices: list[tuple[str, str]] = []
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    for i, one in enumerate(_decoded(paths, preprocessing, max_pixels, threads)):
        if one.pixels is None:
            unreadable.append((str(paths[i]), one.notice))
            continue
        if array is None:
            array = np.empty((len(paths), *one.pixels.shape), dtype=np.uint8)
        elif array.shape[1:] != one.pixels.shape:
            raise DataError(_sizes_differ(paths[kept[0]], array.shape[2:], paths[i], one.size))
        array[len(kept)] = one.pixels
        kept.append(i)
        sizes[one.size] += 1
        modes[one.mode] += 1
        if one.notice:
            notices.append((str(paths[i]), one.notice))
    if unreadable and (on_unreadable == "raise" or array is None):
        raise DataError(_unreadable_message(unreadable, len(paths)))
    if array is None:
        raise DataError("no image files were given")
    images = torch.from_numpy(array[: len(kept)])
    return Loaded(images, tuple(kept), tuple(unreadable), tuple(notices), dict(sizes), dict(modes))


def _decoded(
    paths: Sequence[Path], preprocessing: Preprocessing, max_pixels: int, threads: int | None
) -> Iterator[Fitted]:
    """Every file decoded, in order, a bounded number of them ahead."""
    workers = threads or min(16, os.cpu_count() or 1)
    tasks = [paths[i : i + _FILES_PER_TASK] for i in range(0, len(paths), _FILES_PER_TASK)]

    def run(task: Sequence[Path]) -> list[Fitted]:
        return [_fitted(path, preprocessing, max_pixels) for path in task]

    with warnings.catch_warnings():
        # Pillow warns of odd files; what matters of it is in the notices and reasons.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        pool = ThreadPoolExecutor(workers, thread_name_prefix="convkit-decode")
        try:
            for results in _in_order(pool, run, tasks, ahead=2 * workers):
                yield from results
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_order(pool, run, tasks, ahead) -> Iterable[list[Fitted]]:
    """Results in the order of the tasks, with at most `ahead` of them waiting in memory."""
    waiting = []
    for task in tasks:
        waiting.append(pool.submit(run, task))
        if len(waiting) > ahead:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _fitted(path: Path, preprocessing: Preprocessing, max_pixels: int) -> Fitted:
    """One file decoded and fitted."""
    channels = preprocessing.channels
    try:
        decoded = decode(read_image_bytes(path), channels=channels, max_pixels=max_pixels)
    except ImageError as error:
        return Fitted(None, notice=str(error))
    pixels = np.asarray(fit(decoded.image, preprocessing.size, preprocessing.resize))
    pixels = pixels.reshape(*pixels.shape[:2], channels).transpose(2, 0, 1)
    return Fitted(pixels, decoded.size, decoded.mode, decoded.notice)


def _sizes_differ(
    first: Path, first_size: tuple[int, ...], other: Path, other_size: tuple[int, int]
) -> str:
    """Images of several sizes and none asked for."""
    return (
        f"the images differ in size ({first} is {first_size[0]}x{first_size[1]}, {other} is "
        f"{other_size[0]}x{other_size[1]}): give one, such as size=128"
    )


def _unreadable_message(unreadable: list[tuple[str, str]], count: int) -> str:
    """The unreadable files with their reasons and what to do."""
    shown = "; ".join(f"{path} {reason}" for path, reason in unreadable[:_SHOWN])
    more = f"; and {len(unreadable) - _SHOWN:,} more" if len(unreadable) > _SHOWN else ""
    advice = "" if len(unreadable) == count else ' (on_unreadable="skip" leaves such files out)'
    return f"{len(unreadable):,} of {count:,} image files cannot be read: {shown}{more}{advice}"
