"""Everything that a training needs to go on: what a checkpoint holds."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from convkit.errors import CheckpointError
from convkit.training._history import History
from convkit.training._meter import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch.amp import GradScaler
    from torch.optim import Optimizer

    from convkit.training._average import WeightAverage
    from convkit.training._early_stopping import EarlyStopping
    from convkit.training._processes import Processes
    from convkit.training._schedules import Schedule, Scheduler

FORMAT = 1
_NUMBERS = ("epoch", "batch", "step", "returned", "seconds")
# What a parameter group says about its rate; schedulers compute from some of them.
_RATES = ("lr", "initial_lr", "max_lr", "min_lr")


class TrainingState:
    """A training at one moment, between two optimizer steps.

    Attributes:
        epoch: Epochs done.
        batch: Batches done of the present epoch.
        step: Optimizer steps done.
        seconds: Time spent training.
        rates: The learning rates that the optimizer began with.
        deciding: The settings that decide what is learned, by name.
        best: Weights and buffers of the best epoch; None before there is one.
        best_moments: The optimizer's moments of that epoch, where they are wanted.
        returned: Validations done at the last return to the best.
        random: The random states of all processes at this moment; None before training began.
        epoch_random: Those at which the present epoch began.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        schedule: Schedule,
        scaler: GradScaler,
        rule: EarlyStopping,
        average: WeightAverage | None = None,
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.scaler, self.rule, self.average = scaler, rule, average
        self.rates: list[float] = []
        self.deciding: dict[str, str] = {}
        self.history = History()
        self.meter = Meter()
        self.epoch, self.batch, self.step, self.returned = 0, 0, 0, 0
        self.seconds = 0.0
        self.best: dict[str, Any] | None = None
        self.best_moments: dict[Any, Any] | None = None
        self.random: list[dict[str, Any]] | None = None
        self.epoch_random: list[dict[str, Any]] | None = None

    @property
    def scheduler(self) -> Scheduler | None:
        """What changes the learning rates; None for rates that stay."""
        return self.schedule.scheduler

    def answering(self) -> AbstractContextManager[None]:
        """The weights that are validated and kept are in the network while inside."""
        return nullcontext() if self.average is None else self.average.in_place()

    def keep_best(self, *, with_moments: bool) -> None:
        """Copy the weights and buffers as they are now."""
        self.best = copied(dict(self.model.state_dict()))
        if with_moments:
            self.best_moments = copied(self.optimizer.state_dict()["state"])

    def restore_best(self) -> None:
        """Put the best weights and buffers back; without any, the averaged ones."""
        if self.best is not None:
            self.model.load_state_dict(self.best)
        elif self.average is not None and self.average.steps:
            self.average.give()

    def forget_best(self) -> None:
        """Let the last weights count, until there are better ones than none."""
        self.best, self.best_moments = None, None
        self.history.forget_best()
        self.rule.reset()

    def return_to_best(self, rate_factor: float) -> None:
        """Go back to the best weights and moments, with lower rates."""
        self.restore_best()
        if self.average is not None:
            self.average.go_on_from_network()
        if self.best_moments is not None:
            groups = self.optimizer.state_dict()["param_groups"]
            moments = copied(self.best_moments)
            self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
            lay_out_moments(self.optimizer)
        for group in self.optimizer.param_groups:
            group.update({name: group[name] * rate_factor for name in _RATES if name in group})
        if self.scheduler is not None and hasattr(self.scheduler, "base_lrs"):
            self.scheduler.base_lrs = [rate * rate_factor for rate in self.scheduler.base_lrs]
        self.returned = len(self.history)

    def state_dict(self, processes: Processes) -> dict[str, Any]:
        """All of it as plain values and tensors."""
        return {
            "format": FORMAT,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "rule": self.rule.state_dict(),
            "history": self.history.to_dict(),
            "meter": self.meter.state_dict(processes),
            "planned": self.schedule.steps,
            "deciding": self.deciding,
            "average": None if self.average is None else self.average.state_dict(),
            "best": self.best,
            "best_moments": self.best_moments,
            "random": self.random,
            "epoch_random": self.epoch_random,
            **{name: getattr(self, name) for name in _NUMBERS},
        }

    def load_state_dict(self, state: Mapping[str, Any], processes: Processes) -> None:
        """Go on from `state_dict()`.

        Raises:
            CheckpointError: When it belongs to another network, optimizer or scheduler.
        """
        if state.get("format") != FORMAT:
            raise CheckpointError(
                f"the checkpoint has format {state.get('format')!r}, this convkit reads {FORMAT}"
            )
        self._load_parts(state)
        self.rule.load_state_dict(state["rule"])
        self.history = History.from_dict(state["history"])
        self.meter.load_state_dict(state["meter"], processes)
        self.best, self.best_moments = state["best"], state["best_moments"]
        self.random, self.epoch_random = state["random"], state["epoch_random"]
        for name in _NUMBERS:
            setattr(self, name, state[name])

    def _load_parts(self, state: Mapping[str, Any]) -> None:
        self._check_parts(state)
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            lay_out_moments(self.optimizer)
            if self.scheduler is not None:
                self.scheduler.load_state_dict(state["scheduler"])
                # Steps of the optimizer before the cut count too, or torch warns of a wrong order
                # where the scheduler's first step is all that is left of an epoch.
                cast("Any", self.optimizer)._opt_called = state["step"] > 0
            if self.average is not None:
                self.average.load_state_dict(state["average"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"the checkpoint does not fit this network or optimizer: {error}"
            ) from error
        self.scaler.load_state_dict(state["scaler"])

    def _check_parts(self, state: Mapping[str, Any]) -> None:
        """Refuse a checkpoint of other settings."""
        parts = {
            "a scheduler": ("scheduler", self.scheduler),
            "averaged weights": ("average", self.average),
        }
        for what, (name, part) in parts.items():
            if (state.get(name) is None) != (part is None):
                had = "without" if state.get(name) is None else "with"
                raise CheckpointError(
                    f"the checkpoint was written {had} {what}: train on with the same settings"
                )
        planned = state.get("planned")
        if planned != self.schedule.steps:
            raise CheckpointError(
                f"the learning rate of the checkpoint is planned over {planned} steps, that of "
                f"this call over {self.schedule.steps}: go on with the same number of epochs and "
                "the same data, or train into another directory"
            )


def lay_out_moments(optimizer: Optimizer) -> None:
    """Give each moment the memory layout of its parameter.

    Fused kernels walk parameter and moments side by side through memory: loaded moments in another
    layout would be paired with the wrong weights, silently.
    """
    for parameter, moments in optimizer.state.items():
        for name, value in moments.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def copied(value: Any) -> Any:
    """A copy of nested plain values in which no tensor shares its memory."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(item) for item in value)
    return copy.deepcopy(value)


def portable(value: Any) -> Any:
    """The same nested values with every tensor dense, on the processor and of its own memory."""
    if isinstance(value, Tensor):
        dense = value.detach().cpu().contiguous()
        return dense.clone() if dense.untyped_storage().nbytes() != dense.nbytes else dense
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(portable(item) for item in value)
    return value
