"""Many files decoded at once, kept in memory or on disk, each failure with its path and reason."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
import torch

from convkit.data._cache import Entry, entry_for
from convkit.data._decoding import MAX_PIXELS
from convkit.data._decoding_threads import Fitted, decode_files, digest_files
from convkit.errors import DataError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from convkit.data._preprocessing import Preprocessing

OnUnreadable = Literal["raise", "skip"]
MEMORY_LIMIT = 4 * 1024**3
_WORTH_CACHING = 1000  # files; fewer are decoded faster than they are looked up
_SHOWN = 5


class DecodingOptions(TypedDict, total=False):
    """How files are decoded: further arguments of `image_folder` and its like.

    Attributes:
        on_unreadable: `"raise"` (the default), naming the files, or `"skip"` with a report in the
            data card.
        max_pixels: Larger images are unreadable; 50 million when left out.
        threads: Files decoded at once; the number of processors when left out.
        memory_limit: Bytes of decoded images kept in memory; larger sets are mapped from a file in
            the cache. 4 GiB when left out.
        cache: A folder for decoded images; True (the default) for `cache_directory()`, where sets
            of 1,000 files and more are kept; False for none.
        progress: Whether to show a bar on stderr; when left out, on a terminal and from 1,000
            files.

    Examples:
        >>> options = DecodingOptions(on_unreadable="skip", threads=2, cache=False)
        >>> options["threads"]
        2
    """

    on_unreadable: OnUnreadable
    max_pixels: int
    threads: int | None
    memory_limit: int
    cache: bool | str | os.PathLike[str]
    progress: bool | None


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
    unreadable: tuple[tuple[str, str], ...] = ()
    notices: tuple[tuple[str, str], ...] = ()
    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    modes: tuple[tuple[str, int], ...] = ()


def load_images(
    paths: Sequence[str],
    preprocessing: Preprocessing,
    options: DecodingOptions | None = None,
    *,
    border: bool = False,
) -> Loaded:
    """Decode files in threads, or find them decoded.

    Args:
        paths: The files.
        preprocessing: Size and channels.
        options: See `DecodingOptions`.
        border: Whether images are kept as squares of `preprocessing.resize`.

    Raises:
        DataError: When files are unreadable and that was not to be skipped, when none is left, when
            sizes differ and `preprocessing.size` is None, or when there is no room.
    """
    loading = _Loading(paths, preprocessing, {**_checked(options or {}), "border": border})
    array, facts = loading.found_or_decoded()
    unreadable = tuple((paths[i], reason) for i, reason in facts["unreadable"])
    if unreadable and (loading.options["on_unreadable"] == "raise" or not facts["kept"]):
        raise DataError(_unreadable_message(unreadable, len(paths)))
    return Loaded(
        torch.from_numpy(array[: len(facts["kept"])]),
        tuple(facts["kept"]),
        unreadable,
        tuple((paths[i], notice) for i, notice in facts["notices"]),
        tuple(((height, width), count) for height, width, count in facts["sizes"]),
        tuple(facts["modes"].items()),
    )


class _Loading:
    """One call of `load_images`."""

    def __init__(
        self, paths: Sequence[str], preprocessing: Preprocessing, options: dict[str, Any]
    ) -> None:
        self.paths = paths
        self.preprocessing = preprocessing
        self.options = options

    def found_or_decoded(self) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """The pixels and what was met, as plain values."""
        cache = self.options["cache"]
        folder = None if isinstance(cache, bool) else Path(cache)
        wanted = folder is not None or len(self.paths) >= _WORTH_CACHING
        entry = self._entry(folder) if wanted and cache is not False else None
        if entry and (found := entry.read(in_memory=self.options["memory_limit"])):
            return found
        array, facts = self._decoded(entry)
        if entry and facts["kept"] and not isinstance(array, np.memmap):
            with contextlib.suppress(OSError):  # no room: decoded again next time
                entry.write(array, facts)
        return array, facts

    def _entry(self, folder: Path | None) -> Entry:
        """Where these files' pixels are kept."""
        digests = digest_files(self.paths, self.options["threads"])
        return entry_for(
            folder,
            digests,
            self.preprocessing,
            self.options["max_pixels"],
            border=self.options["border"],
        )

    def _decoded(self, entry: Entry | None) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Every file decoded, into memory or, when that is too small, into the entry's file."""
        with contextlib.ExitStack() as stack:
            gathered = _Gathered(self.paths)
            path: Path | None = None
            results = decode_files(
                self.paths,
                self.preprocessing,
                border=self.options["border"],
                max_pixels=self.options["max_pixels"],
                threads=self.options["threads"],
                progress=self.options["progress"],
            )
            stack.enter_context(contextlib.closing(results))
            for i, one in enumerate(results):
                if gathered.array is None and one.pixels is not None:
                    shape = (len(self.paths), *one.pixels.shape)
                    if int(np.prod(shape)) > self.options["memory_limit"]:
                        entry = entry or self._entry_for_large(shape)
                        path = stack.enter_context(entry.temporary())
                    gathered.array = _allocated(shape, path)
                gathered.add(i, one)
            array, facts = gathered.result()
            if path is not None and entry is not None and isinstance(array, np.memmap):
                array.flush()
                entry.keep(path)
                entry.write(array, facts)
                found = entry.read(in_memory=self.options["memory_limit"])
                return found if found else (array, facts)
            return array, facts

    def _entry_for_large(self, shape: tuple[int, ...]) -> Entry:
        """An entry for images that do not fit into memory."""
        cache = self.options["cache"]
        if cache is False:
            raise DataError(
                f"the images need {int(np.prod(shape)) / 1024**3:.1f} GiB, more than the memory "
                f"limit of {self.options['memory_limit'] / 1024**3:.1f} GiB: give a smaller size=, "
                "a larger memory_limit= or a cache= folder"
            )
        return self._entry(None if cache is True else Path(cache))


class _Gathered:
    """Results put into one array as they come."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self.array: NDArray[np.uint8] | None = None
        self.kept: list[int] = []
        self.unreadable: list[tuple[int, str]] = []
        self.notices: list[tuple[int, str]] = []
        self.sizes: Counter[tuple[int, int]] = Counter()
        self.modes: Counter[str] = Counter()

    def add(self, index: int, one: Fitted) -> None:
        """Take in the result of one file."""
        if one.pixels is None or self.array is None:
            self.unreadable.append((index, one.notice))
            return
        if self.array.shape[1:] != one.pixels.shape:
            first = self.paths[self.kept[0]]
            raise DataError(
                f"the images differ in size ({first} is {_by(self.array.shape[2:])}, "
                f"{self.paths[index]} is {_by(one.size)}): give one, such as size=128"
            )
        self.array[len(self.kept)] = one.pixels
        self.kept.append(index)
        self.sizes[one.size] += 1
        self.modes[one.mode] += 1
        if one.notice:
            self.notices.append((index, one.notice))

    def result(self) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """The array and the facts as plain values."""
        facts = {
            "kept": self.kept,
            "unreadable": self.unreadable,
            "notices": self.notices,
            "sizes": [[*size, count] for size, count in self.sizes.items()],
            "modes": dict(self.modes),
        }
        array = self.array if self.array is not None else np.empty((0, 3, 1, 1), dtype=np.uint8)
        return array, facts


def _allocated(shape: tuple[int, ...], path: Path | None) -> NDArray[np.uint8]:
    """Room for the images, in memory or in a file."""
    try:
        if path is not None:
            return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        return np.empty(shape, dtype=np.uint8)
    except (MemoryError, OSError) as error:
        raise DataError(
            f"no room for {np.prod(shape) / 1024**3:.1f} GiB of images: give a smaller size="
        ) from error


def _checked(options: DecodingOptions) -> dict[str, Any]:
    """The options with what was left out."""
    defaults = {
        "on_unreadable": "raise",
        "max_pixels": MAX_PIXELS,
        "threads": None,
        "memory_limit": MEMORY_LIMIT,
        "cache": True,
        "progress": None,
    }
    if unknown := sorted(set(options) - set(defaults)):
        raise DataError(f"unknown arguments {unknown}; known are {sorted(defaults)}")
    checked = {**defaults, **options}
    if checked["on_unreadable"] not in {"raise", "skip"}:
        raise DataError(f'on_unreadable={checked["on_unreadable"]!r}: use "raise" or "skip"')
    for name in ("max_pixels", "threads", "memory_limit"):
        value = checked[name]
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or value < 1
        ):
            raise DataError(f"{name}={value!r} must be a whole number, 1 or more")
    return checked


def _by(size: Iterable[int]) -> str:
    """`200x300` of a height and a width."""
    return "x".join(map(str, size))


def _unreadable_message(unreadable: Sequence[tuple[str, str]], count: int) -> str:
    """The unreadable files with their reasons and what to do."""
    shown = "; ".join(f"{path} {reason}" for path, reason in unreadable[:_SHOWN])
    more = f"; and {len(unreadable) - _SHOWN:,} more" if len(unreadable) > _SHOWN else ""
    advice = "" if len(unreadable) == count else ' (on_unreadable="skip" leaves such files out)'
    return f"{len(unreadable):,} of {count:,} image files cannot be read: {shown}{more}{advice}"
