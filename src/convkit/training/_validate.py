"""What happens at a validation: measure, write the row, ask the rule, keep the best."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING

from torch.optim.lr_scheduler import ReduceLROnPlateau

from convkit.training._measure import measure
from convkit.training._meter import NOTHING

if TYPE_CHECKING:
    from convkit.training._directory import RunDirectory
    from convkit.training._feed import Feed
    from convkit.training._loss import Objective
    from convkit.training._meter import Means
    from convkit.training._options import BackToBest
    from convkit.training._place import Place
    from convkit.training._progress import Progress
    from convkit.training._schedules import Beat
    from convkit.training._state import TrainingState
    from convkit.training._stop import Decision


@dataclass(slots=True)
class Clock:
    """Seconds of training, interruptions not counted.

    Args:
        state: Whose seconds are counted.
    """

    state: TrainingState
    _last: float = field(default_factory=time.perf_counter, init=False)

    def tick(self) -> None:
        """Add the time since the last tick."""
        now = time.perf_counter()
        self.state.seconds += now - self._last
        self._last = now


@dataclass(slots=True)
class Validator:
    """Validates between two optimizer steps.

    Args:
        state: The training; its history, rule and best weights change.
        feed: What to validate on; None to go without.
        objective: The loss.
        place: Where it runs.
        beat: When the scheduler steps.
        back_to_best: When to go back to the best weights.
        directory: Where the best weights go.
        clock: Counts the seconds.
        progress: Told of each row.
    """

    state: TrainingState
    feed: Feed | None
    objective: Objective
    place: Place
    beat: Beat
    back_to_best: BackToBest | None
    directory: RunDirectory | None
    clock: Clock
    progress: Progress

    def validate(self, epoch: float) -> tuple[bool, Decision | None]:
        """Add a row to the history, and decide.

        Args:
            epoch: Epochs done, with the fraction of the present one.

        Returns:
            Whether there is a new row (not when no step was taken since the last), and what the
            rule says to it.
        """
        state = self.state
        state.history.step_losses += state.meter.settle(self.place.processes)
        training = state.meter.means(self.place.processes)
        if not training.samples:
            return False, None
        state.meter.reset()
        accuracy = state.rule.monitor == "validation_accuracy"
        with state.answering():
            validation = self._measure()
            self.clock.tick()
            watched = validation.accuracy if accuracy else validation.loss
            decision = None if self.feed is None else state.rule.update(watched)
            smoothed = decision.smoothed if decision and not accuracy else nan
            self._add_row(epoch, training, validation, smoothed, decision)
            if decision is not None and decision.improved:
                self._keep_best()
        self._step_scheduler(training.loss if decision is None else watched)
        return True, decision

    def _measure(self) -> Means:
        model = self.state.model
        self.place.processes.share_buffers(model)
        if self.feed is None:
            return NOTHING
        means = measure(model, self.feed, self.objective, self.place)
        model.train()
        return means

    def _add_row(
        self,
        epoch: float,
        training: Means,
        validation: Means,
        smoothed: float,
        decision: Decision | None,
    ) -> None:
        state = self.state
        state.history.append(
            best=None if decision is None else decision.improved,
            epoch=epoch,
            step=state.step,
            training_loss=training.loss,
            training_accuracy=training.accuracy,
            validation_loss=validation.loss,
            validation_accuracy=validation.accuracy,
            smoothed_validation_loss=smoothed,
            learning_rate=float(state.optimizer.param_groups[0]["lr"]),
            seconds=state.seconds,
        )
        self.progress.row(state.history.row(-1))

    def _keep_best(self) -> None:
        state = self.state
        state.keep_best(with_moments=self.back_to_best is not None)
        if self.directory is not None and state.best is not None:
            best, directory = state.best, self.directory
            self.place.processes.done_by_first(lambda: directory.write_best(best))

    def _step_scheduler(self, watched: float) -> None:
        scheduler = self.state.scheduler
        if scheduler is None or self.beat != "validation":
            return
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(watched)
        else:
            scheduler.step()

    def return_when_stuck(self) -> bool:
        """Go back to the best weights when that is due; whether it was."""
        rule, state = self.back_to_best, self.state
        if rule is None or state.history.best_row is None:
            return False
        since = len(state.history) - max(state.returned, state.history.best_row + 1)
        if since < rule.after:
            return False
        state.return_to_best(rule.rate_factor)
        self.progress.notice(
            f"no improvement in {since} validations: back to the weights of epoch "
            f"{state.history.best_epoch:.4g}"
        )
        return True
