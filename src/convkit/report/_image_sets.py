"""With which images does a task begin?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convkit.data import image_folder, split_folders

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from convkit.data import Sets
    from convkit.report._reproduction import Reproduction


def image_sets(
    page: Reproduction,
    settings: argparse.Namespace,
    size: int | tuple[int, int] | None = None,
    *,
    classes: Sequence[str],
    validation: float | int,
    **options: Any,
) -> Sets:
    """The images that a script was given, in class folders; its page says when they stand in.

    Images of other classes than the published ones are a stand-in: `page.stand_in` has their folder
    and number from then on, but not with `--quick`, whose figures are drawn anyway.

    Args:
        page: Is told of images that stand in.
        settings: Of `ReproductionScript`: its `data`, `seed` and `quick` count.
        size: As `convkit.data.image_folder` takes it.
        classes: The names of the published classes, in their order.
        validation: A share or a count of the training images to hold out, where the folder has no
            validation images of its own.
        **options: Of `convkit.data.image_folder`, such as `mean`, `std` and `stratified`.

    Returns:
        The sets, split by the seed of the settings.

    Raises:
        DataError: When there is nothing to read, folders contradict each other, or files cannot be
            read.

    Examples:
        >>> import argparse
        >>> from pathlib import Path
        >>> from convkit import data, report
        >>> _ = data.drawn_shapes(train=40, validation=0, test=10).write_images("imagenet10")
        >>> settings = argparse.Namespace(data=Path("imagenet10"), seed=0, quick=False)
        >>> page = report.Reproduction("Ten classes")
        >>> sets = report.image_sets(page, settings, classes=["cat", "dog"], validation=0.2)
        >>> [len(part) for part in sets], page.stand_in
        ([32, 8, 10], 'imagenet10 (32 training images)')
    """
    own = "validation" in split_folders(settings.data)
    held_out = None if own else validation
    sets = image_folder(settings.data, size, validation=held_out, seed=settings.seed, **options)
    if not settings.quick and sets.class_names != tuple(classes):
        page.stand_in = f"{settings.data.name} ({len(sets.train):,} training images)"
    return sets
