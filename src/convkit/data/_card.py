"""The data card: what is in the images, before anything is trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convkit._tables import Cell, Shown, Table
from convkit.data._duplicates import Duplicates, Pair, find_duplicates
from convkit.data._statistics import ChannelStatistics, channel_statistics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convkit.data._sets import Sets, SourceReport

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class DataCard(Shown):
    """Counts, sizes, statistics and findings of image sets; `print(card)` shows them.

    Args:
        source: Where the images came from.
        class_names: The classes.
        counts: For each split, the number of images of each class.
        totals: For each split, the number of images.
        image_shape: Channels, height and width as the network takes them.
        statistics: Mean and standard deviation of the training images' channels.
        imbalance: Largest class of the training images divided by the smallest; None when a class
            is empty.
        duplicates: Pictures that occur more than once.
        report: What was met while the images were read.

    Examples:
        >>> from convkit import data
        >>> card = data.drawn_shapes(train=100, validation=10, test=10).card()
        >>> card.totals, card.image_shape, card.imbalance
        ({'train': 100, 'validation': 10, 'test': 10}, (3, 32, 32), 1.0)
        >>> card.findings()[0]
        'no duplicates found across splits'
    """

    source: str
    class_names: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    totals: dict[str, int]
    image_shape: tuple[int, int, int]
    statistics: ChannelStatistics
    imbalance: float | None
    duplicates: Duplicates
    report: SourceReport

    def table(self) -> Table:
        """Counts per class and split."""
        splits = tuple(self.counts)
        rows: list[tuple[Cell, ...]] = [
            (name, *(self.counts[split][k] for split in splits))
            for k, name in enumerate(self.class_names)
        ]
        rows.append(("all classes", *(self.totals[split] for split in splits)))
        return Table(("class", *splits), tuple(rows), title=self.source, notes=self.findings())

    def findings(self) -> tuple[str, ...]:
        """What the counts do not say, in sentences; leaks first."""
        return (
            *self._leaks(),
            self._images(),
            self._balance(),
            *self._files(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "source": self.source,
            "class_names": list(self.class_names),
            "counts": {split: list(counts) for split, counts in self.counts.items()},
            "totals": dict(self.totals),
            "image_shape": list(self.image_shape),
            "mean": list(self.statistics.mean),
            "std": list(self.statistics.std),
            "imbalance": self.imbalance,
            "exact_duplicates_across": [list(pair) for pair in self.duplicates.exact_across],
            "near_duplicates_across": [list(pair) for pair in self.duplicates.near_across],
            "exact_duplicates_within": dict(self.duplicates.exact_within),
            "file_sizes": [[*size, count] for size, count in self.report.sizes.items()],
            "file_modes": dict(self.report.modes),
            "unreadable": [list(pair) for pair in self.report.unreadable],
            "notices": [list(pair) for pair in self.report.notices],
            "ignored": list(self.report.ignored),
        }

    def __str__(self) -> str:
        """The table with its findings."""
        return str(self.table())

    def _leaks(self) -> list[str]:
        """Pictures in two splits, in one split twice, and with two labels."""
        found = self.duplicates
        lines = []
        for kind, pairs in (("equal", found.exact_across), ("nearly equal", found.near_across)):
            if pairs:
                lines.append(
                    f"LEAK: {_of(len(pairs), 'picture')} {kind} across splits{_some(pairs)}"
                )
        if found.conflicting:
            pairs = found.conflicting
            lines.append(f"{_of(len(pairs), 'pair')} of these with different classes{_some(pairs)}")
        within = {split: count for split, count in found.exact_within.items() if count}
        if within:
            lines.append(f"pictures repeated within a split: {_listed(within)}")
        if not found.complete:
            lines.append("duplicates: too many images to compare all; only equal hashes were")
        if not lines and len(self.totals) > 1:
            lines.append("no duplicates found across splits")
        return lines

    def _images(self) -> str:
        """Shape and statistics."""
        mean = ", ".join(f"{value:.4f}" for value in self.statistics.mean)
        std = ", ".join(f"{value:.4f}" for value in self.statistics.std)
        shape = "x".join(map(str, self.image_shape))
        return f"images {shape}; training mean ({mean}), std ({std})"

    def _balance(self) -> str:
        """Largest and smallest class of the training images."""
        counts = self.counts["train"]
        if self.imbalance is None:
            empty = [name for name, n in zip(self.class_names, counts, strict=True) if n == 0]
            return f"classes without training images: {', '.join(empty[:10])}"
        if self.imbalance == 1:
            return f"balanced: {counts[0]:,} training images of each class"
        large, small = counts.index(max(counts)), counts.index(min(counts))
        return (
            f"imbalance {self.imbalance:.2f}: {self.class_names[large]} {counts[large]:,}, "
            f"{self.class_names[small]} {counts[small]:,} training images"
        )

    def _files(self) -> list[str]:
        """Sizes and modes of the files, and those that were odd."""
        report = self.report
        lines = []
        if report.sizes:
            most = max(report.sizes, key=lambda size: report.sizes[size])
            low, high = (
                "x".join(str(edge(size[k] for size in report.sizes)) for k in (0, 1))
                for edge in (min, max)
            )
            lines.append(
                f"files {most[0]}x{most[1]}"
                if len(report.sizes) == 1
                else f"files of {len(report.sizes):,} sizes from {low} to {high}, "
                f"{report.sizes[most]:,} of {most[0]}x{most[1]}"
            )
            lines.append(f"modes: {_listed(report.modes)}")
        for word, pairs in (("unreadable", report.unreadable), ("with a notice", report.notices)):
            if pairs:
                shown = "; ".join(f"{path} {why}" for path, why in pairs[:_SHOWN])
                lines.append(f"{_of(len(pairs), 'file')} {word}: {shown}{_more(pairs)}")
        if report.ignored:
            shown = ", ".join(report.ignored[:_SHOWN])
            lines.append(
                f"{_of(len(report.ignored), 'other file')} ignored: {shown}{_more(report.ignored)}"
            )
        return lines


def data_card(sets: Sets) -> DataCard:
    """Measure image sets.

    Args:
        sets: The splits.
    """
    splits = {each.split: each for each in sets}
    counts = sets.train.counts()
    _, channels, height, width = sets.train.images.shape
    return DataCard(
        source=sets.source,
        class_names=sets.class_names,
        counts={split: each.counts() for split, each in splits.items()},
        totals={split: len(each) for split, each in splits.items()},
        image_shape=(channels, height, width),
        statistics=channel_statistics(sets.train),
        imbalance=max(counts) / min(counts) if min(counts, default=0) else None,
        duplicates=find_duplicates(splits.values()),
        report=sets.report,
    )


def _of(count: int, noun: str) -> str:
    """`1 picture`, `2 pictures`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _listed(counts: Mapping[str, int]) -> str:
    """`RGB 8,296, L 381`, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {count:,}" for name, count in ordered)


def _some(pairs: Sequence[Pair]) -> str:
    """The first pairs, named."""
    shown = "; ".join(
        f"{p.first} ({p.first_split}) and {p.second} ({p.second_split})" for p in pairs[:_SHOWN]
    )
    return f": {shown}{_more(pairs)}"


def _more(items: Sequence[object]) -> str:
    """How many are not shown."""
    return f" and {len(items) - _SHOWN:,} more" if len(items) > _SHOWN else ""
