"""Training that stops itself: Trainer, early stopping on a smoothed curve, histories, runs.

The names are loaded when they are first used: the stop rules and histories are plain Python and
load no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convkit.training import search, transfer
    from convkit.training._callbacks import Callback, Event, TensorBoard
    from convkit.training._early_stopping import EarlyStopping
    from convkit.training._evaluation import Evaluation
    from convkit.training._export import export
    from convkit.training._exported import Agreement, ExportedNetwork
    from convkit.training._flatness import Flatness
    from convkit.training._history import History
    from convkit.training._learning_rate import find_learning_rate
    from convkit.training._measure_epochs import MeasureEpochs
    from convkit.training._muon import Muon
    from convkit.training._options import BackToBest, TrainingOptions
    from convkit.training._overfit import overfit_batch
    from convkit.training._overfit_check import OverfitCheck
    from convkit.training._overfit_layers import LayerCheck
    from convkit.training._predictions import Predictions
    from convkit.training._rate_curve import RateCurve
    from convkit.training._replay import Replay, ReplayRow
    from convkit.training._run import Run, read_run
    from convkit.training._smoothing import Smoothing
    from convkit.training._stop import Decision, Stop, StopReason
    from convkit.training._trainer import Trainer

_SUBMODULES = ("search", "transfer")
_NAMES = {
    "Agreement": "_exported",
    "BackToBest": "_options",
    "Callback": "_callbacks",
    "Decision": "_stop",
    "EarlyStopping": "_early_stopping",
    "Evaluation": "_evaluation",
    "Event": "_callbacks",
    "ExportedNetwork": "_exported",
    "Flatness": "_flatness",
    "History": "_history",
    "LayerCheck": "_overfit_layers",
    "MeasureEpochs": "_measure_epochs",
    "Muon": "_muon",
    "OverfitCheck": "_overfit_check",
    "Predictions": "_predictions",
    "RateCurve": "_rate_curve",
    "Replay": "_replay",
    "ReplayRow": "_replay",
    "Run": "_run",
    "Smoothing": "_smoothing",
    "Stop": "_stop",
    "StopReason": "_stop",
    "TensorBoard": "_callbacks",
    "Trainer": "_trainer",
    "TrainingOptions": "_options",
    "export": "_export",
    "find_learning_rate": "_learning_rate",
    "overfit_batch": "_overfit",
    "read_run": "_run",
}

__all__ = [
    "Agreement",
    "BackToBest",
    "Callback",
    "Decision",
    "EarlyStopping",
    "Evaluation",
    "Event",
    "ExportedNetwork",
    "Flatness",
    "History",
    "LayerCheck",
    "MeasureEpochs",
    "Muon",
    "OverfitCheck",
    "Predictions",
    "RateCurve",
    "Replay",
    "ReplayRow",
    "Run",
    "Smoothing",
    "Stop",
    "StopReason",
    "TensorBoard",
    "Trainer",
    "TrainingOptions",
    "export",
    "find_learning_rate",
    "overfit_batch",
    "read_run",
    "search",
    "transfer",
]


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return import_module(f"convkit.training.{name}")
    if name not in _NAMES:
        raise AttributeError(f"module 'convkit.training' has no attribute {name!r}")
    value = getattr(import_module(f"convkit.training.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
