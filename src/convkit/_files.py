"""Files that are either whole or not there: written beside, flushed, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace_file(path: str | os.PathLike[str], content: bytes | str) -> Path:
    r"""Replace a file whole: temporary file beside it, flush, fsync, rename.

    A reader, a crash or a full disk sees the old file or the new one, never a part.

    Args:
        path: The file to write; its folder is made when it is missing.
        content: Bytes, or text that is written as UTF-8 with `\n` line ends.

    Returns:
        The path written.

    Raises:
        OSError: When the folder cannot be written or the disk is full; the old file is unchanged.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     replace_file(Path(folder) / "notes.txt", "kept").read_text()
        'kept'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name[:100]}.", suffix=".tmp"
    )
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files that only the owner reads; a report is meant to be shared.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(target.parent)
    return target


def names_table_file(text: str) -> bool:
    """Whether a text names the file of a table, rather than being one itself.

    Args:
        text: Of one line that ends like a file, or the path of a file that is there.

    Examples:
        >>> names_table_file("network.md"), names_table_file("conv 8 k3 dropout 0.2, flatten")
        (True, False)
    """
    if "\n" in text:
        return False
    endings = (".md", ".csv", ".tsv", ".tex", ".txt")
    # Path.is_file raises for what is too long to be a name.
    return text.lower().endswith(endings) or os.path.isfile(text)  # noqa: PTH113


def _umask() -> int:
    """The process's umask; reading it means setting it, so it is set straight back."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can open a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
