"""How is a dictionary of tensors kept safe on disk?

A file is what `torch.save` writes, a zip archive, whose comment holds the SHA-256 of all bytes
before it: every flipped bit and every missing byte is noticed, and `torch.load(weights_only=True)`
reads it as it is.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch

from convkit._files import replace_file
from convkit.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LABEL = b"convkit sha256 "
_COMMENT = len(_LABEL) + 64


def write_tensors(path: Path, values: Any) -> None:
    """Write plain values and tensors whole, with their checksum.

    Raises:
        CheckpointError: When the disk is full or the folder cannot be written; what was there
            before is unchanged.
    """
    stream = io.BytesIO()
    torch.save(values, stream)
    written(path, sealed(stream.getvalue()))


def written(path: Path, content: bytes | str) -> None:
    """Replace a file whole, and say path and reason when that fails."""
    try:
        replace_file(path, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(
            f"{path} could not be written: {reason}; what was there before is unchanged"
        ) from error


def sealed(archive: bytes) -> bytes:
    """The archive with its checksum in the comment."""
    body = archive[:-2] + struct.pack("<H", _COMMENT)
    return body + _LABEL + hashlib.sha256(body).hexdigest().encode()


def read_tensors(path: Path) -> Any:
    """Read what `write_tensors` wrote, onto the processor.

    Raises:
        CheckpointError: When the file is missing or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} could not be read: {error.strerror}") from error
    body, comment = content[:-_COMMENT], content[-_COMMENT:]
    if comment != _LABEL + hashlib.sha256(body).hexdigest().encode():
        raise CheckpointError(f"{path} is damaged: its checksum does not fit its content")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def keep_previous(path: Path, previous: Path) -> None:
    """Give the present file a second name, so that it stays when the first is replaced."""
    if not path.exists():
        return
    temporary = previous.with_name(f".{previous.name}.{os.getpid()}.tmp")
    try:
        with suppress(FileNotFoundError):
            temporary.unlink()
        try:
            os.link(path, temporary)
        except OSError:  # a file system without second names
            written(previous, path.read_bytes())
            return
        temporary.replace(previous)
    except OSError as error:
        raise CheckpointError(
            f"{previous} could not be written: {error.strerror}; {path} is unchanged"
        ) from error


def read_newest(path: Path, previous: Path, notice: Callable[[str], None]) -> dict[str, Any] | None:
    """The newest checkpoint that is whole; None when there is none at all.

    Raises:
        CheckpointError: When there are checkpoints and all are damaged.
    """
    problems = []
    for candidate in (path, previous):
        if not candidate.exists():
            continue
        try:
            state: dict[str, Any] = read_tensors(candidate)
        except CheckpointError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            notice(f"{problem}; going on from {candidate.name}")
        return state
    if problems:
        raise CheckpointError(
            "; ".join(problems) + "; delete the directory or train into another one"
        )
    return None
