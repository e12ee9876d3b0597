"""Write the page that counts the courseworks' figures, from the pages that their scripts wrote.

    python examples/NAME.py --data ... --out runs/NAME --page docs/courseworks
    python docs/courseworks.py

The page is `docs/courseworks/index.md`.
"""

from __future__ import annotations

from pathlib import Path

from convkit import report

PAGES = Path(__file__).parent / "courseworks"
COURSEWORKS = {
    "comp5623_imagenet10_a": "from an over-fitting net to one of 36 million parameters",
    "tdt4265_cifar10": "convolution theory, networks on CIFAR-10, transfer",
    "tdt4265_cifar10_beyond": "the same networks: other seeds, ablations, better recipes",
    "comp5623_imagenet10_b": "a small net with dropout; what stop rules would have done",
    "in4310_intel_scenes": "ResNets of one's own on six scenes, AP and mAP, feature-map statistics",
    "mldl_caltech101": "AlexNet on Caltech-101, from scratch and pre-trained; a greedy search",
}
TOP = """# Courseworks

Five courseworks on image CNNs, each as one script on the public face of the library. Every script
sets the published figures beside the measured ones, and says of each:

- *exact*: follows from arithmetic, and came out;
- *reproduced*, *better*, *below*: within the band of the published figure, on its better side, or
  not;
- *void*: the published figure does not measure what it claims; what is meant is measured instead;
- *stand-in*: measured on other images or from other weights than the published figure, because
  those were not at hand: the task runs, agreement is not claimed;
- *not run*: the page says why.

"""
BOTTOM = """
What follows from arithmetic also runs alone, without images: `tdt4265_theory.py`,
`in4310_resnets.py`, `mldl_alexnet.py`. `pretrain.py` trains the weights that stand in for
ImageNet's.

The quick forms run every task in seconds on drawn figures and check every exact number; they are
part of continuous integration. Rows that start from ImageNet weights need those weights:
torchvision downloads them, or `--weights` names a local file, or the directory of another run.
"""


def main() -> None:
    """Write `index.md` from the pages that there are."""
    there = [name for name in COURSEWORKS if (PAGES / f"{name}.json").exists()]
    missing = [name for name in COURSEWORKS if name not in there]
    rows = [f"| `examples/{name}.py` | {topic} |" for name, topic in COURSEWORKS.items()]
    parts = [TOP, "| script | topic |\n| --- | --- |\n" + "\n".join(rows)]
    index = report.ReproductionIndex.read([PAGES / f"{name}.md" for name in there])
    parts += [f"\n\n## Counted\n\n{index.to_markdown(index.counts())}\n"] if there else []
    if missing:
        parts.append(f"\nNo full run yet: {', '.join(f'`{name}`' for name in missing)}.\n")
    parts.append(BOTTOM)
    parts += [f"\n## Every figure\n\n{index.to_markdown(index.figures())}\n"] if there else []
    (PAGES / "index.md").write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
