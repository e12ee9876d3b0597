"""How do image sets become the splits of one task? Held out, measured, joined."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from convkit.data._sets import Sets, SourceReport
from convkit.data._splitting import group_split, random_split, stratified_split
from convkit.data._statistics import channel_statistics
from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from convkit.data._image_set import ImageSet, Split


@dataclass(frozen=True, slots=True)
class Holding:
    """How validation (and test) images are taken from the training images.

    Args:
        validation: A share between 0 and 1, a count, or None.
        test: The same for the test images, which are taken first.
        seed: Of the split.
        stratified: Whether each class keeps its share.
    """

    validation: float | int | None = None
    test: float | int | None = None
    _: KW_ONLY
    seed: int = 0
    stratified: bool = True


def split_off(
    train: ImageSet, holding: Holding, groups: Sequence[Hashable] | None = None
) -> tuple[ImageSet, dict[Split, ImageSet]]:
    """Take the held-out images from the training images, test first.

    Args:
        train: All of them.
        holding: What to take.
        groups: One per image, when no group may be on two sides.

    Returns:
        The images left for training, and those taken, by split.
    """
    taken: dict[Split, ImageSet] = {}
    wanted: tuple[tuple[Split, float | int | None], ...] = (
        ("test", holding.test),
        ("validation", holding.validation),
    )
    for split, fraction in wanted:
        if not fraction:
            continue
        if groups is not None:
            kept, held_out = group_split(groups, fraction, holding.seed)
            groups = [groups[i] for i in kept]
        elif holding.stratified:
            kept, held_out = stratified_split(train.labels.numpy(), fraction, holding.seed)
        else:
            kept, held_out = random_split(len(train), fraction, holding.seed)
        taken[split] = train.subset(held_out, split)
        train = train.subset(kept)
    return train, taken


def assemble(
    splits: Mapping[Split, ImageSet],
    holding: Holding,
    *,
    mean: float | Sequence[float] | None,
    std: float | Sequence[float] | None,
    source: str,
    report: SourceReport | None = None,
    groups: Sequence[Hashable] | None = None,
) -> Sets:
    """Split, measure and join image sets into `Sets`.

    Args:
        splits: Image sets by split; `"train"` must be there.
        holding: What to hold out of the training images.
        mean: Normalisation for every split; None measures it on the training images.
        std: Likewise.
        source: Where the images came from, in words.
        report: What was met while they were read.
        groups: One per training image, when the split goes by group.

    Raises:
        DataError: When a split would come from two places.
    """
    for split, fraction in (("validation", holding.validation), ("test", holding.test)):
        if fraction and split in splits:
            raise DataError(
                f"{source} has its own {split} images: leave {split}={fraction!r} out, "
                "or move them away"
            )
    train, taken = split_off(splits["train"], holding, groups)
    every = {**splits, **taken, "train": train}
    if mean is None or std is None:
        statistics = channel_statistics(train)
        mean = statistics.mean if mean is None else mean
        # A set of one colour has a deviation of 0: dividing by 1 leaves it as it is.
        std = tuple(value or 1.0 for value in statistics.std) if std is None else std
    named = {name: each.with_normalization(mean, std) for name, each in every.items()}
    return Sets(
        named["train"],
        named.get("validation"),
        named.get("test"),
        source=source,
        report=report or SourceReport(),
    )
