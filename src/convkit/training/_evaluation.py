"""How good is the network on a set?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from convkit._tables import Shown
from convkit.errors import TrainingError
from convkit.metrics import ConfusionMatrix, accuracy_interval, average_precision

if TYPE_CHECKING:
    from convkit.metrics import ClassScores, Interval


@dataclass(frozen=True, slots=True)
class Evaluation(Shown):
    """A network measured on a whole set, in evaluation mode, every sample once.

    Args:
        name: The set, such as `"test"`.
        loss: Mean over the samples.
        accuracy: Share of right answers.
        accuracy_interval: Wilson's 95 % interval, `.low` and `.high`.
        confusion: Counts of true class against answered class.
        average_precision: `.per_class`, `.mean`, `.undefined`, from the probabilities.
        probabilities: float32 (N, C), softmax of the outputs, in the order of the set.
        predicted: int64 (N,), the class of the greatest output; of equal ones the first.
        truth: int64 (N,).
        losses: float32 (N,), cross-entropy of each sample.
        class_names: One for each class.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from convkit import Trainer
        >>> data = torch.randn(16, 1, 4, 4), torch.arange(16) % 2
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
        >>> result = Trainer(model, class_names=("cat", "dog")).evaluate(data)
        >>> result.probabilities.shape, result.confusion.counts.shape, len(result)
        (torch.Size([16, 2]), (2, 2), 16)
        >>> 0 <= result.accuracy_interval.low <= result.accuracy <= 1
        True
    """

    name: str
    loss: float
    accuracy: float
    accuracy_interval: Interval
    confusion: ConfusionMatrix
    average_precision: ClassScores
    probabilities: Tensor
    predicted: Tensor
    truth: Tensor
    losses: Tensor
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.truth)

    def __str__(self) -> str:
        low, high = self.accuracy_interval.low, self.accuracy_interval.high
        return (
            f"{self.name}: loss {self.loss:.4f}, accuracy {self.accuracy:.2%} "
            f"(95 % interval {low:.2%} to {high:.2%}), "
            f"mean average precision {self.average_precision.mean:.4f}, {len(self):,} samples"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single samples, as plain values."""
        return {
            "name": self.name,
            "n": len(self),
            "loss": self.loss,
            "accuracy": self.accuracy,
            "accuracy_interval": [self.accuracy_interval.low, self.accuracy_interval.high],
            "confusion": self.confusion.counts.tolist(),
            "average_precision": [float(value) for value in self.average_precision.per_class],
            "mean_average_precision": float(self.average_precision.mean),
            "class_names": list(self.class_names),
        }


def check_name(name: str) -> None:
    """Refuse a name of a set that no file can carry: it becomes part of one's name.

    Raises:
        TrainingError: When a folder would be read out of it.
    """
    if "/" in name or "\\" in name or "\0" in name:
        raise TrainingError(
            f"the name {name!r} becomes part of a file's name: leave slashes and the like out"
        )


def check_classes(outputs: Tensor, truth: Tensor) -> None:
    """Refuse outputs and targets that are no scores (N, C) and classes (N,).

    Raises:
        TrainingError: When they are something else, as in a regression.
    """
    if outputs.ndim != 2 or truth.ndim != 1 or truth.is_floating_point():
        raise TrainingError(
            f"evaluate measures classes: scores (N, C) against indices (N,), not "
            f"{tuple(outputs.shape)} against {str(truth.dtype).removeprefix('torch.')} "
            f"{tuple(truth.shape)}; the loss on a validation set is in the history"
        )
    check_scores(outputs)


def check_scores(outputs: Tensor) -> None:
    """Refuse outputs among which there is nothing to choose.

    Raises:
        TrainingError: When they are not (N, C) with two classes or more.
    """
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise TrainingError(
            f"the network answers {len(outputs)} images with {tuple(outputs.shape)}, and the class "
            "is the greatest of two outputs or more, (N, C): end it with Linear(2), or judge one "
            "output yourself, model(images).sigmoid() > 0.5"
        )


def make_evaluation(
    name: str, loss: float, outputs: Tensor, truth: Tensor, class_names: tuple[str, ...]
) -> Evaluation:
    """Everything that follows from the outputs (N, C) and the classes (N,)."""
    predicted = outputs.argmax(1)
    confusion = ConfusionMatrix(class_names)
    confusion.update(predicted, truth)
    probabilities = outputs.softmax(1)
    correct = int((predicted == truth).sum())
    return Evaluation(
        name=name,
        loss=loss,
        accuracy=correct / len(truth),
        accuracy_interval=accuracy_interval(correct, len(truth)),
        confusion=confusion,
        average_precision=average_precision(probabilities, truth),
        probabilities=probabilities,
        predicted=predicted,
        truth=truth,
        losses=torch.nn.functional.cross_entropy(outputs, truth, reduction="none"),
        class_names=class_names,
    )
