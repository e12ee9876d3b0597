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
    """The root of every error that convkit raises on purpose.

    Examples:
        >>> from convkit import shapes
        >>> try:
        ...     shapes.conv_output(3, kernel_size=5)
        ... except ConvkitError as error:
        ...     print(type(error).__name__)
        ShapeError
    """


class ShapeError(ConvkitError, ValueError):
    """A size, kernel, stride, padding or dilation for which no output exists.

    Examples:
        >>> from convkit import shapes
        >>> shapes.linear_parameters(0, 10)
        Traceback (most recent call last):
        convkit.errors.ShapeError: in_features must be at least 1, got 0
    """


class ArchitectureError(ConvkitError, ValueError):
    """A row that does not fit into its network.

    Examples:
        >>> from convkit import Architecture
        >>> Architecture.parse("linear 10").summary((3, 8, 8))
        Traceback (most recent call last):
        convkit.errors.ArchitectureError: row 1 (linear), where 3x8x8 arrives: linear needs a ...
    """


class TableError(ArchitectureError):
    """A table of layers in which a cell could not be read.

    Examples:
        >>> from convkit import Architecture
        >>> Architecture.parse("konv 8 k3")
        Traceback (most recent call last):
        convkit.errors.TableError: row 1, 'konv 8 k3': unknown word 'konv'; the closest known ...
    """


class DataError(ConvkitError, ValueError):
    """Images, labels or splits that cannot be used.

    Examples:
        >>> from convkit import data
        >>> data.Preprocessing(channels=2)
        Traceback (most recent call last):
        convkit.errors.DataError: channels=2: images have 3 channels (RGB) or 1 (grey)
    """


class ImageError(DataError):
    """One file that is not a readable image.

    Examples:
        >>> issubclass(ImageError, DataError), issubclass(ImageError, ValueError)
        (True, True)
    """


class MetricError(ConvkitError, ValueError):
    """Predictions, scores or labels that cannot be measured.

    Examples:
        >>> from convkit import metrics
        >>> metrics.accuracy_interval(11, 10)
        Traceback (most recent call last):
        convkit.errors.MetricError: accuracy_interval needs whole numbers 0 <= correct <= total ...
    """


class FeatureError(ConvkitError, ValueError):
    """A layer, filter or feature map that does not exist or does not fit.

    Examples:
        >>> from torch import nn
        >>> from convkit import FilterFeatureExtractor
        >>> FilterFeatureExtractor(nn.Linear(2, 2))
        Traceback (most recent call last):
        convkit.errors.FeatureError: Linear has no nn.Conv2d or nn.ConvTranspose2d layer to ...
    """


class PlotError(ConvkitError, ValueError):
    """Values of which no picture can be drawn.

    Examples:
        >>> from convkit import plots
        >>> plots.bars({})
        Traceback (most recent call last):
        convkit.errors.PlotError: there is no number to draw
    """


class TrainingError(ConvkitError, RuntimeError):
    """Training that cannot begin or cannot go on.

    Examples:
        >>> from torch import nn
        >>> from convkit import Trainer
        >>> Trainer(nn.Linear(2, 2), precision="float8")
        Traceback (most recent call last):
        convkit.errors.TrainingError: precision is one of float32, bfloat16, float16, not 'float8'
    """


class RunError(TrainingError):
    """A run directory that cannot be used as asked.

    Examples:
        >>> from convkit import training
        >>> training.read_run("nowhere")
        Traceback (most recent call last):
        convkit.errors.RunError: nowhere holds no training: configuration.json is missing
    """


class CheckpointError(TrainingError):
    """A checkpoint that is damaged or does not fit the network or the training.

    Examples:
        >>> issubclass(CheckpointError, TrainingError), issubclass(CheckpointError, RuntimeError)
        (True, True)
    """


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
