"""The Trainer: a network, how it learns, and when it stops."""

from __future__ import annotations

import copy
from contextlib import ExitStack, contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from convkit.data import Preprocessing
from convkit.errors import RunError, TrainingError
from convkit.training._checkpoint import read_tensors
from convkit.training._describe import (
    class_names_of,
    describe_data,
    describe_network,
    image_set_of,
    labels_of,
    versions,
)
from convkit.training._device import (
    Precision,
    autocast,
    check_precision,
    denormals_flushed,
    evaluation_mode,
    pays_channels_last,
    placed,
    resolve_device,
)
from convkit.training._directory import BEST, SAMPLES, RunDirectory
from convkit.training._early_stopping import EarlyStopping
from convkit.training._evaluation import Evaluation, make_evaluation
from convkit.training._feed import Data, Feed, make_feed
from convkit.training._fit import Fit
from convkit.training._history import History
from convkit.training._interrupt import interruptible
from convkit.training._loss import CrossEntropy, CustomLoss, LossFunction, Objective
from convkit.training._measure import answers, fsum_or_nan, total_loss
from convkit.training._optimizers import (
    OptimizerLike,
    SchedulerLike,
    beat_of,
    make_optimizer,
    make_scheduler,
)
from convkit.training._options import TrainingOptions
from convkit.training._predictions import Predictions
from convkit.training._progress import Progress, make_progress
from convkit.training._random import random_state_kept, seed_everything
from convkit.training._run import read_run
from convkit.training._state import TrainingState
from convkit.training._stop import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch.optim import Optimizer

    from convkit.training._callbacks import Callback

_FINAL = {StopReason.PATIENCE, StopReason.FLAT, StopReason.RISING, StopReason.NOT_FINITE}


class Trainer:
    """Trains a network until its smoothed validation loss no longer falls.

    The constructor only stores; `fit` trains and gives the best weights back, `evaluate` measures,
    `predict` answers. The network is moved to the device for each of them and back afterwards.

    Args:
        model: Any module from images (N, C, H, W) to outputs, here logits (N, classes).
        optimizer: A name such as `"adamw"` or `"sgd"`, a function of the trainable parameters, or
            an optimizer.
        lr: The learning rate, for an optimizer given by name.
        weight_decay: Likewise.
        momentum: Likewise.
        scheduler: A function of the optimizer, or a scheduler, of `torch.optim.lr_scheduler`.
        loss: A function (outputs, targets) to the mean loss; cross-entropy when left out.
        early_stopping: The stop rule; without one every epoch is trained, and the best weights by
            the raw validation loss come back.
        directory: Where configuration, history, checkpoints and best weights are written; nothing
            is written without one.
        seed: Of the order, the augmentation and dropout; the caller's random state comes back
            after training. None leaves the random state alone.
        device: `"auto"` is the first accelerator, else the processor.
        precision: `"float32"`, or what the network computes in: `"bfloat16"`, or `"float16"` with
            loss scaling, where the device has it.
        class_names: The names of the classes, where the data carry none.
        callbacks: Called with an `Event` whenever something happened.
        options: What most trainings leave alone.

    Raises:
        TrainingError: When a setting cannot be.

    Example:
        >>> images, labels = torch.randn(64, 1, 8, 8), torch.arange(64) % 2
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
        >>> trainer = Trainer(model, optimizer="sgd", lr=0.1)
        >>> history = trainer.fit((images, labels), (images, labels), epochs=3, progress=False)
        >>> len(history), history.stop_reason
        (3, 'all 3 epochs are done')
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        optimizer: OptimizerLike = "adamw",
        lr: float | None = None,
        weight_decay: float | None = None,
        momentum: float | None = None,
        scheduler: SchedulerLike | None = None,
        loss: LossFunction | None = None,
        early_stopping: EarlyStopping | None = None,
        directory: str | PathLike[str] | None = None,
        seed: int | None = 0,
        device: str | torch.device = "auto",
        precision: Precision = "float32",
        class_names: Sequence[str] | None = None,
        callbacks: Sequence[Callback] = (),
        options: TrainingOptions | None = None,
    ) -> None:
        self.model = model
        self.device = resolve_device(device)
        self.precision = precision
        self.seed = seed
        self.directory = None if directory is None else Path(directory)
        self.early_stopping = early_stopping
        self.class_names = None if class_names is None else tuple(class_names)
        self.preprocessing: Preprocessing | None = None
        self.options = options or TrainingOptions()
        self._optimizer, self._scheduler, self._loss = optimizer, scheduler, loss
        self._rates = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        self._callbacks = tuple(callbacks)
        self._state: TrainingState | None = None
        self._read_history = History()
        self._run = None if self.directory is None else RunDirectory(self.directory)
        check_precision(precision, self.device)

    @property
    def history(self) -> History:
        """What happened so far; empty before training."""
        return self._read_history if self._state is None else self._state.history

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer in use; None before training."""
        return None if self._state is None else self._state.optimizer

    def fit(
        self,
        training: Data,
        validation: Data = None,
        *,
        epochs: int,
        batch_size: int = 32,
        augment: Sequence[Any] = (),
        resume: bool = False,
        progress: bool = True,
    ) -> History:
        """Train, and give the best weights back.

        Called again, it trains so many epochs more. With `resume=True` it goes on from the
        directory's last checkpoint, bit for bit, to `epochs` epochs in all; without a checkpoint
        it begins.

        The first Ctrl-C ends training after the present step, the second at once; the best
        weights come back in any case, also when an exception ends it.

        Args:
            training: An image set, a data set, a loader, or a pair (images, labels) of tensors.
            validation: The same for the stop rule; None trains every epoch and keeps the last.
            epochs: How many at most.
            batch_size: Samples in a batch, where the data have no batches of their own.
            augment: Augmentations of `convkit.data` for an image set.
            resume: Whether to go on from the last checkpoint in the directory.
            progress: Whether to tell on stderr how it goes.

        Returns:
            The history, with the best epoch and the reason of the end.

        Raises:
            TrainingError: When data, labels, outputs or losses cannot be.
            RunError: When the directory holds another training.
            CheckpointError: When a checkpoint is damaged, does not fit, or cannot be written.
        """
        self._check_fit(validation, epochs, resume)
        seed = self.seed or 0
        feed = make_feed(training, batch_size, self.device, seed=seed, augment=augment)
        checking = self._reading_feed(validation, 2 * batch_size, "validation")
        self._read_names(training, validation)
        told = make_progress(progress)
        channels_last = self._lays_channels_last()
        with ExitStack() as stack:
            stack.enter_context(random_state_kept())
            self._open(stack, resume=resume)
            stack.enter_context(placed(self.model, self.device, channels_last=channels_last))
            stack.enter_context(denormals_flushed(self.options.flush_denormals))
            interrupt = stack.enter_context(interruptible())
            state, total = self._begin(training, epochs, resume, told)
            fit = Fit(
                trainer=self,
                state=state,
                training=feed,
                validation=checking,
                epochs=total,
                forward=torch.compile(self.model) if self.options.compile else self.model,
                objective=self._objective(training),
                device=self.device,
                context=autocast(self.precision, self.device),
                beat=beat_of(state.scheduler, self.options.scheduler_per),
                options=self.options,
                channels_last=channels_last,
                drop_single=_has_batch_norm(self.model),
                progress=told,
                directory=self._run,
                callbacks=self._callbacks,
                interrupt=interrupt,
                on_first_batch=lambda images: self._write_configuration(
                    images, training, validation, epochs, batch_size, augment
                ),
            )
            self._run_to_its_end(fit)
        return state.history

    def _run_to_its_end(self, fit: Fit) -> None:
        """Train; whatever ends it, the best weights come back and the history says why."""
        state = fit.state
        try:
            if state.history.stop is None:
                fit.run()
        except KeyboardInterrupt:
            state.history.stop = Stop(StopReason.INTERRUPTED, "interrupted by Ctrl-C")
        except BaseException as error:
            if fit.interrupt.requested:  # workers of a loader die of the same Ctrl-C
                state.history.stop = Stop(StopReason.INTERRUPTED, "interrupted by Ctrl-C")
            else:
                sentence = f"{type(error).__name__}: {error}"
                state.history.stop = Stop(StopReason.ERROR, sentence)
                raise
        finally:
            state.restore_best()
            if self._run is not None and len(state.history):
                self._run.write_history(state.history)
            fit.progress.end(state.history.stop)
            fit._tell("end")

    def _check_fit(self, validation: Data, epochs: int, resume: bool) -> None:
        if epochs < 1:
            raise TrainingError(f"epochs is at least 1, not {epochs}")
        if resume and self.directory is None:
            raise TrainingError("resume=True needs a directory: Trainer(..., directory=...)")
        if validation is None and self.early_stopping is not None:
            raise TrainingError(
                "early_stopping looks at the validation loss: give fit a validation set"
            )

    def _open(self, stack: ExitStack, *, resume: bool) -> None:
        if self._run is not None:
            self._run.open(resume=resume or self._state is not None)
            stack.callback(self._run.close)

    def _begin(
        self, training: Data, epochs: int, resume: bool, told: Progress
    ) -> tuple[TrainingState, int]:
        """The state to train on from, and how many epochs there shall be in all."""
        if self._state is not None and not resume:
            self._state.history.stop = None
            return self._state, self._state.epoch + epochs
        if self.seed is not None:
            seed_everything(self.seed)
        state = self._fresh_state()
        if resume and self._run is not None:
            kept = self._run.read_checkpoint(told.notice)
            if kept is not None:
                state.load_state_dict(kept)
                stop = state.history.stop
                if (
                    stop is not None
                    and stop.reason not in _FINAL
                    and (stop.reason != StopReason.LAST_EPOCH or state.epoch < epochs)
                ):
                    state.history.stop = None
        self._state = state
        return state, epochs

    def _fresh_state(self) -> TrainingState:
        optimizer = make_optimizer(self._optimizer, self.model, self.device, **self._rates)
        scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")
        rule = copy.deepcopy(self.early_stopping or EarlyStopping(None, smoothing=None))
        rule.reset()
        scheduler = make_scheduler(self._scheduler, optimizer)
        return TrainingState(self.model, optimizer, scheduler, scaler, rule)

    def _objective(self, training: Data = None) -> Objective:
        if self._loss is not None:
            return CustomLoss(self._loss)
        return CrossEntropy(self._class_weights(training), self.options.label_smoothing)

    def _class_weights(self, training: Data) -> Tensor | None:
        weights = self.options.class_weights
        if weights is None or (isinstance(weights, str) and training is None):
            return None
        if not isinstance(weights, str):
            return torch.as_tensor(weights, dtype=torch.float32, device=self.device)
        labels = labels_of(training)
        if labels is None:
            raise TrainingError(
                "class_weights='balanced' needs labels at hand: give an image set, tensors, "
                "or the weights themselves"
            )
        counts = torch.bincount(labels).float()
        return (len(labels) / (len(counts) * counts.clamp(min=1))).to(self.device)

    def _lays_channels_last(self) -> bool:
        asked = self.options.channels_last
        return pays_channels_last(self.model) if asked is None else asked

    def _read_names(self, *sets: Data) -> None:
        """Take class names and preprocessing from the data, where they carry them."""
        for data in sets:
            names, image_set = class_names_of(data), image_set_of(data)
            if self.class_names is None and names is not None:
                self.class_names = names
            if self.preprocessing is None and image_set is not None:
                self.preprocessing = image_set.preprocessing

    def _write_configuration(
        self,
        images: Tensor,
        training: Data,
        validation: Data,
        epochs: int,
        batch_size: int,
        augment: Sequence[Any],
    ) -> None:
        if self._run is None or self._state is None:
            return
        preprocessing = self.preprocessing
        rule = self.early_stopping
        self._run.write_configuration(
            {
                **describe_network(self.model, tuple(images.shape[1:])),
                "class_names": None if self.class_names is None else list(self.class_names),
                "preprocessing": None if preprocessing is None else preprocessing.to_dict(),
                "data": describe_data({"train": training, "validation": validation}),
                "settings": {
                    "optimizer": str(self._state.optimizer).replace("\n", " "),
                    "scheduler": None
                    if self._state.scheduler is None
                    else type(self._state.scheduler).__name__,
                    "early_stopping": None if rule is None else str(rule),
                    "epochs": epochs,
                    "batch_size": batch_size,
                    "augment": [str(augmentation) for augmentation in augment],
                    "seed": self.seed,
                    "device": str(self.device),
                    "precision": self.precision,
                    "options": str(self.options),
                },
                "versions": versions(),
            }
        )
        self._write_samples(validation)

    def _write_samples(self, validation: Data) -> None:
        """Sixteen validation images for the pictures of a report."""
        image_set = image_set_of(validation)
        if image_set is None or self._run is None:
            return
        images = image_set.images[:16].clone()
        self._run.write_tensors(
            SAMPLES,
            {
                "images": images,
                "normalized": image_set.preprocessing.normalize(images),
                "labels": image_set.labels[:16].clone(),
                "names": list(image_set.names[:16]),
            },
        )

    def evaluate(self, data: Data, name: str | None = None, *, batch_size: int = 128) -> Evaluation:
        """Measure the network on a whole set, every sample once, in evaluation mode.

        With a directory the figures are written to `evaluation-NAME.json`, and the samples of
        greatest loss to `mistakes-NAME.pt`.

        Args:
            data: An image set, a data set, a loader, or a pair (images, labels) of tensors.
            name: What the set is called; its split, or `"test"`, when left out.
            batch_size: Samples at a time.

        Returns:
            Loss, accuracy with its interval, confusion matrix and average precision.

        Raises:
            TrainingError: When the set is empty or its labels do not fit the network.
        """
        feed = self._reading_feed(data, batch_size, "evaluation")
        if feed is None:
            raise TrainingError("evaluate needs a set: None was given")
        self._read_names(data)
        name = name or str(getattr(data, "split", "test"))
        outputs, truth, loss = self._answers(feed)
        names = self.class_names or tuple(str(k) for k in range(outputs.shape[1]))
        evaluation = make_evaluation(name, loss, outputs, truth, names)
        if self._run is not None:
            self._run.write_evaluation(name, evaluation.to_dict())
            self._write_mistakes(data, evaluation)
        return evaluation

    def _write_mistakes(self, data: Data, evaluation: Evaluation) -> None:
        image_set = image_set_of(data)
        if image_set is None or self._run is None:
            return
        wrong = evaluation.predicted != evaluation.truth
        order = evaluation.losses.masked_fill(~wrong, -1).argsort(descending=True, stable=True)
        worst = order[: min(24, int(wrong.sum()))]
        self._run.write_tensors(
            f"mistakes-{evaluation.name}.pt",
            {
                "images": image_set.images[worst],
                "truth": evaluation.truth[worst],
                "predicted": evaluation.predicted[worst],
                "probabilities": evaluation.probabilities[worst],
                "names": [image_set.names[index] for index in worst.tolist()],
            },
        )

    def _answers(self, feed: Feed) -> tuple[Tensor, Tensor, float]:
        """Outputs and targets of all samples, on the processor, and the mean loss."""
        objective = self._objective()
        outputs, truth, losses, weights = [], [], [], []
        with self._reading():
            for output, target in self._each(feed):
                loss, weight = total_loss(objective, output, target)
                outputs.append(output.cpu())
                truth.append(target.cpu())
                losses.append(float(loss))
                weights.append(float(weight))
        if not outputs:
            raise TrainingError("the evaluation set is empty: there is nothing to measure")
        return torch.cat(outputs), torch.cat(truth), fsum_or_nan(losses) / sum(weights)

    def _each(self, feed: Feed) -> Iterator[tuple[Tensor, Tensor]]:
        return answers(
            self.model,
            feed,
            self.device,
            autocast(self.precision, self.device),
            channels_last=self._lays_channels_last(),
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The network on its device, in evaluation mode; no random state changes."""
        with (
            random_state_kept(),
            placed(self.model, self.device, channels_last=self._lays_channels_last()),
            evaluation_mode(self.model),
        ):
            yield

    def _reading_feed(self, data: Data, batch_size: int, what: str) -> Feed | None:
        if data is None:
            return None
        return make_feed(data, batch_size, self.device, seed=None, what=what)

    def predict(self, data: Any, *, batch_size: int = 128) -> Predictions:
        """A class for each image.

        Args:
            data: Normalised images (N, C, H, W), a set or loader (labels are not looked at), or
                paths of image files, which are prepared as the training images were.
            batch_size: Images at a time.

        Returns:
            Probabilities, classes and names, in the order of the data.

        Raises:
            TrainingError: When there is nothing to predict, or how to prepare files is unknown.
        """
        data, names = self._images_of(data)
        feed = self._reading_feed(data, batch_size, "prediction")
        if feed is None:
            raise TrainingError("predict needs images: None was given")
        self._read_names(data)
        with self._reading():
            outputs = torch.cat([output.cpu() for output, _ in self._each(feed)])
        image_set = image_set_of(data)
        if names is None and image_set is not None:
            names = image_set.names
        return Predictions(
            probabilities=outputs.softmax(1),
            labels=outputs.argmax(1),
            names=names or tuple(str(index) for index in range(len(outputs))),
            class_names=self.class_names or tuple(str(k) for k in range(outputs.shape[1])),
        )

    def _images_of(self, data: Any) -> tuple[Data, tuple[str, ...] | None]:
        """What to feed, and the names of the images where they are files."""
        if isinstance(data, Tensor):
            return (data, torch.zeros(len(data), dtype=torch.int64)), None
        if isinstance(data, str | PathLike):
            data = [data]
        if isinstance(data, list | tuple) and data and isinstance(data[0], str | PathLike):
            if self.preprocessing is None:
                raise TrainingError(
                    "how the training images were prepared is unknown, so files cannot be: "
                    "train on an image set of convkit.data, or give tensors"
                )
            images = self.preprocessing.normalize(self.preprocessing.load(data))
            names = tuple(fspath(path) for path in data)
            return (images, torch.zeros(len(images), dtype=torch.int64)), names
        return data, None

    @classmethod
    def load(
        cls,
        directory: str | PathLike[str],
        model: nn.Module | None = None,
        *,
        device: str | torch.device = "auto",
    ) -> Trainer:
        """Bring a trained network back, to evaluate, predict and explore.

        Args:
            directory: Of a `Trainer`.
            model: The network, when it was not built from a table; its weights are replaced.
            device: Where it shall run.

        Returns:
            A trainer with the best weights, the classes, the preprocessing and the history.

        Raises:
            RunError: When the directory holds no training, or the network is missing.
            CheckpointError: When the weights are damaged or do not fit the network.
        """
        run = read_run(directory)
        settings = run.configuration
        network = model if model is not None else _rebuilt(run.directory, settings)
        trainer = cls(
            network,
            directory=directory,
            device=device,
            precision=settings["settings"]["precision"],
            seed=settings["settings"]["seed"],
            class_names=settings["class_names"],
        )
        if settings["preprocessing"] is not None:
            trainer.preprocessing = Preprocessing.from_dict(settings["preprocessing"])
        best = run.directory / BEST
        network.load_state_dict(read_tensors(best))
        trainer._read_history = run.history
        return trainer


def _rebuilt(directory: Path, settings: dict[str, Any]) -> nn.Module:
    from convkit.architecture import Architecture

    if settings["architecture"] is None:
        raise RunError(
            f"{directory} holds a {settings['network']} that was not built from a table: "
            "give it as Trainer.load(directory, model=...)"
        )
    built: nn.Module = Architecture.parse(settings["architecture"]).build(
        tuple(settings["input_shape"])
    )
    return built


def _has_batch_norm(model: nn.Module) -> bool:
    return any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules())
