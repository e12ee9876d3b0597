"""The Trainer: what it learns, measures, refuses, and gives back."""

from __future__ import annotations

import copy
import math
import os
import random
import re
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from convkit import EarlyStopping, Trainer, data
from convkit.errors import RunError, TrainingError
from convkit.training import BackToBest, Event, Smoothing, StopReason, TrainingOptions
from convkit.training._place import pays_channels_last

IMAGES = torch.randn(42, 2, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(42) % 3
CHECK = (IMAGES[:17] + 0.1, LABELS[:17])


def network(*, norm: bool = True, dropout: float = 0.2) -> nn.Sequential:
    """A small network."""
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


def fit(trainer: Trainer, epochs: int = 3, *, check: Any = CHECK, **more: Any) -> Any:
    """Train quietly."""
    return trainer.fit((IMAGES, LABELS), check, epochs=epochs, batch_size=8, progress=False, **more)


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of weights and buffers."""
    return copy.deepcopy(model.state_dict())


def assert_equal_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


# --- it computes what a plain loop computes ---------------------------------------------------


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


# --- validations and the stop rule --------------------------------------------------------------


def test_validations_are_spread_over_the_epoch() -> None:
    history = fit(Trainer(network(), options=TrainingOptions(validations_per_epoch=3)), 2)

    assert history["step"] == [2, 4, 6, 8, 10, 12]  # 6 steps in an epoch
    assert history["epoch"] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])


def test_validating_every_n_steps_counts_through_the_epochs() -> None:
    history = fit(Trainer(network(), options=TrainingOptions(validate_every=4)), 2)

    assert history["step"] == [4, 8, 12]
    assert history["epoch"] == pytest.approx([4 / 6, 8 / 6, 2])


class Scripted(nn.Module):
    """A network whose validation losses are written out, whatever it learns."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.layer = nn.Linear(72, 3)
        self.register_buffer("epochs", torch.zeros(()))
        self.losses = losses

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            return self.layer(images.flatten(1))
        return torch.full((len(images), 1), self.losses[int(self.epochs)])


def scripted_loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The written-out loss while validating."""
    if outputs.shape[1] == 1:
        return outputs.mean()
    return functional.cross_entropy(outputs, targets)


def scripted(losses: list[float], rule: EarlyStopping | None, **more: Any) -> tuple[Any, Any]:
    """Train on written-out validation losses; the weights after each epoch, and the history."""
    model = Scripted(losses)
    after: list[dict[str, torch.Tensor]] = []

    def note(event: Event) -> None:
        if event.what == "validation":
            after.append(weights(model))
            model.epochs += 1

    trainer = Trainer(model, loss=scripted_loss, early_stopping=rule, callbacks=[note], **more)
    history = trainer.fit((IMAGES, LABELS), CHECK, epochs=len(losses), progress=False)
    return (model, after), history


def test_training_stops_and_gives_back_what_the_smoothed_rule_says() -> None:
    losses = [1.0, 0.8, 0.9, 0.85, 0.7, 0.75, 0.74, 0.73]
    (model, after), history = scripted(
        losses, EarlyStopping(2, smoothing=Smoothing.moving_average(2))
    )

    assert history["smoothed_validation_loss"] == pytest.approx(
        [1, 0.9, 0.85, 0.875, 0.775, 0.725, 0.745, 0.735]
    )
    assert (history.best_epoch, len(history), history.stop.reason) == (6, 8, "patience")
    assert_equal_weights(
        {k: v for k, v in after[5].items() if k != "epochs"},
        {k: v for k, v in weights(model).items() if k != "epochs"},
    )


def test_a_validation_loss_of_nan_ends_training_with_that_reason() -> None:
    _, history = scripted([1.0, math.nan, 0.5], EarlyStopping(5))

    assert (len(history), history.best_epoch) == (2, 1)
    assert history.stop.reason == StopReason.NOT_FINITE
    assert history.stop_reason == "the validation loss of validation 2 is nan"


def test_back_to_the_best_when_stuck_restores_weights_and_lowers_the_rate() -> None:
    options = TrainingOptions(back_to_best=BackToBest(2, rate_factor=0.1))
    returns = []
    model = Scripted([0.5, 0.9, 0.8, 0.7, 0.6, 0.4])
    after: list[torch.Tensor] = []

    def note(event: Event) -> None:
        if event.what == "validation":
            after.append(model.layer.weight.detach().clone())
            model.epochs += 1
        if event.what == "back_to_best":
            returns.append((event.epoch, torch.equal(model.layer.weight, after[0])))
            model.epochs += len(after) - model.epochs

    trainer = Trainer(
        model, loss=scripted_loss, optimizer="sgd", lr=1.0, callbacks=[note], options=options
    )
    history = trainer.fit((IMAGES, LABELS), CHECK, epochs=6, progress=False)

    assert returns == [(3.0, True), (5.0, True)]
    assert history["learning_rate"] == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01])
    assert history.best_epoch == 6


@pytest.mark.parametrize("how", ["patience", "last epoch", "interrupt", "signal", "exception"])
def test_the_best_weights_are_those_of_a_run_of_exactly_best_epochs(how: str) -> None:
    """Buffers of batch norm too, however training ended."""
    torch.manual_seed(0)
    check = (torch.randn(17, 2, 6, 6), torch.randint(0, 3, (17,)))  # nothing that can be learned

    def trouble(event: Event) -> None:
        if event.what == "epoch" and event.epoch == 9:
            if how == "interrupt":
                raise KeyboardInterrupt
            if how == "signal":
                os.kill(os.getpid(), signal.SIGINT)
            if how == "exception":
                raise ZeroDivisionError("in the ninth epoch")

    model = network()
    rule = EarlyStopping(3 if how == "patience" else 50, smoothing=0.3)
    trainer = Trainer(
        model, optimizer="sgd", lr=0.3, early_stopping=rule, callbacks=[trouble], seed=3
    )
    if how == "exception":
        with pytest.raises(ZeroDivisionError, match=r"^in the ninth epoch$"):
            fit(trainer, 12, check=check)
    else:
        fit(trainer, 40 if how == "patience" else 12, check=check)

    history = trainer.history
    expected = {"interrupt": "interrupted", "signal": "interrupted", "exception": "error"}
    assert history.stop is not None
    assert history.stop.reason == expected.get(how, how)
    assert history.best_epoch < len(history)
    fresh = network()
    rule = EarlyStopping(None, smoothing=0.3)
    final: dict[str, torch.Tensor] = {}

    def keep(event: Event) -> None:
        if event.what == "epoch":
            final.update(weights(fresh))

    again = Trainer(fresh, optimizer="sgd", lr=0.3, early_stopping=rule, callbacks=[keep], seed=3)
    fit(again, int(history.best_epoch), check=check)
    assert_equal_weights(weights(model), final)


def test_a_second_ctrl_c_ends_at_once() -> None:
    def impatient(event: Event) -> None:
        if event.what == "validation":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    history = fit(Trainer(network(), callbacks=[impatient]), 5)

    assert (len(history), history.stop_reason) == (1, "interrupted by Ctrl-C")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_fit_called_again_trains_so_many_epochs_more() -> None:
    once, twice = network(), network()
    fit(Trainer(once, optimizer="sgd", lr=0.01), 4)
    trainer = Trainer(twice, optimizer="sgd", lr=0.01)
    fit(trainer, 2)
    history = fit(trainer, 2)

    assert history["epoch"] == [1, 2, 3, 4]
    assert history.best_epoch == 4  # the loss falls throughout, so nothing was given back
    assert_equal_weights(weights(once), weights(twice))


def test_a_callback_may_end_training() -> None:
    def enough(event: Event) -> None:
        if event.what == "validation" and event.history["training_loss"][-1] < 10:
            event.stop = "good enough"

    history = fit(Trainer(network(), callbacks=[enough]), 5)

    assert (len(history), history.stop_reason) == (1, "good enough")
    assert history.stop.reason == StopReason.CALLBACK


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_evaluating_in_a_callback_changes_nothing(optimizer: str) -> None:
    """The inner call must not lay out anew the weights that the optimizer's moments belong to."""
    images, labels = torch.randn(32, 2, 6, 6), torch.arange(32) % 3

    def evaluate(event: Event) -> None:
        if event.what == "validation":
            event.trainer.evaluate((images, labels))

    results = []
    for callbacks in ((), (evaluate,)):
        model = network()
        trainer = Trainer(
            model,
            optimizer=optimizer,
            lr=0.05,
            momentum=0.9 if optimizer == "sgd" else None,
            callbacks=callbacks,
            options=TrainingOptions(channels_last=True),
        )
        fit(trainer, 3)
        results.append(weights(model))

    assert_equal_weights(*results)


def test_callbacks_hear_everything_in_order() -> None:
    heard: list[str] = []
    fit(Trainer(network(), callbacks=[lambda event: heard.append(event.what)]), 2)

    assert heard == ["begin", "validation", "epoch", "validation", "epoch", "end"]


# --- what is left as it was -----------------------------------------------------------------


def test_random_state_modes_and_layout_come_back() -> None:
    model = network()
    model[3].eval()
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state is what is looked at
    trainer = Trainer(model, options=TrainingOptions(channels_last=True))
    fit(trainer)
    trainer.evaluate(CHECK)
    trainer.predict(IMAGES)
    found = (torch.rand(1).item(), random.random(), np.random.rand())  # noqa: NPY002 - as above

    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - as above
    assert found == (torch.rand(1).item(), random.random(), np.random.rand())  # noqa: NPY002
    assert [layer.training for layer in model] == [True, True, True, False, True, True]
    assert model[0].weight.is_contiguous()
    assert (torch.tensor([1.1754944e-38]) * 0.5).item() > 0  # denormal numbers are back


@pytest.mark.parametrize(
    ("channels", "stride", "expected"), [(8, 2, False), (16, 2, True), (8, 1, True)]
)
def test_a_layer_that_crashes_in_channels_last_keeps_the_network_out_of_it(
    channels: int, stride: int, expected: bool
) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, channels, kernel_size=3, padding=1),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, 12, kernel_size=1, stride=stride),
    )

    assert pays_channels_last(model, torch.device("cpu"), "float32") is expected


def test_channels_last_changes_the_speed_and_not_the_result() -> None:
    found = []
    for layout in (False, True):
        model = network(dropout=0.0)
        options = TrainingOptions(channels_last=layout)
        found.append(fit(Trainer(model, optimizer="sgd", lr=0.1, options=options)))

    assert found[0]["validation_loss"] == pytest.approx(found[1]["validation_loss"], abs=1e-5)


def test_nothing_is_printed_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    fit(Trainer(network()))

    assert capsys.readouterr() == ("", "")


def test_progress_is_one_line_for_each_epoch_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Trainer(network(), early_stopping=EarlyStopping(5)).fit(
        (IMAGES, LABELS), CHECK, epochs=2, batch_size=8
    )

    out, err = capsys.readouterr()
    number, time = r"\d\.\d{4}", r"\d+\.\d s"
    means = rf"training loss {number} \(\d+\.\d%\), validation loss {number} \(\d+\.\d%\)"
    assert out == ""
    assert re.fullmatch(
        rf"epoch 1/2, {means}, {time}, {time} left\n"
        rf"epoch 2/2, {means}, smoothed {number}, {time}, 0\.0 s left\n"
        r"all 2 epochs are done\n",
        err,
    )


# --- one sample --------------------------------------------------------------------------------


def test_a_last_batch_of_one_is_left_out_with_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    trainer = Trainer(model)
    history = trainer.fit((IMAGES[:9], LABELS[:9]), epochs=2, batch_size=4)

    notice = "a last batch of one sample is left out of training: batch norm needs two"
    assert capsys.readouterr().err.splitlines().count(notice) == 1
    assert history["step"] == [2, 4]
    assert len(trainer.evaluate((IMAGES[:9], LABELS[:9]), batch_size=4)) == 9


def test_without_batch_norm_a_batch_of_one_is_trained() -> None:
    trainer = Trainer(network(norm=False))

    history = trainer.fit((IMAGES[:9], LABELS[:9]), epochs=1, batch_size=4, progress=False)

    assert history["step"] == [3]


# --- evaluate and predict ------------------------------------------------------------------------


def test_evaluate_measures_every_sample_once() -> None:
    model = network()
    trainer = Trainer(model, class_names=("a", "b", "c"))
    result = trainer.evaluate((IMAGES, LABELS), batch_size=5)

    model.eval()
    outputs = model(IMAGES)
    assert result.loss == pytest.approx(functional.cross_entropy(outputs, LABELS).item(), abs=1e-6)
    assert result.accuracy == (outputs.argmax(1) == LABELS).double().mean().item()
    assert result.confusion.counts.sum() == 42
    assert result.accuracy_interval.low < result.accuracy < result.accuracy_interval.high
    torch.testing.assert_close(result.probabilities, outputs.softmax(1))
    assert re.fullmatch(
        r"test: loss \d\.\d{4}, accuracy \d+\.\d\d% \(95 % interval \d+\.\d\d% to \d+\.\d\d%\), "
        r"mean average precision 0\.\d{4}, 42 samples",
        str(result),
    )


def test_equal_scores_go_to_the_first_class() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 3))
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)
    trainer = Trainer(model)

    assert trainer.predict(IMAGES).labels.tolist() == [0] * 42
    assert trainer.evaluate((IMAGES, LABELS)).confusion.counts[:, 0].tolist() == [14, 14, 14]


def test_predictions_are_written_as_the_courses_want(tmp_path: Path) -> None:
    predictions = Trainer(network()).predict(IMAGES[:3])

    lines = predictions.to_csv(tmp_path / "p.csv").read_text().splitlines()

    assert lines[0] == "image_name,predicted_class_id"
    assert lines[1:] == [f"{i},{label}" for i, label in enumerate(predictions.labels.tolist())]
    header = predictions.to_csv(tmp_path / "q.csv", columns=("file", "class")).read_text()
    assert header.startswith("file,class\n")


def test_an_image_set_brings_names_classes_and_preprocessing(tmp_path: Path) -> None:
    from PIL import Image

    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    image_set = data.ImageSet(
        pixels, torch.arange(6) % 2, class_names=("cat", "dog"), names=list("uvwxyz")
    )
    trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)))
    trainer.fit(image_set, image_set, epochs=1, progress=False)
    path = tmp_path / "one.png"
    Image.fromarray(pixels[0].permute(1, 2, 0).numpy()).save(path)

    known = trainer.predict(image_set)
    fresh = trainer.predict([path])

    assert (known.names, known.class_names) == (tuple("uvwxyz"), ("cat", "dog"))
    assert fresh.names == (str(path),)
    torch.testing.assert_close(fresh.probabilities, known.probabilities[:1])


# --- bad input ---------------------------------------------------------------------------------


def failing(message: str, action: Any, kind: type[Exception] = TrainingError) -> None:
    """The action fails with this whole message."""
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        action()


def test_a_label_outside_the_classes_is_named_before_anything_is_learned(tmp_path: Path) -> None:
    labels = LABELS.clone()
    labels[40] = 3
    model = network()
    before = weights(model)
    trainer = Trainer(model, directory=tmp_path / "run")

    failing(
        "the training set: label 3 is outside the 3 classes 0 to 2 that the network has outputs "
        "for: give its last layer 4 outputs, or mend the label",
        lambda: trainer.fit((IMAGES, labels), CHECK, epochs=1, batch_size=8, progress=False),
    )
    failing(
        "the validation set: label -1 is below 0: the classes are numbered from 0 to 2",
        lambda: Trainer(model).fit((IMAGES, LABELS), (IMAGES, LABELS - 1), epochs=1),
    )
    assert model[5].weight.equal(before["5.weight"])
    assert not (tmp_path / "run" / "last.pt").exists()


def test_a_label_that_a_loader_hides_is_named_with_its_batch() -> None:
    labels = LABELS.clone()
    labels[40] = 3
    loader = DataLoader(TensorDataset(IMAGES, labels), batch_size=8)

    failing(
        "step 6, batch 6 of epoch 1: label 3 is outside the 3 classes 0 to 2 that the network has "
        "outputs for: give its last layer 4 outputs, or mend the label",
        lambda: Trainer(network()).fit(loader, epochs=1, progress=False),
    )


def test_nan_in_the_training_loss_names_step_and_batch(tmp_path: Path) -> None:
    images = IMAGES.clone()
    images[20] = math.nan
    trainer = Trainer(network(), directory=tmp_path / "run")
    loader = DataLoader(TensorDataset(images, LABELS), batch_size=8)

    failing(
        "the training loss of step 3, batch 3 of its epoch, is nan: lower the learning rate, or "
        "look for values in the images that are not finite",
        lambda: trainer.fit(loader, epochs=1, progress=False),
    )
    assert trainer.history.stop is not None
    assert trainer.history.stop.reason == StopReason.ERROR
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [".lock", "configuration.json"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            nn.Conv2d(2, 3, 1),
            (
                "step 1, batch 1 of epoch 1: the network returns (8, 3, 6, 6) for 8 labels, "
                "cross-entropy needs (8, classes): end the network with Flatten and Linear(classes)"
            ),
        ),
        (
            nn.Sequential(nn.Flatten(), nn.LSTM(72, 3)),
            (
                "step 1, batch 1 of epoch 1: the network returns a tuple, cross-entropy needs one "
                "tensor (N, classes): give loss= a function of what the network returns"
            ),
        ),
    ],
)
def test_outputs_of_a_wrong_shape_are_refused(model: nn.Module, message: str) -> None:
    failing(message, lambda: fit(Trainer(model)))


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ((IMAGES[:0], LABELS[:0]), "the training set is empty: there is nothing to work on"),
        (
            (IMAGES, LABELS[:3]),
            "the training data have 42 images and 3 labels: each image needs one label",
        ),
        (
            (IMAGES.to(torch.uint8), LABELS),
            (
                "the training images are uint8, a network takes floats: make an image set with "
                "convkit.data.arrays, or scale them yourself"
            ),
        ),
        (
            None,
            (
                "the training data are None: give an image set, a data set, a loader or a pair "
                "(images, labels)"
            ),
        ),
        (
            [IMAGES],
            "the training data are a list of 1 (Tensor): give a pair (images, labels) of tensors",
        ),
        (
            TensorDataset(IMAGES),
            "a loader gives pairs (images, labels), this one gave a list",
        ),
    ],
)
def test_data_that_cannot_be_fed_are_refused(training: Any, message: str) -> None:
    trainer = Trainer(network())

    failing(message, lambda: trainer.fit(training, epochs=1, progress=False))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: fit(Trainer(network(), optimizer="adamm")),
            (
                "there is no optimizer 'adamm': one of adadelta, adagrad, adam, adamax, adamw, "
                "asgd, nadam, radam, rmsprop, sgd, or a function of the parameters"
            ),
        ),
        (
            lambda: fit(Trainer(network(), optimizer="adam", momentum=0.9)),
            "Adam has no momentum",
        ),
        (
            lambda: fit(Trainer(network(), optimizer=torch.optim.SGD, lr=0.1)),
            "lr belongs to an optimizer given by name; set them in the optimizer itself",
        ),
        (lambda: fit(Trainer(network()), 0), "epochs is a whole number from 1 on, not 0"),
        (
            lambda: fit(Trainer(network()), resume=True),
            "resume=True needs a directory: Trainer(..., directory=...)",
        ),
        (
            lambda: Trainer(network(), early_stopping=EarlyStopping()).fit(CHECK, epochs=1),
            "early_stopping looks at the validation loss: give fit a validation set",
        ),
        (
            lambda: Trainer(network(), precision="float16", device="cpu"),
            (
                "precision 'float16' needs a CUDA device, this is cpu: use 'bfloat16', which has "
                "the range of float32 and needs no loss scaling"
            ),
        ),
        (
            lambda: Trainer(network()).predict(["one.png"]),
            (
                "how the training images were prepared is unknown, so files cannot be: train on an "
                "image set of convkit.data, or give tensors"
            ),
        ),
        (
            lambda: fit(Trainer(network().requires_grad_(False))),
            "the network has no parameter that is trained: all are frozen",
        ),
        (
            lambda: Trainer(network()).fit(CHECK, epochs=1, augment=[data.HorizontalFlip()]),
            (
                "augment= works on an image set of convkit.data, not on a tuple: augment in the "
                "data set or the loader"
            ),
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(action: Any, message: str) -> None:
    failing(message, action)


def test_evaluate_refuses_a_label_outside_the_classes() -> None:
    with pytest.raises(TrainingError, match=r"^label 5 is outside the 3 classes 0 to 2"):
        Trainer(network()).evaluate((IMAGES, LABELS + 3))


def test_load_wants_a_run(tmp_path: Path) -> None:
    failing(
        f"{tmp_path} holds no training: configuration.json is missing",
        lambda: Trainer.load(tmp_path),
        RunError,
    )


def test_no_warning_comes_from_training() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(Trainer(network(), scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, 1)))
