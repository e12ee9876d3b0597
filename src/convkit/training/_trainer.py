"""The Trainer: a network, how it learns, and when it stops."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit.data import Preprocessing
from convkit.errors import TrainingError
from convkit.training._answering import evaluate, predict
from convkit.training._assemble import assemble, feeds, made_ready, place_of
from convkit.training._begin import begin, go_on
from convkit.training._configuration import Call
from convkit.training._directory import RunDirectory
from convkit.training._ending import run_to_its_end
from convkit.training._evaluation import check_name
from convkit.training._history import History
from convkit.training._interrupt import interruptible
from convkit.training._load import load_weights, loss_of, rebuilt
from convkit.training._options import Settings, TrainingOptions, check_kinds
from convkit.training._place import at_hand, check_precision, resolve_device
from convkit.training._progress import make_progress
from convkit.training._random import random_state_kept
from convkit.training._run import read_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import torch
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from convkit.training._callbacks import Callback
    from convkit.training._early_stopping import EarlyStopping
    from convkit.training._evaluation import Evaluation
    from convkit.training._inputs import Data
    from convkit.training._loss import LossFunction
    from convkit.training._optimizers import OptimizerLike
    from convkit.training._place import Place, Precision
    from convkit.training._predictions import Predictions
    from convkit.training._schedules import SchedulerLike
    from convkit.training._state import TrainingState


class Trainer:
    """Trains a network until its smoothed validation loss no longer falls.

    The constructor only stores; `fit` trains and gives the best weights back, `evaluate` measures,
    `predict` answers. The network is moved to the device for each of them and back afterwards.

    Args:
        model: Any module from images (N, C, H, W) to outputs, here logits (N, classes).
        optimizer: A name such as `"adamw"`, `"sgd"` or `"muon"`, a function of the trainable
            parameters, or an optimizer. By name, one fused kernel updates all parameters, where
            torch has one. It holds every parameter that is not frozen; freeze what shall not
            learn, by `transfer.freeze`.
        lr: The learning rate, for an optimizer given by name.
        weight_decay: Likewise.
        momentum: Likewise.
        scheduler: `"one_cycle"` or `"cosine"`, planned over all steps; a function of the
            optimizer, or of the optimizer and the number of all steps, that returns a scheduler
            of `torch.optim.lr_scheduler`; or such a scheduler.
        loss: A function (outputs, targets) to the mean loss; cross-entropy when left out.
        early_stopping: The stop rule; without one every epoch is trained, and the best weights by
            the raw validation loss come back.
        directory: Where configuration, history, checkpoints and best weights are written; nothing
            is written without one.
        seed: Of the order, the augmentation and dropout; the caller's random state comes back
            after training. None leaves the random state as it stands.
        device: `"auto"` is the accelerator of this process, else the processor.
        precision: `"float32"`, or what the network computes in: `"bfloat16"`, or `"float16"` with
            loss scaling, where the device has it.
        class_names: The names of the classes, where the data carry none.
        preprocessing: How images to measure or to predict are prepared; as the training images
            are when left out. Give it where those are larger than what is cut from them at random.
        callbacks: Each is called with an `Event` whenever something happened.
        options: What most trainings leave alone.

    Raises:
        TrainingError: When a setting cannot be.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> images, labels = torch.randn(64, 1, 8, 8), torch.arange(64) % 2
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
        >>> trainer = Trainer(model, optimizer="sgd", lr=0.1)
        >>> history = trainer.fit((images, labels), (images, labels), epochs=3, progress=False)
        >>> len(history), history.stop_reason
        (3, 'all 3 epochs are done')

        >>> type(trainer.optimizer).__name__
        'SGD'
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
        preprocessing: Preprocessing | None = None,
        callbacks: Sequence[Callback] = (),
        options: TrainingOptions | None = None,
    ) -> None:
        check_kinds(early_stopping, callbacks, options)
        rates = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        self.model = model
        self.settings = Settings(optimizer, rates, scheduler, loss)
        self.early_stopping = early_stopping
        self.directory = None if directory is None else Path(directory)
        self.seed = seed
        self.device = resolve_device(device)
        self.precision = precision
        self.class_names = None if class_names is None else tuple(class_names)
        self.callbacks = tuple(callbacks)
        self.options = options or TrainingOptions()
        self.given_preprocessing = self.preprocessing = preprocessing
        self.class_weights: Tensor | None = None
        self.run_directory = None if self.directory is None else RunDirectory(self.directory)
        self._state: TrainingState | None = None
        self._loaded: History | None = None
        check_precision(precision, self.device)

    @property
    def history(self) -> History:
        """What happened so far; empty before training."""
        return self._state.history if self._state else self._loaded or History()

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer in use; None before training."""
        return self._state.optimizer if self._state else None

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

        Called again, it trains so many epochs more, from the weights that the network has; an
        epoch that was cut does not count, and begins anew with the data of this call. Parameters
        that were unfrozen or replaced in between are learned too, when the optimizer was given by
        name or function; one given as it is does not hold them, and is refused. With
        `resume=True` it goes on from the directory's last checkpoint, bit for bit, to `epochs`
        epochs in all; without a checkpoint it begins.

        The first Ctrl-C ends training after the present step, the second at once; the best
        weights come back in any case, also when an exception ends it.

        Args:
            training: An image set, a data set, a loader, or a pair (images, labels) of tensors.
                A `torch.utils.data.Subset` of an image set is an image set of its own.
            validation: The same for the stop rule; None trains every epoch and keeps the last,
                also where an earlier call had a best one. An image set is normalised and its
                classes are numbered as the training set's are.
            epochs: How many at most.
            batch_size: Samples in a batch, over all processes, where the data have no batches of
                their own.
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
        call = Call(training, validation, epochs, batch_size, tuple(augment))
        self._check(call, resume=resume)
        call = made_ready(self, call)
        place = place_of(self)
        fed = feeds(call, self, place)
        told = make_progress(wanted=progress and place.processes.first)
        with ExitStack() as stack:
            stack.enter_context(random_state_kept())
            self._open(stack, place, resume=resume)
            flush = self.options.flush_denormals
            stack.enter_context(place.holding(self.model, flush_denormals=flush))
            interrupt = stack.enter_context(interruptible(wanted=place.processes.count == 1))
            if resume or self._state is None:
                self._state = begin(self, place, call, fed[0], told.notice, resume=resume)
            else:
                call = go_on(self, self._state, place, call, fed[0])
            run_to_its_end(assemble(self, self._state, call, fed, place, told, interrupt))
        return self._state.history

    def _check(self, call: Call, *, resume: bool) -> None:
        """Refuse what cannot be, before anything is touched."""
        if self._loaded is not None:
            raise TrainingError(
                "a loaded trainer measures and answers; to train on, make the Trainer with its "
                "optimizer again and call fit(..., resume=True)"
            )
        if isinstance(call.epochs, bool) or not isinstance(call.epochs, int) or call.epochs < 1:
            raise TrainingError(f"epochs is a whole number from 1 on, not {call.epochs!r}")
        if resume and self.directory is None:
            raise TrainingError("resume=True needs a directory: Trainer(..., directory=...)")
        judges = {
            "early_stopping": self.early_stopping,
            "back_to_best": self.options.back_to_best,
        }
        for name, judge in judges.items():
            if call.validation is None and judge is not None:
                raise TrainingError(
                    f"{name} looks at the validation loss: give fit a validation set"
                )

    def _open(self, stack: ExitStack, place: Place, *, resume: bool) -> None:
        """Take the run directory for this training."""
        run = self.run_directory
        if run is not None:
            known = resume or self._state is not None
            place.processes.done_by_first(lambda: run.open(resume=known))
            stack.callback(run.close)

    def evaluate(
        self,
        data: Data,
        name: str | None = None,
        *,
        batch_size: int = 128,
        other_size: bool = False,
    ) -> Evaluation:
        """Measure the network on a whole set, every sample once, in evaluation mode.

        With a directory the figures are written to `evaluation-NAME.json`, and the wrongly
        answered images of greatest loss to `mistakes-NAME.pt`.

        Args:
            data: An image set, a data set, a loader, or a pair (images, labels) of tensors. An
                image set is normalised and its classes are numbered as in the training. Batches
                and loaders that only batch and shuffle an image set are read in its own order, to
                the last image.
            name: What the set is called; its split, or `"test"`, when left out.
            batch_size: Samples at a time.
            other_size: Whether images of another size than those of the training are meant.

        Returns:
            Loss, accuracy with its interval, confusion matrix and average precision.

        Raises:
            TrainingError: When the set is empty, its images or labels do not fit the network, or no
                file can carry its name.
        """
        if name is not None:
            check_name(name)
        return evaluate(self, data, name, batch_size=batch_size, other_size=other_size)

    def predict(self, data: Any, *, batch_size: int = 128, other_size: bool = False) -> Predictions:
        """A class for each image.

        Args:
            data: Normalised images (N, C, H, W), a set or loader (labels are not looked at), or
                paths of image files, which are prepared as the training images were.
            batch_size: Images at a time.
            other_size: Whether an image set of another size than that of the training is meant.

        Returns:
            Probabilities, classes and names, in the order of the data; of batches and loaders
            that only batch and shuffle an image set, in the order of that. Images are numbered
            where it is not known which of a set a loader gives.

        Raises:
            TrainingError: When there is nothing to predict, how to prepare files is unknown, or
                the network has no outputs for two classes or more, one for each class name.
        """
        return predict(self, data, batch_size=batch_size, other_size=other_size)

    @classmethod
    def load(
        cls,
        directory: str | PathLike[str],
        model: nn.Module | None = None,
        *,
        device: str | torch.device = "auto",
        precision: Precision | None = None,
        loss: LossFunction | None = None,
    ) -> Trainer:
        """Bring a trained network back, to evaluate, predict and explore.

        It answers as the trainer did that trained it, also to the rounding of its precision.

        Args:
            directory: Of a `Trainer`.
            model: The network, when it was not built from a table; its weights are replaced.
            device: Where it shall run.
            precision: What it computes in; None is what it was trained in, or `"float32"` where
                the device does not have that.
            loss: The function that it was trained with, which is not kept; `evaluate` needs it.
                Cross-entropy comes back by itself, with its class weights and label smoothing.

        Returns:
            A trainer with the best weights, the classes, the preprocessing and the history.

        Raises:
            RunError: When the directory holds no training, or the network is missing.
            CheckpointError: When the weights are damaged or do not fit the network.
        """
        run = read_run(directory)
        network = model if model is not None else rebuilt(run)
        load_weights(network, run)
        written = run.configuration
        trained_in, (kept_loss, options) = written["settings"]["precision"], loss_of(written)
        trainer = cls(
            network,
            directory=directory,
            device=device,
            precision=precision or at_hand(trained_in, resolve_device(device)),
            seed=written["settings"]["seed"],
            class_names=written["class_names"],
            loss=loss or kept_loss,
            options=options,
        )
        if written["preprocessing"] is not None:
            trainer.preprocessing = Preprocessing.from_dict(written["preprocessing"])
        trainer._loaded = run.history
        return trainer
