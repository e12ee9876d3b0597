"""Runs small trainings in forked processes: imports once, forks often, so that hundreds are quick.

Not a test file: the tests call `run(name, ...)`, which starts this file as a program of its own
with no accelerator in sight, since a process with one cannot train, fork, and train again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

from convkit.errors import ConvkitError
from convkit.training import EarlyStopping, Trainer, TrainingOptions
from convkit.training._checkpoint import read_tensors


def run(name: str, *arguments: object, timeout: float = 120) -> Any:
    """Run a function of this file in a process of its own; what it returns, by way of JSON."""
    done = subprocess.run(  # noqa: S603 - our own file in our own interpreter
        [sys.executable, __file__, name, json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def in_memory() -> tempfile.TemporaryDirectory[str]:
    """A temporary directory, where there is one in memory: thousands of fsyncs are quick there."""
    shared = Path("/dev/shm")  # noqa: S108 - a temporary directory is made inside
    return tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None)


def samples(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 2, 6, 6) of three classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    images = torch.randn(count, 2, 6, 6, generator=generator) + labels[:, None, None, None] / 2
    return images, labels


def network(*, norm: bool = True) -> nn.Sequential:
    """A small network with batch norm and dropout."""
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2 if norm else 0.0),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


class Marked(Dataset[tuple[torch.Tensor, int]]):
    """A data set that remembers which samples were asked for."""

    def __init__(self, count: int) -> None:
        self.images, self.labels = samples(count)
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.asked.append(index)
        return self.images[index], int(self.labels[index])


class Stream(IterableDataset[tuple[torch.Tensor, int]]):
    """Samples that come one after the other and that nobody has counted."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, int]]:
        images, labels = samples(21)
        return zip(images, labels.tolist(), strict=True)


# --- several processes -------------------------------------------------------------------------


def in_group(count: int, work: Callable[[int], Any], timeout: float = 60) -> list[Any]:
    """The results of `work(rank)` in `count` processes that form a group."""
    with in_memory() as folder:
        children = [_fork_member(rank, count, work, Path(folder)) for rank in range(count)]
        end = time.monotonic() + timeout
        codes: dict[int, int] = {}
        while len(codes) < count and time.monotonic() < end:
            for child in children:
                if child not in codes:
                    pid, status = os.waitpid(child, os.WNOHANG)
                    if pid:
                        codes[child] = os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        for child in children:
            if child not in codes:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        results = [Path(folder, f"{rank}.json") for rank in range(count)]
        return [
            json.loads(path.read_text()) if path.exists() else {"hung": child not in codes}
            for child, path in zip(children, results, strict=True)
        ]


def _fork_member(rank: int, count: int, work: Callable[[int], Any], folder: Path) -> int:
    child = os.fork()
    if child:
        return child
    try:
        if count > 1:
            distributed.init_process_group(
                "gloo", init_method=f"file://{folder}/group", rank=rank, world_size=count
            )
        result = {"result": work(rank)}
    except BaseException as error:  # noqa: BLE001 - it is the result
        result = {"error": f"{type(error).__name__}: {error}"}
    Path(folder, f"{rank}.json").write_text(json.dumps(result))
    os._exit(0)


def measured(count: int, sizes: list[int]) -> list[Any]:
    """What `evaluate` says of sets of many sizes, in a group."""

    def work(_rank: int) -> Any:
        found = []
        for size in sizes:
            evaluation = Trainer(network(), class_names="abc").evaluate(samples(size), batch_size=4)
            found.append(
                {
                    "loss": evaluation.loss,
                    "confusion": evaluation.confusion.counts.tolist(),
                    "truth": evaluation.truth.tolist(),
                    "probabilities": evaluation.probabilities.tolist(),
                }
            )
        return found

    return in_group(count, work)


def trained(
    count: int, sizes: list[int], batch_size: int, norm: bool, average: float | None = None
) -> list[Any]:
    """Weights and histories of trainings on sets of many sizes, in a group."""

    def work(_rank: int) -> Any:
        found = []
        for size in sizes:
            model = network(norm=norm)
            options = TrainingOptions(average_weights=average)
            trainer = Trainer(model, optimizer="sgd", lr=0.1, options=options)
            try:
                history = trainer.fit(
                    samples(size), samples(7, 1), epochs=2, batch_size=batch_size, progress=False
                )
            except ConvkitError as error:
                found.append({"error": str(error)})
                continue
            found.append(
                {
                    "weights": [p.tolist() for p in model.parameters()],
                    "history": {**history.to_dict(), "seconds": None},
                }
            )
        return found

    return in_group(count, work)


def unmeasured(count: int) -> list[Any]:
    """Weights, statistics and measures after a training of averages without a validation set."""

    def work(_rank: int) -> Any:
        model = network()
        options = TrainingOptions(average_weights=0.7)
        trainer = Trainer(model, optimizer="sgd", lr=0.1, class_names="abc", options=options)
        trainer.fit(samples(21), epochs=2, batch_size=8, progress=False)
        state = [value.tolist() for value in model.state_dict().values()]
        return {"state": state, "loss": trainer.evaluate(samples(9, 1)).loss}

    return in_group(count, work)


def streamed(count: int) -> list[Any]:
    """Weights and losses of a training on a stream that every process reads."""

    def work(_rank: int) -> Any:
        model = network(norm=False)
        trainer = Trainer(model, optimizer="sgd", lr=0.1)
        loader = DataLoader(Stream(), batch_size=8)
        history = trainer.fit(loader, loader, epochs=2, progress=False)
        losses = history["training_loss"] + history["validation_loss"]
        return {"weights": [p.tolist() for p in model.parameters()], "losses": losses}

    return in_group(count, work)


def asked(count: int, size: int, batch_size: int) -> list[Any]:
    """Which samples each process loads in each of two epochs of a shuffled loader."""

    def work(_rank: int) -> Any:
        data = Marked(size)
        loader = DataLoader(data, batch_size=batch_size, shuffle=True)
        epochs: list[list[int]] = []

        def note(event: Any) -> None:
            if event.what == "epoch":
                epochs.append(sorted(data.asked))
                data.asked.clear()

        Trainer(network(), optimizer="sgd", lr=0.1, callbacks=[note]).fit(
            loader, epochs=2, progress=False
        )
        return epochs

    return in_group(count, work)


def stopped(count: int, how: str, directory: str) -> list[Any]:
    """How a group ends: by patience, by a failing process, or by a full disk."""

    def work(rank: int) -> Any:
        def trouble(event: Any) -> None:
            if how == "failure" and rank == 1 and event.what == "validation":
                raise ValueError("this process fails")

        trainer = Trainer(
            network(),
            optimizer="sgd",
            lr=1.0 if how == "patience" else 0.01,
            early_stopping=EarlyStopping(2, smoothing=None),
            directory=directory,
            callbacks=[trouble],
        )
        if how == "disk" and rank == 0:
            _limit_files(1000)
        history = trainer.fit(samples(24), samples(9, 1), epochs=30, batch_size=8, progress=False)
        return [history.stop_reason, len(history)]

    return in_group(count, work, timeout=40)


def resumed(counts: list[int], directory: str) -> list[Any]:
    """One training, cut after each epoch and gone on with by another number of processes."""
    results: list[Any] = []
    for epochs, count in enumerate(counts, start=1):

        def work(_rank: int, epochs: int = epochs) -> Any:
            model = network(norm=False)
            trainer = Trainer(model, optimizer="adamw", lr=0.01, directory=directory)
            history = trainer.fit(
                samples(22),
                samples(9, 1),
                epochs=epochs,
                batch_size=8,
                resume=True,
                progress=False,
            )
            return {
                "weights": [p.tolist() for p in model.parameters()],
                "losses": history["training_loss"],
            }

        results.append(in_group(count, work))
    return results


def group_report(directory: str, many: bool) -> dict[str, Any]:
    """Everything about groups that the tests look at: one start of Python for all of it."""
    sizes = list(range(1, 34))
    return {
        "measured": {str(count): measured(count, sizes) for count in (1, 2, 3)},
        "measured by 4": measured(4, sizes if many else [1, 2, 3, 5, 32]),
        "trained": {str(count): trained(count, [1, 5, 17], 8, False) for count in (1, 2, 3)},
        "norm": trained(3, [1, 2, 9], 8, True),
        "averaged": {str(count): trained(count, [17], 8, False, 0.7) for count in (1, 2)},
        "unmeasured": unmeasured(2),
        "streamed": {str(count): streamed(count) for count in (1, 2)},
        "asked": asked(3, 20, 6),
        "resumed": resumed([1, 3, 2], f"{directory}/resumed"),
        "alone": resumed([1, 1, 1], f"{directory}/alone"),
        **{how: stopped(3, how, f"{directory}/{how}") for how in ("patience", "failure", "disk")},
    }


# --- kills ----------------------------------------------------------------------------------------

KILL_EPOCHS = 3


def survivor(directory: str, epochs: int = KILL_EPOCHS) -> tuple[dict[str, torch.Tensor], Any]:
    """The training that is killed and gone on with: checkpoints within the epochs, dropout."""
    model = network()
    trainer = Trainer(
        model,
        optimizer="adamw",
        lr=0.01,
        scheduler=lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4),
        early_stopping=EarlyStopping(9),
        directory=directory,
        options=TrainingOptions(checkpoint_every_steps=2),
    )
    history = trainer.fit(
        samples(24), samples(9, 1), epochs=epochs, batch_size=8, resume=True, progress=False
    )
    plain = history.to_dict()
    del plain["columns"]["seconds"]
    return model.state_dict(), plain


def _same(one: tuple[dict[str, torch.Tensor], Any], other: tuple[Any, Any]) -> bool:
    return one[1] == other[1] and all(torch.equal(one[0][k], other[0][k]) for k in one[0])


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    return child


def _finished(directory: Path) -> Any:
    return torch.load(directory / "result.pt", weights_only=True)


def _train_and_write(directory: Path) -> None:
    result = survivor(str(directory / "run"))
    torch.save(result, directory / "partial.pt")
    (directory / "partial.pt").rename(directory / "result.pt")


def killed_at_random(kills: int, seed: int) -> dict[str, int]:
    """Trainings that are killed at random moments and begun again until they are done."""
    rng = random.Random(seed)
    with in_memory() as folder:
        whole = Path(folder, "whole")
        whole.mkdir()
        begun = time.perf_counter()
        os.waitpid(_fork(lambda: _train_and_write(whole)), 0)
        duration = time.perf_counter() - begun
        expected = _finished(whole)
        done, unequal, trainings = 0, 0, 0
        while done < kills:
            directory = Path(folder, str(trainings))
            directory.mkdir()
            while not (directory / "result.pt").exists():
                child = _fork(lambda directory=directory: _train_and_write(directory))
                if done < kills:
                    time.sleep(rng.uniform(0, duration))
                    os.kill(child, signal.SIGKILL)
                    done += 1
                os.waitpid(child, 0)
            trainings += 1
            unequal += not _same(expected, _finished(directory))
    return {"kills": done, "trainings": trainings, "unequal": unequal}


class Trap:
    """Counts every write, flush, fsync and rename, and does something at one of them.

    Args:
        at: At which, from 0.
        act: What is done, before the call.
    """

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.at, self.act, self.count = at, act, 0

    def hit(self) -> None:
        if self.count == self.at:
            self.count += 1
            self.act()
        self.count += 1

    def __enter__(self) -> Trap:
        self.kept = (os.fdopen, os.fsync, os.rename, os.replace, os.link)
        fdopen, *others = self.kept
        os.fdopen = lambda *a, **k: _Watched(fdopen(*a, **k), self)  # type: ignore[assignment]
        for name, call in zip(("fsync", "rename", "replace", "link"), others, strict=True):
            setattr(os, name, self._watched(call))
        return self

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self.hit()
            return call(*arguments, **named)

        return watched

    def __exit__(self, *_: object) -> None:
        os.fdopen, os.fsync, os.rename, os.replace, os.link = self.kept  # type: ignore[assignment]


class _Watched:
    """A file whose writes and flushes are counted; half of the bytes are written before a trap."""

    def __init__(self, stream: Any, trap: Trap) -> None:
        self.stream, self.trap = stream, trap

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def write(self, content: bytes) -> None:
        half = len(content) // 2
        self.stream.write(content[:half])
        self.trap.hit()
        self.stream.write(content[half:])

    def flush(self) -> None:
        self.trap.hit()
        self.stream.flush()

    def fileno(self) -> int:
        return int(self.stream.fileno())


def killed_at_every_call(step: int, offset: int) -> dict[str, int]:
    """Trainings that are killed at the n-th write, flush, fsync, rename, for every n."""
    with in_memory() as folder:
        whole = Path(folder, "whole")
        whole.mkdir()
        os.waitpid(_fork(lambda: _train_and_write(whole)), 0)
        expected = _finished(whole)
        calls, unequal, kills = offset, 0, 0
        while True:
            directory = Path(folder, str(calls))
            directory.mkdir()

            def trapped(directory: Path = directory, at: int = calls) -> None:
                with Trap(at, lambda: os.kill(os.getpid(), signal.SIGKILL)):
                    survivor(str(directory / "run"))

            _, status = os.waitpid(_fork(trapped), 0)
            if not os.WIFSIGNALED(status):
                return {"calls": calls, "kills": kills, "unequal": unequal}
            kills += 1
            os.waitpid(_fork(lambda directory=directory: _train_and_write(directory)), 0)
            unequal += not _same(expected, _finished(directory))
            calls += step


def failed_at_every_call(step: int, offset: int) -> dict[str, int]:
    """Trainings in which the n-th write, flush, fsync or rename fails; they end, then go on."""
    with in_memory() as folder:
        expected = survivor(f"{folder}/whole")
        calls, unequal, untold, lost = offset, 0, 0, 0
        while True:
            directory = f"{folder}/{calls}"

            def fail() -> None:
                raise OSError(28, "No space left on device")

            trap = Trap(calls, fail)
            try:
                with trap:
                    survivor(directory)
            except ConvkitError as error:
                untold += not ("No space left on device" in str(error) and directory in str(error))
            if trap.count <= calls:
                return {"calls": calls, "unequal": unequal, "untold": untold, "lost": lost}
            lost += not _previous_is_whole(Path(directory))
            unequal += not _same(expected, survivor(directory))
            calls += step


def _previous_is_whole(directory: Path) -> bool:
    """Whether what was there before the failure can be read."""
    found = [directory / name for name in ("last.pt", "previous.pt", "best.pt")]
    return all(read_tensors(path) for path in found if path.exists())


def full_disk(size: int) -> dict[str, Any]:
    """A training that goes on when no file may grow beyond so many bytes."""
    with in_memory() as folder:
        survivor(f"{folder}/run")
        before = {path.name: path.read_bytes() for path in Path(folder, "run").iterdir()}

        def work(_rank: int) -> Any:
            _limit_files(size)
            survivor(f"{folder}/run", KILL_EPOCHS + 2)

        (result,) = in_group(1, work)
        after = {path.name: path.read_bytes() for path in Path(folder, "run").iterdir()}
        kept = {name: before[name] == after[name] for name in ("last.pt", "best.pt")}
        return {**result, "kept": kept, "new": sorted(set(after) - set(before)), "folder": folder}


def _limit_files(size: int) -> None:
    """No file may grow beyond so many bytes: the disk is full."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with in_memory() as warm:
        survivor(warm)  # loads what the first training loads, once for all forks
    print(json.dumps(globals()[sys.argv[1]](*json.loads(sys.argv[2]))))  # noqa: T201
