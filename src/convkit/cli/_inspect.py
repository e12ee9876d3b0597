"""`convkit explore`: filters beside the maps they make, as pictures, a table and a page."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit._files import replace_file
from convkit._tables import Table
from convkit.cli._terminal import show
from convkit.errors import RunError

if TYPE_CHECKING:
    from torch import nn

    from convkit.cli._arguments import Commands

MOST_FILTERS = 8  # shown of a layer when none are named


def add_commands(commands: Commands) -> None:
    """Add `explore`."""
    explore = commands.add_parser(
        "explore",
        help="filters beside the maps they make, of a run or a torchvision network",
        description="Pair the filters of conv layers with the maps they make of images.",
        epilog="example: convkit explore runs/first --image cat.jpg --layer conv1 --out filters/",
    )
    explore.add_argument("network", help="the directory of a run, or a name such as alexnet")
    explore.add_argument("--image", nargs="+", required=True, help="image files")
    explore.add_argument(
        "--layer",
        nargs="+",
        default=["early", "middle", "deep"],
        help="names, patterns with *, or early, middle, deep (default: those three)",
    )
    explore.add_argument(
        "--filters", type=_indices, help=f"such as 0,14,26 (default: the first {MOST_FILTERS})"
    )
    explore.add_argument("--weights", help="a local file of weights for a torchvision network")
    explore.add_argument("--out", required=True, help="the folder for pictures and page")
    explore.set_defaults(run=_explore)


def _indices(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and len(part) < 7 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of filters; write it as 0,14,26")
    return [int(part) for part in parts]


def _explore(arguments: argparse.Namespace) -> int:
    from convkit.features import FilterFeatureExtractor

    model, preprocessing = _network(arguments)
    out = Path(arguments.out)
    rows: list[tuple[str | int, ...]] = []
    with FilterFeatureExtractor(model, preprocessing=preprocessing) as extractor:
        pairs = extractor.extract(arguments.image, layers=arguments.layer)
        for name, layer in pairs.items():
            chosen = arguments.filters or list(range(min(len(layer), MOST_FILTERS)))
            picture = io.BytesIO()
            layer.plot(channels=chosen).savefig(picture, format="png", dpi=120)
            replace_file(out / f"{name}.png", picture.getvalue())
            rows += [_row(name, layer[index]) for index in chosen]
        page = extractor.write_page(
            out / "explore.html",
            arguments.image,
            layers=list(pairs),
            filters=arguments.filters or MOST_FILTERS,
            names=[Path(image).name for image in arguments.image],
        )
    header = ("layer", "filter", "what it is", "map not positive", "recomputed")
    show(Table(header, tuple(rows)))
    print(page)
    return 0


def _row(name: str, pair: Any) -> tuple[str | int, ...]:
    """One pair: its filter read, its map measured, and whether they belong together."""
    share = f"{100 * pair.share_non_positive:.1f} %"
    same = "the same map" if pair.verify() else "ANOTHER MAP"
    return (name, pair.index, pair.describe().sentence, share, same)


def _network(arguments: argparse.Namespace) -> tuple[nn.Module, Any]:
    """The network of a run directory, or torchvision's of that name, with its preprocessing."""
    if Path(arguments.network).is_dir():
        from convkit.training import Trainer

        trainer = Trainer.load(arguments.network)
        return trainer.model, trainer.preprocessing
    if len(Path(arguments.network).parts) > 1:  # a path: no network's name has several parts
        raise RunError(
            f"there is no folder {arguments.network}; explore takes the directory of a run, "
            "or the name of a torchvision network such as alexnet"
        )

    from convkit.training import transfer

    return transfer.pretrained(arguments.network, weights=arguments.weights)
