"""Whatever ends training: the best weights come back, and the history says why."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from convkit.errors import CheckpointError
from convkit.training._interrupt import Interrupt
from convkit.training._stop import Stop, StopReason

if TYPE_CHECKING:
    from convkit.training._fit import Fit

INTERRUPTED = Stop(StopReason.INTERRUPTED, "interrupted by Ctrl-C")


def run_to_its_end(fit: Fit) -> None:
    """Train; an error is raised again, Ctrl-C is an end like others.

    With several processes Ctrl-C is raised again too: the others wait for this one, so it has to
    end.
    """
    state = fit.state
    try:
        if state.history.stop is None:
            fit.run()
    except KeyboardInterrupt:
        Interrupt.taken += 1
        state.history.stop = INTERRUPTED
        if fit.processes.count > 1:
            raise
    except BaseException as error:
        if fit.interrupt.requested:  # the workers of a loader die of the same Ctrl-C
            state.history.stop = INTERRUPTED
        else:
            state.history.stop = Stop(StopReason.ERROR, f"{type(error).__name__}: {error}")
            raise
    finally:
        _leave(fit)


def _leave(fit: Fit) -> None:
    """Nothing here waits for another process."""
    state, directory = fit.state, fit.directory
    state.restore_best()
    fit.progress.end(state.history.stop)
    stop = state.history.stop
    if directory is not None and fit.processes.first and len(state.history):
        # A disk that is full was already told of: what ended training is what matters.
        failed = stop is not None and stop.reason == StopReason.ERROR
        with suppress(CheckpointError) if failed else nullcontext():
            directory.write_history(state.history)
    fit.tell("end")
