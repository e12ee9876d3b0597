"""What should be looked at? Sentences that follow from what the one-batch check measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from convkit.training._overfit_layers import LayerCheck

_CONFIDENT = 2.0  # times ln C: how far off a first loss is told
_UNSCALED = 20.0  # images that were normalised do not reach this far
_NOTHING_FOUND = (
    "Nothing measured explains it: try more steps, a wider network, and look at the images "
    "beside their labels."
)


class Evidence(NamedTuple):
    """What the check saw.

    Attributes:
        images: Of the batch (N, ...).
        labels: (N,).
        first: Outputs before the first step (N, C).
        last: Outputs in the end (N, C).
        losses: Before the first and after each step.
        layers: What was measured of each.
    """

    images: Tensor
    labels: Tensor
    first: Tensor
    last: Tensor
    losses: tuple[float, ...]
    layers: tuple[LayerCheck, ...]


def advice(evidence: Evidence, *, passed: bool, lr: float, trained: float) -> tuple[str, ...]:
    """What to look at, the likeliest cause first.

    Args:
        evidence: What was measured.
        passed: Whether the batch was learned; then only what is odd is told.
        lr: The learning rate of the check.
        trained: The share of the parameters that are trained.
    """
    noticed = [*_about_batch(evidence), *_about_first_loss(evidence)]
    if passed:
        return tuple(noticed)
    causes = [
        *_about_outputs(evidence),
        *_about_labels(evidence),
        *_about_layers(evidence),
        *_about_rate(evidence, lr),
        *_about_answers(evidence),
        *_about_freezing(trained),
    ]
    return (*(causes or _about_standstill(evidence, lr)), *noticed) or (_NOTHING_FOUND,)


def _about_outputs(evidence: Evidence) -> Iterator[str]:
    """A softmax, sigmoid or ReLU where logits belong."""
    outputs = torch.cat([evidence.first, evidence.last]).float()
    outputs = outputs[outputs.isfinite().all(1)]
    if not len(outputs) or float(outputs.min()) < 0:
        return
    if torch.allclose(outputs.sum(1), torch.ones(len(outputs), device=outputs.device), atol=1e-4):
        classes = outputs.shape[1]
        least = math.log(1 + (classes - 1) / math.e)
        yield (
            "The outputs of each image sum to one: the network ends in a softmax, but cross-entropy"
            f" takes logits and has one of its own. Remove it; with two the loss stays above "
            f"{least:.3f}."
        )
    elif all(torch.allclose(part, part[:1]) for part in (evidence.first, evidence.last)):
        return  # biases alone, or zeros, of a network that died before: no sign of how it ends
    elif bool((outputs == 0).any()):
        yield (
            "No output is negative and some are exactly 0: the network seems to end in a ReLU. "
            "Remove it after the last layer."
        )
    elif float(outputs.max()) <= 1:
        yield (
            "All outputs lie between 0 and 1: the network seems to end in a sigmoid. Remove it, "
            "cross-entropy takes logits."
        )


def _about_labels(evidence: Evidence) -> Iterator[str]:
    """Equal images that were given different labels."""
    labels = evidence.labels.tolist()
    seen: dict[bytes, int] = {}
    contradictions = []
    for index, image in enumerate(evidence.images.float().cpu().flatten(1).numpy()):
        first = seen.setdefault(image.tobytes(), index)
        if labels[first] != labels[index]:
            contradictions.append((first, index))
    if contradictions:
        first, second = contradictions[0]
        yield (
            f"Images {first} and {second} of the batch are equal but have labels {labels[first]} "
            f"and {labels[second]} ({len(contradictions)} such images): no network can learn both. "
            "Look at how images and labels are paired."
        )


def _about_layers(evidence: Evidence) -> Iterator[str]:
    """The first layer that is dead, vanishing or exploding."""
    silent = next((layer for layer in evidence.layers if layer.share_zero == 1), None)
    if silent is not None:
        yield (
            f"{silent.name} gives only zeros for the whole batch, so nothing before it learns: "
            "a dead ReLU. Use a smaller learning rate, another initialisation, batch norm or a "
            "leaky activation."
        )
    broken = next((layer for layer in evidence.layers if layer.state == "exploding"), None)
    if broken is not None:
        size = "not finite" if not broken.finite else _exploding_words(broken)
        yield (
            f"{broken.name} is the first layer that explodes ({size}). Normalise the images, use a "
            "smaller learning rate, batch norm or gradient clipping."
        )
    starved = [layer for layer in evidence.layers if layer.state in {"dead", "vanishing"}]
    starved = [layer for layer in starved if layer.largest_gradient is not None]
    if starved and silent is None and broken is None:
        names = starved[0].name + (f" to {starved[-1].name}" if len(starved) > 1 else "")
        kind = "no gradient reaches" if starved[0].state == "dead" else "the gradient vanishes in"
        yield (
            f"{names}: {kind} {'them' if len(starved) > 1 else 'it'}. Look for detach() or "
            "saturated activations behind, and for layers that the forward does not use."
        )


def _exploding_words(layer: LayerCheck) -> str:
    gradient, weight = layer.largest_gradient or 0.0, layer.weight or 0.0
    return f"a gradient of norm {gradient:.3g} for weights of norm {weight:.3g}"


def _about_rate(evidence: Evidence, lr: float) -> Iterator[str]:
    """A learning rate that is too large or too small."""
    losses = evidence.losses
    if not math.isfinite(losses[-1]):
        yield (
            f"The loss is no number after {len(losses) - 1} steps at the learning rate {lr:g}: "
            "use a smaller one, and look at the images and labels."
        )
        return
    worst = max(losses)
    if worst > 2 * losses[0] and worst > losses[0] + 1:
        yield (
            f"The loss rose from {losses[0]:.3f} to {worst:.3f}: the learning rate {lr:g} is too "
            "large. find_learning_rate suggests one."
        )
        return
    part = losses[-max(len(losses) // 4, 2) :]
    if part[-1] < 0.999 * part[0]:
        yield (
            f"The loss was still falling, from {part[0]:.3f} to {part[-1]:.3f} in the last "
            f"{len(part) - 1} steps: give more steps or a learning rate above {lr:g}."
        )


def _about_standstill(evidence: Evidence, lr: float) -> Iterator[str]:
    """A loss that hardly moves though nothing stands in its way."""
    losses = evidence.losses
    if max(losses) - min(losses) < 0.001 * losses[0]:
        yield (
            f"The loss hardly moved, from {losses[0]:.6f} to {losses[-1]:.6f} in "
            f"{len(losses) - 1} steps: the learning rate {lr:g} seems too small. "
            "find_learning_rate suggests one."
        )


def _about_answers(evidence: Evidence) -> Iterator[str]:
    """A network whose answer does not depend on the image."""
    answers = evidence.last.float()
    if len(answers) < 2 or not bool(answers.isfinite().all()):
        return
    scale = max(float(answers.abs().max()), 1e-6)
    if float((answers - answers[0]).abs().max()) < 1e-3 * scale:
        shares = torch.bincount(evidence.labels).float() / len(evidence.labels)
        entropy = float(-(shares * shares.clamp(min=1e-12).log()).sum())
        yield (
            "The network answers the same for every image, so it can only learn how frequent the "
            f"classes are (loss {entropy:.3f} at best): the image does not reach the output."
        )


def _about_freezing(trained: float) -> Iterator[str]:
    if trained < 0.5:
        yield (
            f"Only {100 * trained:.2g} % of the parameters are trained, the others are frozen: "
            "unfreeze more, or give more steps."
        )


def _about_batch(evidence: Evidence) -> Iterator[str]:
    """What is odd about the batch itself."""
    reach = float(evidence.images.abs().max())
    if reach > _UNSCALED:
        yield (
            f"The images reach up to {reach:.4g}: normalise them to about zero mean and unit "
            "standard deviation."
        )
    elif float(evidence.images.max()) == float(evidence.images.min()):
        yield "Every pixel of the batch has the same value: look at how the images are read."
    count, classes = len(evidence.labels), evidence.first.shape[1]
    present = len(set(evidence.labels.tolist()))
    if present == 1:
        one = "one image" if count == 1 else f"{count} images of one class"
        yield f"The batch has {one}: learning it by heart proves little. Take a shuffled batch."
    needed = int(evidence.labels.max()) + 1
    if count >= classes / 10 and needed <= classes / 10:
        yield (
            f"The network has {classes} outputs, the labels of the batch only reach {needed - 1}: "
            "if these are all classes, give it as many outputs."
        )


def _about_first_loss(evidence: Evidence) -> Iterator[str]:
    """A network that is sure of itself before it learned anything."""
    first, expected = evidence.losses[0], math.log(evidence.first.shape[1])
    if first > _CONFIDENT * expected:
        yield (
            f"The first loss {first:.3f} is far above ln {evidence.first.shape[1]} = "
            f"{expected:.3f}: the network starts out sure and wrong. Look at the scale of the "
            "images and the initialisation of the last layer."
        )
