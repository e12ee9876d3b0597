"""How does training go? One call of `Trainer.fit`, read from top to bottom."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from convkit.errors import TrainingError
from convkit.training._callbacks import Event
from convkit.training._random import random_state, seed_everything, set_random_state
from convkit.training._stop import Decision, Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convkit.training._callbacks import What
    from convkit.training._directory import RunDirectory
    from convkit.training._feed import Batch, Feed
    from convkit.training._interrupt import Interrupt
    from convkit.training._options import TrainingOptions
    from convkit.training._processes import Processes
    from convkit.training._progress import Progress
    from convkit.training._state import TrainingState
    from convkit.training._step import Stepper
    from convkit.training._validate import Validator

# Time and Ctrl-C differ from process to process; they look at each other's every so many steps.
_AGREE_EVERY = 32
# At the end of an epoch no more than this share of the time goes into checkpoints; those that take
# less than so many seconds are always written.
_SHARE_FOR_CHECKPOINTS, _CHEAP = 0.1, 1.0


@dataclass(slots=True)
class Fit:
    """One call of `Trainer.fit`: epochs of steps, validations between them, one decision each.

    Args:
        trainer: Handed to the callbacks.
        state: The training so far; changed in place.
        feed: The batches to learn from.
        epochs: How many epochs there shall be in all.
        stepper: Takes the optimizer steps.
        validator: Validates between them.
        options: The rarely changed settings.
        directory: Where checkpoints go; None for nowhere.
        progress: Told what happens.
        callbacks: Told what happens.
        interrupt: Set by Ctrl-C.
    """

    trainer: Any
    state: TrainingState
    feed: Feed
    epochs: int
    stepper: Stepper
    validator: Validator
    options: TrainingOptions
    directory: RunDirectory | None
    progress: Progress
    callbacks: tuple[Callable[[Event], None], ...]
    interrupt: Interrupt
    _saved_at: float = field(default_factory=time.perf_counter, init=False)
    _save_took: float = field(default=0.0, init=False)
    _noticed: bool = field(default=False, init=False)

    @property
    def processes(self) -> Processes:
        """Those that train together."""
        return self.stepper.place.processes

    def run(self) -> Stop:
        """Train until the last epoch, or until the rule, a callback or Ctrl-C ends it."""
        state = self.state
        self.progress.begin(self._epochs_done(), self.epochs, self._steps_per_epoch())
        if state.random is not None:
            self._set_random(state.random)
        state.model.train()
        stop = self.tell("begin")
        while stop is None and state.epoch < self.epochs:
            stop = self._train_epoch()
        stop = stop or Stop(StopReason.LAST_EPOCH, f"all {self.epochs} epochs are done")
        state.history.stop = stop
        self._save()
        return stop

    def _train_epoch(self) -> Stop | None:
        for group in self._groups():
            self.stepper.take(group)
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
        source = self.feed.epoch(state.epoch, state.batch)
        if resumed and state.random is not None:
            self._set_random(state.random)
        while group := list(islice(source, self.options.accumulate)):
            state.batch += len(group)
            if group[-1].total < self.feed.least:
                group = self._without_single(group)
            if group:
                yield group

    def _without_single(self, group: list[Batch]) -> list[Batch]:
        if not self._noticed:
            self._noticed = True
            self.progress.notice(
                "a last batch of one sample is left out of training: batch norm needs two"
            )
        return [batch for batch in group if batch.total >= self.feed.least]

    def _after_step(self) -> Stop | None:
        """What is due between two steps of an epoch."""
        state = self.state
        if self.validator.beat == "step" and state.scheduler is not None:
            state.scheduler.step()
        if self.interrupt.requested:
            return Stop(StopReason.INTERRUPTED, "interrupted by Ctrl-C")
        if state.step % _AGREE_EVERY == 0:
            self.progress.steps(_AGREE_EVERY)
        stop = self._validate(self._epochs_done()) if self._validation_is_due() else None
        if stop is None and self._checkpoint_is_due():
            self._save()
        return stop

    def _end_epoch(self) -> Stop | None:
        state = self.state
        if not state.step:
            raise TrainingError(
                "the first epoch had no batch to learn from: the training set is empty, or its "
                "only batch holds one sample, and batch norm needs two"
            )
        if not state.batch:
            raise TrainingError(
                f"epoch {state.epoch + 1} had no batch to learn from: the loader gives its batches "
                "only once"
            )
        stop = None
        done, period = state.epoch + 1, self.options.epochs_per_validation
        if self.options.validate_every is None and (done % period == 0 or done == self.epochs):
            stop = self._validate(float(done))
        if self.validator.beat == "epoch" and state.scheduler is not None:
            state.scheduler.step()
        state.epoch, state.batch = state.epoch + 1, 0
        asked = self.tell("epoch")
        stop = stop or asked
        if stop is None and state.epoch < self.epochs:
            self._save_if_cheap()
        return stop

    def _validation_is_due(self) -> bool:
        options = self.options
        if options.validate_every is not None:
            return self.state.step % options.validate_every == 0
        if options.validations_per_epoch == 1:
            return False
        if self.feed.batches is None:
            raise TrainingError(
                "validations_per_epoch needs a loader that knows its length: "
                "use validate_every=, in steps"
            )
        # The k-th of n validations comes after floor(k * steps / n) steps, the last at the end.
        steps = self._steps_per_epoch() or 0
        done = -(-self.state.batch // options.accumulate)
        parts = options.validations_per_epoch
        return any(done == k * steps // parts for k in range(1, parts)) and done < steps

    def _validate(self, epoch: float) -> Stop | None:
        fresh, decision = self.validator.validate(epoch)
        if not fresh:
            return None
        stop = self.tell("validation", decision)
        if decision is not None and decision.should_stop:
            return decision.stop
        if self.validator.return_when_stuck():
            self.tell("back_to_best")
        return stop

    def tell(self, what: What, decision: Decision | None = None) -> Stop | None:
        """Tell the callbacks; one of them, in the first process, may ask for the end."""
        if not self.callbacks:
            return None
        state, processes = self.state, self.processes
        event = Event(
            what,
            self.trainer,
            state.history,
            self._epochs_done(),
            state.step,
            decision,
            first_process=processes.first,
        )
        for callback in self.callbacks:
            callback(event)
        if what in {"back_to_best", "checkpoint", "end"}:
            return None
        asked = processes.of_first(event.stop)
        return None if asked is None else Stop(StopReason.CALLBACK, asked)

    def _checkpoint_is_due(self) -> bool:
        options, step = self.options, self.state.step
        if options.checkpoint_every_steps and not step % options.checkpoint_every_steps:
            return True
        if options.checkpoint_every_minutes is None or self.directory is None:
            return False
        due = time.perf_counter() - self._saved_at >= 60 * options.checkpoint_every_minutes
        processes = self.processes
        if processes.count == 1:
            return due
        return processes.of_first(due) if step % _AGREE_EVERY == 0 else False

    def _save(self) -> None:
        """Write history and checkpoint, when there is a directory."""
        state, processes = self.state, self.processes
        state.history.step_losses += state.meter.settle(processes)
        self.validator.clock.tick()
        state.random = self._random()
        began = time.perf_counter()
        if self.directory is not None:
            directory, content = self.directory, state.state_dict(processes)
            processes.done_by_first(lambda: directory.save(state.history, content))
            self.tell("checkpoint")
        self._saved_at = time.perf_counter()
        self._save_took = self._saved_at - began

    def _save_if_cheap(self) -> None:
        """Write a checkpoint, or the history alone where checkpoints would take too much time.

        A large network takes seconds to reach the disk, and a small data set may be through in as
        many: then not every epoch ends with a checkpoint. However training ends, it writes one.
        """
        state, processes, directory = self.state, self.processes, self.directory
        since = time.perf_counter() - self._saved_at
        cheap = self._save_took < max(_CHEAP, _SHARE_FOR_CHECKPOINTS * since)
        if directory is None or processes.of_first(cheap):
            self._save()
        else:
            processes.done_by_first(lambda: directory.write_history(state.history))

    def _epochs_done(self) -> float:
        batches = self.feed.batches
        return self.state.epoch + (self.state.batch / batches if batches else 0.0)

    def _steps_per_epoch(self) -> int | None:
        return self.feed.steps(self.options.accumulate)

    def _random(self) -> list[dict[str, Any]]:
        """The random states of all processes."""
        loader = [generator.get_state() for generator in self.feed.generators()]
        return self.processes.gathered({**random_state(), "loader": loader})

    def _set_random(self, states: list[dict[str, Any]]) -> None:
        rank = self.processes.rank
        if rank >= len(states):  # more processes than wrote the checkpoint
            seed_everything(self.state.step + rank)
            return
        set_random_state(states[rank])
        for generator, kept in zip(self.feed.generators(), states[rank]["loader"], strict=False):
            generator.set_state(kept)
