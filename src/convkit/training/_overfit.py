"""Can this network learn one batch by heart? If not, nothing longer will help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from convkit.errors import TrainingError
from convkit.training._given import is_whole
from convkit.training._loss import check_labels
from convkit.training._overfit_advice import Evidence, advice
from convkit.training._overfit_check import OverfitCheck
from convkit.training._overfit_layers import LayerWatch
from convkit.training._random import random_state_kept
from convkit.training._twin import device_of, dtype_of, optimizer_of_twin, twin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.optim import Optimizer

    from convkit.training._optimizers import OptimizerLike

_GOAL = 0.05  # of ln C


def overfit_batch(
    model: nn.Module,
    batch: Sequence[Any],
    *,
    steps: int = 200,
    optimizer: OptimizerLike = "adam",
    lr: float | None = None,
) -> OverfitCheck:
    """Train a copy of the model on one batch until it knows it by heart, and say why if it cannot.

    The check of A. Karpathy's "A Recipe for Training Neural Networks" (2019): a network, a loss and
    labels that belong together drive the loss of a few images to zero. It passes when every label
    is learned and the mean cross-entropy is at most 0.05 ln C. Before the first step a network of
    C classes should be near ln C.

    The copy sees the same images in each step, without augmentation; dropout is off, batch norms
    use the batch (those that are frozen stay so). The model, its modes, gradients and hooks and
    every random state stay as they were.

    Args:
        model: Any module that takes images (N, ...) and returns logits (N, C).
        batch: A pair (images, labels): floats (N, ...), class indices (N,).
        steps: Optimizer steps at most; it ends earlier when the goal is reached or the loss is no
            number.
        optimizer: A name, a function of the parameters, or an optimizer of the model, which is
            copied with its state.
        lr: The learning rate of an optimizer given by name; its own default when left out.

    Returns:
        The check: `.passed`, `.first_loss`, `.expected_first_loss`, `.steps`, `.losses`,
        `.first_troubled_layer`, `.advice`, `.plot()`; its text says it all.

    Raises:
        TrainingError: For a batch that is no pair of float images and class indices, images that
            hold no numbers, a label that is no class, or a model that does not take the images.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> _ = torch.manual_seed(0)
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(48, 10))
        >>> check = overfit_batch(model, (torch.randn(8, 3, 4, 4), torch.arange(8)), lr=0.05)
        >>> check.passed, round(check.expected_first_loss, 4)
        (True, 2.3026)
    """
    if not is_whole(steps, 1):
        raise TrainingError(f"steps is a whole number from 1 on, not {steps!r}")
    images, labels = _checked(batch)
    with random_state_kept(), torch.inference_mode(False), torch.enable_grad():
        twin, optimizer = twin_of(model, optimizer)
        _quiet(twin, keep=model.training)
        device = device_of(twin)
        # Copies, because tensors made in inference mode cannot be trained on.
        images = images.to(device, dtype_of(twin), copy=True)
        labels = labels.to(device, copy=True)
        return _check(twin, images, labels, steps, optimizer, lr)


def _check(
    twin: nn.Module,
    images: Tensor,
    labels: Tensor,
    steps: int,
    optimizer: OptimizerLike,
    lr: float | None,
) -> OverfitCheck:
    """Train the copy and measure it."""
    watch = LayerWatch(twin)
    outputs = first = _first_outputs(twin, images, labels)
    updating = optimizer_of_twin(optimizer, twin, images.device, lr)
    watch.begin()
    classes = first.shape[1]
    goal = _GOAL * math.log(classes)
    losses: list[float] = []
    while True:
        loss = functional.cross_entropy(outputs, labels)
        losses.append(float(loss.detach()))
        learned = losses[-1] <= goal and bool((outputs.argmax(1) == labels).all())
        if learned or len(losses) > steps or not math.isfinite(losses[-1]):
            break
        _step(loss, updating, watch)
        outputs = twin(images)
    outputs = _last_look(twin, images, labels, watch)
    evidence = Evidence(
        images, labels, first.detach(), outputs.detach(), tuple(losses), watch.layers()
    )
    share = sum(p.numel() for p in twin.parameters() if p.requires_grad)
    return OverfitCheck(
        learned,
        first_loss=losses[0],
        expected_first_loss=math.log(classes),
        steps=len(losses) - 1,
        losses=tuple(losses),
        goal=goal,
        accuracy=float((outputs.argmax(1) == labels).float().mean()),
        classes=classes,
        samples=len(labels),
        layers=evidence.layers,
        advice=advice(
            evidence,
            passed=learned,
            lr=updating.param_groups[0]["lr"],
            trained=share / sum(p.numel() for p in twin.parameters()),
        ),
    )


def _step(loss: Tensor, optimizer: Optimizer, watch: LayerWatch) -> None:
    optimizer.zero_grad()
    _backward(loss)
    watch.step()
    optimizer.step()


def _backward(loss: Tensor) -> None:
    if not loss.requires_grad:
        raise TrainingError(
            "no gradient flows from the outputs to any weight: look for detach(), .data, "
            "no_grad() or NumPy in the forward of the network"
        )
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own


def _last_look(twin: nn.Module, images: Tensor, labels: Tensor, watch: LayerWatch) -> Tensor:
    """Outputs and gradients of every layer where training ended."""
    twin.zero_grad()
    with watch.outputs():
        outputs: Tensor = twin(images)
    _backward(functional.cross_entropy(outputs, labels))
    watch.step()
    return outputs


def _first_outputs(twin: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The outputs before the first step, with what can be wrong about them said clearly."""
    try:
        outputs = twin(images)
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TrainingError(
            f"the network does not take the batch of shape {tuple(images.shape)}: {reason}"
        ) from error
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(labels):
        kind = type(outputs).__name__
        received = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {kind}"
        raise TrainingError(
            f"the network returns {received} for {len(labels)} images, the check needs logits "
            f"({len(labels)}, classes): end the network with Flatten and Linear(classes)"
        )
    if outputs.shape[1] < 2:
        raise TrainingError(
            "the network has 1 output, cross-entropy tells at least 2 classes apart: "
            "give its last layer one output for each class"
        )
    check_labels(labels, outputs.shape[1])
    return outputs


def _quiet(twin: nn.Module, *, keep: bool) -> None:
    """Evaluation mode for everything, so that dropout of any kind is off; batch norms learn.

    Args:
        twin: The copy.
        keep: The model is in training mode, so a batch norm that is not was frozen on purpose.
    """
    norms = [m for m in twin.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    learning = [norm for norm in norms if norm.training or not keep]
    twin.eval()
    for norm in learning:
        norm.train()


def _checked(batch: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """The images and labels of one batch, or what is wrong with them."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise TrainingError(
            f"the batch is a {type(batch).__name__}: give one pair (images, labels), such as "
            "next(iter(loader))"
        )
    parts = [torch.as_tensor(p) if isinstance(p, np.ndarray | list) else p for p in batch]
    if not all(isinstance(part, Tensor) for part in parts):
        kinds = " and ".join(type(part).__name__ for part in parts)
        raise TrainingError(f"the batch holds {kinds}: give tensors of images and labels")
    images, labels = parts
    _check_images(images)
    _check_indices(labels, len(images))
    return images.detach(), labels.detach().long()


def _check_images(images: Tensor) -> None:
    kind = str(images.dtype).removeprefix("torch.")
    if not images.is_floating_point():
        raise TrainingError(
            f"the images of the batch are {kind}, a network takes floats: normalise them first"
        )
    if not images.ndim or not len(images):
        raise TrainingError("the batch is empty: it needs at least one image")
    wrong = len(images) - int(images.flatten(1).isfinite().all(1).sum())
    if wrong:
        raise TrainingError(
            f"{wrong} of the {len(images)} images hold values that are no finite numbers: "
            "look at how they are read and normalised"
        )


def _check_indices(labels: Tensor, count: int) -> None:
    kind = str(labels.dtype).removeprefix("torch.")
    if labels.is_floating_point() or labels.ndim != 1 or labels.dtype == torch.bool:
        hint = "labels.argmax(1) turns shares into indices" if labels.ndim == 2 else "one for each"
        raise TrainingError(
            f"the labels are {kind} of shape {tuple(labels.shape)}, the check needs whole class "
            f"indices of shape ({count},): {hint}"
        )
    if len(labels) != count:
        raise TrainingError(
            f"the batch has {count} images and {len(labels)} labels: each image needs one label"
        )
