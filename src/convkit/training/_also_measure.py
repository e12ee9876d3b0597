"""How good is the network on further sets, after each validation?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.errors import TrainingError
from convkit.training._alike import as_trained
from convkit.training._assemble import make_objective, place_of
from convkit.training._inputs import reading_feed
from convkit.training._measure import measure

if TYPE_CHECKING:
    from convkit.training._callbacks import Event
    from convkit.training._inputs import Data


class AlsoMeasure:
    """A callback that measures further sets after each validation, in evaluation mode.

    Mean loss and accuracy go into the history as the columns `NAME_loss` and `NAME_accuracy`. The
    stop rule does not look at them, and training goes as it would without.

    Args:
        batch_size: Samples at a time, where the data have no batches of their own.
        **sets: What to measure, by name: an image set, a data set, a loader, or a pair (images,
            labels) of tensors.

    Raises:
        TrainingError: When there is no set, or a column of that name is written by training.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer
        >>> images, labels = torch.randn(64, 1, 8, 8), torch.arange(64) % 2
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
        >>> again = AlsoMeasure(training_again=(images, labels))
        >>> trainer = Trainer(model, optimizer="sgd", lr=0.1, callbacks=[again])
        >>> history = trainer.fit((images, labels), (images, labels), epochs=2, progress=False)
        >>> history["training_again_loss"] == history["validation_loss"]
        True
    """

    def __init__(self, *, batch_size: int = 128, **sets: Data) -> None:
        if not sets:
            raise TrainingError("AlsoMeasure needs a set: AlsoMeasure(test=sets.test)")
        if taken := {"training", "validation", "smoothed_validation"} & set(sets):
            raise TrainingError(
                f"training itself writes {min(taken)}_loss: give the set another name"
            )
        self.batch_size = batch_size
        self.sets = sets

    def __call__(self, event: Event) -> None:
        """Measure after a validation, and write into its row."""
        if event.what != "validation":
            return
        trainer = event.trainer
        place = place_of(trainer)
        objective = make_objective(trainer, place)
        for name, data in self.sets.items():
            alike = as_trained(data, trainer.preprocessing, trainer.class_names)
            feed = reading_feed(alike, self.batch_size, place, name)
            means = measure(trainer.model, feed, objective, place)
            event.history.note(**{f"{name}_loss": means.loss, f"{name}_accuracy": means.accuracy})
