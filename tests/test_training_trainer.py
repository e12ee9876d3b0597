"""The Trainer computes what a plain loop computes."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from small_training import CHECK, IMAGES, LABELS, assert_equal_weights, fit, network, weights
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from convkit import Trainer, data
from convkit.errors import TrainingError
from convkit.training import TrainingOptions
from convkit.training._meter import Means, Meter
from convkit.training._processes import Processes


def plain_loop(
    model: nn.Module, order: list[list[int]], clip: float | None = None, accumulate: int = 1
) -> list[float]:
    """SGD written by hand, the gradient of a step being the mean over all its samples."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for first in range(0, len(order), accumulate):
        chosen = [index for batch in order[first : first + accumulate] for index in batch]
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(IMAGES[chosen]), LABELS[chosen])
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        losses.append(loss.item())
    return losses


ORDER = [list(range(begin, min(begin + 8, 42))) for begin in range(0, 42, 8)]


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.3}, {"accumulate": 4}])
def test_an_epoch_equals_the_plain_loop(options: dict[str, Any]) -> None:
    by_hand, trained = network(norm=False, dropout=0.0), network(norm=False, dropout=0.0)
    losses = plain_loop(by_hand, ORDER, options.get("clip_norm"), options.get("accumulate", 1))
    trainer = Trainer(
        trained, optimizer="sgd", lr=0.1, momentum=0.9, options=TrainingOptions(**options)
    )

    history = trainer.fit(
        DataLoader(TensorDataset(IMAGES, LABELS), batch_size=8), epochs=1, progress=False
    )

    assert history.step_losses == pytest.approx(losses, abs=1e-6)
    for ours, plain in zip(trained.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-5)


def test_losses_and_accuracies_are_means_over_samples() -> None:
    model = network()
    trainer = Trainer(model, optimizer="sgd", lr=0.0)
    history = fit(trainer, 1)

    model.eval()
    outputs = model(CHECK[0])
    expected = functional.cross_entropy(outputs, CHECK[1]).item()
    accuracy = (outputs.argmax(1) == CHECK[1]).double().mean().item()
    assert history["validation_loss"] == [pytest.approx(expected, abs=1e-6)]
    assert history["validation_accuracy"] == [accuracy]
    weighted = sum(s * n for s, n in zip(history.step_losses, [8] * 5 + [2], strict=True)) / 42
    assert history["training_loss"] == [pytest.approx(weighted)]


def test_mixed_labels_are_learned_as_shares_of_the_classes() -> None:
    sets = data.drawn_shapes(train=40, validation=10, test=0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    twin = copy.deepcopy(model)
    batches = data.batches(sets.train, 40, augment=[data.MixUp()], seed=3)
    images, shares = next(iter(data.batches(sets.train, 40, augment=[data.MixUp()], seed=3)))
    expected = functional.cross_entropy(twin(images), shares).item()

    history = Trainer(model, optimizer="sgd", lr=0.1).fit(
        batches, sets.validation, epochs=1, progress=False
    )

    assert history["training_loss"][0] == pytest.approx(expected, rel=1e-6)
    guessed = twin(images).argmax(1) == shares.argmax(1)
    assert history["training_accuracy"][0] == pytest.approx(guessed.float().mean().item())


def test_shares_that_do_not_add_up_to_one_are_refused() -> None:
    images, shares = torch.randn(4, 2), torch.full((4, 3), 0.5)
    message = (
        "step 1, batch 1 of epoch 1: the labels are shares of the classes, but those of sample 0 "
        "add up to 1.5 or are negative: each row needs shares from 0 that add up to 1"
    )

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        Trainer(nn.Linear(2, 3)).fit((images, shares), epochs=1, progress=False)


def test_class_weights_and_label_smoothing_are_those_of_torch() -> None:
    model = network(dropout=0.0)
    options = TrainingOptions(class_weights=[1.0, 2.0, 0.5], label_smoothing=0.1)
    history = fit(Trainer(model, optimizer="sgd", lr=0.0, options=options), 1)

    model.eval()
    expected = functional.cross_entropy(
        model(CHECK[0]), CHECK[1], torch.tensor([1.0, 2.0, 0.5]), label_smoothing=0.1
    )
    assert history["validation_loss"] == [pytest.approx(expected.item(), abs=1e-6)]


def test_the_training_loss_is_the_weighted_mean_over_its_samples() -> None:
    labels = torch.tensor([0] * 38 + [1] * 4)  # rare: most batches hold no or one image of it
    class_weights = [0.5, 8.0, 1.0]
    model = network(norm=False, dropout=0.0)
    trainer = Trainer(
        model, optimizer="sgd", lr=0.0, options=TrainingOptions(class_weights=class_weights)
    )
    pair = (IMAGES, labels)
    history = trainer.fit(pair, pair, epochs=1, batch_size=8, progress=False)

    expected = functional.cross_entropy(model(IMAGES), labels, torch.tensor(class_weights)).item()
    assert history["training_loss"] == [pytest.approx(expected, rel=1e-6)]
    assert history["validation_loss"] == [pytest.approx(expected, rel=1e-6)]


def test_the_loss_of_an_interrupted_epoch_goes_on_with_its_weights() -> None:
    whole, first, second = Meter(), Meter(), Meter()
    outputs, targets = torch.zeros(2, 3), torch.tensor([0, 1])
    batches = [(torch.tensor(4.0), 1.0), (torch.tensor(1.0), torch.tensor(3.0))]
    for meter, some in ((whole, batches), (first, batches[:1])):
        for loss, weight in some:
            meter.add(loss, weight, outputs, targets, 1, 1)
        meter.settle(Processes())
    second.load_state_dict(first.state_dict(Processes()), Processes())
    second.add(*batches[1], outputs, targets, 2, 2)
    second.settle(Processes())

    assert whole.means(Processes()) == second.means(Processes()) == Means((4 + 3) / 4, 0.5, 4)


def test_shares_of_classes_are_validated_with_class_weights() -> None:
    shares = torch.softmax(torch.randn(17, 3, generator=torch.Generator().manual_seed(1)), 1)
    model = network(dropout=0.0)
    options = TrainingOptions(class_weights=[1.0, 2.0, 0.5])
    trainer = Trainer(model, optimizer="sgd", lr=0.0, options=options)
    history = fit(trainer, 1, check=(CHECK[0], shares))

    model.eval()
    expected = functional.cross_entropy(model(CHECK[0]), shares, torch.tensor([1.0, 2.0, 0.5]))
    assert history["validation_loss"] == [pytest.approx(expected.item(), rel=1e-6)]


def test_balanced_class_weights_are_the_inverse_shares() -> None:
    trainer = Trainer(network(), options=TrainingOptions(class_weights="balanced"))
    labels = torch.tensor([0] * 6 + [1] * 3 + [2] * 3)
    trainer.fit((IMAGES[:12], labels), epochs=1, progress=False)

    assert trainer.class_weights is not None
    assert trainer.class_weights.tolist() == pytest.approx([2 / 3, 4 / 3, 4 / 3])


def test_a_loss_of_ones_own_is_used() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 1))
    targets = torch.randn(42, 1)
    history = Trainer(model, loss=functional.mse_loss).fit(
        (IMAGES, targets), (IMAGES, targets), epochs=1, progress=False
    )

    assert history["validation_loss"] == [
        pytest.approx(functional.mse_loss(model(IMAGES), targets).item(), abs=1e-6)
    ]
    assert math.isnan(history["validation_accuracy"][0])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    models = [network(), network(), network()]
    for model, seed in zip(models, (5, 5, 6), strict=True):
        fit(Trainer(model, seed=seed))

    assert_equal_weights(weights(models[0]), weights(models[1]))
    assert not torch.equal(models[0][5].weight, models[2][5].weight)


def test_bfloat16_computes_in_bfloat16_and_keeps_float32_weights() -> None:
    seen = []
    model = network()
    model[5].register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    fit(Trainer(model, precision="bfloat16"), 1)

    assert set(seen) == {torch.bfloat16}
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_optimizers_come_by_name_by_function_and_as_they_are() -> None:
    models = [network() for _ in range(3)]
    own = torch.optim.AdamW(models[2].parameters(), lr=0.01, fused=True)
    optimizers: list[Any] = ["adamw", lambda p: torch.optim.AdamW(p, lr=0.01, fused=True), own]
    for model, optimizer in zip(models, optimizers, strict=True):
        fit(Trainer(model, optimizer=optimizer, lr=0.01 if optimizer == "adamw" else None))

    assert_equal_weights(weights(models[0]), weights(models[1]))
    assert_equal_weights(weights(models[0]), weights(models[2]))


@pytest.mark.parametrize(
    ("scheduler", "rates"),
    [
        (lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.1), [1.0, 1.0, 0.1, 0.1]),
        (
            lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=0),
            [1.0, 1.0, 0.1, 0.01],
        ),
        (
            lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, total_steps=24, pct_start=0.5),
            None,
        ),
    ],
)
def test_schedulers_step_when_they_should(scheduler: Any, rates: list[float] | None) -> None:
    trainer = Trainer(network(), loss=constant_loss, optimizer="sgd", lr=1.0, scheduler=scheduler)
    history = fit(trainer, 4)

    if rates is not None:
        assert history["learning_rate"] == pytest.approx(rates)
    else:  # 6 of 24 steps of the cycle in each epoch: on its way up, at the top, down, at the end
        assert history["learning_rate"][0] < history["learning_rate"][1] > 0.9
        assert history["learning_rate"][3] < 0.1


def constant_loss(outputs: torch.Tensor, _targets: torch.Tensor) -> torch.Tensor:
    """Never improves; a gradient of zero."""
    return outputs.sum() * 0 + 1


class Stream(IterableDataset[tuple[torch.Tensor, int]]):
    """Samples that come one after the other and that nobody has counted."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, int]]:
        return zip(IMAGES, LABELS.tolist(), strict=True)


@pytest.mark.parametrize("wrap", [lambda stream: stream, lambda stream: DataLoader(stream, 8)])
def test_a_stream_without_a_length_is_learned_from(wrap: Any) -> None:
    model, same = network(), network()
    trainer = Trainer(model, optimizer="sgd", lr=0.1)
    history = trainer.fit(wrap(Stream()), wrap(Stream()), epochs=2, batch_size=8, progress=False)
    known = DataLoader(TensorDataset(IMAGES, LABELS), batch_size=8)
    expected = Trainer(same, optimizer="sgd", lr=0.1).fit(known, known, epochs=2, progress=False)

    assert history["validation_loss"] == pytest.approx(expected["validation_loss"])
    assert_equal_weights(weights(model), weights(same))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_images_are_computed_in_the_type_of_the_weights(dtype: torch.dtype) -> None:
    losses = []
    for images in (IMAGES.double(), IMAGES):
        trainer = Trainer(network().to(dtype), optimizer="sgd", lr=0.1)
        history = trainer.fit((images, LABELS), (images, LABELS), epochs=2, progress=False)
        losses.append([*history["validation_loss"], trainer.evaluate((images, LABELS)).loss])

    assert losses[0] == losses[1]
