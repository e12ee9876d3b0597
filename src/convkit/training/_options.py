"""Settings of a training that most trainings leave alone."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Literal

from torch.optim import Optimizer

from convkit.errors import TrainingError
from convkit.training._early_stopping import EarlyStopping
from convkit.training._given import is_number, is_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from convkit.training._loss import LossFunction
    from convkit.training._optimizers import OptimizerLike
    from convkit.training._schedules import SchedulerLike


@dataclass(frozen=True, slots=True)
class Settings:
    """How a network learns, as it was given to the `Trainer`.

    Args:
        optimizer: By name, by function, or itself.
        rates: Learning rate and the like, for an optimizer by name.
        scheduler: By name, by function, or itself.
        loss: A function; None for cross-entropy.
    """

    optimizer: OptimizerLike
    rates: dict[str, float | None]
    scheduler: SchedulerLike | None
    loss: LossFunction | None

    def __post_init__(self) -> None:
        optimizer: object = self.optimizer
        if not isinstance(optimizer, str | Optimizer) and not callable(optimizer):
            raise TrainingError(
                f"optimizer={optimizer!r} is none: give a name such as 'adamw', an optimizer, or "
                "a function of the parameters"
            )
        for name, rate in self.rates.items():
            if rate is not None and not is_number(rate):
                raise TrainingError(f"{name} is a number, not {rate!r}")
        if self.loss is not None and not callable(self.loss):
            raise TrainingError(
                f"loss={self.loss!r} is no function: give one of outputs and targets, such as "
                "torch.nn.MSELoss()"
            )


@dataclass(frozen=True, slots=True)
class BackToBest:
    """After so many validations without improvement, go back to the best weights and go on.

    The optimizer's moments of the best epoch come back too; its learning rates stay as they are.

    Args:
        after: Validations since the best epoch, or since the last return.
        rate_factor: What the learning rates are multiplied by at each return.

    Examples:
        >>> from convkit.training import TrainingOptions
        >>> TrainingOptions(back_to_best=BackToBest(after=3, rate_factor=0.5)).back_to_best.after
        3
    """

    after: int = 5
    _: KW_ONLY
    rate_factor: float = 1.0

    def __post_init__(self) -> None:
        if not is_whole(self.after, 1):
            raise TrainingError(f"after is a whole number from 1 on, not {self.after!r}")
        if not is_number(self.rate_factor) or not 0 < self.rate_factor <= 1:
            raise TrainingError(f"rate_factor lies above 0 and up to 1, not {self.rate_factor!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """Settings of a `Trainer` that most trainings leave alone.

    Args:
        class_weights: A weight for each class in the loss, (C,), or `"balanced"` for the inverse of
            the class's share in the training labels.
        label_smoothing: The share of the target that is spread over all classes.
        clip_norm: The greatest norm of the whole gradient; longer ones are shortened to it.
        accumulate: Batches whose gradients make one optimizer step, weighted by their samples.
        validate_every: Validate every so many optimizer steps, counted through the epochs, and
            not at their ends.
        validations_per_epoch: Or so many times in each epoch, evenly spread, the last at its end.
        epochs_per_validation: Or only at the end of every so many epochs, and of the last.
        scheduler_per: When the scheduler steps; None means each step for `OneCycleLR`, `CyclicLR`
            and those planned over all steps, each validation for `ReduceLROnPlateau`, each epoch
            for all others.
        back_to_best: When to go back to the best weights and go on.
        average_weights: Validate, keep and give back an exponential mean of the weights over the
            steps instead of the weights themselves; the number is the weight of the past, such as
            0.999. Buffers such as the statistics of batch norm are averaged too.
        checkpoint_every_steps: Write a checkpoint within the epoch too, every so many steps.
        checkpoint_every_minutes: Or when so many minutes have passed since the last.
        channels_last: Lay images out as (N, H, W, C) in memory; None does so where it pays.
        flush_denormals: Take numbers below 1e-38 as zero while training: they change no result
            that can be measured, and cost a CPU many times as much.
        pool_first: Where max-pooling follows ReLU in an `nn.Sequential`, pool first while training:
            the same results bit for bit, with fewer operations. The network itself stays as it is.
        compile: Compile the network with `torch.compile` first.

    Raises:
        TrainingError: When a number cannot be.

    Examples:
        >>> options = TrainingOptions(clip_norm=1.0, accumulate=2, class_weights="balanced")
        >>> options.accumulate, options.validate_every
        (2, None)
    """

    class_weights: Tensor | Sequence[float] | Literal["balanced"] | None = None
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    accumulate: int = 1
    validate_every: int | None = None
    validations_per_epoch: int = 1
    epochs_per_validation: int = 1
    scheduler_per: Literal["epoch", "step", "validation"] | None = None
    back_to_best: BackToBest | None = None
    average_weights: float | None = None
    checkpoint_every_steps: int | None = None
    checkpoint_every_minutes: float | None = None
    channels_last: bool | None = None
    flush_denormals: bool = True
    pool_first: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        usual = {"validate_every": None, "validations_per_epoch": 1, "epochs_per_validation": 1}
        for name in ("accumulate", *usual):
            value = getattr(self, name)
            if not is_whole(value, 1) and not (value is None and name == "validate_every"):
                raise TrainingError(f"{name} is a whole number from 1 on, not {value!r}")
        given = [name for name, value in usual.items() if getattr(self, name) != value]
        if len(given) > 1:
            raise TrainingError(
                f"{' and '.join(given)} both say when to validate: give one of them"
            )
        steps = self.checkpoint_every_steps
        if steps is not None and not is_whole(steps, 1):
            raise TrainingError(
                f"checkpoint_every_steps is a whole number from 1 on, not {steps!r}"
            )
        for name in ("clip_norm", "checkpoint_every_minutes"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and value > 0):
                raise TrainingError(f"{name} is above 0, not {value!r}")
        for name in ("label_smoothing", "average_weights"):
            value = getattr(self, name)
            if value is None and name == "average_weights":
                continue
            if not is_number(value) or not 0 <= value < 1:
                raise TrainingError(f"{name} lies from 0 to below 1, not {value!r}")
        if self.back_to_best is not None and not isinstance(self.back_to_best, BackToBest):
            raise TrainingError(
                f"back_to_best={self.back_to_best!r} is no rule: write BackToBest(after=5)"
            )
        if self.scheduler_per not in {None, "epoch", "step", "validation"}:
            raise TrainingError(
                f"scheduler_per is 'epoch', 'step' or 'validation', not {self.scheduler_per!r}"
            )


def check_kinds(early_stopping: object, callbacks: object, options: object) -> None:
    """Refuse what is easily given in place of a rule, a list of callbacks and the options.

    Raises:
        TrainingError: Saying what to write instead.
    """
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        raise TrainingError(
            f"early_stopping={early_stopping!r} is no rule: write EarlyStopping(patience=5)"
        )
    if callable(callbacks):
        raise TrainingError("callbacks is a list of functions: write callbacks=[...]")
    if options is not None and not isinstance(options, TrainingOptions):
        raise TrainingError(
            f"options is a {type(options).__name__}: write TrainingOptions(accumulate=2), say"
        )
