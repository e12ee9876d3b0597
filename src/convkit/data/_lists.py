"""Image files named in a CSV list."""

from __future__ import annotations

import codecs
import csv
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from convkit._escaping import csv_unmark
from convkit.data._assembling import Holding
from convkit.data._preprocessing import Preprocessing
from convkit.data._reading import Listing, Reading, read_listings
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.data._fitting import Size
    from convkit.data._image_set import Split
    from convkit.data._loading import DecodingOptions
    from convkit.data._sets import Sets

_COLUMNS = ("path", "label", "split", "group")
_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "": "train",
}  # fmt: skip


@dataclass(slots=True)
class _Rows:
    """The rows of a list, by split: paths, labels as text, groups."""

    paths: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def image_list(
    path: str | os.PathLike[str],
    size: Size = None,
    *,
    root: str | os.PathLike[str] | None = None,
    resize: int | None = None,
    border: bool = False,
    channels: int = 3,
    validation: float | int | None = None,
    test: float | int | None = None,
    seed: int = 0,
    stratified: bool = True,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    **options: Unpack[DecodingOptions],
) -> Sets:
    r"""Read the images that a CSV file lists as `path,label`.

    A first row `path,label` names the columns, in any order; then `split` (train, val, test) and
    `group` may be columns too. Images of one group are never on two sides of a split: a list that
    states such a split is refused; an empty cell is no group. Blanks around a cell are left out,
    unless the header is in quotes, as in the manifest of `Sets.write_manifest`.

    Args:
        path: The CSV file, UTF-8.
        size: As for `image_folder`.
        root: The folder that paths start from and may not leave; that of the list when left out.
        resize: As for `image_folder`.
        border: Likewise.
        channels: 3 for RGB, 1 for grey.
        validation: A share or a count of the training images to hold out.
        test: The same for testing, taken first.
        seed: Of the split.
        stratified: Whether the split keeps each class's share; a list with groups goes by group.
        mean: Normalisation per channel; measured on the training images when left out.
        std: Likewise.
        **options: How files are decoded; see `DecodingOptions`.

    Returns:
        The sets; classes are the sorted labels of the training images (whole numbers by value).

    Raises:
        DataError: When the list cannot be read, leaves its root, names unreadable files, or states
            a split that divides a group.

    Examples:
        >>> from pathlib import Path
        >>> from convkit import data
        >>> drawn = data.drawn_shapes(train=20, validation=10, test=10)
        >>> files = drawn.train.write_images("photos")
        >>> lines = [f"{file},{file.parent.name}\n" for file in files]
        >>> _ = Path("train.csv").write_text("".join(lines))
        >>> len(data.image_list("train.csv", size=32).train)
        20
    """
    file = Path(path)
    folder = Path(root) if root is not None else file.parent
    by_split = _read(file, folder)
    if "train" not in by_split:
        raise DataError(f"{file} lists no training images")
    class_names = _sorted_labels(by_split["train"].labels)
    listings = {
        split: _listing(by_split[split], class_names, file)
        for split in ("train", "validation", "test")
        if split in by_split
    }
    reading = Reading(
        Preprocessing(size, resize=resize, channels=channels),
        Holding(validation, test, seed=seed, stratified=stratified),
        mean=mean, std=std, options=options, border=border,
    )  # fmt: skip
    return read_listings(listings, class_names, reading, root=folder, source=str(path))


def _read(file: Path, root: Path) -> dict[str, _Rows]:
    """The rows of a list by split."""
    try:
        rows = _cells(file.read_bytes())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read as a CSV list: {error}") from error
    columns, first = _columns(rows)
    by_split: dict[str, _Rows] = {}
    for line, cells in enumerate(rows[first:], start=first + 1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise DataError(
                f"{file}, line {line}: {len(cells)} cells for the columns {','.join(columns)}"
            )
        row = dict(zip(columns, cells, strict=True))
        if row.get("split", "").lower() not in _SPLITS:
            raise DataError(f"{file}, line {line}: split {row['split']!r}: use train, val or test")
        target = by_split.setdefault(_SPLITS[row.get("split", "").lower()], _Rows())
        target.paths.append(_inside(root, row["path"], f"{file}, line {line}"))
        if not row["label"]:
            raise DataError(
                f"{file}, line {line}: the label is empty: name the class, or leave the line out"
            )
        target.labels.append(row["label"])
        target.lines.append(line)
        if "group" in row:
            target.groups.append(row["group"])
    if not first:
        _check_first_row(by_split, file)
    _check_groups(by_split, file)
    return by_split


def _check_first_row(by_split: dict[str, _Rows], file: Path) -> None:
    """Refuse a header that was read as an image: no file, with a label that no other row has."""
    rows = by_split.get("train", _Rows())
    if (
        rows.paths
        and not os.path.lexists(rows.paths[0])
        and rows.labels[0] not in rows.labels[1:]
        and any(map(os.path.lexists, rows.paths[1:]))
    ):
        raise DataError(
            f"{file}, line {rows.lines[0]} looks like a header: name the columns path,label"
        )


def _check_groups(by_split: dict[str, _Rows], file: Path) -> None:
    """Refuse stated splits that divide a group."""
    seen: dict[str, tuple[str, int]] = {}
    for split, rows in by_split.items():
        for group, line in zip(rows.groups, rows.lines, strict=bool(rows.groups)):
            other, first = seen.setdefault(group, (split, line))
            if group and other != split:
                raise DataError(
                    f"{file}: group {group!r} is in {other} (line {first}) and in {split} "
                    f"(line {line}): give all images of a group the same split"
                )


def _cells(content: bytes) -> list[list[str]]:
    """The cells of a list: with a quoted header as they stand, otherwise without outer blanks."""
    quoted = content.removeprefix(codecs.BOM_UTF8).startswith(b'"path"')
    # A file name that is no UTF-8 comes back as the system gave it, where a manifest wrote it.
    text = content.decode("utf-8-sig", "surrogateescape" if quoted else "strict")
    if quoted:
        rows = csv.reader(io.StringIO(text, newline=""))
        return [[csv_unmark(cell) for cell in row] for row in rows]
    return [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]


def _columns(rows: list[list[str]]) -> tuple[tuple[str, ...], int]:
    """The names of the columns and the first row of data."""
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    if {"path", "label"} <= set(head) <= set(_COLUMNS):
        return tuple(head), 1
    return ("path", "label"), 0


def _inside(root: Path, name: str, where: str) -> str:
    """A path below the root, whatever `..` it holds.

    Raises:
        DataError: When it is empty or leaves the root.
    """
    base = os.path.abspath(root)  # noqa: PTH100 - resolve() would follow the user's own links
    joined = os.path.normpath(os.path.join(base, name))  # noqa: PTH118 - as above
    if not name or "\0" in name or not joined.startswith(base.rstrip(os.sep) + os.sep):
        raise DataError(f"{where}: {name!r} is not a path inside {root}")
    return os.path.join(root, joined[len(base) :].lstrip(os.sep))  # noqa: PTH118 - as above


def _sorted_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Every label once: whole numbers by value, everything else as text."""
    every = set(labels)
    if all(label.isdecimal() for label in every):
        return tuple(sorted(every, key=lambda label: (int(label), label)))
    return tuple(sorted(every))


def _listing(rows: _Rows, class_names: Sequence[str], file: Path) -> Listing:
    """Labels as numbers.

    Raises:
        DataError: When a label is not one of the training images'.
    """
    numbers = {name: k for k, name in enumerate(class_names)}
    for label, line in zip(rows.labels, rows.lines, strict=True):
        if label not in numbers:
            raise DataError(f"{file}, line {line}: no training image has the label {label!r}")
    return Listing(rows.paths, [numbers[label] for label in rows.labels], [], rows.groups)
