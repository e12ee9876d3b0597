"""Learning one batch by heart: what passes, what fails and why, and that nothing is touched."""

from __future__ import annotations

import copy
import math
import random
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convkit.errors import TrainingError
from convkit.training import LayerCheck, OverfitCheck, overfit_batch


def batch(classes: int = 4, samples: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(samples, 3, 8, 8, generator=generator)
    return images, torch.arange(samples) % classes


def small_cnn(classes: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, kernel_size=3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 16),
        nn.ReLU(),
        nn.Dropout(0.9),
        nn.Linear(16, classes),
    )


def advice_of(check: OverfitCheck) -> str:
    return "\n".join(check.advice)


def test_a_sound_network_passes() -> None:
    check = overfit_batch(small_cnn(), batch())

    assert check.passed
    assert check.advice == ()
    assert check.first_troubled_layer is None
    assert check.accuracy == 1
    assert check.steps == len(check.losses) - 1 < 200
    assert check.last_loss <= check.goal == 0.05 * math.log(4)
    assert all(loss > check.goal for loss in check.losses[:-1])


@pytest.mark.parametrize("classes", [2, 10, 101])
def test_a_network_with_equal_outputs_begins_at_ln_c(classes: int) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, classes))
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)

    check = overfit_batch(model, batch(2), steps=1)

    assert check.expected_first_loss == math.log(classes)
    assert check.first_loss == pytest.approx(math.log(classes), rel=1e-6)


def test_the_losses_are_those_of_a_plain_loop() -> None:
    images, labels = batch()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    twin = copy.deepcopy(model)
    check = overfit_batch(model, (images, labels), steps=5, optimizer="sgd", lr=1e-3)

    optimizer = torch.optim.SGD(twin.parameters(), lr=1e-3)
    plain = []
    for _ in range(6):
        loss = nn.functional.cross_entropy(twin(images), labels)
        plain.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    # One fused kernel and the plain one may round differently.
    assert check.losses == pytest.approx(plain, rel=1e-6)


def states(model: nn.Module) -> dict[str, Any]:
    return {
        "weights": {name: value.clone() for name, value in model.state_dict().items()},
        "modes": [module.training for module in model.modules()],
        "hooks": [
            (list(m._forward_hooks), list(m._forward_pre_hooks), list(m._backward_hooks))
            for m in model.modules()
        ],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002 - the state that users draw from
        "python": random.getstate(),
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before["modes"] == after["modes"]
    assert before["hooks"] == after["hooks"]
    assert all(torch.equal(before["weights"][n], after["weights"][n]) for n in before["weights"])
    for one, other in zip(before["gradients"], after["gradients"], strict=True):
        assert (one is None and other is None) or torch.equal(one, other)
    assert torch.equal(before["torch"], after["torch"])
    assert before["numpy"] == after["numpy"]
    assert before["python"] == after["python"]


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_touched(training: bool) -> None:
    model = small_cnn().train(training)
    model[1].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before = states(model)

    overfit_batch(model, batch(), steps=3)

    assert_same(before, states(model))


def test_nothing_is_touched_when_it_fails() -> None:
    class Odd(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            outputs = super().forward(images.flatten(1) + torch.rand(1))
            random.random()
            if outputs.requires_grad and self.bias[0] != self.start:
                raise ZeroDivisionError
            return outputs

    model = Odd(192, 4)
    model.start = model.bias[0].item()
    before = states(model)

    with pytest.raises(ZeroDivisionError):
        overfit_batch(model, batch())

    assert_same(before, states(model))


def test_dropout_is_off_also_where_a_forward_calls_it() -> None:
    class Dropping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(192, 4)

        def forward(self, images: Tensor) -> Tensor:
            return nn.functional.dropout(self.linear(images.flatten(1)), 0.9, self.training)

    model = Dropping()
    first = [overfit_batch(model, batch(), steps=1).first_loss for _ in range(2)]

    assert first[0] == first[1]
    assert first[0] == pytest.approx(
        nn.functional.cross_entropy(model.eval()(batch()[0]), batch()[1]).item()
    )


def test_batch_norms_use_the_batch_and_frozen_ones_do_not() -> None:
    images, labels = batch()
    model = small_cnn().eval()
    norm = model[1]
    norm.running_mean.fill_(100)
    in_training = copy.deepcopy(model)
    in_training[1].train()
    frozen = copy.deepcopy(model).train()
    frozen[1].eval()

    def expected(module: nn.Module) -> float:
        return nn.functional.cross_entropy(module(images), labels).item()

    learned = overfit_batch(model, (images, labels), steps=1)
    kept = overfit_batch(frozen, (images, labels), steps=1)

    assert learned.first_loss == pytest.approx(expected(in_training), rel=1e-5)
    assert kept.first_loss == pytest.approx(expected(model), rel=1e-5)


def test_an_optimizer_of_the_model_is_copied_with_its_state() -> None:
    model = small_cnn()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    before = copy.deepcopy(optimizer.state_dict())

    assert overfit_batch(model, batch(), optimizer=optimizer).passed
    assert optimizer.state_dict() == before


def test_an_optimizer_of_other_weights_is_refused() -> None:
    model, other = small_cnn(), small_cnn()
    message = "the optimizer belongs to other weights than those of the model"
    with pytest.raises(TrainingError, match=f"^{message}$"):
        overfit_batch(model, batch(), optimizer=torch.optim.SGD(other.parameters(), lr=0.1))

    message = (
        "the function given as optimizer= takes weights of its own: let it use the parameters "
        "that it is called with, or give the optimizer itself"
    )
    with pytest.raises(TrainingError, match=f"^{message}$"):
        overfit_batch(
            model, batch(), optimizer=lambda _: torch.optim.SGD(model.parameters(), lr=0.1)
        )


def test_a_softmax_before_cross_entropy_is_found() -> None:
    check = overfit_batch(nn.Sequential(small_cnn(), nn.Softmax(1)), batch(), steps=30)

    assert not check.passed
    assert check.advice[0] == (
        "The outputs of each image sum to one: the network ends in a softmax, but cross-entropy "
        "takes logits and has one of its own. Remove it; with two the loss stays above "
        f"{-math.log(math.e / (math.e + 3)):.3f}."
    )


@pytest.mark.parametrize(
    ("last", "words"),
    [(nn.Sigmoid(), "seems to end in a sigmoid"), (nn.ReLU(), "seems to end in a ReLU")],
)
def test_another_activation_at_the_end_is_found(last: nn.Module, words: str) -> None:
    check = overfit_batch(nn.Sequential(small_cnn(), last), batch(), steps=3)

    assert words in advice_of(check)


def test_a_dead_relu_is_named_with_what_it_starves() -> None:
    model = small_cnn()
    nn.init.constant_(model[5].bias, -1e3)

    check = overfit_batch(model, batch(), steps=5)

    assert check.first_troubled_layer is not None
    assert check.first_troubled_layer.name == "0"
    assert check.first_troubled_layer.state == "dead"
    assert [layer.name for layer in check.layers if layer.share_zero == 1] == ["6", "7"]
    assert advice_of(check).startswith("6 gives only zeros for the whole batch")
    assert "answers the same for every image" in advice_of(check)


def test_a_gradient_cut_by_detach_is_named() -> None:
    class Cut(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.detach()

    model = nn.Sequential(nn.Conv2d(3, 2, kernel_size=3), Cut(), nn.Flatten(), nn.Linear(72, 4))
    check = overfit_batch(model, batch(), steps=2, lr=1e-5)

    assert check.first_troubled_layer is not None
    assert (check.first_troubled_layer.name, check.first_troubled_layer.state) == ("0", "dead")
    assert "0: no gradient reaches it." in advice_of(check)


def test_no_gradient_at_all_is_refused() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(192, 4)

        def forward(self, images: Tensor) -> Tensor:
            with torch.no_grad():
                return self.linear(images.flatten(1))

    message = (
        "no gradient flows from the outputs to any weight: look for detach(), .data, no_grad() or "
        "NumPy in the forward of the network"
    )
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        overfit_batch(Cut(), batch())


def test_vanishing_gradients_are_named() -> None:
    torch.manual_seed(0)
    deep = [layer for _ in range(12) for layer in (nn.Linear(8, 8), nn.Sigmoid())]
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), *deep, nn.Linear(8, 4))

    check = overfit_batch(model, batch(), steps=3)

    assert check.first_troubled_layer is not None
    assert check.first_troubled_layer.name == "1"
    assert check.first_troubled_layer.state == "vanishing"
    assert "the gradient vanishes in" in advice_of(check)


def test_too_large_a_rate_is_told() -> None:
    check = overfit_batch(small_cnn(), batch(), optimizer="sgd", lr=1e4, steps=10)

    assert not check.passed
    assert "learning rate 10000" in advice_of(check)


@pytest.mark.parametrize("rate", [1e-6, 1e-8])
def test_a_rate_at_which_nothing_moves_is_told(rate: float) -> None:
    check = overfit_batch(small_cnn(), batch(), optimizer="sgd", lr=rate, steps=20)

    first, last = check.losses[0], check.losses[-1]
    sentence = (
        f"The loss hardly moved, from {first:.6f} to {last:.6f} in 20 steps: the learning rate "
        f"{rate:g} seems too small. find_learning_rate suggests one."
    )
    assert check.advice == (sentence,)


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_a_network_that_is_dead_inside_is_not_said_to_end_in_a_sigmoid_or_relu(
    bias: float,
) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 4))
    nn.init.constant_(model[1].bias, -1e3)
    nn.init.constant_(model[3].bias, bias)
    check = overfit_batch(model, batch(), steps=3)

    assert "gives only zeros for the whole batch" in check.advice[0]
    assert "seems to end in" not in advice_of(check)


def test_too_small_a_rate_is_told() -> None:
    check = overfit_batch(small_cnn(), batch(), optimizer="sgd", lr=1e-3, steps=20)

    assert re.fullmatch(
        r"The loss was still falling, from [\d.]+ to [\d.]+ in the last 4 steps: give more steps "
        r"or a learning rate above 0\.001\.",
        advice_of(check),
    )


def test_equal_images_with_different_labels_are_found() -> None:
    images, labels = batch()
    images[5] = images[2]

    check = overfit_batch(small_cnn(), (images, labels), steps=100)

    assert not check.passed
    assert "Images 2 and 5 of the batch are equal but have labels 2 and 1" in advice_of(check)


def test_oddities_of_the_batch_are_told_even_when_it_passes() -> None:
    images, labels = batch()
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 1000))
    unscaled = overfit_batch(model, (images * 100, labels % 2), steps=50)
    one_class = overfit_batch(small_cnn(), (images, labels * 0))

    assert "normalise them" in advice_of(unscaled)
    assert one_class.passed
    assert one_class.advice == (
        (
            "The batch has 8 images of one class: learning it by heart proves little. "
            "Take a shuffled batch."
        ),
    )


def test_far_too_many_outputs_are_told() -> None:
    images, labels = batch(4, samples=128)

    check = overfit_batch(nn.Sequential(nn.Flatten(), nn.Linear(192, 1000)), (images, labels))

    assert "The network has 1000 outputs, the labels of the batch only reach 3" in advice_of(check)


def test_mostly_frozen_networks_are_told() -> None:
    model = small_cnn()
    for parameter in model[:8].parameters():
        parameter.requires_grad_(False)
    check = overfit_batch(model, batch(), steps=2)

    assert "Only 2.9 % of the parameters are trained" in advice_of(check)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        nn.init.zeros_(self.norm.weight)

    def forward(self, images: Tensor) -> Tensor:
        return images + self.norm(self.conv(images))


def test_a_residual_branch_that_begins_with_zeros_is_no_trouble() -> None:
    torch.manual_seed(0)

    check = overfit_batch(nn.Sequential(Residual(), nn.Flatten(), nn.Linear(192, 4)), batch())

    assert check.passed
    assert check.first_troubled_layer is None


def test_a_loss_that_is_no_number_ends_it() -> None:
    model = small_cnn()
    with torch.no_grad():
        model[5].weight[0, 0] = math.nan
    check = overfit_batch(model, batch())

    assert (check.passed, check.steps) == (False, 0)
    assert check.first_troubled_layer is not None
    assert check.first_troubled_layer.name == "0"  # its gradient already is none
    assert "The loss is no number after 0 steps" in advice_of(check)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(8, 3, 8, 8), ("the batch is a Tensor: give one pair (images, labels), such "
         "as next(iter(loader))")),
        ((torch.zeros(8, 3, 8, 8), "abc"), ("the batch holds Tensor and str: give tensors of "
         "images and labels")),
        ((torch.zeros(8, 3, 8, 8, dtype=torch.uint8), torch.zeros(8, dtype=torch.int64)),
         "the images of the batch are uint8, a network takes floats: normalise them first"),
        ((torch.zeros(0, 3, 8, 8), torch.zeros(0, dtype=torch.int64)),
         "the batch is empty: it needs at least one image"),
        ((torch.full((8, 3, 8, 8), math.nan), torch.zeros(8, dtype=torch.int64)),
         ("8 of the 8 images hold values that are no finite numbers: look at how they are read and "
         "normalised")),
        ((torch.zeros(8, 3, 8, 8), torch.zeros(8, 4)),
         ("the labels are float32 of shape (8, 4), the check needs whole class indices of shape "
         "(8,): labels.argmax(1) turns shares into indices")),
        ((torch.zeros(8, 3, 8, 8), torch.zeros(7, dtype=torch.int64)),
         "the batch has 8 images and 7 labels: each image needs one label"),
        ((torch.zeros(8, 3, 8, 8), torch.full((8,), 4)),
         ("label 4 is outside the 4 classes 0 to 3 that the network has outputs for: give its last "
         "layer 5 outputs, or mend the label")),
        ((torch.zeros(8, 3, 8, 8), torch.full((8,), -1)),
         "label -1 is below 0: the classes are numbered from 0 to 3"),
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_learned_is_refused(given: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        overfit_batch(small_cnn(), given)


class Fussy(nn.Linear):
    def __init__(self) -> None:
        super().__init__(1, 1)

    def forward(self, images: Tensor) -> Tensor:
        raise ValueError(f"I only take one channel\n{images.shape}")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Conv2d(3, 4, kernel_size=3), ("the network returns (8, 4, 6, 6) for 8 images, the "
         "check needs logits (8, classes): end the network with Flatten and Linear(classes)")),
        (nn.Sequential(nn.Flatten(), nn.Linear(192, 1)), ("the network has 1 output, cross-entropy "
         "tells at least 2 classes apart: give its last layer one output for each class")),
        (Fussy(), ("the network does not take the batch of shape (8, 3, 8, 8): I only take one "
         "channel")),
        (nn.Flatten(), "the network has no parameter that is trained: all are frozen"),
    ],
)  # fmt: skip
def test_a_network_that_does_not_fit_is_refused(model: nn.Module, message: str) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        overfit_batch(model, batch())


@pytest.mark.parametrize("steps", [0, True, 1.5])
def test_steps_that_are_none_are_refused(steps: Any) -> None:
    with pytest.raises(TrainingError, match=r"^steps is a whole number from 1 on, not .*$"):
        overfit_batch(small_cnn(), batch(), steps=steps)


def test_arrays_and_inference_mode_are_taken() -> None:
    images, labels = batch()

    with torch.inference_mode():
        check = overfit_batch(small_cnn(), (images.numpy(), labels.numpy().astype(np.uint8)))
        assert torch.is_inference_mode_enabled()

    assert check.passed


def test_the_text_says_what_was_measured() -> None:
    check = overfit_batch(small_cnn(), batch())

    assert str(check) == (
        f"One-batch check passed: 8 of 8 labels learned by heart in {check.steps} steps, loss "
        f"{check.first_loss:.4f} -> {check.last_loss:.4f} (goal 0.0693).\n"
        f"First loss {check.first_loss:.4f}; equal chances for 4 classes give ln 4 = 1.3863.\n"
        "The gradient of every layer is sound."
    )


def test_the_picture_shows_the_losses() -> None:
    check = overfit_batch(small_cnn(), batch())

    first = check.plot(title="one batch").axes[0].lines[0]

    assert tuple(first.get_ydata()) == check.losses


@pytest.mark.parametrize(
    ("layer", "state"),
    [
        (LayerCheck("a", share_zero=0.5), "sound"),
        (LayerCheck("a", share_zero=1.0), "dead"),
        (LayerCheck("a", finite=False), "exploding"),
        (LayerCheck("a", largest_gradient=1.0, last_gradient=1.0, weight=1.0), "sound"),
        (LayerCheck("a", largest_gradient=101.0, last_gradient=1.0, weight=1.0), "exploding"),
        (LayerCheck("a", largest_gradient=math.nan, last_gradient=1.0, weight=1.0), "exploding"),
        (LayerCheck("a", largest_gradient=1.0, last_gradient=0.0, weight=1.0), "dead"),
        (LayerCheck("a", largest_gradient=9e-9, last_gradient=9e-9, weight=1.0), "vanishing"),
        (LayerCheck("a", largest_gradient=9e-9, last_gradient=9e-9, weight=0.1), "sound"),
    ],
)
def test_the_state_of_a_layer(layer: LayerCheck, state: str) -> None:
    assert layer.state == state
