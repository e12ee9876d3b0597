"""What can go wrong, as one tree.

Every error that convkit raises on purpose is a `ConvkitError` and also the built-in kind that
fits, so `except ValueError` keeps working:

    ConvkitError
    ├── ShapeError            (ValueError)    a size that cannot be, in `convkit.shapes`
    ├── ArchitectureError     (ValueError)    a row that does not fit its network
    │   └── TableError        (ValueError)    a cell that could not be read
    ├── DataError             (ValueError)    images, labels or splits that cannot be used
    │   └── ImageError        (ValueError)    one file that is not a readable image
    ├── MetricError           (ValueError)    predictions or labels that cannot be measured
    ├── FeatureError          (ValueError)    a layer, filter or map that does not exist
    ├── PlotError             (ValueError)    values of which no picture can be drawn
    ├── TrainingError         (RuntimeError)  training that cannot begin or go on
    │   ├── RunError          (RuntimeError)  a run directory that cannot be used
    │   └── CheckpointError   (RuntimeError)  a checkpoint that is damaged or does not fit
    └── MissingExtraError     (ImportError)   a feature whose optional package is not installed

A message says where, what was received, and the smallest change that would mend it.
"""


class ConvkitError(Exception):
    """The root of every error that convkit raises on purpose."""


class ShapeError(ConvkitError, ValueError):
    """A size, kernel, stride, padding or dilation for which no output exists."""


class ArchitectureError(ConvkitError, ValueError):
    """A row that does not fit into its network."""


class TableError(ArchitectureError):
    """A table of layers in which a cell could not be read."""


class DataError(ConvkitError, ValueError):
    """Images, labels or splits that cannot be used."""


class ImageError(DataError):
    """One file that is not a readable image."""


class MetricError(ConvkitError, ValueError):
    """Predictions, scores or labels that cannot be measured."""


class FeatureError(ConvkitError, ValueError):
    """A layer, filter or feature map that does not exist or does not fit."""


class PlotError(ConvkitError, ValueError):
    """Values of which no picture can be drawn."""


class TrainingError(ConvkitError, RuntimeError):
    """Training that cannot begin or cannot go on."""


class RunError(TrainingError):
    """A run directory that cannot be used as asked."""


class CheckpointError(TrainingError):
    """A checkpoint that is damaged or does not fit the network or the training."""


class MissingExtraError(ConvkitError, ImportError):
    """A feature whose optional package is not installed.

    Args:
        feature: What was asked for, such as `"TensorBoard logging"`.
        package: The package that is missing.
        extra: The extra of convkit that brings it.

    Examples:
        >>> print(MissingExtraError("TensorBoard logging", "tensorboard", "tensorboard"))
        TensorBoard logging needs the package tensorboard: pip install "<convkit>[tensorboard]"
    """

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f'{feature} needs the package {package}: pip install "<convkit>[{extra}]"',
            name=package,
        )
