"""How does training go? One call of `Trainer.fit`, read from top to bottom."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from math import nan
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from convkit.errors import TrainingError
from convkit.training._callbacks import Event, What
from convkit.training._device import train_mode
from convkit.training._measure import measure
from convkit.training._meter import Means
from convkit.training._random import random_state, set_random_state
from convkit.training._stop import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convkit.training._directory import RunDirectory
    from convkit.training._early_stopping import Decision
    from convkit.training._feed import Batch, Feed
    from convkit.training._interrupt import Interrupt
    from convkit.training._loss import Objective
    from convkit.training._optimizers import Beat
    from convkit.training._options import TrainingOptions
    from convkit.training._progress import Progress
    from convkit.training._state import TrainingState


@dataclass(slots=True)
class Fit:
    """One call of `Trainer.fit`: epochs of steps, validations between them, one decision each.

    Args:
        trainer: Handed to the callbacks.
        state: The training so far; changed in place.
        training: The batches to learn from.
        validation: The batches to validate on; None to go without.
        epochs: How many epochs there shall be in all.
        forward: The network, perhaps compiled or spread over processes.
        objective: The loss.
        device: Where it runs.
        context: The precision.
        beat: When the scheduler steps.
        options: The rarely changed settings.
        channels_last: The layout of the images.
        drop_single: Whether a batch of one sample is left out.
        progress: Told what happens.
        directory: Where checkpoints go; None for nowhere.
        callbacks: Told what happens.
        interrupt: Set by Ctrl-C.
        on_first_batch: Called with the first images, once.
    """

    trainer: Any
    state: TrainingState
    training: Feed
    validation: Feed | None
    epochs: int
    forward: Callable[[Tensor], Tensor]
    objective: Objective
    device: torch.device
    context: Any
    beat: Beat
    options: TrainingOptions
    channels_last: bool
    drop_single: bool
    progress: Progress
    directory: RunDirectory | None
    callbacks: tuple[Callable[[Event], None], ...]
    interrupt: Interrupt
    on_first_batch: Callable[[Tensor], None]
    _checked: bool = False
    _noticed: bool = False
    _clock: float = 0.0
    _saved_at: float = 0.0
    _begun_at: float = 0.0
    _begun_epoch: float = 0.0

    def run(self) -> Stop:
        """Train until an epoch is the last, the rule stops, a callback asks, or Ctrl-C."""
        state = self.state
        self._clock = self._saved_at = time.perf_counter()
        self._begun_at, self._begun_epoch = state.seconds, self._epochs_done()
        self.progress.begin(state.epoch, self.epochs, self._steps_per_epoch())
        train_mode(state.model)
        stop = self._tell("begin")
        while stop is None and state.epoch < self.epochs:
            stop = self._train_epoch()
        stop = stop or Stop(StopReason.LAST_EPOCH, f"all {self.epochs} epochs are done")
        state.history.stop = stop
        self._save()
        return stop

    def _train_epoch(self) -> Stop | None:
        for group in self._groups():
            self._step(group)
            stop = self._after_step()
            if stop is not None:
                return stop
        return self._end_epoch()

    def _groups(self) -> Iterator[list[Batch]]:
        """The batches of each optimizer step in the rest of the present epoch."""
        state = self.state
        resumed = state.batch > 0
        if resumed and state.epoch_random is not None:
            self._set_random(state.epoch_random)
        elif not resumed:
            state.epoch_random = self._random()
        source = self.training.epoch(state.epoch, state.batch)
        if resumed and state.random is not None:
            self._set_random(state.random)
        while group := list(islice(source, self.options.accumulate)):
            state.batch += len(group)
            if self.drop_single:
                group = [batch for batch in group if not self._is_single(batch)]
            if group:
                yield group

    def _is_single(self, batch: Batch) -> bool:
        if len(batch[0]) != 1:
            return False
        if not self._noticed:
            self._noticed = True
            self.progress.notice(
                "a batch of one sample is left out of training: batch norm needs two"
            )
        return True

    def _step(self, group: list[Batch]) -> None:
        """One optimizer step; the gradient is the mean over the samples of the group."""
        state, options = self.state, self.options
        state.optimizer.zero_grad()
        total = sum(len(targets) for _, targets in group) if len(group) > 1 else 0
        for images, targets in group:
            loss = self._forward(images, targets)
            if total:
                loss = loss * (len(targets) / total)
            if state.scaler.is_enabled():
                loss = state.scaler.scale(loss)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        if options.clip_norm is not None:
            state.scaler.unscale_(state.optimizer)
            torch.nn.utils.clip_grad_norm_(state.model.parameters(), options.clip_norm)
        if state.scaler.is_enabled():
            state.scaler.step(state.optimizer)
            state.scaler.update()
        else:
            state.optimizer.step()
        state.step += 1
        if self.beat == "step" and state.scheduler is not None:
            state.scheduler.step()  # type: ignore[call-arg]  # a plateau asks for a value, and steps per validation

    def _forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of one batch, taken down without waiting for it."""
        layout = (
            torch.channels_last
            if self.channels_last and images.ndim == 4
            else torch.preserve_format
        )
        images = images.to(self.device, non_blocking=True, memory_format=layout)
        targets = targets.to(self.device, non_blocking=True)
        with self.context:
            outputs = self.forward(images)
            loss = self._loss(images, outputs, targets)
        due = self.state.meter.add(
            loss.detach(), outputs.detach(), targets, self.state.step + 1, self.state.batch
        )
        if due:
            self._read_meter()
        return loss

    def _loss(self, images: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        if not self._checked:
            self._check(outputs, targets)
            self._checked = True
            self.on_first_batch(images)
        try:
            return self.objective.mean(outputs, targets)
        except (IndexError, RuntimeError, ValueError, TypeError):
            self._check(outputs, targets)
            raise

    def _check(self, outputs: Tensor, targets: Tensor) -> None:
        try:
            self.objective.check(outputs, targets)
        except TrainingError as error:
            raise TrainingError(
                f"step {self.state.step + 1}, batch {self.state.batch} of epoch "
                f"{self.state.epoch + 1}: {error}"
            ) from None

    def _after_step(self) -> Stop | None:
        """What is due between two steps of an epoch."""
        if self.interrupt.requested:
            return Stop(StopReason.INTERRUPTED, "interrupted by Ctrl-C")
        stop = self._validate() if self._validation_is_due() else None
        if stop is None and self._checkpoint_is_due():
            self._save()
        return stop

    def _end_epoch(self) -> Stop | None:
        state, options = self.state, self.options
        stop = None
        if options.validate_every is None:
            stop = self._validate(whole_epoch=True)
        if self.beat == "epoch" and state.scheduler is not None:
            state.scheduler.step()  # type: ignore[call-arg]  # as above
        state.epoch, state.batch = state.epoch + 1, 0
        self._read_meter()
        stop = stop or self._tell("epoch")
        if stop is None and state.epoch < self.epochs:
            self._save()
        return stop

    def _validation_is_due(self) -> bool:
        options, step = self.options, self.state.step
        if options.validate_every is not None:
            return step % options.validate_every == 0
        if options.validations_per_epoch == 1:
            return False
        steps = self._steps_per_epoch()
        if steps is None:
            raise TrainingError(
                "validations_per_epoch needs a loader that knows its length: use validate_every"
            )
        done, per_epoch = -(-self.state.batch // options.accumulate), options.validations_per_epoch
        # The k-th of n validations comes after floor(k * steps / n) steps, the last at the end.
        return done < steps and any(done == k * steps // per_epoch for k in range(1, per_epoch))

    def _validate(self, *, whole_epoch: bool = False) -> Stop | None:
        """Measure, write the row, ask the rule."""
        state = self.state
        self._read_meter()
        training = state.meter.means()
        if not training.samples:
            return None
        state.meter.reset()
        validation = self._measure()
        self._tick()
        watched = validation.accuracy if _watches_accuracy(state) else validation.loss
        decision = state.rule.update(watched) if self.validation is not None else None
        self._add_row(training, validation, decision, whole_epoch=whole_epoch)
        if decision is not None and decision.improved:
            state.keep_best(with_optimizer=self.options.back_to_best is not None)
            if self.directory is not None and state.best is not None:
                self.directory.write_best(state.best)
        if self.beat == "validation" and state.scheduler is not None:
            if isinstance(state.scheduler, ReduceLROnPlateau):
                state.scheduler.step(watched if decision else training.loss)
            else:
                state.scheduler.step()
        stop = self._tell("validation", decision)
        if decision is not None and decision.should_stop:
            return decision.stop
        self._go_back_when_stuck()
        return stop

    def _measure(self) -> Means:
        if self.validation is None:
            return Means(nan, nan, 0)
        means = measure(
            self.state.model,
            self.validation,
            self.objective,
            self.device,
            self.context,
            channels_last=self.channels_last,
        )
        train_mode(self.state.model)
        return means

    def _add_row(
        self, training: Means, validation: Means, decision: Decision | None, *, whole_epoch: bool
    ) -> None:
        state = self.state
        smoothed = nan
        if decision is not None:
            smoothed = validation.loss if _watches_accuracy(state) else decision.smoothed
        done = state.epoch + 1.0 if whole_epoch else self._epochs_done()
        state.history.append(
            best=decision.improved if decision else None,
            epoch=done,
            step=state.step,
            training_loss=training.loss,
            training_accuracy=training.accuracy,
            validation_loss=validation.loss,
            validation_accuracy=validation.accuracy,
            smoothed_validation_loss=smoothed,
            learning_rate=float(state.optimizer.param_groups[0]["lr"]),
            seconds=state.seconds,
        )
        spent, gone = state.seconds - self._begun_at, done - self._begun_epoch
        remaining = spent / gone * (self.epochs - done) if gone > 0 else nan
        self.progress.row(state.history.row(-1), remaining)

    def _go_back_when_stuck(self) -> None:
        rule, state = self.options.back_to_best, self.state
        if rule is None or state.history.best_row is None:
            return
        since = len(state.history) - max(state.returned, state.history.best_row + 1)
        if since >= rule.after:
            state.return_to_best(rule.rate_factor)
            self.progress.notice(
                f"no improvement in {since} validations: back to the weights of epoch "
                f"{state.history.best_epoch:.4g}"
            )
            self._tell("back_to_best")

    def _read_meter(self) -> None:
        losses = self.state.meter.read()
        self.state.history.step_losses += losses
        self.progress.steps(len(losses))

    def _tell(self, what: What, decision: Decision | None = None) -> Stop | None:
        """Tell the callbacks; one of them may ask for the end."""
        stop = None
        for callback in self.callbacks:
            state = self.state
            event = Event(
                what, self.trainer, state.history, self._epochs_done(), state.step, decision
            )
            callback(event)
            if event.stop is not None:
                stop = Stop(StopReason.CALLBACK, event.stop)
        return stop

    def _checkpoint_is_due(self) -> bool:
        options = self.options
        if options.checkpoint_every_steps and not self.state.step % options.checkpoint_every_steps:
            return True
        minutes = options.checkpoint_every_minutes
        return minutes is not None and time.perf_counter() - self._saved_at >= 60 * minutes

    def _save(self) -> None:
        """Write history and checkpoint, when there is a directory."""
        self._read_meter()
        self._tick()
        self.state.random = self._random()
        self._saved_at = time.perf_counter()
        if self.directory is not None:
            self.directory.write_history(self.state.history)
            self.directory.write_checkpoint(self.state)
            self._tell("checkpoint")

    def _tick(self) -> None:
        now = time.perf_counter()
        self.state.seconds += now - self._clock
        self._clock = now

    def _epochs_done(self) -> float:
        batches = self.training.batches
        return self.state.epoch + (self.state.batch / batches if batches else 0.0)

    def _steps_per_epoch(self) -> int | None:
        feed = self.training
        if feed.batches is None:
            return None
        batches = feed.batches - (1 if self.drop_single and feed.last == 1 else 0)
        return -(-batches // self.options.accumulate)

    def _random(self) -> dict[str, Any]:
        loader = [generator.get_state() for generator in self.training.generators()]
        return {**random_state(), "loader": loader}

    def _set_random(self, state: dict[str, Any]) -> None:
        set_random_state(state)
        for generator, kept in zip(self.training.generators(), state["loader"], strict=False):
            generator.set_state(kept)


def _watches_accuracy(state: TrainingState) -> bool:
    return state.rule.monitor == "validation_accuracy"
