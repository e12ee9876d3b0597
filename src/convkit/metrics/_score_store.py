"""Scores that arrive batch by batch, kept exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from convkit.errors import MetricError
from convkit.metrics._inputs import (
    as_array,
    read_classes,
    read_labels,
    refuse_empty,
    refuse_other_classes,
    refuse_other_length,
    refuse_outside,
)
from convkit.metrics._processes import join_over_processes
from convkit.metrics._top_k import read_scores_and_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convkit.metrics._inputs import Array, Integers, Numbers


class ScoreStore:
    """Every score and label of the batches, exactly as they came: 4 N C bytes for float32.

    What is read from it does not depend on how the samples were cut into batches. Batches on an
    accelerator stay there; what is wrong with them is told when they are measured.

    Args:
        classes: The class names, or the number of classes.

    Examples:
        >>> store = ScoreStore(2)
        >>> store.update([[0.9, 0.1], [0.2, 0.8]], truth=[0, 1])
        >>> store.update([[0.6, 0.4]], truth=[1])
        >>> store.truth
        array([0, 1, 1])
        >>> store.scores.shape
        (3, 2)
    """

    def __init__(self, classes: Iterable[str] | int) -> None:
        self.class_names = read_classes(classes)
        self._batches: list[tuple[Numbers, Numbers]] = []

    def update(self, scores: Numbers, truth: Numbers) -> None:
        """Keep one batch.

        Args:
            scores: (N, C).
            truth: Class indices (N,).

        Raises:
            MetricError: When the shapes do not fit, or, for a batch on the CPU, when scores are
                not finite or labels lie outside the classes; nothing of the batch is kept then.
        """
        kept = (_copy(scores, "scores"), _copy(truth, "truth"))
        shape = tuple(kept[0].shape)
        refuse_empty(shape, "scores")
        if len(shape) != 2 or shape[1] != len(self.class_names):
            raise MetricError(f"scores must be (N, {len(self.class_names)}), got {shape}")
        if not isinstance(kept[0], torch.Tensor) and not isinstance(kept[1], torch.Tensor):
            kept = read_scores_and_labels(*kept)
        refuse_other_length(shape[0], kept[1].shape[0] if kept[1].ndim else 1, ("scores", "truth"))
        self._batches.append(kept)

    def merge(self, other: ScoreStore) -> ScoreStore:
        """Take in another store's batches, and return this store.

        Args:
            other: Of the same number of classes.

        Returns:
            This one.

        Raises:
            MetricError: When the classes differ.
        """
        refuse_other_classes(self.class_names, other.class_names)
        self._batches += other._batches
        return self

    def gather(self) -> ScoreStore:
        """The samples of all processes of a distributed run, those of rank 0 first.

        Every process must call it, and no sample may have been given to two of them.
        """
        none = np.empty((0, len(self.class_names)), dtype=np.float32)
        gathered = ScoreStore(self.class_names)
        gathered.update(
            join_over_processes(self.scores if self._batches else none),
            join_over_processes(self.truth if self._batches else none[:, 0].astype(np.int64)),
        )
        return gathered

    @property
    def scores(self) -> Array:
        """All scores (N, C) on the host."""
        self._refuse_none()
        return np.concatenate([as_array(scores, "scores") for scores, _ in self._batches])

    @property
    def truth(self) -> Integers:
        """All class indices, int64 (N,)."""
        self._refuse_none()
        labels = np.concatenate([read_labels(truth, "truth") for _, truth in self._batches])
        refuse_outside(labels, len(self.class_names), "truth")
        return labels

    def _refuse_none(self) -> None:
        if not self._batches:
            raise MetricError("the store is empty: update it with at least one sample")


def _copy(values: Numbers, what: str) -> torch.Tensor | Array:
    """A copy that later changes of the caller's memory do not reach, on the same device."""
    if isinstance(values, torch.Tensor) and values.device.type != "cpu":
        return values.detach().clone()
    return as_array(values, what).copy()
