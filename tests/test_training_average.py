"""Averaged weights: the mean that torch computes, validated, kept, given back, gone on with."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from convkit import Trainer
from convkit.errors import CheckpointError, TrainingError
from convkit.training import BackToBest, Event, TrainingOptions

IMAGES = torch.randn(42, 2, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(42) % 3
CHECK = (IMAGES[:17] + 0.1, LABELS[:17])
Weights = dict[str, torch.Tensor]


def network() -> nn.Sequential:
    """A small network with batch norm and dropout."""
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


class Watched:
    """A training whose weights after every step are noted, and averaged by torch."""

    def __init__(self, decay: float, **options: Any) -> None:
        self.model = network()
        self.weights: list[Weights] = []
        mean = get_ema_multi_avg_fn(decay)
        self.averaged = AveragedModel(self.model, multi_avg_fn=mean, use_buffers=True)
        optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        optimizer.register_step_post_hook(self._note)
        self.trainer = Trainer(
            self.model,
            optimizer=optimizer,
            options=TrainingOptions(average_weights=decay, **options),
        )

    def _note(self, *_: object) -> None:
        self.averaged.update_parameters(self.model)
        self.weights.append(copy.deepcopy(self.model.state_dict()))

    def mean(self, decay: float, steps: int) -> Weights:
        """The mean of the first steps' weights by its definition, in float64."""
        factors = [decay ** (steps - step) for step in range(1, steps + 1)]
        return {
            name: sum(f * w[name].double() for f, w in zip(factors, self.weights, strict=False))
            / sum(factors)
            for name in self.weights[0]
        }


def fit(trainer: Trainer, epochs: int = 3, *, check: Any = CHECK, **more: Any) -> Any:
    """Train quietly, six steps in an epoch."""
    return trainer.fit((IMAGES, LABELS), check, epochs=epochs, batch_size=8, progress=False, **more)


def assert_equal(one: Weights, other: Weights) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.mark.parametrize(
    "options",
    [{}, {"accumulate": 4}, {"channels_last": True}, {"channels_last": False}],
    ids=["plain", "accumulated", "channels last", "channels first"],
)
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_the_mean_is_torchs_without_the_bias_of_its_start(
    decay: float, options: dict[str, Any]
) -> None:
    """Torch begins with the first weights: its mean is (1 - b**t) m + b**t w_1."""
    watched = Watched(decay, **options)
    fit(watched.trainer, check=None)

    steps = len(watched.weights)
    assert steps == 3 * (2 if "accumulate" in options else 6)
    first, ours = watched.weights[0], watched.model.state_dict()
    for name, theirs in watched.averaged.module.state_dict().items():
        if theirs.is_floating_point():
            expected = (1 - decay**steps) * ours[name] + decay**steps * first[name]
            torch.testing.assert_close(theirs, expected, atol=1e-6, rtol=1e-5)
            by_definition = watched.mean(decay, steps)[name].float()
            torch.testing.assert_close(ours[name], by_definition, atol=1e-6, rtol=1e-5)
        else:
            assert torch.equal(ours[name], watched.weights[-1][name])


def test_the_mean_is_what_is_validated_and_its_best_comes_back() -> None:
    watched = Watched(0.8)
    history = fit(watched.trainer, 5)

    expected = []
    judge = network().eval()
    for steps in range(6, 31, 6):
        judge.load_state_dict(watched.mean(0.8, steps), strict=True)
        expected.append(functional.cross_entropy(judge(CHECK[0]), CHECK[1]).item())
    assert history["validation_loss"] == pytest.approx(expected, abs=1e-5)
    best = expected.index(min(expected)) + 1
    assert history.best_epoch == best
    for name, mean in watched.mean(0.8, 6 * best).items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(
                watched.model.state_dict()[name].double(), mean, atol=1e-6, rtol=1e-5
            )


def test_a_mean_of_weight_zero_is_no_mean() -> None:
    plain, averaged = network(), network()
    history = fit(Trainer(plain))
    same = fit(Trainer(averaged, options=TrainingOptions(average_weights=0.0)))

    assert_equal(plain.state_dict(), averaged.state_dict())
    assert same["validation_loss"] == history["validation_loss"]


@pytest.mark.parametrize("options", [{}, {"validations_per_epoch": 3}])
def test_averaging_changes_nothing_of_what_is_trained(options: dict[str, Any]) -> None:
    plain = fit(Trainer(network(), options=TrainingOptions(**options)))
    averaged = fit(Trainer(network(), options=TrainingOptions(average_weights=0.9, **options)))

    assert averaged.step_losses == plain.step_losses
    assert averaged["validation_loss"] != plain["validation_loss"]


def test_a_weight_of_two_names_has_one_mean() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.one, self.other = nn.Linear(72, 72), nn.Linear(72, 72)
            self.other.weight = self.one.weight

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.other(self.one(images.flatten(1)).relu())

    def losses(decay: float | None, **more: Any) -> Any:
        options = TrainingOptions(average_weights=decay)
        return fit(Trainer(Tied(), optimizer="sgd", lr=0.1, options=options, **more))

    assert losses(0.9).step_losses == losses(None).step_losses
    assert losses(0.0)["validation_loss"] == losses(None)["validation_loss"]


def test_back_to_the_best_takes_the_mean_back_too() -> None:
    """After the return nothing moves any more, so the mean must stay where it was the best."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 3))
    options = TrainingOptions(average_weights=0.9, back_to_best=BackToBest(1, rate_factor=1e-30))
    trainer = Trainer(
        model,
        optimizer="sgd",
        lr=30.0,
        scheduler=lambda o: LambdaLR(o, lambda epoch: 1.0 if epoch else 1e-4),
        options=options,
    )
    history = fit(trainer, 4)

    best, spoilt, third, fourth = history["validation_loss"]
    assert spoilt > best
    assert third == fourth == best


def test_without_a_validation_set_the_last_mean_comes_back_and_is_loaded(tmp_path: Path) -> None:
    model, options = network(), TrainingOptions(average_weights=0.9)
    fit(Trainer(model, directory=tmp_path, options=options), check=None)
    plain = network()
    fit(Trainer(plain), check=None)
    assert not torch.equal(model[6].weight, plain[6].weight)

    loaded = network()
    Trainer.load(tmp_path, loaded)

    assert_equal(loaded.state_dict(), model.state_dict())


def test_fit_called_again_begins_a_new_mean() -> None:
    watched = Watched(0.999)
    fit(watched.trainer, 1, check=None)
    watched.weights.clear()
    fit(watched.trainer, 1, check=None)

    mean = watched.mean(0.999, 6)["6.weight"]
    torch.testing.assert_close(watched.model[6].weight.double(), mean, atol=1e-6, rtol=1e-5)


def test_an_exception_while_validating_leaves_the_best_mean() -> None:
    model, kept = network(), []

    def trouble(event: Event) -> None:
        if event.what == "validation":
            if len(event.history) == 2:
                raise ValueError("trouble")
            kept.append(copy.deepcopy(event.trainer._state.best))

    options = TrainingOptions(average_weights=0.9)
    trainer = Trainer(model, optimizer="sgd", lr=30.0, callbacks=[trouble], options=options)
    with pytest.raises(ValueError, match=r"^trouble$"):
        fit(trainer)

    assert_equal(model.state_dict(), kept[0])


@pytest.mark.parametrize("first", [None, 0.9])
def test_a_checkpoint_with_and_one_without_a_mean_are_not_mixed(
    tmp_path: Path, first: float | None
) -> None:
    second = 0.9 if first is None else None
    fit(Trainer(network(), directory=tmp_path, options=TrainingOptions(average_weights=first)), 1)
    message = (
        f"the checkpoint was written with average_weights {first}, this call has average_weights "
        f"{second}: go on with the same settings, or train into another directory"
    )

    trainer = Trainer(
        network(), directory=tmp_path, options=TrainingOptions(average_weights=second)
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        fit(trainer, 2, resume=True)


@pytest.mark.parametrize("decay", [1.0, -0.1, float("nan")])
def test_a_weight_of_the_past_that_cannot_be_is_refused(decay: float) -> None:
    message = f"average_weights lies from 0 to below 1, not {decay}"

    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        TrainingOptions(average_weights=decay)
