"""One optimizer step: forward, backward, update."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from convkit.errors import TrainingError
from convkit.training._loss import check_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from convkit.training._feed import Batch
    from convkit.training._loss import Objective
    from convkit.training._place import Place
    from convkit.training._state import TrainingState


@dataclass(slots=True)
class Stepper:
    """Takes optimizer steps.

    Args:
        state: The training; its step is counted up.
        network: What is called: the network itself, compiled, or spread over processes.
        objective: The loss.
        place: Where it runs.
        clip_norm: The greatest norm of the whole gradient.
        on_first: Called with the first images and outputs, before anything changes.
    """

    state: TrainingState
    network: nn.Module
    objective: Objective
    place: Place
    clip_norm: float | None
    on_first: Callable[[Tensor, Tensor], None]
    _classes: int | None = field(default=None, init=False)
    _context: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._context = self.place.context

    def take(self, group: list[Batch]) -> None:
        """One step; the gradient is the mean over all samples of the group's batches.

        Nothing here asks the device for a number.
        """
        state = self.state
        state.optimizer.zero_grad()
        total = sum(batch.total for batch in group) if len(group) > 1 else 0
        for batch in group[:-1]:
            with self._apart():
                self._add_gradient(batch, total)
        self._add_gradient(group[-1], total)
        if self.clip_norm is not None:
            state.scaler.unscale_(state.optimizer)
            nn.utils.clip_grad_norm_(state.model.parameters(), self.clip_norm)
        if state.scaler.is_enabled():
            state.scaler.step(state.optimizer)
            state.scaler.update()
        else:
            state.optimizer.step()
        state.step += 1
        if state.average is not None:
            state.average.update()

    def _add_gradient(self, batch: Batch, total: int) -> None:
        loss = self._loss(batch)
        weight = batch.weight * (batch.total / total if total else 1.0)
        if weight != 1.0:
            loss = loss * weight
        if self.state.scaler.is_enabled():
            loss = self.state.scaler.scale(loss)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types

    def _loss(self, batch: Batch) -> Tensor:
        """The mean loss of this process's samples, taken down without waiting for it."""
        images = self.place.take(batch.images)
        targets = batch.targets.to(self.place.device, non_blocking=True)
        with self._context:
            outputs: Tensor = self.network(images)
            if self._classes is None:
                self._check(images, outputs, targets)
            elif batch.targets.device != self.place.device:
                # An accelerator does not say which label is wrong, and cannot go on after it.
                self._check_labels(batch.targets)
            try:
                loss = self.objective.mean(outputs, targets)
            except TrainingError as error:
                raise self._placed(error) from None
        if batch.weight:
            state = self.state
            weight = self.objective.weight(targets)
            due = state.meter.add(
                loss.detach(), weight, outputs.detach(), targets, state.step + 1, state.batch
            )
            if due:
                state.meter.read()
        return loss

    def _check(self, images: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Look at the first batch in full."""
        try:
            self.objective.check(outputs, targets)
        except TrainingError as error:
            raise self._placed(error) from None
        self._classes = outputs.shape[1] if outputs.ndim == 2 else 0
        self.on_first(images, outputs)

    def _check_labels(self, targets: Tensor) -> None:
        if self._classes and targets.ndim == 1 and not targets.is_floating_point():
            try:
                check_labels(targets, self._classes)
            except TrainingError as error:
                raise self._placed(error) from None

    def _placed(self, error: TrainingError) -> TrainingError:
        """The error with the step and batch at which it came up."""
        state = self.state
        where = f"step {state.step + 1}, batch {state.batch} of epoch {state.epoch + 1}"
        return TrainingError(f"{where}: {error}")

    def _apart(self) -> Any:
        """A context in which processes do not exchange gradients: more are added first."""
        if isinstance(self.network, nn.parallel.DistributedDataParallel):
            return self.network.no_sync()
        return nullcontext()


def compiled(model: nn.Module, *, wanted: bool) -> nn.Module:
    """The network, compiled when that is wanted."""
    if not wanted:
        return model
    return cast("nn.Module", torch.compile(model))
