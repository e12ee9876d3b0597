"""One forward, watched: what each asked conv layer took and made, and where it can end."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from convkit.errors import FeatureError
from convkit.features._layers import CONVOLUTIONS
from convkit.features._operands import Operands
from convkit.features._operator_habits import HABITS, Habit, learn_habit
from convkit.features._stages import Call, Follower, Stage
from convkit.features._unchanged import evaluated, random_states_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from convkit.features._guard import Guard


class Observer(Protocol):
    """Told of every stage of every asked layer, in the middle of the forward."""

    def convolved(self, call: Call, operands: Operands, output: Tensor, /) -> None:
        """A conv layer has run."""

    def followed(self, call: Call, stage: Stage, output: Tensor, /) -> None:
        """The norm or the activation after it has run."""

    def finished(self) -> bool:
        """Whether the rest of the forward is needed no more."""


class _Reached(BaseException):
    """Ends the forward; no Exception, so that no model's own handler catches it."""


def observe(
    model: nn.Module,
    images: Tensor,
    layers: Mapping[str, nn.Module],
    observer: Observer,
    *,
    guard: Guard,
    follow: bool,
) -> None:
    """Run the model on images until the observer has all it wants, and leave no trace.

    Args:
        model: Run in evaluation mode and without gradients, then put back as it was.
        images: What the model takes.
        layers: The conv layers to report, by name.
        observer: Told of each, while the forward runs.
        guard: Copies what the observer holds before it is overwritten.
        follow: Whether the stages after the conv layers are wanted.

    Raises:
        FeatureError: When an operation of the model does not take what comes of these images.
    """
    watch = _Watch(layers, observer, guard, follow=follow)
    guard.protect([*model.parameters(), *model.buffers(), images])
    with random_states_kept(images.device), evaluated(model), watch.attached(model):
        try:
            with torch.no_grad(), watch:
                model(images)
        except _Reached:
            pass
        except RuntimeError as error:
            if error is not watch.failure or isinstance(error, torch.OutOfMemoryError):
                raise  # the model's own
            shape = tuple(images.shape)
            raise FeatureError(f"images {shape} do not fit the model: {watch.misfit}") from error
        finally:
            guard.restore()


@dataclass(slots=True)
class _Running:
    """An asked layer whose forward has begun: what came in, and its convolution once it has run."""

    module: nn.Module
    shape: tuple[int, ...]
    operands: Operands | None = None


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Sees every operation of a forward, and through hooks which layer it belongs to."""

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        observer: Observer,
        guard: Guard,
        *,
        follow: bool,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch leaves it untyped
        self._names: dict[nn.Module, str] = {}
        for name, module in layers.items():
            self._names.setdefault(module, name)
        self._observer = observer
        self._guard = guard
        self._follower = Follower(observer.followed) if follow else None
        self._counts: dict[str, int] = {}
        self._running: list[_Running] = []
        self.failure: RuntimeError | None = None
        self.misfit = ""

    @contextmanager
    def attached(self, model: nn.Module) -> Iterator[None]:
        """Hooks on the asked layers, and on the norms when they are followed."""
        with ExitStack() as stack:
            for module in self._names:
                stack.callback(module.register_forward_pre_hook(self._begins).remove)
                # First, so that a hook of the user's cannot change the map before we see it.
                stack.callback(module.register_forward_hook(self._ends, prepend=True).remove)
            if self._follower is not None:
                for module in filter(_is_norm, model.modules()):
                    hook = module.register_forward_hook(self._follower.norm_module)
                    stack.callback(hook.remove)
            yield

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch would load its compiler for this mode, which takes longer than many a forward."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Guard what an operation overwrites, run it, note what it was."""
        named = kwargs or {}
        habit = HABITS.get(func) or learn_habit(func)
        if habit.beside is not None and self._guard.only_held(args[0]):
            self._guard.hand_over(args[0], self._made_beside(habit.beside, habit, args, named))
            return self._after(func, habit, args, named, args[0])
        for place, name in habit.writes:
            self._guard.before_write(args[place] if place < len(args) else named.get(name))
        if habit.batch_norm:
            self._guard_statistics(func, args, named)
        try:
            result = func(*args, **named)
        except RuntimeError as error:
            self._note(error)
            raise
        return self._after(func, habit, args, named, result)

    def _note(self, error: RuntimeError) -> None:
        """Remember which layer an operation failed in, for when the model does not catch it."""
        self.failure, self.misfit = error, str(error).partition("\n")[0]
        if self._running:
            module, shape = self._running[-1].module, self._running[-1].shape
            where = f"layer {self._names[module]!r} received {shape}"
            channels = getattr(module, "in_channels", None)
            wrong = len(shape) == 4 and channels not in {None, shape[1]}
            self.misfit = f"{where}, " + (f"it takes {channels} channels" if wrong else self.misfit)

    def _made_beside(
        self,
        beside: Callable[..., Tensor],
        habit: Habit,
        args: tuple[Any, ...],
        named: dict[str, Any],
    ) -> Tensor:
        """Run an activation out of place, into spare memory where that is faster."""
        if habit.into is not None:
            memory = self._guard.beside(args[0])
            if memory is not None:
                return habit.into(*args, **named, out=memory)
        return beside(*args, **named)

    def _after(
        self, func: Any, habit: Habit, args: tuple[Any, ...], named: dict[str, Any], result: Any
    ) -> Any:
        """Note what an operation was, and end the forward when nothing more is needed."""
        if self._running and func is torch.ops.aten.convolution.default:
            self._running[-1].operands = _operands(*args, **named)
        elif habit.role and self._follower is not None:
            self._follower.operation(habit.role, habit.name, args, result)
            self._stop_when_finished()
        return result

    def _guard_statistics(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A batch norm told to train updates its statistics, though its schema does not say so."""
        given = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | named
        if given.get("training", given.get("train", False)):
            self._guard.before_write([given.get("running_mean"), given.get("running_var")])

    def _begins(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        shape = tuple(given[0].shape) if given and isinstance(given[0], Tensor) else ()
        self._running.append(_Running(module, shape))

    def _ends(self, module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
        operands = self._running.pop().operands
        if operands is None or not isinstance(output, Tensor):
            return  # a subclass that made no convolution: never reported, so said to be missing
        name = self._names[module]
        self._counts[name] = self._counts.get(name, 0) + 1
        call = Call(name, self._counts[name] - 1)
        self._observer.convolved(call, operands, output)
        if self._follower is not None:
            self._follower.begin(call, output)
        self._stop_when_finished()

    def _stop_when_finished(self) -> None:
        if self._observer.finished():
            raise _Reached


def _is_norm(module: nn.Module) -> bool:
    """Whether a module is a normalisation layer, torch's or another's."""
    return "norm" in type(module).__name__.lower() and not any(
        isinstance(child, CONVOLUTIONS) for child in module.modules()
    )


def _operands(
    input: Tensor,  # noqa: A002 - the operator's own argument name
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Operands:
    return Operands(
        input,
        weight,
        bias,
        tuple(stride),
        tuple(padding),
        tuple(dilation),
        transposed,
        tuple(output_padding),
        groups,
    )
