"""Further sets, measured after each validation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from convkit import History, Trainer, data
from convkit.errors import TrainingError
from convkit.training import MeasureEpochs, TrainingOptions, read_run


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 3))


def samples(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, 2, 2, generator=generator), torch.arange(count) % 3


def by_hand(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    model.eval()
    with torch.no_grad():
        outputs = model(images)
    right = (outputs.argmax(1) == labels).double().mean()
    return float(nn.functional.cross_entropy(outputs, labels)), float(right)


def test_each_row_has_loss_and_accuracy_of_the_weights_after_the_epoch() -> None:
    model, further = network(), samples(31, seed=2)
    trainer = Trainer(model, optimizer="sgd", lr=0.1, callbacks=[MeasureEpochs(further=further)])
    expected = []
    trainer.callbacks += (
        lambda event: (
            expected.append(by_hand(model, *further)) if event.what == "validation" else None
        ),
    )

    history = trainer.fit(samples(16, 0), samples(9, 1), epochs=3, batch_size=8, progress=False)

    assert history["further_loss"] == pytest.approx([loss for loss, _ in expected], rel=1e-6)
    assert history["further_accuracy"] == [accuracy for _, accuracy in expected]


def test_training_goes_as_it_would_without() -> None:
    histories = []
    for callbacks in ((), (MeasureEpochs(further=samples(30, 2), batch_size=7),)):
        trainer = Trainer(network(), optimizer="sgd", lr=0.1, callbacks=callbacks)
        fitted = trainer.fit(samples(16, 0), samples(9, 1), epochs=3, progress=False)
        histories.append([fitted[c] for c in ("training_loss", "validation_loss")])

    assert histories[0] == histories[1]


@pytest.mark.parametrize("average", [None, 0.9])
def test_the_weights_that_are_validated_are_measured(average: float | None) -> None:
    validation = samples(9, 1)
    trainer = Trainer(
        network(),
        optimizer="sgd",
        lr=0.1,
        callbacks=[MeasureEpochs(again=validation)],
        options=TrainingOptions(average_weights=average),
    )

    history = trainer.fit(samples(16, 0), validation, epochs=3, batch_size=8, progress=False)

    assert history["again_loss"] == pytest.approx(history["validation_loss"], rel=1e-6)


def test_the_columns_come_back_with_the_checkpoint(tmp_path: Path) -> None:
    sets = data.drawn_shapes(train=20, validation=10, test=10)
    columns = []
    for name, rounds in (("whole", (4,)), ("cut", (2, 4))):
        for epochs in rounds:
            torch.manual_seed(0)
            trainer = Trainer(
                nn.Sequential(nn.Flatten(), nn.Linear(sets.train.images[0].numel(), 10)),
                optimizer="sgd",
                lr=0.01,
                directory=tmp_path / name,
                callbacks=[MeasureEpochs(sets.validation, sets.test)],
            )
            how = {"epochs": epochs, "resume": True, "progress": False}
            history = trainer.fit(sets.train, sets.validation, **how)
        columns.append(history["test_loss"])

    run = read_run(tmp_path / "cut")
    assert [each["loss"] for each in run.epochs("test")] == columns[0]
    assert [each["loss"] for each in run.epochs("validation")] == run.history["validation_loss"]
    assert not list(run.directory.glob("mistakes-*"))
    assert len(columns[0]) == 4
    assert columns[0] == columns[1]
    assert run.history["test_loss"] == columns[0]


def test_a_column_noted_late_is_nan_in_the_rows_above() -> None:
    history = History()
    history.append(epoch=1, validation_loss=1.0)
    history.append(epoch=2, validation_loss=0.9)
    history.note(test_loss=0.8)
    history.append(epoch=3, validation_loss=0.7)

    assert str(history["test_loss"]) == "[nan, 0.8, nan]"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: MeasureEpochs(),
            (
                "MeasureEpochs needs sets of different names, received none: "
                "MeasureEpochs(sets.test, again=sets.train)"
            ),
        ),
        (
            lambda: History().note(test_loss=1.0),
            "history has no row yet: note after the first validation",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(make: object, message: str) -> None:
    with pytest.raises(TrainingError, match=f"^{re.escape(message)}$"):
        make()  # type: ignore[operator]


def test_a_column_of_the_training_is_not_overwritten() -> None:
    history = History()
    history.append(epoch=1, validation_loss=1.0)

    message = "training itself writes validation_loss: choose another column name"
    with pytest.raises(TrainingError, match=f"^{message}$"):
        history.note(validation_loss=0.5)
