"""What may outside code do while training runs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from convkit.errors import MissingExtraError

if TYPE_CHECKING:
    from os import PathLike

    from convkit.training._history import History
    from convkit.training._stop import Decision

What = Literal["begin", "epoch", "validation", "back_to_best", "checkpoint", "end"]


@dataclass(slots=True)
class Event:
    """Something that happened during training.

    Args:
        what: `"begin"`, `"epoch"` (one is done), `"validation"` (a row was added to the history),
            `"back_to_best"`, `"checkpoint"` (one was written) or `"end"`.
        trainer: The trainer; its `model` and `optimizer` are live.
        history: What happened so far.
        epoch: Epochs done, with the fraction of the present one.
        step: Optimizer steps done.
        decision: What the stop rule said; only with `"validation"`.
        first_process: Whether this process writes; false in all but one under `torchrun`.
        stop: Set it to a sentence to end training with that reason.

    Examples:
        >>> from convkit import History
        >>> def stop_after_five(event):
        ...     if event.what == "epoch" and event.epoch >= 5:
        ...         event.stop = "five epochs are enough"
        >>> event = Event("epoch", trainer=None, history=History(), epoch=5.0, step=100)
        >>> stop_after_five(event)
        >>> event.stop
        'five epochs are enough'
    """

    what: What
    trainer: Any
    history: History
    epoch: float
    step: int
    decision: Decision | None = None
    first_process: bool = True
    stop: str | None = None


class Callback(Protocol):
    """Anything that can be called with an `Event`: a function is enough.

    Examples:
        >>> def tell(event):
        ...     if event.what == "end":
        ...         print(event.history.stop_reason)
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer
        >>> data = torch.randn(8, 1, 4, 4), torch.arange(8) % 2
        >>> trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), callbacks=[tell])
        >>> _ = trainer.fit(data, data, epochs=1, progress=False)
        all 1 epochs are done
    """

    def __call__(self, event: Event) -> None:
        """Look at what happened; may set `event.stop`."""


class TensorBoard:
    """A callback that writes every row of the history for TensorBoard, by optimizer step.

    A number that does not exist is not written. Only the first process writes.

    Args:
        directory: Where the event files go.

    Raises:
        MissingExtraError: When the package tensorboard is not installed.

    Examples:
        >>> from pathlib import Path
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer
        >>> data, model = (torch.randn(8, 4), torch.arange(8) % 2), nn.Linear(4, 2)
        >>> trainer = Trainer(model, callbacks=[TensorBoard("logs")])
        >>> _ = trainer.fit(data, data, epochs=1, progress=False)
        >>> len(list(Path("logs").iterdir()))
        1
    """

    def __init__(self, directory: str | PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # an extra
        except ImportError as error:
            raise MissingExtraError("TensorBoard logging", "tensorboard", "tensorboard") from error
        self._make: Any = SummaryWriter
        self._directory = str(directory)
        self._writer: Any = None

    def __call__(self, event: Event) -> None:
        """Write the newest row after each validation; close the file at the end."""
        if not event.first_process:
            return
        if event.what == "validation":
            if self._writer is None:
                self._writer = self._make(self._directory)
            for name, value in event.history.row(-1).items():
                if name not in {"step", "epoch"} and value == value:
                    self._writer.add_scalar(name, value, event.step)
            self._writer.flush()  # whoever watches sees it now
        if event.what == "end" and self._writer is not None:
            self._writer.close()
            self._writer = None
