"""The data card: what is in the images, before anything is trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convkit._tables import Table
from convkit.data._statistics import ChannelStatistics, channel_statistics

if TYPE_CHECKING:
    from convkit.data._sets import Sets, SourceReport

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DataCard:
    """Counts, sizes, statistics and findings of image sets.

    Args:
        source: Where the images came from.
        class_names: The classes.
        counts: For each split, the number of images of each class.
        totals: For each split, the number of images.
        image_shape: Channels, height and width as the network takes them.
        statistics: Mean and standard deviation of the training images' channels.
        imbalance: Largest class of the training images divided by the smallest; None when a class
            is empty.
        report: What was met while the images were read.
    """

    source: str
    class_names: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    totals: dict[str, int]
    image_shape: tuple[int, int, int]
    statistics: ChannelStatistics
    imbalance: float | None
    report: SourceReport

    def table(self) -> Table:
        """Counts per class and split."""
        splits = tuple(self.counts)
        rows = [
            (name, *(self.counts[split][k] for split in splits))
            for k, name in enumerate(self.class_names)
        ]
        totals = ("all classes", *(self.totals[split] for split in splits))
        return Table(("class", *splits), (*rows, totals), title=self.source, notes=self._notes())

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
            "unreadable": [list(pair) for pair in self.report.unreadable],
        }

    def __str__(self) -> str:
        """The table with its notes."""
        return str(self.table())

    def _notes(self) -> tuple[str, ...]:
        """What the table of counts does not say."""
        channels, height, width = self.image_shape
        mean = ", ".join(f"{value:.4f}" for value in self.statistics.mean)
        std = ", ".join(f"{value:.4f}" for value in self.statistics.std)
        return (f"images: {channels}x{height}x{width}, mean ({mean}), std ({std}) of training",)


def data_card(sets: Sets) -> DataCard:
    """Measure image sets."""
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
        report=sets.report,
    )
