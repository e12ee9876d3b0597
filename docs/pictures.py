"""Draw the pictures of the documentation, from a run made here and now.

    python docs/pictures.py            trains to the end: what the README shows
    python docs/pictures.py --quick    two epochs: enough to see that every picture can be drawn

Pictures go into `docs/pictures/`.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image

from convkit import (
    Architecture,
    EarlyStopping,
    FilterFeatureExtractor,
    Trainer,
    data,
    metrics,
    plots,
)

PICTURES = Path(__file__).parent / "pictures"
TABLE = (
    "conv 16 k3 p1 relu, maxpool 2, conv 32 k3 p1 relu, maxpool 2, "
    "conv 64 k3 p1 relu, maxpool 2, flatten, linear 64 relu, linear 10"
)
GAP = 16  # pixels between the parts of the tour


def main() -> None:
    """Train the README's network on drawn figures and draw what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick

    torch.manual_seed(0)
    architecture = Architecture.parse(TABLE)
    sets = data.drawn_shapes(seed=0)
    with tempfile.TemporaryDirectory() as directory:
        trainer = Trainer(
            architecture.build((3, 32, 32)),
            optimizer="adamw",
            lr=2e-3,
            early_stopping=EarlyStopping(patience=3, smoothing=0.5),
            directory=directory,
            seed=0,
        )
        batches = data.batches(sets.train, batch_size=64, augment=[data.HorizontalFlip()], seed=0)
        history = trainer.fit(batches, sets.validation, epochs=2 if quick else 20)
        result = trainer.evaluate(sets.test)
    images = next(iter(data.batches(sets.test, batch_size=8, shuffle=False)))[0]
    with FilterFeatureExtractor(trainer.model) as extractor:
        pairs = extractor.extract(images, layers=["conv1"])

    figures = {
        "architecture": plots.architecture(architecture, (3, 32, 32)),
        "curves": plots.curves(history),
        "confusion": result.confusion.plot(),
        "confusion_101": _many_classes().plot(normalize="truth"),
        "pairs": pairs["conv1"].plot(channels=range(8)),
        "data": sets.plot(),
    }
    PICTURES.mkdir(exist_ok=True)
    drawn = {name: _save(figure, PICTURES / f"{name}.png") for name, figure in figures.items()}
    _tour(drawn).save(PICTURES / "tour.png", optimize=True)
    print(f"{len(figures) + 1} pictures in {PICTURES}")


def _many_classes() -> metrics.ConfusionMatrix:
    """A made matrix of 101 classes: four in five right, the rest taken for a neighbour."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(101).repeat_interleave(30)
    wrong = torch.rand(len(truth), generator=generator) < 0.2
    step = torch.randint(1, 4, truth.shape, generator=generator)
    matrix = metrics.ConfusionMatrix([f"class {k:03d}" for k in range(101)])
    matrix.update(torch.where(wrong, (truth + step) % 101, truth), truth)
    return matrix


def _save(figure: Figure, path: Path) -> Image.Image:
    """Write a figure and return it as an image."""
    output = io.BytesIO()
    figure.savefig(output, format="png", dpi=90)
    path.write_bytes(output.getvalue())
    return Image.open(output).convert("RGB")


def _tour(drawn: dict[str, Image.Image]) -> Image.Image:
    """The network above; curves and confusion matrix, then the pairs, below."""
    width = drawn["architecture"].width
    halves = [_fit(drawn[name], (width - GAP) // 2) for name in ("curves", "confusion")]
    pairs = _fit(drawn["pairs"], width)
    middle = max(half.height for half in halves)
    height = drawn["architecture"].height + middle + pairs.height + 2 * GAP
    sheet = Image.new("RGB", (width, height), "white")
    sheet.paste(drawn["architecture"], (0, 0))
    top = drawn["architecture"].height + GAP
    for half, left in zip(halves, (0, width - halves[1].width), strict=True):
        sheet.paste(half, (left, top + (middle - half.height) // 2))
    sheet.paste(pairs, (0, top + middle + GAP))
    return sheet


def _fit(image: Image.Image, width: int) -> Image.Image:
    """The image at another width, its proportions kept."""
    height = round(image.height * width / image.width)
    return image.resize((width, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
