"""`replace_file` leaves the old file or the new one, never a part."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from convkit._files import replace_file


def test_text_is_written_as_utf8_with_unix_line_ends(tmp_path: Path) -> None:
    path = replace_file(tmp_path / "new" / "folder" / "notes.txt", "première\nligne\n")

    assert path.read_bytes() == "première\nligne\n".encode()


def test_the_file_has_the_permissions_of_an_ordinary_file(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()

    path = replace_file(tmp_path / "ours", b"")

    assert path.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("call", ["fsync", "write", "chmod", "replace"])
def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_else(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif call == "write":
        monkeypatch.setattr(os, "fdopen", lambda *_: _FullDisk())
    else:
        monkeypatch.setattr(Path, call, fail)

    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        replace_file(path, "new")
    monkeypatch.undo()

    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("kept.txt", "old")]


class _FullDisk:
    """A stream on which every write fails."""

    def __enter__(self) -> _FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write(self, _: bytes) -> None:
        raise OSError(28, "No space left on device")
