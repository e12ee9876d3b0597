"""The data cards of real sets, as Markdown.

Run `python benchmarks/data_cards.py DIR`, where DIR holds `cifar10` and `caltech101` (as unpacked
or as torchvision lays them out) and any other folders of images.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from convkit import data

_MOST_CLASSES = 12


def card(sets: data.Sets, title: str) -> str:
    """One card: totals or counts, then the findings."""
    values = sets.card()
    lines = [f"### {title}", ""]
    if len(values.class_names) <= _MOST_CLASSES:
        lines += [values.table().to_markdown().split("\n\n")[0], ""]
    else:
        totals = ", ".join(f"{split} {count:,}" for split, count in values.totals.items())
        lines += [f"{len(values.class_names)} classes; {totals}.", ""]
    return "\n".join([*lines, *(f"- {finding}" for finding in values.findings()), ""])


def main(arguments: list[str] | None = None) -> None:
    """Print the cards of what is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    root = parser.parse_args(arguments).directory
    if (root / "cifar10").is_dir():
        print(card(data.cifar10(root, download=False), "CIFAR-10"))
    if (root / "caltech101").is_dir():
        print(card(data.caltech101(root, size=64, download=False), "Caltech-101"))
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and folder.name not in {"cifar10", "caltech101"}:
            print(card(data.image_folder(folder, size=64), folder.name))


if __name__ == "__main__":
    main()
