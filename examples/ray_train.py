"""The same `fit` in one process, under torchrun and inside the workers of Ray Train.

    python examples/ray_train.py --out runs/ray_train

Starts Ray on this machine with two workers, trains a small network on drawn figures in them, does
the same under `torchrun` with two processes and in one process alone, and compares. Two processes
give the same bits whoever started them. One process adds the same gradients up in another order,
so it agrees to the rounding only; a network with batch norm would differ more, since each process
normalises its own part of a batch.

Needs the extra `ray`. Runs in `--out` go on where they stopped.
"""

# %% Settings
from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import torch

from convkit import Trainer, build, data
from convkit.errors import MissingExtraError
from convkit.training import Event, Run, read_run

PROCESSES, EPOCHS, QUICK_EPOCHS, TOLERANCE = 2, 5, 2, 1e-5
TABLE = "conv 16 k5 p2 relu, maxpool 2, conv 32 k5 p2 relu, maxpool 2, flatten, linear 10"


# %% The training: nothing in it knows who started the process
def train(directory: str, epochs: int, images: int, callbacks: tuple = ()) -> None:
    """Train and measure; the Trainer finds the other processes, and the first one writes."""
    torch.set_num_threads(1)  # sums are cut alike in every run
    sets = data.drawn_shapes(seed=0, train=images, validation=images // 4, test=images // 4)
    torch.manual_seed(0)
    model = build(TABLE, input_shape=(3, 32, 32))
    trainer = Trainer(
        model,
        optimizer="sgd",
        lr=0.1,
        momentum=0.9,
        scheduler="one_cycle",
        directory=directory,
        device="cpu",
        callbacks=callbacks,
    )
    trainer.fit(sets.train, sets.validation, epochs=epochs, batch_size=32, resume=True)
    trainer.evaluate(sets.test)


# %% Three ways to start it
def alone(directory: Path, epochs: int, images: int) -> Run:
    """In this process."""
    train(str(directory), epochs, images)
    return read_run(directory)


def under_torchrun(directory: Path, epochs: int, images: int) -> Run:
    """This script again, in two processes that torchrun starts."""
    agent = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    own = [__file__, "--inside", str(directory), str(epochs), str(images)]
    subprocess.run([*agent, f"--nproc-per-node={PROCESSES}", *own], check=True)  # noqa: S603 - ours
    return read_run(directory)


def in_ray(directory: Path, epochs: int, images: int) -> Run:
    """In two workers of Ray Train, which also hears of every validation."""
    try:
        import ray
        from ray.train import RunConfig, ScalingConfig, report
        from ray.train.torch import TorchTrainer
    except ImportError as error:
        raise MissingExtraError("Training in Ray workers", "ray", "ray") from error

    def tell(event: Event) -> None:
        if event.what == "validation":
            report({"validation_loss": event.history["validation_loss"][-1]})

    def work(settings: dict) -> None:
        train(**settings, callbacks=(tell,))

    ray.init(num_cpus=PROCESSES, include_dashboard=False, log_to_driver=False)
    try:
        settings = {"directory": str(directory), "epochs": epochs, "images": images}
        TorchTrainer(
            work,
            train_loop_config=settings,
            scaling_config=ScalingConfig(num_workers=PROCESSES),
            run_config=RunConfig(storage_path=str(directory.with_name("ray_storage"))),
        ).fit()
    finally:
        ray.shutdown()
    return read_run(directory)


# %% Are they the same?
def weights_of(run: Run) -> dict[str, torch.Tensor]:
    """The best weights of a run."""
    return torch.load(run.directory / "best.pt", weights_only=True)


def difference(one: Run, other: Run) -> float:
    """The greatest difference of any best weight or validation loss."""
    losses = zip(one.history["validation_loss"], other.history["validation_loss"], strict=True)
    ours, theirs = weights_of(one), weights_of(other)
    weights = [float((ours[name] - theirs[name]).abs().max()) for name in ours]
    return max([*weights, *(abs(a - b) for a, b in losses)])


def main() -> None:
    """Train three times and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/ray_train"))
    parser.add_argument("--quick", action="store_true", help="few images and epochs")
    parser.add_argument("--inside", nargs=3, help=argparse.SUPPRESS)  # what torchrun starts
    settings = parser.parse_args()
    if settings.inside:
        directory, epochs, images = settings.inside
        train(directory, int(epochs), int(images))
        return

    out, size = settings.out.resolve(), (QUICK_EPOCHS, 128) if settings.quick else (EPOCHS, 2000)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # two processes on processors, wherever this runs
    try:
        ray_run = in_ray(out / "ray", *size)
    except MissingExtraError as error:
        sys.exit(str(error))
    torchrun = under_torchrun(out / "torchrun", *size)
    one = alone(out / "one", *size)
    for name, run in {"one process": one, "torchrun": torchrun, "Ray": ray_run}.items():
        losses = ", ".join(f"{loss:.6f}" for loss in run.history["validation_loss"])
        accuracy = run.evaluations["test"]["accuracy"]
        print(f"{name}: validation losses {losses}; test accuracy {accuracy:.2%}")
    print(f"Ray beside torchrun: {difference(ray_run, torchrun):g}")
    print(f"Ray beside one process: {difference(ray_run, one):g}")
    if difference(ray_run, torchrun) != 0 or difference(ray_run, one) > TOLERANCE:
        sys.exit("the trainings differ")


if __name__ == "__main__":
    main()
