"""What does the network say about images whose classes nobody knows?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from convkit._files import replace_file
from convkit._tables import Shown, Table

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Predictions(Shown):
    """A class for each image.

    Args:
        probabilities: float32 (N, C), softmax of the outputs.
        labels: int64 (N,), the class of the greatest output; of equal ones the first.
        names: One for each image: its file name, or its number.
        class_names: One for each class.

    Examples:
        >>> import torch
        >>> predictions = Predictions(
        ...     probabilities=torch.tensor([[0.9, 0.1], [0.2, 0.8]]),
        ...     labels=torch.tensor([0, 1]),
        ...     names=("a.png", "b.png"),
        ...     class_names=("cat", "dog"),
        ... )
        >>> print(predictions.to_csv("out.csv").read_text(), end="")
        image_name,predicted_class_id
        a.png,0
        b.png,1
        >>> print(predictions.table().to_csv().splitlines()[1])
        a.png,cat,0.9000
    """

    probabilities: Tensor
    labels: Tensor
    names: tuple[str, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.names)

    def to_csv(
        self,
        path: str | PathLike[str],
        columns: tuple[str, str] = ("image_name", "predicted_class_id"),
        *,
        folders: bool = True,
    ) -> Path:
        """Write one line for each image: its name and the index of its class.

        Args:
            path: The file, replaced whole.
            columns: The two titles.
            folders: Whether a name keeps the folders before the file's own name.

        Returns:
            The path written.
        """
        names = self.names if folders else [PurePath(name).name for name in self.names]
        rows = tuple(zip(names, self.labels.tolist(), strict=True))
        return replace_file(path, Table(columns, rows).to_csv())

    def table(self) -> Table:
        """Name, class and probability of each image."""
        greatest = self.probabilities.amax(1).tolist()
        return Table(
            ("image", "class", "probability"),
            tuple(
                (name, self.class_names[label], f"{probability:.4f}")
                for name, label, probability in zip(
                    self.names, self.labels.tolist(), greatest, strict=True
                )
            ),
        )

    def __str__(self) -> str:
        return str(self.table())
