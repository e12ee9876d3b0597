"""The sweep of learning rates: against a plain loop and a quadratic, with nothing touched."""

from __future__ import annotations

import copy
import math
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from convkit import data
from convkit.errors import TrainingError
from convkit.training import RateCurve, find_learning_rate

CURVATURE = 4.0


class Quadratic(nn.Module):
    """One weight w; with `loss` below, the loss is CURVATURE / 2 * w**2, whatever the images."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        return self.weight * torch.ones(len(images), dtype=torch.float64)


def half_square(outputs: Tensor, _: Tensor) -> Tensor:
    return CURVATURE / 2 * (outputs**2).mean()


def pairs(samples: int = 64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(samples) % 2
    return torch.randn(samples, 3, 4, 4, generator=generator) + labels.view(-1, 1, 1, 1), labels


def small_model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, kernel_size=3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(16, 2),
    )  # fmt: skip


def quadratic_by_hand(low: float, high: float, steps: int) -> tuple[list[float], list[float]]:
    """Gradient descent on the quadratic, written out: w <- w - rate * CURVATURE * w."""
    weight, rates, losses = 1.0, [], []
    for i in range(steps):
        rate = low * (high / low) ** (i / (steps - 1))
        rates.append(rate)
        losses.append(CURVATURE / 2 * weight**2)
        weight -= rate * CURVATURE * weight
    return rates, losses


def test_the_curve_of_a_quadratic_is_the_one_written_out() -> None:
    curve = find_learning_rate(
        Quadratic(), pairs(), loss=half_square, optimizer="sgd", low=1e-4, high=1.0, steps=60
    )

    rates, losses = quadratic_by_hand(1e-4, 1.0, 60)
    count = len(curve.losses)
    assert curve.rates == pytest.approx(rates[:count], rel=1e-12)
    assert curve.losses == pytest.approx(losses[:count], rel=1e-9)
    assert count == 60
    assert curve.end == "It did not diverge up to 1."


def test_the_smoothed_curve_and_the_suggestion_follow_their_formulas() -> None:
    curve = find_learning_rate(
        Quadratic(), pairs(), loss=half_square, optimizer="sgd", low=1e-4, high=1.0, steps=60
    )

    places = np.log10(curve.rates)
    weights = np.exp(-np.abs(places[:, None] - places[None, :]) / 0.4)
    ceiling = 1.25 * curve.losses[0]
    expected = weights @ np.minimum(curve.losses, ceiling) / weights.sum(1)
    assert curve.smoothed == pytest.approx(expected, rel=1e-9)

    lowest = int(np.argmin(expected))
    slopes = (expected[2:] - expected[:-2]) / (places[2:] - places[:-2])
    allowed = [i for i in range(1, lowest) if curve.rates[i] * 3 <= curve.rates[lowest]]
    assert curve.suggestion == curve.rates[min(allowed, key=lambda i: slopes[i - 1])]


@pytest.mark.parametrize("curvature", [0.01, 1.0, 100.0])
def test_the_suggestion_for_a_quadratic_converges_and_scales_with_it(
    curvature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "CURVATURE", curvature)

    suggestion = find_learning_rate(
        Quadratic(), pairs(), loss=half_square, optimizer="sgd", low=1e-6, high=1e4, steps=200
    ).suggestion

    # Gradient descent converges below 2 / curvature, and in one step at 1 / curvature.
    assert suggestion is not None
    assert 0.01 < suggestion * curvature < 1


def test_the_losses_are_those_of_a_plain_loop() -> None:
    images, labels = pairs()
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    twin = copy.deepcopy(model)
    loader = DataLoader(TensorDataset(images, labels), batch_size=16)

    curve = find_learning_rate(model, loader, optimizer="sgd", steps=10)

    optimizer = torch.optim.SGD(twin.parameters(), lr=1.0)
    batches = [*loader, *loader, *loader]
    plain = []
    for rate, (batch, truth) in zip(curve.rates, batches, strict=False):
        loss = nn.functional.cross_entropy(twin(batch), truth)
        plain.append(loss.item())
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert curve.losses == pytest.approx(plain, rel=1e-6)
    assert curve.rates[0] == 1e-7
    assert curve.rates[-1] == pytest.approx(10)


def test_a_real_task_gets_a_rate_that_trains_it() -> None:
    images, labels = pairs(512)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))

    rate = find_learning_rate(model, (images, labels), optimizer="sgd").suggestion

    assert rate is not None
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    first = nn.functional.cross_entropy(model(images), labels)
    for _ in range(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    assert loss < 0.5 * first


def states(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return copy.deepcopy(
        {
            "weights": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "modes": [module.training for module in model.modules()],
            "gradients": [parameter.grad for parameter in model.parameters()],
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),  # noqa: NPY002 - the state that users draw from
            "python": random.getstate(),
        }
    )


def assert_same(one: Any, other: Any) -> None:
    """Equal to the bit, however deep."""
    assert type(one) is type(other)
    if isinstance(one, Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, np.ndarray):
        assert np.array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        assert_same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


def trained() -> tuple[nn.Sequential, torch.optim.Optimizer]:
    """A model and an optimizer with gradients, momenta and statistics of their own."""
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    nn.functional.cross_entropy(model(pairs()[0]), pairs()[1]).backward()
    optimizer.step()
    model[1].eval()
    return model, optimizer


@pytest.mark.parametrize("given", ["sgd", "instance"])
def test_nothing_is_touched(given: str) -> None:
    model, optimizer = trained()
    before = states(model, optimizer)

    find_learning_rate(model, pairs(), optimizer=optimizer if given == "instance" else given)

    assert_same(before, states(model, optimizer))


@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyboardInterrupt])
def test_nothing_is_touched_when_it_is_interrupted(kind: type[BaseException]) -> None:
    model, optimizer = trained()
    generator = torch.Generator().manual_seed(3)
    loader = DataLoader(TensorDataset(*pairs()), batch_size=8, shuffle=True, generator=generator)
    before = states(model, optimizer), generator.get_state()
    calls = []

    def failing(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(random.random() + float(torch.rand(1)))
        if len(calls) == 12:
            raise kind
        return nn.functional.cross_entropy(outputs, targets)

    with pytest.raises(kind):
        find_learning_rate(model, loader, optimizer=optimizer, loss=failing)

    assert len(calls) == 12
    assert_same(before, (states(model, optimizer), generator.get_state()))


def test_the_momenta_of_a_given_optimizer_count() -> None:
    model, optimizer = trained()

    fresh = find_learning_rate(
        model, pairs(), optimizer=lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9), high=0.1
    )
    going_on = find_learning_rate(model, pairs(), optimizer=optimizer, high=0.1)

    assert fresh.losses[0] == going_on.losses[0]
    assert fresh.losses != going_on.losses


def test_the_position_of_batches_is_kept() -> None:
    images = torch.randint(0, 256, (64, 3, 4, 4), dtype=torch.uint8)
    sets = data.arrays(images, pairs()[1], images, pairs()[1], class_names=["a", "b"])
    batches = data.batches(sets.train, 8, seed=5)
    epoch = iter(batches)
    next(epoch)
    before = batches.state_dict()
    plain = data.batches(sets.train, 8, seed=5)

    find_learning_rate(small_model(), batches, steps=20)

    assert batches.state_dict() == before
    expected = list(plain)[1:] + list(plain)
    for one, other in zip([*epoch, *batches], expected, strict=True):
        assert_same(one, other)


def test_the_epoch_of_a_sampler_is_kept() -> None:
    sampler = torch.utils.data.DistributedSampler(
        TensorDataset(*pairs()), num_replicas=1, rank=0, seed=1
    )
    sampler.set_epoch(4)
    loader = DataLoader(TensorDataset(*pairs()), batch_size=32, sampler=sampler)

    find_learning_rate(small_model(), loader, steps=10)

    assert sampler.epoch == 4


def test_rates_of_several_groups_keep_their_ratio() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 4), nn.Linear(4, 2))
    seen = []

    class Watched(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    groups = [
        {"params": model[1].parameters(), "lr": 0.001},
        {"params": model[2].parameters(), "lr": 0.1},
    ]
    curve = find_learning_rate(model, pairs(), optimizer=Watched(groups), steps=10, high=1e-3)

    assert [rates[1] for rates in seen] == pytest.approx(curve.rates, rel=1e-12)
    assert [rates[0] for rates in seen] == pytest.approx([r / 100 for r in curve.rates], rel=1e-12)


def test_a_loss_that_diverges_ends_the_sweep() -> None:
    curve = find_learning_rate(
        Quadratic(), pairs(), loss=half_square, optimizer="sgd", low=1e-2, high=1e3, steps=60
    )

    assert len(curve.losses) < 60
    assert re.fullmatch(r"The loss diverged at .*, where the sweep ended\.", curve.end)


def test_a_loss_that_is_no_number_ends_the_sweep() -> None:
    def breaking(outputs: Tensor, targets: Tensor) -> Tensor:
        loss = half_square(outputs, targets)
        return loss * math.nan if loss < 0.1 else loss

    curve = find_learning_rate(
        Quadratic(), pairs(), loss=breaking, optimizer="sgd", low=1e-4, high=1.0, steps=60
    )

    assert all(map(math.isfinite, curve.losses))
    assert curve.end.startswith("The loss was no number at ")


def test_a_network_that_cannot_learn_gets_no_suggestion() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (6400,), generator=generator)  # of nothing in the images
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))

    curve = find_learning_rate(model, (torch.randn(6400, 4), labels), optimizer="sgd", high=1e-2)

    assert curve.suggestion is None
    assert curve.reason.startswith("The smoothed loss never fell beyond its noise")
    assert str(curve).startswith("Suggested learning rate: none. ")


def test_a_last_batch_of_one_is_left_out_with_batch_norm() -> None:
    images, labels = pairs(17)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    assert len(find_learning_rate(model, (images, labels), batch_size=16, steps=10).losses) == 10


class Once:
    """An iterator."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return pairs()


@pytest.mark.parametrize(
    ("given", "settings", "message"),
    [
        (pairs(), {"low": 0.0}, "the rates rise from low above 0 to high, not from 0.0 to 10.0"),
        (pairs(), {"high": 1e-8}, ("the rates rise from low above 0 to high, not from 1e-07 to "
         "1e-08")),
        (pairs(), {"steps": 9}, "steps is a whole number from 10 to 100,000, not 9"),
        (Once(), {}, ("the data are an iterator (Once), which the sweep would use up: give the "
         "loader itself")),
        (pairs(1), {}, "the data have no batch that can be learned from"),
        (None, {}, ("the training data are None: give an image set, a data set, a loader or a pair "
         "(images, labels)")),
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_refused(
    given: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        find_learning_rate(small_model(), given, **settings)


def test_a_loss_that_never_was_a_number_is_refused() -> None:
    message = (
        "the loss is no number at step 1 of the sweep, at the learning rate 1e-07: look at the "
        "images, the labels and the loss"
    )
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        find_learning_rate(small_model(), pairs(), loss=lambda o, _: o.sum() * math.nan)


def test_the_picture_is_logarithmic_and_marks_the_suggestion() -> None:
    curve = RateCurve(
        (0.1, 1.0, 10.0), (3.0, 2.0, 9.0), smoothed=(3.0, 2.5, 4.0), suggestion=0.5, reason="",
        end="",
    )  # fmt: skip

    axes = curve.plot(title="sweep").axes[0]

    assert axes.get_xscale() == "log"
    assert list(axes.lines[-1].get_xdata()) == [0.5, 0.5]
    assert axes.get_title() == "suggested: 0.5"
