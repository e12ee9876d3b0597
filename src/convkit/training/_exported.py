"""What does an exported file answer, and is that what the trained network answers?"""

from __future__ import annotations

import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from convkit._tables import Shown
from convkit.errors import MissingExtraError, TrainingError
from convkit.training._alike import as_trained
from convkit.training._export_notes import KEYS, ExportNotes, Outputs
from convkit.training._inside import images_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from numpy.typing import NDArray

    from convkit.data import Preprocessing
    from convkit.training._trainer import Trainer

Answer = Any  # from uint8 images to float32 (N, classes); a function, which mypy takes for a method
_AT_A_TIME = 128


@dataclass(frozen=True, slots=True)
class Agreement(Shown):
    """An exported file beside the network that it was made of, on the same images.

    Args:
        samples: How many images both answered.
        equal: How many of them got the same class.
        greatest_difference: The greatest absolute difference between two probabilities.
        farthest: The name of the image with that difference.

    Examples:
        >>> agreement = Agreement(1000, 999, 2.5e-7, "dog/17.png")
        >>> agreement.share
        0.999
        >>> print(agreement)  # doctest: +NORMALIZE_WHITESPACE
        999 of 1,000 images get the same class (99.90%);
        probabilities differ by at most 2.5e-07 (dog/17.png)
    """

    samples: int
    equal: int
    greatest_difference: float
    farthest: str

    @property
    def share(self) -> float:
        """The share of images that get the same class."""
        return self.equal / self.samples

    def __str__(self) -> str:
        return (
            f"{self.equal:,} of {self.samples:,} images get the same class ({self.share:.2%}); "
            f"probabilities differ by at most {self.greatest_difference:.2g} ({self.farthest})"
        )


class ExportedNetwork(Shown):
    """A network in a file of its own; made by `export` or `ExportedNetwork.load`.

    Attributes:
        path: The file.
        class_names: One for each output.
        preprocessing: `preprocessing.load(files)` gives the images that the network takes; the
            normalisation is inside the file.
        outputs: `"probabilities"` or `"logits"`.
        architecture: The table as one line, for `Architecture.parse`; empty without one.
        table: The layers with sizes and counts, in Markdown; empty without one.

    Examples:
        >>> import torch, convkit
        >>> from convkit import data, training
        >>> model = convkit.build("conv 4 k3 relu, maxpool 2, flatten, linear 2", (3, 8, 8))
        >>> trainer = training.Trainer(model, class_names=("cat", "dog"))
        >>> trainer.preprocessing = data.Preprocessing(8)
        >>> network = training.export(trainer, "pets.pt2")
        >>> images = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
        >>> labels = torch.tensor([0, 1, 1])
        >>> pets = data.ImageSet(images, labels, class_names=("cat", "dog"))
        >>> network.check(trainer, pets).share
        1.0
        >>> network.architecture
        'conv 4 k3 relu, maxpool 2, flatten, linear 2'
    """

    def __init__(self, path: Path, notes: ExportNotes, answer: Answer) -> None:
        self.path = path
        self.class_names = notes.class_names
        self.preprocessing: Preprocessing = notes.preprocessing
        self.outputs: Outputs = notes.outputs
        self.architecture = notes.architecture
        self.table = notes.table
        self._description = notes.description
        self._answer: Callable[[Tensor], Tensor] = answer

    @classmethod
    def load(cls, path: str | PathLike[str], *, trusted: bool = False) -> ExportedNetwork:
        """Read an exported file, onto the processor.

        An ONNX file is data only. A `torch.export` file is read by `torch.export.load`, which
        unpickles parts of it and lets it name functions of torch: whoever made it can run code
        here. It is read only with `trusted=True`, for files that you made yourself.

        Args:
            path: `NAME.onnx`, which needs the extra `onnx`, or `NAME.pt2`.
            trusted: Whether the file comes from you.

        Returns:
            The network and what is written in its file.

        Raises:
            TrainingError: When the file is not there, damaged, not exported by convkit, or a
                `torch.export` file that is not said to be trusted.
            MissingExtraError: When the extra `onnx` is not installed.

        Examples:
            >>> ExportedNetwork.load("nowhere.onnx")
            Traceback (most recent call last):
            convkit.errors.TrainingError: nowhere.onnx could not be read: No such file or directory
        """
        file = Path(path)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise TrainingError(f"{file} could not be read: {error.strerror}") from error
        if zipfile.is_zipfile(io.BytesIO(content)):
            if not trusted:
                raise TrainingError(
                    f"{file} is a torch.export file, and reading one can run code of whoever made "
                    "it: export to ONNX instead, or say trusted=True if you made it yourself"
                )
            answer, texts = _torch_answer(file, content)
        else:
            answer, texts = _onnx_answer(file, content)
        return cls(file, ExportNotes.from_strings(texts, str(file)), answer)

    def __call__(self, images: Tensor | NDArray[Any]) -> Tensor:
        """Answer images.

        Args:
            images: uint8 (N, C, H, W), at the size of the training, not normalised.

        Returns:
            float32 (N, classes) on the processor: probabilities or logits, as `outputs` says.

        Raises:
            TrainingError: When type or shape is another.
        """
        pixels = torch.as_tensor(images).cpu()
        size = self.preprocessing.size
        height, width = size if isinstance(size, tuple) else (size, size)
        wanted = (self.preprocessing.channels, height, width)
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or tuple(pixels.shape[1:]) != wanted:
            raise TrainingError(
                f"{self.path.name} takes uint8 images of shape (N, {wanted[0]}, {height}, {width}),"
                f" got {pixels.dtype} {tuple(pixels.shape)}"
            )
        if not len(pixels):
            return torch.empty(0, len(self.class_names))
        return torch.cat([self._answer(part) for part in torch.split(pixels, _AT_A_TIME)])

    def check(self, trainer: Trainer, data: Any) -> Agreement:
        """Compare the answers of the file with those of the trained network.

        Args:
            trainer: The trainer that it was exported from, or one loaded from the same run.
            data: An image set of `convkit.data`, such as `sets.validation`.

        Returns:
            How many images get the same class, and the greatest difference of a probability; of
            logits their softmax is compared.

        Raises:
            TrainingError: When the data are no image set, or do not fit.
        """
        inside = images_of(data)
        if inside is None:
            raise TrainingError(
                f"an exported network takes pixels, which a {type(data).__name__} does not show: "
                "give an image set of convkit.data"
            )
        images = as_trained(inside, self.preprocessing, None)
        before = trainer.predict(images, batch_size=_AT_A_TIME)
        after = self(images.images)
        if self.outputs == "logits":
            after = after.softmax(1)
        differences = (after - before.probabilities).abs().amax(1)
        farthest = int(differences.argmax())
        return Agreement(
            samples=len(images),
            equal=int((after.argmax(1) == before.probabilities.argmax(1)).sum()),
            greatest_difference=float(differences[farthest]),
            farthest=images.names[farthest],
        )

    def __str__(self) -> str:
        lines = [f"{self.path}, {self.path.stat().st_size:,} bytes", self._description]
        return "\n".join([*lines, *([f"table: {self.architecture}"] if self.architecture else [])])


def _torch_answer(file: Path, content: bytes) -> tuple[Answer, dict[str, Any]]:
    """The function and the texts of a `torch.export` file, read with whatever it holds."""
    texts: dict[str, Any] = dict.fromkeys(KEYS, "")
    try:
        with warnings.catch_warnings():  # torch's own, about its insides
            warnings.simplefilter("ignore")
            network = torch.export.load(io.BytesIO(content), extra_files=texts).module()
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise TrainingError(f"{file} could not be read: {error}") from error

    def answer(images: Tensor) -> Tensor:
        with torch.no_grad():
            outputs: Tensor = network(images)
        return outputs

    return answer, texts


def _onnx_answer(file: Path, content: bytes) -> tuple[Answer, dict[str, Any]]:
    """The function and the texts of an ONNX file."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("running an ONNX file", "onnxruntime", "onnx") from error
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).strip().splitlines()[-1]
        raise TrainingError(f"{file} could not be read: {reason}") from error

    def answer(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"images": images.contiguous().numpy()})[0])

    return answer, session.get_modelmeta().custom_metadata_map
