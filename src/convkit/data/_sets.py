"""Training, validation and test images that belong together."""

from __future__ import annotations

import csv
import io
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convkit._escaping import csv_mark
from convkit._files import replace_file
from convkit._tables import Shown, Table

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from convkit.data._card import DataCard
    from convkit.data._image_set import ImageSet, Split


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What was met while images were read.

    Args:
        unreadable: Path and reason of each file that was skipped.
        notices: Path and notice of each file that was read with an assumption.
        ignored: Names of files and folders that were not read: no images, no splits, or hidden.
        sizes: How many files have each size (height, width).
        modes: How many files have each Pillow mode.

    Examples:
        >>> report = SourceReport(unreadable=(("cat/1.jpg", "truncated"),), modes={"RGB": 12})
        >>> report.unreadable[0], report.modes["RGB"]
        (('cat/1.jpg', 'truncated'), 12)
    """

    unreadable: tuple[tuple[str, str], ...] = ()
    notices: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sets(Shown):
    """The images of one task, split; `print(sets)` is the data card.

    Args:
        train: What the network learns from.
        validation: What decides when to stop, or None.
        test: What measures the result, or None.
        source: Where the images came from, in words.
        report: What was met while they were read.

    Examples:
        >>> from convkit import data
        >>> sets = data.drawn_shapes(train=20, validation=10, test=10)
        >>> len(sets.train), sets.class_names[:2], [each.split for each in sets]
        (20, ('arrow', 'crescent'), ['train', 'validation', 'test'])
        >>> print(sets.manifest().to_csv().splitlines()[1])
        train/000000,stripes,train
        >>> type(sets.plot_samples(4)).__name__
        'Picture'
    """

    train: ImageSet
    validation: ImageSet | None = None
    test: ImageSet | None = None
    _: KW_ONLY
    source: str = ""
    report: SourceReport = field(default_factory=SourceReport)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their labels."""
        return self.train.class_names

    def __iter__(self) -> Iterator[ImageSet]:
        """The splits that exist: train, validation, test."""
        return iter([s for s in (self.train, self.validation, self.test) if s is not None])

    def card(self) -> DataCard:
        """Counts, sizes, statistics and duplicates as values."""
        from convkit.data._card import data_card

        return data_card(self)

    def hold_out(self, validation: float | int, *, seed: int = 0) -> Sets:
        """Hold training images out for validation, where the source has set none aside.

        The same images as `image_folder(..., validation=validation, seed=seed)` holds out; each
        class keeps its share. The normalisation is measured anew on what is left for training.

        Args:
            validation: A share between 0 and 1, or a count.
            seed: Of the split.

        Returns:
            Sets with training and validation images; the test images are the same.

        Raises:
            DataError: When there are validation images already, or too few to hold any out.

        Examples:
            >>> from convkit import data
            >>> sets = data.drawn_shapes(train=40, validation=0, test=10)
            >>> [len(part) for part in sets.hold_out(0.25)]
            [30, 10, 10]
        """
        from convkit.data._assembling import Holding, assemble  # it stands on this file

        splits = {each.split: each for each in self}
        holding = Holding(validation, seed=seed)
        return assemble(
            splits, holding, mean=None, std=None, source=self.source, report=self.report
        )

    def manifest(self) -> Table:
        """Which image is in which split: path, label, split; `image_list` reads its CSV."""
        rows = [
            (name, self.class_names[label] if label >= 0 else "", each.split)
            for each in self
            for name, label in zip(each.names, each.labels.tolist(), strict=True)
        ]
        return Table(("path", "label", "split"), tuple(rows))

    def write_manifest(self, path: str | os.PathLike[str]) -> Path:
        """Write the manifest as CSV.

        Args:
            path: The file; `image_list(path, root=...)` reads the same split again.

        Returns:
            The path written.
        """
        output = io.StringIO()
        table = self.manifest()
        # Every cell in quotes: the names come back as they are, blanks and line ends included. A
        # name that a spreadsheet would take for a formula is marked, which the reader undoes.
        writer = csv.writer(output, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(table.header)
        writer.writerows([csv_mark(str(cell)) for cell in row] for row in table.rows)
        return replace_file(path, output.getvalue().encode("utf-8", "surrogateescape"))

    def write_images(
        self,
        folder: str | os.PathLike[str],
        *,
        size: tuple[int, int] | None = None,
        suffix: str = ".png",
    ) -> Path:
        """Write every image as a file, `SPLIT/CLASS/NUMBER.png` below a folder.

        The folders of the splits are `train`, `val` and `test`; `image_folder` reads them again.

        Args:
            folder: It is made when it is missing.
            size: Height and width to which the images are resized; None leaves them as they are.
            suffix: Of the files; it names the format that they are in.

        Returns:
            The folder.

        Raises:
            DataError: When a class has a name that no folder can have.

        Examples:
            >>> from convkit import data
            >>> drawn = data.drawn_shapes(train=40, validation=20, test=10)
            >>> sets = data.image_folder(drawn.write_images("drawn", size=(40, 48)))
            >>> [len(part) for part in sets], sets.train.images.shape[1:]
            ([40, 20, 10], torch.Size([3, 40, 48]))
        """
        for each in self:
            inner = "val" if each.split == "validation" else each.split
            each.write_images(Path(folder) / inner, size=size, suffix=suffix)
        return Path(folder)

    def plot(self) -> Any:
        """Draw the images of each class in every split as a `matplotlib.figure.Figure`."""
        from convkit.plots import class_counts

        return class_counts(self)

    def plot_samples(self, count: int = 32, *, split: Split = "train", seed: int = 0) -> Any:
        """Draw random images with their classes as a `matplotlib.figure.Figure`.

        Args:
            count: Images to draw.
            split: Of which split.
            seed: Of the choice.

        Returns:
            The figure.
        """
        from convkit.plots import image_grid

        chosen = {each.split: each for each in self}[split]
        order = np.random.default_rng(seed).permutation(len(chosen))[:count]
        labels = chosen.labels[order].tolist()
        titles = [self.class_names[k] if k >= 0 else "" for k in labels]
        return image_grid(chosen.images[order], titles)

    def __str__(self) -> str:
        """The data card."""
        return str(self.card())

    def __repr__(self) -> str:
        return f"Sets({', '.join(map(repr, self))})"
