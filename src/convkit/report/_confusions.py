"""What does a network confuse, on whole sets?"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from convkit._escaping import markdown_cell

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from convkit.data import ImageSet
    from convkit.report._reproduction import Reproduction
    from convkit.training import Evaluation, Trainer

_SHOWN = 3  # pairs of classes in a sentence
_HARDEST = 2


def confusions(
    page: Reproduction,
    trainer: Trainer,
    sets: Iterable[ImageSet],
    *,
    normalize: Literal["truth", "prediction", "all"] | None = None,
) -> list[Evaluation]:
    """Measure a network on whole sets; add figures, hardest classes and matrix of each to a page.

    Args:
        page: Where they go.
        trainer: Of the network.
        sets: What to measure; each goes by the name of its split.
        normalize: What the cells of the matrices are, as in `convkit.plots.confusion`: counts
            when left out.

    Returns:
        The evaluations, in the order of the sets.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer, data, report
        >>> sets = data.drawn_shapes(train=20, validation=10, test=10)
        >>> trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)))
        >>> page = report.Reproduction("Base network")
        >>> found = report.confusions(page, trainer, [sets.test])
        >>> [evaluation.name for evaluation in found], page.pictures
        (['test'], {'confusion_test': 2})
    """
    evaluations = [trainer.evaluate(image_set) for image_set in sets]
    for evaluation in evaluations:
        matrix = evaluation.confusion
        recall = zip(matrix.per_class().recall.tolist(), matrix.class_names, strict=True)
        known = sorted(pair for pair in recall if not isnan(pair[0]))  # of classes with samples
        names = " and ".join(name for _, name in known[:_HARDEST])
        pairs = "; ".join(map(str, matrix.most_confused(_SHOWN)))
        page.text(markdown_cell(f"{evaluation}. Hardest: {names}. Most confused: {pairs}."))
        page.picture(
            matrix.plot(normalize=normalize),
            f"confusion_{evaluation.name}",
            f"Whole {evaluation.name} set; rows are the true class",
        )
    return evaluations
