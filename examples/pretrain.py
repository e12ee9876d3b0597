"""Train a network of the zoo on a folder of images, for `--weights` of the courseworks.

    python examples/pretrain.py --network resnet18 --data imagenette --out runs/resnet18 --size 80
    python examples/pretrain.py --network alexnet --data imagenette --out runs/alexnet --lr 1e-4

It stands in for weights that cannot be downloaded. The folder holds `train/CLASS/*` and
`val/CLASS/*`; the run's directory is what `--weights` takes. Images are normalised with
ImageNet's mean and deviation, as torchvision's weights want them. `--quick` trains for seconds on
drawn figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from convkit import EarlyStopping, Trainer, data
from convkit.architecture import zoo


def main() -> None:
    """Train until the last epoch, and keep the weights that are best on validation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=("alexnet", "resnet18"), default="resnet18")
    parser.add_argument("--data", type=Path, default=Path("imagenette"))
    parser.add_argument("--out", type=Path, default=Path("runs/pretrain"))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    settings = parser.parse_args()

    if settings.quick:
        settings.epochs = 1
        sets = data.drawn_shapes(train=128, validation=64, test=0)
    else:
        imagenet = {"mean": data.IMAGENET_MEAN, "std": data.IMAGENET_STD}
        sets = data.image_folder(settings.data, settings.size, **imagenet)
    torch.manual_seed(settings.seed)
    network = getattr(zoo, settings.network)(len(sets.class_names))
    trainer = Trainer(
        network.build(tuple(sets.train.images.shape[1:])),
        optimizer="adam",
        lr=settings.lr,
        early_stopping=EarlyStopping(None, smoothing=None, monitor="validation_accuracy"),
        directory=settings.out,
        seed=settings.seed,
        precision=settings.precision,
    )
    batches = data.batches(
        sets.train, settings.batch_size, augment=[data.HorizontalFlip()], seed=settings.seed
    )
    trainer.fit(batches, sets.validation, epochs=settings.epochs, resume=True)
    print(trainer.evaluate(sets.validation), settings.out, sep="\n")


if __name__ == "__main__":
    main()
