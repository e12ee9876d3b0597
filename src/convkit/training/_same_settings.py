"""Does a call go on with the training that a checkpoint holds, or is it another one?"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from torch import Tensor

from convkit.errors import CheckpointError
from convkit.training._configuration import describe_call
from convkit.training._made_with import made_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convkit.training._configuration import Call
    from convkit.training._state import TrainingState
    from convkit.training._trainer import Trainer

# How an optimizer computes, not what: another machine may have it otherwise.
_KERNELS = {"fused", "foreach", "capturable", "differentiable"}
# Options of the machine, and of what is written when; the others decide what is learned.
_NOT_LEARNING = {
    "checkpoint_every_steps",
    "checkpoint_every_minutes",
    "channels_last",
    "flush_denormals",
    "pool_first",
    "compile",
}


def deciding(trainer: Trainer, state: TrainingState, call: Call) -> dict[str, str]:
    """Every setting that decides what is learned, by its name, as text.

    The stop rule, the number of epochs, the device and the precision are not among them: they may
    change where a training goes on.
    """
    said = describe_call(call)
    options, optimizer, loss = trainer.options, state.optimizer, trainer.settings.loss
    values = {
        "optimizer": type(optimizer).__name__,
        **{name: v for name, v in optimizer.defaults.items() if name not in _KERNELS},
        **state.schedule.settings,
        **made_with("loss", "cross-entropy" if loss is None else loss),
        **{f.name: getattr(options, f.name) for f in fields(options)},
        "seed": trainer.seed,
        "batch_size": said["batch_size"],
        "augment": said["augment"],
        **{f"images for {name}": each["samples"] for name, each in said["data"].items()},
    }
    return {name: _text(value) for name, value in values.items() if name not in _NOT_LEARNING}


def _text(value: object) -> str:
    """A setting as text; of a tensor its numbers alone, on whatever device and however many."""
    return str(value.tolist() if isinstance(value, Tensor) else value)


def check_same(kept: Mapping[str, str] | None, given: Mapping[str, str]) -> None:
    """Refuse to go on with other settings than a checkpoint was written with.

    Args:
        kept: Of the checkpoint; None when it does not say. What only one of both has is not
            compared: it came with another version, or belongs to another loss or scheduler.
        given: Of this call.

    Raises:
        CheckpointError: Naming every setting that differs.
    """
    differing = [name for name in given if kept and name in kept and kept[name] != given[name]]
    # Where the loss itself is another one, its settings are not told one by one.
    differing = [n for n in differing if "." not in n or n.split(".")[0] not in differing]
    if kept and differing:
        one, other = (
            " and ".join(f"{name} {values[name]}" for name in differing) for values in (kept, given)
        )
        raise CheckpointError(
            f"the checkpoint was written with {one}, this call has {other}: go on with the same "
            "settings, or train into another directory"
        )
