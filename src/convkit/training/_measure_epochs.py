"""How good are the weights of every epoch, not only the best, on whole sets?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.errors import TrainingError
from convkit.training._answering import evaluate
from convkit.training._history import COLUMNS

if TYPE_CHECKING:
    from convkit.data import ImageSet
    from convkit.training._callbacks import Event
    from convkit.training._inputs import Data


class MeasureEpochs:
    """A callback that measures whole sets after each validation, in evaluation mode.

    Loss and accuracy go into the history as the columns `NAME_loss` and `NAME_accuracy`. With a
    directory each whole evaluation is written to `evaluation-NAME-EPOCH.json`;
    `read_run(directory).epochs(NAME)` reads them in their order. The stop rule looks at none of
    it, and training goes as it would without.

    Args:
        *sets: Image sets; each goes by the name of its split.
        batch_size: Samples at a time, where the data have no batches of their own.
        **named: Further sets by name: image sets, data sets, loaders, or pairs (images, labels)
            of tensors.

    Raises:
        TrainingError: When there is no set, or two have one name.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer
        >>> samples = torch.randn(64, 1, 8, 8), torch.arange(64) % 2
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
        >>> measured = MeasureEpochs(training_again=samples)
        >>> trainer = Trainer(model, optimizer="sgd", lr=0.1, callbacks=[measured])
        >>> history = trainer.fit(samples, samples, epochs=2, progress=False)
        >>> history["training_again_accuracy"] == history["validation_accuracy"]
        True
    """

    def __init__(self, *sets: ImageSet, batch_size: int = 128, **named: Data) -> None:
        names = [*(image_set.split for image_set in sets), *named]
        if not names or len(set(names)) < len(names):
            received = ", ".join(names) or "none"
            raise TrainingError(
                f"MeasureEpochs needs sets of different names, received {received}: "
                "MeasureEpochs(sets.test, again=sets.train)"
            )
        self.batch_size = batch_size
        self.sets = dict(zip(names, [*sets, *named.values()], strict=True))

    def __call__(self, event: Event) -> None:
        """Measure after a validation, and write into its row."""
        if event.what == "validation":
            with event.trainer._state.answering():  # averaged weights, where they are validated
                self._measure(event)

    def _measure(self, event: Event) -> None:
        for name, data in self.sets.items():
            measured = evaluate(
                event.trainer,
                data,
                f"{name}-{event.epoch:02g}",
                batch_size=self.batch_size,
                other_size=False,
                keep_mistakes=False,
            )
            columns = {f"{name}_loss": measured.loss, f"{name}_accuracy": measured.accuracy}
            new = {column: value for column, value in columns.items() if column not in COLUMNS}
            event.history.note(**new)
