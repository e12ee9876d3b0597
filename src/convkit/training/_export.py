"""How does a trained network leave Python? As one ONNX or `torch.export` file."""

from __future__ import annotations

import copy
import importlib.util
import io
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor, nn

from convkit.architecture import Architecture, summarize
from convkit.errors import ArchitectureError, ConvkitError, MissingExtraError, TrainingError
from convkit.training._built_table import table_text
from convkit.training._checkpoint import written
from convkit.training._configuration import names_of_outputs
from convkit.training._export_notes import ExportNotes, Outputs
from convkit.training._exported import ExportedNetwork
from convkit.training._random import random_state_kept
from convkit.training._trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from convkit.data import Preprocessing

_LARGEST_ONNX = 2**31 - 1  # bytes of one protocol buffer
_EXAMPLES = 2  # images that the network is followed with; one would be taken for "always one"


def export(
    source: Trainer | str | PathLike[str],
    path: str | PathLike[str],
    *,
    preprocessing: Preprocessing | None = None,
    outputs: Outputs = "probabilities",
) -> ExportedNetwork:
    """Write a trained network into one file that runs without convkit.

    The file takes uint8 images (N, C, H, W) of any count N, at the size of the training, and
    normalises them itself. Decoding and resizing stay outside, since no graph resizes as Pillow
    does: `preprocessing.load` of the result prepares files. Class names, preprocessing, the table
    of layers and what the outputs are stand in the file: as `metadata_props` of ONNX, as
    `extra_files` of `torch.export`.

    The network is in evaluation mode there, in float32, on the processor; the trainer's own is
    left as it is.

    Args:
        source: A trainer, or the directory of a run whose network was built from a table; of
            another network give `Trainer.load(directory, model=...)`.
        path: `NAME.onnx` for ONNX, which needs the extra `onnx`, or `NAME.pt2` for
            `torch.export`; replaced whole.
        preprocessing: Size and normalisation of the images, where the training did not learn them
            from an image set.
        outputs: `"probabilities"`, the softmax of the network's outputs, or `"logits"`, the
            outputs as they are.

    Returns:
        The network of the file, read back: it can be called, and checked against the trainer.

    Raises:
        TrainingError: When the ending, the preprocessing or the size is missing, or torch cannot
            follow the network.
        RunError: When the directory holds no run, or one that was not built from a table.
        CheckpointError: When the file cannot be written.
        MissingExtraError: When the extra `onnx` is not installed.

    Examples:
        >>> import torch, convkit
        >>> from convkit import data, training
        >>> model = convkit.build("conv 4 k3 relu, maxpool 2, flatten, linear 2", (3, 8, 8))
        >>> trainer = training.Trainer(model, class_names=("cat", "dog"))
        >>> network = training.export(trainer, "pets.pt2", preprocessing=data.Preprocessing(8))
        >>> network(torch.zeros(5, 3, 8, 8, dtype=torch.uint8)).shape
        torch.Size([5, 2])
        >>> network.class_names, network.outputs
        (('cat', 'dog'), 'probabilities')
    """
    target = Path(path)
    if target.suffix not in _WRITERS:
        raise TrainingError(
            f"{target.name} has no ending that says what to write: NAME.onnx or NAME.pt2"
        )
    if outputs not in get_args(Outputs):
        raise TrainingError(f"outputs is 'probabilities' or 'logits', not {outputs!r}")
    if target.suffix == ".onnx":
        _require_onnx()
    trainer = source if isinstance(source, Trainer) else Trainer.load(source, device="cpu")
    images = _prepared(trainer, preprocessing)
    network = _Deployed(trainer.model, images, outputs).cpu().eval()
    example = torch.zeros(_EXAMPLES, *_shape(images), dtype=torch.uint8)
    with random_state_kept(), torch.no_grad(), _followed(network):
        names = _class_names(trainer, network(example))
        notes = ExportNotes(names, images, outputs, **_tables(network.model, _shape(images)))
        content = _WRITERS[target.suffix](network, example, notes)
    written(target, content)
    return ExportedNetwork.load(target, trusted=True)


class _Deployed(nn.Module):
    """A copy of a network between pixels and answers."""

    scale: Tensor
    shift: Tensor

    def __init__(self, model: nn.Module, preprocessing: Preprocessing, outputs: Outputs) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        self.probabilities = outputs == "probabilities"
        scale, shift = preprocessing.scale_and_shift()
        self.register_buffer("scale", scale.float())
        self.register_buffer("shift", shift.float())

    def forward(self, images: Tensor) -> Tensor:
        """From uint8 (N, C, H, W) to float32 (N, classes)."""
        outputs: Tensor = self.model(images.to(torch.float32) * self.scale + self.shift)
        return outputs.softmax(1) if self.probabilities else outputs


def _prepared(trainer: Trainer, preprocessing: Preprocessing | None) -> Preprocessing:
    """The preprocessing with the exact size of the images."""
    preprocessing = preprocessing or trainer.preprocessing
    if preprocessing is None:
        raise TrainingError(
            "how the training images were prepared is unknown: say it, "
            "export(..., preprocessing=convkit.data.Preprocessing(size, mean=..., std=...))"
        )
    if preprocessing.size is None:
        shape = getattr(trainer.model, "convkit_input_shape", None)
        if shape is None:
            raise TrainingError(
                "the size of the images is unknown: say it, "
                "export(..., preprocessing=convkit.data.Preprocessing(size, mean=..., std=...))"
            )
        preprocessing = replace(preprocessing, size=tuple(shape[1:]))
    return preprocessing


def _shape(preprocessing: Preprocessing) -> tuple[int, int, int]:
    """Of one image."""
    size = preprocessing.size
    height, width = size if isinstance(size, tuple) else (size, size)
    return (preprocessing.channels, int(height or 0), int(width or 0))


@contextmanager
def _followed(network: _Deployed) -> Iterator[None]:
    """Torch follows the network: it warns of its own insides, and its errors are many."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except TrainingError:
        raise
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        name = type(network.model).__name__
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TrainingError(f"this {name} cannot be exported: {reason}") from error


def _class_names(trainer: Trainer, answers: Any) -> tuple[str, ...]:
    """A name for each column of the answers."""
    if not isinstance(answers, Tensor) or answers.ndim != 2 or len(answers) != _EXAMPLES:
        shape = tuple(answers.shape) if isinstance(answers, Tensor) else type(answers).__name__
        raise TrainingError(
            f"the network answers {_EXAMPLES} images with {shape}: "
            "one is exported that answers N images with (N, classes)"
        )
    return names_of_outputs(trainer.class_names, answers.shape[1])


def _tables(model: nn.Module, shape: tuple[int, int, int]) -> dict[str, str]:
    """The table that builds the network, and the table of its layers with their counts."""
    try:
        text = table_text(model, shape) or Architecture.from_module(model).to_text()
    except ArchitectureError:  # it branches in a way that no table says
        text = ""
    try:
        table = summarize(model, shape).to_markdown()
    except (ConvkitError, RuntimeError):  # it cannot be summed up, but it runs
        table = ""
    return {"architecture": text, "table": table}


def _program(network: nn.Module, example: Tensor) -> Any:
    """The network as a graph for any number of images."""
    count = torch.export.Dim("count", min=1)
    return torch.export.export(
        network, (example,), dynamic_shapes={"images": {0: count}}, strict=False
    )


def _as_torch(network: nn.Module, example: Tensor, notes: ExportNotes) -> bytes:
    """The file of `torch.export.save`."""
    stream = io.BytesIO()
    torch.export.save(_program(network, example), stream, extra_files=notes.to_strings())
    return stream.getvalue()


def _as_onnx(network: nn.Module, example: Tensor, notes: ExportNotes) -> bytes:
    """The file of an ONNX model."""
    import onnx

    weights = sum(tensor.nbytes for tensor in network.state_dict().values())
    if weights > _LARGEST_ONNX:
        raise TrainingError(
            f"the weights take {weights:,} bytes and an ONNX file holds {_LARGEST_ONNX:,}: "
            "export to a .pt2 file"
        )
    model = _onnx_model(network, example, notes.outputs)
    onnx.helper.set_model_props(model, notes.to_strings())
    model.doc_string = notes.description
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _onnx_model(network: nn.Module, example: Tensor, outputs: str) -> Any:
    """The model by torch's present exporter, or before 2.9 by the one that was sound then."""
    import onnx

    write: Any = torch.onnx.export  # its types are those of the newest torch alone
    names: dict[str, Any] = {"input_names": ["images"], "output_names": [outputs]}
    if _follows_programs():
        program = _program(network, example)
        return write(program, **names, dynamo=True, verbose=False).model_proto
    stream = io.BytesIO()
    axes = {"images": {0: "count"}, outputs: {0: "count"}}
    write(network, (example,), stream, **names, dynamic_axes=axes, dynamo=False)
    return onnx.load_from_string(stream.getvalue())


def _follows_programs() -> bool:
    """Whether this torch exports programs to ONNX; the first to do so stumbled over batch norm."""
    major, minor = torch.__version__.split(".")[:2]
    return (int(major), int(minor)) >= (2, 9)


_WRITERS = {".onnx": _as_onnx, ".pt2": _as_torch}


def _require_onnx() -> None:
    packages = ["onnx", "onnxruntime", *(["onnxscript"] if _follows_programs() else [])]
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("export to ONNX", package, "onnx")
