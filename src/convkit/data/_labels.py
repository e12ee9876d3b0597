"""Which labels may images have? Indices of their classes, or none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

UNLABELLED = -1


def check_labels(
    labels: torch.Tensor, class_names: Sequence[str], names: Sequence[str], split: str
) -> None:
    """Refuse labels that are no index into the class names; -1 for all of them is unlabelled.

    Raises:
        DataError: Naming the first sample with such a label.
    """
    if len(labels) == 0 or bool((labels == UNLABELLED).all()):
        return
    outside = ((labels < 0) | (labels >= len(class_names))).nonzero()
    if len(outside):
        i = int(outside[0])
        raise DataError(
            f"{split}: the label of image {names[i]} is {int(labels[i])}, outside the "
            f"{len(class_names)} classes 0 to {len(class_names) - 1}"
        )
