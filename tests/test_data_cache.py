"""Decoded images are kept by content, whole or not at all, and within the memory given."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convkit import data
from convkit.data import _copying, _loading
from convkit.errors import DataError


def write_images(root: Path, count: int = 5) -> Path:
    for k in range(count):
        path = root / "a" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(k).integers(0, 256, (10, 10, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return root


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of files of every decoding that takes place."""
    calls: list[int] = []
    decode = _loading.decode_files

    def counted(paths: list[str], *arguments: object, **options: object) -> object:
        calls.append(len(paths))
        return decode(paths, *arguments, **options)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(_loading, "decode_files", counted)
    return calls


def test_the_second_reading_decodes_nothing(tmp_path: Path, decodings: list[int]) -> None:
    root, cache = write_images(tmp_path / "set"), tmp_path / "cache"

    first = data.image_folder(root, size=8, cache=cache)
    second = data.image_folder(root, size=8, cache=cache)

    assert decodings == [5]
    assert torch.equal(first.train.images, second.train.images)
    assert first.report == second.report
    assert first.train.names == second.train.names


def test_content_and_not_names_is_what_counts(tmp_path: Path, decodings: list[int]) -> None:
    root, cache = write_images(tmp_path / "set"), tmp_path / "cache"
    data.image_folder(root, size=8, cache=cache)

    root = root.rename(tmp_path / "moved")
    data.image_folder(root, size=8, cache=cache)
    assert decodings == [5]

    (root / "a" / "0.png").write_bytes((root / "a" / "1.png").read_bytes())
    changed = data.image_folder(root, size=8, cache=cache)
    assert decodings == [5, 5]
    assert torch.equal(changed.train.images[0], changed.train.images[1])


@pytest.mark.parametrize(
    "options", [{"size": 6}, {"size": 8, "resize": 9}, {"size": 8, "channels": 1}]
)
def test_another_preprocessing_is_another_entry(
    tmp_path: Path, decodings: list[int], options: dict[str, int]
) -> None:
    root, cache = write_images(tmp_path / "set"), tmp_path / "cache"
    data.image_folder(root, size=8, cache=cache)

    data.image_folder(root, cache=cache, **options)  # type: ignore[arg-type]  # plain numbers

    assert decodings == [5, 5]


def test_a_damaged_entry_is_decoded_again(tmp_path: Path, decodings: list[int]) -> None:
    root, cache = write_images(tmp_path / "set"), tmp_path / "cache"
    first = data.image_folder(root, size=8, cache=cache)
    (array,) = (cache / "images").glob("*.npy")
    content = bytearray(array.read_bytes())
    for damage in (content[:-100], content[:-1] + bytes([content[-1] ^ 1]), b""):
        array.write_bytes(damage)

        again = data.image_folder(root, size=8, cache=cache)

        assert torch.equal(first.train.images, again.train.images)
    assert decodings == [5, 5, 5, 5]


def test_more_than_the_memory_limit_is_mapped_from_a_file(tmp_path: Path) -> None:
    root, cache = write_images(tmp_path / "set", 12), tmp_path / "cache"
    (root / "a" / "3.png").write_bytes(b"")

    mapped = data.image_folder(root, cache=cache, memory_limit=1000, on_unreadable="skip")
    again = data.image_folder(root, cache=cache, memory_limit=1000, on_unreadable="skip")
    plain = data.image_folder(root, cache=False, on_unreadable="skip")

    assert torch.equal(mapped.train.images, plain.train.images)
    assert torch.equal(again.train.images, plain.train.images)
    assert again.report.unreadable == plain.report.unreadable
    assert len(list((cache / "images").iterdir())) == 2
    images, _ = next(iter(data.batches(again.train, 4, augment=[data.HorizontalFlip()])))
    assert images.shape == (4, 3, 10, 10)


def test_a_large_part_is_copied_to_a_file_and_not_to_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_copying, "_IN_MEMORY", 1000)
    train = data.drawn_shapes(train=600, validation=0, test=0).train

    part = train.subset(range(599, -1, -2))

    assert torch.equal(part.images, train.images.flip(0)[::2])
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_mapped_file_is_never_changed(tmp_path: Path) -> None:
    root, cache = write_images(tmp_path / "set"), tmp_path / "cache"
    sets = data.image_folder(root, cache=cache, memory_limit=1000)
    (array,) = (cache / "images").glob("*.npy")
    before = array.read_bytes()

    sets.train.images.zero_()

    assert array.read_bytes() == before


def test_without_a_cache_too_many_images_are_refused(tmp_path: Path) -> None:
    root = write_images(tmp_path / "set")
    message = (
        "the images need 0.0 GiB, more than the memory limit of 0.0 GiB: give a smaller size=, "
        "a larger memory_limit= or a cache= folder"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        data.image_folder(root, cache=False, memory_limit=1000)


def test_nothing_half_is_left_when_decoding_fails(tmp_path: Path) -> None:
    root, cache = write_images(tmp_path / "set"), tmp_path / "cache"
    Image.new("RGB", (3, 3)).save(root / "a" / "9.png")

    with pytest.raises(DataError, match=r"^the images differ in size"):
        data.image_folder(root, cache=cache, memory_limit=1000)

    assert list((cache / "images").iterdir()) == []


def test_a_few_images_are_not_kept_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVKIT_CACHE", str(tmp_path / "cache"))

    data.image_folder(write_images(tmp_path / "set"))

    assert data.cache_directory() == tmp_path / "cache"
    assert not (tmp_path / "cache").exists()


def test_a_full_disk_costs_only_time(tmp_path: Path) -> None:
    root = write_images(tmp_path / "set")
    (tmp_path / "cache").write_text("a file where the folder should be")

    assert len(data.image_folder(root, cache=tmp_path / "cache").train) == 5


def test_the_cache_can_be_emptied(tmp_path: Path) -> None:
    root, cache = write_images(tmp_path / "set"), tmp_path / "cache"
    data.image_folder(root, cache=cache)

    assert data.clear_cache(cache) > 5 * 300
    assert data.clear_cache(cache) == 0


def test_a_bar_is_drawn_on_stderr_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_images(tmp_path / "set")
    data.image_folder(root)
    quiet = capsys.readouterr()

    data.image_folder(root, progress=True)
    loud = capsys.readouterr()

    assert (quiet.out, quiet.err, loud.out) == ("", "", "")
    assert "decoding images" in loud.err


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(tmp_path: Path, threads: int) -> None:
    root = write_images(tmp_path, 80)

    one = data.image_folder(root, threads=1).train.images

    assert torch.equal(one, data.image_folder(root, threads=threads).train.images)


def test_images_with_a_border_are_kept_apart_from_those_without(tmp_path: Path) -> None:
    root = write_images(tmp_path / "images")
    shapes = [
        data.image_folder(
            root, 5, resize=7, border=border, cache=tmp_path / "kept"
        ).train.stored.shape[2:]
        for border in (False, True, False, True)
    ]

    assert shapes == [(5, 5), (7, 7), (5, 5), (7, 7)]
