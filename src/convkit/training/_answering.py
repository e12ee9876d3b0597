"""What does a trainer's network answer? Measured against the truth, or for images without one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from convkit.training._alike import as_trained
from convkit.training._assemble import make_objective, place_of
from convkit.training._configuration import class_names_of, mistakes_of, names_of_outputs
from convkit.training._evaluation import check_classes, check_scores, make_evaluation
from convkit.training._inputs import images_to_predict, reading_feed
from convkit.training._inside import in_order, known_images
from convkit.training._measure import all_answers
from convkit.training._predictions import Predictions
from convkit.training._random import random_state_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convkit.training._evaluation import Evaluation
    from convkit.training._inputs import Data
    from convkit.training._place import Place
    from convkit.training._trainer import Trainer


def evaluate(
    trainer: Trainer,
    data: Data,
    name: str | None,
    *,
    batch_size: int,
    other_size: bool,
    keep_mistakes: bool = True,
) -> Evaluation:
    """The body of `Trainer.evaluate`; the worst mistakes are written where they are to be kept."""
    data = in_order(data)
    data = as_trained(data, trainer.preprocessing, trainer.class_names, other_size=other_size)
    place = place_of(trainer)
    feed = reading_feed(data, batch_size, place, "evaluation")
    with _reading(trainer, place):
        objective = make_objective(trainer, place)
        outputs, truth, loss = all_answers(trainer.model, feed, objective, place)
    check_classes(outputs, truth)
    split = str(getattr(data, "split", None) or "test")
    names = _names(trainer, data, outputs.shape[1])
    evaluation = make_evaluation(name or split, loss, outputs, truth, names)
    run = trainer.run_directory
    if run is not None:
        mistakes = mistakes_of(data, evaluation) if keep_mistakes else None
        place.processes.done_by_first(
            lambda: run.write_evaluation(evaluation.name, evaluation.to_dict(), mistakes)
        )
    return evaluation


def predict(trainer: Trainer, data: Any, *, batch_size: int, other_size: bool) -> Predictions:
    """The body of `Trainer.predict`."""
    data, names = images_to_predict(data, trainer.preprocessing)
    data = in_order(data)
    data = as_trained(data, trainer.preprocessing, trainer.class_names, other_size=other_size)
    place = place_of(trainer)
    feed = reading_feed(data, batch_size, place, "prediction")
    with _reading(trainer, place):
        outputs, _, _ = all_answers(trainer.model, feed, None, place)
    check_scores(outputs)
    image_set = known_images(data)
    if image_set is not None:
        names = image_set.names
    return Predictions(
        probabilities=outputs.softmax(1),
        labels=outputs.argmax(1),
        names=names or tuple(map(str, range(len(outputs)))),
        class_names=_names(trainer, data, outputs.shape[1]),
    )


@contextmanager
def _reading(trainer: Trainer, place: Place) -> Iterator[None]:
    """The network on its device; random state and modes come back after."""
    with random_state_kept(), place.holding(trainer.model, flush_denormals=False):
        yield


def _names(trainer: Trainer, data: Any, classes: int) -> tuple[str, ...]:
    """Of the training; before it those that the data carry, or numbers."""
    return names_of_outputs(trainer.class_names or class_names_of(data), classes)
