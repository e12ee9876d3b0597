"""How does a saved network come back?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from convkit.architecture import Architecture
from convkit.errors import CheckpointError, RunError, TrainingError
from convkit.training._checkpoint import read_tensors
from convkit.training._directory import BEST, LAST, PREVIOUS
from convkit.training._options import TrainingOptions

if TYPE_CHECKING:
    from torch import Tensor, nn

    from convkit.training._loss import LossFunction
    from convkit.training._run import Run


def rebuilt(run: Run) -> nn.Module:
    """The network of a run that was built from a table.

    Raises:
        RunError: When it was not.
    """
    written = run.configuration
    if written["architecture"] is None:
        raise RunError(
            f"{run.directory} holds a {written['network']} that no table builds as it is: "
            "give one like it, Trainer.load(directory, model=...)"
        )
    model: nn.Module = Architecture.parse(written["architecture"]).build(
        tuple(written["input_shape"])
    )
    return model


def load_weights(model: nn.Module, run: Run) -> None:
    """Put the weights of a run into a network.

    Raises:
        CheckpointError: When they are damaged, missing or do not fit.
    """
    weights = weights_of(run)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(
            f"the weights in {run.directory} do not fit this network: {error}"
        ) from error


def weights_of(run: Run) -> dict[str, Tensor]:
    """The best weights of a run; where there are none, those of the last checkpoint.

    Raises:
        CheckpointError: When they are damaged or missing.
    """
    best = run.directory / BEST
    weights: dict[str, Tensor] = read_tensors(best) if best.exists() else _last_weights(run)
    return weights


def _last_weights(run: Run) -> dict[str, Tensor]:
    for name in (LAST, PREVIOUS):
        path = run.directory / name
        if path.exists():
            state = read_tensors(path)
            average = state.get("average")
            return {**state["model"], **(average["weights"] if average else {})}
    raise CheckpointError(f"{run.directory} holds no weights: its training never began")


def loss_of(written: dict[str, Any]) -> tuple[LossFunction | None, TrainingOptions]:
    """The loss of a training and its options, from the configuration.

    A function of the user's own is not kept: one that says so stands in its place.
    """
    kept = written.get("loss") or {}
    options = TrainingOptions(
        class_weights=kept.get("class_weights"), label_smoothing=kept.get("label_smoothing", 0.0)
    )
    name = kept.get("function")
    return (None if name is None else _not_kept(name)), options


def _not_kept(name: str) -> LossFunction:
    def refuse(*_: object) -> NoReturn:
        raise TrainingError(
            f"the network was trained with loss={name}, a function that no run keeps: give it "
            "again, Trainer.load(directory, loss=...)"
        )

    return refuse
