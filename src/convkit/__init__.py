"""convkit: from a table of layers to a trained, measured and explained image CNN.

This is the door: each public name stands here once and is loaded when it is first used, so that
`import convkit` and `from convkit import shapes` load neither torch nor matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from convkit._version import __version__ as __version__

if TYPE_CHECKING:
    from convkit import (
        architecture,
        data,
        errors,
        features,
        metrics,
        plots,
        report,
        shapes,
        training,
    )
    from convkit.architecture import Architecture, build, summarize
    from convkit.features import FilterFeatureExtractor
    from convkit.training import EarlyStopping, History, Trainer

_ROOMS = (
    "architecture",
    "data",
    "errors",
    "features",
    "metrics",
    "plots",
    "report",
    "shapes",
    "training",
)
_NAMES = {
    "Architecture": "architecture",
    "build": "architecture",
    "summarize": "architecture",
    "FilterFeatureExtractor": "features",
    "EarlyStopping": "training",
    "History": "training",
    "Trainer": "training",
}

__all__ = [
    "Architecture",
    "EarlyStopping",
    "FilterFeatureExtractor",
    "History",
    "Trainer",
    "architecture",
    "build",
    "data",
    "errors",
    "features",
    "metrics",
    "plots",
    "report",
    "shapes",
    "summarize",
    "training",
]


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f"convkit.{name}")
    if name in _NAMES:
        value = getattr(import_module(f"convkit.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'convkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
