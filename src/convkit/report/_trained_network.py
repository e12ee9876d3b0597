"""With which trained network does a task begin?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from convkit.data import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from convkit.training import transfer

if TYPE_CHECKING:
    import argparse

    from torch import nn

    from convkit.report._reproduction import Reproduction


def trained_network(
    page: Reproduction, settings: argparse.Namespace, name: str
) -> tuple[nn.Module, Preprocessing]:
    """A network of torchvision's with the weights that a script was given; its page says which.

    With `--quick` the weights are random, and nothing is fetched. Those of a run on other images
    stand in for the published ones: `page.stand_in` says so from then on.

    Args:
        page: Gets a sentence on the weights.
        settings: Of `ReproductionScript`: its `weights`, `quick` and `seed` count.
        name: As `convkit.training.transfer.pretrained` takes it.

    Returns:
        The network, and how its images are prepared: as in the run that trained it, otherwise
        224x224 with ImageNet's mean and deviation.

    Raises:
        TrainingError: For a name that torchvision does not have, or weights that do not fit.
        RunError: When a directory holds no training.
        OSError: When the weights can neither be found nor fetched.

    Examples:
        >>> import argparse
        >>> from convkit import report
        >>> settings = argparse.Namespace(quick=True, seed=0, weights=None)
        >>> page = report.Reproduction("Transfer")
        >>> model, preprocessing = report.trained_network(page, settings, "resnet18")
        >>> preprocessing.size
        (224, 224)
    """
    import torch
    import torchvision

    imagenet = Preprocessing((224, 224), mean=IMAGENET_MEAN, std=IMAGENET_STD)
    if settings.quick:
        torch.manual_seed(settings.seed)
        model = torchvision.models.get_model(name, weights=None)
        page.text("Weights: random.")
        return model, imagenet
    model, transform = transfer.pretrained(name, weights=settings.weights)
    if not isinstance(transform, Preprocessing):
        page.text("Weights: ImageNet's.")
        return model, imagenet
    run = f"the run `{Path(settings.weights).name}`"
    page.stand_in = " and ".join(filter(None, [page.stand_in, f"the weights of {run}"]))
    page.text(f"Weights: those of {run}, not ImageNet's.")
    return model, transform
