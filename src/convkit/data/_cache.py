"""Decoded images kept on disk, found again by the content of their files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import __version__ as pillow_version

from convkit._files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from convkit.data._preprocessing import Preprocessing

# Raised whenever the rules of decoding or fitting change: old entries are then not found.
_RULES = 1
_VARIABLE = "CONVKIT_CACHE"


def cache_directory() -> Path:
    """Where decoded images are kept.

    The environment variable `CONVKIT_CACHE`, else the system's folder for caches.

    Returns:
        The folder; it need not exist.

    Examples:
        >>> cache_directory().name
        'convkit'
    """
    if os.environ.get(_VARIABLE):
        return Path(os.environ[_VARIABLE])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "convkit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "convkit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convkit"


def clear_cache(directory: str | os.PathLike[str] | None = None) -> int:
    """Remove every decoded image that is kept; they are decoded again when needed.

    Args:
        directory: The folder that was given as `cache=`; `cache_directory()` when left out.

    Returns:
        The bytes set free.

    Examples:
        >>> clear_cache("a folder that is not there")
        0
    """
    folder = Path(directory or cache_directory()) / "images"
    freed = sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0
    shutil.rmtree(folder, ignore_errors=True)
    return freed


@dataclass(frozen=True, slots=True)
class Entry:
    """One set of decoded images on disk: an array and, written last, what is known of it.

    Args:
        folder: Where entries lie.
        key: The digest of the files' contents and of what is done to them.
    """

    folder: Path
    key: str

    @property
    def array_path(self) -> Path:
        """The decoded pixels, a plain .npy file."""
        return self.folder / f"{self.key}.npy"

    @property
    def facts_path(self) -> Path:
        """What was met while decoding; an entry is whole when this file is there."""
        return self.folder / f"{self.key}.json"

    def read(self, *, in_memory: int) -> tuple[NDArray[np.uint8], dict[str, Any]] | None:
        """The array and its facts, or None when there is no whole entry.

        Args:
            in_memory: Arrays of at most this many bytes are read and their checksum is compared;
                larger ones are mapped.
        """
        try:
            facts = json.loads(self.facts_path.read_text(encoding="utf-8"))
            # Copy on write: torch wants memory it may write to, the file must not change.
            array = np.load(self.array_path, mmap_mode="c", allow_pickle=False)
            if array.dtype != np.uint8 or list(array.shape) != facts["shape"]:
                return None
            if array.nbytes <= in_memory:
                array = np.array(array)
                if digest_of(array) != facts["digest"]:
                    return None
        except (OSError, ValueError, KeyError, EOFError):
            return None
        return array, facts

    def write(self, array: NDArray[np.uint8], facts: dict[str, Any]) -> None:
        """Keep an array with its facts.

        Raises:
            OSError: When the disk is full or the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not isinstance(array, np.memmap):
            with self.temporary() as path:
                np.save(path, array)
                self.keep(path)
        facts = {**facts, "shape": list(array.shape), "digest": digest_of(array)}
        replace_file(self.facts_path, json.dumps(facts))

    @contextlib.contextmanager
    def temporary(self) -> Any:
        """A path beside the entry, removed at the end when it is still there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.folder, suffix=".npy")
        os.close(descriptor)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def keep(self, temporary: Path) -> None:
        """Make a finished temporary file the array of this entry."""
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(self.array_path)


def entry_for(
    folder: Path | None,
    digests: Sequence[bytes],
    preprocessing: Preprocessing,
    max_pixels: int,
    *,
    border: bool,
) -> Entry:
    """The entry of some files under some preprocessing (of which normalisation is no part)."""
    fitting = asdict(preprocessing)
    rules = [_RULES, pillow_version, *(fitting[k] for k in ("size", "resize", "channels"))]
    rules += [max_pixels, *(["border"] if border else [])]
    key = hashlib.blake2b(json.dumps(rules).encode(), digest_size=20)
    for digest in digests:
        key.update(digest)
    return Entry((folder or cache_directory()) / "images", key.hexdigest())


def digest_of(array: NDArray[np.uint8]) -> str:
    """A checksum of the values of an array."""
    return hashlib.blake2b(array.data, digest_size=20).hexdigest()
